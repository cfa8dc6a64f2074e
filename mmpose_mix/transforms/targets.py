"""What the model is trained to give."""

from __future__ import annotations

import copy

import numpy as np
from mmcv.transforms import BaseTransform

from mmpose_mix.codecs.base import checked_keypoints
from mmpose_mix.registry import KEYPOINT_CODECS, TRANSFORMS
from mmpose_mix.structures import UnencodedTargets


def visible_and_label_weight(keypoints_visible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Visibility (N, K) and label weight (N, K), float32, of (N, K, 2); of (N, K) with every keypoint labelled.

    Raises:
        ValueError: another shape.
    """
    visible = np.asarray(keypoints_visible, dtype=np.float32)
    if visible.ndim == 2:
        return visible, np.ones_like(visible)
    if visible.ndim == 3 and visible.shape[2] == 2:
        return np.ascontiguousarray(visible[..., 0]), np.ascontiguousarray(visible[..., 1])
    raise ValueError(
        f"keypoints_visible has shape {visible.shape}, must be (N, K), or (N, K, 2) with visibility and label weight"
    )


@TRANSFORMS.register_module()
class GenerateTarget(BaseTransform):
    """Encode the keypoints into the targets of a codec.

    Reads ``transformed_keypoints`` (else ``keypoints``), ``keypoints_visible`` and the codec's
    ``auxiliary_encode_keys``. Writes what the codec encodes (``heatmaps``, ``keypoint_weights`` (N, K), ...), the
    codec's mapping tables for the packing, and ``keypoints_visible`` split into its channels: ``keypoints_visible``
    (N, K) and ``keypoints_visible_weights`` (N, K), the label weight, 1 everywhere for a source that was not converted.

    Args:
        encoder: config of one codec.
        use_dataset_keypoint_weights: multiply ``keypoint_weights`` by ``dataset_keypoint_weights`` (K,), the weights in
            the metainfo.
        on_device: encode nothing here. The sample carries ``unencoded_targets`` in the place of the codec's, and
            ``PoseDataPreprocessor`` encodes the batch on the model's device: the same targets, but for rounding, and no
            maps that travel from worker processes to the device.

    Raises:
        ValueError: at construction, several codecs, or ``on_device`` with a codec that cannot; at a sample, keypoints
            are missing, or ``dataset_keypoint_weights`` do not fit them.
    """

    def __init__(self, encoder: dict, use_dataset_keypoint_weights: bool = False, on_device: bool = False) -> None:
        if not isinstance(encoder, dict):
            raise ValueError(
                f"GenerateTarget: encoder must be the config of one codec, a dict, not {type(encoder).__name__}: "
                "no head of this package is trained on the targets of several codecs."
            )
        self.encoder_cfg = copy.deepcopy(encoder)
        self.encoder = KEYPOINT_CODECS.build(self.encoder_cfg)
        self.use_dataset_keypoint_weights = use_dataset_keypoint_weights
        self.on_device = on_device
        if on_device and not getattr(self.encoder, "supports_batch_encoding", False):
            raise ValueError(
                f"GenerateTarget: on_device=True, but {type(self.encoder).__name__} encodes samples one by one only. "
                "Leave on_device out, or use MSRAHeatmap or UDPHeatmap."
            )

    def transform(self, results: dict) -> dict:
        """Write the targets into ``results``."""
        keypoints = results.get("transformed_keypoints")
        if keypoints is None:
            keypoints = results.get("keypoints")
        if keypoints is None or results.get("keypoints_visible") is None:
            raise ValueError(
                "GenerateTarget: the sample lacks 'keypoints_visible', or both 'transformed_keypoints' and 'keypoints'"
            )
        visible, label_weight = visible_and_label_weight(results["keypoints_visible"])
        if np.ndim(results["keypoints_visible"]) == 3 or "keypoints_visible_weights" not in results:
            results["keypoints_visible_weights"] = label_weight
        results["keypoints_visible"] = visible

        if self.on_device:
            results["unencoded_targets"] = self._unencoded(keypoints, visible, results)
        else:
            self._encode(keypoints, visible, results)
        return results

    def _encode(self, keypoints: np.ndarray, visible: np.ndarray, results: dict) -> None:
        auxiliary = {key: results.get(key) for key in self.encoder.auxiliary_encode_keys}
        encoded = self.encoder.encode(keypoints=keypoints, keypoints_visible=visible, **auxiliary)
        if self.use_dataset_keypoint_weights and "keypoint_weights" in encoded:
            weights = encoded["keypoint_weights"]
            encoded["keypoint_weights"] = weights * self._keypoint_factors(weights.shape[-1], results)
        results.update(encoded)
        for table in ("instance_mapping_table", "label_mapping_table", "field_mapping_table"):
            if getattr(self.encoder, table):
                results[table] = getattr(self.encoder, table)

    def _unencoded(self, keypoints: np.ndarray, visible: np.ndarray, results: dict) -> UnencodedTargets:
        keypoints, visible = checked_keypoints(type(self.encoder).__name__, keypoints, visible)
        factors = self._keypoint_factors(keypoints.shape[1], results) if self.use_dataset_keypoint_weights else None
        return UnencodedTargets(self.encoder_cfg, keypoints, visible, factors)

    def _keypoint_factors(self, num_keypoints: int, results: dict) -> np.ndarray:
        """The weights (K,) of the data set's keypoints."""
        weights = np.asarray(results.get("dataset_keypoint_weights", ()), dtype=np.float32)
        if weights.shape != (num_keypoints,):
            raise ValueError(
                f"GenerateTarget: dataset_keypoint_weights of data set {results.get('dataset_name')!r} have shape "
                f"{weights.shape} for {num_keypoints} keypoints. Check joint_weights in its metainfo."
            )
        return weights

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(encoder={self.encoder_cfg}, "
            f"use_dataset_keypoint_weights={self.use_dataset_keypoint_weights}, on_device={self.on_device})"
        )
