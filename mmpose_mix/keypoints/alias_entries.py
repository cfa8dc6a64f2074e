"""What an alias file may say, checked: its entries, and the keypoints that these are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SAME, APPROXIMATE = "same joint", "approximate"
MARKS = (SAME, APPROXIMATE)
WEIGHT_TOLERANCE = 1e-6

# list of the file -> keys that each of its entries needs, beside "from" and "why"
FORMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "same_joint": (("joint", "names"),),
    "numberings": (("numbering", "size", "names"),),
    "same_numbers": (("between", "runs"),),
    "approximate": (("joints",), ("between", "runs")),
    "derived": (("joint", "of", "mark"),),
}
NOTES = ("from", "why")


@dataclass(frozen=True)
class Note:
    """Why an entry of an alias file holds, and who says so.

    Attributes:
        why: A sentence.
        sources: Papers or data-set pages.
    """

    why: str
    sources: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.why} [{'; '.join(self.sources)}]"


@dataclass(frozen=True)
class Derivation:
    """A joint as the weighted sum of others.

    Attributes:
        parts: Joints with their weights, which sum to 1.
        mark: ``'same joint'`` or ``'approximate'``.
        note: Why.
    """

    parts: tuple[tuple[str, float], ...]
    mark: str
    note: Note


def checked_entries(table: Any, origin: str) -> list[tuple[str, dict[str, Any], Note]]:
    """The entries of an alias file, one for each side where an entry says ``{side}``.

    Args:
        table: What the file holds: ``citations`` and the lists of ``FORMS``.
        origin: File that the error names.

    Returns:
        List, entry and note of each, in the order of the file.

    Raises:
        ValueError: with everything that is wrong.
    """
    if not isinstance(table, Mapping):
        raise ValueError(f"{origin}: an alias file holds an object with the lists {', '.join(FORMS)}")
    citations = table.get("citations", {})
    findings = [
        f"{key!r} is unknown; allowed are citations, {', '.join(FORMS)}"
        for key in table
        if key != "citations" and key not in FORMS
    ]
    if not isinstance(citations, Mapping):
        findings.append('citations must be an object such as {"mpii": "Andriluka et al., CVPR 2014"}')
        citations = {}
    found = []
    for kind in FORMS:
        entries = table.get(kind, [])
        if not isinstance(entries, list):
            findings.append(f"{kind} must be a list")
            continue
        for i, entry in enumerate(entries):
            faults = _faults(kind, entry, citations)
            findings += [f"{kind}[{i}]: {fault}" for fault in faults]
            if not faults:
                note = Note(entry["why"], tuple(str(citations[key]) for key in entry["from"]))
                found += [(kind, each, note) for each in _both_sides(entry)]
    if findings:
        lines = "\n".join(f"  - {finding}" for finding in findings)
        raise ValueError(f"{origin}: these aliases cannot be used:\n{lines}")
    return found


def numbers_of_runs(runs: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
    """Pairs of numbers of ``[first, other_first, count, step, other_step]`` runs; the last three are 1 where absent.

    >>> list(numbers_of_runs([[0, 0, 3, 1, 2], [36, 60]]))
    [(0, 0), (1, 2), (2, 4), (36, 60)]
    """
    for run in runs:
        first, other, count, step, other_step = list(run) + [1] * (5 - len(run))
        for i in range(count):
            yield first + i * step, other + i * other_step


def _faults(kind: str, entry: Any, citations: Mapping[str, Any]) -> list[str]:
    if not isinstance(entry, Mapping):
        return [f"{entry!r} is no object"]
    forms = FORMS[kind]
    if not any(set(entry) == set(form) | set(NOTES) for form in forms):
        wanted = " or ".join(", ".join(form + NOTES) for form in forms)
        return [f"it has the keys {', '.join(map(str, entry)) or 'none'}; give {wanted}"]
    faults = []
    unknown = [key for key in entry["from"] if key not in citations] if _are_words(entry["from"]) else [entry["from"]]
    if unknown:
        faults.append(f"from names {', '.join(map(repr, unknown))}; give keys of citations, which says who claims it")
    if not isinstance(entry["why"], str):
        faults.append(f"why is {entry['why']!r}; give a sentence")
    for key in ("names", "joints", "between"):
        least = 1 if key == "names" else 2
        if key in entry and not (_are_words(entry[key]) and len(entry[key]) >= least):
            faults.append(f"{key} is {entry[key]!r}; give {'a list of names' if least == 1 else 'two names'}")
        elif key in entry and least == 2 and len(entry[key]) != 2:
            faults.append(f"{key} has {len(entry[key])} names; give two, and further entries for more")
    if "runs" in entry and not _are_runs(entry["runs"]):
        faults.append("runs must be a list of [first, other_first] with count, step and other_step where above 1")
    if "size" in entry and not (_is_count(entry["size"]) and entry["size"] > 0):
        faults.append(f"size is {entry['size']!r}; give how many keypoints the numbering has")
    return faults + (_faults_of_derivation(entry) if kind == "derived" else [])


def _faults_of_derivation(entry: Mapping[str, Any]) -> list[str]:
    parts, faults = entry["of"], []
    numbers = isinstance(parts, Mapping) and all(
        isinstance(weight, (int, float)) and not isinstance(weight, bool) for weight in parts.values()
    )
    if not numbers or not parts or abs(sum(parts.values()) - 1) > WEIGHT_TOLERANCE:
        faults.append(f'of is {parts!r}; give joints and weights that sum to 1, such as {{"left_hip": 0.5, ...}}')
    if entry["mark"] not in MARKS:
        faults.append(f"mark is {entry['mark']!r}; allowed are {', '.join(MARKS)}")
    return faults


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(word, str) and word for word in value)


def _are_runs(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(run, list) and 2 <= len(run) <= 5 and all(map(_is_count, run)) for run in value
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _both_sides(entry: Any) -> list[Any]:
    if not _says_side(entry):
        return [entry]
    return [_replaced(entry, side) for side in ("left", "right")]


def _says_side(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_says_side(part) for pair in value.items() for part in pair)
    return any(map(_says_side, value)) if isinstance(value, list) else isinstance(value, str) and "{side}" in value


def _replaced(value: Any, side: str) -> Any:
    if isinstance(value, Mapping):
        return {_replaced(key, side): _replaced(part, side) for key, part in value.items()}
    if isinstance(value, list):
        return [_replaced(part, side) for part in value]
    return value.replace("{side}", side) if isinstance(value, str) else value
