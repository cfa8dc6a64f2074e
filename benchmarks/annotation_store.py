"""What annotations cost beside MMPose 1.3.2: seconds to load, memory of the process, of the machine and of a worker.

``python -m benchmarks.annotation_store [--persons N]``. Each load runs in a process of its own, so that the
peak is its own. MMPose is measured where it is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import io
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

from benchmarks.measure import machine, markdown_table
from benchmarks.peers import mmpose_is_here
from benchmarks.rows import Row
from benchmarks.synthetic_annotations import write_annotations

MEGABYTE = 1e6
NOTE = "wall time in a fresh process"
MOST_OF_MMPOSE = 100_000
"""Persons; 10^6 take it minutes and 2 GB."""


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


def load_figures(prefix: str, folder: str, names: list[str], watch: bool, workers: bool) -> dict[str, float]:
    """Load both files with the classes of one package, in this process; ``kept`` is the memory that stays, in bytes."""
    from mmengine.registry import DATASETS, init_default_scope

    _import(prefix)
    init_default_scope(prefix)
    configs = [
        {"type": f"{prefix}.{name}", "data_root": folder, "ann_file": f"{name}.json", "data_mode": "topdown",
         "data_prefix": {"img": ""}}
        for name in names
    ]  # fmt: skip
    gc.collect()  # what the imports left behind is no cost of loading
    before = memory_of_this_process()["Rss"]
    silent = contextlib.redirect_stdout(io.StringIO())  # MMPose's annotation reader prints its progress
    with silent, Peak() if watch else contextlib.nullcontext() as peak:
        start = time.perf_counter()
        datasets = [DATASETS.build(config) for config in configs]
        seconds = time.perf_counter() - start
    after = memory_of_this_process()["Rss"]
    figures = {"seconds": seconds, "persons": float(sum(map(len, datasets))), "kept": after - before}
    if peak is not None:
        figures["peak_above"] = peak.most - after
    return {**figures, **_workers_of(prefix, datasets)} if workers else figures


def _workers_of(prefix: str, datasets: list[Any]) -> dict[str, float]:
    """How much the private memory of each of two workers grows by the data sets and all their items, in bytes.

    There are two, because the kernel counts a page that a single process has mapped as private to it.
    """
    found = {}
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        workers = []
        for _ in range(2):
            ours, its = context.Pipe()
            worker = context.Process(target=_touch, args=(its, prefix, datasets if method == "fork" else None))
            worker.start()
            workers.append((worker, ours))
        for _, ours in workers:
            if method == "spawn":
                ours.recv()
                ours.send(datasets)
        for _, ours in workers:
            ours.recv()  # it has made all items
        for _, ours in workers:
            ours.send("measure")
        grown = [ours.recv() for _, ours in workers]
        for worker, ours in workers:
            ours.send("end")
            worker.join()
        found[f"private_{method}"] = statistics.median(grown)
    return found


def _touch(pipe: Any, prefix: str, inherited: Optional[list[Any]]) -> None:
    """Make all items of the data sets that are inherited, or else arrive pickled; send the growth of private memory."""
    _import(prefix)
    gc.collect()
    before = memory_of_this_process()["Private"]
    datasets = inherited
    if datasets is None:
        pipe.send("ready")
        datasets = pipe.recv()
    for dataset in datasets:
        for index in range(len(dataset)):
            dataset.get_data_info(index)
    pipe.send("made")
    pipe.recv()
    pipe.send(memory_of_this_process()["Private"] - before)
    pipe.recv()  # until the other one has measured too


def _import(prefix: str) -> None:
    importlib.import_module("mmpose.datasets" if prefix == "mmpose" else "mmpose_mix")


def measured(
    prefix: str, folder: Path, names: list[str], cache: str, *, watch: bool = False, workers: bool = False
) -> dict[str, float]:
    """:func:`load_figures` in a process of its own."""
    arguments = json.dumps([prefix, str(folder), names, watch, workers])
    command = [sys.executable, "-m", "benchmarks.annotation_store", "--one-load", arguments]
    done = subprocess.run(
        command, env={**os.environ, "MMPOSE_MIX_CACHE": cache}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def median_of(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over several runs."""
    return {name: statistics.median(each[name] for each in figures) for name in figures[0]}


def loads(folder: Path, names: list[str], rounds: int, peer: bool) -> dict[str, dict[str, float]]:
    """Medians of loads in turns: ``first`` and ``again`` of ours and, where it is wanted, ``theirs``."""
    found: dict[str, list[dict[str, float]]] = {"first": [], "again": [], **({"theirs": []} if peer else {})}
    for number in range(rounds):
        cache = str(folder / f"cache{number}")
        found["first"].append(measured("mmpose_mix", folder, names, cache))
        found["again"].append(measured("mmpose_mix", folder, names, cache))
        if peer:
            found["theirs"].append(measured("mmpose", folder, names, "off"))
    return {way: median_of(figures) for way, figures in found.items()}


def stored_bytes(folder: Path) -> float:
    """Size of the columns in the cache of the first round."""
    return float(sum(file.stat().st_size for file in (folder / "cache0").glob("*.columns")))


@contextmanager
def written(persons: int) -> Iterator[tuple[Path, list[str]]]:
    """A folder of two annotation files, and their classes."""
    with tempfile.TemporaryDirectory() as name:
        write_annotations(Path(name) / "CocoDataset.json", persons, 17, seed=0)
        write_annotations(Path(name) / "AicDataset.json", persons, 14, seed=1)
        yield Path(name), ["CocoDataset", "AicDataset"]


def rows(quick: bool = False) -> list[Row]:
    """The figures, each of both packages where MMPose is installed; ``quick`` takes few persons and two rounds."""
    return rows_of(2_000, rounds=2) if quick else rows_of(50_000, rounds=5)


def rows_of(persons: int, rounds: int) -> list[Row]:
    """The figures of two files of ``persons`` each."""
    peer = mmpose_is_here()
    with written(persons) as (folder, names):
        found = loads(folder, names, rounds, peer)
        size = stored_bytes(folder)
        whole = {"watch": True, "workers": True}
        ours = measured("mmpose_mix", folder, names, str(folder / "other"), **whole)
        theirs = measured("mmpose", folder, names, "off", **whole) if peer else {}

    def row(key: str, what: str, unit: str, own: float, other: Optional[float], asked: str, note: str = "") -> Row:
        return Row(key, what, unit, own, other, asked, note)

    def of_peer(name: str) -> Optional[float]:
        return theirs[name] / MEGABYTE if theirs else None

    load, first = f"2 x {persons:,} persons", found["first"]
    loaded, kept = (found["theirs"]["seconds"], found["theirs"]["kept"]) if peer else (None, None)
    per_person = None if kept is None else kept / first["persons"]
    return [
        row("load_first", f"load {load}, the first time", "s", first["seconds"], loaded, "10x faster", NOTE),
        row("load_again", f"load {load} again", "s", found["again"]["seconds"], loaded, "", NOTE),
        row(
            "load_peak", "peak memory of the first load above what stays", "MB", ours["peak_above"] / MEGABYTE,
            of_peer("peak_above"), "below 150 MB",
        ),
        row(
            "store_bytes", "annotation memory of a person", "B", size / first["persons"], per_person, "at most 250 B",
            "ours once on a machine, MMPose's in every rank",
        ),
        *(
            row(
                f"private_{method}", f"private memory of a worker ({method}) after all items", "MB",
                ours[f"private_{method}"] / MEGABYTE, of_peer(f"private_{method}"), "at most 5 MB",
                "growth by the data sets and all their items",
            )
            for method in ("fork", "spawn")
        ),
    ]  # fmt: skip


def growth(persons: Sequence[int], quick: bool = False) -> list[dict[str, Optional[float]]]:
    """Seconds and MB of so many persons in two files: ``load``, ``load_again``, ``memory``, and MMPose's, where it is.

    Args:
        persons: of all files together; MMPose, which takes minutes beyond, is measured up to ``MOST_OF_MMPOSE``.
    """
    figures = []
    for count in persons:
        peer = mmpose_is_here() and count <= MOST_OF_MMPOSE
        with written(count // 2) as (folder, names):
            found = loads(folder, names, 1 if quick else 5, peer)
            memory = stored_bytes(folder) / MEGABYTE
        load = found["theirs"]["seconds"] if peer else None
        figures.append(
            {
                "persons": count,
                "load": found["first"]["seconds"],
                "load_again": found["again"]["seconds"],
                "memory": memory,
                "their_load": load,
                "their_load_again": load,
                "their_memory": found["theirs"]["kept"] / MEGABYTE if peer else None,
            }
        )
    return figures


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=50_000, help="persons in each of the two files")
    parser.add_argument("--one-load", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_load:
        print(json.dumps(load_figures(*json.loads(options.one_load))))
        return
    print(f"{machine()}\n")
    cells = [
        [
            row.what,
            "–" if row.theirs is None else f"{row.theirs:.3g} {row.unit}",
            f"{row.ours:.3g} {row.unit}",
            row.asked,
        ]
        for row in rows_of(options.persons, rounds=5)
    ]
    print(markdown_table(["", "MMPose 1.3.2", "mmpose_mix", "asked"], cells))


if __name__ == "__main__":
    main()
