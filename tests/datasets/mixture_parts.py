"""Small sources for mixtures; importable, so that spawned workers can unpickle them."""

from __future__ import annotations

import random
from typing import Any, Optional

import numpy as np
import torch
from mmengine.dataset import BaseDataset

from mmpose_mix.metainfo import parse_pose_metainfo
from mmpose_mix.registry import DATASETS

COCO = {"from_file": "configs/_base_/datasets/coco.py"}
AIC = {"from_file": "configs/_base_/datasets/aic.py"}
COCO_AIC = {"from_file": "configs/_base_/datasets/coco_aic.py"}


def listed(name: str, size: int) -> list[dict[str, Any]]:
    """A source that is a plain list of items."""
    return [{"id": number, "dataset_name": name} for number in range(size)]


@DATASETS.register_module()
class DrawnPersons(BaseDataset):
    """``size`` persons whose keypoint ``k`` lies at (id, k), all visible."""

    built = 0

    def __init__(self, size: int, keypoints: dict[str, Any], **options: Any) -> None:
        type(self).built += 1
        self.size = size
        self.keypoints = keypoints
        super().__init__(serialize_data=False, **options)

    def full_init(self) -> None:
        self._metainfo = {**self._metainfo, **parse_pose_metainfo(self.keypoints)}
        super().full_init()

    def load_data_list(self) -> list[dict[str, Any]]:
        count = self._metainfo["num_keypoints"]
        return [
            {
                "id": number,
                "keypoints": np.stack([np.full(count, number), np.arange(count)], axis=-1)[None].astype(np.float32),
                "keypoints_visible": np.ones((1, count), dtype=np.float32),
                "dataset_name": self._metainfo["dataset_name"],
                "flip_indices": list(self._metainfo["flip_indices"]),
                "skeleton_links": list(self._metainfo["skeleton_links"]),
            }
            for number in range(self.size)
        ]


class DropId:
    """A transform that drops the items with this id."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, item: dict[str, Any]) -> Any:
        return None if item["id"] == self.number else item


class DrawNumbers:
    """A transform that notes one number of each global generator."""

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        drawn = (np.random.random_sample(), random.random(), torch.rand((), dtype=torch.float64).item())
        return {**item, "numbers": [*item.get("numbers", []), *drawn]}


class DropHalf:
    """A transform that drops items at random."""

    def __call__(self, item: dict[str, Any]) -> Optional[dict[str, Any]]:
        return None if np.random.random_sample() < 0.5 else item


class AddPicture:
    """A transform that gives an item a tiny image and a box."""

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3) + np.uint8(item["id"])
        box = np.float32([[2, 2]])
        return {**item, "img": image, "img_shape": (4, 4), "bbox_center": box, "bbox_scale": box}
