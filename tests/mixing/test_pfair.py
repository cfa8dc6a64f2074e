"""The places that are left over, against PD2 written down batch by batch."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.mixing.pfair import extra_places

WEIGHTS = st.one_of(st.integers(0, 9), st.integers(1, 10**6), st.integers(10**12, 10**13))


def urgency(part: Fraction, window: int, source: int) -> tuple:
    """PD2's order: deadline, overlap, group deadline, place (Anderson and Srinivasan)."""
    deadline = ceil((window + 1) / part)
    overlaps = deadline > floor((window + 1) / part)
    group = 0
    if part >= Fraction(1, 2):
        group = ceil(ceil(deadline * (1 - part)) / (1 - part))
    return deadline, not overlaps, -group, source


def textbook(fractions: list[Fraction], batches: int) -> np.ndarray:
    served = [0] * len(fractions)
    rows = np.zeros((batches, len(fractions)), dtype=np.int64)
    for step in range(batches):
        ready = [i for i, part in enumerate(fractions) if part and floor(served[i] / part) <= step]
        ready.sort(key=lambda i: urgency(fractions[i], served[i], i))
        for source in ready[: int(sum(fractions))]:
            rows[step, source] = 1
            served[source] += 1
    return rows


def fractions_of(weights: list[int], batch_size: int) -> list[Fraction]:
    wanted = [Fraction(batch_size * weight, sum(weights)) for weight in weights]
    return [want - floor(want) for want in wanted]


@settings(max_examples=120, deadline=None)
@given(
    weights=st.lists(WEIGHTS, min_size=1, max_size=64).filter(any),
    batch_size=st.integers(1, 300),
    cuts=st.tuples(st.integers(0, 60), st.integers(0, 60)),
)
def test_places_are_those_of_pd2_wherever_a_stretch_begins(weights, batch_size, cuts):
    fractions = fractions_of(weights, batch_size)
    first, last = sorted(cuts)
    expected = textbook(fractions, last)
    served = expected[:first].sum(axis=0).tolist()
    np.testing.assert_array_equal(extra_places(fractions, served, first, last - first), expected[first:])


@pytest.mark.parametrize(
    ("weights", "batch_size"),
    [([5, 5, 3, 4, 4], 4), ([6, 6, 5, 4, 1], 7), ([3, 4, 4, 6, 6, 6], 6), ([4, 3, 6, 9, 6, 8, 7, 8], 11)],
)
def test_a_source_never_takes_two_places_of_a_batch(weights, batch_size):
    """Mixtures of parts so large that a window has to wait for the one before, batch after batch."""
    fractions = fractions_of(weights, batch_size)
    np.testing.assert_array_equal(extra_places(fractions, [0] * len(weights), 0, 100), textbook(fractions, 100))


@settings(max_examples=40, deadline=None)
@given(weights=st.lists(st.integers(1, 9), min_size=2, max_size=5), factor=st.integers(2**40, 2**60))
def test_integers_too_long_for_64_bits_give_the_same_places(weights, factor):
    """Parts next to the simple ones, but with denominators of 40 bits and more."""
    weights = [weight * factor + 1 for weight in weights]
    fractions = fractions_of(weights, 5)
    np.testing.assert_array_equal(extra_places(fractions, [0] * len(weights), 0, 30), textbook(fractions, 30))


def test_no_places_and_no_batches_give_nothing():
    assert extra_places([Fraction(0)] * 2, [0, 0], 0, 3).tolist() == [[0, 0]] * 3
    assert extra_places([Fraction(1, 2)] * 2, [0, 0], 0, 0).shape == (0, 2)
