"""The last step of a pipeline: tensors, and the sample that models and metrics take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData, PixelData

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.structures import PoseDataSample
from mmpose_mix.transforms.targets import visible_and_label_weight

META_KEYS = (
    "id",
    "img_id",
    "img_path",
    "category_id",
    "crowd_index",
    "ori_shape",
    "img_shape",
    "input_size",
    "input_center",
    "input_scale",
    "flip",
    "flip_direction",
    "flip_indices",
    "raw_ann_info",
    "dataset_name",
    "source",
)


_SPLIT_BY_OPENCV = (np.uint8, np.float32)


def image_to_tensor(image: np.ndarray) -> torch.Tensor:
    """An image (h, w), or (h, w, C), as a contiguous tensor (C, h, w) of the same dtype."""
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] == 1 or image.dtype not in _SPLIT_BY_OPENCV:
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    # OpenCV takes a fourth of NumPy's time for it, and writes into the channels that it is given
    channels = np.empty((image.shape[2], *image.shape[:2]), dtype=image.dtype)
    cv2.split(image, list(channels))
    return torch.from_numpy(channels)


def _tensor(values: Any) -> torch.Tensor:
    """``torch.as_tensor``, which takes three times as long for an array."""
    return torch.from_numpy(values) if type(values) is np.ndarray else torch.as_tensor(values)


def _with_two_visibilities(results: dict) -> dict:
    """``results`` with visibility and label weight apart; ``GenerateTarget`` does it, but test pipelines have none."""
    visible = results.get("keypoints_visible")
    if visible is None or np.ndim(visible) != 3:
        return results
    visible, label_weight = visible_and_label_weight(visible)
    return {**results, "keypoints_visible": visible, "keypoints_visible_weights": label_weight}


def _pixel_data(fields: Mapping[str, torch.Tensor]) -> PixelData:
    """Maps that MMEngine has checked to be of one size; a single stack of them (C, H, W) needs no check."""
    if len(fields) > 1 or any(maps.ndim != 3 for maps in fields.values()):
        return PixelData(**fields)
    packed = PixelData()
    for name, maps in fields.items():
        packed.set_field(maps, name)
    return packed


@TRANSFORMS.register_module()
class PackPoseInputs(BaseTransform):
    """Pack a sample into ``inputs``, an image tensor (3, h, w), and ``data_samples``, a ``PoseDataSample``.

    Each table says which key of the sample goes where under which name; a table that a codec left in the sample
    replaces the one here. Whatever the tables say, ``keypoints_visible_weights`` goes to ``gt_instance_labels``, so
    that every loss can tell a keypoint that is not labelled from one that is not visible.

    Args:
        meta_keys: keys of the sample that become metainfo, where they are there. The values are shared, not copied.
        pack_transformed: put ``transformed_keypoints`` into ``gt_instances``, to look at the augmentation.

    Raises:
        ValueError: at construction, ``meta_keys`` is no list of strings; at a sample, there is no ``img``.
    """

    instance_mapping_table: Mapping[str, str] = {
        "bbox": "bboxes",
        "bbox_score": "bbox_scores",
        "keypoints": "keypoints",
        "keypoints_visible": "keypoints_visible",
        # the area that metrics measure distances in
        "bbox_scale": "bbox_scales",
        "head_size": "head_size",
    }
    label_mapping_table: Mapping[str, str] = {
        "keypoint_labels": "keypoint_labels",
        "keypoint_weights": "keypoint_weights",
    }
    field_mapping_table: Mapping[str, str] = {
        "heatmaps": "heatmaps",
        "instance_heatmaps": "instance_heatmaps",
        "heatmap_mask": "heatmap_mask",
        "heatmap_weights": "heatmap_weights",
        "displacements": "displacements",
        "displacement_weights": "displacement_weights",
    }

    def __init__(self, meta_keys: Sequence[str] = META_KEYS, pack_transformed: bool = False) -> None:
        if isinstance(meta_keys, str) or not all(isinstance(key, str) for key in meta_keys):
            raise ValueError(
                f"PackPoseInputs: meta_keys={meta_keys!r} must be a list of keys, such as ('id', 'img_id')."
            )
        self.meta_keys = tuple(meta_keys)
        self.pack_transformed = pack_transformed

    def transform(self, results: dict) -> dict:
        """The packed form of ``results``."""
        if "img" not in results:
            raise ValueError("PackPoseInputs: the sample has no 'img'. Put LoadImage at the head of the pipeline.")
        results = _with_two_visibilities(results)
        sample = PoseDataSample()
        sample.gt_instances = self._instances(results)
        sample.gt_instance_labels = self._labels(results)
        field_table = results.get("field_mapping_table", self.field_mapping_table)
        fields = {name: _tensor(results[key]) for key, name in field_table.items() if key in results}
        if fields:
            sample.gt_fields = _pixel_data(fields)
        if "unencoded_targets" in results:
            sample.unencoded_targets = results["unencoded_targets"]
        sample.share_metainfo({key: results[key] for key in self.meta_keys if key in results})
        return {"inputs": image_to_tensor(results["img"]), "data_samples": sample}

    def _instances(self, results: dict) -> InstanceData:
        table = results.get("instance_mapping_table", self.instance_mapping_table)
        if self.pack_transformed:
            table = {**table, "transformed_keypoints": "transformed_keypoints"}
        instances = InstanceData()
        for key, name in table.items():
            if key in results:
                instances.set_field(results[key], name)
        return instances

    def _labels(self, results: dict) -> InstanceData:
        table = results.get("label_mapping_table", self.label_mapping_table)
        labels = InstanceData()
        for key, name in {**table, "keypoints_visible_weights": "keypoints_visible_weights"}.items():
            if key in results:
                labels.set_field(_tensor(results[key]), name)
        return labels

    def __repr__(self) -> str:
        return f"{type(self).__name__}(meta_keys={self.meta_keys}, pack_transformed={self.pack_transformed})"
