"""One line of a benchmark's table: a figure of ours beside MMPose's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Row:
    """What was measured, of both packages in the same run.

    Args:
        key: a short name, unique over all benchmarks, such as ``'load_again'``.
        what: the words of the table.
        unit: of both figures, ``'s'``, ``'µs'``, ``'B'``, ``'MB'``, ..
        ours: median of this package.
        theirs: median of MMPose 1.3.2; None where it is not installed or has no such thing.
        asked: the goal, in words.
        note: what a reader has to know to understand the figures.
    """

    key: str
    what: str
    unit: str
    ours: float
    theirs: Optional[float]
    asked: str
    note: str = ""

    @property
    def ratio(self) -> Optional[float]:
        """How many times ours fits into theirs; None where theirs is unknown, or ours is 0."""
        return None if self.theirs is None or not self.ours else self.theirs / self.ours
