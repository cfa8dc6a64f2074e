"""What one training item of the HRNet pipeline costs on real images, beside MMPose 1.3.2 and the least it can cost.

``python -m benchmarks.training_item [--samples FOLDER] [--quick]`` in an environment that has both packages; where
MMPose is absent, ours is measured alone. The bound is the whole image decoded once and one warp of it to 192 x 256, by
OpenCV: bytes in, pixels out. All are measured in turn on every person, in CPU time of one thread, with the same draws.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from benchmarks.measure import machine, markdown_table
from benchmarks.peers import mmpose_is_here
from benchmarks.rows import Row
from mmpose_mix.metainfo import shipped_configs
from mmpose_mix.transforms.affine import grown_to_aspect_ratio, warp_matrix
from mmpose_mix.transforms.composing import fused_steps

INPUT_SIZE = (192, 256)
PLACES = {"flipped": 1.0, "not flipped": 0.0}
REPOSITORY = Path(__file__).resolve().parents[1]
SAMPLES = Path(os.environ.get("MMPOSE_MIX_POSE_SAMPLES", REPOSITORY.parent / "shared" / "data" / "pose_samples"))


def mixture(samples: Path, prefix: str, flip_prob: float, on_device: bool = False) -> Any:
    """COCO's and AIC's samples as one data set of COCO's keypoints, with the training pipeline of HRNet.

    Args:
        samples: folder with ``coco/`` and ``aic/``.
        prefix: whose classes: ``'mmpose_mix'`` or ``'mmpose'``.
        flip_prob: of ``RandomFlip``.
        on_device: leave the heatmaps to the training device, which ours alone can.
    """
    if prefix == "mmpose":
        import mmpose.datasets  # noqa: F401
    init_default_scope(prefix)
    base = shipped_configs() / "_base_"
    mapping = Config.fromfile(base / "mappings" / "coco_aic.py").aic_to_coco
    files = {"coco": ("CocoDataset", []), "aic": ("AicDataset", [_step(prefix, "KeypointConverter", mapping=mapping)])}
    files["aic"][1][0]["num_keypoints"] = 17
    sources = [
        {
            "type": f"{prefix}.{kind}",
            "data_root": str(samples / name),
            "ann_file": f"test_{name}.json",
            "data_prefix": {"img": ""},
            "pipeline": steps,
        }
        for name, (kind, steps) in files.items()
    ]
    codec = {"type": f"{prefix}.MSRAHeatmap", "input_size": INPUT_SIZE, "heatmap_size": (48, 64), "sigma": 2}
    where = {"on_device": True} if on_device else {}
    pipeline = [
        _step(prefix, "LoadImage"),
        _step(prefix, "GetBBoxCenterScale"),
        _step(prefix, "RandomFlip", prob=flip_prob),
        _step(prefix, "RandomHalfBody"),
        _step(prefix, "RandomBBoxTransform"),
        _step(prefix, "TopdownAffine", input_size=INPUT_SIZE),
        _step(prefix, "GenerateTarget", encoder=codec, **where),
        _step(prefix, "PackPoseInputs"),
    ]
    metainfo = {"from_file": str(base / "datasets" / "coco.py")}
    config = {"metainfo": metainfo, "datasets": sources, "pipeline": pipeline}
    with contextlib.redirect_stdout(io.StringIO()):  # MMPose's annotation reader prints its progress
        return DATASETS.build({"type": f"{prefix}.CombinedDataset", **config})


def _step(prefix: str, kind: str, **arguments: Any) -> dict[str, Any]:
    return {"type": f"{prefix}.{kind}", **arguments}


def bound_of(dataset: Any, index: int, seed: int) -> Callable[[], object]:
    """Decoding and warping the image of one item as the pipeline draws it, and nothing else."""
    names = ("GetBBoxCenterScale", "RandomFlip", "RandomHalfBody", "RandomBBoxTransform")
    info = dataset.get_data_info(index)
    content = np.fromfile(info["img_path"], dtype=np.uint8)
    info["img"] = cv2.imdecode(content, cv2.IMREAD_COLOR)
    np.random.seed(seed)
    for step in dataset.pipeline.transforms:
        if type(step).__name__ in names:
            info = step(info)
    scale = grown_to_aspect_ratio(info["bbox_scale"][0], INPUT_SIZE[0] / INPUT_SIZE[1])
    matrix = warp_matrix(info["bbox_center"][0], scale, info["bbox_rotation"][0], INPUT_SIZE)

    def decoded_and_warped() -> object:
        image = cv2.imdecode(content, cv2.IMREAD_COLOR)
        return cv2.warpAffine(image, matrix, INPUT_SIZE, flags=cv2.INTER_LINEAR)

    return decoded_and_warped


def microseconds_of_items(samples: Path, flip_prob: float, rounds: int) -> dict[str, float]:
    """CPU time of one item in microseconds: the mean over all persons of the median over ``rounds`` different draws.

    Keys: ``'bound'``, ``'ours'``, ``'ours on device'``, whose targets the training device encodes, and ``'theirs'``
    where MMPose is installed.
    """
    items = {
        "ours": mixture(samples, "mmpose_mix", flip_prob),
        "ours on device": mixture(samples, "mmpose_mix", flip_prob, on_device=True),
    }
    if mmpose_is_here():
        items["theirs"] = mixture(samples, "mmpose", flip_prob)
    took: dict[str, list[list[float]]] = {name: [] for name in ("bound", *items)}
    for index in range(len(items["ours"])):
        runs: dict[str, list[float]] = {name: [] for name in took}
        for seed in range(rounds):
            runs["bound"].append(_cpu_seconds(bound_of(items["ours"], index, seed), seed))
            for name, dataset in items.items():
                runs[name].append(_cpu_seconds(partial(dataset.__getitem__, index), seed))
        for name, seconds in runs.items():
            took[name].append(seconds)
    return {name: 1e6 * statistics.fmean(map(statistics.median, runs)) for name, runs in took.items()}


def microseconds_of_stages(samples: Path, flip_prob: float, rounds: int) -> dict[str, float]:
    """CPU time of the item before our pipeline and of each step of it, in microseconds, averaged as the item's."""
    dataset = mixture(samples, "mmpose_mix", flip_prob)
    steps = fused_steps(dataset.pipeline.transforms)
    took: dict[str, list[float]] = {name: [] for name in ("data set", *(type(step).__name__ for step in steps))}
    for index in range(len(dataset)):
        runs: dict[str, list[float]] = {name: [] for name in took}
        for seed in range(rounds):
            np.random.seed(seed)
            item: Any = index
            for name, step in zip(runs, (dataset.get_data_info, *steps)):
                start = time.thread_time()
                item = step(item)
                runs[name].append(time.thread_time() - start)
        for name, seconds in runs.items():
            took[name].append(statistics.median(seconds))
    return {name: 1e6 * statistics.fmean(medians) for name, medians in took.items()}


def _cpu_seconds(action: Callable[[], object], seed: int) -> float:
    np.random.seed(seed)
    start = time.thread_time()
    action()
    return time.thread_time() - start


def rows(quick: bool = False, samples: Path = SAMPLES) -> list[Row]:
    """The training item, flipped and not, in microseconds and as a multiple of the bound."""
    cv2.setNumThreads(0)
    found = []
    for place, prob in PLACES.items():
        took = microseconds_of_items(samples, prob, rounds=3 if quick else 15)
        bound, key = took["bound"], place.replace(" ", "_")
        multiples = {name: seconds / bound for name, seconds in took.items()}
        note = f"whole image decoded and warped once: {bound:.0f} µs"
        for ways, name, words in (("", "ours", place), ("_on_device", "ours on device", f"{place}, on_device targets")):
            times = f"; {multiples[name]:.2f} times this"
            found += [
                Row(f"training_item{ways}_{key}", f"training item of HRNet, {words}", "µs", took[name],
                    took.get("theirs"), "", note + times),
                Row(f"training_item_bound{ways}_{key}", f"the same, as a multiple of decode + warp, {words}", "x",
                    multiples[name], multiples.get("theirs"), "at most 1.10", note),
            ]  # fmt: skip
    return found


def main() -> None:
    """Measures and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, default=SAMPLES, help="folder with coco/ and aic/ (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="three draws of each person")
    given = parser.parse_args()
    print(machine() + f", OpenCV {cv2.__version__}\n")
    table = [
        [
            row.what,
            f"{row.ours:.2f} {row.unit}",
            "–" if row.theirs is None else f"{row.theirs:.2f} {row.unit}",
            row.note,
        ]
        for row in rows(given.quick, given.samples)
    ]
    print(markdown_table(["", "mmpose_mix", "MMPose 1.3.2", ""], table) + "\n")
    stages = {
        place: microseconds_of_stages(given.samples, prob, 3 if given.quick else 15) for place, prob in PLACES.items()
    }
    table = [[name, *(f"{took[name]:.0f}" for took in stages.values())] for name in stages["flipped"]]
    print(markdown_table(["step of our pipeline, µs", *stages], table))


if __name__ == "__main__":
    main()
