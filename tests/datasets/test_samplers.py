"""MultiSourceSampler: exact proportions, replayed epochs, ranks that share."""

from __future__ import annotations

import copy
import json
import pickle
from collections import Counter
from itertools import chain, islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.registry import DATA_SAMPLERS as ROOT_DATA_SAMPLERS
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmpose_mix.datasets import CombinedDataset, MultiSourceSampler, samplers
from mmpose_mix.registry import DATA_SAMPLERS
from tests.datasets.mixture_parts import COCO, listed


class Lengths:
    """The least that a sampler asks of a data set."""

    def __init__(self, *lens: int) -> None:
        self.lens = list(lens)

    def __len__(self) -> int:
        return sum(self.lens)

    def source_of(self, indices) -> np.ndarray:
        return np.searchsorted(np.cumsum(self.lens), indices, side="right")


def sampler_of(dataset, batch_size=4, source_ratio=(1, 1), **options) -> MultiSourceSampler:
    return MultiSourceSampler(dataset, batch_size, source_ratio, **{"seed": 0, **options})


def epochs_of(sampler: MultiSourceSampler, *epochs: int) -> list[list[int]]:
    drawn = []
    for epoch in epochs:
        sampler.set_epoch(epoch)
        drawn.append(list(sampler))
    return drawn


def counts_of(dataset: Lengths, indices: list[int], batch_size: int) -> list[list[int]]:
    rows = dataset.source_of(np.array(indices)).reshape(-1, batch_size)
    return [np.bincount(row, minlength=len(dataset.lens)).tolist() for row in rows]


def test_golden_epoch():
    sampler = sampler_of(Lengths(6, 4), batch_size=5, source_ratio=[3, 2], seed=1)
    assert list(sampler) == [5, 0, 3, 8, 9, 1, 2, 4, 7, 6]


def test_without_shuffle_the_sources_are_walked_in_order():
    sampler = sampler_of(Lengths(6, 3), batch_size=3, source_ratio=[2, 1], shuffle=False)
    assert epochs_of(sampler, 0, 1) == [[0, 1, 6, 2, 3, 7, 4, 5, 8]] * 2


@pytest.mark.parametrize(
    ("batch_size", "ratio"),
    [(8, [10, 1]), (64, [1, 0.01]), (4, [1, 1, 1, 1, 1]), (4, [1, 0]), (2, [1, 1, 1])],
)
def test_a_share_below_one_sample_a_batch_neither_hangs_nor_starves(batch_size, ratio):
    """Reference row 3C-1: MMPose loops for ever and eats the memory."""
    dataset = Lengths(*[1000] * len(ratio))
    drawn = list(sampler_of(dataset, batch_size, ratio))
    counts = np.array(counts_of(dataset, drawn, batch_size))
    wanted = len(counts) * batch_size * np.array(ratio) / sum(ratio)
    assert np.abs(counts.sum(axis=0) - wanted).max() < 1


@pytest.mark.parametrize(("batch_size", "sources"), [(10, 4), (7, 4)])
def test_no_source_gets_the_whole_remainder(batch_size, sources):
    """Reference row 3C-2: MMPose gives source 0 what is left over."""
    dataset = Lengths(*[700] * sources)
    counts = np.array(counts_of(dataset, list(sampler_of(dataset, batch_size, [1] * sources)), batch_size))
    assert set(counts.ravel().tolist()) == {batch_size // sources, batch_size // sources + 1}
    assert np.ptp(counts.sum(axis=0)) <= 1


@settings(max_examples=60, deadline=None)
@given(
    lens=st.lists(st.integers(1, 80), min_size=1, max_size=5),
    batch_size=st.integers(1, 20),
    world_size=st.integers(1, 4),
    round_up=st.booleans(),
)
def test_len_is_what_every_rank_yields(lens, batch_size, world_size, round_up):
    """Reference row 3C-3: MMPose's length is neither that of an epoch nor a multiple of the batch."""
    dataset = Lengths(*lens)
    size, global_batch = len(dataset), batch_size * world_size
    steps = -(-size // global_batch) if round_up else size // global_batch
    options = {"round_up": round_up, "world_size": world_size}
    if not steps:
        with pytest.raises(ValueError, match="round_up=False drops it, so an epoch would be empty"):
            sampler_of(dataset, batch_size, lens, rank=0, **options)
        return
    for rank in range(world_size):
        sampler = sampler_of(dataset, batch_size, lens, rank=rank, **options)
        assert len(sampler) == len(list(sampler)) == steps * batch_size


@pytest.mark.parametrize(("factors", "lens"), [([0.5, 0.5], [50, 50]), ([2, 2], [200, 200]), ([0.3, 1], [30, 100])])
def test_it_draws_the_right_source_and_all_of_a_resampled_mixture(factors, lens):
    """Reference row 3C-4: with factors MMPose draws wrong sources, or only the first half of them."""
    dataset = CombinedDataset(COCO, [listed("a", 100), listed("b", 100)], sample_ratio_factor=factors)
    assert dataset.lens == lens
    sampler = sampler_of(dataset, batch_size=10, source_ratio=[1, 1])
    seen = set()
    for epoch in range(8):
        sampler.set_epoch(epoch)
        assert dataset.epoch == epoch
        items = [dataset[index] for index in sampler]
        seen.update((item["source"], item["id"]) for item in items)
        for start in range(0, len(items), 10):
            assert Counter(item["source"] for item in items[start : start + 10]) == {0: 5, 1: 5}
    assert len(seen) == 200


def test_equal_sources_are_walked_in_unrelated_orders():
    """Reference row 3C-5: MMPose walks them in lockstep."""
    drawn = np.array(list(sampler_of(Lengths(90, 90, 90), 3, [1, 1, 1]))).reshape(-1, 3) - [0, 90, 180]
    assert (drawn[:, 0] == drawn[:, 1]).sum() < 9
    assert (drawn[:, 1] == drawn[:, 2]).sum() < 9


def test_an_epoch_is_replayed_by_a_sampler_that_never_saw_the_others():
    """Reference row 3C-6: MMPose starts from epoch 0 again after a restart."""
    dataset = Lengths(30, 11)
    through = epochs_of(sampler_of(dataset, 4, [2, 1]), 0, 1, 2, 3)
    assert epochs_of(sampler_of(dataset, 4, [2, 1]), 3, 1, 2, 0) == [through[3], through[1], through[2], through[0]]
    assert len({tuple(indices) for indices in through}) == 4
    assert epochs_of(sampler_of(dataset, 4, [2, 1], seed=1), 0)[0] != through[0]


def test_an_epoch_that_was_left_early_changes_nothing():
    sampler = sampler_of(Lengths(3000, 1100), 4, [2, 1])
    whole = epochs_of(sampler, 0, 1)
    other = sampler_of(Lengths(3000, 1100), 4, [2, 1])
    assert list(islice(other, 7)) == whole[0][:7]
    assert epochs_of(other, 1)[0] == whole[1]


def test_passes_and_proportions_go_on_across_epochs():
    dataset = Lengths(5, 8)
    drawn = list(chain.from_iterable(epochs_of(sampler_of(dataset, 3, [1, 2]), *range(12))))
    for source, (offset, length) in enumerate([(0, 5), (5, 8)]):
        mine = [index - offset for index in drawn if dataset.source_of(index) == source]
        for start in range(0, len(mine) - length, length):
            assert sorted(mine[start : start + length]) == list(range(length))
    assert Counter(dataset.source_of(drawn).tolist()) == {0: 60, 1: 120}


def test_it_can_be_copied_and_pickled_even_halfway():
    """Reference row 3C-7: MMPose's holds generators."""
    sampler = sampler_of(Lengths(30, 11), 4, [2, 1])
    sampler.set_epoch(2)
    indices = iter(sampler)
    next(indices)
    for other in (copy.deepcopy(sampler), pickle.loads(pickle.dumps(sampler))):
        assert list(other) == list(sampler)


def test_an_epoch_is_not_held_in_memory():
    """Reference row 3C-9: MMPose makes the whole list first."""
    sampler = sampler_of(Lengths(10**11, 10**10), 64, [2, 1])
    sampler.set_epoch(3)
    assert len(list(islice(sampler, 10))) == 10


def test_a_small_source_is_recycled_in_whole_passes_and_the_epoch_is_as_long_as_the_data_set():
    """Reference row 3C-9: the length does not depend on the ratio, and an exhausted source begins its next pass."""
    dataset = Lengths(10, 990)
    drawn = list(sampler_of(dataset, 10, [1, 1]))
    assert len(drawn) == 1000
    assert set(Counter(index for index in drawn if index < 10).values()) == {50}


@settings(max_examples=40, deadline=None)
@given(
    lens=st.lists(st.integers(1, 60), min_size=2, max_size=5),
    batch_size=st.integers(1, 8),
    world_size=st.integers(2, 5),
    epoch=st.integers(0, 4),
)
def test_ranks_share_global_batches_that_do_not_depend_on_their_number(lens, batch_size, world_size, epoch):
    """Reference row 3C-9: ranks are disjoint within a pass."""
    dataset = Lengths(*lens)
    ratio = list(range(1, len(lens) + 1))
    alone = sampler_of(dataset, batch_size * world_size, ratio)
    ranks = [sampler_of(dataset, batch_size, ratio, rank=rank, world_size=world_size) for rank in range(world_size)]
    whole = np.array(epochs_of(alone, epoch)[0]).reshape(-1, batch_size * world_size)
    parts = np.stack([np.array(epochs_of(rank, epoch)[0]).reshape(-1, batch_size) for rank in ranks], axis=1)
    np.testing.assert_array_equal(np.sort(parts.reshape(whole.shape), axis=1), np.sort(whole, axis=1))
    for part in parts.reshape(-1, batch_size):
        counts = np.bincount(dataset.source_of(part), minlength=len(lens))
        assert (np.abs(counts - batch_size * np.array(ratio) / sum(ratio)) < 1).all()


def test_it_takes_a_mixture_in_a_repeat_dataset():
    """Reference row 3C-10."""
    mixture = CombinedDataset(COCO, [listed("a", 6), listed("b", 4)], sample_ratio_factor=[0.5, 1])
    repeated = RepeatDataset(mixture, 3)
    sampler = sampler_of(repeated, 7, [1, 1])
    assert len(sampler) == len(repeated) == 21
    sampler.set_epoch(2)
    assert mixture.epoch == 2
    assert max(sampler) < len(mixture)


def test_a_wrapper_that_hides_the_sources_is_refused_with_words():
    """Reference row 3C-10."""
    mixture = CombinedDataset(COCO, [listed("a", 6)])
    with pytest.raises(
        TypeError, match=r"ConcatDataset does not tell the lengths.*put other wrappers around the sources"
    ):
        sampler_of(ConcatDataset([mixture, mixture]))
    with pytest.raises(TypeError, match="list does not tell"):
        sampler_of([1, 2, 3])


def test_the_docstring_is_about_the_ratio_and_says_what_it_weighs():
    """Reference row 3C-11: the text of MMPose's docs is about another argument."""
    text = MultiSourceSampler.__doc__
    assert "source_ratio`` weighs items" in text
    assert "sample_ratio_factor" not in text
    assert "``batch_size`` has to be this ``batch_size``" in text


def test_it_is_built_by_name_in_this_scope_and_at_the_root():
    config = {"type": "MultiSourceSampler", "batch_size": 2, "source_ratio": (1, 1), "seed": 3}
    for registry in (DATA_SAMPLERS, ROOT_DATA_SAMPLERS):
        assert isinstance(registry.build(config, default_args={"dataset": Lengths(3, 3)}), MultiSourceSampler)


def test_without_a_seed_one_is_agreed_on():
    assert isinstance(MultiSourceSampler(Lengths(3, 3), 2, [1, 1]).seed, int)


def test_the_dataloader_of_a_runner_yields_the_proportion():
    config = {
        "batch_size": 4,
        "num_workers": 0,
        "dataset": CombinedDataset(COCO, [listed("a", 10), listed("b", 30)]),
        "sampler": {"type": "mmpose_mix.MultiSourceSampler", "batch_size": 4, "source_ratio": [3, 1]},
        "collate_fn": {"type": list},
    }
    loader = Runner.build_dataloader(config, seed=0)
    assert len(loader) == 10
    for batch in loader:
        assert Counter(item["source"] for item in batch) == {0: 3, 1: 1}


def test_a_shorter_epoch_asked_of_the_runner_is_kept():
    config = {
        "batch_size": 4,
        "num_workers": 0,
        "num_batch_per_epoch": 3,
        "dataset": CombinedDataset(COCO, [listed("a", 10), listed("b", 30)]),
        "sampler": {"type": "mmpose_mix.MultiSourceSampler", "batch_size": 4, "source_ratio": [3, 1]},
        "collate_fn": {"type": list},
    }
    assert len(list(Runner.build_dataloader(config, seed=0))) == 3


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_the_same_whatever_the_workers(workers):
    dataset = CombinedDataset(COCO, [listed("a", 9), listed("b", 12)], sample_ratio_factor=[1, 0.5])
    sampler = sampler_of(dataset, 5, [2, 1])
    loader = DataLoader(
        dataset,
        batch_size=5,
        sampler=sampler,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=list,
    )
    for epoch in range(2):
        sampler.set_epoch(epoch)
        expected = [dataset[index]["id"] for index in sampler]
        assert [item["id"] for batch in loader for item in batch] == expected


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"source_ratio": [0, 0]}, ValueError, "no positive entry"),
        ({"source_ratio": [-4, 8]}, ValueError, r"source_ratio\[0\]=-4"),
        ({"source_ratio": [1]}, ValueError, "1 entries for 2 sources"),
        (
            {"source_ratio": 0.5},
            TypeError,
            "source_ratio=0.5 is of type float. Use 'size', 'equal', one number for each",
        ),
        ({"source_ratio": {"a": 1}}, ValueError, "no source is called 'a'; 'source 0', 'source 1': no entry"),
        ({"source_ratio": ["1", 1]}, TypeError, r"source_ratio\[0\]='1'"),
        ({"batch_size": 0}, ValueError, "batch_size=0 must be at least 1"),
        ({"batch_size": 2.0}, TypeError, "batch_size=2.0 must be an integer"),
        ({"batch_size": 100, "round_up": False}, ValueError, r"20 samples are less than one global batch \(1 x 100\)"),
        ({"rank": 1}, ValueError, "give both or neither"),
        ({"rank": 2, "world_size": 2}, ValueError, r"rank=2 must be in 0..1"),
    ],
)
def test_errors_say_what_was_given_and_what_is_allowed(options, error, words):
    with pytest.raises(error, match=words):
        sampler_of(Lengths(10, 10), **options)


def test_an_empty_source_is_refused_unless_its_ratio_is_zero():
    """Reference row 3C-1: MMPose loops for ever."""
    with pytest.raises(ValueError, match="no samples in 'source 1', which should be drawn"):
        sampler_of(Lengths(10, 0))
    assert max(sampler_of(Lengths(10, 0), source_ratio=[1, 0])) < 10


@pytest.mark.parametrize("epoch", [-1, 0.5])
def test_an_epoch_that_is_none_is_refused(epoch):
    with pytest.raises((TypeError, ValueError)):
        sampler_of(Lengths(3, 3)).set_epoch(epoch)


class Named(Lengths):
    """Lengths of sources that have names."""

    def __init__(self, **lens: int) -> None:
        super().__init__(*lens.values())
        self.source_names = list(lens)


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ([3, 1], [6, 2]),
        ({"aic": 1, "coco": 3}, [6, 2]),
        ("size", [2, 6]),
        ("equal", [4, 4]),
        ({"temperature": 1, "cap": 60}, [4, 4]),
    ],
)
def test_a_ratio_is_said_in_numbers_by_name_or_by_size(words, counts):
    dataset = Named(coco=60, aic=180)
    sampler = sampler_of(dataset, batch_size=8, source_ratio=words)
    assert counts_of(dataset, list(sampler), 8) == [counts] * 30


@pytest.mark.parametrize(
    ("epoch_length", "items"), [("sum", 240), ("shortest", 80), ("longest", 720), (50, 56), (np.int64(8), 8)]
)
def test_an_epoch_is_as_long_as_asked(epoch_length, items):
    sampler = sampler_of(Named(coco=60, aic=180), 8, {"coco": 3, "aic": 1}, epoch_length=epoch_length)
    assert len(sampler) == len(list(sampler)) == items


def test_an_epoch_until_the_longest_source_is_seen_holds_all_of_it():
    dataset = Named(coco=60, aic=180)
    drawn = list(sampler_of(dataset, 8, "equal", epoch_length="longest"))
    assert set(drawn) == set(range(240))


def test_a_repeated_mixture_counts_its_sources_that_often():
    repeated = RepeatDataset(CombinedDataset(COCO, [listed("a", 10), listed("b", 30)]), times=3)
    assert len(sampler_of(repeated, 4, [1, 1], epoch_length="shortest")) == 60


@pytest.mark.parametrize(
    ("epoch_length", "words"),
    [
        ("short", "did you mean 'shortest'"),
        (0, "epoch_length=0 would leave an epoch empty"),
        (3, "3 samples are less than one global batch"),
    ],
)
def test_an_epoch_length_that_is_none_is_refused(epoch_length, words):
    with pytest.raises(ValueError, match=words):
        sampler_of(Lengths(10, 10), 4, epoch_length=epoch_length, round_up=False)


STAGES = {
    "stages": [
        {"begin": 0, "ratio": {"coco": 1, "aic": 0}},
        {"begin": 1, "ratio": "equal"},
        {"begin": 3, "ratio": [0, 1]},
    ]
}


def test_a_schedule_changes_the_ratio_from_epoch_to_epoch():
    dataset = Named(coco=20, aic=20)
    sampler = sampler_of(dataset, 8, STAGES)
    counts = [counts_of(dataset, drawn, 8) for drawn in epochs_of(sampler, 0, 1, 2, 3)]
    assert counts == [[[8, 0]] * 5, [[4, 4]] * 5, [[4, 4]] * 5, [[0, 8]] * 5]


def test_the_length_of_an_epoch_cannot_follow_a_ratio_that_changes():
    with pytest.raises(ValueError, match="epoch_length='shortest' has no meaning while source_ratio changes"):
        sampler_of(Named(coco=20, aic=20), 8, STAGES, epoch_length="shortest")


def test_indices_know_their_pass_and_have_keys_of_their_own():
    sampler = sampler_of(Lengths(4, 40), batch_size=4, source_ratio=[1, 1])
    drawn = [index for epoch in (0, 1) for index in (sampler.set_epoch(epoch), list(sampler))[1]]
    of_first = [index for index in drawn if index < 4]
    assert [index.pass_number for index in of_first] == [place // 4 for place in range(len(of_first))]
    assert len({index.key for index in drawn}) == len(drawn)


def test_keys_depend_on_the_seed_and_on_neither_rank_nor_world():
    def keys(**options) -> set[int]:
        return {(int(index), index.key) for index in sampler_of(Lengths(50, 30), source_ratio=[1, 2], **options)}

    whole = keys(batch_size=12)
    for world_size in (2, 3, 4):
        parts = [keys(batch_size=12 // world_size, rank=rank, world_size=world_size) for rank in range(world_size)]
        assert set().union(*parts) == whole
    assert not {key for _, key in whole} & {key for _, key in keys(batch_size=12, seed=1)}


def test_without_seeding_indices_carry_no_key():
    assert {index.key for index in sampler_of(Lengths(5, 5), seed_augmentation=False)} == {None}


class TestState:
    """Going on in the middle of an epoch."""

    @pytest.fixture(
        params=[
            [2, 1],
            "size",
            STAGES,
            {
                "by_epoch": False,
                "stages": [
                    {"begin": 0, "ratio": [1, 3]},
                    {"begin": 2, "end": 30, "ratio": "equal", "change": "cosine"},
                ],
            },
        ]
    )
    def words(self, request):
        return request.param

    @staticmethod
    def drawn(sampler: MultiSourceSampler, *epochs: int) -> list[tuple]:
        return [(int(i), i.key, i.pass_number) for epoch in epochs_of(sampler, *epochs) for i in epoch]

    @pytest.mark.parametrize("step", [0, 1, 7, 10, 23])
    def test_what_comes_after_a_state_is_what_would_have_come(self, words, step):
        def made(seed=0) -> MultiSourceSampler:
            return sampler_of(Named(coco=30, aic=50), 8, words, seed=seed)

        state = json.loads(json.dumps(made().state_dict(step)))
        resumed = made(seed=99)
        resumed.load_state_dict(state)
        assert resumed.epoch == step // 10
        assert len(resumed) == (10 - step % 10) * 8
        assert self.drawn(resumed, 0, 1, 2, 3, 4) == self.drawn(made(), 0, 1, 2, 3, 4)[step * 8 :]
        assert len(json.dumps(state)) < 500

    def test_a_state_is_of_the_step_that_is_asked_for_however_far_the_loader_has_run_ahead(self, words):
        ahead = sampler_of(Named(coco=30, aic=50), 8, words)
        drawn = iter(ahead)
        list(islice(drawn, 60))
        assert ahead.state_dict(3) == sampler_of(Named(coco=30, aic=50), 8, words).state_dict(3)
        assert ahead.state_dict() == ahead.state_dict(7)
        list(drawn)
        assert ahead.state_dict()["epoch"] == 1

    def test_another_number_of_ranks_takes_over(self, words):
        dataset = Named(coco=30, aic=50)
        state = sampler_of(dataset, 8, words).state_dict(13)
        whole = sampler_of(dataset, 8, words)
        whole.load_state_dict(state)
        ranks = [sampler_of(dataset, 2, words, rank=rank, world_size=4) for rank in range(4)]
        for sampler in ranks:
            sampler.load_state_dict(state)
        parts = [np.array(self.drawn(sampler, 1, 2), dtype=np.uint64).reshape(-1, 2, 3) for sampler in ranks]
        steps = np.concatenate(parts, axis=1)
        expected = np.array(self.drawn(whole, 1, 2), dtype=np.uint64).reshape(-1, 8, 3)
        for step, wanted in zip(steps, expected):
            assert sorted(step.tolist()) == sorted(wanted.tolist())

    def test_earlier_epochs_are_empty_and_an_epoch_that_is_over_too(self):
        sampler = sampler_of(Named(coco=30, aic=50), 8)
        sampler.load_state_dict(sampler.state_dict(20))
        assert [(len(drawn)) for drawn in epochs_of(sampler, 0, 1, 2)] == [0, 0, 80]
        sampler.set_epoch(1)
        assert len(sampler) == 0

    def test_a_state_can_be_saved_again_after_it_was_loaded(self, words):
        first = sampler_of(Named(coco=30, aic=50), 8, words)
        second = sampler_of(Named(coco=30, aic=50), 8, words)
        second.load_state_dict(first.state_dict(13))
        assert second.state_dict() == first.state_dict(13)
        assert second.state_dict(27) == first.state_dict(27)
        with pytest.raises(ValueError, match="step=12 lies before step 13, at which this sampler began"):
            second.state_dict(12)

    def test_a_changed_mixture_goes_on_and_says_what_it_did(self, monkeypatch):
        log = []
        monkeypatch.setattr(samplers, "print_log", lambda text, **_: log.append(text))
        state = sampler_of(Named(coco=30, aic=50), 8, [1, 1]).state_dict(13)
        changed = sampler_of(Named(aic=50, mpii=20, coco=30), 8, {"coco": 2, "aic": 1, "mpii": 1})
        changed.load_state_dict(state)
        said = "\n".join(log)
        for words in ("'mpii' (20 samples) is new", "matched by name", "source_ratio is", "in 7 steps of 8"):
            assert words in said
        drawn = self.drawn(changed, 1)
        assert len(drawn) == 56
        # coco, now the last, goes on after its 52 draws: with the rest of its second pass
        before = {int(i) for i in chain.from_iterable(epochs_of(sampler_of(Named(coco=30, aic=50), 8, [1, 1]), 0, 1))}
        assert before == set(range(80))
        assert [number for index, _, number in drawn if index >= 70][:9] == [1] * 8 + [2]

    def test_stages_follow_the_epochs_after_their_length_was_changed(self):
        state = sampler_of(Named(coco=20, aic=20), 8, STAGES).state_dict(6)  # one step into epoch 1
        changed = sampler_of(Named(coco=20, aic=20), 8, STAGES, epoch_length=96)
        changed.load_state_dict(state)
        dataset = changed.dataset
        counts = [counts_of(dataset, drawn, 8) for drawn in epochs_of(changed, 1, 2, 3)]
        assert [len(rows) for rows in counts] == [4, 12, 12]
        assert counts[1:] == [[[4, 4]] * 12, [[0, 8]] * 12]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"sampler": "DefaultSampler"}, "the state is of 'DefaultSampler', but must be of 'MultiSourceSampler'"),
            ({"version": 2}, "version=2 is newer than 1"),
            ({"delivered": [1]}, "delivered has 1 entries for 2 sources"),
            ({"extra": 1}, "'extra' is no field"),
        ],
    )
    def test_a_state_that_is_none_is_refused(self, change, words):
        sampler = sampler_of(Named(coco=30, aic=50), 8)
        with pytest.raises(ValueError, match=words):
            sampler.load_state_dict({**sampler.state_dict(3), **change})

    def test_another_batch_size_of_the_loader_is_refused(self):
        with pytest.raises(ValueError, match="batch_size=4 is not the sampler's 8"):
            sampler_of(Lengths(30, 50), 8).state_dict(3, batch_size=4)

    def test_what_is_no_dict_is_refused(self):
        with pytest.raises(TypeError, match="the state is a list"):
            sampler_of(Lengths(30, 50), 8).load_state_dict([])


def test_a_schedule_reaches_persistent_workers_that_prefetch():
    dataset = CombinedDataset(COCO, [listed("a", 20), listed("b", 20)])
    sampler = sampler_of(
        dataset, 8, {"by_epoch": False, "stages": [{"begin": 0, "ratio": [1, 0]}, {"begin": 6, "ratio": [1, 3]}]}
    )
    loader = DataLoader(
        dataset, 8, sampler=sampler, num_workers=2, persistent_workers=True, prefetch_factor=4, collate_fn=list
    )
    of_second = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        of_second += [sum(item["source"] for item in batch) for batch in loader]
    assert of_second == [0] * 6 + [6] * 4
