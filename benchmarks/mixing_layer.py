"""What mixing costs beside MMPose 1.3.2, in the same run: loading two annotation files, and one item without its image.

``python -m benchmarks.mixing_layer [--persons N]`` in an environment that has both packages; where MMPose is absent,
ours is measured alone. The README's table is what this prints.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from benchmarks.measure import machine, markdown_table, median_seconds
from mmpose_mix.metainfo import shipped_configs

MAPPINGS = Config.fromfile(shipped_configs() / "_base_" / "mappings" / "coco_aic.py")


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
    order = np.random.default_rng(0).permutation(len(dataset))[:5000].tolist()
    items = median_seconds(lambda: [dataset[index] for index in order]) / len(order)
    return {"load": load, "memory": memory / len(dataset), "item": items}


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
        "item": ("one item of the mixing layer, no image", 1e6, "µs"),
    }
    rows = []
    for key, (label, factor, unit) in units.items():
        peer = "–" if theirs is None else f"{theirs[key] * factor:.3g} {unit}"
        ratio = "–" if theirs is None else f"{theirs[key] / ours[key]:.1f}x"
        rows.append([label, peer, f"{ours[key] * factor:.3g} {unit}", ratio])
    print(markdown_table(["", "MMPose 1.3.2", "mmpose_mix", "ratio"], rows))


if __name__ == "__main__":
    main()
