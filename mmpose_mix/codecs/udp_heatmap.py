"""Heatmaps by unbiased data processing."""

from __future__ import annotations

from typing import Optional

import cv2
import numpy as np
import torch

from mmpose_mix.codecs.base import BaseKeypointCodec, EncodedBatch, checked_keypoints, findings_on_heatmap_arguments
from mmpose_mix.codecs.batches import disks_and_offsets_of_batch, gaussian_heatmaps_of_batch
from mmpose_mix.codecs.gaussians import gaussian_heatmaps, nearest_pixels
from mmpose_mix.codecs.peaks import heatmap_peaks, newton_step_unbiased
from mmpose_mix.registry import KEYPOINT_CODECS

HEATMAP_TYPES = ("gaussian", "combined")


@KEYPOINT_CODECS.register_module()
class UDPHeatmap(BaseKeypointCodec):
    """Heatmaps whose pixels' centres, not corners, are the corners of the input (arXiv:1911.07524).

    Args:
        input_size: (w, h) of the model's input, pixels.
        heatmap_size: (W, H) of the maps, pixels.
        heatmap_type: ``'gaussian'``, one map per keypoint with its peak where the keypoint is; or ``'combined'``, three
            maps per keypoint: a disk, and the offsets to the keypoint along x and y in units of the disk's radius.
        sigma: of the Gaussians, heatmap pixels.
        radius_factor: radius of the disk as a share of the longer side of the map.
        blur_kernel_size: odd; blur before decoding a Gaussian. The disks are blurred with ``2 * blur_kernel_size + 1``.

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
        heatmap_type: str = "gaussian",
        sigma: float = 2.0,
        radius_factor: float = 0.0546875,
        blur_kernel_size: int = 11,
    ) -> None:
        findings = findings_on_heatmap_arguments(input_size, heatmap_size, sigma, blur_kernel_size, smallest_size=2)
        if heatmap_type not in HEATMAP_TYPES:
            findings.append(f"heatmap_type={heatmap_type!r} must be one of {HEATMAP_TYPES}")
        if not radius_factor > 0:
            findings.append(f"radius_factor={radius_factor!r} must be above 0")
        if findings:
            raise ValueError(f"UDPHeatmap: {'; '.join(findings)}.")
        self.input_size = tuple(input_size)
        self.heatmap_size = tuple(heatmap_size)
        self.heatmap_type = heatmap_type
        self.maps_per_keypoint = 3 if heatmap_type == "combined" else 1
        self.sigma = sigma
        self.radius_factor = radius_factor
        self.blur_kernel_size = blur_kernel_size
        self.scale_factor = ((np.array(input_size) - 1) / (np.array(heatmap_size) - 1)).astype(np.float32)

    def encode(self, keypoints: np.ndarray, keypoints_visible: Optional[np.ndarray] = None) -> dict[str, np.ndarray]:
        """Targets of N instances; Gaussians meet by their maximum, ``'combined'`` takes one instance.

        Args:
            keypoints: (N, K, 2), input pixels.
            keypoints_visible: (N, K) in [0, 1]; below 0.5 nothing is drawn. None: all are visible.

        Returns:
            heatmaps (K, H, W), or (3 K, H, W) when combined, float32; keypoint_weights (N, K) float32: the visibility,
            0 where a Gaussian lies more than three sigma outside.

        Raises:
            ValueError: shapes that do not fit each other, or several instances with ``'combined'``.
        """
        keypoints, visible = checked_keypoints("UDPHeatmap", keypoints, keypoints_visible)
        means = keypoints / self.scale_factor
        if self.heatmap_type == "gaussian":
            heatmaps, weights = gaussian_heatmaps(
                self.heatmap_size, means, visible, self.sigma, window_centers=nearest_pixels(means)
            )
        else:
            heatmaps, weights = self._disks_and_offsets(means, visible), visible.copy()
        return {"heatmaps": heatmaps, "keypoint_weights": weights}

    def encode_batch(self, keypoints: np.ndarray, keypoints_visible: np.ndarray, device: torch.device) -> EncodedBatch:
        """See the base class.

        Raises:
            ValueError: several instances of a sample with ``'combined'``.
        """
        means = keypoints / self.scale_factor
        if self.heatmap_type == "gaussian":
            return gaussian_heatmaps_of_batch(
                self.heatmap_size, means, keypoints_visible, self.sigma, device, window_centers=nearest_pixels(means)
            )
        _check_one_instance(keypoints.shape[1])
        maps = disks_and_offsets_of_batch(
            self.heatmap_size, means[:, 0], keypoints_visible[:, 0], self._radius(), device
        )
        return maps, keypoints_visible.copy()

    def decode(self, encoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints of predicted maps.

        Args:
            encoded: (K, H, W), or (3 K, H, W) when combined.

        Returns:
            keypoints (1, K, 2) and scores (1, K), the maps' maxima; both float32. The first and the last pixel of a
            map become 0 and ``input_size``, the edges of the box, so that ``keypoints / input_size`` is the place
            within the box, as for every codec; in pixels of the input they are times
            ``(input_size - 1) / input_size``. A map without a value above 0 gives ``-input_size / (heatmap_size - 1)``.
        """
        heatmaps = np.asarray(encoded, dtype=np.float32)
        if self.heatmap_type == "gaussian":
            places, scores = heatmap_peaks(heatmaps)
            places = newton_step_unbiased(places, heatmaps, self.blur_kernel_size)
        else:
            places, scores = self._peaks_with_offsets(heatmaps)
        keypoints = places / (np.array(self.heatmap_size) - 1) * self.input_size
        return keypoints.astype(np.float32)[None], scores[None]

    def _radius(self) -> float:
        return self.radius_factor * max(self.heatmap_size)

    def _disks_and_offsets(self, means: np.ndarray, visible: np.ndarray) -> np.ndarray:
        """(3 K, H, W) float32 for means (1, K, 2) in heatmap pixels."""
        _check_one_instance(len(means))
        width, height = self.heatmap_size
        count = means.shape[1]
        maps = np.empty((count, 3, height, width), dtype=np.float32)
        towards_x = (means[0, :, 0, None] - np.arange(width)) / self._radius()
        towards_y = (means[0, :, 1, None] - np.arange(height)) / self._radius()
        np.less_equal(np.square(towards_x)[:, None, :] + np.square(towards_y)[:, :, None], 1, out=maps[:, 0])
        maps[:, 1] = towards_x[:, None, :]
        maps[:, 2] = towards_y[:, :, None]
        maps[visible[0] < 0.5] = 0
        return maps.reshape(3 * count, height, width)

    def _peaks_with_offsets(self, heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places (K, 2) in heatmap pixels and scores (K,) of combined maps (3 K, H, W)."""
        size = (2 * self.blur_kernel_size + 1,) * 2
        disks = np.stack([cv2.GaussianBlur(disk, size, 0) for disk in heatmaps[::3]])
        places, scores = heatmap_peaks(disks)
        k = np.flatnonzero(scores > 0)
        x, y = places[k].astype(np.int64).T
        offsets = np.stack((heatmaps[3 * k + 1, y, x], heatmaps[3 * k + 2, y, x]), axis=-1)
        places[k] += offsets * np.float32(self._radius())
        return places, scores


def _check_one_instance(count: int) -> None:
    if count != 1:
        raise ValueError(
            f"UDPHeatmap.encode: heatmap_type='combined' points to one keypoint from everywhere on its map and takes "
            f"one instance, but {count} were given. Use heatmap_type='gaussian'."
        )
