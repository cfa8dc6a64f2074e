"""The plan of a mixture: which samples step ``t`` holds, on any rank of any world, without a stored schedule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from mmpose_mix.mixing.allocation import Number, QuotaSchedule, QuotaState
from mmpose_mix.mixing.permutation import walk_passes

STREAM = 2
"""First number of every key here, so that no choice of ``sample_ratio_factor`` repeats one of these shuffles."""

_FIRST_BLOCK, _LARGEST_BLOCK, _SAMPLES_A_BLOCK = 16, 512, 8192


class MixPlan:
    """The global batches of a mixture and how ranks share them.

    Each source is walked in passes without repeats, one after another over all steps; a source that is exhausted starts
    its next pass. The quota of every global batch is exact
    (see :class:`~mmpose_mix.mixing.allocation.QuotaSchedule`) and does not depend on the number of ranks.

    Args:
        lengths: S numbers of samples; source ``i`` owns the global indices after those of the sources before it.
        ratio: S numbers, in what proportion the sources are drawn.
        batch_size: samples of one global batch.
        seed: chooses the shuffles.
        shuffle: whether a pass is a shuffle or the source's own order.

    Raises:
        TypeError: if an entry of the ratio is no number.
        ValueError: if the counts of lengths and ratios differ, the ratio or the batch size is none, or a source that
            should be drawn is empty.

    >>> plan = MixPlan(lengths=[4, 100], ratio=[1, 3], batch_size=4, shuffle=False)
    >>> batches, state = plan.block(plan.quotas.start(), 2)
    >>> batches.tolist()
    [[0, 4, 5, 6], [1, 7, 8, 9]]
    """

    def __init__(
        self, lengths: Sequence[int], ratio: Sequence[Number], batch_size: int, seed: int = 0, shuffle: bool = True
    ) -> None:
        if len(ratio) != len(lengths):
            raise ValueError(
                f"source_ratio has {len(ratio)} entries for {len(lengths)} sources. "
                "Give one number a source, 0 to leave it out."
            )
        self.quotas = QuotaSchedule(ratio, batch_size)
        empty = [f"source {i}" for i, share in enumerate(self.quotas.shares) if share and not lengths[i]]
        if empty:
            raise ValueError(
                f"{', '.join(empty)}: no samples, but a positive source_ratio. "
                "Set the ratio to 0 or check the data set."
            )
        self.lengths = tuple(int(length) for length in lengths)
        self.seed = int(seed)
        self.shuffle = bool(shuffle)
        self._offsets = (0, *accumulate(self.lengths[:-1]))

    def walk(
        self, first: int, last: int, rank: int = 0, world_size: int = 1, nearest: Optional[QuotaState] = None
    ) -> Iterator[tuple[NDArray[np.int64], QuotaState]]:
        """Yield the batches of the steps ``first`` to ``last - 1`` in blocks, each with the state after it.

        Args:
            first, last: steps, counted from the beginning of the training.
            rank, world_size: whose part of every global batch.
            nearest: a known state to seek from.
        """
        state = self.quotas.seek(first, nearest)
        largest = max(1, min(_LARGEST_BLOCK, _SAMPLES_A_BLOCK * world_size // self.quotas.batch_size))
        size = min(_FIRST_BLOCK, largest)
        while state.step < last:
            batches, state = self.block(state, min(size, last - state.step), rank, world_size)
            yield batches, state
            size = min(2 * size, largest)

    def block(
        self, state: QuotaState, batches: int, rank: int = 0, world_size: int = 1
    ) -> tuple[NDArray[np.int64], QuotaState]:
        """Return the next batches of one rank and the state after them.

        A global batch lies sorted by source and is dealt out like cards, so a rank gets floor or ceil of its share of
        each source. Which rank is dealt first moves on irrationally from step to step, so that no rank keeps getting
        the rest of a source, whatever the period of the quotas. Over many steps a rank stays near its share; only the
        global batch has a proven bound.

        Args:
            state: where to go on.
            batches: T, how many.
            rank, world_size: whose part.

        Returns:
            (T, batch_size / world_size) int64 global indices, grouped by source in each row.

        Raises:
            ValueError: if the ranks cannot share a batch evenly or ``rank`` is none of them.
        """
        size = self.quotas.batch_size
        if size % world_size or not 0 <= rank < world_size:
            raise ValueError(
                f"rank {rank} of {world_size} cannot take an equal part of a batch of {size}: rank must be in "
                f"0..{world_size - 1} and the batch size a multiple of {world_size}."
            )
        counts, after = self.quotas.block(state, batches)
        steps = np.arange(state.step, after.step, dtype=np.int64)
        dealt = np.arange(0, size, world_size) + (rank - _first_rank(steps, world_size))[:, None] % world_size
        source, draw = _source_and_draw(counts, np.array(state.delivered, dtype=np.int64), dealt)
        return self._indices(source.reshape(-1), draw.reshape(-1)).reshape(dealt.shape), after

    def _indices(self, source: NDArray[np.int64], draw: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the global index of each draw: (N,) places of sources, (N,) counters of their draws."""
        indices = np.empty_like(draw)
        for place, (length, offset) in enumerate(zip(self.lengths, self._offsets)):
            mine = np.flatnonzero(source == place)
            if not len(mine):
                continue
            key = (STREAM, self.seed, place)
            local = walk_passes(draw[mine], length, key) if self.shuffle else draw[mine] % length
            indices[mine] = local + offset
        return indices


def _source_and_draw(
    counts: NDArray[np.int64], delivered: NDArray[np.int64], positions: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return of which source, and which draw of it, each position of a batch is.

    Args:
        counts: (T, S) quotas.
        delivered: (S,) draws before the first of these batches.
        positions: (T, b) positions in batches that are sorted by source.

    Returns:
        (T, b) places of sources and (T, b) counters of their draws.
    """
    batches, sources = counts.shape
    row = np.arange(batches)[:, None]
    ends = counts.cumsum(axis=1)
    size = ends[:, -1:]
    source = np.searchsorted((ends + row * size).reshape(-1), positions + row * size, side="right") - row * sources
    before = delivered + counts.cumsum(axis=0) - counts
    return source, (before - ends + counts)[row, source] + positions


def _first_rank(steps: NDArray[np.int64], world_size: int) -> NDArray[np.int64]:
    """Return which rank is dealt the first sample of each step: equidistributed along every arithmetic progression.

    The multiples of the fractional part of e: of the usual irrational numbers the one that gave ranks the least drift.
    """
    turns = (steps.astype(np.uint64) * np.uint64(0xB7E151628AED2A6B)) >> np.uint64(32)
    first: NDArray[np.int64] = ((turns * np.uint64(world_size)) >> np.uint64(32)).astype(np.int64)
    return first
