"""What mixing costs beside MMPose 1.3.2, in the same run: loading two annotation files, and one item without its image.

``python -m benchmarks.mixing_layer [--persons N]`` in an environment that has both packages; where MMPose is absent,
ours is measured alone. The README's table is what this prints.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Optional

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from benchmarks.measure import machine, markdown_table, median_seconds
from benchmarks.peers import mmpose_is_here
from benchmarks.rows import Row
from mmpose_mix.metainfo import shipped_configs

MAPPINGS = Config.fromfile(shipped_configs() / "_base_" / "mappings" / "coco_aic.py")

BATCH_SIZE, BATCHES = 64, 20


def write_annotations(path: Path, persons: int, keypoints: int, seed: int) -> None:
    """Writes a COCO-style file of drawn-by-dice persons, two to an image of 640 x 480, with polygons as COCO's."""
    generator = np.random.default_rng(seed)
    images = [{"id": i, "file_name": f"{i:012d}.jpg", "width": 640, "height": 480} for i in range((persons + 1) // 2)]
    annotations = []
    for i in range(persons):
        points = np.concatenate(
            [generator.uniform(1, 479, (keypoints, 2)).round(1), generator.integers(0, 3, (keypoints, 1))], axis=1
        )
        points[0, 2] = 2
        annotations.append(
            {
                "id": i + 1,
                "image_id": i // 2,
                "category_id": 1,
                "bbox": [10.0, 20.0, 200.5, 300.25],
                "area": 60200.1,
                "iscrowd": 0,
                "num_keypoints": int((points[:, 2] > 0).sum()),
                "keypoints": points.reshape(-1).tolist(),
                "segmentation": [generator.uniform(0, 480, 40).round(2).tolist()],
            }
        )
    category = {"id": 1, "name": "person", "supercategory": "person"}
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": [category]}))


def combined(folder: Path, prefix: str) -> dict[str, Any]:
    """The config of the combine mixture, with the classes of one package."""
    source = {"data_mode": "topdown", "data_prefix": {"img": "images/"}, "data_root": str(folder)}
    convert = {"type": f"{prefix}.KeypointConverter", "num_keypoints": 19}
    return {
        "type": f"{prefix}.CombinedDataset",
        "metainfo": {"from_file": str(shipped_configs() / "_base_" / "datasets" / "coco_aic.py")},
        "datasets": [
            {
                **source,
                "type": f"{prefix}.CocoDataset",
                "ann_file": "coco.json",
                "pipeline": [{**convert, "mapping": MAPPINGS.coco_to_coco_aic}],
            },
            {
                **source,
                "type": f"{prefix}.AicDataset",
                "ann_file": "aic.json",
                "pipeline": [{**convert, "mapping": MAPPINGS.aic_to_coco_aic}],
            },
        ],
        "pipeline": [],
    }


def figures(folder: Path, prefix: str) -> dict[str, float]:
    """Seconds to load, Python-heap bytes that stay a person, and seconds of one item of the mixing layer."""
    init_default_scope(prefix)
    build = lambda: DATASETS.build(combined(folder, prefix))  # noqa: E731
    load = median_seconds(build)
    tracemalloc.start()
    dataset = build()
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"load": load, "memory": memory / len(dataset)}


def nested(folder: Path, prefix: str) -> dict[str, Any]:
    """A mixture in 136 keypoints of a source and a mixture of two, as those of the whole body are made."""
    source = {"data_mode": "topdown", "data_prefix": {"img": "images/"}, "data_root": str(folder)}
    convert = {"type": f"{prefix}.KeypointConverter", "num_keypoints": 136}
    body = [(i, i) for i in range(17)]
    whole = {**source, "type": f"{prefix}.HalpeDataset", "ann_file": "halpe.json"}
    whole["pipeline"] = [{**convert, "mapping": [(i, i) for i in range(136)]}]
    bodies = {**source, "type": f"{prefix}.CocoDataset", "ann_file": "coco.json"}
    bodies["pipeline"] = [{**convert, "mapping": body}]
    mixture = {
        "type": f"{prefix}.CombinedDataset",
        "metainfo": {"from_file": str(shipped_configs() / "_base_" / "datasets" / "halpe.py")},
        "pipeline": [],
    }
    return {**mixture, "datasets": [whole, {**mixture, "datasets": [whole, bodies]}]}


def built(config: dict[str, Any]) -> Any:
    """The mixture of a config whose class names carry their package."""
    init_default_scope(config["type"].partition(".")[0])
    with contextlib.redirect_stdout(io.StringIO()):  # MMPose's annotation reader prints its progress
        return DATASETS.build(config)


def one_by_one(dataset: Any, indices: list[int]) -> list[Any]:
    """The items of a batch as a ``DataLoader`` gets them from most data sets."""
    return [dataset[index] for index in indices]


def microseconds_per_item(ways: dict[str, Callable[[list[int]], Any]], size: int, rounds: int) -> dict[str, float]:
    """Median CPU time of an item, of each way to make a batch of ``BATCH_SIZE``; the ways take turns in every round."""
    generator = np.random.default_rng(0)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        batches = generator.integers(0, size, (BATCHES, BATCH_SIZE)).tolist()
        for name, way in ways.items():
            start = time.process_time()
            for batch in batches:
                way(batch)
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values) / (BATCHES * BATCH_SIZE) * 1e6 for name, values in seconds.items()}


def item_figures(config: Callable[[str], dict[str, Any]], rounds: int) -> dict[str, Optional[float]]:
    """µs of an item of a mixture: ours in a batch, ours alone, and MMPose's, where it is installed.

    Args:
        config: from the name of a package to the mixture's config with its classes.
    """
    ours = built(config("mmpose_mix"))
    ways = {"batch": ours.__getitems__, "alone": partial(one_by_one, ours)}
    if mmpose_is_here():
        import mmpose.datasets  # noqa: F401

        ways["theirs"] = partial(one_by_one, built(config("mmpose")))
    return {"theirs": None, **microseconds_per_item(ways, len(ours), rounds)}


def write_all_annotations(folder: Path, persons: int) -> None:
    """Writes the files that :func:`combined` and :func:`nested` read."""
    for seed, (name, keypoints) in enumerate({"coco": 17, "aic": 14, "halpe": 136}.items()):
        write_annotations(folder / f"{name}.json", persons, keypoints, seed)


def rows(quick: bool = False) -> list[Row]:
    """What one item of the mixing layer costs, without its image."""
    rounds, persons = (3, 500) if quick else (9, 2000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_all_annotations(folder, persons)
        flat = item_figures(lambda prefix: combined(folder, prefix), rounds)
        deep = item_figures(lambda prefix: nested(folder, prefix), rounds)
    asked, note = "at most 6 µs", f"in batches of {BATCH_SIZE}, as a DataLoader asks for them"
    alone = "dataset[i]"
    return [
        Row("mixing_item", "one item of the mixing layer", "µs", flat["batch"], flat["theirs"], asked, note),
        Row("mixing_item_alone", "the same, asked for alone", "µs", flat["alone"], flat["theirs"], asked, alone),
        Row(
            "mixing_item_nested",
            "one item of a nested mixture, 136 keypoints",
            "µs",
            deep["batch"],
            deep["theirs"],
            "",
            note,
        ),
    ]


def growth(sources: Sequence[int] = range(1, 15), quick: bool = False) -> list[dict[str, Optional[float]]]:
    """µs of an item of mixtures of so many sources: ``sources``, ``batch``, ``alone``, ``theirs`` of each."""
    rounds, persons = (2, 200) if quick else (9, 2000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_all_annotations(folder, persons)

        def mixture(prefix: str, number: int) -> dict[str, Any]:
            config = combined(folder, prefix)
            return {**config, "datasets": [config["datasets"][place % 2] for place in range(number)]}

        return [{"sources": number, **item_figures(partial(mixture, number=number), rounds)} for number in sources]


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=50_000, help="persons in each of the two files")
    persons = parser.parse_args().persons
    try:
        import mmpose.datasets  # noqa: F401
    except ImportError:
        peer_is_here = False
    else:
        peer_is_here = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_annotations(folder / "coco.json", persons, 17, seed=0)
        write_annotations(folder / "aic.json", persons, 14, seed=1)
        with contextlib.redirect_stdout(io.StringIO()):  # MMPose's annotation reader prints its progress
            ours = figures(folder, "mmpose_mix")
            theirs = figures(folder, "mmpose") if peer_is_here else None
    print(f"{machine()}; 2 x {persons} persons, median of 5\n")
    units = {
        "load": (f"load 2 x {persons:,} persons", 1, "s"),
        "memory": ("annotation memory that stays, a person", 1, "B"),
    }
    table = []
    for key, (label, factor, unit) in units.items():
        peer = "–" if theirs is None else f"{theirs[key] * factor:.3g} {unit}"
        ratio = "–" if theirs is None else f"{theirs[key] / ours[key]:.1f}x"
        table.append([label, peer, f"{ours[key] * factor:.3g} {unit}", ratio])
    for row in rows():
        peer = "–" if row.theirs is None else f"{row.theirs:.3g} {row.unit}"
        ratio = "–" if row.ratio is None else f"{row.ratio:.1f}x"
        label = f"{row.what} ({row.note})"
        table.append([label, peer, f"{row.ours:.3g} {row.unit}", ratio])
    print(markdown_table(["", "MMPose 1.3.2", "mmpose_mix", "ratio"], table))


if __name__ == "__main__":
    main()
