"""What targets and small transforms cost beside MMPose 1.3.2's, in the same run.

``python -m benchmarks.targets [--quick]`` in an environment that has both packages; where MMPose is absent, ours are
measured alone.

One person with 19 keypoints, input 192x256, maps 48x64. CPU time of one thread; both packages take turns, medians of
the rounds. The loader's rows are CPU time of all processes, the start of the two workers included, over batches of 64
that go through pseudo_collate and PoseDataPreprocessor.
"""

from __future__ import annotations

import argparse
import pickle
import resource
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, Optional

import cv2
import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader, Dataset

from benchmarks.measure import machine, markdown_table
from benchmarks.peers import mmpose_is_here
from benchmarks.rows import Row
from mmpose_mix.codecs import MSRAHeatmap, UDPHeatmap
from mmpose_mix.models import PoseDataPreprocessor

SIZES = {"input_size": (192, 256), "heatmap_size": (48, 64)}
MSRA = {"type": "MSRAHeatmap", "sigma": 2, **SIZES}
CODECS = {
    "heatmaps_19": ("MSRAHeatmap.encode", "MSRAHeatmap", {"sigma": 2}, "5x: 33 µs where MMPose takes 166"),
    "heatmaps_19_unbiased": ("the same, unbiased", "MSRAHeatmap", {"sigma": 2, "unbiased": True}, ""),
    "heatmaps_19_udp": ("UDPHeatmap.encode", "UDPHeatmap", {"sigma": 2}, ""),
    "heatmaps_19_combined": ("the same, combined", "UDPHeatmap", {"heatmap_type": "combined"}, ""),
}
BATCH = 64


def person(seed: int = 0) -> dict[str, Any]:
    """A sample as it reaches ``GenerateTarget`` in training: MMPose's data sets put the raw annotation into each."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform((0, 0), SIZES["input_size"], (1, 19, 2)).astype(np.float32)
    entry = {"id": 1, "bbox": [1.0, 2.0, 3.0, 4.0], "keypoints": rng.uniform(0, 480, 57).tolist()}
    entry["segmentation"] = [rng.uniform(0, 480, 40).tolist()]
    return {
        "img": rng.integers(0, 255, (256, 192, 3)).astype(np.uint8),
        "id": 1,
        "img_id": 2,
        "img_path": "data/coco/train2017/000000000785.jpg",
        "category_id": 1,
        "ori_shape": (480, 640),
        "img_shape": (480, 640),
        "input_size": (192, 256),
        "input_center": np.float32([100, 120]),
        "input_scale": np.float32([150, 200]),
        "flip": False,
        "flip_direction": None,
        "flip_indices": list(range(19)),
        "dataset_name": "coco_aic",
        "raw_ann_info": entry,
        "bbox": np.float32([[10, 20, 110, 220]]),
        "bbox_score": np.ones(1, np.float32),
        "bbox_center": np.float32([[60, 120]]),
        "bbox_scale": np.float32([[150, 200]]),
        "keypoints": keypoints,
        "transformed_keypoints": keypoints,
        "keypoints_visible": np.ones((1, 19, 2), np.float32),
    }


def microseconds(actions: list[Callable[[], object]], quick: bool, calls: int = 200) -> list[float]:
    """Median CPU time of each action, the actions in turn."""
    taken: list[list[float]] = [[] for _ in actions]
    for _ in range(3 if quick else 9):
        for action, found in zip(actions, taken):
            action()
            start = time.process_time()
            for _ in range(calls):
                action()
            found.append((time.process_time() - start) / calls * 1e6)
    return [statistics.median(found) for found in taken]


def pair(build: Callable[[str], Callable[[], object]], quick: bool) -> tuple[float, Optional[float]]:
    """What ``build(package)`` makes, of this package and of MMPose."""
    packages = ["mmpose_mix", "mmpose"] if mmpose_is_here() else ["mmpose_mix"]
    ours, *theirs = microseconds([build(package) for package in packages], quick)
    return ours, theirs[0] if theirs else None


def transforms_of(package: str) -> Any:
    """The package's module of transforms."""
    return import_module("mmpose_mix.transforms" if package == "mmpose_mix" else "mmpose.datasets.transforms")


def boxes_action(package: str) -> Callable[[], object]:
    """RandomBBoxTransform on a sample."""
    step, sample = transforms_of(package).RandomBBoxTransform(), person()
    return lambda: step.transform(dict(sample))


def packing_action(package: str) -> Callable[[], object]:
    """PackPoseInputs on a sample with targets; ours has no raw annotation in training, MMPose's has."""
    module, sample = transforms_of(package), person()
    if package == "mmpose_mix":
        del sample["raw_ann_info"]
    sample = module.GenerateTarget(encoder=MSRA).transform(sample)
    step = module.PackPoseInputs()
    return lambda: step.transform(dict(sample))


def encoding_action(package: str, name: str, arguments: dict[str, Any]) -> Callable[[], object]:
    """A codec's encoding of 19 keypoints."""
    codec = getattr(import_module(f"{package}.codecs"), name)(**SIZES, **arguments)
    keypoints, visible = person()["transformed_keypoints"], np.ones((1, 19), np.float32)
    return lambda: codec.encode(keypoints, visible)


def batch_rows(quick: bool, msra: Optional[float], combined: Optional[float]) -> list[Row]:
    """The batch encoder on the CPU, a sample, beside MMPose's encoding of one sample."""
    codecs = [MSRAHeatmap(**SIZES, sigma=2), UDPHeatmap(**SIZES, heatmap_type="combined")]
    rng = np.random.default_rng(0)
    keypoints = rng.uniform((0, 0), SIZES["input_size"], (BATCH, 1, 19, 2)).astype(np.float32)
    visible, cpu = np.ones((BATCH, 1, 19), np.float32), torch.device("cpu")
    taken = microseconds(
        [lambda codec=codec: codec.encode_batch(keypoints, visible, cpu) for codec in codecs], quick, calls=5
    )
    what = "encode_batch on the CPU, a sample"
    return [
        Row("batch_encoder", f"MSRAHeatmap.{what}", "µs", taken[0] / BATCH, msra, "", f"batch of {BATCH}"),
        Row("batch_encoder_combined", f"combined UDPHeatmap.{what}", "µs", taken[1] / BATCH, combined, ""),
    ]


class Targets(Dataset):
    """One person again and again, encoded and packed."""

    def __init__(self, package: str, length: int, **options: Any) -> None:
        self.length, self.sample, module = length, person(), transforms_of(package)
        if package == "mmpose_mix":
            del self.sample["raw_ann_info"]
        self.steps = module.GenerateTarget(encoder=MSRA, **options), module.PackPoseInputs()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = dict(self.sample)
        for step in self.steps:
            sample = step.transform(sample)
        return sample


def _cpu_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def loader_microseconds(dataset: Targets, preprocessor: Any) -> float:
    """CPU time of a sample through two workers, collation and the preprocessor."""
    start = _cpu_seconds()
    loader = DataLoader(dataset, batch_size=BATCH, num_workers=2, collate_fn=pseudo_collate)
    for batch in loader:
        preprocessor(batch, True)
    del loader
    return (_cpu_seconds() - start) / len(dataset) * 1e6


def bytes_of_sample(packed: dict[str, Any]) -> int:
    """Bytes of a packed sample that travel from a worker: its pickle, tensors by value, without the image."""
    return len(pickle.dumps(packed["data_samples"], protocol=pickle.HIGHEST_PROTOCOL))


def loader_rows(quick: bool) -> list[Row]:
    """Targets of workers and of the device, beside MMPose's loader."""
    length = BATCH * (4 if quick else 16)
    normalise = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375], "bgr_to_rgb": True}
    ways = {
        "worker": (Targets("mmpose_mix", length), PoseDataPreprocessor(**normalise)),
        "device": (Targets("mmpose_mix", length, on_device=True), PoseDataPreprocessor(**normalise)),
    }
    if mmpose_is_here():
        # MMPose's models cannot be imported without mmdet: its samples go through our preprocessor too
        ways["mmpose"] = Targets("mmpose", length), PoseDataPreprocessor(**normalise)
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(3 if quick else 5):
        for name, (dataset, preprocessor) in ways.items():
            taken[name].append(loader_microseconds(dataset, preprocessor))
    cost = {name: statistics.median(found) for name, found in taken.items()}
    size = {name: float(bytes_of_sample(dataset[0])) for name, (dataset, _) in ways.items()}
    what = "targets through 2 workers, collation and preprocessor"
    seconds = [
        Row("loader_worker_targets", f"{what}: encoded by workers", "µs", cost["worker"], cost.get("mmpose"), ""),
        Row("loader_device_targets", f"{what}: on_device=True", "µs", cost["device"], cost.get("mmpose"), ""),
    ]
    travelling = "bytes of a sample's targets and metainfo from a worker"
    return seconds + [
        Row("bytes_worker_targets", f"{travelling}: maps", "B", size["worker"], size.get("mmpose"), ""),
        Row("bytes_device_targets", f"{travelling}: on_device=True", "B", size["device"], size.get("mmpose"), ""),
    ]


def rows(quick: bool = False) -> list[Row]:
    """All figures."""
    threads, cv_threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    try:
        boxes, packing = pair(boxes_action, quick), pair(packing_action, quick)
        found = [
            Row("random_bbox_transform", "RandomBBoxTransform", "µs", *boxes, "5x: 41 µs where MMPose takes 206"),
            Row("pack_pose_inputs", "PackPoseInputs", "µs", *packing, "5x: 36 µs where MMPose takes 180"),
        ]
        theirs: dict[str, Optional[float]] = {}
        for key, (what, name, arguments, asked) in CODECS.items():
            taken = pair(lambda package, n=name, a=arguments: encoding_action(package, n, a), quick)
            theirs[key] = taken[1]
            found.append(Row(key, f"{what}, 19 keypoints", "µs", *taken, asked))
        found += batch_rows(quick, theirs["heatmaps_19"], theirs["heatmaps_19_combined"])
        return found + loader_rows(quick)
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(cv_threads)


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    found = rows(parser.parse_args().quick)
    print(f"{machine()}\n")
    lines = []
    for row in found:
        peer = "–" if row.theirs is None else f"{row.theirs:,.0f} {row.unit}"
        ratio = "–" if row.ratio is None else f"{row.ratio:.1f}x"
        lines.append([row.what, peer, f"{row.ours:,.0f} {row.unit}", ratio, row.asked])
    print(markdown_table(["", "MMPose 1.3.2", "mmpose_mix", "ratio", "asked"], lines))


if __name__ == "__main__":
    main()
