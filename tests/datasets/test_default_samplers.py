"""DefaultSampler and InfiniteSampler: MMEngine's order, and training that goes on where it stopped."""

from __future__ import annotations

import json
import logging
from itertools import islice

import mmengine.dataset.sampler
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import DefaultSampler as RootDefaultSampler
from mmengine.dataset import InfiniteSampler as RootInfiniteSampler
from mmengine.registry import DATA_SAMPLERS as ROOT_DATA_SAMPLERS
from torch.utils.data import DataLoader

from mmpose_mix.datasets import DefaultSampler, DrawIndex, InfiniteSampler
from mmpose_mix.datasets import default_samplers as module
from mmpose_mix.mixing.draw_keys import augmentation_keys
from mmpose_mix.registry import DATA_SAMPLERS

SIZES, WORLDS = st.integers(1, 60), st.sampled_from([1, 2, 3, 4, 6])


def of_rank(kind, size: int, rank: int = 0, world_size: int = 1, **options):
    """A sampler as a process of that rank builds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmengine.dataset.sampler, "get_dist_info", lambda: (rank, world_size))
        return kind(range(size), **{"seed": 5, **options})


def of_all_ranks(kind, size: int, world_size: int, **options) -> list:
    return [of_rank(kind, size, rank, world_size, **options) for rank in range(world_size)]


def epoch_of(sampler, epoch: int) -> list[DrawIndex]:
    sampler.set_epoch(epoch)
    return list(sampler)


def global_batches(ranks: list, batch_size: int, epoch: int) -> list[list[tuple]]:
    """What the ranks draw together in each step of an epoch, with keys and passes."""
    rows = [epoch_of(sampler, epoch) for sampler in ranks]
    steps = range(-(-len(rows[0]) // batch_size))
    return [
        sorted(marks_of(index) for row in rows for index in row[step * batch_size : (step + 1) * batch_size])
        for step in steps
    ]


def marks_of(index: DrawIndex) -> tuple:
    return int(index), index.key, index.pass_number


class TestOrder:
    @settings(max_examples=60, deadline=None)
    @given(
        size=SIZES,
        world_size=WORLDS,
        epoch=st.integers(0, 3),
        shuffle=st.booleans(),
        round_up=st.booleans(),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_an_epoch_is_that_of_mmengine(self, size, world_size, epoch, **options):
        for rank in range(world_size):
            ours, root = (
                of_rank(kind, size, rank, world_size, **options) for kind in (DefaultSampler, RootDefaultSampler)
            )
            assert epoch_of(ours, epoch) == epoch_of(root, epoch)
            assert len(ours) == len(root)

    @settings(max_examples=60, deadline=None)
    @given(size=SIZES, world_size=WORLDS, shuffle=st.booleans(), seed=st.integers(0, 2**32 - 1))
    def test_an_endless_walk_is_that_of_mmengine(self, size, world_size, **options):
        for rank in range(world_size):
            ours, root = (
                of_rank(kind, size, rank, world_size, **options) for kind in (InfiniteSampler, RootInfiniteSampler)
            )
            assert list(islice(ours, 130)) == list(islice(root, 130))
            assert len(ours) == len(root)

    def test_an_order_that_is_made_in_pieces_is_the_same(self, monkeypatch):
        whole = [marks_of(index) for index in of_rank(DefaultSampler, 50)]
        walk = [marks_of(index) for index in islice(of_rank(InfiniteSampler, 50), 120)]
        monkeypatch.setattr(module, "_BLOCK", 7)
        assert [marks_of(index) for index in of_rank(DefaultSampler, 50)] == whole
        assert [marks_of(index) for index in islice(of_rank(InfiniteSampler, 50), 120)] == walk

    def test_an_endless_walk_goes_on_where_an_iteration_stopped(self):
        expected = list(islice(of_rank(InfiniteSampler, 9), 20))
        sampler = of_rank(InfiniteSampler, 9)
        assert list(islice(iter(sampler), 11)) + list(islice(iter(sampler), 9)) == expected


class TestMarks:
    def test_every_draw_of_a_training_has_a_key_of_its_own_and_the_number_of_its_epoch(self):
        sampler = of_rank(DefaultSampler, 40)
        draws = [index for epoch in range(5) for index in epoch_of(sampler, epoch)]
        assert len({index.key for index in draws}) == 200
        assert [index.pass_number for index in draws] == [epoch for epoch in range(5) for _ in range(40)]
        assert epoch_of(sampler, 1)[0].key == augmentation_keys(5, [module.MOST_INDICES])[0]

    def test_every_draw_of_an_endless_walk_as_well(self):
        draws = list(islice(of_rank(InfiniteSampler, 40), 200))
        assert [index.key for index in draws] == augmentation_keys(5, np.arange(200)).tolist()
        assert [index.pass_number for index in draws] == [walk for walk in range(5) for _ in range(40)]

    @pytest.mark.parametrize("kind", [DefaultSampler, InfiniteSampler])
    def test_keys_follow_the_seed(self, kind):
        one, other = (list(islice(of_rank(kind, 8, shuffle=False, seed=seed), 8)) for seed in (1, 2))
        assert one == other
        assert not {index.key for index in one} & {index.key for index in other}

    @pytest.mark.parametrize("kind", [DefaultSampler, InfiniteSampler])
    def test_opting_out_leaves_the_pass_alone(self, kind):
        draws = islice(of_rank(kind, 4, shuffle=False, seed_augmentation=False), 4)
        assert [marks_of(index) for index in draws] == [(place, None, 0) for place in range(4)]

    @settings(max_examples=40, deadline=None)
    @given(size=SIZES, batch_size=st.sampled_from([12, 24]), epoch=st.integers(0, 2))
    def test_whole_global_batches_do_not_depend_on_the_number_of_ranks(self, size, batch_size, epoch):
        alone = global_batches(of_all_ranks(DefaultSampler, size, 1), batch_size, epoch)
        for world_size in (2, 3, 4, 6):
            ranks = of_all_ranks(DefaultSampler, size, world_size)
            batches = global_batches(ranks, batch_size // world_size, epoch)
            assert batches[: size // batch_size] == alone[: size // batch_size]
            assert len(batches) == len(alone)

    @pytest.mark.parametrize("world_size", [2, 3, 6])
    def test_nor_do_those_of_an_endless_walk(self, world_size):
        alone = list(islice(of_rank(InfiniteSampler, 17), 60))
        ranks = [list(islice(sampler, 60 // world_size)) for sampler in of_all_ranks(InfiniteSampler, 17, world_size)]
        assert [marks_of(index) for row in zip(*ranks) for index in row] == [marks_of(index) for index in alone]


class TestGoingOn:
    @settings(max_examples=80, deadline=None)
    @given(data=st.data(), size=SIZES, worlds=st.tuples(WORLDS, WORLDS), drop_last=st.booleans())
    def test_after_any_step_and_on_any_world_the_rest_comes_and_nothing_else(self, data, size, worlds, drop_last):
        before, after = worlds
        ranks = of_all_ranks(DefaultSampler, size, before)
        steps = len(ranks[0]) // (12 // before) if drop_last else -(-len(ranks[0]) // (12 // before))
        if not steps:
            return
        step = data.draw(st.integers(0, 3 * steps))
        state = ranks[0].state_dict(step, 12 // before, drop_last)
        assert all(sampler.state_dict(step, 12 // before, drop_last) == state for sampler in ranks)
        resumed = of_all_ranks(DefaultSampler, size, after, seed=77)
        for sampler in resumed:
            sampler.load_state_dict(json.loads(json.dumps(state)))
        for sampler in resumed if not drop_last else []:
            assert sampler.state_dict(step, 12 // after) == state
        epoch, done = divmod(step, steps)
        assert (state["epoch"], state["indices"], resumed[0].epoch) == (epoch, done * 12, epoch)
        uninterrupted = of_all_ranks(DefaultSampler, size, after)
        for number in (epoch, epoch + 1):
            expected = global_batches(uninterrupted, 12 // after, number)
            assert global_batches(resumed, 12 // after, number) == expected[done if number == epoch else 0 :]
        assert all(len(sampler) == len(list(sampler)) for sampler in resumed)

    @settings(max_examples=60, deadline=None)
    @given(size=SIZES, worlds=st.tuples(WORLDS, WORLDS), step=st.integers(0, 12))
    def test_an_endless_walk_goes_on_after_any_step_and_on_any_world(self, size, worlds, step):
        before, after = worlds
        state = of_rank(InfiniteSampler, size, 0, before).state_dict(step, 12 // before)
        expected = [marks_of(index) for index in islice(of_rank(InfiniteSampler, size), (step + 3) * 12)][step * 12 :]
        resumed = of_all_ranks(InfiniteSampler, size, after, seed=77)
        for sampler in resumed:
            sampler.load_state_dict(json.loads(json.dumps(state)))
        assert resumed[0].state_dict(step, 12 // after) == state
        assert resumed[0].state_dict(step + 3, 12 // after)["indices"] == (step + 3) * 12
        rows = [list(islice(sampler, 36 // after)) for sampler in resumed]
        assert [marks_of(index) for row in zip(*rows) for index in row] == expected

    def test_golden_state(self):
        """Written into checkpoints: these words are kept."""
        assert of_rank(DefaultSampler, 30, 1, 2).state_dict(step=9, batch_size=4) == {
            "sampler": "DefaultSampler",
            "version": 1,
            "seed": 5,
            "epoch": 2,
            "step": 9,
            "indices": 8,
            "size": 30,
            "shuffle": True,
            "round_up": True,
        }

    def test_earlier_epochs_are_empty_and_later_ones_whole(self):
        sampler = of_rank(DefaultSampler, 10)
        sampler.load_state_dict(of_rank(DefaultSampler, 10).state_dict(8, batch_size=2))
        lengths = []
        for epoch in (0, 1, 2, 1):
            sampler.set_epoch(epoch)
            lengths.append(len(sampler))
            assert len(list(sampler)) == len(sampler)
        assert lengths == [0, 4, 10, 4]

    def test_a_dataloader_is_as_long_as_what_is_left(self):
        sampler = of_rank(DefaultSampler, 10, shuffle=False)
        sampler.load_state_dict(sampler.state_dict(2, batch_size=3))
        loader = DataLoader(range(10), batch_size=3, sampler=sampler, collate_fn=list)
        assert len(loader) == 2
        assert list(loader) == [[6, 7, 8], [9]]

    def test_states_after_going_on_count_from_there_whatever_the_new_batch_size(self):
        sampler = of_rank(DefaultSampler, 10)
        sampler.load_state_dict(of_rank(DefaultSampler, 10).state_dict(7, batch_size=4))
        places = [
            (state["epoch"], state["indices"]) for state in (sampler.state_dict(step, 3) for step in range(7, 15))
        ]
        assert places == [(2, 4), (2, 7), (3, 0), (3, 3), (3, 6), (3, 9), (4, 0), (4, 3)]

    def test_a_global_batch_that_the_ranks_cannot_share_still_gives_all_ranks_as_many(self):
        state = of_rank(DefaultSampler, 10).state_dict(1, batch_size=5)
        ranks = of_all_ranks(DefaultSampler, 10, 4)
        for sampler in ranks:
            sampler.load_state_dict(state)
        drawn = [list(sampler) for sampler in ranks]
        assert [len(row) for row in drawn] == [2] * 4
        order = list(of_rank(DefaultSampler, 10))
        assert sorted(index for row in drawn for index in row) == sorted([*order[5:], *order[:3]])

    def test_the_order_of_the_checkpoint_is_kept_and_a_change_said(self, monkeypatch):
        said = []
        monkeypatch.setattr(module, "print_log", lambda words, logger, level: said.append((level, words)))
        sampler = of_rank(DefaultSampler, 12, seed=6, round_up=False)
        sampler.load_state_dict(of_rank(DefaultSampler, 10).state_dict(1, batch_size=4))
        changed = (
            "DefaultSampler: size is 12 and was 10, round_up is False and was True when the checkpoint was written. "
            "It goes on after 4 indices of the new order; until that ends, some items come twice and some not at all."
        )
        assert said == [
            (logging.INFO, "DefaultSampler: goes on with seed=5 of the checkpoint, in the place of 6."),
            (
                logging.WARNING,
                changed,
            ),
        ]
        assert list(sampler) == list(of_rank(DefaultSampler, 12))[4:]

    def test_nothing_is_said_where_nothing_changed(self, monkeypatch):
        monkeypatch.setattr(module, "print_log", lambda *words, **options: pytest.fail(words[0]))
        for kind in (DefaultSampler, InfiniteSampler):
            sampler = of_rank(kind, 12)
            sampler.load_state_dict(sampler.state_dict(5, batch_size=4))

    def test_a_data_set_that_shrank_below_the_place_ends_the_epoch(self):
        sampler = of_rank(DefaultSampler, 3)
        sampler.load_state_dict(of_rank(DefaultSampler, 10).state_dict(1, batch_size=4))
        assert (len(sampler), list(sampler), len(epoch_of(sampler, 1))) == (0, [], 3)


class TestRefusals:
    def test_a_state_of_another_sampler_or_version_is_refused(self):
        state = of_rank(InfiniteSampler, 10).state_dict(1, batch_size=4)
        with pytest.raises(
            ValueError, match="the state is of 'InfiniteSampler', version 1, but must be of 'DefaultSam"
        ):
            of_rank(DefaultSampler, 10).load_state_dict(state)
        with pytest.raises(ValueError, match=r"version 2, but must be .* version 1. Train on with the sampler"):
            of_rank(InfiniteSampler, 10).load_state_dict({**state, "version": 2})

    def test_a_state_that_is_not_whole_is_refused_with_all_that_is_wrong(self):
        state = {**of_rank(DefaultSampler, 10).state_dict(1, batch_size=4), "epoch": -1, "shuffle": "yes"}
        del state["indices"]
        with pytest.raises(ValueError, match="the state has epoch=-1, indices=None, shuffle='yes', which state_dict"):
            of_rank(DefaultSampler, 10).load_state_dict(state)
        with pytest.raises(TypeError, match="the state is a list, but must be what state_dict"):
            of_rank(DefaultSampler, 10).load_state_dict([])

    def test_steps_that_are_over_and_batches_that_are_none_are_refused(self):
        sampler = of_rank(DefaultSampler, 10)
        sampler.load_state_dict(sampler.state_dict(3, batch_size=2))
        with pytest.raises(ValueError, match="step=2 lies before step 3, at which this sampler began"):
            sampler.state_dict(2, batch_size=2)
        with pytest.raises(ValueError, match="batch_size=0 must be at least 1"):
            sampler.state_dict(3, batch_size=0)
        with pytest.raises(ValueError, match="10 items give no batch of 11 on each of 1 ranks with drop_last=True"):
            of_rank(DefaultSampler, 10).state_dict(1, batch_size=11, drop_last=True)

    def test_an_endless_walk_over_nothing_is_refused(self):
        with pytest.raises(ValueError, match="the data set has no item"):
            of_rank(InfiniteSampler, 0)

    @pytest.mark.parametrize("kind", [DefaultSampler, InfiniteSampler])
    def test_unknown_arguments_are_refused(self, kind):
        with pytest.raises(TypeError, match="seed_augmentations"):
            of_rank(kind, 4, seed_augmentations=True)


def test_they_are_built_by_name_in_this_scope_alone():
    for name, ours, root in [
        ("DefaultSampler", DefaultSampler, RootDefaultSampler),
        ("InfiniteSampler", InfiniteSampler, RootInfiniteSampler),
    ]:
        assert DATA_SAMPLERS.get(name) is ours
        assert ROOT_DATA_SAMPLERS.get(name) is root
        assert ROOT_DATA_SAMPLERS.get(f"mmpose_mix.{name}") is ours
