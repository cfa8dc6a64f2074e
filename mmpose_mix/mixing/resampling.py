"""Which samples of a source an epoch holds under ``sample_ratio_factor``.

A source of ``n`` samples gets ``m = round(n * factor)`` slots an epoch. The slots of all epochs, laid end to end, walk
over the source in passes, so over time every sample is seen equally often: with factor 0.5 once in two epochs, with
factor 2 twice in each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmpose_mix.mixing.allocation import is_number
from mmpose_mix.mixing.permutation import SeekablePermutation, walk_passes

STREAM = 1
"""First number of every key here, so that no shuffle of a sampler repeats one of these."""


def slots_per_epoch(lengths: Sequence[int], factors: Sequence[float], name: str = "sample_ratio_factor") -> list[int]:
    """Return how many samples of each source an epoch holds: ``round(length * factor)``, as in MMPose.

    Args:
        lengths: S numbers of samples.
        factors: S factors, at least 0.
        name: what the factors are called in errors.

    Raises:
        TypeError: if a factor is no number.
        ValueError: if there are not S factors, or some are negative, NaN or infinite; it names every offender.

    >>> slots_per_epoch([10, 10, 5], [1.0, 0.3, 0])
    [10, 3, 0]
    """
    if len(factors) != len(lengths):
        raise ValueError(f"{name} has {len(factors)} entries for {len(lengths)} sources. Give one factor a source.")
    wrong = [f"{name}[{i}]={factor!r}" for i, factor in enumerate(factors) if not is_number(factor)]
    if wrong:
        raise TypeError(f"{', '.join(wrong)}: every factor must be a number.")
    wrong = [f"{name}[{i}]={factor!r}" for i, factor in enumerate(factors) if not 0 <= factor < math.inf]
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)}: every factor must be finite and at least 0. Use 0 to leave a source out."
        )
    return [round(length * factor) for length, factor in zip(lengths, factors)]


def holds_whole_passes(length: int, slots: int) -> bool:
    """Whether every epoch sees every sample equally often, so that all epochs hold the same samples.

    >>> [holds_whole_passes(10, slots) for slots in (0, 5, 10, 20)]
    [True, False, True, True]
    """
    return slots == 0 or (length > 0 and slots % length == 0)


def resampled_draw(slot: int, length: int, slots: int, seed: int, source: int, epoch: int) -> tuple[int, int]:
    """Return which full walk over a source one slot of an epoch belongs to, and the sample behind it.

    Where every epoch holds whole passes the order is the source's own: slot ``j`` is sample ``j % length``.

    Args:
        slot: 0..slots-1.
        length: samples in the source.
        slots: slots an epoch, see :func:`slots_per_epoch`.
        seed: seed of the mixture.
        source: place of the source in the mixture.
        epoch: how often all slots were walked through before, at least 0: the number of the epoch, or of a pass that
            a sampler makes over the slots.

    Returns:
        The number of the walk, from 0, and the sample, 0..length-1.

    >>> [resampled_draw(slot, 2, 4, seed=0, source=0, epoch=1) for slot in range(4)]
    [(2, 0), (2, 1), (3, 0), (3, 1)]
    """
    walk, position = divmod(epoch * slots + slot, length)
    if holds_whole_passes(length, slots):
        return walk, position
    return walk, SeekablePermutation(length, STREAM, seed, source, walk)[position]


def resampled_index(slot: int, length: int, slots: int, seed: int, source: int, epoch: int) -> int:
    """Return the sample of :func:`resampled_draw`.

    >>> sorted(resampled_index(slot, 6, 3, seed=0, source=0, epoch=epoch) for epoch in (0, 1) for slot in range(3))
    [0, 1, 2, 3, 4, 5]
    """
    return resampled_draw(slot, length, slots, seed, source, epoch)[1]


def resampled_indices(length: int, slots: int, seed: int, source: int, epoch: int) -> NDArray[np.int64]:
    """Return :func:`resampled_index` of every slot of an epoch, (slots,) int64."""
    where = np.arange(slots, dtype=np.int64)
    if holds_whole_passes(length, slots):
        return where % max(length, 1)
    return walk_passes(where + epoch * slots, length, (STREAM, seed, source))
