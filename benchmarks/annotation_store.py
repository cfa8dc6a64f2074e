"""What annotations cost beside MMPose 1.3.2: seconds to load, memory of the process, of the machine and of a worker.

``python -m benchmarks.annotation_store [--persons N] [--growth]``. Each load runs in a process of its own, so that the
peak is its own. MMPose is measured where it is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

from benchmarks.measure import machine, markdown_table
from benchmarks.peers import mmpose_is_here
from benchmarks.rows import Row
from benchmarks.synthetic_annotations import write_annotations

MEGABYTE = 1e6
NOTE = "wall time of one load in a fresh process"


def memory_of_this_process() -> dict[str, float]:
    """``Rss``, ``Anonymous``, ``Private`` and so on of this process, in bytes (Linux)."""
    lines = [line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]]
    found = {words[0].rstrip(":"): int(words[1]) * 1024.0 for words in lines}
    return {**found, "Private": found["Private_Clean"] + found["Private_Dirty"]}


class Peak:
    """The most memory that nothing else has while the block runs, looked at every 2 ms."""

    def __enter__(self) -> Peak:
        self.most, self._stop = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.002):
            self.most = max(self.most, memory_of_this_process()["Rss"])


def load_figures(prefix: str, folder: str, names: list[str], watch: bool) -> dict[str, float]:
    """Load both files with the classes of one package, in this process."""
    from mmengine.registry import DATASETS, init_default_scope

    _import(prefix)
    init_default_scope(prefix)
    configs = [
        {"type": f"{prefix}.{name}", "data_root": folder, "ann_file": f"{name}.json", "data_mode": "topdown",
         "data_prefix": {"img": ""}}
        for name in names
    ]  # fmt: skip
    silent = contextlib.redirect_stdout(io.StringIO())  # MMPose's annotation reader prints its progress
    with silent, Peak() if watch else contextlib.nullcontext() as peak:
        start = time.perf_counter()
        datasets = [DATASETS.build(config) for config in configs]
        seconds = time.perf_counter() - start
    after = memory_of_this_process()
    figures = {"seconds": seconds, "persons": float(sum(map(len, datasets)))}
    if peak is not None:
        figures["peak_above"] = peak.most - after["Rss"]
    return {**figures, **_workers_of(prefix, datasets)}


def _workers_of(prefix: str, datasets: list[Any]) -> dict[str, float]:
    """How much the private memory of a worker of each kind grows by the data sets and all their items, in bytes."""
    found = {}
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        ours, its = context.Pipe()
        worker = context.Process(target=_touch, args=(its, prefix, datasets if method == "fork" else None))
        worker.start()
        if method == "spawn":
            ours.recv()
            ours.send(datasets)
        found[f"private_{method}"] = ours.recv()
        worker.join()
    return found


def _touch(pipe: Any, prefix: str, inherited: Optional[list[Any]]) -> None:
    """Make all items of the data sets that are inherited, or else arrive pickled; send the growth of private memory."""
    _import(prefix)
    before = memory_of_this_process()["Private"]
    datasets = inherited
    if datasets is None:
        pipe.send("ready")
        datasets = pipe.recv()
    for dataset in datasets:
        for index in range(len(dataset)):
            dataset.get_data_info(index)
    pipe.send(memory_of_this_process()["Private"] - before)


def _import(prefix: str) -> None:
    importlib.import_module("mmpose.datasets" if prefix == "mmpose" else "mmpose_mix")


def measured(prefix: str, folder: Path, names: list[str], cache: str, watch: bool = False) -> dict[str, float]:
    """:func:`load_figures` in a process of its own."""
    arguments = json.dumps([prefix, str(folder), names, watch])
    command = [sys.executable, "-m", "benchmarks.annotation_store", "--one-load", arguments]
    done = subprocess.run(
        command, env={**os.environ, "MMPOSE_MIX_CACHE": cache}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


@contextmanager
def written(persons: int) -> Iterator[tuple[Path, list[str]]]:
    """A folder of two annotation files, and their classes."""
    with tempfile.TemporaryDirectory() as name:
        write_annotations(Path(name) / "CocoDataset.json", persons, 17, seed=0)
        write_annotations(Path(name) / "AicDataset.json", persons, 14, seed=1)
        yield Path(name), ["CocoDataset", "AicDataset"]


def rows(quick: bool = False) -> list[Row]:
    """The figures, each of both packages where MMPose is installed; ``quick`` takes a tenth of the persons."""
    return rows_of(5_000 if quick else 50_000)


def rows_of(persons: int) -> list[Row]:
    """The figures of two files of ``persons`` each."""
    with written(persons) as (folder, names):
        cache = folder / "cache"
        first = measured("mmpose_mix", folder, names, str(cache))
        again = measured("mmpose_mix", folder, names, str(cache))
        size = sum(file.stat().st_size for file in cache.glob("*.columns"))
        peak = measured("mmpose_mix", folder, names, str(folder / "other"), watch=True)["peak_above"]
        theirs = measured("mmpose", folder, names, "off") if mmpose_is_here() else {}
        their_peak = measured("mmpose", folder, names, "off", watch=True)["peak_above"] if theirs else None
    load = f"2 x {persons:,} persons"

    def row(key: str, what: str, unit: str, ours: float, peer: Optional[float], asked: str, note: str = "") -> Row:
        return Row(key, what, unit, ours, peer, asked, note)

    loaded = theirs.get("seconds")
    return [
        row("load_first", f"load {load}, the first time", "s", first["seconds"], loaded, "10x faster", NOTE),
        row("load_again", f"load {load} again", "s", again["seconds"], loaded, "below 0.05 s for 10^6", NOTE),
        row(
            "load_peak", "peak memory of the first load above what stays", "MB", peak / MEGABYTE,
            None if their_peak is None else their_peak / MEGABYTE, "below 150 MB",
        ),
        row("store_bytes", "annotations once per machine, a person", "B", size / first["persons"], None, "250 B"),
        *(
            row(
                f"private_{method}", f"private memory of a worker ({method}) after all items", "MB",
                again[f"private_{method}"] / MEGABYTE,
                theirs[f"private_{method}"] / MEGABYTE if theirs else None, "5 MB",
                "growth by the data sets and all their items",
            )
            for method in ("fork", "spawn")
        ),
    ]  # fmt: skip


def growth(persons: int) -> list[dict[str, float]]:
    """Our figures from 10^4 persons to ``persons`` in tenfold steps: a dict of persons, seconds and bytes each."""
    found = []
    count = 10_000
    while count <= persons:
        with written(count // 2) as (folder, names):
            cache = folder / "cache"
            first = measured("mmpose_mix", folder, names, str(cache))
            again = measured("mmpose_mix", folder, names, str(cache))
            size = float(sum(file.stat().st_size for file in cache.glob("*.columns")))
        figures = {"persons": first["persons"], "first_seconds": first["seconds"], "again_seconds": again["seconds"]}
        found.append({**figures, "bytes": size, "private_spawn": again["private_spawn"]})
        count *= 10
    return found


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=50_000, help="persons in each of the two files")
    parser.add_argument("--growth", action="store_true", help="10^4 to 10^6 persons instead of the table")
    parser.add_argument("--one-load", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_load:
        print(json.dumps(load_figures(*json.loads(options.one_load))))
        return
    print(f"{machine()}\n")
    if options.growth:
        found = growth(1_000_000)
        print(markdown_table(list(found[0]), [[f"{value:.4g}" for value in figures.values()] for figures in found]))
        return
    cells = [
        [
            row.what,
            "–" if row.theirs is None else f"{row.theirs:.3g} {row.unit}",
            f"{row.ours:.3g} {row.unit}",
            row.asked,
        ]
        for row in rows_of(options.persons)
    ]
    print(markdown_table(["", "MMPose 1.3.2", "mmpose_mix", "asked"], cells))


if __name__ == "__main__":
    main()
