"""Ratio to quota: how many samples of each source every batch holds, exact for ever.

With shares ``w`` (sum 1) and batches of ``B`` samples, source ``i`` gets ``floor(B * w[i])`` or ``ceil(B * w[i])``
samples in every batch, and after any number of batches it has got what it should, to less than one sample. Both at
once means scheduling the fractional parts of ``B * w`` as periodic tasks on as many processors as a batch has places
left, see :mod:`mmpose_mix.mixing.pfair`. All arithmetic is on integers, so nothing drifts.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Optional, Protocol, Union

import numpy as np
from numpy.typing import NDArray

from mmpose_mix.mixing.pfair import extra_places

Number = Union[int, float, Fraction]

LONGEST_TABLE = 4096
"""Up to this many batches a period is kept as a table."""

_WALK = 4096


def exact_shares(
    ratio: Sequence[Number], name: str = "source_ratio", places: Optional[Sequence[str]] = None
) -> tuple[Fraction, ...]:
    """Return the shares that a ratio asks for, as exact fractions.

    A float is read as it is printed: ``0.3`` is 3/10, not the binary number beside it.

    Args:
        ratio: S numbers, none negative, at least one positive.
        name: what the numbers are called in errors.
        places: what each of them is called. ``None``: ``name[0]``, ``name[1]``, ...

    Returns:
        S fractions in [0, 1] that sum to 1.

    Raises:
        TypeError: if an entry is no number.
        ValueError: if an entry is negative, NaN or infinite, or all are 0; it names every offender.

    >>> exact_shares([0.3, 0.1])
    (Fraction(3, 4), Fraction(1, 4))
    """
    exact = exact_numbers(ratio, name, places)
    common = math.lcm(*(part.denominator for part in exact))
    parts = [part.numerator * (common // part.denominator) for part in exact]
    total = sum(parts)
    if not total:
        raise ValueError(
            f"{name}={list(ratio)!r} has no positive entry, so no source could be drawn. Make one positive."
        )
    return tuple(Fraction(part, total) for part in parts)


def exact_numbers(values: Sequence[Number], name: str, places: Optional[Sequence[str]] = None) -> tuple[Fraction, ...]:
    """Return numbers that are finite and at least 0 as exact fractions; see :func:`exact_shares`.

    >>> exact_numbers([0.3, 2], "sample_ratio_factor")
    (Fraction(3, 10), Fraction(2, 1))
    """
    named = list(zip(places or [f"{name}[{i}]" for i in range(len(values))], values))
    wrong = [f"{place}={value!r}" for place, value in named if not is_number(value)]
    if wrong:
        raise TypeError(f"{', '.join(wrong)}: every entry must be an int, a float or a Fraction.")
    wrong = [f"{place}={value!r}" for place, value in named if not (is_finite(value) and value >= 0)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: every entry must be finite and at least 0. Use 0 to leave a source out.")
    return tuple(exact_number(value) for value in values)


def exact_number(value: Number) -> Fraction:
    """Return a finite number as a fraction, a float as it is printed."""
    return Fraction(value if isinstance(value, numbers.Rational) else str(value))


def is_number(value: Any) -> bool:
    """Whether a value is a real number; True and False are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def is_finite(value: Number) -> bool:
    """Whether a number is neither infinite nor NaN, however large an integer is."""
    return isinstance(value, numbers.Rational) or math.isfinite(value)


@dataclass(frozen=True)
class QuotaState:
    """Where quotas stand: everything that is needed to go on from here.

    Args:
        step: batches allocated so far, over the training.
        delivered: samples of each source in them, S integers: the position in the source's passes.
        begun: step at which the present stage, or the mixture after it was changed, began.
        lags: wanted minus delivered samples of each source since ``begun``, S fractions; none where all are 0.
    """

    step: int
    delivered: tuple[int, ...]
    begun: int = 0
    lags: tuple[Fraction, ...] = ()


class Quotas(Protocol):
    """How many samples of each source every batch of a training holds."""

    @property
    def batch_size(self) -> int:
        """Samples of a global batch."""

    @property
    def num_sources(self) -> int:
        """S."""

    @property
    def drawn(self) -> tuple[bool, ...]:
        """Whether each source is ever drawn."""

    @property
    def period(self) -> int:
        """Batches after which the quotas repeat; 0 where they do not."""

    def start(self) -> QuotaState:
        """Return the state before the first batch."""

    def seek(self, step: int, nearest: Optional[QuotaState] = None) -> QuotaState:
        """Return the state before batch ``step``."""

    def block(self, state: QuotaState, batches: int) -> tuple[NDArray[np.int64], QuotaState]:
        """Return the (T, S) quotas of the next batches and the state after them."""

    def shares_at(self, step: int) -> tuple[Fraction, ...]:
        """Return the share of each source that batch ``step`` asks for."""


class QuotaSchedule:
    """The quotas of all batches of a fixed ratio.

    From a state whose ``begun`` is not 0 it runs as if it had started at that step: its bounds hold from there on.

    Args:
        ratio: S numbers, see :func:`exact_shares`.
        batch_size: samples a batch (all ranks together), at least 1.

    Raises:
        TypeError, ValueError: if the ratio or the batch size is none.

    >>> schedule = QuotaSchedule([1, 1, 1], batch_size=4)
    >>> counts, state = schedule.block(schedule.start(), 3)
    >>> counts.tolist()
    [[2, 1, 1], [1, 2, 1], [1, 1, 2]]
    >>> state.step, state.delivered
    (3, (4, 4, 4))
    """

    def __init__(self, ratio: Sequence[Number], batch_size: int) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch_size={batch_size!r} must be an integer of at least 1.")
        self.batch_size = int(batch_size)
        self.shares = exact_shares(ratio)
        self.num_sources = len(self.shares)
        self.drawn = tuple(share > 0 for share in self.shares)
        wanted = [self.batch_size * share for share in self.shares]
        self._whole = tuple(math.floor(want) for want in wanted)
        self._fractions = tuple(want - math.floor(want) for want in wanted)
        self._places = self.batch_size - sum(self._whole)
        self.period = math.lcm(*(fraction.denominator for fraction in self._fractions))
        """Batches after which every source has exactly what it should, and the quotas repeat."""
        # Row t: the places beyond the floor that each source got in the first t batches of a period, as far as needed.
        self._table = np.zeros((1, self.num_sources), dtype=np.int64)

    def __repr__(self) -> str:
        return f"QuotaSchedule(shares={[str(share) for share in self.shares]}, batch_size={self.batch_size})"

    def shares_at(self, step: int) -> tuple[Fraction, ...]:
        """Return the shares, the same at every step."""
        return self.shares

    def start(self) -> QuotaState:
        """Return the state before the first batch."""
        return QuotaState(0, (0,) * self.num_sources, 0, (Fraction(0),) * self.num_sources)

    def block(self, state: QuotaState, batches: int) -> tuple[NDArray[np.int64], QuotaState]:
        """Return the quotas of the next batches and the state after them.

        Args:
            state: where to go on, from :meth:`start`, :meth:`seek` or an earlier block.
            batches: T, how many.

        Returns:
            (T, S) int64 quotas; every row sums to the batch size.

        Raises:
            ValueError: if the state is none of this schedule.
        """
        place, extra = self._place_of(state)
        rows = self._rows(place, extra, batches)
        gained = rows.sum(axis=0).tolist()
        delivered = (had + batches * whole + more for had, whole, more in zip(state.delivered, self._whole, gained))
        after = self._state(
            state.step + batches, state.begun, delivered, map(operator.add, extra, gained), place + batches
        )
        return rows + np.array(self._whole, dtype=np.int64), after

    def seek(self, step: int, nearest: Optional[QuotaState] = None) -> QuotaState:
        """Return the state before batch ``step``.

        Whole periods are skipped; what is left of one is looked up, or walked where the period is long, at some
        microseconds a batch.

        Args:
            step: index of a batch, at least 0.
            nearest: a state of this schedule to go on from; it is not used for a step before it ``begun``.
        """
        begun, base = 0, [0] * self.num_sources
        known, extra = 0, base
        if nearest is not None and nearest.begun <= step:
            begun = nearest.begun
            known, extra = self._place_of(nearest)
            base = self._delivered_at_begin(nearest, extra)
        periods, place = divmod(step - begun, self.period)
        if nearest is None or nearest.step > step or (nearest.step - begun) // self.period != periods:
            known, extra = 0, [0] * self.num_sources
        extra = self._sought(known, extra, place)
        delivered = [
            before + (step - begun) * whole + int(periods * self.period * part) + more
            for before, whole, part, more in zip(base, self._whole, self._fractions, extra)
        ]
        return self._state(step, begun, delivered, extra, place)

    def _state(self, step: int, begun: int, delivered: Iterable[int], extra: Iterable[int], place: int) -> QuotaState:
        lags = tuple(
            Fraction(place * part.numerator - more * part.denominator, part.denominator)
            for part, more in zip(self._fractions, extra)
        )
        return QuotaState(step, tuple(delivered), begun, lags)

    def _place_of(self, state: QuotaState) -> tuple[int, list[int]]:
        """Return which batch of its period comes next, and the places beyond the floor that were dealt in it."""
        phase = state.step - state.begun
        place = phase % self.period
        lags = state.lags
        if not lags:
            lags = (Fraction(0),) * self.num_sources
            if phase and not state.begun:
                lags = tuple(phase * self.batch_size * share - had for share, had in zip(self.shares, state.delivered))
        dealt = [_dealt(part, lag, place) for part, lag in zip(self._fractions, lags)]
        extra = [more for more in dealt if more is not None]
        fits = len(extra) == len(lags) == len(state.delivered) == self.num_sources and phase >= 0
        if not fits or sum(extra) != place * self._places:
            raise ValueError(
                f"{state!r} is no state of {self!r}. Continue only with the ratio and the global batch size that the "
                "state was made with, or begin a stage of its own: begun=step and no lags."
            )
        return place, extra

    def _delivered_at_begin(self, state: QuotaState, extra: Sequence[int]) -> list[int]:
        phase = state.step - state.begun
        settled = phase - phase % self.period
        parts = zip(state.delivered, self._whole, self._fractions, extra)
        return [had - phase * whole - int(settled * part) - more for had, whole, part, more in parts]

    def _sought(self, known: int, extra: list[int], place: int) -> list[int]:
        """Return the places beyond the floor that were dealt in the first ``place`` batches of a period.

        Args:
            known, extra: an earlier batch of the period, and the same for it.
            place: a batch of the period.
        """
        if self.period <= LONGEST_TABLE and known < len(self._table):
            self._extend_table(place)
            row: list[int] = self._table[place].tolist()
            return row
        for begin in range(known, place, _WALK):
            rows = extra_places(self._fractions, extra, begin, min(_WALK, place - begin))
            extra = list(map(operator.add, extra, rows.sum(axis=0).tolist()))
        return extra

    def _rows(self, place: int, extra: Sequence[int], batches: int) -> NDArray[np.int64]:
        """Return the (T, S) places beyond the floor in the batches from ``place`` on."""
        if self.period > LONGEST_TABLE or place >= len(self._table):
            return extra_places(self._fractions, extra, place, batches)
        self._extend_table(min(place + batches, self.period))
        where = (place + np.arange(batches)) % self.period
        rows: NDArray[np.int64] = self._table[where + 1] - self._table[where]
        return rows

    def _extend_table(self, rows: int) -> None:
        missing = rows + 1 - len(self._table)
        if missing > 0:
            missing = max(missing, min(len(self._table), self.period + 1 - len(self._table)))
            last = self._table[-1]
            more = extra_places(self._fractions, last.tolist(), len(self._table) - 1, missing)
            self._table = np.concatenate([self._table, last + more.cumsum(axis=0)])


def _dealt(part: Fraction, lag: Fraction, place: int) -> Optional[int]:
    """Return ``place * part - lag``, or None where that is no integer or the lag is a whole sample."""
    times, rest = divmod(part.denominator, lag.denominator)
    dealt, more = divmod(place * part.numerator - lag.numerator * times, part.denominator)
    return None if rest or more or abs(lag.numerator) >= lag.denominator else dealt


def quotas(ratio: Sequence[Number], batch_size: int, batches: int, first: int = 0) -> NDArray[np.int64]:
    """Return the quotas of ``batches`` batches from batch ``first`` on, (T, S) int64.

    >>> quotas([0.7, 0.3], batch_size=5, batches=2).tolist()
    [[4, 1], [3, 2]]
    """
    schedule = QuotaSchedule(ratio, batch_size)
    return schedule.block(schedule.seek(first), batches)[0]
