"""Heatmaps as in Simple Baselines and HRNet, with or without DARK's refinement."""

from __future__ import annotations

from typing import Optional

import numpy as np
import torch

from mmpose_mix.codecs.base import BaseKeypointCodec, EncodedBatch, checked_keypoints, findings_on_heatmap_arguments
from mmpose_mix.codecs.batches import gaussian_heatmaps_of_batch
from mmpose_mix.codecs.gaussians import gaussian_heatmaps, nearest_pixels
from mmpose_mix.codecs.peaks import heatmap_peaks, newton_step_wide, shift_to_neighbours
from mmpose_mix.registry import KEYPOINT_CODECS


@KEYPOINT_CODECS.register_module()
class MSRAHeatmap(BaseKeypointCodec):
    """One Gaussian per keypoint around the pixel it lies in (arXiv:1804.06208).

    Args:
        input_size: (w, h) of the model's input, pixels.
        heatmap_size: (W, H) of the maps, pixels.
        sigma: of the Gaussians, heatmap pixels.
        unbiased: put the peak where the keypoint is, not on a pixel, and decode with DARK (arXiv:1910.06278).
        blur_kernel_size: of the blur before DARK's decoding, odd; 11 suits sigma 2, 17 suits sigma 3.

    Raises:
        ValueError: an argument is out of range; all of them are named.
    """

    label_mapping_table = {"keypoint_weights": "keypoint_weights"}
    field_mapping_table = {"heatmaps": "heatmaps"}
    supports_batch_encoding = True

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float,
        unbiased: bool = False,
        blur_kernel_size: int = 11,
    ) -> None:
        findings = findings_on_heatmap_arguments(input_size, heatmap_size, sigma, blur_kernel_size, smallest_size=1)
        if findings:
            raise ValueError(f"MSRAHeatmap: {'; '.join(findings)}.")
        self.input_size = tuple(input_size)
        self.heatmap_size = tuple(heatmap_size)
        self.sigma = sigma
        self.unbiased = unbiased
        self.blur_kernel_size = blur_kernel_size
        self.scale_factor = (np.array(input_size) / heatmap_size).astype(np.float32)

    def encode(self, keypoints: np.ndarray, keypoints_visible: Optional[np.ndarray] = None) -> dict[str, np.ndarray]:
        """Targets of N instances; where several share a map, the higher value counts.

        Args:
            keypoints: (N, K, 2), input pixels.
            keypoints_visible: (N, K) in [0, 1]; below 0.5 nothing is drawn. None: all are visible.

        Returns:
            heatmaps (K, H, W) float32; keypoint_weights (N, K) float32: the visibility, 0 where the keypoint lies more
            than three sigma outside.

        Raises:
            ValueError: shapes that do not fit each other.
        """
        keypoints, visible = checked_keypoints("MSRAHeatmap", keypoints, keypoints_visible)
        means, windows = self._means_and_windows(keypoints)
        heatmaps, weights = gaussian_heatmaps(self.heatmap_size, means, visible, self.sigma, windows)
        return {"heatmaps": heatmaps, "keypoint_weights": weights}

    def encode_batch(self, keypoints: np.ndarray, keypoints_visible: np.ndarray, device: torch.device) -> EncodedBatch:
        """See the base class."""
        means, windows = self._means_and_windows(keypoints)
        return gaussian_heatmaps_of_batch(self.heatmap_size, means, keypoints_visible, self.sigma, device, windows)

    def _means_and_windows(self, keypoints: np.ndarray) -> tuple[np.ndarray, Optional[np.ndarray]]:
        """The peaks in heatmap pixels, and the middles of their windows: the same array, or None for whole maps."""
        means = keypoints / self.scale_factor
        if self.unbiased:
            return means, None
        pixels = nearest_pixels(means)
        return pixels, pixels

    def decode(self, encoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints of predicted maps.

        Args:
            encoded: (K, H, W).

        Returns:
            keypoints (1, K, 2), input pixels, and scores (1, K), the maps' maxima; both float32. A map without a value
            above 0 gives ``-scale_factor`` for its keypoint.
        """
        heatmaps = np.asarray(encoded, dtype=np.float32)
        places, scores = heatmap_peaks(heatmaps)
        if self.unbiased:
            places = newton_step_wide(places, heatmaps, self.blur_kernel_size)
        else:
            places = shift_to_neighbours(places, heatmaps)
        return (places * self.scale_factor)[None], scores[None]
