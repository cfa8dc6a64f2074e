"""Quotas while the ratio moves: error feedback, in exact integers.

Where the shares ``w`` change, source ``i`` asks a batch of ``B`` for ``u = lag + B * w``: what the batch should bring
it and what it has not got so far. It gets ``floor(u)`` or ``ceil(u)``, but at least 0, and all together get ``B``. So

* every lag stays inside (-1, 1): what was delivered is within one sample of what was wanted, as long as nothing is
  forgotten;
* every quota is within two samples of ``B * w``: it differs by the lag before minus the lag after.

Why this is possible. The lags sum to 0, so the ``u`` sum to ``B``. If none is negative, their floors sum to at most
``B`` and their ceilings to at least ``B``: some of the sources get one more. A source that got a sample in advance may
have ``-1 < u < 0``, most often because its share is small; it gets none, and the others ask for more than ``B``. Their
ceilings still suffice, and mostly their floors sum to at most ``B``. Where they do not, too many samples were given in
advance to shares that have fallen since. Exactly then the advance is forgotten: the negative ``u`` are raised to 0,
which leaves those sources lags of ``-B * w > -1``, and the positive lags are lowered by the same total, each in
proportion. They suffice: lags sum to 0, so the positive ones are as much as the negative ones, and no ``u`` lies below
its lag. A source with a positive lag has a positive ``u``, so no lag is both raised and lowered. Now no ``u`` is
negative and they still sum to ``B``, and the lags still sum to 0 inside (-1, 1).

A source whose share is 0 has no lag here: moves begin with no lags, and no share falls to 0 before a move has ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from mmpose_mix.mixing.allocation import QuotaState

CHANGES = ("linear", "cosine")
_COSINE_UNITS = 10**9


@dataclass(frozen=True)
class Ramp:
    """A ratio on its way from one to another.

    In tick ``k`` of ``L`` it has gone ``x = k / L`` of the way, or ``(1 - cos(pi * k / L)) / 2`` to 9 decimals: the
    first tick has the old ratio still, and the step after the last has the new one.

    Args:
        begin: first step.
        ticks: L, how many times the ratio is set.
        steps_a_tick: batches for which it stays.
        change: 'linear' or 'cosine'.
        before, after: S shares to go from and to.
        batch_size: samples of a global batch.

    >>> half = Fraction(1, 2)
    >>> ramp = Ramp(0, 4, 1, "linear", (half, half), (Fraction(1), Fraction(0)), batch_size=4)
    >>> counts, state = ramp.block(QuotaState(0, (0, 0)), 4)
    >>> counts.tolist()
    [[2, 2], [3, 1], [3, 1], [3, 1]]
    >>> state.lags
    (Fraction(0, 1), Fraction(0, 1))
    """

    begin: int
    ticks: int
    steps_a_tick: int
    change: str
    before: tuple[Fraction, ...]
    after: tuple[Fraction, ...]
    batch_size: int

    @property
    def end(self) -> int:
        """The first step after it."""
        return self.begin + self.ticks * self.steps_a_tick

    @property
    def drawn(self) -> tuple[bool, ...]:
        """Whether each source is ever drawn."""
        return tuple(old + new > 0 for old, new in zip(self.before, self.after))

    def shares_at(self, step: int) -> tuple[Fraction, ...]:
        """Return the share of each source that batch ``step`` asks for."""
        way = Fraction(self._way((step - self.begin) // self.steps_a_tick), self._whole_way)
        return tuple(old + (new - old) * way for old, new in zip(self.before, self.after))

    def block(self, state: QuotaState, batches: int) -> tuple[NDArray[np.int64], QuotaState]:
        """Return the (T, S) quotas of the next batches, none beyond the end, and the state after them.

        Raises:
            ValueError: if the state is none of this ramp.
        """
        unit = self._common * self._whole_way
        lags = [lag * unit for lag in state.lags] or [Fraction(0)] * len(self.before)
        fits = self.begin <= state.begun <= state.step and len(lags) == len(state.delivered) == len(self.before)
        if not fits or any(lag.denominator != 1 or abs(lag) >= unit for lag in lags) or sum(lags) != 0:
            raise ValueError(
                f"{state!r} is no state of {self!r}. Continue only with the schedule and the global batch size that "
                "the state was made with, or begin a stage of its own: begun=step and no lags."
            )
        units = [int(lag) for lag in lags]
        rows = []
        for wanted in self._wanted(state.step, batches):
            row, units = quota_of_batch(units, wanted, unit)
            rows.append(row)
        counts = np.array(rows, dtype=np.int64).reshape(batches, len(units))
        delivered = tuple(had + new for had, new in zip(state.delivered, counts.sum(axis=0).tolist()))
        exact = tuple(Fraction(lag, unit) for lag in units)
        return counts, QuotaState(state.step + batches, delivered, state.begun, exact)

    @property
    def _whole_way(self) -> int:
        return self.ticks if self.change == "linear" else _COSINE_UNITS

    @property
    def _common(self) -> int:
        return math.lcm(*(share.denominator for share in self.before + self.after))

    def _way(self, tick: int) -> int:
        if self.change == "linear":
            return tick
        # Not the whole way before the end, so that no share falls to 0 while its source may have a lag.
        return min(round(_COSINE_UNITS / 2 * (1 - math.cos(math.pi * tick / self.ticks))), _COSINE_UNITS - 1)

    def _wanted(self, step: int, batches: int) -> Iterator[list[int]]:
        """Yield ``B * w`` of each batch, in the unit of the lags."""
        common, whole = self._common, self._whole_way
        old, new = ([int(self.batch_size * common * share) for share in shares] for shares in (self.before, self.after))
        known = -1
        wanted: list[int] = []
        for number in range(step, step + batches):
            tick = (number - self.begin) // self.steps_a_tick
            if tick != known:
                known, way = tick, self._way(tick)
                wanted = [a * (whole - way) + b * way for a, b in zip(old, new)]
            yield wanted


def quota_of_batch(lags: Sequence[int], wanted: Sequence[int], unit: int) -> tuple[list[int], list[int]]:
    """Return the quota of one batch and the lags after it.

    The places beyond the floors go first to sources that would else get less than the floor of ``wanted``, last to
    those that would get more than its ceiling, and between them to the largest remainder.

    Args:
        lags: S lags before the batch, inside (-unit, unit), which sum to 0; 0 where ``wanted`` is 0.
        wanted: what the batch should bring each source; sums to a multiple of ``unit``.
        unit: what one sample is in both.

    Returns:
        S samples and S lags.

    >>> quota_of_batch([0, 0, 0], [15, 12, 3], unit=10)
    ([2, 1, 0], [-5, 2, 3])
    """
    batch_size = sum(wanted) // unit
    asked = [lag + want for lag, want in zip(lags, wanted)]
    quota = [max(ask // unit, 0) for ask in asked]
    missing = batch_size - sum(quota)
    if missing < 0:
        asked = [lag + want for lag, want in zip(without_advance(lags, wanted), wanted)]
        quota = [ask // unit for ask in asked]
        missing = batch_size - sum(quota)
    if missing:
        for _, source in sorted(_by_need(asked, quota, wanted, unit))[:missing]:
            quota[source] += 1
    return quota, [ask - unit * count for ask, count in zip(asked, quota)]


def _by_need(
    asked: Sequence[int], quota: Sequence[int], wanted: Sequence[int], unit: int
) -> Iterable[tuple[tuple[int, int], int]]:
    for source, (ask, count, want) in enumerate(zip(asked, quota, wanted)):
        rest = ask - count * unit
        if rest > 0:
            turn = 0 if (count + 1) * unit <= want else 2 if count * unit >= want else 1
            yield (turn, -rest), source


def without_advance(lags: Sequence[int], wanted: Sequence[int]) -> list[int]:
    """Return the lags after what was given in advance is forgotten: no lag plus what is wanted is below 0.

    >>> without_advance([-8, 6, 2], [3, 10, 7])
    [-3, 2, 1]
    """
    raised = [max(lag, -want) for lag, want in zip(lags, wanted)]
    total = sum(raised)
    behind = sum(lag for lag in lags if lag > 0)
    lowered = [lag - lag * total // behind if lag > 0 else lag for lag in raised]
    # The divisions round down, so that less than one unit a source is left.
    rest = sum(lowered)
    for source, lag in enumerate(lags):
        if rest and lag > 0:
            lowered[source] -= 1
            rest -= 1
    return lowered
