"""The normalised mean error, by which faces are measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np

from mmpose_mix.evaluation.distances import mean_of_measured, normalized_distances
from mmpose_mix.evaluation.keypoint_metric import KeypointDistanceMetric, MeasuredPose, MeasuredPoses
from mmpose_mix.evaluation.predictions import to_array
from mmpose_mix.registry import METRICS

#: The two keypoints whose distance counts as size, by ``dataset_name``: outer corners of the eyes (COFW: of both eyes;
#: horse10: nose and eye).
DEFAULT_KEYPOINT_INDICES = {
    "horse10": (0, 1),
    "300w": (36, 45),
    "coco_wholebody_face": (36, 45),
    "cofw": (8, 9),
    "wflw": (60, 72),
    "lapa": (66, 79),
}


@METRICS.register_module()
class NME(KeypointDistanceMetric):
    """The mean distance between predicted and annotated keypoints over the size of the face.

    Args:
        norm_mode: what the size is: "use_norm_item" or "keypoint_distance".
        norm_item: for "use_norm_item": "bbox_size", the longer side of the annotated box, or the name of an entry of
            ``gt_instances`` that holds the size, pixels.
        keypoint_indices: for "keypoint_distance": the two annotated keypoints whose distance it is. None takes them
            from :data:`DEFAULT_KEYPOINT_INDICES` by the evaluated data set's ``dataset_name``. A sample in which one of
            them is not visible does not count.
        collect_device, prefix: see :class:`KeypointDistanceMetric`.

    Raises:
        ValueError: arguments that do not fit together; with the data set's metainfo, indices that are not there.
    """

    def __init__(
        self,
        norm_mode: str,
        norm_item: Optional[str] = None,
        keypoint_indices: Optional[Sequence[int]] = None,
        collect_device: str = "cpu",
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        findings = []
        if norm_mode not in ("use_norm_item", "keypoint_distance"):
            findings.append(f"norm_mode={norm_mode!r}, allowed: 'use_norm_item', 'keypoint_distance'")
        if norm_mode == "use_norm_item" and not norm_item:
            findings.append("norm_mode='use_norm_item' needs a norm_item, such as 'bbox_size'")
        if norm_mode == "keypoint_distance" and norm_item:
            findings.append(f"norm_item={norm_item!r} is for norm_mode='use_norm_item' only")
        if norm_mode == "use_norm_item" and keypoint_indices is not None:
            findings.append(f"keypoint_indices={keypoint_indices!r} is for norm_mode='keypoint_distance' only")
        if keypoint_indices is not None and len(keypoint_indices) != 2:
            findings.append(f"keypoint_indices={keypoint_indices!r} must be two numbers")
        if findings:
            raise ValueError(f"NME: {'; '.join(findings)}.")
        self.norm_mode = norm_mode
        self.norm_item = norm_item
        self.keypoint_indices = None if keypoint_indices is None else tuple(keypoint_indices)

    @property
    def dataset_meta(self) -> Optional[dict]:
        """The data set's metainfo."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        if self.norm_mode == "keypoint_distance":
            self._reference = self._reference_keypoints(dataset_meta)
        self._dataset_meta = dataset_meta

    def sizes_of(self, annotated: Mapping[str, Any], pose: MeasuredPose) -> dict[str, float]:
        """The size of the sample; 0, so that it does not count, where a reference keypoint is not visible."""
        if self.norm_mode == "use_norm_item":
            if self.norm_item == "bbox_size":
                return {"size": self.longer_side(annotated)}
            return {"size": float(to_array(self.item(annotated, self.norm_item)).reshape(-1)[0])}
        if self._dataset_meta is None:
            raise ValueError("NME: dataset_meta is not set; set it to the data set's metainfo before process().")
        first, second = self._reference
        known = pose.visible[first] and pose.visible[second]
        return {"size": float(np.linalg.norm(pose.annotated[first] - pose.annotated[second])) if known else 0.0}

    def figures(self, poses: MeasuredPoses) -> dict[str, float]:
        """``NME``, a fraction of the size."""
        distances = normalized_distances(poses.predicted, poses.annotated, poses.visible, poses.sizes["size"])
        return {"NME": mean_of_measured(distances)}

    def _reference_keypoints(self, dataset_meta: Mapping[str, Any]) -> tuple[int, int]:
        name = dataset_meta.get("dataset_name")
        indices = self.keypoint_indices or DEFAULT_KEYPOINT_INDICES.get(name)
        if indices is None:
            raise ValueError(
                f"NME: norm_mode='keypoint_distance' knows no two keypoints of data set {name!r} to measure between, "
                f"but of {', '.join(map(repr, DEFAULT_KEYPOINT_INDICES))}. Give keypoint_indices."
            )
        count = dataset_meta.get("num_keypoints", max(indices) + 1)
        if any(index not in range(count) for index in indices):
            raise ValueError(
                f"NME: keypoint_indices={tuple(indices)}, but data set {name!r} has the keypoints 0 to {count - 1}."
            )
        return indices[0], indices[1]
