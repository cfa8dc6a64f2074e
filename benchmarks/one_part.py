"""Runs one benchmark for ``python -m benchmarks``, in the fresh interpreter that this is.

``python -m benchmarks.one_part FILE MODULE [--at N] [--quick]`` writes the machine and the figures into a JSON file:
the rows of the module's ``rows()``, or, with ``--at``, the dict of figures that its ``growth([N])`` lists.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.measure import machine
from benchmarks.rows import Row


def figures_of(module: str, at: int | None, quick: bool) -> dict[str, Any]:
    """The machine, and the rows of a benchmark or the figures of what grew, as JSON types.

    Raises:
        ValueError: what the benchmark returned is no list of rows, or not one dict of figures.
    """
    benchmark = import_module(f"benchmarks.{module}")
    if at is not None:
        grown = benchmark.growth([at], quick=quick)
        if len(grown) != 1 or not isinstance(grown[0], dict):
            raise ValueError(
                f"benchmarks.{module}.growth([{at}]) returned {grown!r}, but a list of one dict is wanted."
            )
        return {"machine": machine(), "figures": grown[0]}
    rows = benchmark.rows(quick=quick)
    if not rows or not all(isinstance(row, Row) for row in rows):
        raise ValueError(f"benchmarks.{module} returned {rows!r}, but a list of benchmarks.rows.Row is wanted.")
    return {"machine": machine(), "rows": [asdict(row) for row in rows]}


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("module")
    parser.add_argument("--at", type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    options.file.write_text(json.dumps(figures_of(options.module, options.at, options.quick)), encoding="utf-8")


if __name__ == "__main__":
    main()
