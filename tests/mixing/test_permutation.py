"""Seekable shuffles: bijections, even, and unrelated for different keys."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from math import factorial, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.mixing import permutation
from mmpose_mix.mixing.permutation import SHORT, PassWalks, SeekablePermutation, hash_of, walk_passes

KEYS = st.integers(-(2**63), 2**64 - 1)
BOTH_KINDS = [SHORT - 1, SHORT, SHORT + 1, 1000, 1024, 1025]


def z_of_chi_square(counts: np.ndarray, expected: float, freedom: int) -> float:
    """How many standard deviations a chi-square statistic lies above its mean (normal approximation)."""
    statistic = ((counts - expected) ** 2 / expected).sum()
    return (statistic - freedom) / sqrt(2 * freedom)


@pytest.mark.parametrize(
    ("length", "key", "first"),
    [
        (8, (0,), [7, 4, 2, 0, 3, 6, 5, 1]),
        (1000, (0, 1), [738, 789, 563, 370]),
        (10**9, (3, 1, 4), [500879717, 86470754, 252985651, 116960568]),
    ],
)
def test_golden_orders(length, key, first):
    """An order is part of what a seed means: it must not change between releases."""
    order = SeekablePermutation(length, *key)
    assert [order[position] for position in range(len(first))] == first


@settings(max_examples=60, deadline=None)
@given(length=st.integers(1, 3000), seed=KEYS)
def test_every_order_is_a_bijection(length, seed):
    indices = SeekablePermutation(length, seed).take(np.arange(length))
    assert indices.dtype == np.int64
    np.testing.assert_array_equal(np.sort(indices), np.arange(length))


@settings(max_examples=60, deadline=None)
@given(length=st.integers(1, 10**12), seed=KEYS, data=st.data())
def test_one_position_equals_its_place_in_an_array(length, seed, data):
    positions = data.draw(st.lists(st.integers(0, length - 1), max_size=5))
    order = SeekablePermutation(length, seed)
    assert order.take(positions).tolist() == [order[position] for position in positions]


@settings(max_examples=40, deadline=None)
@given(length=st.integers(1, 700), seed=KEYS, counters=st.lists(st.integers(0, 5000), min_size=1, max_size=40))
def test_a_walk_is_the_passes_one_after_another(length, seed, counters):
    walked = walk_passes(np.array(counters), length, (seed, 5))
    expected = [SeekablePermutation(length, seed, 5, c // length)[c % length] for c in counters]
    assert walked.tolist() == expected


LENGTHS = st.one_of(st.integers(1, 300), st.integers(257, 5000), st.integers(1, 10**12))


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(LENGTHS, min_size=1, max_size=5), seed=KEYS, data=st.data())
def test_walks_together_are_the_walks_one_by_one(lengths, seed, data):
    far = st.tuples(st.integers(0, len(lengths) - 1), st.integers(0, 2**40), st.floats(0, 1, exclude_max=True))
    near = st.tuples(st.integers(0, len(lengths) - 1), st.integers(7, 9), st.floats(0, 1, exclude_max=True))
    draws = data.draw(st.one_of(st.lists(far, max_size=40), st.lists(near, max_size=60)))
    rows = [(source, number, int(part * lengths[source])) for source, number, part in draws]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    walks = PassWalks(lengths, [(seed, place) for place in range(len(lengths))])
    expected = [SeekablePermutation(lengths[source], seed, source, number)[at] for source, number, at in rows]
    assert walks.take(*columns).tolist() == expected


@pytest.mark.parametrize("lengths", [[257, 100_000], [300, 5, 70_000, 2**20 + 1]])
def test_many_draws_of_mixed_lengths_are_bijections(lengths):
    """So many that the walks along cycles begin in arrays and end one by one."""
    sources = np.repeat(np.arange(len(lengths)), lengths)
    positions = np.concatenate([np.arange(length) for length in lengths])
    shuffled = np.argsort(positions % 97, kind="stable")
    walks = PassWalks(lengths, [(8, place) for place in range(len(lengths))])
    indices = np.empty_like(positions)
    indices[shuffled] = walks.take(sources[shuffled], np.full_like(positions, 3), positions[shuffled])
    for source, length in enumerate(lengths):
        np.testing.assert_array_equal(np.sort(indices[sources == source]), np.arange(length))
        assert indices[sources == source][0] == SeekablePermutation(length, 8, source, 3)[0]


def test_a_walk_of_nothing_is_empty():
    for length in BOTH_KINDS:
        assert walk_passes(np.array([], dtype=np.int64), length, (1,)).shape == (0,)


@pytest.mark.parametrize("length", [2, 3, 4, 5])
def test_all_orders_of_a_tiny_range_are_equally_likely(length):
    draws = 200 * factorial(length)
    seen = Counter(tuple(SeekablePermutation(length, 9, key).take(np.arange(length)).tolist()) for key in range(draws))
    counts = np.array([seen[order] for order in permutations(range(length))])
    assert z_of_chi_square(counts, 200, factorial(length) - 1) < 4


@pytest.mark.parametrize("length", [6, 7, 8, 9, 10, 100, SHORT + 1, 300])
def test_every_index_is_equally_likely_at_every_position(length):
    draws = 1500
    walked = walk_passes(np.arange(draws * length), length, (2,)).reshape(draws, length)
    counts = np.zeros((length, length))
    np.add.at(counts, (np.arange(length), walked), 1)
    assert z_of_chi_square(counts, draws / length, (length - 1) ** 2) < 4


@pytest.mark.parametrize("length", [10, 100, SHORT + 1, 300])
def test_neighbours_in_the_order_are_unrelated(length):
    draws = 1500
    walked = walk_passes(np.arange(draws * length), length, (3,)).reshape(draws, length)
    steps = np.bincount(((walked[:, 1:] - walked[:, :-1]) % length).ravel(), minlength=length)
    assert z_of_chi_square(steps[1:], draws, length - 2) < 4


@pytest.mark.parametrize("length", BOTH_KINDS)
def test_different_keys_give_unrelated_orders(length):
    """Two unrelated shuffles agree at about one position, whatever part of the key differs."""
    everywhere = np.arange(length)
    keys = [(seed, source, number) for seed in (0, 1) for source in range(5) for number in range(4)]
    orders = [SeekablePermutation(length, *key).take(everywhere) for key in keys]
    agreements = [(a == b).sum() for i, a in enumerate(orders) for b in orders[:i]]
    assert 0.8 < np.mean(agreements) < 1.2
    assert max(agreements) < 8


def test_the_network_is_also_even_on_short_ranges(monkeypatch):
    """The rounds suffice with room to spare: the network passes where its halves are smallest."""
    monkeypatch.setattr(permutation, "SHORT", 0)
    length, draws = 64, 1500
    walked = walk_passes(np.arange(draws * length), length, (4,)).reshape(draws, length)
    counts = np.zeros((length, length))
    np.add.at(counts, (np.arange(length), walked), 1)
    assert z_of_chi_square(counts, draws / length, (length - 1) ** 2) < 4


def test_a_hash_depends_on_every_part_its_place_and_their_number():
    hashes = {hash_of(*key) for key in [(), (0,), (0, 0), (1, 0), (0, 1), (1,), (1, 0, 0), (2**64 - 1,)]}
    assert len(hashes) == 8
    assert all(0 <= value < 2**64 for value in hashes)


def test_no_global_generator_is_touched():
    np.random.seed(0)
    before = np.random.get_state()[1].tolist()
    walk_passes(np.arange(1000), 300, (1,))
    assert np.random.get_state()[1].tolist() == before


@pytest.mark.parametrize("position", [-1, 5])
def test_a_position_outside_is_refused(position):
    order = SeekablePermutation(5, 0)
    with pytest.raises(IndexError, match=rf"{position} is outside 0..4"):
        order[position]
    with pytest.raises(IndexError, match=r"not all in 0..4"):
        order.take([0, position])


def test_an_order_of_nothing_is_refused():
    with pytest.raises(ValueError, match="length=0 must be at least 1"):
        SeekablePermutation(0, 1)
