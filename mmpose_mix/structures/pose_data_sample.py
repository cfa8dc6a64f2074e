"""The sample that data sets, models, evaluators and visualizers hand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
from mmengine.structures import BaseDataElement, InstanceData, PixelData


@dataclass(frozen=True)
class UnencodedTargets:
    """Keypoints that a codec is to encode once the batch is on the training device, in the place of the targets.

    All arrays are NumPy's, so that they travel inside the sample's own message and need no shared memory.

    Args:
        encoder: config of the codec; shared by all samples of a pipeline.
        keypoints: (N, K, 2) float32, input pixels.
        keypoints_visible: (N, K) float32.
        keypoint_factors: (K,) float32 that multiply the encoded ``keypoint_weights``; None: nothing does.
    """

    encoder: Mapping[str, Any]
    keypoints: np.ndarray
    keypoints_visible: np.ndarray
    keypoint_factors: Optional[np.ndarray] = None


def _typed_field(name: str, dtype: type, doc: str) -> property:
    """A property that stores its value as the data field ``name`` and refuses every type but ``dtype``."""
    stored = f"_{name}"

    def get(sample: BaseDataElement):
        return getattr(sample, stored)

    def put(sample: BaseDataElement, value) -> None:
        if not isinstance(value, dtype):
            raise TypeError(f"PoseDataSample.{name} takes {dtype.__name__}, not {type(value).__name__}: {value!r:.200}")
        sample.set_field(value, stored, dtype=dtype)

    def drop(sample: BaseDataElement) -> None:
        delattr(sample, stored)

    return property(get, put, drop, doc)


class PoseDataSample(BaseDataElement):
    """One sample, from packing to metric; its metainfo holds the image's facts (``img_shape``, ``dataset_name``, ...).

    A field that was not set raises ``AttributeError`` when read; ``'gt_fields' in sample`` asks whether it was.

    Raises:
        TypeError: a field is given a value of another type than below.
    """

    gt_instances = _typed_field(
        "gt_instances",
        InstanceData,
        "Annotations of N instances, numpy arrays in pixels of the original image: bboxes (N, 4) xyxy, "
        "bbox_scores (N,), bbox_scales (N, 2), keypoints (N, K, 2), keypoints_visible (N, K).",
    )
    gt_instance_labels = _typed_field(
        "gt_instance_labels",
        InstanceData,
        "What losses take per instance, tensors: keypoint_weights (N, K), keypoints_visible_weights (N, K), ...",
    )
    gt_fields = _typed_field("gt_fields", PixelData, "What losses take per pixel, tensors: heatmaps (K, H, W), ...")
    unencoded_targets = _typed_field(
        "unencoded_targets",
        UnencodedTargets,
        "What gt_fields and keypoint_weights are encoded from on the training device; absent where they are there.",
    )
    pred_instances = _typed_field(
        "pred_instances",
        InstanceData,
        "Predictions of N instances, numpy arrays in pixels of the original image: keypoints (N, K, 2), "
        "keypoint_scores (N, K), ...",
    )
    pred_fields = _typed_field("pred_fields", PixelData, "Predicted maps, tensors: heatmaps (K, H, W).")

    def share_metainfo(self, metainfo: Mapping[str, Any]) -> None:
        """Set metainfo without copying the values, as ``set_metainfo`` does, and all in one go.

        Raises:
            AttributeError: a key is the name of a data field.
        """
        taken = sorted(self._data_fields.intersection(metainfo))
        if taken:
            raise AttributeError(f"PoseDataSample: {taken} are data fields and cannot be metainfo too")
        self._metainfo_fields.update(metainfo)
        self.__dict__.update(metainfo)
