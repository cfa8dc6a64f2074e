"""Ratio to quota: how many samples of each source every batch holds, exact for ever.

With shares ``w`` (sum 1) and batches of ``B`` samples, source ``i`` gets ``floor(B * w[i])`` or ``ceil(B * w[i])``
samples in every batch, and after any number of batches it has got what it should, to less than one sample. Both at
once means scheduling the fractional parts of ``B * w`` as periodic tasks on as many processors as a batch has places
left.
The P-fair algorithm PD2 does it with one integer a source: S. K. Baruah, N. K. Cohen, C. G. Plaxton and D. A. Varvel,
"Proportionate progress: a notion of fairness in resource allocation", Algorithmica 15 (1996); J. H. Anderson and
A. Srinivasan, "Mixed Pfair/ERfair scheduling of asynchronous periodic tasks", JCSS 68 (2004).
All arithmetic is on integers, so nothing drifts.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

Number = Union[int, float, Fraction]
# (deadline, 0 if the next window overlaps else 1, minus the group deadline, source): PD2's order of urgency.
_Urgency = tuple[int, int, int, int]


def exact_shares(ratio: Sequence[Number], name: str = "source_ratio") -> tuple[Fraction, ...]:
    """Return the shares that a ratio asks for, as exact fractions.

    A float is read as it is printed: ``0.3`` is 3/10, not the binary number beside it.

    Args:
        ratio: S numbers, none negative, at least one positive.
        name: what the numbers are called in errors.

    Returns:
        S fractions in [0, 1] that sum to 1.

    Raises:
        TypeError: if an entry is no number.
        ValueError: if an entry is negative, NaN or infinite, or all are 0; it names every offender.

    >>> exact_shares([0.3, 0.1])
    (Fraction(3, 4), Fraction(1, 4))
    """
    numeric = [is_number(value) for value in ratio]
    if not all(numeric):
        wrong = [f"{name}[{i}]={ratio[i]!r}" for i, fine in enumerate(numeric) if not fine]
        raise TypeError(f"{', '.join(wrong)}: every entry must be an int, a float or a Fraction.")
    wrong = [f"{name}[{i}]={value!r}" for i, value in enumerate(ratio) if not (math.isfinite(value) and value >= 0)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: every entry must be finite and at least 0. Use 0 to leave a source out.")
    exact = [Fraction(value if isinstance(value, numbers.Rational) else str(value)) for value in ratio]
    total = sum(exact)
    if not total:
        raise ValueError(
            f"{name}={list(ratio)!r} has no positive entry, so no source could be drawn. Make one positive."
        )
    return tuple(part / total for part in exact)


def is_number(value: Any) -> bool:
    """Whether a value is a real number; True and False are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


@dataclass(frozen=True)
class QuotaState:
    """Where a schedule of quotas stands: everything that is needed to go on from here.

    Args:
        step: batches allocated so far.
        delivered: samples of each source in them, S integers.
    """

    step: int
    delivered: tuple[int, ...]


class QuotaSchedule:
    """The quotas of all batches of a fixed ratio.

    Args:
        ratio: S numbers, see :func:`exact_shares`.
        batch_size: samples a batch (all ranks together), at least 1.

    Raises:
        TypeError, ValueError: if the ratio or the batch size is none.

    >>> schedule = QuotaSchedule([1, 1, 1], batch_size=4)
    >>> counts, state = schedule.block(schedule.start(), 3)
    >>> counts.tolist()
    [[2, 1, 1], [1, 2, 1], [1, 1, 2]]
    >>> state
    QuotaState(step=3, delivered=(4, 4, 4))
    """

    def __init__(self, ratio: Sequence[Number], batch_size: int) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch_size={batch_size!r} must be an integer of at least 1.")
        self.batch_size = int(batch_size)
        self.shares = exact_shares(ratio)
        wanted = [self.batch_size * share for share in self.shares]
        self._whole = tuple(math.floor(want) for want in wanted)
        self._fractions = tuple(want - math.floor(want) for want in wanted)
        self._places = self.batch_size - sum(self._whole)
        self.period = math.lcm(*(fraction.denominator for fraction in self._fractions))
        """Batches after which every source has exactly what it should, and the quotas repeat."""

    def __repr__(self) -> str:
        return f"QuotaSchedule(shares={[str(share) for share in self.shares]}, batch_size={self.batch_size})"

    def start(self) -> QuotaState:
        """Return the state before the first batch."""
        return QuotaState(0, (0,) * len(self.shares))

    def block(self, state: QuotaState, batches: int) -> tuple[NDArray[np.int64], QuotaState]:
        """Return the quotas of the next batches and the state after them.

        Args:
            state: where to go on, from :meth:`start`, :meth:`seek` or an earlier block.
            batches: T, how many batches.

        Returns:
            (T, S) int64 quotas; every row sums to the batch size.
        """
        counts = np.tile(np.array(self._whole, dtype=np.int64), (batches, 1))
        for row, sources in enumerate(self._extra_places(state, batches)):
            counts[row, sources] += 1
        delivered = (before + int(new) for before, new in zip(state.delivered, counts.sum(axis=0)))
        return counts, QuotaState(state.step + batches, tuple(delivered))

    def seek(self, step: int, nearest: Optional[QuotaState] = None) -> QuotaState:
        """Return the state before batch ``step``.

        Whole periods are skipped; what is left of one is walked, at some microseconds a batch.

        Args:
            step: index of a batch, at least 0.
            nearest: a state of this schedule at or before ``step``, to walk from there.
        """
        known = nearest if nearest is not None and nearest.step <= step else self.start()
        last_period = step - step % self.period
        if last_period > known.step:
            known = QuotaState(last_period, self._after_whole_periods(last_period))
        batches = step - known.step
        extra = [0] * len(self.shares)
        for sources in self._extra_places(known, batches):
            for source in sources:
                extra[source] += 1
        parts = zip(known.delivered, self._whole, extra)
        return QuotaState(step, tuple(before + batches * whole + more for before, whole, more in parts))

    def _after_whole_periods(self, step: int) -> tuple[int, ...]:
        return tuple(step * whole + int(step * part) for whole, part in zip(self._whole, self._fractions))

    def _extra_places(self, state: QuotaState, batches: int) -> Iterator[list[int]]:
        """Yield, for each batch, the sources that get one sample more than the floor (PD2)."""
        if not self._places:
            yield from ([] for _ in range(batches))
            return
        # Counting from the last whole period keeps the integers small.
        origin = state.step - state.step % self.period
        settled = self._after_whole_periods(origin)
        begin = state.step - origin
        tasks = []
        for source, (fraction, whole) in enumerate(zip(self._fractions, self._whole)):
            if fraction:
                served = state.delivered[source] - settled[source] - begin * whole
                tasks.append(_Task(source, fraction, served))
        for step in range(begin, begin + batches):
            ready = sorted([(task.urgency, task) for task in tasks if task.release <= step])[: self._places]
            for _, task in ready:
                task.serve()
            yield [task.source for _, task in ready]


class _Task:
    """One source as a periodic task of PD2: the window and the urgency of its next sample."""

    __slots__ = ("cycle", "rate", "release", "served", "source", "urgency")

    def __init__(self, source: int, share: Fraction, served: int) -> None:
        self.source = source
        self.rate, self.cycle = share.numerator, share.denominator
        self.served = served
        self._open_window()

    def serve(self) -> None:
        """Count one sample more."""
        self.served += 1
        self._open_window()

    def _open_window(self) -> None:
        rate, cycle = self.rate, self.cycle
        self.release = self.served * cycle // rate
        due = (self.served + 1) * cycle
        deadline = _ceil_div(due, rate)
        group_deadline = 0
        if 2 * rate >= cycle:
            # Anderson and Srinivasan: ceil(ceil(deadline * (1 - w)) / (1 - w)), for shares of one half or more.
            slack = cycle - rate
            group_deadline = _ceil_div(_ceil_div(deadline * slack, cycle) * cycle, slack)
        self.urgency: _Urgency = (deadline, 1 if due % rate == 0 else 0, -group_deadline, self.source)


def _ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def quotas(ratio: Sequence[Number], batch_size: int, batches: int, first: int = 0) -> NDArray[np.int64]:
    """Return the quotas of ``batches`` batches from batch ``first`` on, (T, S) int64.

    >>> quotas([0.7, 0.3], batch_size=5, batches=2).tolist()
    [[4, 1], [3, 2]]
    """
    schedule = QuotaSchedule(ratio, batch_size)
    return schedule.block(schedule.seek(first), batches)[0]
