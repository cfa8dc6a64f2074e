"""Runs one benchmark for ``python -m benchmarks``, in the fresh interpreter that this is.

``python -m benchmarks.one_part FILE MODULE [--at N] [--quick]`` writes the machine and the rows into a JSON file:
those of the module's ``rows()``, or, with ``--at``, of its ``growth(N)``.
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
    """The rows of a benchmark and the machine, as JSON types.

    Raises:
        ValueError: what the benchmark returned is no list of rows.
    """
    benchmark = import_module(f"benchmarks.{module}")
    rows = benchmark.rows(quick=quick) if at is None else benchmark.growth(at)
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
