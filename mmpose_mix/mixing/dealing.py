"""How the ranks share a global batch: every rank gets floor or ceil of its share of every source.

A global batch of ``B`` samples lies sorted by source; the ranks are dealt its places in turn, like cards, beginning
with a rank that changes from step to step. A source has neighbouring places, so the numbers that two ranks get of it
differ by at most one: of its quota ``q`` each of ``W`` ranks gets floor or ceil of ``q / W``, which is floor or ceil of
the rank's own share. Which samples a batch holds is settled before it is dealt and does not depend on ``W``.

How near a rank stays to its share over many steps is a matter of who is dealt first.

* Two sources: the next one in turn counting the first source's samples alone, all of them over all steps. So that
  source is dealt out as one long row, and a rank has floor or ceil of 1/W of it, always; of the other source it
  has the rest of its equally many places. Both are within one sample of 1/W of what was delivered, for ever.
* More sources whose quotas repeat after ``P`` batches: in round ``k`` of the quotas the rank that place ``s`` of them
  begins with is ``base(s) + k * stride`` modulo ``W``, ``stride`` and ``W`` coprime. In ``W`` rounds each place of
  the round begins once with each rank, so each rank gets each position of that batch once: after ``W * P`` steps
  every rank has exactly its share of every source, and all repeats. In between its deviation is bounded by what a
  round can add, for ever.
* More sources and no such repetition: ``base`` alone, a row that is spread evenly but promises no bound.

With more sources a rank stays nearer where each sample goes to the rank that lacks it most; but then who is dealt what
depends on every step before, and could not be sought.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

_FRACTION_OF_E = 0xB7E151628AED2A6B
_GOLDEN = 0x9E3779B97F4A7C15
_FAR = 1 << 62
_CANDIDATES = 128


def check_rank(batch_size: int, rank: int, world_size: int) -> None:
    """Raise ValueError if the ranks cannot share a global batch evenly, or ``rank`` is none of them."""
    if world_size < 1 or batch_size % world_size or not 0 <= rank < world_size:
        raise ValueError(
            f"rank {rank} of {world_size} cannot take an equal part of a batch of {batch_size}: rank must be in "
            f"0..{world_size - 1} and the batch size a multiple of {world_size}."
        )


def dealt_places(batch_size: int, rank: int, world_size: int, first: Counts) -> Counts:
    """Return which places of its batches a rank is dealt.

    Args:
        batch_size: B, places of a global batch, a multiple of ``world_size``.
        rank, world_size: whose places.
        first: (T,) the rank that is dealt place 0 of each batch.

    Returns:
        (T, B / world_size) int64 places in 0..B-1, ascending along a row.

    >>> dealt_places(6, rank=0, world_size=2, first=np.array([0, 1])).tolist()
    [[0, 2, 4], [1, 3, 5]]
    """
    places: Counts = np.arange(0, batch_size, world_size) + (rank - first)[:, None] % world_size
    return places


def first_rank_in_turn(counts: Counts, delivered: int, world_size: int) -> Counts:
    """Return the rank that begins each step where two sources are drawn.

    Args:
        counts: (T,) quotas of the first of the two.
        delivered: samples of it before these steps.
        world_size: W.

    Returns:
        (T,) int64 ranks.

    >>> first_rank_in_turn(np.array([3, 2, 3]), delivered=0, world_size=2).tolist()
    [0, 1, 1]
    """
    ranks: Counts = (delivered % world_size + counts.cumsum() - counts) % world_size
    return ranks


def first_rank_by_step(step: int, steps: int, world_size: int, period: int = 0) -> Counts:
    """Return the rank that begins each step, whatever the quotas are.

    Args:
        step: the first step, counted from the begin of the quotas' first round.
        steps: T, how many.
        world_size: W.
        period: steps after which the quotas repeat; 0 where they do not.

    Returns:
        (T,) int64 ranks. With a period, each (place in the period, rank) comes once in ``W * period`` steps.

    >>> first_rank_by_step(0, 12, world_size=4, period=3).reshape(4, 3).tolist()
    [[0, 2, 1], [1, 3, 2], [2, 0, 3], [3, 1, 0]]
    """
    # A period too long for int64 is not reached twice: only its first place counts then, in Python's integers.
    rounds, begin = divmod(step, period) if period else (0, step)
    more, places = np.divmod(begin + np.arange(steps, dtype=np.int64), min(period or _FAR, _FAR))
    # Of the usual irrational numbers e gave single ranks the least drift.
    turns = (places.astype(np.uint64) * np.uint64(_FRACTION_OF_E)) >> np.uint64(32)
    base = ((turns * np.uint64(world_size)) >> np.uint64(32)).astype(np.int64)
    ranks: Counts = (base + (rounds % world_size + more) * _stride(world_size)) % world_size
    return ranks


@lru_cache(maxsize=16)
def _stride(world_size: int) -> int:
    """Return a number coprime to ``world_size`` whose multiples are spread evenly after any number of them.

    The fewer and smaller the partial quotients of the fraction, the evener (H. Niederreiter, "Random Number Generation
    and Quasi-Monte Carlo Methods", 1992, chapter 3): the one of the smallest sum near the golden section.
    """
    golden = (world_size * _GOLDEN) >> 64
    near = range(max(1, golden - _CANDIDATES), min(world_size, golden + _CANDIDATES) + 1)
    coprime = [stride for stride in near if math.gcd(stride, world_size) == 1]
    return min(coprime, key=lambda stride: (_sum_of_quotients(world_size, stride), abs(stride - golden)))


def _sum_of_quotients(numerator: int, denominator: int) -> int:
    total = 0
    while denominator:
        total += numerator // denominator
        numerator, denominator = denominator, numerator % denominator
    return total


def source_and_draw(counts: Counts, delivered: Counts, places: Counts) -> tuple[Counts, Counts]:
    """Return of which source, and which draw of it, each place of a batch is.

    Args:
        counts: (T, S) quotas.
        delivered: (S,) draws before the first of these batches.
        places: (T, b) places in batches that are sorted by source.

    Returns:
        (T, b) int64 sources in 0..S-1, and (T, b) int64 counters of their draws.

    >>> source, draw = source_and_draw(np.array([[1, 2], [2, 1]]), np.array([0, 10]), np.array([[0, 1, 2], [0, 1, 2]]))
    >>> source.tolist(), draw.tolist()
    ([[0, 1, 1], [0, 0, 1]], [[0, 10, 11], [1, 2, 12]])
    """
    batches, sources = counts.shape
    row = np.arange(batches)[:, None]
    ends = counts.cumsum(axis=1)
    # Row after row, the ends of the sources ascend: one search serves all places.
    begin_of_row = row * ends[:, -1:]
    cell = np.searchsorted((ends + begin_of_row).reshape(-1), places + begin_of_row, side="right")
    before_first_place = delivered + counts.cumsum(axis=0) - ends
    draw: Counts = before_first_place.reshape(-1)[cell] + places
    return cell - row * sources, draw
