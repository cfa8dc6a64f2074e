"""CombinedDataset: what an index gives, what fits together, and who is told the epoch.

Reference row 3A-9 (no figures per source, no overlap check of training and validation) is no fault of an item: every
item carries ``source``, from which the figures are made elsewhere.
"""

from __future__ import annotations

import copy
import logging
import multiprocessing
import pickle
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmcv.transforms import RandomChoice
from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader

from mmpose_mix.datasets import CombinedDataset, DrawIndex, MultiSourceSampler
from mmpose_mix.datasets.epochs import SharedEpoch, changes_with_epoch, tell_epoch
from mmpose_mix.registry import DATASETS
from mmpose_mix.transforms.converting import KeypointConverter
from tests.datasets.mixture_parts import AIC, COCO, COCO_AIC, DrawnPersons, DropId, listed

COCO_TO_MIX = KeypointConverter(19, [(i, i) for i in range(17)])
AIC_PAIRS = [(0, 6), (1, 8), (2, 10), (3, 5), (4, 7), (5, 9), (6, 12), (7, 14), (8, 16), (9, 11), (10, 13), (11, 15)]
AIC_TO_MIX = KeypointConverter(19, [*AIC_PAIRS, (12, 17), (13, 18)])


def mixture(*sizes: int, **options) -> CombinedDataset:
    sources = [listed(f"source{place}", size) for place, size in enumerate(sizes)]
    return CombinedDataset(COCO, sources, **options)


def coco_and_aic(**options) -> CombinedDataset:
    return CombinedDataset(
        COCO_AIC,
        [DrawnPersons(4, COCO, pipeline=[COCO_TO_MIX]), DrawnPersons(3, AIC, pipeline=[AIC_TO_MIX])],
        **options,
    )


def ids_of(dataset) -> list[tuple[int, int]]:
    return [(item["source"], item["id"]) for item in (dataset[index] for index in range(len(dataset)))]


class TestItems:
    def test_sources_lie_one_after_another(self):
        dataset = mixture(2, 0, 3)
        assert len(dataset) == 5
        assert dataset.lens == [2, 0, 3]
        assert ids_of(dataset) == [(0, 0), (0, 1), (2, 0), (2, 1), (2, 2)]
        assert [dataset.get_subset_index(index) for index in range(5)] == ids_of(dataset)

    def test_an_item_carries_the_keypoint_set_of_the_mixture_and_the_name_of_its_source(self):
        item = coco_and_aic()[5]
        assert item["keypoints"].shape == (1, 19, 2)
        assert item["keypoints_visible"].shape == (1, 19, 2)
        assert (item["source"], item["id"], item["dataset_name"]) == (1, 1, "aic")
        assert len(item["flip_indices"]) == len(item["dataset_keypoint_weights"]) == 19
        assert {"upper_body_ids", "lower_body_ids", "flip_pairs"} <= set(item)

    def test_links_are_those_of_the_mixture(self):
        """Reference row 3A-7."""
        dataset = coco_and_aic()
        for index in (0, 6):
            assert list(dataset[index]["skeleton_links"]) == dataset.metainfo["skeleton_links"]

    def test_metainfo_is_shared_and_not_copied_into_every_item(self):
        """Reference row 3A-10."""
        dataset = coco_and_aic()
        first, last = dataset[0], dataset[-1]
        for key in ("flip_indices", "flip_pairs", "skeleton_links", "dataset_keypoint_weights", "upper_body_ids"):
            assert first[key] is last[key]
        assert not first["dataset_keypoint_weights"].flags.writeable

    def test_a_sample_without_a_known_visible_keypoint_is_kept_with_weight_zero(self):
        """Reference row 3A-6: MMPose keeps it as well."""
        source = DrawnPersons(2, AIC, pipeline=[KeypointConverter(17, [])])
        dataset = CombinedDataset(COCO, [source])
        assert len(dataset) == 2
        assert not dataset[0]["keypoints_visible"].any()

    def test_the_pipeline_of_the_mixture_sees_the_final_item(self):
        dataset = mixture(1, 1, pipeline=[lambda item: (item["source"], len(item["flip_indices"]))])
        assert [dataset[0], dataset[1]] == [(0, 17), (1, 17)]

    def test_the_item_of_the_source_is_left_as_it_is(self):
        source = [{"id": 0, "flip_indices": [1, 0], "dataset": "the source itself"}]
        item = CombinedDataset(COCO, [source])[0]
        assert "dataset" not in item
        assert source == [{"id": 0, "flip_indices": [1, 0], "dataset": "the source itself"}]

    def test_negative_indices_count_from_the_end(self):
        dataset = mixture(2, 3)
        assert [dataset[i - 5]["id"] for i in range(5)] == [dataset[i]["id"] for i in range(5)]
        assert dataset[np.int64(-1)]["id"] == 2

    @pytest.mark.parametrize("index", [5, -6, 10**9])
    def test_an_index_outside_is_refused(self, index):
        dataset = mixture(2, 3)
        for access in (dataset.__getitem__, dataset.get_subset_index, dataset.get_data_info):
            with pytest.raises(IndexError, match=rf"index {index} is outside of 5 items .* -5..4 are allowed"):
                access(index)

    def test_iterating_ends_at_the_end(self):
        assert len(list(mixture(2, 3))) == 5

    @settings(max_examples=50, deadline=None)
    @given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=6).filter(any))
    def test_every_index_agrees_with_counting(self, sizes):
        dataset = mixture(*sizes)
        expected = [(source, local) for source, size in enumerate(sizes) for local in range(size)]
        assert [dataset.get_subset_index(index) for index in range(len(dataset))] == expected

    def test_what_is_no_dict_is_refused_with_its_source(self):
        dataset = CombinedDataset(COCO, [listed("a", 1), [(1, 2)]])
        with pytest.raises(TypeError, match=r"datasets\[1\] \(list\): item 0 is a tuple, but must be a dict"):
            dataset[1]


class TestResampling:
    def test_an_epoch_is_as_long_as_in_mmpose(self):
        assert mixture(10, 5, 7, sample_ratio_factor=[0.3, 0.5, 2]).lens == [3, 2, 14]

    def test_half_a_source_comes_once_in_two_epochs_and_the_rest_in_its_own_order(self):
        """Reference rows 3A-3 and 3A-4: a factor says how much of a source an epoch holds, evenly."""
        dataset = mixture(4, 10, 3, sample_ratio_factor=[1, 0.5, 2])
        seen = Counter()
        for epoch in range(2):
            dataset.set_epoch(epoch)
            items = ids_of(dataset)
            assert items[:4] == [(0, 0), (0, 1), (0, 2), (0, 3)]
            assert items[9:] == [(2, 0), (2, 1), (2, 2)] * 2
            seen.update(items[4:9])
        assert seen == Counter({(1, number): 1 for number in range(10)})

    def test_an_index_gives_the_same_sample_every_time_whatever_the_global_generator_does(self):
        """Reference row 3A-3: MMPose draws the sample at every access."""
        dataset = mixture(50, 50, sample_ratio_factor=[0.3, 0.3])
        np.random.seed(0)
        first = ids_of(dataset)
        np.random.seed(1)
        assert [dataset[index]["id"] for index in reversed(range(30))] == [number for _, number in reversed(first)]
        assert ids_of(mixture(50, 50, sample_ratio_factor=[0.3, 0.3])) == first

    def test_epochs_seeds_and_sources_choose_differently(self):
        def chosen(epoch, seed, source):
            dataset = mixture(100, 100, sample_ratio_factor=[0.3, 0.3], seed=seed)
            dataset.set_epoch(epoch)
            return tuple(number for place, number in ids_of(dataset) if place == source)

        choices = {chosen(epoch, seed, source) for epoch in (0, 1) for seed in (0, 1) for source in (0, 1)}
        assert len(choices) == 8

    @pytest.mark.parametrize(
        ("words", "lens"),
        [
            ({"list[1]": 0.5, "list[0]": 2}, [200, 150]),
            ("size", [100, 300]),
            ("equal", [200, 200]),
            ({"temperature": 1}, [100, 300]),
            ({"temperature": 1, "cap": 200}, [133, 267]),
            ({"temperature": 2, "cap": 1}, [200, 200]),
        ],
    )
    def test_factors_can_be_given_in_the_words_of_a_ratio(self, words, lens):
        dataset = mixture(100, 300, sample_ratio_factor=words)
        assert dataset.lens == lens
        assert dataset.sample_ratio_factor == words

    def test_names_in_the_factors_are_those_of_the_sources(self):
        sources = [DrawnPersons(4, COCO, pipeline=[COCO_TO_MIX]), DrawnPersons(6, AIC, pipeline=[AIC_TO_MIX])]
        assert CombinedDataset(COCO_AIC, sources, sample_ratio_factor={"aic": 0.5, "coco": 1}).lens == [4, 3]
        words = "sample_ratio_factor: no source is called 'aci' .did you mean 'aic'.*The sources are 'coco', 'aic'"
        with pytest.raises(ValueError, match=rf"^CombinedDataset\.{words}"):
            CombinedDataset(COCO_AIC, sources, sample_ratio_factor={"aci": 0.5, "coco": 1})

    def test_only_factors_that_split_a_pass_need_the_epoch(self):
        assert not mixture(4, 4).changes_with_epoch
        assert not mixture(4, 4, sample_ratio_factor=[1, 3.0]).changes_with_epoch
        assert not mixture(4, 4, sample_ratio_factor=[0, 1]).changes_with_epoch
        assert mixture(4, 4, sample_ratio_factor=[0.5, 1]).changes_with_epoch
        inner = mixture(4, sample_ratio_factor=[0.5])
        assert changes_with_epoch(CombinedDataset(COCO, [RepeatDataset(inner, 2)]))

    @pytest.mark.parametrize(
        ("factors", "words"),
        [
            ([0, 0], "no sample: the sources hold"),
            ([1], "1 entries for 2 sources"),
            ([-1, 1], r"sample_ratio_factor\[0\]=-1"),
            ([1, float("inf")], r"sample_ratio_factor\[1\]=inf"),
        ],
    )
    def test_bad_factors_are_refused(self, factors, words):
        with pytest.raises(ValueError, match=words):
            mixture(4, 4, sample_ratio_factor=factors)


class ToldWalks(DrawnPersons):
    """Items that say by what index they were asked for."""

    def get_data_info(self, idx: int) -> dict[str, Any]:
        marks = getattr(idx, "key", None), getattr(idx, "pass_number", None)
        return {**super().get_data_info(int(idx)), "told": (type(idx), *marks)}


def walks_told(source, slots: int, passes: int, **options) -> list[tuple[int, int]]:
    """For each slot of each pass over a mixture of one source: the sample, and which walk the source was told."""
    dataset = CombinedDataset(COCO, [listed("a", 1), source], **options)
    indices = [DrawIndex(1 + slot, key=5, pass_number=number) for number in range(passes) for slot in range(slots)]
    items = [dataset[index] for index in indices]
    assert all(item["told"][:2] == (DrawIndex, None) for item in items)
    return [(item["id"], item["told"][2]) for item in items]


class TestPasses:
    """The number of a pass, where an index has one, stands in the place of the epoch."""

    def test_a_pass_gives_the_samples_of_the_epoch_of_its_number(self):
        dataset = mixture(4, 10, 3, sample_ratio_factor=[1, 0.5, 2])
        for number in range(5):
            told = [dataset.get_subset_index(DrawIndex(index, pass_number=number)) for index in range(len(dataset))]
            items = [dataset[DrawIndex(index - len(dataset), pass_number=number)] for index in range(len(dataset))]
            dataset.set_epoch(number)
            assert told == ids_of(dataset) == [(item["source"], item["id"]) for item in items]
            dataset.set_epoch(0)

    @settings(max_examples=60, deadline=None)
    @given(
        length=st.integers(1, 12),
        factors=st.tuples(*[st.sampled_from([0.3, 0.5, 0.75, 1, 1.4, 2])] * 2),
        passes=st.integers(1, 12),
        data=st.data(),
    )
    def test_all_samples_come_equally_often_after_any_number_of_passes(self, length, factors, passes, data):
        """Also of a mixture in a mixture, where the outer one takes all of it."""
        plain = mixture(length, sample_ratio_factor=[max(factors[0], 1 / length)])
        nested = CombinedDataset(COCO, [plain], sample_ratio_factor=[1 + round(factors[1])])
        for dataset in (plain, nested):
            dataset.set_epoch(data.draw(st.integers(0, 3)))
            pairs = [(index, number) for number in range(passes) for index in range(len(dataset))]
            seen = Counter(dataset[DrawIndex(index, pass_number=number)]["id"] for index, number in pairs)
            counts = [seen[sample] for sample in range(length)]
            assert max(counts) - min(counts) <= 1

    @settings(max_examples=30, deadline=None)
    @given(
        lengths=st.tuples(st.integers(2, 30), st.integers(2, 30)),
        factors=st.tuples(*[st.sampled_from([0.3, 0.5, 0.7, 1, 1.3, 2])] * 2),
        ratio=st.tuples(st.integers(1, 5), st.integers(1, 5)),
        batch_size=st.integers(1, 8),
    )
    def test_all_samples_come_equally_often_after_every_pass_of_a_sampler(self, lengths, factors, ratio, batch_size):
        """Though its passes end anywhere in an epoch."""
        dataset = mixture(*lengths, sample_ratio_factor=factors)
        sampler = MultiSourceSampler(dataset, batch_size, ratio, seed=3)
        drawn: list[list[int]] = [[], []]
        for epoch in range(8):
            sampler.set_epoch(epoch)
            for index in sampler:
                item = dataset[index]
                drawn[item["source"]].append(item["id"])
        for numbers, length, slots in zip(drawn, lengths, dataset.lens):
            for end in range(slots, len(numbers) + 1, slots):
                counts = np.bincount(numbers[:end], minlength=length)
                assert counts.max() - counts.min() <= 1

    def test_a_source_is_told_how_often_it_was_walked_over(self):
        told = walks_told(ToldWalks(3, COCO), slots=6, passes=2, sample_ratio_factor=[1, 2])
        assert told == [(number % 3, number // 3) for number in range(12)]
        told = walks_told(ToldWalks(4, COCO), slots=2, passes=4, sample_ratio_factor=[1, 0.5])
        assert [walk for _, walk in told] == [0, 0, 0, 0, 1, 1, 1, 1]
        told = walks_told(ToldWalks(3, COCO), slots=3, passes=2)
        assert told == [(number % 3, number // 3) for number in range(6)]

    def test_each_repeat_is_one_more_walk(self):
        told = walks_told(RepeatDataset(ToldWalks(2, COCO), 3), slots=6, passes=2)
        assert told == [(number % 2, number // 2) for number in range(12)]

    def test_what_takes_the_place_of_a_dropped_item_is_of_the_same_pass(self):
        dataset = CombinedDataset(COCO, [ToldWalks(4, COCO)], [DropId(1)])
        item = dataset[DrawIndex(1, pass_number=3)]
        assert (item["id"], item["told"]) == (2, (DrawIndex, None, 3))
        assert dataset.get_data_info(DrawIndex(1, key=5, pass_number=3))["told"] == (DrawIndex, None, 3)

    def test_a_plain_index_tells_nothing(self):
        dataset = CombinedDataset(COCO, [RepeatDataset(ToldWalks(4, COCO), 2)])
        for index in (5, DrawIndex(5, key=3)):
            assert dataset[index]["told"] == (int, None, None)


class TestNames:
    def test_a_source_is_called_by_the_name_of_its_data_set_or_its_class(self):
        sources = [DrawnPersons(1, AIC, pipeline=[AIC_TO_MIX]), listed("a", 1), mixture(2, pipeline=[COCO_TO_MIX])]
        assert CombinedDataset(COCO_AIC, sources).source_names == ["aic", "list", "coco"]

    def test_equal_names_are_numbered(self):
        sources = [DrawnPersons(1, COCO), listed("a", 1), RepeatDataset(DrawnPersons(1, COCO), 2), listed("b", 1)]
        assert CombinedDataset(COCO, sources).source_names == ["coco[0]", "list[0]", "coco[1]", "list[1]"]


class TestDroppedItems:
    def test_in_training_the_next_item_of_the_same_source_comes(self):
        dataset = mixture(2, 3, pipeline=[DropId(1)])
        assert ids_of(dataset) == [(0, 0), (0, 0), (1, 0), (1, 2), (1, 2)]

    def test_an_item_that_the_source_drops_is_passed_over_as_well(self):
        source = [{"id": 0}, None, {"id": 2}]
        assert CombinedDataset(COCO, [source])[1]["id"] == 2

    @pytest.mark.parametrize("wrap", [lambda dataset: dataset, lambda dataset: RepeatDataset(dataset, 2)])
    def test_what_takes_the_place_of_an_item_that_a_source_drops_is_not_drawn(self, wrap):
        """MMEngine's data sets draw it from the global generator."""
        source = wrap(DrawnPersons(9, COCO, pipeline=[DropId(4)]))
        dataset = CombinedDataset(COCO, [listed("a", 1), source])
        for seed in range(3):
            np.random.seed(seed)
            assert dataset[5]["id"] == 5

    def test_in_test_mode_a_dropped_item_is_an_error(self):
        dataset = mixture(2, 3, pipeline=[DropId(1)], test_mode=True)
        with pytest.raises(RuntimeError, match=r"datasets\[1\] \(list\): .* item 1 on, and test_mode allows none"):
            dataset[3]

    def test_giving_up_says_where(self):
        dataset = mixture(2, 1, pipeline=[DropId(0)], max_refetch=3)
        with pytest.raises(RuntimeError, match=r"datasets\[1\].*4 of 4 items.*max_refetch=3"):
            dataset[2]


class TestNesting:
    def test_the_outermost_mixture_says_keypoint_set_and_source(self):
        inner = CombinedDataset(COCO, [DrawnPersons(2, COCO), DrawnPersons(2, COCO)], pipeline=[COCO_TO_MIX])
        outer = CombinedDataset(COCO_AIC, [DrawnPersons(1, AIC, pipeline=[AIC_TO_MIX]), inner])
        assert ids_of(outer) == [(0, 0), (1, 0), (1, 1), (1, 0), (1, 1)]
        assert outer[1]["keypoints"].shape == (1, 19, 2)
        assert len(outer[1]["flip_indices"]) == 19
        assert outer[1]["dataset_name"] == "coco"

    def test_wrappers_of_mmengine_go_inside_and_outside(self):
        built = DrawnPersons(2, COCO)
        inside = CombinedDataset(COCO, [RepeatDataset(built, 3), ConcatDataset([built, built])])
        assert ids_of(inside) == [(0, 0), (0, 1)] * 3 + [(1, 0), (1, 1)] * 2
        assert len(RepeatDataset(inside, 2)) == 20
        assert RepeatDataset(inside, 2)[12]["id"] == inside[2]["id"]
        assert len(ConcatDataset([inside, inside])) == 20
        assert ConcatDataset([inside, inside])[-1]["source"] == 1

    def test_configs_build_bare_names_in_this_scope_and_prefixed_ones_anywhere(self):
        source = {"type": "DrawnPersons", "size": 2, "keypoints": COCO}
        repeated = {"type": "RepeatDataset", "times": 3, "dataset": source}
        config = {"type": "CombinedDataset", "metainfo": COCO, "datasets": [source, repeated]}
        with DefaultScope.overwrite_default_scope("mmpose_mix"):
            assert len(ROOT_DATASETS.build(config)) == 8
        prefixed = {**source, "type": "mmpose_mix.DrawnPersons"}
        assert len(ROOT_DATASETS.build({**config, "datasets": [prefixed]})) == 2
        assert ROOT_DATASETS.get("CombinedDataset") is CombinedDataset
        assert DATASETS.get("CombinedDataset") is CombinedDataset

    def test_the_epoch_reaches_every_mixture_through_wrappers(self):
        deep = mixture(4, sample_ratio_factor=[0.5])
        middle = CombinedDataset(COCO, [RepeatDataset(deep, 2), listed("a", 2)])
        outer = CombinedDataset(COCO, [ConcatDataset([middle, middle])])
        outer.set_epoch(7)
        assert (outer.epoch, middle.epoch, deep.epoch) == (7, 7, 7)
        tell_epoch(RepeatDataset(outer, 2), 8)
        assert deep.epoch == 8


class TestFit:
    """Reference row 3A-5: MMPose finds out when a batch is stacked or an image flipped."""

    def refusal(self, sources, metainfo=COCO_AIC, **options) -> str:
        with pytest.raises(ValueError, match="CombinedDataset") as caught:
            CombinedDataset(metainfo, sources, **options)
        return str(caught.value)

    def test_a_forgotten_converter_is_named_with_the_remedy(self):
        fits = DrawnPersons(2, COCO, pipeline=[COCO_TO_MIX])
        assert self.refusal([fits, DrawnPersons(2, AIC)]) == (
            "CombinedDataset.datasets[1] (DrawnPersons): delivers 14 keypoints, but the metainfo of the mixture "
            "('coco_aic') has 19. Let a KeypointConverter with num_keypoints=19 end its conversion, "
            "or change that metainfo."
        )

    def test_all_sources_that_do_not_fit_stand_in_one_error(self):
        repeated = RepeatDataset(DrawnPersons(2, AIC), 2)
        nested = CombinedDataset(COCO, [DrawnPersons(2, COCO)])
        lines = self.refusal([repeated, nested, DrawnPersons(1, COCO, pipeline=[COCO_TO_MIX])]).splitlines()
        assert len(lines) == 2
        assert lines[0].startswith("CombinedDataset.datasets[0] (RepeatDataset of DrawnPersons): delivers 14 keypoints")
        assert lines[1].startswith("CombinedDataset.datasets[1] (CombinedDataset): delivers 17 keypoints")

    def test_a_converter_to_another_keypoint_set_is_found(self):
        source = DrawnPersons(2, COCO, pipeline=[KeypointConverter(19, [(0, 0)])])
        assert "delivers 19 keypoints, but the metainfo of the mixture ('coco') has 17" in self.refusal([source], COCO)

    def test_a_mapping_that_reads_beyond_its_source_is_found(self):
        """A table that was made for another data set."""
        source = DrawnPersons(2, AIC, pipeline=[KeypointConverter(19, [(0, 0), (16, 16), ((13, 14), 17)])])
        words = self.refusal([source])
        assert "datasets[0] (DrawnPersons): the mapping of its KeypointConverter reads source keypoints 14, 16" in words
        assert "but 14 arrive there, which allows 0..13" in words

    def test_converters_are_followed_one_after_another(self):
        chain = [KeypointConverter(17, [(13, 0)]), KeypointConverter(19, [(16, 18)])]
        assert len(CombinedDataset(COCO_AIC, [DrawnPersons(2, AIC, pipeline=chain)])) == 2
        assert "reads source keypoints 16" in self.refusal([DrawnPersons(2, AIC, pipeline=chain[::-1])])

    def test_a_converter_in_the_pipeline_of_the_mixture_is_followed_as_well(self):
        words = self.refusal([listed("a", 1)], COCO, pipeline=[KeypointConverter(19, [(17, 17)])])
        assert words.startswith(
            "CombinedDataset.pipeline: the mapping of its KeypointConverter reads source keypoints 17"
        )

    def test_a_source_that_tells_nothing_is_taken_on_trust(self):
        chosen = RandomChoice([[COCO_TO_MIX], [COCO_TO_MIX]])
        sources = [listed("a", 2), DrawnPersons(2, COCO, pipeline=[chosen])]
        assert len(CombinedDataset(COCO_AIC, sources)) == 4


class TestArguments:
    def test_what_belongs_to_the_sources_is_refused_with_words(self):
        """Reference row 3A-1: MMPose takes and ignores these."""
        with pytest.raises(TypeError, match=r"indices, filter_cfg would select nothing here.*Give it to the sources"):
            mixture(2, indices=2, filter_cfg={})

    def test_an_unknown_argument_is_refused_with_the_known_ones(self):
        with pytest.raises(
            TypeError, match="unknown sample_ratio; allowed are metainfo, datasets, pipeline, sample_ratio_f"
        ):
            mixture(2, sample_ratio=[1])

    def test_factors_that_are_none_are_named_with_the_place(self):
        with pytest.raises(ValueError, match=r"^CombinedDataset\.sample_ratio_factor has 1 entries for 2 sources"):
            mixture(2, 3, sample_ratio_factor=[1])
        with pytest.raises(ValueError, match=r"^CombinedDataset\.sample_ratio_factor\[1\]=-1: every factor"):
            mixture(2, 3, sample_ratio_factor=[1, -1])

    def test_wrong_numbers_are_refused_together(self):
        with pytest.raises(TypeError) as caught:
            mixture(2, sample_ratio_factor=0.5, seed="one", max_refetch=-1)
        assert str(caught.value) == (
            "CombinedDataset: sample_ratio_factor=0.5; give 'size', 'equal', one number for each source, a dict by "
            "source name, or dict(temperature=T, cap=N); seed='one'; give an integer; max_refetch=-1; give an integer "
            "from 0."
        )

    def test_balancing_by_classes_is_refused_with_words(self):
        with pytest.raises(TypeError, match=r"ClassBalancedDataset.*Wrap the sources"):
            ClassBalancedDataset(mixture(2), oversample_thr=0.1)

    @pytest.mark.parametrize(
        ("scope", "options", "warned"),
        [
            ("mmpose", {"sample_ratio_factor": [0.5]}, True),
            ("mmpose_mix", {"sample_ratio_factor": [0.5]}, False),
            ("mmpose", {"sample_ratio_factor": [2]}, False),
            ("mmpose", {"sample_ratio_factor": [0.5], "test_mode": True}, False),
        ],
    )
    def test_a_scope_whose_runner_says_no_epoch_is_warned_of(self, scope, options, warned, monkeypatch):
        lines = []
        monkeypatch.setattr("mmpose_mix.datasets.combined.print_log", lambda text, **how: lines.append((text, how)))
        with DefaultScope.overwrite_default_scope(scope):
            mixture(20, **options)
        assert len(lines) == warned
        for text, how in lines:
            assert "epoch 0 comes for ever" in text
            assert "custom_hooks=[dict(type='mmpose_mix.MixtureEpochHook')]" in text
            assert how["level"] == logging.WARNING

    def test_subsets_are_refused_with_words(self):
        """Reference row 3A-1."""
        dataset = mixture(4)
        for access in (dataset.get_subset, dataset.get_subset_):
            with pytest.raises(TypeError, match=r"no subsets of its own. Take them from the sources: indices="):
                access(2)

    @pytest.mark.parametrize("datasets", [{}, "coco", None])
    def test_sources_that_are_no_list_are_refused(self, datasets):
        with pytest.raises(TypeError, match="datasets must be a list of data sets"):
            CombinedDataset(COCO, datasets)

    def test_a_source_that_is_no_data_set_is_refused(self):
        with pytest.raises(
            TypeError, match=r"datasets\[0\]=3, datasets\[2\]='coco': each must be a config dict or a data"
        ):
            CombinedDataset(COCO, [3, listed("a", 1), "coco"])

    def test_no_source_is_refused(self):
        with pytest.raises(ValueError, match="has no source"):
            CombinedDataset(COCO, [])

    def test_no_sample_is_refused(self):
        with pytest.raises(ValueError, match="no sample"):
            mixture(0, 0)

    def test_lazy_means_that_nothing_is_built(self):
        """Reference row 3A-2: MMPose loads every source all the same."""
        before = DrawnPersons.built
        config = {"type": "mmpose_mix.DrawnPersons", "size": 3, "keypoints": COCO}
        dataset = CombinedDataset(COCO, [config, config], lazy_init=True)
        assert dataset.metainfo["num_keypoints"] == 17
        dataset.set_epoch(3)
        assert DrawnPersons.built == before
        assert len(dataset) == 6
        assert DrawnPersons.built == before + 2

    def test_the_classes_of_the_sources_are_carried_where_they_agree(self):
        """Reference row 3A-8: a metric that writes its own ground truth asks for them."""
        person, animal = [{"id": 1, "name": "person"}], [{"id": 1, "name": "cat"}]

        def mixed(*classes):
            sources = [DrawnPersons(1, COCO, metainfo={} if c is None else {"CLASSES": c}) for c in classes]
            return CombinedDataset(COCO, sources).metainfo

        assert mixed(person, person)["CLASSES"] == person
        assert "CLASSES" not in mixed(person, animal)
        assert "CLASSES" not in mixed(person, None)


class TestWorkers:
    def test_copies_keep_what_they_hold_and_their_own_epoch(self):
        dataset = mixture(4, 10, sample_ratio_factor=[1, 0.5])
        dataset.set_epoch(1)
        for other in (copy.deepcopy(dataset), pickle.loads(pickle.dumps(dataset))):
            assert ids_of(other) == ids_of(dataset)
            other.set_epoch(2)
            assert dataset.epoch == 1

    @pytest.mark.parametrize("epoch", [-1, 1.5, None])
    def test_an_epoch_that_is_none_is_refused(self, epoch):
        with pytest.raises((TypeError, ValueError)):
            SharedEpoch().set(epoch)

    @pytest.mark.parametrize("start", ["fork", "spawn"])
    def test_persistent_workers_see_every_epoch(self, start):
        """Reference row 3A-3: the same samples whatever the number of workers and however they started."""
        dataset = mixture(4, 10, sample_ratio_factor=[1, 0.5])
        loader = DataLoader(
            dataset,
            batch_size=3,
            num_workers=2,
            persistent_workers=True,
            collate_fn=list,
            multiprocessing_context=multiprocessing.get_context(start),
        )
        for epoch in (0, 1, 4):
            dataset.set_epoch(epoch)
            loaded = [(item["source"], item["id"]) for batch in loader for item in batch]
            assert loaded == ids_of(dataset)
