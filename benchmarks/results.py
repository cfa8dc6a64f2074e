"""The figures of a run of all benchmarks: kept as JSON, shown as Markdown."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Optional

from benchmarks.measure import markdown_table
from benchmarks.rows import Row

BEGIN, END = "<!-- performance-table -->", "<!-- /performance-table -->"


@dataclass(frozen=True)
class Part:
    """What one benchmark gave in its own process.

    Args:
        name: of the benchmark, or of what grows, such as ``'persons'``.
        machine: where it ran, in one line.
        rows: its figures.
        at: how many persons, sources or workers there were; None for the figures of the table.
    """

    name: str
    machine: str
    rows: list[Row]
    at: Optional[int] = None

    @property
    def title(self) -> str:
        """What the terminal calls it."""
        return self.name if self.at is None else f"{self.name} at {self.at:,}"


@dataclass
class Results:
    """The parts in the order of the table, and the last words of those that failed, by title."""

    parts: list[Part] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def table_parts(self) -> list[Part]:
        """The parts of the table."""
        return [part for part in self.parts if part.at is None]

    def growth(self, name: str) -> list[Part]:
        """The parts of what grows, the smallest first."""
        return sorted((part for part in self.parts if part.name == name and part.at is not None), key=_place)

    def updated_by(self, newer: Results) -> Results:
        """These figures with the newer ones in the place of those that they repeat, in the place of failures too."""
        tried = {part.title for part in newer.parts} | set(newer.failures)
        kept = [part for part in self.parts if part.title not in tried]
        failures = {title: words for title, words in self.failures.items() if title not in tried}
        return Results([*kept, *newer.parts], {**failures, **newer.failures})

    def save(self, path: Path) -> None:
        """Writes a JSON file."""
        content = {"parts": [asdict(part) for part in self.parts], "failures": self.failures}
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Results:
        """Reads what :meth:`save` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        parts = [Part(**{**part, "rows": [Row(**row) for row in part["rows"]]}) for part in content["parts"]]
        return cls(parts, content["failures"])


def _place(part: Part) -> int:
    return part.at or 0


def table(results: Results, order: Sequence[str], *, goals: bool, keys: Optional[Collection[str]] = None) -> str:
    """Every figure beside MMPose's, what failed, and the machine.

    Args:
        results: of one or more runs.
        order: names of the benchmarks, as they are to follow.
        goals: with what was asked for, and the notes below the table.
        keys: of the rows that are shown; all of them where it is not given.
    """
    parts = sorted(results.table_parts(), key=lambda part: order.index(part.name))
    rows = [row for part in parts for row in part.rows if keys is None or row.key in keys]
    notes = list(dict.fromkeys(row.note for row in rows if row.note)) if goals else []
    lines = []
    for row in rows:
        mark = f" [{notes.index(row.note) + 1}]" if row.note in notes else ""
        ratio = "–" if row.ratio is None else f"{with_digits(row.ratio)}x"
        theirs = "–" if row.theirs is None else f"{with_digits(row.theirs)} {row.unit}"
        cells = [row.what + mark, theirs, f"{with_digits(row.ours)} {row.unit}", f"**{ratio}**"]
        lines.append([*cells, row.asked] if goals else cells)
    header = ["", "MMPose 1.3.2", "mmpose_mix", "ratio", *(["asked for"] if goals else [])]
    texts = [markdown_table(header, lines)]
    texts += ["\n".join(f"[{number}] {note}  " for number, note in enumerate(notes, 1))] if notes else []
    texts += [f"Failed: {title}." for title in results.failures]
    texts += [f"{machine}." for machine in dict.fromkeys(part.machine for part in parts)]
    return "\n\n".join(texts)


def with_digits(value: float) -> str:
    """Three digits, without a power of ten between a ten-thousandth and a billion.

    >>> [with_digits(value) for value in (0.000513, 21.94, 187.6, 12345.6)]
    ['0.000513', '21.9', '188', '12,346']
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def with_table(text: str, new_table: str, origin: str) -> str:
    """A document with a table in the place of what stood between the markers.

    Raises:
        ValueError: the document has not exactly one pair of markers.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{origin} needs one {BEGIN} and, after it, one {END}, on lines of their own.")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{new_table}\n{END}{after}"
