"""What mixing costs beside MMPose 1.3.2, in the same run: one item without its image.

``python -m benchmarks.mixing_layer`` in an environment that has both packages; where MMPose is absent,
ours is measured alone. The README's table is what this prints.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Optional

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from benchmarks.measure import machine, markdown_table
from benchmarks.peers import mmpose_is_here
from benchmarks.rows import Row
from benchmarks.synthetic_annotations import write_annotations
from mmpose_mix.metainfo import shipped_configs

MAPPINGS = Config.fromfile(shipped_configs() / "_base_" / "mappings" / "coco_aic.py")

BATCH_SIZE, BATCHES = 64, 20


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
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(f"{machine()}; median CPU time\n")
    table = []
    for row in rows():
        peer = "–" if row.theirs is None else f"{row.theirs:.3g} {row.unit}"
        ratio = "–" if row.ratio is None else f"{row.ratio:.1f}x"
        table.append([f"{row.what} ({row.note})", peer, f"{row.ours:.3g} {row.unit}", ratio])
    print(markdown_table(["", "MMPose 1.3.2", "mmpose_mix", "ratio"], table))


if __name__ == "__main__":
    main()
