"""What mixing costs beside MMPose 1.3.2, in the same run: one item without its image.

``python -m benchmarks.mixing_layer [--persons N]`` in an environment that has both packages; where MMPose is absent,
ours is measured alone. The README's table is what this prints.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from benchmarks.measure import machine, markdown_table, median_seconds
from benchmarks.synthetic_annotations import write_annotations
from mmpose_mix.metainfo import shipped_configs

MAPPINGS = Config.fromfile(shipped_configs() / "_base_" / "mappings" / "coco_aic.py")


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
    """Seconds of one item of the mixing layer."""
    init_default_scope(prefix)
    dataset = DATASETS.build(combined(folder, prefix))
    order = np.random.default_rng(0).permutation(len(dataset))[:5000].tolist()
    items = median_seconds(lambda: [dataset[index] for index in order]) / len(order)
    return {"item": items}


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
