"""The places of a batch that are left over, dealt out as the P-fair algorithm PD2 schedules periodic tasks.

A source whose share of a batch has the fractional part ``f`` is a task that needs one place within each of its windows:
window ``j`` opens at batch ``floor(j / f)`` and closes before batch ``ceil((j + 1) / f)``. Served inside its windows a
source is never one place ahead or behind. PD2 serves the most urgent windows that are open; it misses none (S. K.
Baruah, N. K. Cohen, C. G. Plaxton and D. A. Varvel, "Proportionate progress: a notion of fairness in resource
allocation", Algorithmica 15, 1996; J. H. Anderson and A. Srinivasan, "Mixed Pfair/ERfair scheduling of asynchronous
periodic tasks", JCSS 68, 2004).

All windows of a stretch of batches are computed at once, each with one integer for its urgency, so that what is left to
do batch by batch is to sort a short list.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_INT64_BITS = 62


class _Windows(NamedTuple):
    """The windows that open before the end of a stretch, in the order in which they open, the urgent ones first."""

    keys: list[int]
    """Urgency and source: ``((2 * deadline + (0 if the next window overlaps else 1)) * U + ...) * S + source``."""
    opened: list[int]
    """(T + 1,) how many windows have opened before the stretch, and by each of its batches."""
    unit: int
    """What one step of ``2 * deadline + overlap`` counts in a key."""
    kind: Any
    """``np.int64``, or ``object`` where keys are too long for it."""


def extra_places(fractions: Sequence[Fraction], served: Sequence[int], begin: int, batches: int) -> NDArray[np.int64]:
    """Return which sources get one sample more than the floor in each batch of a stretch.

    Args:
        fractions: S fractional parts, in [0, 1), whose sum is an integer m: the places that are left in every batch.
        served: S numbers of places that the sources got before batch ``begin``.
        begin: first batch, at least 0.
        batches: T, how many.

    Returns:
        (T, S) int64 of 0 and 1; every row sums to m.

    >>> extra_places([Fraction(1, 3), Fraction(2, 3)], served=[0, 0], begin=0, batches=3).tolist()
    [[0, 1], [0, 1], [1, 0]]
    """
    places = int(sum(fractions))
    extra = np.zeros((batches, len(fractions)), dtype=np.int64)
    if not places or not batches:
        return extra
    tasks = [source for source, fraction in enumerate(fractions) if fraction]
    windows = _windows_of([fractions[i] for i in tasks], [served[i] for i in tasks], begin, batches)
    chosen = np.array(_most_urgent(windows, places, len(tasks)), dtype=windows.kind) % len(tasks)
    sources = np.array(tasks)[chosen.astype(np.int64).reshape(batches, places)]
    extra[np.arange(batches)[:, None], sources] = 1
    return extra


def _windows_of(fractions: Sequence[Fraction], served: Sequence[int], begin: int, batches: int) -> _Windows:
    cycles = [fraction.denominator for fraction in fractions]
    size = max(cycles) + batches + 2
    exponents = [2 * size.bit_length(), (4 * size * size * len(cycles)).bit_length()]
    kind: Any = np.int64 if max(exponents) <= _INT64_BITS else object
    # The windows of a source repeat after as many batches as its cycle: counting from there keeps integers small.
    past = [begin % cycle for cycle in cycles]
    first = [had - begin // part.denominator * part.numerator for had, part in zip(served, fractions)]
    ends = [-(-(now + batches) * part.numerator // part.denominator) for now, part in zip(past, fractions)]
    numbers = [end - start for end, start in zip(ends, first)]
    source = np.repeat(np.arange(len(cycles)), numbers)
    rate, cycle, offset = (
        np.array(values, dtype=kind)[source] for values in ([part.numerator for part in fractions], cycles, past)
    )
    starts = np.array(first, dtype=kind) - (np.cumsum(numbers) - numbers)
    window = np.arange(len(source)).astype(kind) + starts[source]
    release = window * cycle // rate - offset
    due = (window + 1) * cycle
    deadline = -(-due // rate)
    alone = (due % rate == 0).astype(kind)
    # The group deadline of Anderson and Srinivasan, for parts of one half or more: ceil(ceil(d * (1 - f)) / (1 - f)).
    slack = cycle - rate
    group = -(-(-(-(deadline * slack) // cycle) * cycle) // slack)
    lead = np.where(2 * rate >= cycle, group - deadline + 1, 0)
    longest = int(lead.max())
    key = (((deadline - offset) * 2 + alone) * (longest + 1) + (longest - lead)) * len(cycles) + source
    if kind is object:
        order = np.array(sorted(range(len(key)), key=lambda i: (release[i], key[i])), dtype=np.int64)
    else:
        order = np.lexsort((key, release))
    opened = np.searchsorted(release[order], np.arange(-1, batches), side="right")
    return _Windows(key[order].tolist(), opened.tolist(), (longest + 1) * len(cycles), kind)


def _most_urgent(windows: _Windows, places: int, sources: int) -> list[int]:
    """Return the keys of the windows served in each batch, one batch after another."""
    keys, opened, unit, _ = windows
    start = opened[0]
    pending = sorted(keys[:start])
    chosen: list[int] = []
    # Keys below: windows that close after this batch while the next one of their source opens with this batch.
    limit = 3 * unit
    for end in opened[1:]:
        fresh = keys[start:end]
        start = end
        held: list[int] = []
        if pending and pending[0] < limit:
            # The next window has to wait for a batch: a source gets at most one place of a batch.
            blocked = {key % sources for key in pending[: bisect_left(pending, limit)]}
            held = [key for key in fresh if key % sources in blocked]
            if held:
                fresh = [key for key in fresh if key % sources not in blocked]
        pending += fresh
        pending.sort()
        chosen += pending[:places]
        del pending[:places]
        if held:
            pending += held
            pending.sort()
        limit += 2 * unit
    return chosen
