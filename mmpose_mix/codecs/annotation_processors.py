"""Targets of heads that assign persons to grid cells by themselves: boxes, labels and keypoints as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn, Optional

import numpy as np

from mmpose_mix.codecs.base import BaseKeypointCodec, checked_keypoints
from mmpose_mix.registry import KEYPOINT_CODECS


@KEYPOINT_CODECS.register_module()
class YOLOXPoseAnnotationProcessor(BaseKeypointCodec):
    """Annotations in the form that YOLOX-Pose and RTMO take: boxes, class labels from 0, keypoints, areas.

    Args:
        expand_bbox: grow each box (xyxy) until it holds the visible keypoints of its person.
        input_size: (w, h) of the network; kept for who exports the model.
    """

    auxiliary_encode_keys = frozenset({"category_id", "bbox"})
    label_mapping_table = {
        "bbox": "bboxes",
        "bbox_labels": "labels",
        "keypoints": "keypoints",
        "keypoints_visible": "keypoints_visible",
        "area": "areas",
    }
    instance_mapping_table = {
        "bbox": "bboxes",
        "bbox_score": "bbox_scores",
        "keypoints": "keypoints",
        "keypoints_visible": "keypoints_visible",
    }

    def __init__(self, expand_bbox: bool = False, input_size: Optional[Sequence[int]] = None) -> None:
        self.expand_bbox = expand_bbox
        self.input_size = None if input_size is None else tuple(input_size)

    def encode(
        self,
        keypoints: np.ndarray,
        keypoints_visible: Optional[np.ndarray] = None,
        bbox: Optional[np.ndarray] = None,
        category_id: Optional[Sequence[int]] = None,
    ) -> dict[str, Any]:
        """Boxes and labels.

        Args:
            keypoints: (N, K, 2) input pixels.
            keypoints_visible: (N, K).
            bbox: (N, 4) xyxy.
            category_id: N numbers from 1.

        Returns:
            ``bbox`` (N, 4) float32 with ``expand_bbox``, ``bbox_labels`` (N,) int8, each where its argument was given.
        """
        keypoints, visible = checked_keypoints(type(self).__name__, keypoints, keypoints_visible)
        encoded: dict[str, Any] = {}
        if self.expand_bbox and bbox is not None:
            hidden = (visible == 0)[..., None]
            least = np.where(hidden, np.inf, keypoints).min(axis=1)
            most = np.where(hidden, -np.inf, keypoints).max(axis=1)
            grown = [np.minimum(bbox[:, :2], least), np.maximum(bbox[:, 2:], most)]
            encoded["bbox"] = np.hstack(grown).astype(np.float32)
        if category_id is not None:
            encoded["bbox_labels"] = np.asarray(category_id).astype(np.int8) - 1
        return encoded

    def decode(self, encoded: Any) -> NoReturn:
        """Refused: heads with this codec decode by themselves.

        Raises:
            TypeError: always.
        """
        raise TypeError("YOLOXPoseAnnotationProcessor prepares annotations only: the head decodes its own output.")
