"""The page that ``mmpose-mix check`` prints: what the config is, tables, and at the end what is wrong."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any, Optional

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmpose_mix.engine.checked_config import CheckedConfig, CheckedSource
from mmpose_mix.engine.checked_types import ResolvedType
from mmpose_mix.engine.config_finding import counted
from mmpose_mix.keypoints.findings import ERROR, SEVERITIES, WARNING

WIDEST = 100
_STYLES = {ERROR: "bold red", WARNING: "yellow"}
_SHORT_REGISTRIES = {
    "parameter scheduler": "scheduler",
    "weight initializer": "initializer",
    "keypoint codec": "codec",
    "data sampler": "sampler",
}
_MOST_ROWS = 40
_WIDEST_NAMES = 40
_MOST_NAMED_CLASSES = 2


def print_page(checked: CheckedConfig, why: bool = False) -> None:
    """Prints the page to standard output.

    Args:
        checked: what was found.
        why: whether to say how conversions by name came about.
    """
    console = Console(file=sys.stdout, markup=False, emoji=False, highlight=False, soft_wrap=False)
    console.width = min(console.width, WIDEST)
    console.print(Text(checked.name, style="bold"))
    _print_whole(console, _summary(checked))
    if checked.types:
        _print_table(console, "Types: which class each one is", _types(checked.types))
    if checked.sources:
        _print_table(console, "Sources of the training", _sources(checked.sources, shares=True))
    if checked.evaluated:
        _print_table(console, "Evaluated", _sources(checked.evaluated, shares=False))
    for source in (*checked.sources, *checked.evaluated):
        _print_discarded(console, source)
    if checked.keypoints is not None and checked.sources:
        _print_table(console, _coverage_title(checked), _coverage(checked))
    if why:
        _print_explanations(console, checked.sources)
    _print_findings(console, checked)


def _summary(checked: CheckedConfig) -> Table:
    sampler, ratio = checked.sampler
    model, predicted, put_out = checked.model
    keypoints = checked.keypoints
    lines = {"file": _short_path(checked.file), "scope": checked.scope}
    if keypoints is not None:
        lines["keypoints"] = f"{keypoints.num_keypoints} of {keypoints.name!r}, {_sources_words(len(checked.sources))}"
    if sampler:
        lines["sampler"] = sampler if ratio is None else f"{sampler}, source_ratio={_plain(ratio)}"
    if model:
        told = "" if predicted is None else f", predicts {predicted} keypoints"
        lines["model"] = model + told + ("" if put_out in (None, predicted) else f", of which it puts out {put_out}")
    if not checked.read:
        lines["data"] = "not looked for (--without-data)"
    grid = Table.grid(padding=(0, 2))
    for word, text in lines.items():
        grid.add_row(Text(word, style="dim"), Text(text, overflow="fold"))
    return grid


def _types(types: Sequence[ResolvedType]) -> Table:
    """Each class once, with the number of its places."""
    table = _table(["registry", "type", "class in"], [])
    rows: dict[tuple[str, ...], int] = {}
    for kind in types:
        shown = _shown_file(kind)
        other = "" if kind.class_name == kind.name.rpartition(".")[2] else f" = {kind.class_name}"
        key = (_SHORT_REGISTRIES.get(kind.registry, kind.registry), kind.name + other, shown)
        rows[key] = rows.get(key, 0) + 1
    order = list(dict.fromkeys(registry for registry, _, _ in rows))
    last = ""
    for (registry, name, file), number in sorted(rows.items(), key=lambda row: order.index(row[0][0])):
        table.add_row(registry if registry != last else "", f"{name} x{number}" if number > 1 else name, file)
        last = registry
    return table


def _shown_file(kind: ResolvedType) -> str:
    """The file below the folder of its package."""
    parts = Path(kind.file).parts
    package = kind.module.partition(".")[0]
    places = [place for place, part in enumerate(parts) if part == package]
    # the last folder of that name is the package's own, unless a module in it is called so too
    below = [place for place in places if "/".join(parts[place:]).startswith(kind.module.replace(".", "/"))]
    return str(Path(*parts[below[-1] :])) if below else kind.file or kind.module


def _sources(sources: Sequence[CheckedSource], shares: bool) -> Table:
    heads = ["\nimages", "anno-\ntations", "\ndiscarded", "\nitems"]
    table = _table(["\nsource", "\nclass"], heads + (["share\nasked", "\nrealised"] if shares else []))
    for number, source in enumerate(sources):
        whole = len(source.files) == len(source.ann_files) > 0
        images, annotations = (sum(getattr(file, name) for file in source.files) for name in ("images", "annotations"))
        discarded = sum(sum(file.discarded.values()) for file in source.files)
        cells = [f"{value:,}" if whole else "?" for value in (images, annotations, discarded)]
        cells.append("?" if source.items is None else f"{source.items:,}")
        cells += [_percent(source.asked), _percent(source.realised)] if shares else []
        table.add_row(f"{number} {source.name}" if shares else source.name, _classes(source), *cells)
    return table


def _classes(source: CheckedSource) -> str:
    kinds = list(dict.fromkeys(source.classes))
    return ", ".join(kinds) if len(kinds) <= _MOST_NAMED_CLASSES else f"{len(source.classes)} data sets"


def _print_discarded(console: Console, source: CheckedSource) -> None:
    reasons: dict[str, int] = {}
    for file in source.files:
        for reason, number in file.discarded.items():
            reasons[reason] = reasons.get(reason, 0) + number
    if reasons:
        words = ", ".join(f"{number:,} {reason}" for reason, number in reasons.items())
        _print_words(console, f"Discarded of {source.name}: {words}.")


def _coverage_title(checked: CheckedConfig) -> str:
    read = any(source.coverage.visible is not None for source in checked.sources)
    unread = any(source.coverage.visible is None for source in checked.sources)
    words = ["visible in so many of 100 instances" if read else "", "x labelled" if unread else "", "- not labelled"]
    return f"Keypoints of the sources: {', '.join(word for word in words if word)}"


def _coverage(checked: CheckedConfig) -> Table:
    """A row for each target keypoint, or for a run of them that the sources treat alike."""
    sources = checked.sources
    few = sum(len(source.name) for source in sources) <= _WIDEST_NAMES
    table = _table(["keypoint"], [source.name if few else str(place) for place, source in enumerate(sources)])
    names = checked.keypoints.keypoint_names if checked.keypoints else ()
    if len(names) <= _MOST_ROWS:
        for place, name in enumerate(names):
            table.add_row(f"{place} {name}", *(_cell(source, [place]) for source in sources))
        return table
    for first, last in _runs(sources, len(names)):
        shown = f"{first} {names[first]}" if first == last else f"{first} {names[first]} to {last} {names[last]}"
        table.add_row(shown, *(_cell(source, range(first, last + 1)) for source in sources))
    return table


def _runs(sources: Sequence[CheckedSource], num_keypoints: int) -> Iterator[tuple[int, int]]:
    """First and last of the keypoints in a row that the same sources label."""
    marks = [
        tuple(source.coverage.labelled and source.coverage.labelled[k] for source in sources)
        for k in range(num_keypoints)
    ]
    for _, run in groupby(range(num_keypoints), key=lambda place: marks[place]):
        places = list(run)
        yield places[0], places[-1]


def _cell(source: CheckedSource, places: Sequence[int]) -> str:
    labelled, visible = source.coverage.labelled, source.coverage.visible
    if labelled is None:
        return "?"
    if not labelled[places[0]]:
        return "-"
    if visible is None:
        return "x"
    shares = [100 * (visible[place] or 0) for place in places]
    lowest, highest = (_hundredth(share) for share in (min(shares), max(shares)))
    return lowest if lowest == highest else f"{lowest}-{highest}"


def _hundredth(share: float) -> str:
    """Neither 0 nor 100 unless it is just that."""
    return "<1" if 0 < share < 0.5 else ">99" if 99.5 <= share < 100 else f"{share:.0f}"


def _print_explanations(console: Console, sources: Sequence[CheckedSource]) -> None:
    console.print()
    console.print(Text("Why: how each keypoint that is mapped by name came about", style="bold"))
    texts = [text for source in sources for text in source.explanations]
    for text in texts or ["No source maps its keypoints by name; the pairs of the config are as they stand."]:
        console.print(Text(text), soft_wrap=True)


def _print_findings(console: Console, checked: CheckedConfig) -> None:
    console.print()
    if checked.findings:
        console.print(Text("Findings", style="bold"))
    for finding in checked.findings:
        style = _STYLES.get(finding.severity, "dim")
        console.print(Text(f"{finding.severity} {finding.code} {finding.place}", style=style), soft_wrap=True)
        _print_words(console, _sentence(finding.text), "  ")
        if finding.fix:
            _print_words(console, f"Fix: {_sentence(finding.fix)}", "  ")
    console.print(_verdict(checked))


def _verdict(checked: CheckedConfig) -> Text:
    counts = counted(checked.findings)
    words = [f"{number} {severity}{'' if number == 1 else 's'}" for severity, number in counts.items() if number]
    if not counts[ERROR] and not counts[WARNING]:
        return Text(f"Clean: nothing is wrong{f' ({words[0]})' if words else ''}.", style="bold green")
    worst = next(severity for severity in SEVERITIES if counts[severity])
    return Text(f"{', '.join(words)}.", style=_STYLES.get(worst, "bold"))


def _table(words: Sequence[str], numbers: Sequence[str]) -> Table:
    """Return an empty table with columns of words on the left and of numbers on the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in words:
        table.add_column(head, overflow="fold")
    for head in numbers:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _print_table(console: Console, title: str, table: Table) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    _print_whole(console, table)


def _print_whole(console: Console, table: Table) -> None:
    """Nothing is cut off or folded, on however narrow a terminal."""
    present = console.width
    console.width = max(present, console.measure(table, options=console.options.update(width=1000)).maximum)
    console.print(table)
    console.width = present


def _print_words(console: Console, words: str, indent: str = "") -> None:
    """Lines as wide as the terminal; paths stay whole."""
    lines = textwrap.wrap(
        words,
        console.width,
        subsequent_indent=indent,
        initial_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _sentence(words: Any) -> str:
    text = str(words).rstrip(".")
    return text if text.endswith(("?", "!")) else f"{text}."


def _sources_words(number: int) -> str:
    return f"{number} source{'' if number == 1 else 's'}"


def _short_path(file: str) -> str:
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except ValueError:
        return file


def _percent(share: Optional[Fraction]) -> str:
    return "?" if share is None else f"{100 * float(share):.2f} %"


def _plain(words: Any) -> str:
    """The words of a config, without its classes."""
    if isinstance(words, dict):
        return f"dict({', '.join(f'{key}={_plain(value)}' for key, value in words.items())})"
    if isinstance(words, (list, tuple)):
        return f"[{', '.join(map(_plain, words))}]"
    return repr(words)
