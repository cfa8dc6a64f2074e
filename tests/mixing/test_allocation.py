"""Quotas: exact in every batch and over every prefix."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.mixing import allocation
from mmpose_mix.mixing.allocation import QuotaSchedule, QuotaState, exact_shares, quotas

RATIOS = st.lists(
    st.one_of(st.integers(0, 10), st.integers(1, 10**6), st.floats(0.001, 1000)), min_size=1, max_size=14
).filter(any)


def assert_exact(counts: np.ndarray, shares: tuple[Fraction, ...], batch_size: int) -> None:
    """Both bounds, by definition, in exact numbers."""
    delivered = [0] * len(shares)
    for step, row in enumerate(counts.tolist(), start=1):
        assert sum(row) == batch_size
        for source, (count, share) in enumerate(zip(row, shares)):
            wanted = batch_size * share
            assert wanted.__floor__() <= count <= wanted.__ceil__()
            delivered[source] += count
            assert abs(delivered[source] - step * wanted) < 1


@pytest.mark.parametrize(
    ("ratio", "batch_size", "expected"),
    [
        ([1, 1], 4, [[2, 2], [2, 2]]),
        ([2, 1], 4, [[3, 1], [3, 1], [2, 2]] * 2),
        ([0.7, 0.3], 5, [[4, 1], [3, 2], [4, 1], [3, 2]]),
        ([1, 0, 1], 3, [[2, 0, 1], [1, 0, 2]]),
        ([10, 1], 1, [[1, 0]] * 5 + [[1, 0]] * 5 + [[0, 1]]),
    ],
)
def test_golden_quotas(ratio, batch_size, expected):
    assert quotas(ratio, batch_size, len(expected)).tolist() == expected


@settings(max_examples=150, deadline=None)
@given(ratio=RATIOS, batch_size=st.integers(1, 300), batches=st.integers(1, 60))
def test_every_batch_is_floor_or_ceil_and_every_prefix_is_within_one_sample(ratio, batch_size, batches):
    schedule = QuotaSchedule(ratio, batch_size)
    counts, _ = schedule.block(schedule.start(), batches)
    assert_exact(counts, schedule.shares, batch_size)


@settings(max_examples=40, deadline=None)
@given(
    heavy=st.lists(st.integers(1, 40), min_size=2, max_size=10),
    batch_size=st.integers(1, 12),
)
def test_the_bounds_hold_over_a_whole_period(heavy, batch_size):
    schedule = QuotaSchedule(heavy, batch_size)
    batches = schedule.period + 2
    counts, _ = schedule.block(schedule.start(), batches)
    assert_exact(counts, schedule.shares, batch_size)
    exact = [schedule.period * batch_size * share for share in schedule.shares]
    assert counts[: schedule.period].sum(axis=0).tolist() == exact
    np.testing.assert_array_equal(counts[schedule.period :], counts[:2])


@pytest.mark.parametrize(
    ("ratio", "batch_size"),
    [
        ([5, 9, 4, 5, 8, 9, 8], 9),
        ([4, 2, 8, 7, 5, 4], 11),
        ([6, 4, 6, 8, 5, 3, 3, 1], 11),
        ([4, 3, 6, 9, 6, 8, 7, 8], 11),
    ],
)
def test_the_order_of_equal_deadlines_keeps_the_bounds(ratio, batch_size):
    """Mixtures that leave the bounds where windows that do not overlap the next go first."""
    schedule = QuotaSchedule(ratio, batch_size)
    counts, _ = schedule.block(schedule.start(), schedule.period)
    assert_exact(counts, schedule.shares, batch_size)


@pytest.mark.parametrize("batch_size", [1, 7, 65536])
@pytest.mark.parametrize("ratio", [[1, 10**6], [1] * 64, list(range(1, 65)), [1e-9, 1.0, 0.3333333333333333]])
def test_the_bounds_hold_at_the_ends_of_the_range(ratio, batch_size):
    schedule = QuotaSchedule(ratio, batch_size)
    counts, _ = schedule.block(schedule.start(), 50)
    assert_exact(counts, schedule.shares, batch_size)


def test_a_rare_source_gets_its_sample_in_every_million_batches():
    schedule = QuotaSchedule([1, 10**6], 1)
    assert schedule.seek(1_000_001).delivered == (1, 1_000_000)


@cache
def can_go_on(fractions: tuple[Fraction, ...], extra: tuple[int, ...], step: int, last: int) -> bool:
    """Brute force: whether batches ``step``.. ``last`` can keep every lag in (-1, 1)."""
    return step == last or any(
        can_go_on(fractions, after, step + 1, last) for after in followers(fractions, extra, step)
    )


def followers(fractions, extra, step):
    places = int(sum(fractions))
    rest = [()]
    for fraction, had in zip(fractions, extra):
        allowed = [had + more for more in (0, 1) if abs(had + more - (step + 1) * fraction) < 1]
        rest = [(*head, tail) for head in rest for tail in allowed]
    return [after for after in rest if sum(after) - sum(extra) == places]


@settings(max_examples=40, deadline=None)
@given(ratio=st.lists(st.integers(1, 9), min_size=2, max_size=5), batch_size=st.integers(1, 5))
def test_the_schedule_never_leaves_the_states_that_brute_force_can_finish_from(ratio, batch_size):
    schedule = QuotaSchedule(ratio, batch_size)
    wanted = [batch_size * share for share in schedule.shares]
    fractions = tuple(want - want.__floor__() for want in wanted)
    whole = [want.__floor__() for want in wanted]
    last = min(schedule.period, 12)
    state = schedule.start()
    for step in range(last):
        _, state = schedule.block(state, 1)
        extra = tuple(had - (step + 1) * floor for had, floor in zip(state.delivered, whole))
        assert can_go_on(fractions, extra, step + 1, last)


@settings(max_examples=60, deadline=None)
@given(ratio=RATIOS, batch_size=st.integers(1, 100), cuts=st.tuples(st.integers(0, 60), st.integers(0, 60)))
def test_seeking_and_going_on_equal_walking_through(ratio, batch_size, cuts):
    first, last = sorted(cuts)
    schedule = QuotaSchedule(ratio, batch_size)
    counts, end = schedule.block(schedule.start(), last)
    nearby = schedule.seek(first // 2)
    for middle in (schedule.seek(first), schedule.seek(first, nearby)):
        delivered = tuple(counts[:first].sum(axis=0).tolist())
        lags = tuple(first * batch_size * share - had for share, had in zip(schedule.shares, delivered))
        assert middle == QuotaState(first, delivered, 0, lags)
        rest, state = schedule.block(middle, last - first)
        np.testing.assert_array_equal(rest, counts[first:])
        assert state == end


def test_a_later_state_tells_no_more_than_where_its_mixture_began():
    schedule = QuotaSchedule([2, 1], 4)
    assert schedule.seek(1, nearest=schedule.seek(5)) == schedule.seek(1)
    changed = schedule.seek(29, nearest=QuotaState(20, (3, 9), begun=20))
    assert schedule.seek(22, changed) == schedule.seek(22, QuotaState(20, (3, 9), begun=20))
    assert schedule.seek(19, changed) == schedule.seek(19)


@settings(max_examples=60, deadline=None)
@given(
    ratio=RATIOS,
    batch_size=st.integers(1, 100),
    begun=st.integers(0, 10**6),
    steps=st.tuples(st.integers(0, 90), st.integers(0, 90)),
)
def test_a_mixture_that_began_later_runs_as_from_its_start(ratio, batch_size, begun, steps):
    """Quotas do not depend on when the mixture began, nor on what earlier calls have made known."""
    counts, end = (fresh := QuotaSchedule(ratio, batch_size)).block(fresh.start(), 100)
    schedule = QuotaSchedule(ratio, batch_size)
    delivered = tuple(range(len(ratio)))
    entered = QuotaState(begun, delivered, begun)
    for step in steps:
        state = schedule.seek(begun + step, entered)
        assert state.begun == begun
        assert state.delivered == tuple(map(int, delivered + counts[:step].sum(axis=0)))
        rest, last = schedule.block(state, 100 - step)
        np.testing.assert_array_equal(rest, counts[step:])
        assert last.lags == end.lags
        entered = state


def test_lags_are_what_was_wanted_and_not_delivered():
    schedule = QuotaSchedule([2, 1], 4)
    assert schedule.start().lags == (0, 0)
    _, state = schedule.block(QuotaState(10, (0, 0), 10), 1)
    assert state == QuotaState(11, (3, 1), 10, (Fraction(-1, 3), Fraction(1, 3)))
    assert schedule.seek(3).lags == (0, 0)


def test_a_state_without_lags_is_read_by_what_was_delivered_from_the_first_step_on():
    schedule = QuotaSchedule([2, 1], 4)
    np.testing.assert_array_equal(schedule.block(QuotaState(1, (3, 1)), 2)[0], [[3, 1], [2, 2]])


@pytest.mark.parametrize(
    "state",
    [
        QuotaState(1, (4, 0)),
        QuotaState(1, (3, 1), 0, (Fraction(1, 2), Fraction(-1, 2))),
        QuotaState(1, (3, 1), 0, (Fraction(-4, 3), Fraction(4, 3))),
        QuotaState(1, (3, 1), 0, (Fraction(-1, 3), Fraction(-2, 3))),
        QuotaState(1, (3, 1, 0), 0, (Fraction(-1, 3), Fraction(1, 3))),
        QuotaState(1, (3, 1), 0, (Fraction(-1, 3),)),
        QuotaState(1, (3, 1), 2),
        QuotaState(12, (3, 1), 10),
    ],
)
def test_a_state_of_another_mixture_is_refused(state):
    with pytest.raises(ValueError, match=r"is no state of QuotaSchedule\(shares=\['2/3', '1/3'\], batch_size=4\)"):
        QuotaSchedule([2, 1], 4).block(state, 1)


@pytest.mark.parametrize("longest", [0, 3, 10**9])
def test_quotas_do_not_depend_on_what_is_kept_as_a_table(monkeypatch, longest):
    monkeypatch.setattr(allocation, "LONGEST_TABLE", longest)
    schedule = QuotaSchedule([5, 9, 4, 5, 8, 9, 8], 9)
    state, parts = schedule.start(), []
    for size in (1, 5, 100, 0, 2, 70):
        part, state = schedule.block(state, size)
        parts.append(part)
    expected = quotas([5, 9, 4, 5, 8, 9, 8], 9, 178)
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    fresh = QuotaSchedule([5, 9, 4, 5, 8, 9, 8], 9)
    assert fresh.seek(178) == state == schedule.seek(178)
    early = fresh.seek(schedule.period - 1)
    assert fresh.seek(178, nearest=early) == state


def test_seeking_skips_whole_periods():
    schedule = QuotaSchedule([0.3, 0.7], 64)
    assert schedule.period == 5
    assert schedule.seek(10**12).delivered == (192 * 10**11, 448 * 10**11)


@pytest.mark.parametrize(
    "ratio", [[0.3, 0.7], [3, 7], [Fraction(3, 10), Fraction(7, 10)], [np.float32(0.3), np.float64(0.7)], (30, 70)]
)
def test_a_float_means_the_decimal_it_is_printed_as(ratio):
    assert exact_shares(ratio) == (Fraction(3, 10), Fraction(7, 10))


def test_a_positive_share_never_starves():
    """Reference row 3C-1: a share below one sample a batch."""
    counts = quotas([1, 0.01], 64, 200)
    assert counts[:, 1].sum() == 127  # 200 * 64 / 101 = 126.7
    assert counts[:, 1].max() == 1


def test_the_remainder_goes_to_no_fixed_source():
    """Reference row 3C-2: MMPose gives [4, 2, 2, 2] for ever."""
    assert quotas([1, 1, 1, 1], 10, 4).sum(axis=0).tolist() == [10, 10, 10, 10]


@pytest.mark.parametrize("ratio", [[1, -4], [float("nan"), 1], [1, float("inf")], [-0.5, -1]])
def test_negative_and_infinite_ratios_are_refused_with_their_place(ratio):
    bad = next(i for i, value in enumerate(ratio) if not 0 <= value < float("inf"))
    with pytest.raises(ValueError, match=rf"source_ratio\[{bad}\]=.*finite and at least 0"):
        exact_shares(ratio)


def test_all_offenders_stand_in_one_error():
    with pytest.raises(ValueError, match=r"source_ratio\[0\]=-1, source_ratio\[2\]=nan"):
        exact_shares([-1, 1, float("nan")])


@pytest.mark.parametrize("ratio", [[0, 0], [0.0], []])
def test_a_ratio_without_a_positive_entry_is_refused(ratio):
    with pytest.raises(ValueError, match="no positive entry"):
        exact_shares(ratio)


@pytest.mark.parametrize("value", ["1", None, True, 1j, Decimal("0.5")])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(TypeError, match=r"source_ratio\[1\]=.*int, a float or a Fraction"):
        exact_shares([1, value])


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True, None])
def test_a_batch_size_that_is_none_is_refused(batch_size):
    with pytest.raises(ValueError, match=r"batch_size=.*integer of at least 1"):
        QuotaSchedule([1, 1], batch_size)
