"""What is looked at in metrics of distances: once for MMPose (the recorder) and once for this package (the tests)."""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any

import numpy as np


def metric_cases() -> dict[str, tuple[str, int, dict[str, Any]]]:
    """Name of the data set, number of keypoints and config of each metric, by name."""
    return {
        "pck": ("coco", 17, {"type": "PCKAccuracy", "thr": 0.2}),
        "pck_all": ("coco", 17, {"type": "PCKAccuracy", "thr": 0.1, "norm_item": ["bbox", "head", "torso"]}),
        "mpii": ("mpii", 16, {"type": "MpiiPCKAccuracy"}),
        "jhmdb": ("jhmdb", 15, {"type": "JhmdbPCKAccuracy", "thr": 0.2, "norm_item": ["bbox", "torso"]}),
        "auc": ("coco_wholebody_hand", 21, {"type": "AUC"}),
        "auc_of_ten": ("coco_wholebody_hand", 21, {"type": "AUC", "norm_factor": 12.5, "num_thrs": 10}),
        "epe": ("coco_wholebody_hand", 21, {"type": "EPE"}),
        "nme_300w": ("300w", 68, {"type": "NME", "norm_mode": "keypoint_distance"}),
        "nme_lapa": ("lapa", 106, {"type": "NME", "norm_mode": "keypoint_distance"}),
        "nme_wflw": ("wflw", 98, {"type": "NME", "norm_mode": "keypoint_distance"}),
        "nme_cofw": ("cofw", 29, {"type": "NME", "norm_mode": "keypoint_distance"}),
        "nme_given": ("aflw", 19, {"type": "NME", "norm_mode": "keypoint_distance", "keypoint_indices": [2, 9]}),
        "nme_box": ("aflw", 19, {"type": "NME", "norm_mode": "use_norm_item", "norm_item": "bbox_size"}),
        "nme_item": ("aflw", 19, {"type": "NME", "norm_mode": "use_norm_item", "norm_item": "box_size"}),
    }


#: Keypoints that stay visible, because a size is measured between them.
REFERENCES = {2, 4, 5, 8, 9, 36, 45, 60, 66, 72, 79}


def random_poses(num_keypoints: int, count: int = 12) -> list[dict[str, Any]]:
    """Samples as metrics get them: noise of 2 to 30 pixels, a third of the keypoints not visible, one box of size 0."""
    random = np.random.RandomState(num_keypoints)
    samples = []
    for number in range(count):
        points = (random.rand(1, num_keypoints, 2) * 150 + 20).astype(np.float32)
        visible = (random.rand(1, num_keypoints) > 0.33).astype(np.float32)
        visible[:, [place for place in REFERENCES if place < num_keypoints]] = 1
        noise = random.randn(1, num_keypoints, 2) * (2 + 28 * random.rand())
        box = np.array([[10, 20, 10 + 200 * random.rand(), 20 + 250 * random.rand()]], np.float32)
        truth = {
            "keypoints": points,
            "keypoints_visible": visible,
            "bboxes": box if number else box[:, [0, 1, 0, 1]],
            "head_size": np.array([20 + 30 * random.rand()], np.float32),
            "box_size": np.array([50 + 30 * random.rand()], np.float32),
        }
        samples.append({"pred_instances": {"keypoints": (points + noise).astype(np.float32)}, "gt_instances": truth})
    return samples


def observe_distances(registry: ModuleType) -> dict[str, dict[str, float]]:
    """The figures of every metric case on random poses."""
    seen = {}
    for name, (dataset, count, config) in metric_cases().items():
        metric = registry.METRICS.build(copy.deepcopy(config))
        metric.dataset_meta = {
            "dataset_name": dataset,
            "num_keypoints": count,
            "keypoint_id2name": {place: str(place) for place in range(count)},
        }
        samples = random_poses(count)
        metric.process([], samples)
        seen[name] = {key: float(value) for key, value in metric.evaluate(len(samples)).items()}
    return seen
