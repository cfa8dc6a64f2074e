"""Heatmaps of a whole batch, drawn on the device that trains.

What decides (which keypoints are drawn, the pixels they lie in, the weights) is computed by NumPy as for one sample;
only B N K points go to the device, and only maps are made there.
"""

from __future__ import annotations

from typing import Optional

import numpy as np
import torch
from torch import Tensor

from mmpose_mix.codecs.gaussians import drawn_and_weights


def gaussian_heatmaps_of_batch(
    heatmap_size: tuple[int, int],
    means: np.ndarray,
    visible: np.ndarray,
    sigma: float,
    device: torch.device,
    window_centers: Optional[np.ndarray] = None,
) -> tuple[Tensor, np.ndarray]:
    """As :func:`~mmpose_mix.codecs.gaussians.gaussian_heatmaps`, for B samples of N instances each.

    Args:
        heatmap_size: (W, H).
        means: (B, N, K, 2), peaks in heatmap pixels.
        visible: (B, N, K) float32.
        sigma: in heatmap pixels.
        device: where the maps are made.
        window_centers: (B, N, K, 2) whole numbers, or None to draw the whole maps.

    Returns:
        maps (B, K, H, W) float32 on ``device``, and weights (B, N, K) float32.
    """
    width, height = heatmap_size
    centers = means if window_centers is None else window_centers
    drawn, weights = drawn_and_weights(heatmap_size, centers, visible, sigma)
    # a Gaussian so far away is 0 on every pixel, by its window and by its values
    points = np.where(drawn[..., None], np.concatenate((means, centers), axis=-1), np.float32(-1e6))
    mean_x, mean_y, center_x, center_y = torch.from_numpy(points).to(device)[..., None].unbind(-2)
    reach = None if window_centers is None else 3 * sigma
    columns = _profiles_on_device(width, mean_x, center_x, sigma, reach)
    rows = _profiles_on_device(height, mean_y, center_y, sigma, reach)
    if not means.shape[1]:
        return rows.new_zeros(len(means), means.shape[2], height, width), weights
    maps = rows[:, 0, :, :, None] * columns[:, 0, :, None, :]
    for number in range(1, means.shape[1]):
        maps = torch.maximum(maps, rows[:, number, :, :, None] * columns[:, number, :, None, :])
    return maps, weights


def _profiles_on_device(length: int, means: Tensor, centers: Tensor, sigma: float, reach: Optional[float]) -> Tensor:
    """The Gaussians along one axis (..., length), of means and centers (..., 1); 0 further than ``reach`` off."""
    pixels = torch.arange(length, dtype=torch.float32, device=means.device)
    values = torch.exp((pixels - means).square() / (-2 * sigma**2))
    return values if reach is None else values * ((pixels - centers).abs() <= reach)


def disks_and_offsets_of_batch(
    heatmap_size: tuple[int, int], means: np.ndarray, visible: np.ndarray, radius: float, device: torch.device
) -> Tensor:
    """UDP's combined maps of B samples: a disk, and the offsets to the keypoint in units of its radius.

    Args:
        heatmap_size: (W, H).
        means: (B, K, 2) float32, heatmap pixels.
        visible: (B, K); below 0.5 a keypoint's maps are 0.
        radius: of the disk, heatmap pixels.
        device: where the maps are made.

    Returns:
        (B, 3 K, H, W) float32 on ``device``.
    """
    width, height = heatmap_size
    batch, count = visible.shape
    points = torch.from_numpy(np.concatenate((means, visible[..., None] >= 0.5), axis=-1)).to(device)
    x, y, drawn = points.double()[..., None].unbind(-2)
    # Double precision, as for one sample: it decides which pixels on the circle belong to the disk. The divisor is a
    # tensor because a device may multiply by the reciprocal of a number, which is not the same.
    divisor = torch.full((), radius, dtype=torch.float64, device=device)
    to_x = ((x - torch.arange(width, device=device)) / divisor)[..., None, :]
    to_y = ((y - torch.arange(height, device=device)) / divisor)[..., :, None]
    maps = torch.empty(batch, count, 3, height, width, dtype=torch.float32, device=device)
    maps[:, :, 0] = to_x.square() + to_y.square() <= 1
    maps[:, :, 1] = to_x
    maps[:, :, 2] = to_y
    maps *= drawn.float()[..., None, None]
    return maps.flatten(1, 2)
