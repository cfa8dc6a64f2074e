"""The plan of a mixture: which samples step ``t`` holds, on any rank of any world, without a stored schedule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, Optional

import numpy as np
from numpy.typing import NDArray

from mmpose_mix.mixing.allocation import Quotas, QuotaState
from mmpose_mix.mixing.dealing import check_rank, dealt_places, first_rank_by_step, first_rank_in_turn, source_and_draw
from mmpose_mix.mixing.permutation import PassWalks

STREAM = 2
"""First number of every key here, so that no choice of ``sample_ratio_factor`` repeats one of these shuffles."""

_FIRST_BLOCK, _LARGEST_BLOCK, _SAMPLES_A_BLOCK = 16, 512, 16384


class Draws(NamedTuple):
    """What one rank loads in T steps; all parts are (T, b) int64, grouped by source in each row."""

    indices: NDArray[np.int64]
    """Global indices: those of source ``i`` follow those of the sources before it."""
    passes: NDArray[np.int64]
    """How often the sample's source was walked through before."""
    positions: NDArray[np.int64]
    """Place among all draws of the training over all ranks: ``step * batch_size + place in the global batch``."""


class MixPlan:
    """The global batches of a mixture and how ranks share them.

    Each source is walked in passes without repeats, one after another over all steps; a source that is exhausted starts
    its next pass. What a global batch holds does not depend on the number of ranks.

    Args:
        lengths: S numbers of samples; source ``i`` owns the global indices after those of the sources before it.
        quotas: how many samples of each source every global batch holds.
        seed: chooses the shuffles.
        shuffle: whether a pass is a shuffle or the source's own order.
        streams: S numbers, no two alike, that choose the shuffles of each source beside the seed. ``None``: their
            places, 0..S-1. A source that changed its place keeps its order with its number.

    Raises:
        ValueError: if the quotas are of another number of sources, or a source that is drawn is empty; it names all
            of them.

    >>> from mmpose_mix.mixing.allocation import QuotaSchedule
    >>> plan = MixPlan([4, 100], QuotaSchedule([1, 3], batch_size=4), shuffle=False)
    >>> draws, state = plan.block(plan.quotas.start(), 2)
    >>> draws.indices.tolist()
    [[0, 4, 5, 6], [1, 7, 8, 9]]
    """

    def __init__(
        self,
        lengths: Sequence[int],
        quotas: Quotas,
        seed: int = 0,
        shuffle: bool = True,
        streams: Optional[Sequence[int]] = None,
    ) -> None:
        if quotas.num_sources != len(lengths):
            raise ValueError(
                f"source_ratio has {quotas.num_sources} entries for {len(lengths)} sources. "
                "Give one number a source, 0 to leave it out."
            )
        empty = [f"source {i}" for i, drawn in enumerate(quotas.drawn) if drawn and lengths[i] < 1]
        if empty:
            raise ValueError(
                f"{', '.join(empty)}: no samples, but a positive source_ratio. "
                "Set the ratio to 0 or check the data set."
            )
        self.streams = tuple(range(len(lengths)) if streams is None else streams)
        if len(set(self.streams)) != len(lengths) or len(self.streams) != len(lengths):
            raise ValueError(f"streams={self.streams} must be {len(lengths)} different numbers, one for each source.")
        self.lengths = tuple(int(length) for length in lengths)
        self.quotas = quotas
        self.seed = int(seed)
        self.shuffle = bool(shuffle)
        self._drawn = [source for source, drawn in enumerate(quotas.drawn) if drawn]
        self._offsets = np.array([0, *accumulate(self.lengths[:-1])], dtype=np.int64)
        # An empty source is never drawn: its 1 only keeps the divisions below from failing.
        self._ranges = np.maximum(np.array(self.lengths, dtype=np.int64), 1)
        self._walks = PassWalks(self._ranges.tolist(), [(STREAM, self.seed, part) for part in self.streams])

    def walk(
        self, first: int, last: int, rank: int = 0, world_size: int = 1, nearest: Optional[QuotaState] = None
    ) -> Iterator[tuple[Draws, QuotaState]]:
        """Yield the draws of the steps ``first`` to ``last - 1`` in blocks, each with the state after it.

        Args:
            first, last: steps, counted from the beginning of the training.
            rank, world_size: whose part of every global batch.
            nearest: a known state to seek from.
        """
        state = self.quotas.seek(first, nearest)
        largest = max(1, min(_LARGEST_BLOCK, _SAMPLES_A_BLOCK * world_size // self.quotas.batch_size))
        size = min(_FIRST_BLOCK, largest)
        while state.step < last:
            draws, state = self.block(state, min(size, last - state.step), rank, world_size)
            yield draws, state
            size = min(2 * size, largest)

    def block(self, state: QuotaState, batches: int, rank: int = 0, world_size: int = 1) -> tuple[Draws, QuotaState]:
        """Return the next draws of one rank and the state after them.

        A rank gets floor or ceil of its share of each source in every batch; :mod:`mmpose_mix.mixing.dealing` says
        how near it stays to its share over many.

        Args:
            state: where to go on.
            batches: T, how many.
            rank, world_size: whose part.

        Returns:
            Draws of T x (batch_size / world_size) samples, and the state.

        Raises:
            ValueError: if the ranks cannot share a batch evenly or ``rank`` is none of them.
        """
        size = self.quotas.batch_size
        check_rank(size, rank, world_size)
        counts, after = self.quotas.block(state, batches)
        places = dealt_places(size, rank, world_size, self._first_ranks(state, counts, world_size))
        source, draw = source_and_draw(counts, np.array(state.delivered, dtype=np.int64), places)
        positions = np.arange(state.step, after.step, dtype=np.int64)[:, None] * size + places
        flat_source, flat_draw = source.reshape(-1), draw.reshape(-1)
        passes, local = np.divmod(flat_draw, self._ranges[flat_source])
        if self.shuffle:
            local = self._walks.take(flat_source, passes, local)
        indices = local + self._offsets[flat_source]
        return Draws(indices.reshape(places.shape), passes.reshape(places.shape), positions), after

    def _first_ranks(self, state: QuotaState, counts: NDArray[np.int64], world_size: int) -> NDArray[np.int64]:
        """Return the rank that is dealt the first place of each batch, (T,)."""
        if len(self._drawn) == 2:
            return first_rank_in_turn(counts[:, self._drawn[0]], state.delivered[self._drawn[0]], world_size)
        period = self.quotas.period
        begun = state.begun if period else 0
        return first_rank_by_step(state.step - begun, len(counts), world_size, period)
