"""A mixture of a million persons in seven sources: what starting it costs, what processes hold, and how fast it gives.

``python -m benchmarks.million_persons [--persons N] [--peer-persons N] [--folder FOLDER]`` writes annotation files with
drawn-by-dice persons (kept where ``--folder`` is given, and taken again) and measures without any image:

* seconds to build the mixture, the first time, and again in new processes (median of ``--rounds``);
* resident memory of that process, and how much it grew by the mixture;
* memory that each of four loader workers has for itself (USS), after it gave its part of 20,000 samples, when workers
  are forked and when they are spawned;
* samples a second of the mixing layer: of one process, and of the loader with four workers.

Every figure comes from a process of its own. MMPose 1.3.2, where it is installed, is measured on fewer persons: it
takes 1.75 kB and about a tenth of a millisecond for each.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.registry import DATASETS, init_default_scope
from torch.utils.data import DataLoader, SubsetRandomSampler

from benchmarks.measure import machine, markdown_table
from benchmarks.peers import mmpose_is_here
from benchmarks.synthetic_annotations import write_annotations

#: Data set, number of keypoints, share of the persons, like body7; the last one stands for MPII, whose files differ.
SOURCES = (
    ("CocoDataset", 17, 0.17),
    ("AicDataset", 14, 0.43),
    ("CrowdPoseDataset", 14, 0.08),
    ("JhmdbDataset", 15, 0.04),
    ("HalpeDataset", 136, 0.05),
    ("PoseTrack18Dataset", 17, 0.12),
    ("OCHumanDataset", 17, 0.11),
)
WORKERS, BATCH_SIZE = 4, 64
LOADED = 20_000
START_METHODS = ("fork", "spawn")


def write_sources(folder: Path, persons: int) -> None:
    """One annotation file for each source, unless the folder has them of an earlier run."""
    for place, (name, keypoints, share) in enumerate(SOURCES):
        path = annotation_file(folder, name, persons)
        if not path.is_file():
            write_annotations(path, round(persons * share), keypoints, seed=place)


def annotation_file(folder: Path, name: str, persons: int) -> Path:
    """Where the persons of a source are."""
    return folder / f"{name}_{persons}.json"


def mixture(folder: Path, scope: str, persons: int) -> dict[str, Any]:
    """The config: every source into COCO's keypoints by number, no image."""
    sources = []
    for name, keypoints, _ in SOURCES:
        common = min(keypoints, 17)
        convert = {"type": f"{scope}.KeypointConverter", "num_keypoints": 17}
        sources.append(
            {
                "type": f"{scope}.{name}",
                "data_mode": "topdown",
                "data_root": str(folder),
                "ann_file": annotation_file(folder, name, persons).name,
                "data_prefix": {"img": ""},
                "pipeline": [{**convert, "mapping": [(index, index) for index in range(common)]}],
            }
        )
    return {
        "type": f"{scope}.CombinedDataset",
        "metainfo": {"from_file": "configs/_base_/datasets/coco.py"},
        "datasets": sources,
        "pipeline": [],
    }


def memory_of(process: int | str, *fields: str) -> float:
    """A sum of fields of the kernel's account of a process's memory, in MB."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.split(":")[0] in fields) / 1e3


def resident() -> float:
    """Resident memory of this process in MB."""
    return memory_of("self", "Rss")


def started(folder: Path, scope: str, persons: int) -> tuple[Any, dict[str, float]]:
    """The mixture, and seconds and memory that building it took in this process."""
    import_module("mmpose.datasets" if scope == "mmpose" else "mmpose_mix")
    init_default_scope(scope)
    gc.collect()  # what the imports left behind is no cost of the mixture
    before, start = resident(), time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):  # MMPose's annotation reader prints its progress
        dataset = DATASETS.build(mixture(folder, scope, persons))
    seconds = time.perf_counter() - start
    after = resident()
    return dataset, {"samples": len(dataset), "start": seconds, "resident": after, "grown": after - before}


def rate_alone(dataset: Any) -> float:
    """Samples a second that this process gets from the mixing layer, in random order; median of 5."""
    order = np.random.default_rng(0).permutation(len(dataset))[:5000].tolist()
    rates = []
    for _ in range(5):
        start = time.perf_counter()
        for index in order:
            dataset[index]
        rates.append(len(order) / (time.perf_counter() - start))
    return statistics.median(rates)


def of_workers(dataset: Any, start_method: str) -> dict[str, float]:
    """Seconds until the workers' first batch, samples a second after it, and the median USS of the workers in MB.

    ``len`` collates: a batch is not sent, so that nothing but the mixing layer is measured.
    """
    order = np.random.default_rng(1).permutation(len(dataset))[:LOADED].tolist()
    loader = DataLoader(
        dataset,
        BATCH_SIZE,
        sampler=SubsetRandomSampler(order),
        num_workers=WORKERS,
        collate_fn=len,
        multiprocessing_context=start_method,
        persistent_workers=True,
    )
    start = time.perf_counter()
    batches = iter(loader)
    samples = next(batches)
    first = time.perf_counter() - start
    rest = sum(batches)
    seconds = time.perf_counter() - start - first
    processes = [worker.pid for worker in batches._workers]
    private = [memory_of(process, "Private_Clean", "Private_Dirty") for process in processes]
    if samples + rest != len(order):
        raise RuntimeError(f"the loader gave {samples + rest} of {len(order)} samples")
    return {"first": first, "rate": rest / seconds, "uss": statistics.median(private)}


def figures_here(folder: Path, scope: str, persons: int, start_method: str) -> dict[str, float]:
    """All figures that this process can give: start-up, and those of one way to start workers where one is named."""
    dataset, figures = started(folder, scope, persons)
    if start_method:
        workers = of_workers(dataset, start_method)
        figures.update({f"{start_method} {key}": value for key, value in workers.items()})
    else:
        figures["rate"] = rate_alone(dataset)
    return figures


def figures_of(folder: Path, scope: str, persons: int, rounds: int) -> dict[str, float]:
    """The figures of one package; the first start is the first of all, the others are again in new processes."""

    def in_new_process(start_method: str = "") -> dict[str, float]:
        command = [
            sys.executable,
            "-W",
            "ignore::UserWarning",
            "-m",
            "benchmarks.million_persons",
            "--folder",
            str(folder),
        ]
        command += ["--persons", str(persons), "--measure", scope, start_method]
        environment = {**os.environ, "MMPOSE_MIX_CACHE": str(cache)}
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
        return json.loads(output.splitlines()[-1])

    cache = folder / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    first = in_new_process()
    again = [in_new_process() for _ in range(rounds)]
    figures = {key: statistics.median(each[key] for each in again) for key in first}
    figures = {"first start": first["start"], "first resident": first["resident"], **figures}
    for start_method in START_METHODS:
        figures.update({key: value for key, value in in_new_process(start_method).items() if start_method in key})
    return figures


LINES = {
    "samples": ("persons in the mixture", "{:,.0f}"),
    "first start": ("start-up, the first time", "{:.2f} s"),
    "start": ("start-up, again", "{:.2f} s"),
    "first resident": ("resident memory after the first start", "{:,.0f} MB"),
    "resident": ("resident memory after starting again", "{:,.0f} MB"),
    "grown": ("of it by the mixture", "{:,.0f} MB"),
    "rate": ("samples a second of the mixing layer, one process", "{:,.0f}"),
    **{
        f"{method} {key}": (words.format(method), form)
        for method in START_METHODS
        for key, words, form in (
            ("first", "{}: seconds to the workers' first batch", "{:.2f} s"),
            ("uss", "{}: memory of each of 4 workers for itself (USS)", "{:,.0f} MB"),
            ("rate", "{}: samples a second of the mixing layer, 4 workers", "{:,.0f}"),
        )
    },
}


def measured(folder: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The figures by package."""
    packages = {"mmpose_mix": options.persons}
    if mmpose_is_here() and options.peer_persons:
        packages["mmpose"] = options.peer_persons
    found = {}
    for scope, persons in packages.items():
        write_sources(folder, persons)
        found[scope] = figures_of(folder, scope, persons, options.rounds if scope == "mmpose_mix" else 1)
    return found


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--peer-persons", type=int, default=200_000, help="for MMPose; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=5, help="how often the start is repeated")
    parser.add_argument("--folder", type=Path, help="keeps the annotation files")
    parser.add_argument("--measure", nargs=2, metavar=("SCOPE", "START_METHOD"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(figures_here(options.folder, options.measure[0], options.persons, options.measure[1])))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = measured(folder, options)
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}\n")
    rows = [
        [words, *(form.format(found[scope][key]) if scope in found else "–" for scope in ("mmpose", "mmpose_mix"))]
        for key, (words, form) in LINES.items()
    ]
    print(markdown_table(["", "MMPose 1.3.2", "mmpose_mix"], rows))


if __name__ == "__main__":
    main()
