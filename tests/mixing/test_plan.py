"""The plan: global batches, how ranks share them, passes over the sources."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.mixing.allocation import QuotaSchedule
from mmpose_mix.mixing.plan import MixPlan
from mmpose_mix.mixing.schedule import RatioTimeline, Stage


def batches_of(plan: MixPlan, first: int, last: int, rank: int = 0, world_size: int = 1) -> np.ndarray:
    blocks = [draws.indices for draws, _ in plan.walk(first, last, rank, world_size)]
    return np.concatenate(blocks) if blocks else np.empty((0, plan.quotas.batch_size // world_size), dtype=np.int64)


def sources_of(plan: MixPlan, indices: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.cumsum(plan.lengths), indices, side="right")


MIXTURES = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 9)), min_size=1, max_size=6)


def test_golden_batches():
    plan = MixPlan([5, 300, 7], QuotaSchedule([1, 1, 1], 4), seed=3)
    assert batches_of(plan, 0, 3).tolist() == [[2, 1, 274, 306], [4, 293, 129, 308], [0, 48, 311, 309]]


def test_without_shuffle_sources_are_walked_in_order():
    plan = MixPlan([2, 5], QuotaSchedule([1, 1], 4), shuffle=False)
    assert batches_of(plan, 0, 3).tolist() == [[0, 1, 2, 3], [0, 1, 4, 5], [0, 1, 6, 2]]


@settings(max_examples=60, deadline=None)
@given(mixture=MIXTURES, world_size=st.integers(1, 6), per_rank=st.integers(1, 9), steps=st.integers(1, 25))
def test_ranks_get_floor_or_ceil_of_every_source_and_together_the_global_batch(mixture, world_size, per_rank, steps):
    lengths, ratio = zip(*mixture)
    plan = MixPlan(lengths, QuotaSchedule(ratio, world_size * per_rank), seed=1)
    whole = batches_of(plan, 0, steps)
    parts = np.stack([batches_of(plan, 0, steps, rank, world_size) for rank in range(world_size)], axis=1)
    assert parts.shape == (steps, world_size, per_rank)
    for step in range(steps):
        assert sorted(parts[step].ravel().tolist()) == sorted(whole[step].tolist())
        for source, share in enumerate(plan.quotas.shares):
            counts = (sources_of(plan, parts[step]) == source).sum(axis=1)
            assert set(counts.tolist()) <= {(per_rank * share).__floor__(), (per_rank * share).__ceil__()}


@settings(max_examples=60, deadline=None)
@given(mixture=MIXTURES, batch_size=st.integers(1, 30), steps=st.integers(1, 40), shuffle=st.booleans())
def test_every_source_is_walked_in_passes_without_repeats(mixture, batch_size, steps, shuffle):
    lengths, ratio = zip(*mixture)
    plan = MixPlan(lengths, QuotaSchedule(ratio, batch_size), seed=5, shuffle=shuffle)
    drawn = batches_of(plan, 0, steps).ravel()
    offset = 0
    for source, length in enumerate(lengths):
        mine = drawn[sources_of(plan, drawn) == source] - offset
        offset += length
        for start in range(0, len(mine), length):
            one_pass = mine[start : start + length].tolist()
            assert len(set(one_pass)) == len(one_pass)
            if not shuffle:
                assert one_pass == list(range(len(one_pass)))


@settings(max_examples=40, deadline=None)
@given(mixture=MIXTURES, cut=st.integers(0, 50), world_size=st.sampled_from([1, 2, 4]))
def test_any_step_is_reached_without_the_ones_before(mixture, cut, world_size):
    lengths, ratio = zip(*mixture)
    plan = MixPlan(lengths, QuotaSchedule(ratio, 8), seed=2)
    whole = batches_of(plan, 0, 60, 0, world_size)
    np.testing.assert_array_equal(batches_of(plan, cut, 60, 0, world_size), whole[cut:])


def test_no_rank_is_left_out_of_a_source_when_the_quotas_come_in_step_with_the_ranks():
    """One sample of source 0 in every other batch of two ranks: dealing by turns would give all of them to one rank."""
    plan = MixPlan([1000, 1000], QuotaSchedule([1, 3], 2))
    drawn = [int((batches_of(plan, 0, 400, rank, 2) < 1000).sum()) for rank in (0, 1)]
    assert sum(drawn) == 200
    assert abs(drawn[0] - 100) <= 3


@pytest.mark.parametrize("world_size", [2, 3, 8])
def test_a_rank_drifts_little_from_its_share(world_size):
    plan = MixPlan([100] * 5, QuotaSchedule([5, 1, 2, 0.5, 7], 6 * world_size))
    for rank in range(world_size):
        mine = sources_of(plan, batches_of(plan, 0, 500, rank, world_size))
        for source, share in enumerate(plan.quotas.shares):
            lag = np.cumsum((mine == source).sum(axis=1)) - np.arange(1, 501) * float(6 * share)
            assert np.abs(lag).max() < 8


WORLDS = [1, 2, 3, 4, 6, 8, 16, 64]


@settings(max_examples=25, deadline=None)
@given(mixture=MIXTURES, begin=st.integers(0, 10**6), shuffle=st.booleans())
def test_the_draws_of_a_step_are_the_same_for_every_number_of_ranks(mixture, begin, shuffle):
    lengths, ratio = zip(*mixture)
    plan = MixPlan(lengths, QuotaSchedule(ratio, 192), seed=4, shuffle=shuffle)
    state = plan.quotas.seek(begin)
    whole, after = plan.block(state, 3)
    assert whole.positions.tolist() == [list(range(step * 192, step * 192 + 192)) for step in range(begin, begin + 3)]
    for world_size in WORLDS:
        parts = []
        for rank in range(world_size):
            draws, there = plan.block(state, 3, rank, world_size)
            parts.append(np.stack(draws, axis=-1))
            assert there == after
        together = np.concatenate(parts, axis=1)
        order = together[:, :, 2].argsort(axis=1)
        np.testing.assert_array_equal(np.take_along_axis(together, order[:, :, None], axis=1), np.stack(whole, axis=-1))


@settings(max_examples=40, deadline=None)
@given(mixture=MIXTURES, batch_size=st.integers(1, 30), steps=st.integers(1, 40))
def test_a_pass_is_numbered_and_covers_its_source(mixture, batch_size, steps):
    lengths, ratio = zip(*mixture)
    plan = MixPlan(lengths, QuotaSchedule(ratio, batch_size), seed=5)
    draws, after = plan.block(plan.quotas.start(), steps)
    source = sources_of(plan, draws.indices)
    for place, (length, delivered) in enumerate(zip(lengths, after.delivered)):
        seen = Counter(draws.passes[source == place].tolist())
        assert seen == Counter(draw // length for draw in range(delivered))
        for number in range(delivered // length):
            assert len(set(draws.indices[(source == place) & (draws.passes == number)].tolist())) == length


@settings(max_examples=40, deadline=None)
@given(mixture=MIXTURES, cuts=st.lists(st.integers(1, 20), min_size=1, max_size=6), rank=st.integers(0, 3))
def test_blocks_may_be_split_anywhere(mixture, cuts, rank):
    lengths, ratio = zip(*mixture)
    plan = MixPlan(lengths, QuotaSchedule(ratio, 16), seed=2)
    whole, end = plan.block(plan.quotas.start(), sum(cuts), rank, 4)
    state, parts = plan.quotas.start(), []
    for cut in cuts:
        draws, state = plan.block(state, cut, rank, 4)
        parts.append(np.stack(draws))
    assert state == end
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), np.stack(whole))


def test_a_source_keeps_its_order_with_its_stream_wherever_it_stands():
    quotas = QuotaSchedule([1, 1], 8)
    one = MixPlan([300, 40], quotas, seed=1)
    other = MixPlan([40, 300], quotas, seed=1, streams=[1, 0])
    first, second = batches_of(one, 0, 30), batches_of(other, 0, 30)
    np.testing.assert_array_equal(first[:, :4], second[:, 4:] - 40)
    np.testing.assert_array_equal(first[:, 4:] - 300, second[:, :4])
    assert (first[:, :4] != batches_of(MixPlan([40, 300], quotas, seed=1), 0, 30)[:, 4:] - 40).any()


@pytest.mark.parametrize("world_size", WORLDS[1:])
def test_every_rank_of_a_plan_has_exactly_its_share_when_the_ranks_have_gone_round(world_size):
    quotas = QuotaSchedule([3, 2, 1], 2 * world_size)
    plan = MixPlan([500, 400, 300], quotas)
    steps = quotas.period * world_size
    for rank in {0, 1, world_size - 1}:
        drawn = sources_of(plan, batches_of(plan, 0, steps, rank, world_size))
        assert np.bincount(drawn.ravel()).tolist() == [steps, steps * 2 // 3, steps // 3]


@pytest.mark.parametrize("world_size", [2, 3, 8])
def test_two_drawn_sources_leave_no_rank_more_than_one_sample_from_its_part(world_size):
    """A third source is never drawn, and the quotas repeat only after 10000 batches."""
    plan = MixPlan([900, 0, 700], QuotaSchedule([7131, 0, 2869], world_size), seed=1)
    whole = sources_of(plan, batches_of(plan, 0, 2000))
    for rank in range(world_size):
        mine = sources_of(plan, batches_of(plan, 0, 2000, rank, world_size))
        for source in (0, 2):
            delivered = (whole == source).sum(axis=1).cumsum()
            assert np.abs(world_size * (mine == source).sum(axis=1).cumsum() - delivered).max() < world_size


@pytest.mark.parametrize("world_size", WORLDS)
def test_a_ratio_that_moves_is_planned_as_one_that_holds(world_size):
    stages = [
        Stage(0, (Fraction(1, 2), Fraction(1, 2), Fraction(0))),
        Stage(3, (Fraction(1, 7), Fraction(2, 7), Fraction(4, 7)), 20, "linear"),
    ]
    plan = MixPlan([50, 70, 90], RatioTimeline(stages, 192), seed=1)
    whole = batches_of(plan, 0, 30)
    parts = np.concatenate([batches_of(plan, 0, 30, rank, world_size) for rank in range(world_size)], axis=1)
    np.testing.assert_array_equal(np.sort(parts, axis=1), np.sort(whole, axis=1))
    np.testing.assert_array_equal(batches_of(plan, 17, 30, 0, world_size), parts[17:, : 192 // world_size])
    assert np.bincount(sources_of(plan, whole[-1])).tolist() in ([28, 54, 110], [27, 55, 110], [28, 55, 109])


def test_sources_of_one_size_do_not_walk_in_lockstep():
    """Reference row 3C-5."""
    plan = MixPlan([50, 50, 50], QuotaSchedule([1, 1, 1], 3))
    drawn = batches_of(plan, 0, 50) - [0, 50, 100]
    assert (drawn[:, 0] == drawn[:, 1]).sum() < 8
    assert (drawn[:, 1] == drawn[:, 2]).sum() < 8


def test_passes_of_one_source_differ():
    plan = MixPlan([50], QuotaSchedule([1], 50))
    first, second = batches_of(plan, 0, 2)
    assert (first == second).sum() < 8


def test_a_tiny_source_is_repeated_evenly():
    """Reference row 3C-9: a source that is exhausted starts its next pass; the ratio stays."""
    plan = MixPlan([10, 10000], QuotaSchedule([1, 1], 20))
    drawn = batches_of(plan, 0, 500)
    assert set(Counter(drawn[drawn < 10].tolist()).values()) == {500}


def test_a_source_of_ratio_zero_is_never_drawn_and_may_be_empty():
    """Reference row 3C-1."""
    plan = MixPlan([10, 0, 10], QuotaSchedule([1, 0, 1], 4))
    assert batches_of(plan, 0, 5).shape == (5, 4)
    plan = MixPlan([10, 10], QuotaSchedule([1, 0], 4))
    assert batches_of(plan, 0, 50).max() < 10


def test_a_huge_mixture_costs_no_memory_and_starts_at_once():
    plan = MixPlan([10**12, 3 * 10**12], QuotaSchedule([1, 3], 64))
    (batches, _, _), _ = next(plan.walk(10**9, 10**9 + 10))
    assert batches.shape == (10, 64)
    assert ((batches >= 0) & (batches < 4 * 10**12)).all()


def test_an_empty_source_with_a_positive_ratio_is_refused():
    """Reference row 3C-1: MMPose loops for ever on an empty source."""
    with pytest.raises(ValueError, match=r"source 1, source 2: no samples, .*Set the ratio to 0"):
        MixPlan([5, 0, 0], QuotaSchedule([1, 1, 2], 4))


def test_a_ratio_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="2 entries for 3 sources"):
        MixPlan([5, 5, 5], QuotaSchedule([1, 1], 4))


@pytest.mark.parametrize("streams", [[0, 0], [0], [0, 1, 2]])
def test_streams_that_do_not_tell_the_sources_apart_are_refused(streams):
    with pytest.raises(ValueError, match="must be 2 different numbers, one for each source"):
        MixPlan([5, 5], QuotaSchedule([1, 1], 4), streams=streams)


@pytest.mark.parametrize(("rank", "world_size"), [(0, 3), (2, 2), (-1, 2), (0, 0)])
def test_ranks_that_cannot_share_a_batch_are_refused(rank, world_size):
    plan = MixPlan([5], QuotaSchedule([1], 4))
    with pytest.raises(ValueError, match=rf"rank {rank} of {world_size} cannot take"):
        plan.block(plan.quotas.start(), 1, rank, world_size)
