"""The sample that data sets, models, evaluators and visualizers hand to each other."""

from __future__ import annotations

from mmengine.structures import BaseDataElement, InstanceData, PixelData


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
    pred_instances = _typed_field(
        "pred_instances",
        InstanceData,
        "Predictions of N instances, numpy arrays in pixels of the original image: keypoints (N, K, 2), "
        "keypoint_scores (N, K), ...",
    )
    pred_fields = _typed_field("pred_fields", PixelData, "Predicted maps, tensors: heatmaps (K, H, W).")
