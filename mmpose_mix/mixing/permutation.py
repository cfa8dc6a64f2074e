"""Seekable shuffles: position -> index as a pure function of a key, without a table.

A long range goes through a Feistel network on the next power of two, walked along its cycle until it lands inside the
range (J. Black and P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). On a short range such a network
reaches few of the orders; there the positions are sorted by their hashes, which is cheap.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Optional, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHORT = 256
"""Up to this length an order is sorted out of hashes."""

ROUNDS = 10

_FEW = 16  # the last values outside a range are walked one by one: a round of array operations costs as much

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB

Words = NDArray[np.uint64]
Counters = NDArray[np.int64]


def mix64(value: int) -> int:
    """Return a 64-bit hash of a 64-bit integer: the finalizer of SplitMix64 (Steele, Lea and Flood 2014).

    >>> hex(mix64(1))
    '0x5692161d100b05e5'
    """
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)


def _mix64_array(values: Words) -> Words:
    """Return :func:`mix64` of each value, written over the values: half of the time is saved."""
    shifted = values >> np.uint64(30)
    values ^= shifted
    values *= np.uint64(_FIRST)
    values ^= np.right_shift(values, np.uint64(27), out=shifted)
    values *= np.uint64(_SECOND)
    values ^= np.right_shift(values, np.uint64(31), out=shifted)
    return values


def hash_of(*key: int) -> int:
    """Return a 64-bit hash of a tuple of integers; of each, the low 64 bits count.

    >>> hash_of(0, 1) != hash_of(1, 0)
    True
    """
    state = len(key)
    for part in key:
        state = mix64((state + _GOLDEN) & _MASK) ^ (operator.index(part) & _MASK)
    return mix64((state + _GOLDEN) & _MASK)


def hashes_of(key: Sequence[int], parts: ArrayLike) -> Words:
    """Return ``hash_of(*key, part)`` of each part, uint64 in the shape of ``parts`` (int64).

    >>> hashes_of((7, 8), [9]).tolist() == [hash_of(7, 8, 9)]
    True
    """
    words = np.asarray(parts, dtype=np.int64)
    return _hashes_after(np.uint64(_prefix_of(key)), words.reshape(-1)).reshape(words.shape)


def _prefix_of(key: Sequence[int]) -> int:
    """Return where :func:`hash_of` stands before the last part of a key that begins so."""
    state = len(key) + 1
    for part in key:
        state = mix64((state + _GOLDEN) & _MASK) ^ (operator.index(part) & _MASK)
    return mix64((state + _GOLDEN) & _MASK)


def _hashes_after(prefixes: Union[Words, np.uint64], parts: Counters) -> Words:
    return _mix64_array((parts.astype(np.uint64) ^ prefixes) + np.uint64(_GOLDEN))


class SeekablePermutation:
    """A shuffle of ``range(length)`` that gives any position at once.

    Args:
        length: n, at least 1.
        key: integers that choose the order; different keys give unrelated orders.

    Raises:
        ValueError: if ``length`` is below 1.

    >>> order = SeekablePermutation(5, 7, 0)
    >>> sorted(order[position] for position in range(5))
    [0, 1, 2, 3, 4]
    >>> order.take([0, 4]).tolist() == [order[0], order[4]]
    True
    """

    def __init__(self, length: int, *key: int) -> None:
        if length < 1:
            raise ValueError(f"length={length} must be at least 1: there is no order of nothing.")
        self._length = operator.index(length)
        self._seed = hash_of(*key)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, position: int) -> int:
        if not 0 <= position < self._length:
            raise IndexError(f"position {position} is outside 0..{self._length - 1}.")
        if self._length <= SHORT:
            return int(_short_order(self._length, self._seed)[position])
        return _walk_cycle(operator.index(position), self._length, _round_keys(self._seed))

    def take(self, positions: ArrayLike) -> NDArray[np.int64]:
        """Return the indices at ``positions``, an array of any shape with values in 0..n-1, as int64."""
        where = np.asarray(positions, dtype=np.int64)
        if where.size and (where.min() < 0 or where.max() >= self._length):
            raise IndexError(f"positions from {where.min()} to {where.max()} are not all in 0..{self._length - 1}.")
        if self._length <= SHORT:
            indices: NDArray[np.int64] = _short_order(self._length, self._seed)[where]
            return indices
        network = _Networks.of([self._length], np.array([self._seed], dtype=np.uint64))
        return _walk_cycles(where.reshape(-1).astype(np.uint64), network).reshape(where.shape)


def walk_passes(counters: Counters, length: int, key: Sequence[int]) -> Counters:
    """Return where a walk through endless passes over ``range(length)`` stands at ``counters``.

    Draw ``c`` is position ``c % length`` of pass ``c // length``; each pass is a shuffle of its own.

    Args:
        counters: (N,) draws, at least 0, in any order.
        length: n, samples a pass.
        key: integers that choose the walk; pass ``p`` is ``SeekablePermutation(length, *key, p)``.

    Returns:
        (N,) int64 indices in 0..n-1.

    >>> import numpy as np
    >>> sorted(walk_passes(np.arange(4, 8), 4, key=(7,)).tolist())
    [0, 1, 2, 3]
    """
    passes, positions = np.divmod(counters, length)
    return PassWalks([length], [key]).take(np.zeros_like(passes), passes, positions)


class PassWalks:
    """The walks through endless passes over several ranges, one for each source; see :func:`walk_passes`.

    Args:
        lengths: S numbers of samples; 0 where a source is never walked.
        keys: S keys, equally long.

    >>> walks = PassWalks([3, 1000], keys=[(7, 0), (7, 1)])
    >>> walks.take(np.array([1, 0]), passes=np.array([2, 5]), positions=np.array([999, 1])).tolist()
    [124, 2]
    >>> SeekablePermutation(1000, 7, 1, 2)[999], SeekablePermutation(3, 7, 0, 5)[1]
    (124, 2)
    """

    def __init__(self, lengths: Sequence[int], keys: Sequence[Sequence[int]]) -> None:
        self._lengths = [operator.index(length) for length in lengths]
        self._is_long = np.array([length > SHORT for length in self._lengths])
        self._short = [source for source, length in enumerate(self._lengths) if length <= SHORT]
        self._prefixes = np.array([_prefix_of(key) for key in keys], dtype=np.uint64)

    def take(self, sources: Counters, passes: Counters, positions: Counters) -> Counters:
        """Return the indices of N draws.

        Args:
            sources: (N,) which walk, in 0..S-1.
            passes: (N,) number of the pass, at least 0.
            positions: (N,) place in the pass, below the length of the source.

        Returns:
            (N,) int64 indices, each in the range of its source.
        """
        if not self._short:
            return self._take_long(sources, passes, positions)
        indices = np.empty_like(positions)
        for source in self._short:
            mine = np.flatnonzero(sources == source)
            if len(mine):
                indices[mine] = self._take_short(source, passes[mine], positions[mine])
        mine = np.flatnonzero(self._is_long[sources])
        if len(mine):
            indices[mine] = self._take_long(sources[mine], passes[mine], positions[mine])
        return indices

    def _take_short(self, source: int, passes: Counters, positions: Counters) -> Counters:
        _, numbers, which = _distinct(np.zeros_like(passes), passes, 1)
        orders = _short_orders(self._lengths[source], _hashes_after(self._prefixes[source], numbers))
        chosen: Counters = orders[which, positions]
        return chosen

    def _take_long(self, sources: Counters, passes: Counters, positions: Counters) -> Counters:
        # What a pass of a source needs is made once and looked up for each of its draws.
        owners, numbers, which = _distinct(sources, passes, len(self._lengths))
        seeds = _hashes_after(self._prefixes[owners], numbers)
        networks = _Networks.of([self._lengths[owner] for owner in owners.tolist()], seeds)
        return _walk_cycles(positions.astype(np.uint64), networks, which)


def _distinct(sources: Counters, passes: Counters, num_sources: int) -> tuple[Counters, Counters, NDArray[np.intp]]:
    """Return the passes of each source that N draws are in, and which of them each draw is in.

    Args:
        sources, passes: (N,) of which source and in which pass the draws are.
        num_sources: S.

    Returns:
        (P,) sources, (P,) numbers of passes, (N,) places in these; some of the P may have no draw.
    """
    first = np.full(num_sources, np.iinfo(np.int64).max)
    last = np.full(num_sources, -1)
    np.minimum.at(first, sources, passes)
    np.maximum.at(last, sources, passes)
    spans = np.where(last < 0, 0, last - first + 1)
    if spans.max(initial=0) <= len(passes) and (total := int(spans.sum())) <= len(passes) + num_sources:
        owners = np.repeat(np.arange(num_sources), spans)
        offsets = np.where(last < 0, 0, first) - (spans.cumsum() - spans)
        return owners, np.arange(total) + offsets[owners], passes - offsets[sources]
    # Draws far apart, as of one rank of many: only the passes that occur.
    order = np.lexsort((passes, sources))
    source, number = sources[order], passes[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (source[1:] != source[:-1]) | (number[1:] != number[:-1])
    which = np.empty(len(order), dtype=np.intp)
    which[order] = fresh.cumsum() - 1
    return source[fresh], number[fresh], which


@lru_cache(maxsize=64)
def _short_order(length: int, seed: int) -> NDArray[np.int64]:
    order: NDArray[np.int64] = _short_orders(length, np.array([seed], dtype=np.uint64))[0]
    return order


def _short_orders(length: int, seeds: Words) -> NDArray[np.int64]:
    """Return one order of ``range(length)`` for each seed, (len(seeds), length)."""
    steps = np.arange(1, length + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
    orders: NDArray[np.int64] = np.argsort(_mix64_array(seeds[:, None] + steps), axis=1, kind="stable")
    return orders.astype(np.int64, copy=False)


def _halves(length: int) -> tuple[int, int]:
    """Return the bits of the two halves of the smallest block that holds ``range(length)``."""
    bits = (length - 1).bit_length()
    return bits // 2, bits - bits // 2


def _round_keys(seed: int) -> list[int]:
    return [mix64((seed + step * _GOLDEN) & _MASK) for step in range(1, ROUNDS + 1)]


def _walk_cycle(position: int, length: int, keys: Sequence[int]) -> int:
    """Return the image of one position: Feistel rounds, again and again until the value lies in ``range(length)``."""
    left_bits, right_bits = _halves(length)
    value = position
    while True:
        a_bits, b_bits = left_bits, right_bits
        a, b = value >> b_bits, value & ((1 << b_bits) - 1)
        for key in keys:
            a, b = b, a ^ (mix64((b + key) & _MASK) >> (64 - a_bits))
            a_bits, b_bits = b_bits, a_bits
        value = (a << b_bits) | b
        if value < length:
            return value


class _Networks(NamedTuple):
    """Feistel networks for P passes."""

    length: Words  # (P,)
    a_bits: Words  # (P,)
    b_bits: Words  # (P,)
    keys: Words  # (ROUNDS, P)

    @classmethod
    def of(cls, lengths: Sequence[int], seeds: Words) -> _Networks:
        """Return the networks of ranges and the seeds of their orders, P of each."""
        halves = np.array([_halves(length) for length in lengths], dtype=np.uint64).reshape(-1, 2)
        steps = np.arange(1, ROUNDS + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
        return cls(np.array(lengths, dtype=np.uint64), halves[:, 0], halves[:, 1], _mix64_array(seeds + steps[:, None]))


def _walk_cycles(positions: Words, networks: _Networks, which: Optional[NDArray[np.intp]] = None) -> Counters:
    """Return :func:`_walk_cycle` of many positions (N,), each through its network; ``which`` (N,) names it."""
    if which is None or len(networks.length) == 1:
        which = np.zeros(len(positions), dtype=np.intp)
    values = _feistel(positions, networks, which)
    outside = np.flatnonzero(values >= networks.length[which])
    while len(outside) > _FEW:
        again = _feistel(values[outside], networks, which[outside])
        values[outside] = again
        outside = outside[again >= networks.length[which[outside]]]
    for place in outside.tolist():
        network = which[place]
        keys = networks.keys[:, network].tolist()
        values[place] = _walk_cycle(int(values[place]), int(networks.length[network]), keys)
    return values.astype(np.int64)


def _feistel(values: Words, networks: _Networks, which: NDArray[np.intp]) -> Words:
    def of_each(part: Words) -> Words:
        return part if len(part) == 1 else part.take(which)

    one, word = np.uint64(1), np.uint64(64)
    a_bits, b_bits = of_each(networks.a_bits), of_each(networks.b_bits)
    a, b = values >> b_bits, values & ((one << b_bits) - one)
    a_shift, b_shift = word - a_bits, word - b_bits
    for keys in networks.keys:
        mixed = _mix64_array(b + of_each(keys))
        mixed >>= a_shift
        mixed ^= a
        a, b = b, mixed
        a_bits, b_bits = b_bits, a_bits
        a_shift, b_shift = b_shift, a_shift
    joined: Words = (a << b_bits) | b
    return joined
