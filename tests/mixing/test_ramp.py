"""Ratios that move: error feedback, against exhaustive search."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import ceil, cos, floor, pi

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmpose_mix.mixing.allocation import QuotaState, exact_shares
from mmpose_mix.mixing.ramp import CHANGES, Ramp, quota_of_batch, without_advance

WEIGHTS = st.lists(st.one_of(st.integers(0, 9), st.sampled_from([1, 1000, 10**6])), min_size=2, max_size=64)


def new(sources: int) -> QuotaState:
    return QuotaState(0, (0,) * sources)


def ramp_of(before, after, ticks, steps_a_tick=1, change="linear", batch_size=8) -> Ramp:
    return Ramp(0, ticks, steps_a_tick, change, exact_shares(before), exact_shares(after), batch_size)


@pytest.mark.parametrize(
    ("ramp", "expected"),
    [
        (ramp_of([1, 0], [0, 1], ticks=4), [[8, 0], [6, 2], [4, 4], [2, 6]]),
        (ramp_of([1, 0], [0, 1], ticks=2, steps_a_tick=2), [[8, 0], [8, 0], [4, 4], [4, 4]]),
        (ramp_of([1, 0], [0, 1], ticks=4, change="cosine"), [[8, 0], [7, 1], [4, 4], [1, 7]]),
        (ramp_of([1, 1], [1, 3], ticks=3, batch_size=3), [[2, 1], [1, 2], [1, 2]]),
    ],
)
def test_golden_quotas(ramp, expected):
    assert ramp.block(new(2), len(expected))[0].tolist() == expected


@pytest.mark.parametrize("ticks", [1, 2, 7, 10**6])
def test_shares_move_from_the_old_towards_the_new(ticks):
    for change in CHANGES:
        ramp = ramp_of([1, 0], [0, 1], ticks, 3, change)
        assert ramp.end == 3 * ticks
        assert ramp.shares_at(0) == (1, 0)
        for tick in {0, ticks // 3, ticks // 2, ticks - 1}:
            way = tick / ticks if change == "linear" else (1 - cos(pi * tick / ticks)) / 2
            for step in (3 * tick, 3 * tick + 2):
                share = ramp.shares_at(step)[1]
                assert float(share) == pytest.approx(way, abs=1e-9)
                assert share < 1


def test_shares_of_a_linear_move_are_exact():
    ramp = ramp_of([1, 2], [5, 2], ticks=7)
    way = Fraction(3, 7)
    assert ramp.shares_at(3)[0] == Fraction(1, 3) * (1 - way) + Fraction(5, 7) * way


@settings(max_examples=120, deadline=None)
@given(
    before=WEIGHTS,
    after=WEIGHTS,
    batch_size=st.one_of(st.integers(1, 40), st.sampled_from([256, 65536])),
    ticks=st.integers(1, 40),
    steps_a_tick=st.integers(1, 4),
    change=st.sampled_from(CHANGES),
)
def test_a_move_keeps_its_bounds(before, after, batch_size, ticks, steps_a_tick, change):
    sources = min(len(before), len(after))
    before, after = before[:sources], after[:sources]
    assume(any(before) and any(after))
    ramp = ramp_of(before, after, ticks, steps_a_tick, change, batch_size)
    steps = min(ramp.end, 60)
    counts, end = ramp.block(new(sources), steps)
    state = new(sources)
    gap = [Fraction(0)] * sources
    forgotten = False
    for step, row in enumerate(counts.tolist()):
        lags = state.lags or gap
        alone, state = ramp.block(state, 1)
        assert alone.tolist() == [row]
        assert sum(row) == batch_size
        assert sum(state.lags) == 0
        for source, share in enumerate(ramp.shares_at(step)):
            assert abs(state.lags[source]) < 1
            assert abs(row[source] - batch_size * share) < 2
            assert share or not row[source]
            gap[source] += batch_size * share - row[source]
            forgotten |= state.lags[source] - lags[source] != batch_size * share - row[source]
            assert forgotten or abs(gap[source]) < 1
    assert state == end
    assert end.delivered == tuple(counts.sum(axis=0).tolist())


def all_quotas(lags, wanted, unit):
    """Exhaustive: every quota of a batch that keeps all lags inside (-1, 1) and draws no source of share 0."""
    choices = []
    for lag, want in zip(lags, wanted):
        most = (lag + want) // unit + 2
        choices.append([q for q in range(most + 1) if abs(lag + want - q * unit) < unit and (want or not q)])
    return [quota for quota in product(*choices) if sum(quota) * unit == sum(wanted)]


def outside(quota, wanted, unit):
    """How many sources get neither floor nor ceil of what the batch should bring them."""
    return sum(not want // unit <= count <= -(-want // unit) for count, want in zip(quota, wanted))


@st.composite
def situations(draw):
    unit = draw(st.integers(1, 12))
    sources = draw(st.integers(2, 5))
    wanted = [draw(st.integers(0, 2 * unit)) for _ in range(sources)]
    wanted[0] += -sum(wanted) % unit
    wanted[0] += 0 if sum(wanted) else unit
    lags = [draw(st.integers(1 - unit, unit - 1)) if want else 0 for want in wanted]
    rest = -sum(lags)
    for source, want in enumerate(wanted):
        if want:
            step = max(1 - unit - lags[source], min(unit - 1 - lags[source], rest))
            lags[source] += step
            rest -= step
    assume(not rest)
    return lags, wanted, unit


@settings(max_examples=400, deadline=None)
@given(situations())
def test_a_quota_is_the_best_that_exhaustive_search_finds(situation):
    lags, wanted, unit = situation
    possible = all_quotas(lags, wanted, unit)
    quota, after = quota_of_batch(lags, wanted, unit)
    assert sum(after) == 0
    assert all(abs(lag) < unit for lag in after)
    exact = [lag + want - count * unit for lag, want, count in zip(lags, wanted, quota)]
    if possible:
        assert tuple(quota) in possible
        assert outside(quota, wanted, unit) == min(outside(other, wanted, unit) for other in possible)
        assert after == exact
    else:
        assert after != exact, "lags that no quota can keep have to be forgotten"
        lags = without_advance(lags, wanted)
        assert tuple(quota) in all_quotas(lags, wanted, unit)


def test_what_was_given_in_advance_is_forgotten_only_where_it_must_be():
    """Two sources got a sample each in advance and hardly ask for one; the others ask for three full places of two."""
    lags, wanted = [-9, -9, 9, 9], [1, 1, 9, 9]
    assert all_quotas(lags, wanted, 10) == [(0, 0, 1, 1)]
    assert quota_of_batch(lags, wanted, 10) == ([0, 0, 1, 1], [-8, -8, 8, 8])
    lags, wanted = [-9, -9, 9, 9], [1, 1, 12, 6]
    assert all_quotas(lags, wanted, 10) == []
    assert without_advance(lags, wanted) == [-1, -1, 1, 1]
    assert quota_of_batch(lags, wanted, 10) == ([0, 0, 1, 1], [0, 0, 3, -3])


@settings(max_examples=60, deadline=None)
@given(situations())
def test_forgetting_raises_what_was_in_advance_and_lowers_what_is_behind(situation):
    lags, wanted, _unit = situation
    kept = without_advance(lags, wanted)
    assert sum(kept) == 0
    assert all(lag + want >= 0 for lag, want in zip(kept, wanted))
    for before, after in zip(lags, kept):
        assert min(before, 0) <= after <= max(before, 0)


def reachable(ramp: Ramp, steps: int) -> bool:
    """Exhaustive: whether batches exist that are floor or ceil of every share, each prefix within one sample."""
    sources = len(ramp.before)
    totals = {(0,) * sources}
    wanted = [Fraction(0)] * sources
    for step in range(steps):
        batch = [ramp.batch_size * share for share in ramp.shares_at(step)]
        wanted = [before + part for before, part in zip(wanted, batch)]
        quotas = [q for q in product(*({floor(p), ceil(p)} for p in batch)) if sum(q) == ramp.batch_size]
        reached = {tuple(map(sum, zip(total, quota))) for total in totals for quota in quotas}
        totals = {total for total in reached if all(abs(want - had) < 1 for want, had in zip(wanted, total))}
    return bool(totals)


@settings(max_examples=40, deadline=None)
@given(
    weights=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=4),
    batch_size=st.integers(1, 5),
    ticks=st.integers(1, 8),
    change=st.sampled_from(CHANGES),
)
def test_quotas_that_keep_both_bounds_exist_and_ours_keep_every_prefix(weights, batch_size, ticks, change):
    before, after = zip(*weights)
    assume(any(before) and any(after))
    ramp = ramp_of(before, after, ticks, 1, change, batch_size)
    assert reachable(ramp, ticks)
    counts, _ = ramp.block(new(len(weights)), ticks)
    wanted = np.cumsum([[batch_size * share for share in ramp.shares_at(step)] for step in range(ticks)], axis=0)
    assert (np.abs(wanted - counts.cumsum(axis=0)) < 1).all()


@pytest.mark.parametrize(
    "state",
    [
        QuotaState(0, (0, 0), 0, (Fraction(1, 3), Fraction(-1, 3))),
        QuotaState(1, (4, 4), 0, (Fraction(1), Fraction(-1))),
        QuotaState(1, (4, 4), 0, (Fraction(1, 2), Fraction(0))),
        QuotaState(0, (0, 0, 0)),
        QuotaState(1, (4, 4), 2),
    ],
)
def test_a_state_of_something_else_is_refused(state):
    with pytest.raises(ValueError, match=r"is no state of Ramp.*begin a stage of its own: begun=step and no lags"):
        ramp_of([1, 1], [1, 3], ticks=4).block(state, 1)
