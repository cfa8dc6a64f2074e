"""A stretch of training counted out: the quotas that come, beside those that are promised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmpose_mix.mixing.allocation import Quotas, QuotaState
from mmpose_mix.mixing.plan import MixPlan

MOST_RANKS = 8
"""So many ranks of a larger world are counted: the first, the last and some evenly between."""

MOST_DRAWS = 1 << 20
"""So many draws of all these ranks together are counted at most."""

_INT64_SAFE = 1 << 62

Range = tuple[int, int]
Shares = tuple[Fraction, ...]


@dataclass(frozen=True)
class Stage:
    """A part of a training with one rule for the ratio.

    Args:
        begin, end: its first step, and the first one after it.
        moving: whether the ratio changes within it.
    """

    begin: int
    end: int
    moving: bool = False


@dataclass(frozen=True)
class SourceCount:
    """What one source gets in a stage.

    Args:
        shares: asked for at the first and at the last step of the stage.
        realised: share of the samples that were counted.
        quota: fewest and most samples of it that any global batch of the stage is promised.
        quota_met: fewest and most in the batches that were counted.
        rank_quota, rank_quota_met: the same for the batch of one rank.
        lag: largest distance of wanted and delivered samples after any of the global batches.
        rank_lag: the same for one rank.
    """

    shares: tuple[Fraction, Fraction]
    realised: Fraction
    quota: Range
    quota_met: Range
    rank_quota: Range
    rank_quota_met: Range
    lag: Fraction
    rank_lag: Fraction


@dataclass(frozen=True)
class StageCount:
    """The first batches of a stage, counted.

    Args:
        stage: which.
        steps: how many of its global batches were counted.
        ranks, rank_steps: whose own batches were counted, and how many of each.
        sources: S counts.
    """

    stage: Stage
    steps: int
    ranks: tuple[int, ...]
    rank_steps: int
    sources: tuple[SourceCount, ...]


def count_stage(quotas: Quotas, stage: Stage, state: QuotaState, steps: int, world_size: int = 1) -> StageCount:
    """Count the first batches of a stage; lags are counted from its begin on.

    Of a large world only ``MOST_RANKS`` ranks are counted, for as many steps as ``MOST_DRAWS`` allows.

    Args:
        quotas: of the global batches.
        stage: which.
        state: before its first step.
        steps: how many to count at most, at least 1.
        world_size: number of ranks, a divisor of the batch size.

    >>> from mmpose_mix.mixing.allocation import QuotaSchedule
    >>> quotas = QuotaSchedule([2, 1], batch_size=4)
    >>> first, _ = count_stage(quotas, Stage(0, 100), quotas.start(), steps=30).sources
    >>> first.quota, first.quota_met, first.realised, first.lag
    ((2, 3), (2, 3), Fraction(2, 3), Fraction(2, 3))
    """
    steps = min(steps, stage.end - stage.begin)
    counts, _ = quotas.block(state, steps)
    shares = _shares_of_steps(quotas, stage.begin, steps)
    ends = (quotas.shares_at(stage.begin), quotas.shares_at(stage.end - 1))
    rank_size = quotas.batch_size // world_size
    ranks = _ranks_to_count(world_size)
    rank_steps, parts = steps, [counts]
    if world_size > 1:
        rank_steps = max(1, min(steps, MOST_DRAWS // (rank_size * len(ranks))))
        parts = [counts_of_rank(quotas, state, rank_steps, rank, world_size) for rank in ranks]
    lags = _largest_lags(counts, shares, quotas.batch_size)
    of_ranks = [_largest_lags(part, shares, rank_size) for part in parts]
    sources = []
    for i in range(quotas.num_sources):
        fewest, most = _promised((ends[0][i], ends[1][i]), quotas.batch_size, stage.moving)
        sources.append(
            SourceCount(
                shares=(ends[0][i], ends[1][i]),
                realised=Fraction(int(counts[:, i].sum()), steps * quotas.batch_size),
                quota=(fewest, most),
                quota_met=_range([counts[:, i]]),
                rank_quota=(fewest // world_size, -(-most // world_size)),
                rank_quota_met=_range([part[:, i] for part in parts]),
                lag=lags[i],
                rank_lag=max(of_rank[i] for of_rank in of_ranks),
            )
        )
    return StageCount(stage, steps, ranks, rank_steps, tuple(sources))


def counts_of_rank(quotas: Quotas, state: QuotaState, steps: int, rank: int, world_size: int) -> NDArray[np.int64]:
    """Return how many samples of each source the next batches of one rank hold, (steps, S) int64."""
    # Only the sources matter, so their lengths do not: one sample of each that is drawn is enough.
    lengths = [1] * quotas.num_sources
    plan = MixPlan(lengths, quotas, seed=0, shuffle=False)
    rows = []
    for draws, _ in plan.walk(state.step, state.step + steps, rank, world_size, nearest=state):
        of_step = np.arange(len(draws.indices))[:, None] * quotas.num_sources
        counted = np.bincount((draws.indices + of_step).reshape(-1), minlength=len(of_step) * quotas.num_sources)
        rows.append(counted.reshape(-1, quotas.num_sources))
    counts: NDArray[np.int64] = np.concatenate(rows)
    return counts


def _shares_of_steps(quotas: Quotas, begin: int, steps: int) -> list[Shares]:
    """Return the shares of each step; of one step only where all have the same."""
    first, last = quotas.shares_at(begin), quotas.shares_at(begin + steps - 1)
    if first == last:
        return [first]
    return [quotas.shares_at(step) for step in range(begin, begin + steps)]


def _promised(shares: tuple[Fraction, Fraction], size: int, moving: bool) -> Range:
    fewest, most = math.floor(size * min(shares)), math.ceil(size * max(shares))
    if moving and any(shares):
        # Within two samples of what the step asks for.
        return max(0, fewest - 1), min(size, most + 1)
    return fewest, most


def _largest_lags(counts: NDArray[np.int64], shares: Sequence[Shares], size: int) -> list[Fraction]:
    """Return, for each source, the largest distance of wanted and delivered samples after any of the batches.

    Args:
        counts: (T, S) samples of each batch.
        shares: those of each step, or of one step for all.
        size: samples of a batch.
    """
    delivered = counts.cumsum(axis=0)
    if len(shares) == 1:
        return _largest_lags_of_one_share(delivered, shares[0], size)
    largest = []
    for source, of_source in enumerate(zip(*shares)):
        wanted = accumulate(size * share for share in of_source)
        largest.append(max(abs(want - had) for want, had in zip(wanted, delivered[:, source].tolist())))
    return largest


def _largest_lags_of_one_share(delivered: NDArray[np.int64], shares: Shares, size: int) -> list[Fraction]:
    unit = math.lcm(*(share.denominator for share in shares))
    # In integers: numpy's while they fit, else Python's.
    kind: Any = np.int64 if len(delivered) * size * unit < _INT64_SAFE else object
    wanted = np.arange(1, len(delivered) + 1).astype(kind)[:, None] * np.array(
        [int(size * s * unit) for s in shares], kind
    )
    distance = np.abs(delivered.astype(kind) * unit - wanted)
    return [Fraction(int(largest), unit) for largest in distance.max(axis=0)]


def _ranks_to_count(world_size: int) -> tuple[int, ...]:
    if world_size <= MOST_RANKS:
        return tuple(range(world_size))
    return tuple(round(place * (world_size - 1) / (MOST_RANKS - 1)) for place in range(MOST_RANKS))


def _range(counts: Sequence[NDArray[np.int64]]) -> Range:
    return min(int(part.min()) for part in counts), max(int(part.max()) for part in counts)
