"""``sample_ratio_factor``: how many slots, and which samples lie behind them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.mixing.allocation import QuotaSchedule
from mmpose_mix.mixing.plan import MixPlan
from mmpose_mix.mixing.resampling import (
    holds_whole_passes,
    resampled_draw,
    resampled_index,
    resampled_indices,
    slots_per_epoch,
)


def epoch_of(length: int, slots: int, epoch: int, seed: int = 0, source: int = 0) -> list[int]:
    return resampled_indices(length, slots, seed, source, epoch).tolist()


def test_no_shuffle_of_a_sampler_repeats_one_of_these():
    plan = MixPlan([300], QuotaSchedule([1], 150), seed=5)
    batch, _ = plan.block(plan.quotas.start(), 1)
    assert batch[0].tolist() != epoch_of(300, 150, epoch=0, seed=5)


@pytest.mark.parametrize(
    ("length", "factor", "slots"), [(10, 0.3, 3), (5, 0.5, 2), (7, 0.5, 4), (10, 0, 0), (3, 2, 6), (0, 0.5, 0)]
)
def test_an_epoch_is_as_long_as_in_mmpose(length, factor, slots):
    assert slots_per_epoch([length], [factor]) == [slots]


@pytest.mark.parametrize("length", [10, 11, 300, 301])
def test_factor_one_half_shows_every_sample_once_a_pass(length):
    slots = slots_per_epoch([length], [0.5])[0]
    seen = [index for epoch in range(2 * length) for index in epoch_of(length, slots, epoch)]
    for number in range(len(seen) // length):
        assert sorted(seen[number * length : (number + 1) * length]) == list(range(length))


def test_factor_two_shows_every_sample_twice_an_epoch():
    for epoch in range(3):
        assert set(Counter(epoch_of(10, 20, epoch)).values()) == {2}


@settings(max_examples=60, deadline=None)
@given(length=st.integers(1, 400), factor=st.floats(0, 3), epochs=st.integers(1, 8), seed=st.integers(0, 99))
def test_coverage_is_even_over_any_number_of_epochs(length, factor, epochs, seed):
    slots = slots_per_epoch([length], [factor])[0]
    counts = np.zeros(length, dtype=int)
    for epoch in range(epochs):
        np.add.at(counts, resampled_indices(length, slots, seed, 0, epoch), 1)
    assert counts.sum() == epochs * slots
    assert counts.max() - counts.min() <= 1


@settings(max_examples=60, deadline=None)
@given(length=st.integers(1, 400), slots=st.integers(1, 900), epoch=st.integers(0, 10**6), data=st.data())
def test_one_slot_equals_its_place_in_the_epoch(length, slots, epoch, data):
    slot = data.draw(st.integers(0, slots - 1))
    assert resampled_index(slot, length, slots, 1, 2, epoch) == resampled_indices(length, slots, 1, 2, epoch)[slot]


@settings(max_examples=60, deadline=None)
@given(length=st.integers(1, 60), slots=st.integers(1, 150), epochs=st.integers(1, 4))
def test_the_slots_of_all_epochs_are_walks_one_after_another(length, slots, epochs):
    draws = [resampled_draw(slot, length, slots, 1, 2, epoch) for epoch in range(epochs) for slot in range(slots)]
    assert [walk for walk, _ in draws] == [place // length for place in range(epochs * slots)]
    for first in range(0, len(draws) - length + 1, length):
        assert sorted(sample for _, sample in draws[first : first + length]) == list(range(length))


@pytest.mark.parametrize(("slots", "repeats"), [(6, 1), (12, 2), (0, 0)])
def test_whole_passes_keep_the_order_of_the_source(slots, repeats):
    for epoch in (0, 5):
        assert epoch_of(6, slots, epoch) == list(range(6)) * repeats
    assert holds_whole_passes(6, slots)


def test_epochs_sources_and_seeds_choose_differently():
    """Reference row 3A-3: a choice is a function of (seed, source, epoch, slot)."""
    chosen = [epoch_of(1000, 300, epoch, seed, source) for epoch in (0, 1) for seed in (0, 1) for source in (0, 1)]
    assert len({tuple(indices) for indices in chosen}) == 8
    assert epoch_of(1000, 300, 0) == epoch_of(1000, 300, 0)


def test_bad_factors_are_refused_all_at_once():
    with pytest.raises(ValueError, match=r"\[0\]=-1, sample_ratio_factor\[2\]=nan: .*finite and at least 0"):
        slots_per_epoch([5, 5, 5], [-1, 1, float("nan")])
    with pytest.raises(TypeError, match=r"sample_ratio_factor\[1\]='half': every factor must be a number"):
        slots_per_epoch([5, 5], [1, "half"])
    with pytest.raises(ValueError, match=r"2 entries for 3 sources. Give one factor a source"):
        slots_per_epoch([5, 5, 5], [1, 1])
