"""The forecast of a training, against the training itself counted batch by batch."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.mixing import simulation
from mmpose_mix.mixing.allocation import Quotas, QuotaSchedule
from mmpose_mix.mixing.forecast import (
    Mixture,
    Training,
    forecast_of_chance,
    forecast_of_quotas,
    measured_seeks,
    remarks,
)
from mmpose_mix.mixing.plan import MixPlan
from mmpose_mix.mixing.resampling import resampled_indices
from mmpose_mix.mixing.schedule import quotas_of
from mmpose_mix.mixing.simulation import Stage, count_stage

MIXTURES = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 9)), min_size=1, max_size=5)


def mixture_of(*lengths: int) -> Mixture:
    return Mixture(tuple(f"source{i}" for i in range(len(lengths))), lengths, lengths)


def training_of(rank_batch: int, world_size: int, steps_per_epoch: int, steps: int) -> Training:
    return Training(rank_batch, world_size, steps_per_epoch, steps_per_epoch * rank_batch * world_size, steps)


def sources_drawn(mixture: Mixture, quotas: Quotas, steps: int, rank: int = 0, world_size: int = 1) -> np.ndarray:
    """The source of every sample that a rank draws, one step a row, from the plan that draws them."""
    plan = MixPlan(mixture.items, quotas, seed=3)
    indices = np.concatenate([draws.indices for draws, _ in plan.walk(0, steps, rank, world_size)])
    return np.searchsorted(np.cumsum(mixture.items), indices, side="right")


def test_golden_forecast():
    """8 samples at 2 : 1 with 40, two ranks of 2, two epochs of 3 steps: 24 draws, 16 and 8 of them."""
    quotas = QuotaSchedule([2, 1], batch_size=4)
    forecast = forecast_of_quotas(mixture_of(8, 40), training_of(2, 2, 3, 6), quotas)
    small, large = forecast.sources
    assert (small.draws, small.passes, small.passes_per_epoch, small.seen) == (16, 2, (1, 1), (2, 2))
    assert (large.draws, large.passes, large.passes_per_epoch) == (8, Fraction(1, 5), (Fraction(1, 10),) * 2)
    assert large.seen == (0, 1)
    assert forecast.period == 3
    (stage,) = forecast.stages
    assert (stage.stage, stage.steps, stage.ranks, stage.rank_steps) == (Stage(0, 6), 6, (0, 1), 6)
    first, second = stage.sources
    assert (first.realised, second.realised) == (Fraction(2, 3), Fraction(1, 3))
    assert (first.quota, first.quota_met, second.quota, second.quota_met) == ((2, 3), (2, 3), (1, 2), (1, 2))
    assert (first.rank_quota, second.rank_quota) == ((1, 2), (0, 1))
    assert (first.rank_quota_met, second.rank_quota_met) == ((1, 2), (0, 1))
    # 8/3 are wanted and 3, 3, 2 delivered: a third, two thirds and nothing off
    assert (first.lag, second.lag) == (Fraction(2, 3), Fraction(2, 3))


@settings(max_examples=80, deadline=None)
@given(mixture=MIXTURES, rank_batch=st.integers(1, 6), world_size=st.integers(1, 4), steps=st.integers(1, 30))
def test_a_forecast_is_what_the_plan_then_draws(mixture, rank_batch, world_size, steps):
    lengths, ratio = zip(*mixture)
    mixture, training = mixture_of(*lengths), training_of(rank_batch, world_size, 5, steps)
    quotas = QuotaSchedule(ratio, training.batch_size)
    forecast = forecast_of_quotas(mixture, training, quotas)
    (stage,) = forecast.stages
    whole = sources_drawn(mixture, quotas, steps)
    ranks = [sources_drawn(mixture, quotas, steps, rank, world_size) for rank in range(world_size)]
    for i, (source, got) in enumerate(zip(forecast.sources, stage.sources)):
        share = Fraction(ratio[i], sum(ratio))
        per_step = (whole == i).sum(axis=1).tolist()
        assert abs(source.draws - sum(per_step)) < 1
        assert got.realised == Fraction(sum(per_step), whole.size)
        assert got.quota_met == (min(per_step), max(per_step))
        assert got.quota == (math.floor(training.batch_size * share), math.ceil(training.batch_size * share))
        assert got.lag == largest_lag(per_step, [training.batch_size * share] * steps) < 1
        per_rank = [(rank == i).sum(axis=1).tolist() for rank in ranks]
        assert got.rank_quota_met == (min(map(min, per_rank)), max(map(max, per_rank)))
        assert got.rank_quota == (math.floor(rank_batch * share), math.ceil(rank_batch * share))
        assert got.rank_lag == max(largest_lag(counts, [rank_batch * share] * steps) for counts in per_rank)


def largest_lag(counts: list[int], wanted: list[Fraction]) -> Fraction:
    lag = largest = Fraction(0)
    for count, want in zip(counts, wanted):
        lag += want - count
        largest = max(largest, abs(lag))
    return largest


@settings(max_examples=60, deadline=None)
@given(mixture=MIXTURES, batch=st.integers(1, 12), steps=st.integers(1, 40), slots=st.integers(1, 70))
def test_how_often_samples_are_seen_is_what_is_then_seen(mixture, batch, steps, slots):
    lengths, ratio = zip(*mixture)
    items = (slots, *lengths[1:])  # source 0 is resampled
    mixture = Mixture(mixture_of(*lengths).names, lengths, items)
    quotas = QuotaSchedule(ratio, batch)
    plan = MixPlan(items, quotas, seed=1)
    draws = [draws for draws, _ in plan.walk(0, steps)]
    indices = np.concatenate([part.indices.ravel() for part in draws])
    passes = np.concatenate([part.passes.ravel() for part in draws])
    sources = np.searchsorted(np.cumsum(items), indices, side="right")
    for i, source in enumerate(forecast_of_quotas(mixture, training_of(batch, 1, 1, steps), quotas).sources):
        mine = sources == i
        local = indices[mine] - sum(items[:i])
        chosen = [
            resampled_indices(lengths[i], items[i], 7, i, number)[slot] for slot, number in zip(local, passes[mine])
        ]
        seen = Counter(chosen)
        times = [seen[sample] for sample in range(lengths[i])]
        assert source.seen[0] <= min(times)
        assert max(times) <= source.seen[1]
        if lengths[i] == items[i] and source.draws.denominator == 1:
            assert source.seen == (min(times), max(times))


def test_a_schedule_is_forecast_stage_by_stage():
    words = {
        "by_epoch": True,
        "stages": [
            {"begin": 0, "ratio": [1, 3]},
            {"begin": 2, "end": 4, "ratio": "equal", "change": "linear"},
            {"begin": 6, "ratio": {"source0": 1, "source1": 0}},
        ],
    }
    mixture, training = mixture_of(50, 70), training_of(3, 2, 10, 80)
    quotas = quotas_of(words, mixture.items, mixture.names, training.batch_size, training.steps_per_epoch)
    stages = (Stage(0, 20), Stage(20, 40, moving=True), Stage(40, 60), Stage(60, 80))
    forecast = forecast_of_quotas(mixture, training, quotas, stages)
    assert tuple(count.stage for count in forecast.stages) == stages
    assert forecast.period == 0
    drawn = sources_drawn(mixture, quotas, 80)
    for i, source in enumerate(forecast.sources):
        assert source.draws == (drawn == i).sum()
        for count in forecast.stages:
            stage, got = count.stage, count.sources[i]
            per_step = (drawn[stage.begin : stage.end] == i).sum(axis=1).tolist()
            wanted = [6 * quotas.shares_at(step)[i] for step in range(stage.begin, stage.end)]
            assert got.shares == (wanted[0] / 6, wanted[-1] / 6)
            assert got.quota_met == (min(per_step), max(per_step))
            assert got.quota[0] <= min(per_step)
            assert max(per_step) <= got.quota[1]
            assert got.lag == largest_lag(per_step, wanted)
    assert forecast.stages[0].sources[0].shares == (Fraction(1, 4), Fraction(1, 4))
    assert forecast.stages[-1].sources[1].quota == (0, 0)
    # 6 * 1/4 to 6 * 3/8: between 1 and 3 where they hold, one more or less while they move
    assert forecast.stages[1].sources[0].quota == (0, 4)
    assert forecast.stages[1].sources[0].rank_quota == (0, 2)
    assert [count.sources[1].shares[1] for count in forecast.stages[1:3]] == [Fraction(5, 8), Fraction(1, 2)]
    assert forecast.sources[0].shares == (Fraction(1, 4), Fraction(1))


@pytest.mark.parametrize("length", [3, 10**9])
def test_only_so_many_steps_are_counted_as_are_asked_for(length):
    quotas = QuotaSchedule([1, 2], batch_size=4)
    forecast = forecast_of_quotas(mixture_of(5, 5), training_of(4, 1, 1, length), quotas, counted_steps=100)
    assert forecast.stages[0].steps == min(100, length)
    assert forecast.sources[1].draws == Fraction(8, 3) * length


def test_a_thousand_ranks_are_forecast_from_a_few_of_them():
    quotas = QuotaSchedule([5, 3, 1], batch_size=65536)
    forecast = forecast_of_quotas(mixture_of(10**6, 10**5, 10**7), training_of(64, 1024, 20, 4000), quotas)
    (stage,) = forecast.stages
    assert len(stage.ranks) == simulation.MOST_RANKS
    assert (stage.ranks[0], stage.ranks[-1]) == (0, 1023)
    assert 64 * len(stage.ranks) * stage.rank_steps <= simulation.MOST_DRAWS
    for got, share in zip(stage.sources, (Fraction(5, 9), Fraction(1, 3), Fraction(1, 9))):
        assert got.lag < 1
        assert got.rank_quota == got.rank_quota_met == (math.floor(64 * share), math.ceil(64 * share))


@pytest.mark.parametrize("unit", [1, 10**19])
def test_lags_are_exact_however_large_the_numbers_of_the_ratio(unit):
    """Beyond 64 bits the same counts are weighed by Python's integers."""
    ratio = [3 * unit, 2 * unit, 2 * unit + 1]
    quotas = QuotaSchedule(ratio, batch_size=16)
    count = count_stage(quotas, Stage(0, 50), quotas.start(), steps=50)
    rows = quotas.block(quotas.start(), 50)[0]
    for i, got in enumerate(count.sources):
        assert got.lag == largest_lag(rows[:, i].tolist(), [16 * Fraction(ratio[i], sum(ratio))] * 50)


def test_chance_is_that_of_drawing_without_putting_back():
    """Of 7 items, 3 of one source, all batches of 2 are counted."""
    forecast = forecast_of_chance(mixture_of(3, 4), training_of(2, 1, 4, 8))
    batches = [sum(item < 3 for item in batch) for batch in combinations(range(7), 2)]
    chance = forecast.chances[0]
    assert chance.mean == chance.rank_mean == pytest.approx(np.mean(batches))
    assert chance.deviation == chance.rank_deviation == pytest.approx(np.std(batches))
    assert chance.without == pytest.approx(batches.count(0) / len(batches))


def test_a_batch_larger_than_the_rest_holds_some_of_every_source():
    assert forecast_of_chance(mixture_of(3, 4), training_of(5, 1, 2, 2)).chances[0].without == 0


@pytest.mark.parametrize(
    ("steps", "items_per_epoch", "times", "endless", "seen"),
    [
        pytest.param(40, 48, 1, False, (10, 10), id="whole epochs"),
        pytest.param(42, 48, 1, False, (10, 11), id="in the middle of an epoch"),
        pytest.param(40, 52, 1, False, None, id="some come twice"),
        pytest.param(40, 44, 1, False, None, id="some are dropped"),
        pytest.param(40, 96, 2, False, (20, 20), id="each item twice an epoch"),
        pytest.param(9, 48, 1, True, (2, 3), id="endless"),
    ],
)
def test_epochs_show_each_sample_once(steps, items_per_epoch, times, endless, seen):
    """48 items; a step takes 12, an epoch has 4."""
    training = Training(rank_batch=6, world_size=2, steps_per_epoch=4, items_per_epoch=items_per_epoch, steps=steps)
    sources = forecast_of_chance(mixture_of(8, 40), training, times, endless).sources
    assert [source.seen for source in sources] == [seen, seen]
    draws = 12 * steps if endless else Fraction(steps, 4) * items_per_epoch
    assert sum(source.draws for source in sources) == draws


def test_what_a_user_should_know_is_said_in_sentences():
    quotas = QuotaSchedule([98, 1, 0, 1], batch_size=8)
    mixture = Mixture(("tiny", "huge", "unused", "rare"), (10, 10**6, 5, 50), (10, 10**6, 5, 50))
    said = remarks(forecast_of_quotas(mixture, training_of(8, 1, 100, 1000), quotas))
    assert [sentence.partition(":")[0] for sentence in said] == ["tiny", "huge", "huge", "unused", "rare"]
    assert "78.4 passes an epoch: its 10 samples are repeated more than 10 times" in said[0]
    assert "no full pass in the whole training; at least 999,920 of its 1,000,000 samples are never seen" in said[1]
    assert "some batches of a rank hold no sample of it" in said[2]
    assert said[3] == "unused: never drawn."


def test_nothing_is_said_of_a_mixture_in_order():
    assert remarks(forecast_of_quotas(mixture_of(8, 40), training_of(6, 1, 8, 80), QuotaSchedule([1, 1], 6))) == ()


@pytest.mark.parametrize(("steps", "expected"), [(1, [0]), (2, [0, 1]), (1000, [0, 500, 999])])
def test_seeks_are_measured_at_both_ends_and_in_the_middle(steps, expected):
    costs = measured_seeks(mixture_of(10, 20), training_of(4, 2, 1, steps), QuotaSchedule([1, 2], 8))
    assert [cost.step for cost in costs] == expected
    assert all(0 < cost.with_state <= cost.without_state for cost in costs)
