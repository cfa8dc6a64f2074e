"""Maps with one unnormalised Gaussian per keypoint."""

from __future__ import annotations

from typing import Optional

import numpy as np


def gaussian_heatmaps(
    heatmap_size: tuple[int, int],
    means: np.ndarray,
    visible: np.ndarray,
    sigma: float,
    window_centers: Optional[np.ndarray] = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``exp(-d^2 / (2 sigma^2))`` around each visible keypoint; instances meet by their maximum.

    A keypoint is drawn where it is visible (at least 0.5) and its three-sigma box meets the map. The weight of a
    visible one whose box does not is 0; every other weight is the visibility itself.

    Args:
        heatmap_size: (W, H).
        means: (N, K, 2), peaks in heatmap pixels.
        visible: (N, K) float32.
        sigma: in heatmap pixels.
        window_centers: (N, K, 2) whole numbers: only pixels within three sigma of them, along each axis, are drawn.
            None draws the whole map.

    Returns:
        maps (K, H, W) float32 and weights (N, K) float32.
    """
    width, height = heatmap_size
    radius = 3 * sigma
    anchors = means if window_centers is None else window_centers
    # A box that ends at pixel -1 counts as meeting the map, as it does in the published training recipes.
    inside = ((anchors - radius < (width, height)) & (anchors + radius + 1 >= 0)).all(axis=-1)
    labelled = visible >= 0.5
    weights = np.where(labelled & ~inside, np.float32(0), visible)

    drawn = (labelled & inside)[..., None]
    columns = _profiles(np.where(drawn, means, 0), window_centers, 0, width, sigma)
    rows = _profiles(np.where(drawn, means, 0), window_centers, 1, height, sigma) * drawn
    maps = np.zeros((visible.shape[1], height, width), dtype=np.float32)
    for row, column in zip(rows, columns):
        np.maximum(maps, row[:, :, None] * column[:, None, :], out=maps)
    return maps, weights


def _profiles(
    means: np.ndarray, window_centers: Optional[np.ndarray], axis: int, length: int, sigma: float
) -> np.ndarray:
    """The Gaussians along one axis: (N, K, length) float32, zero outside the windows."""
    pixels = np.arange(length, dtype=np.float32)
    profiles = np.exp(np.square(pixels - means[..., axis, None]) / np.float32(-2 * sigma**2))
    if window_centers is not None:
        profiles[np.abs(pixels - window_centers[..., axis, None]) > 3 * sigma] = 0
    return profiles


def nearest_pixels(points: np.ndarray) -> np.ndarray:
    """Points (..., 2) plus a half, cut towards zero: the pixel each lies in, as float32 whole numbers."""
    return np.trunc(points + np.float32(0.5))
