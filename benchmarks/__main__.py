"""All figures beside MMPose 1.3.2's, by one command, in an environment that has both packages.

    python -m benchmarks [--quick] [--only KEY ...] [--json FILE] [--markdown FILE] [--plots FOLDER]
    python -m benchmarks --write

Each benchmark runs in a fresh interpreter of its own, one after the other; one that fails is named at the end, with its
last words, and the exit status is 1. KEY is the name of a benchmark or of what grows: persons, sources, workers. With
``--only`` the figures in the JSON file that were not measured again stay. ``--write`` measures nothing: it puts the
figures of ``benchmarks/results.json`` into the README and docs/performance.md, and their plots into docs/images.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from benchmarks.results import Part, Results, table, with_table
from benchmarks.rows import Row

ROOT = Path(__file__).resolve().parents[1]
COMMITTED = ROOT / "benchmarks" / "results.json"
#: The documents with the table, and whether it names the goals there.
HEADLINES = (
    "load_first",
    "load_again",
    "store_bytes",
    "private_spawn",
    "mixing_item",
    "mixing_item_nested",
    "training_item_flipped",
    "training_item_not_flipped",
    "random_bbox_transform",
    "pack_pose_inputs",
    "heatmaps_19",
    "loader_2_workers",
    "keypoint_ap",
    "keypoint_ap_load",
)
"""Rows of the README; docs/performance.md has all."""
DOCUMENTS: dict[Path, dict[str, Any]] = {
    ROOT / "README.md": {"goals": False, "keys": HEADLINES},
    ROOT / "docs" / "performance.md": {"goals": True},
}
PLOTS = ROOT / "docs" / "images"

MODULES = (
    "annotation_store",
    "mixing_layer",
    "training_item",
    "targets",
    "loader_throughput",
    "evaluation",
    "sampler",
    "check_start",
)


@dataclass(frozen=True)
class Panel:
    """A figure that grows: its words, its unit, and how the benchmark calls ours and MMPose's."""

    what: str
    unit: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class Growth:
    """What grows: the benchmark whose ``growth`` is asked, its sizes, quick ones too, and the figures shown."""

    module: str
    sizes: tuple[int, ...]
    quick: tuple[int, ...]
    panels: tuple[Panel, ...]

    def rows(self, figures: dict[str, Optional[float]]) -> list[Row]:
        """The figures of one size as rows.

        Raises:
            KeyError: a figure is missing.
        """
        return [
            Row(panel.ours, panel.what, panel.unit, figures[panel.ours], figures[panel.theirs], "")
            for panel in self.panels
        ]


GROWTHS = {
    "persons": Growth(
        "annotation_store",
        (10_000, 30_000, 100_000, 300_000, 1_000_000),
        (200, 1000),
        (
            Panel("load, the first time", "s", "load", "their_load"),
            Panel("load again", "s", "load_again", "their_load_again"),
            Panel("memory that stays", "MB", "memory", "their_memory"),
        ),
    ),
    "sources": Growth(
        "mixing_layer",
        (1, 2, 4, 7, 10, 14),
        (1, 3),
        (
            Panel("one item, in batches", "µs", "batch", "theirs"),
            Panel("one item, asked for alone", "µs", "alone", "theirs"),
        ),
    ),
    "workers": Growth(
        "loader_throughput",
        (0, 1, 2, 3, 4),
        (0, 1),
        (
            Panel("samples a second", "1/s", "rate", "their_rate"),
            Panel("wall time of a sample", "ms", "sample", "their_sample"),
        ),
    ),
}
MOST_MINUTES = 40
LAST_WORDS = 12


def wanted_parts(only: Optional[list[str]], quick: bool) -> list[tuple[str, str, Optional[int]]]:
    """Name, module and size of every part that is to be measured.

    Raises:
        ValueError: ``only`` names what there is not.
    """
    known = [*MODULES, *GROWTHS]
    unknown = sorted(set(only or ()) - set(known))
    if unknown:
        raise ValueError(f"--only: there is no {', '.join(unknown)}; there are {', '.join(known)}.")
    parts: list[tuple[str, str, Optional[int]]] = [(name, name, None) for name in MODULES]
    for name, growth in GROWTHS.items():
        parts += [(name, growth.module, size) for size in (growth.quick if quick else growth.sizes)]
    return [part for part in parts if only is None or part[0] in only]


def measured(
    parts: Iterable[tuple[str, str, Optional[int]]],
    quick: bool,
    minutes: float,
    keep: Callable[[Results], object] = lambda results: None,
) -> Results:
    """Runs the parts one after the other, says on stderr how it goes, and hands over what there is after each part."""
    results = Results()
    for name, module, at in parts:
        title = Part(name, "", [], at).title
        print(f"{title} ..", end=" ", file=sys.stderr, flush=True)
        start = time.perf_counter()
        outcome = measured_alone(name, module, at, quick, minutes)
        if isinstance(outcome, Part):
            results.parts.append(outcome)
        else:
            results.failures[title] = outcome
        words = "" if isinstance(outcome, Part) else f" FAILED\n{outcome}"
        print(f"{time.perf_counter() - start:.0f} s{words}", file=sys.stderr, flush=True)
        keep(results)
    return results


def measured_alone(name: str, module: str, at: Optional[int], quick: bool, minutes: float) -> Part | str:
    """One part, measured in a process of its own; its last words where it failed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "benchmarks.one_part", str(file), module]
        command += [] if at is None else ["--at", str(at)]
        command += ["--quick"] if quick else []
        try:
            process = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60 * minutes
            )
        except subprocess.TimeoutExpired:
            return f"stopped after {minutes} minutes"
        if process.returncode or not file.is_file():
            said = (process.stderr.strip() or process.stdout.strip()).splitlines()[-LAST_WORDS:]
            return "\n".join([f"exit status {process.returncode}", *said])
        content = json.loads(file.read_text(encoding="utf-8"))
    if at is None:
        return Part(name, content["machine"], [Row(**row) for row in content["rows"]])
    try:
        return Part(name, content["machine"], GROWTHS[name].rows(content["figures"]), at)
    except KeyError as missing:
        return f"benchmarks.{module}.growth gave no {missing}, only {', '.join(content['figures'])}"


def write_documents(results: Results) -> None:
    """Puts the tables into the documents that hold the markers, and the plots beside them."""
    from benchmarks.growth_plots import plot_growths

    for path, shown in DOCUMENTS.items():
        text = path.read_text(encoding="utf-8")
        path.write_text(with_table(text, table(results, MODULES, **shown), path.name), encoding="utf-8")
    plot_growths(results, PLOTS)


def main() -> int:
    """Measures or writes; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it runs, no figures worth keeping")
    parser.add_argument("--only", nargs="+", metavar="KEY", help="these benchmarks alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keeps the figures")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="writes the table")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draws how cost grows")
    parser.add_argument("--minutes", type=float, default=MOST_MINUTES, help="at most for each part")
    parser.add_argument("--write", action="store_true", help="from benchmarks/results.json into the documents")
    options = parser.parse_args()
    if options.write:
        write_documents(Results.load(COMMITTED))
        return 0
    try:
        parts = wanted_parts(options.only, options.quick)
    except ValueError as error:
        parser.error(str(error))
    merge = options.only is not None and options.json is not None and options.json.is_file()
    earlier = Results.load(options.json) if merge else Results()

    def keep(newer: Results) -> None:
        if options.json is not None:
            earlier.updated_by(newer).save(options.json)

    results = measured(parts, options.quick, options.minutes, keep)
    failed = bool(results.failures)
    results = earlier.updated_by(results)
    shown = table(results, MODULES, goals=True)
    print(shown)
    if options.markdown is not None:
        options.markdown.write_text(shown + "\n", encoding="utf-8")
    if options.plots is not None:
        from benchmarks.growth_plots import plot_growths

        plot_growths(results, options.plots)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
