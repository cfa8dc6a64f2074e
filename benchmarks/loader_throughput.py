"""What a data loader with real images delivers beside MMPose 1.3.2's, for 0 to 4 workers, and what its options do.

``python -m benchmarks.loader_throughput [--samples FOLDER] [--workers N ...] [--options]`` in an environment that has
both packages; where MMPose is absent, ours is measured alone.

The mixture is the combine one (COCO and AI Challenger into 19 keypoints) with the training pipeline of the shipped
configs at 256 x 192, batches of 32, over the images of the folder of pose samples (``MMPOSE_MIX_POSE_SAMPLES``; drawn
ones where it is absent). Nobody computes with the batches, so it is the loader's rate that is seen. Both loaders keep
their workers and take turns, epoch by epoch; medians of five epochs after a first one.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Optional

from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.utils.data import DataLoader

import mmpose_mix  # noqa: F401  registers everything
from benchmarks.measure import machine, markdown_table
from benchmarks.mixing_layer import MAPPINGS
from benchmarks.peers import mmpose_is_here
from benchmarks.rows import Row
from mmpose_mix.metainfo import shipped_configs
from mmpose_mix.toy import draw_mixture

BATCH_SIZE = 32
EPOCHS = 5
CODEC = {"type": "MSRAHeatmap", "input_size": (192, 256), "heatmap_size": (48, 64), "sigma": 2}
PIPELINE: list[dict[str, Any]] = [
    {"type": "LoadImage"},
    {"type": "GetBBoxCenterScale"},
    {"type": "RandomFlip", "direction": "horizontal"},
    {"type": "RandomHalfBody"},
    {"type": "RandomBBoxTransform"},
    {"type": "TopdownAffine", "input_size": (192, 256)},
    {"type": "GenerateTarget", "encoder": CODEC},
    {"type": "PackPoseInputs"},
]
NOTE = "training pipeline and loader options of the shipped configs"


@contextmanager
def image_sources(samples: Optional[Path] = None) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """What the images are, in words, and where files of each source lie; drawn ones for as long as the context lasts.

    Args:
        samples: folder with ``coco/`` and ``aic/``; None takes ``MMPOSE_MIX_POSE_SAMPLES``.
    """
    if samples is None and "MMPOSE_MIX_POSE_SAMPLES" in os.environ:
        samples = Path(os.environ["MMPOSE_MIX_POSE_SAMPLES"])
    if samples is not None:
        places = {
            name: {"data_root": str(samples / name), "ann_file": f"test_{name}.json", "data_prefix": {"img": ""}}
            for name in ("coco", "aic")
        }
        yield "real images of COCO and AI Challenger", places
        return
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_mixture(folder, {"coco_train": 8, "aic_train": 8}, image_size=(640, 480))
        places = {
            name: {
                "data_root": str(drawn.root / name),
                "ann_file": str(drawn.annotations(name, "train")),
                "data_prefix": {"img": "train"},
            }
            for name in ("coco", "aic")
        }
        yield "drawn images of 640 x 480", places


def mixture(scope: str, places: dict[str, dict[str, Any]], repeats: int) -> dict[str, Any]:
    """The config of the combine mixture, each source ``repeats`` times, so that an epoch is long enough."""
    converter = {"type": "KeypointConverter", "num_keypoints": 19}
    kinds = {"coco": ("CocoDataset", MAPPINGS.coco_to_coco_aic), "aic": ("AicDataset", MAPPINGS.aic_to_coco_aic)}
    sources = [
        {"type": kind, **places[name], "data_mode": "topdown", "pipeline": [{**converter, "mapping": mapping}]}
        for name, (kind, mapping) in kinds.items()
    ]
    return {
        "type": f"{scope}.CombinedDataset",
        "metainfo": {"from_file": str(shipped_configs() / "_base_" / "datasets" / "coco_aic.py")},
        "datasets": sources * repeats,
        "pipeline": PIPELINE,
    }


def loader(scope: str, dataset: dict[str, Any], workers: int, **options: Any) -> DataLoader:
    """The loader that MMEngine's runner builds from a config, with the classes of one package."""
    config = {
        "batch_size": BATCH_SIZE,
        "num_workers": workers,
        "persistent_workers": workers > 0,
        "sampler": {"type": "DefaultSampler", "shuffle": True},
        "dataset": dataset,
        **options,
    }
    with DefaultScope.overwrite_default_scope(scope), contextlib.redirect_stdout(io.StringIO()):
        return Runner.build_dataloader(config, seed=0)


@dataclass(frozen=True)
class Cost:
    """Milliseconds of a sample: by the clock, of this process's CPU and of its workers' CPU together."""

    wall: float
    main: float
    workers: float


def cost_of_epoch(batches: DataLoader) -> Cost:
    """What a sample costs, from asking for the first batch to having the last."""
    start, main = time.perf_counter(), time.process_time()
    iterator = iter(batches)
    workers = [worker.pid for worker in getattr(iterator, "_workers", ())]
    before = cpu_seconds(workers)
    samples = sum(len(batch["inputs"]) for batch in iterator)
    wall, main = time.perf_counter() - start, time.process_time() - main
    return Cost(*(1e3 * seconds / samples for seconds in (wall, main, cpu_seconds(workers) - before)))


def cpu_seconds(processes: Sequence[int]) -> float:
    """CPU seconds that processes have used so far, together."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # user and system time, fields 14 and 15 of proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")


def costs_in_turns(loaders: dict[str, DataLoader], epochs: int) -> dict[str, Cost]:
    """Median costs of each loader after a first epoch; they take turns, epoch by epoch."""
    taken: dict[str, list[Cost]] = {name: [] for name in loaders}
    for _ in range(1 + epochs):
        for name, batches in loaders.items():
            taken[name].append(cost_of_epoch(batches))
    return {
        name: Cost(*(statistics.median(values) for values in zip(*map(astuple, costs[1:]))))
        for name, costs in taken.items()
    }


def sample_costs(workers: int, repeats: int, samples: Optional[Path], epochs: int) -> tuple[str, dict[str, Cost]]:
    """What the images are, and what a sample costs, by package, each with the options of its shipped configs."""
    options: dict[str, dict[str, Any]] = {"mmpose_mix": {"collate_fn": {"type": "mmpose_mix.one_block_collate"}}}
    if mmpose_is_here():
        import mmpose.datasets  # noqa: F401  registers MMPose's classes

        options["mmpose"] = {}
    with image_sources(samples) as (images, places):
        loaders = {
            scope: loader(scope, mixture(scope, places, repeats), workers, **each) for scope, each in options.items()
        }
        return images, costs_in_turns(loaders, epochs)


def rows(quick: bool = False) -> list[Row]:
    """A loader without workers, by the clock, and one with two, by the CPU of the training process too."""
    repeats, epochs = (2, 1) if quick else (6, EPOCHS)
    found = []
    for workers in (0, 2):
        images, costs = sample_costs(workers, repeats, None, epochs)
        ours, theirs = costs["mmpose_mix"], costs.get("mmpose")
        note = f"{NOTE}, {images}"
        words = f"{workers} loader workers" if workers else "no loader workers"
        wall = ours.wall, None if theirs is None else theirs.wall
        found.append(Row(f"loader_{workers}_workers", f"wall time of a sample, {words}", "ms", *wall, "less", note))
    main = ours.main, None if theirs is None else theirs.main
    found.append(Row("loader_main", f"CPU of the training process for a sample, {words}", "ms", *main, "less", note))
    return found


def growth(workers: Sequence[int], quick: bool = False) -> list[dict[str, Optional[float]]]:
    """For each number of workers a ``sample``'s ms and the ``rate`` a second; MMPose's are ``their_..``."""
    repeats, epochs = (2, 1) if quick else (6, EPOCHS)
    found = []
    for number in workers:
        _, costs = sample_costs(number, repeats, None, epochs)
        ours, theirs = costs["mmpose_mix"].wall, costs["mmpose"].wall if "mmpose" in costs else None
        figures = {"workers": number, "sample": ours, "their_sample": theirs, "rate": 1e3 / ours}
        found.append({**figures, "their_rate": None if theirs is None else 1e3 / theirs})
    return found


def collate_costs(places: dict[str, dict[str, Any]], repeats: int) -> list[list[str]]:
    """What sending batches as one block changes, with 2 workers: lines of a table."""
    loaders = {
        name: loader("mmpose_mix", mixture("mmpose_mix", places, repeats), 2, collate_fn={"type": name})
        for name in ("pseudo_collate", "mmpose_mix.one_block_collate")
    }
    return [
        [name, f"{cost.main:.2f} ms", f"{cost.workers:.2f} ms", f"{cost.wall:.2f} ms"]
        for name, cost in costs_in_turns(loaders, EPOCHS).items()
    ]


def option_costs(places: dict[str, dict[str, Any]], repeats: int = 12) -> list[list[str]]:
    """What the loader's options change here: lines of a table.

    An epoch is given with the workers' start, which persistent workers have once; the batch memory is what a loader may
    hold at most, by ``num_workers * prefetch_factor`` batches.
    """
    variants: dict[str, dict[str, Any]] = {
        "persistent_workers=False": {"persistent_workers": False},
        "persistent_workers=True": {},
        "prefetch_factor=4": {"prefetch_factor": 4},
        "prefetch_factor=8": {"prefetch_factor": 8},
        "multiprocessing_context='spawn'": {"multiprocessing_context": "spawn"},
    }
    loaders = {
        name: loader("mmpose_mix", mixture("mmpose_mix", places, repeats), 2, **options)
        for name, options in variants.items()
    }
    batch = next(iter(loader("mmpose_mix", mixture("mmpose_mix", places, repeats), 0)))
    held = sum(image.nbytes for image in batch["inputs"])
    held += sum(sample.gt_fields.heatmaps.nbytes for sample in batch["data_samples"])
    first: dict[str, float] = {}
    later: dict[str, list[tuple[float, float]]] = {name: [] for name in loaders}
    for turn in range(1 + EPOCHS):
        for name, batches in loaders.items():
            waited, whole = first_batch_and_epoch(batches)
            if turn:
                later[name].append((waited, whole))
            else:
                first[name] = waited
    lines = []
    for name, batches in loaders.items():
        waited, whole = (statistics.median(values) for values in zip(*later[name]))
        memory = 2 * batches.prefetch_factor * held / 1e6
        lines.append([name, f"{first[name]:.2f} s", f"{waited:.2f} s", f"{whole:.2f} s", f"{memory:.0f} MB"])
    return lines


def first_batch_and_epoch(batches: DataLoader) -> tuple[float, float]:
    """Seconds to the first batch, and to the last."""
    start = time.perf_counter()
    iterator = iter(batches)
    next(iterator)
    waited = time.perf_counter() - start
    for _ in iterator:
        pass
    return waited, time.perf_counter() - start


def main() -> None:
    """Measures and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, help="folder of pose samples")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--repeats", type=int, default=6, help="how often each source is in the mixture")
    parser.add_argument("--options", action="store_true", help="measures the loader's options instead, with 2 workers")
    options = parser.parse_args()
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}\n")
    if options.options:
        with image_sources(options.samples) as (_, places):
            lines = option_costs(places, options.repeats)
            collating = collate_costs(places, options.repeats)
        header = ["2 workers", "first batch ever", "first batch of an epoch", "epoch", "batches held, at most"]
        print(markdown_table(header, lines))
        header = ["2 workers", "CPU of the training process a sample", "of the workers", "wall"]
        print(f"\n{markdown_table(header, collating)}")
        return
    lines = []
    for workers in options.workers:
        _, costs = sample_costs(workers, options.repeats, options.samples, EPOCHS)
        ours, theirs = costs["mmpose_mix"], costs.get("mmpose")
        ratio = "–" if theirs is None else f"{theirs.wall / ours.wall:.2f}x"
        cells = [
            "–" if cost is None else f"{cost.wall:.2f} ms ({cost.main + cost.workers:.2f} ms CPU)"
            for cost in (theirs, ours)
        ]
        lines.append([str(workers), *cells, ratio])
    print(markdown_table(["workers", "MMPose 1.3.2", "mmpose_mix", "ratio"], lines))


if __name__ == "__main__":
    main()
