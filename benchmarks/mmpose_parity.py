"""The merge of COCO and AI Challenger by MMPose's mixing and by ours, in MMPose, with one seed: are the batches equal?

    python -m benchmarks.mmpose_parity POSE_SAMPLES [--epochs 2]

Runs in an interpreter that has MMPose. Both ways take MMPose's data sets, transforms, codec and MMEngine's sampler;
only CombinedDataset and KeypointConverter are exchanged, as way (a) does. Prints what is equal and every difference.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.registry import DefaultScope
from mmengine.runner import Runner, set_random_seed

import mmpose_mix  # noqa: F401  registers everything
from benchmarks.measure import machine

AIC_TO_COCO = [(0, 6), (1, 8), (2, 10), (3, 5), (4, 7), (5, 9), (6, 12), (7, 14), (8, 16), (9, 11), (10, 13), (11, 15)]
CODEC = {"type": "MSRAHeatmap", "input_size": (192, 256), "heatmap_size": (48, 64), "sigma": 2}


def loader(samples: Path, prefix: str) -> dict[str, Any]:
    """The training data of td-hm_hrnet-w32 coco-aic merge on the samples; ``prefix`` stands before the mixing names."""
    convert = {"type": f"{prefix}KeypointConverter", "num_keypoints": 17, "mapping": AIC_TO_COCO}
    sources = [
        {
            "type": kind,
            "data_root": str(samples / name),
            "data_mode": "topdown",
            "ann_file": f"test_{name}.json",
            "data_prefix": {"img": ""},
            "pipeline": pipeline,
        }
        for kind, name, pipeline in (("CocoDataset", "coco", []), ("AicDataset", "aic", [convert]))
    ]
    pipeline = [
        {"type": "LoadImage"},
        {"type": "GetBBoxCenterScale"},
        {"type": "RandomFlip", "direction": "horizontal"},
        {"type": "RandomHalfBody"},
        {"type": "RandomBBoxTransform"},
        {"type": "TopdownAffine", "input_size": CODEC["input_size"]},
        {"type": "GenerateTarget", "encoder": CODEC},
        {"type": "PackPoseInputs"},
    ]
    mixture = {
        "type": f"{prefix}CombinedDataset",
        "metainfo": {"from_file": "configs/_base_/datasets/coco.py"},
        "datasets": sources,
        "pipeline": pipeline,
        "test_mode": False,
    }
    return {
        "batch_size": 4,
        "num_workers": 0,
        "sampler": {"type": "DefaultSampler", "shuffle": True},
        "dataset": mixture,
    }


def epochs(samples: Path, prefix: str, count: int) -> list[Any]:
    """The batches of some epochs, from the same seeds whoever mixes."""
    set_random_seed(7)
    with DefaultScope.overwrite_default_scope("mmpose"):
        built = Runner.build_dataloader(loader(samples, prefix), seed=7)
        batches = []
        for epoch in range(count):
            built.sampler.set_epoch(epoch)
            batches += list(built)
    return batches


def content(batch: Any) -> list[dict[str, Any]]:
    """The arrays and words of each sample of a batch, by name."""
    samples = []
    for image, sample in zip(batch["inputs"], batch["data_samples"]):
        found: dict[str, Any] = {"inputs": image}
        for group in ("gt_instances", "gt_instance_labels", "gt_fields"):
            found.update({f"{group}.{key}": value for key, value in sample.get(group, {}).items()})
        found.update({f"meta.{key}": sample.metainfo[key] for key in sample.metainfo})
        samples.append(found)
    return samples


def compared(theirs: list[Any], ours: list[Any]) -> tuple[Counter, dict[str, str]]:
    """How many samples are equal in each field, and the first difference of each field that is not."""
    equal: Counter = Counter()
    different: dict[str, str] = {}
    pairs = [pair for one, other in zip(theirs, ours) for pair in zip(content(one), content(other))]
    for one, other in pairs:
        for key in {**one, **other}:
            words = _difference(one.get(key), other.get(key))
            if words:
                different.setdefault(key, f"{other['meta.dataset_name']}: {words}")
            else:
                equal[key] += 1
    equal["samples"] = len(pairs)
    return equal, different


def _difference(one: Any, other: Any) -> str:
    if one is None or other is None:
        present = "ours has it" if one is None else "MMPose has it"
        return "" if one is other else f"{present}, the other has not"
    if isinstance(one, (np.ndarray, torch.Tensor)) and isinstance(other, (np.ndarray, torch.Tensor)):
        first, second = np.asarray(one), np.asarray(other)
        if first.shape != second.shape:
            return f"shape {first.shape} in MMPose, {second.shape} in ours"
        gap = float(np.abs(first.astype(np.float64) - second).max(initial=0))
        dtypes = "" if first.dtype == second.dtype else f"{first.dtype} in MMPose, {second.dtype} in ours; "
        return f"{dtypes}largest difference {gap:.3g}" if dtypes or gap else ""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        one, other = list(one), list(other)
    return "" if str(one) == str(other) else f"{str(one)[:60]} in MMPose, {str(other)[:60]} in ours"


def main() -> int:
    """Compares, prints a table, and says by the exit status whether the targets are equal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    theirs = epochs(options.samples, "", options.epochs)
    ours = epochs(options.samples, "mmpose_mix.", options.epochs)
    equal, different = compared(theirs, ours)
    total = equal.pop("samples")
    print(f"{machine()}\n{len(theirs)} and {len(ours)} batches, {total} samples\n")
    print("| field | equal samples | first difference |\n|---|---|---|")
    for key in sorted({*equal, *different}):
        print(f"| `{key}` | {equal[key]} of {total} | {different.get(key, '')} |")
    return int(len(theirs) != len(ours) or equal["gt_fields.heatmaps"] != total)


if __name__ == "__main__":
    sys.exit(main())
