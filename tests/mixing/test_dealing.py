"""How ranks share a global batch, and how near each stays to its share."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.mixing.allocation import QuotaSchedule
from mmpose_mix.mixing.dealing import dealt_places, first_rank_by_step, first_rank_in_turn, source_and_draw

WORLDS = [1, 2, 3, 4, 6, 8, 16, 64]
RATIOS = st.lists(st.integers(1, 9), min_size=3, max_size=6)


def counts_of_ranks(counts: np.ndarray, first: np.ndarray, world_size: int) -> np.ndarray:
    """What each rank gets of each source, (T, W, S), counted place by place."""
    size = int(counts[0].sum())
    delivered = np.zeros(counts.shape[1], dtype=np.int64)
    ranks = []
    for rank in range(world_size):
        source, _ = source_and_draw(counts, delivered, dealt_places(size, rank, world_size, first))
        ranks.append((source[:, :, None] == np.arange(counts.shape[1])).sum(axis=1))
    return np.stack(ranks, axis=1)


def quotas_of(ratio: list[int], batch_size: int, steps: int) -> tuple[np.ndarray, int]:
    schedule = QuotaSchedule(ratio, batch_size)
    return schedule.block(schedule.start(), steps)[0], schedule.period


@pytest.mark.parametrize(
    ("step", "world_size", "period", "expected"),
    [
        (0, 4, 3, [0, 2, 1, 1, 3, 2, 2, 0]),
        (5, 4, 3, [2, 2, 0, 3, 3, 1, 0, 0]),
        (0, 8, 0, [0, 5, 3, 1, 6, 4, 2, 0]),
        (10**9, 8, 0, [3, 1, 7, 4, 2, 0, 6, 3]),
        (10**30 + 1, 8, 10**30, [0, 6, 4, 1, 7, 5, 3, 0]),
    ],
)
def test_golden_first_ranks(step, world_size, period, expected):
    """Which rank loads a sample must not change between releases."""
    assert first_rank_by_step(step, 8, world_size, period).tolist() == expected


@pytest.mark.parametrize("world_size", WORLDS)
def test_all_ranks_together_get_every_place_once(world_size):
    first = np.array([0, world_size - 1, world_size // 2])
    parts = [dealt_places(192, rank, world_size, first) for rank in range(world_size)]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts, axis=1), axis=1), np.tile(np.arange(192), (3, 1)))


@settings(max_examples=60, deadline=None)
@given(world_size=st.integers(1, 40), period=st.integers(1, 30), rounds=st.integers(0, 10**15))
def test_each_place_of_the_period_begins_with_each_rank_once_in_as_many_rounds_as_ranks(world_size, period, rounds):
    first = first_rank_by_step(rounds * period, world_size * period, world_size, period).reshape(world_size, period)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.tile(np.arange(world_size)[:, None], (1, period)))


@settings(max_examples=40, deadline=None)
@given(ratio=RATIOS, world_size=st.integers(1, 6), per_rank=st.integers(1, 5), rounds=st.integers(1, 2))
def test_every_rank_has_exactly_its_share_after_as_many_periods_as_ranks(ratio, world_size, per_rank, rounds):
    batch_size = world_size * per_rank
    period = QuotaSchedule(ratio, batch_size).period
    steps = rounds * world_size * period
    counts, _ = quotas_of(ratio, batch_size, steps)
    ranks = counts_of_ranks(counts, first_rank_by_step(0, steps, world_size, period), world_size)
    share = [Fraction(part, sum(ratio)) * per_rank * steps for part in ratio]
    assert ranks.sum(axis=0).tolist() == [share] * world_size


@settings(max_examples=60, deadline=None)
@given(first=st.integers(1, 99), second=st.integers(1, 99), world_size=st.integers(1, 9), per_rank=st.integers(1, 4))
def test_of_two_sources_every_rank_stays_within_one_sample_for_ever(first, second, world_size, per_rank):
    counts, _ = quotas_of([first, second], world_size * per_rank, 150)
    begin = first_rank_in_turn(counts[:, 0], 0, world_size)
    ranks = counts_of_ranks(counts, begin, world_size).cumsum(axis=0)
    lag = np.abs(world_size * ranks - counts.cumsum(axis=0)[:, None])
    assert lag.max(initial=0) < world_size


def test_two_sources_are_dealt_in_turn_from_wherever_the_first_stands():
    assert first_rank_in_turn(np.array([3, 2, 3]), 10**18 + 1, 4).tolist() == [1, 0, 2]


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.lists(st.integers(0, 7), min_size=3, max_size=3), min_size=1, max_size=6),
    delivered=st.lists(st.integers(0, 10**12), min_size=3, max_size=3),
)
def test_a_place_is_of_the_source_and_the_draw_that_counting_gives(counts, delivered):
    size = max(1, *map(sum, counts))
    filled = np.array([[*row[:2], size - sum(row[:2])] for row in counts])
    source, draw = source_and_draw(filled, np.array(delivered), np.tile(np.arange(size), (len(counts), 1)))
    draws = list(delivered)
    for row, quotas in enumerate(filled.tolist()):
        expected = [which for which, quota in enumerate(quotas) for _ in range(quota)]
        assert source[row].tolist() == expected
        for place, which in enumerate(expected):
            assert draw[row, place] == draws[which]
            draws[which] += 1
