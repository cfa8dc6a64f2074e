"""Seekable shuffles: position -> index as a pure function of a key, without a table.

A long range goes through a Feistel network on the next power of two, walked along its cycle until it lands inside the
range (J. Black and P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). On a short range such a network
reaches few of the orders; there the positions are sorted by their hashes, which is cheap.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHORT = 256
"""Up to this length an order is sorted out of hashes."""

ROUNDS = 10

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB

Words = NDArray[np.uint64]


def mix64(value: int) -> int:
    """Return a 64-bit hash of a 64-bit integer: the finalizer of SplitMix64 (Steele, Lea and Flood 2014).

    >>> hex(mix64(1))
    '0x5692161d100b05e5'
    """
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)


def _mix64_array(values: Words) -> Words:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(_FIRST)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(_SECOND)
    mixed: Words = values ^ (values >> np.uint64(31))
    return mixed


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
    state = len(key) + 1
    for known in key:
        state = mix64((state + _GOLDEN) & _MASK) ^ (operator.index(known) & _MASK)
    words = np.asarray(parts, dtype=np.int64)
    states = words.reshape(-1).astype(np.uint64) ^ np.uint64(mix64((state + _GOLDEN) & _MASK))
    return _mix64_array(states + np.uint64(_GOLDEN)).reshape(words.shape)


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
        keys = np.array([_round_keys(self._seed)], dtype=np.uint64).T
        return _walk_cycles(where.reshape(-1).astype(np.uint64), self._length, keys).reshape(where.shape)


def walk_passes(counters: NDArray[np.int64], length: int, key: Sequence[int]) -> NDArray[np.int64]:
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
    numbers, which = np.unique(passes, return_inverse=True)
    seeds = [hash_of(*key, number) for number in numbers.tolist()]
    if length <= SHORT:
        chosen: NDArray[np.int64] = _short_orders(length, np.array(seeds, dtype=np.uint64))[which, positions]
        return chosen
    keys = np.array([_round_keys(seed) for seed in seeds], dtype=np.uint64).reshape(-1, ROUNDS).T
    return _walk_cycles(positions.astype(np.uint64), length, keys if len(seeds) == 1 else keys[:, which])


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


def _walk_cycles(positions: Words, length: int, keys: Words) -> NDArray[np.int64]:
    """Return :func:`_walk_cycle` of many positions (N,); keys are (ROUNDS, N), or (ROUNDS, 1) for all."""
    values = _feistel(positions, *_halves(length), keys)
    outside = np.flatnonzero(values >= np.uint64(length))
    while len(outside):
        again = _feistel(values[outside], *_halves(length), keys if keys.shape[1] == 1 else keys[:, outside])
        values[outside] = again
        outside = outside[again >= np.uint64(length)]
    return values.astype(np.int64)


def _feistel(values: Words, a_bits: int, b_bits: int, keys: Words) -> Words:
    a, b = values >> np.uint64(b_bits), values & np.uint64((1 << b_bits) - 1)
    for key in keys:
        a, b = b, a ^ (_mix64_array(b + key) >> np.uint64(64 - a_bits))
        a_bits, b_bits = b_bits, a_bits
    joined: Words = (a << np.uint64(b_bits)) | b
    return joined
