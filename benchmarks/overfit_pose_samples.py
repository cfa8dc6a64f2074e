"""Train the merge and the combine mixture on a few real images until COCO AP there is 0.95: does learning work at all?

    python -m benchmarks.overfit_pose_samples PATH_OF_POSE_SAMPLES [--mixture merge combine] [--goal 0.95]

The model learns 4 COCO and 3 AI Challenger images (21 persons) by heart, on purpose; the figure says nothing about
unseen images. Evaluation uses the annotated boxes. Prints AP over time and writes, per mixture, a picture of the
predictions on the COCO images; with combine they carry head top and neck, which only the AI Challenger images label.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.runner import Runner

import mmpose_mix  # noqa: F401  registers everything
from mmpose_mix.metainfo import shipped_configs

MAPPINGS = Config.fromfile(shipped_configs() / "_base_" / "mappings" / "coco_aic.py")
MIXTURES: dict[str, dict[str, Any]] = {
    "merge": {"metainfo": "coco", "count": 17, "coco": [], "aic": MAPPINGS.aic_to_coco},
    "combine": {
        "metainfo": "coco_aic",
        "count": 19,
        "coco": MAPPINGS.coco_to_coco_aic,
        "aic": MAPPINGS.aic_to_coco_aic,
    },
}
INPUT_SIZE, HEATMAP_SIZE = (96, 128), (24, 32)
CODEC = {"type": "MSRAHeatmap", "input_size": INPUT_SIZE, "heatmap_size": HEATMAP_SIZE, "sigma": 1.5}


class ApOverTime(Hook):
    """Prints AP and the seconds since training began after each validation."""

    def before_train(self, runner: Runner) -> None:
        self.start = time.perf_counter()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        self.ap = metrics["coco/AP"]
        self.seconds = time.perf_counter() - self.start
        print(
            f"epoch {runner.epoch:3d}  iteration {runner.iter:4d}  {self.seconds:6.1f} s  COCO AP {self.ap:.3f}",
            flush=True,
        )


def source(kind: str, folder: Path, mapping: list[Any], count: int) -> dict[str, Any]:
    """The config of one source: a data set and, where keypoints change their place, its converter."""
    converter = {"type": "KeypointConverter", "num_keypoints": count, "mapping": mapping}
    return {
        "type": kind,
        "data_root": str(folder),
        "ann_file": f"test_{folder.name}.json",
        "data_prefix": {"img": ""},
        "pipeline": [converter] if mapping else [],
    }


def model(mixture: dict[str, Any]) -> dict[str, Any]:
    """A ResNet-18 of half width with two deconvolutions and MMPose's usual head and preprocessing."""
    return {
        "type": "TopdownPoseEstimator",
        "data_preprocessor": {
            "type": "PoseDataPreprocessor",
            "mean": [123.675, 116.28, 103.53],
            "std": [58.395, 57.12, 57.375],
            "bgr_to_rgb": True,
        },
        "metainfo": {"from_file": f"configs/_base_/datasets/{mixture['metainfo']}.py"},
        "backbone": {
            "type": "ResNet",
            "depth": 18,
            "stem_channels": 32,
            "base_channels": 32,
            "num_stages": 3,
            "strides": (1, 2, 2),
            "dilations": (1, 1, 1),
            "out_indices": (2,),
        },
        "head": {
            "type": "HeatmapHead",
            "in_channels": 128,
            "out_channels": mixture["count"],
            "deconv_out_channels": (96, 96),
            "deconv_kernel_sizes": (4, 4),
            "loss": {"type": "KeypointMSELoss", "use_target_weight": True},
            "decoder": CODEC,
        },
        "test_cfg": {
            "flip_test": True,
            "flip_mode": "heatmap",
            "shift_heatmap": True,
            "output_keypoint_indices": list(range(17)),
        },
    }


def config(name: str, samples: Path, work_dir: Path, epochs: int, goal: float) -> Config:
    """The whole experiment, as a config file would give it."""
    mixture = MIXTURES[name]
    image = [{"type": "LoadImage"}, {"type": "GetBBoxCenterScale"}]
    affine = {"type": "TopdownAffine", "input_size": INPUT_SIZE}
    augmentation = [
        {"type": "RandomFlip", "direction": "horizontal"},
        {"type": "RandomHalfBody", "prob": 0.1},
        {"type": "RandomBBoxTransform", "shift_factor": 0.05, "scale_factor": (0.9, 1.1), "rotate_factor": 10},
    ]
    packing = {"type": "PackPoseInputs"}
    train = {
        "type": "CombinedDataset",
        "metainfo": {"from_file": f"configs/_base_/datasets/{mixture['metainfo']}.py"},
        "datasets": [
            source("CocoDataset", samples / "coco", mixture["coco"], mixture["count"]),
            source("AicDataset", samples / "aic", mixture["aic"], mixture["count"]),
        ],
        "pipeline": [*image, *augmentation, affine, {"type": "GenerateTarget", "encoder": CODEC}, packing],
    }
    validation = {**source("CocoDataset", samples / "coco", [], 17), "test_mode": True}
    validation["pipeline"] = [*image, affine, packing]
    loader = {"num_workers": 1, "persistent_workers": True, "drop_last": False}
    evaluator = {"type": "CocoMetric", "ann_file": str(samples / "coco" / "test_coco.json")}
    return Config(
        {
            "default_scope": "mmpose_mix",
            "work_dir": str(work_dir / name),
            "log_level": "ERROR",
            "randomness": {"seed": 0},
            "model": model(mixture),
            "train_dataloader": {
                "batch_size": 21,
                "dataset": {"type": "RepeatDataset", "times": 4, "dataset": train},
                "sampler": {"type": "DefaultSampler", "shuffle": True},
                **loader,
            },
            "val_dataloader": {
                "batch_size": 12,
                "dataset": validation,
                "sampler": {"type": "DefaultSampler", "shuffle": False, "round_up": False},
                **loader,
            },
            "val_evaluator": evaluator,
            "train_cfg": {"by_epoch": True, "max_epochs": epochs, "val_interval": 5},
            "val_cfg": {},
            "optim_wrapper": {"optimizer": {"type": "Adam", "lr": 2e-3}},
            "param_scheduler": [
                {"type": "LinearLR", "begin": 0, "end": 20, "start_factor": 0.01, "by_epoch": False},
                {"type": "CosineAnnealingLR", "T_max": epochs, "eta_min": 2e-5, "by_epoch": True},
            ],
            "default_hooks": {"checkpoint": None, "logger": {"type": "LoggerHook", "interval": 1000}},
            "custom_hooks": [
                {
                    "type": "EarlyStoppingHook",
                    "monitor": "coco/AP",
                    "rule": "greater",
                    "stopping_threshold": goal,
                    "patience": epochs,
                }
            ],
        }
    )


def predicted_people(runner: Runner) -> dict[str, list[np.ndarray]]:
    """Path of each COCO image -> keypoints (K, 2) and scores (K, 1) of each person, all the model's keypoints."""
    people: dict[str, list[np.ndarray]] = {}
    network = runner.model.eval()
    network.test_cfg["output_keypoint_indices"] = None
    for sample in runner.val_dataloader.dataset:
        with torch.no_grad():
            (result,) = network.test_step(pseudo_collate([sample]))
        found = result.pred_instances
        points = np.concatenate([found.keypoints[0], found.keypoint_scores[0][:, None]], axis=1)
        people.setdefault(result.img_path, []).append(points)
    return people


def draw(image: np.ndarray, people: list[np.ndarray], meta: dict[str, Any]) -> np.ndarray:
    """``image`` with every person's links and keypoints; points that only AI Challenger labels are white rings."""
    for person in people:
        points = [tuple(round(float(value)) for value in point[:2]) for point in person]
        for (start, end), color in zip(meta["skeleton_links"], meta["skeleton_link_colors"]):
            if person[start, 2] > 0.3 and person[end, 2] > 0.3:
                cv2.line(image, points[start], points[end], [int(part) for part in color[::-1]], 2, cv2.LINE_AA)
        for index, point in enumerate(points):
            if person[index, 2] > 0.3:
                color = [int(part) for part in meta["keypoint_colors"][index][::-1]]
                cv2.circle(image, point, 4, color, -1, cv2.LINE_AA)
                if index >= 17:
                    cv2.circle(image, point, 7, (255, 255, 255), 2, cv2.LINE_AA)
    return image


def write_picture(path: Path, people: dict[str, list[np.ndarray]], meta: dict[str, Any], height: int = 420) -> None:
    """All images beside each other, equally high, two to a row."""
    tiles = []
    for name, persons in people.items():
        image = draw(cv2.imread(name), persons, meta)
        tiles.append(cv2.resize(image, (round(image.shape[1] * height / image.shape[0]), height)))
    rows = [np.hstack(tiles[start : start + 2]) for start in range(0, len(tiles), 2)]
    width = max(row.shape[1] for row in rows)
    cv2.imwrite(str(path), np.vstack([cv2.copyMakeBorder(row, 0, 0, 0, width - row.shape[1], 0) for row in rows]))


def train_until_learnt(name: str, samples: Path, work_dir: Path, epochs: int, goal: float) -> float:
    """Train one mixture, write its picture, return the last AP."""
    runner = Runner.from_cfg(config(name, samples, work_dir, epochs, goal))
    watch = ApOverTime()
    runner.register_hook(watch)
    runner.train()
    picture = work_dir / f"{name}.png"
    write_picture(picture, predicted_people(runner), runner.train_dataloader.dataset.metainfo)
    print(f"{name}: COCO AP {watch.ap:.3f} after {watch.seconds:.0f} s and {runner.iter} iterations; see {picture}\n")
    return watch.ap


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path, help="folder with coco/ and aic/")
    parser.add_argument("--mixture", nargs="+", choices=MIXTURES, default=list(MIXTURES))
    parser.add_argument("--work-dir", type=Path, default=Path("work_dirs/overfit_pose_samples"))
    parser.add_argument("--epochs", type=int, default=100, help="at most; one is 4 iterations over all 21 persons")
    parser.add_argument("--goal", type=float, default=0.95)
    parser.add_argument("--threads", type=int, default=1, help="of the training process; one worker process loads")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    reached = {
        name: train_until_learnt(
            name, arguments.samples.resolve(), arguments.work_dir, arguments.epochs, arguments.goal
        )
        for name in arguments.mixture
    }
    low = {name: round(ap, 3) for name, ap in reached.items() if ap < arguments.goal}
    if low:
        raise SystemExit(f"below the goal of {arguments.goal}: {low}")


if __name__ == "__main__":
    main()
