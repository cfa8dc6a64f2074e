"""What happens to the persons of a bottom-up image: moved, hidden behind a border, joined, left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmpose_mix.registry import TRANSFORMS

#: Keys of a sample that have a row per person.
KEYS = ("bbox", "bbox_score", "category_id", "keypoints", "keypoints_visible", "area")


def clipped_boxes(bbox_xyxy: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Boxes (N, 4), or corners (N, 4, 2), within an image of ``size`` (w, h)."""
    width, height = size
    limits = (width, height) if bbox_xyxy.shape[-1] == 2 else (width, height, width, height)
    return np.clip(bbox_xyxy, 0, np.asarray(limits, dtype=bbox_xyxy.dtype))


def hidden_outside(keypoints: np.ndarray, visible: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Visibility (N, K), or (N, K, 2) with label weights, without the keypoints (N, K, 2) outside of (w, h)."""
    outside = ((keypoints < 0) | (keypoints > np.asarray(size, dtype=keypoints.dtype))).any(axis=-1)
    hidden = visible.copy()
    (hidden if hidden.ndim == 2 else hidden[..., 0])[outside] = 0
    return hidden


def moved_persons(persons: dict[str, Any], factor: float, shift: tuple[float, float]) -> dict[str, Any]:
    """The rows of ``KEYS`` in an image that was scaled by a factor and then shifted by (x, y) pixels."""
    moved = {key: np.asarray(persons[key]) for key in KEYS if key in persons}
    for key, offset in (("bbox", (*shift, *shift)), ("keypoints", shift)):
        if key in moved:
            moved[key] = moved[key] * np.float32(factor) + np.asarray(offset, dtype=np.float32)
    if "area" in moved:
        moved["area"] = moved["area"] * np.float32(factor**2)
    return moved


def joined_persons(groups: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The persons of several images one after the other; label weights are 1 where only some images have them."""
    joined = {}
    for key in KEYS:
        rows = [group[key] for group in groups if key in group]
        if key == "keypoints_visible" and len({each.ndim for each in rows}) > 1:
            rows = [each if each.ndim == 3 else np.stack([each, np.ones_like(each)], axis=-1) for each in rows]
        if rows:
            joined[key] = np.concatenate(rows)
    return joined


@TRANSFORMS.register_module()
class FilterAnnotations(BaseTransform):
    """Leave out persons that are too small, or of whom too little is visible; of each key of ``KEYS`` their rows.

    Args:
        min_gt_bbox_wh: (w, h) that a box has to exceed, pixels.
        min_gt_area: least area.
        min_kpt_vis: least number of visible keypoints.
        by_box, by_area, by_kpt: which of the three count.
        keep_empty: whether an image nobody is left in is dropped (MMPose's meaning of this name). False: it goes on,
            without persons.

    Raises:
        ValueError: if none of the three counts.
    """

    def __init__(
        self,
        min_gt_bbox_wh: Sequence[float] = (1, 1),
        min_gt_area: float = 1,
        min_kpt_vis: float = 1,
        by_box: bool = False,
        by_area: bool = False,
        by_kpt: bool = True,
        keep_empty: bool = True,
    ) -> None:
        if not (by_box or by_area or by_kpt):
            raise ValueError("FilterAnnotations: by_box, by_area and by_kpt are all False. Set one, or leave it out.")
        self.min_gt_bbox_wh = tuple(min_gt_bbox_wh)
        self.min_gt_area = min_gt_area
        self.min_kpt_vis = min_kpt_vis
        self.by_box, self.by_area, self.by_kpt = by_box, by_area, by_kpt
        self.keep_empty = keep_empty

    def transform(self, results: dict) -> Any:
        """``results`` with the persons that stay; None to drop the image."""
        if "keypoints" not in results or not len(results["keypoints"]):
            return results
        keep = np.ones(len(results["keypoints"]), dtype=np.bool_)
        if self.by_box and "bbox" in results:
            sides = results["bbox"][:, 2:] - results["bbox"][:, :2]
            keep &= (sides > np.asarray(self.min_gt_bbox_wh)).all(axis=-1)
        if self.by_area and "area" in results:
            keep &= np.asarray(results["area"]) >= self.min_gt_area
        if self.by_kpt:
            visible = results["keypoints_visible"]
            keep &= (visible if visible.ndim == 2 else visible[..., 0]).sum(axis=1) >= self.min_kpt_vis
        if self.keep_empty and not keep.any():
            return None
        return {**results, **{key: np.asarray(results[key])[keep] for key in KEYS if key in results}}

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(min_gt_bbox_wh={self.min_gt_bbox_wh}, min_gt_area={self.min_gt_area}, "
            f"min_kpt_vis={self.min_kpt_vis}, by_box={self.by_box}, by_area={self.by_area}, by_kpt={self.by_kpt}, "
            f"keep_empty={self.keep_empty})"
        )
