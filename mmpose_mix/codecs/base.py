"""What every codec offers to transforms and heads, and the checks they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, Optional

import numpy as np
import torch

EncodedBatch = tuple[torch.Tensor, np.ndarray]


class BaseKeypointCodec(ABC):
    """Keypoints to training targets, and predicted targets back to keypoints.

    Attributes:
        auxiliary_encode_keys: keys of a sample that ``encode`` takes as further keyword arguments.
        instance_mapping_table: key of a sample -> its name in ``gt_instances``; empty: the packing's own table.
        label_mapping_table: the same for ``gt_instance_labels``.
        field_mapping_table: the same for ``gt_fields``.
        maps_per_keypoint: how many heatmaps a keypoint has.
        support_batch_decoding: whether the codec has a ``batch_decode`` that takes targets with a batch axis.
        supports_batch_encoding: whether the codec has ``encode_batch``, which draws the maps of a batch on a device.
    """

    auxiliary_encode_keys: frozenset[str] = frozenset()
    instance_mapping_table: Mapping[str, str] = {}
    label_mapping_table: Mapping[str, str] = {}
    field_mapping_table: Mapping[str, str] = {}
    maps_per_keypoint: int = 1
    support_batch_decoding: bool = False
    supports_batch_encoding: bool = False

    @abstractmethod
    def encode(self, keypoints: np.ndarray, keypoints_visible: Optional[np.ndarray] = None) -> dict[str, Any]:
        """Targets of keypoints (N, K, 2) in input pixels, of which (N, K) are visible; None: all of them."""

    def encode_batch(self, keypoints: np.ndarray, keypoints_visible: np.ndarray, device: torch.device) -> EncodedBatch:
        """Targets of keypoints (B, N, K, 2) in input pixels, of which (B, N, K) are visible; all float32.

        Returns:
            heatmaps (B, C, H, W) float32 on ``device``, equal to those of ``encode`` but for rounding, and
            keypoint_weights (B, N, K) float32, equal to the bit.

        Raises:
            NotImplementedError: the codec is not one of those with ``supports_batch_encoding``.
        """
        raise NotImplementedError(f"{type(self).__name__} does not encode batches: supports_batch_encoding is False.")

    @abstractmethod
    def decode(self, encoded: Any) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints (N, K, 2) in input pixels and their scores (N, K), both float32."""


def findings_on_heatmap_arguments(
    input_size: Sequence[int], heatmap_size: Sequence[int], sigma: float, blur_kernel_size: int, smallest_size: int
) -> list[str]:
    """What is wrong with the arguments of a heatmap codec, one sentence each; empty where nothing is."""
    findings = []
    for name, size in (("input_size", input_size), ("heatmap_size", heatmap_size)):
        whole = isinstance(size, Sequence) and all(isinstance(side, (int, np.integer)) for side in size)
        if not whole or len(size) != 2 or min(size) < smallest_size:
            findings.append(f"{name}={size!r} must be two whole numbers (w, h), each at least {smallest_size}")
    if isinstance(sigma, bool) or not isinstance(sigma, Real) or not sigma > 0:
        findings.append(f"sigma={sigma!r} must be a number above 0 (heatmap pixels)")
    if not isinstance(blur_kernel_size, int) or blur_kernel_size < 1 or blur_kernel_size % 2 == 0:
        findings.append(f"blur_kernel_size={blur_kernel_size!r} must be an odd whole number")
    return findings


def checked_keypoints(
    codec: str, keypoints: np.ndarray, keypoints_visible: Optional[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (N, K, 2) and visibility (N, K) as float32; the arguments where they already are.

    Raises:
        ValueError: the shapes are not (N, K, 2 or more) and (N, K).
    """
    keypoints = np.asarray(keypoints, dtype=np.float32)
    if keypoints.ndim != 3 or keypoints.shape[2] < 2:
        raise ValueError(f"{codec}.encode: keypoints have shape {keypoints.shape}, must be (N, K, 2)")
    if keypoints_visible is None:
        visible = np.ones(keypoints.shape[:2], dtype=np.float32)
    else:
        visible = np.asarray(keypoints_visible, dtype=np.float32)
    if visible.shape != keypoints.shape[:2]:
        raise ValueError(
            f"{codec}.encode: keypoints_visible has shape {visible.shape}, must be {keypoints.shape[:2]} "
            f"for keypoints of shape {keypoints.shape}; of (visible, label weight) pairs pass the first channel"
        )
    return keypoints[..., :2], visible
