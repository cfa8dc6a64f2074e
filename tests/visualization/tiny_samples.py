"""Samples of a keypoint set of three, and what to ask of a picture of them."""

from __future__ import annotations

import numpy as np
from mmengine.structures import InstanceData

from mmpose_mix.structures import PoseDataSample

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
GREY = 128
META = {
    "dataset_name": "tiny",
    "num_keypoints": 3,
    "keypoint_colors": np.array([RED, GREEN, BLUE], dtype=np.uint8),
    "skeleton_links": [(0, 1), (1, 2)],
    "skeleton_link_colors": np.array([(255, 255, 0), (0, 255, 255)], dtype=np.uint8),
}
PLACES = np.array([[[100, 120], [300, 120], [300, 400]]], dtype=np.float32)


def sample(visible=(1, 1, 1), scores=(0.9, 0.9, 0.9), keypoints=PLACES, **metainfo) -> PoseDataSample:
    """A sample whose annotation and prediction have the same places."""
    bboxes = np.array([[60, 80, 340, 440]], dtype=np.float32)
    both = {"keypoints": keypoints, "bboxes": bboxes}
    packed = PoseDataSample(metainfo=metainfo)
    packed.gt_instances = InstanceData(**both, keypoints_visible=np.array([visible], dtype=np.float32))
    packed.pred_instances = InstanceData(**both, keypoint_scores=np.array([scores], dtype=np.float32))
    return packed


def color_at(image: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    return tuple(int(part) for part in image[round(y), round(x)])


def is_near(color: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two colours are the same but for antialiasing."""
    return max(abs(a - b) for a, b in zip(color, other)) <= 16


def changed(image: np.ndarray) -> np.ndarray:
    """(h, w) bool: where the image is no longer grey."""
    return (image != GREY).any(axis=-1)
