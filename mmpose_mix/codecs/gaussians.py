"""Maps with one unnormalised Gaussian per keypoint."""

from __future__ import annotations

from functools import lru_cache
from typing import Optional

import numpy as np


def drawn_and_weights(
    heatmap_size: tuple[int, int], anchors: np.ndarray, visible: np.ndarray, sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Which keypoints are drawn, and the weight of each.

    A keypoint is drawn where it is visible (at least 0.5) and its three-sigma box meets the map. The weight of a
    visible one whose box does not is 0; every other weight is the visibility itself.

    Args:
        heatmap_size: (W, H).
        anchors: (..., 2), middles of the boxes in heatmap pixels.
        visible: (...) float32.
        sigma: in heatmap pixels.

    Returns:
        drawn (...) bool and weights (...) float32.
    """
    radius = 3 * sigma
    # A box that ends at pixel -1 counts as meeting the map, as it does in the published training recipes.
    inside = (anchors - radius < heatmap_size) & (anchors + (radius + 1) >= 0)
    inside = inside[..., 0] & inside[..., 1]
    labelled = visible >= 0.5
    drawn = labelled & inside
    # the visibility, unless labelled and not drawn
    return drawn, visible * (drawn == labelled)


def gaussian_heatmaps(
    heatmap_size: tuple[int, int],
    means: np.ndarray,
    visible: np.ndarray,
    sigma: float,
    window_centers: Optional[np.ndarray] = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``exp(-d^2 / (2 sigma^2))`` around each keypoint of :func:`drawn_and_weights`; instances meet by maximum.

    Args:
        heatmap_size: (W, H).
        means: (N, K, 2), peaks in heatmap pixels.
        visible: (N, K) float32.
        sigma: in heatmap pixels.
        window_centers: (N, K, 2) whole numbers: only pixels within three sigma of them, along each axis, are drawn;
            the same object as ``means`` where the peaks are whole pixels, which costs least. None draws the whole map.

    Returns:
        maps (K, H, W) float32 and weights (N, K) float32.
    """
    drawn, weights = drawn_and_weights(
        heatmap_size, means if window_centers is None else window_centers, visible, sigma
    )
    if window_centers is None:
        return _whole_maps(heatmap_size, means, drawn, sigma), weights
    centers = window_centers[drawn]
    if window_centers is means:
        patches = [_centered_patch(sigma)] * len(centers)
    else:
        patches = _patches(centers - means[drawn], sigma)
    maps = np.zeros((visible.shape[1], heatmap_size[1], heatmap_size[0]), dtype=np.float32)
    _paste(maps, np.nonzero(drawn)[1], centers, patches)
    return maps, weights


def _whole_maps(heatmap_size: tuple[int, int], means: np.ndarray, drawn: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussians (K, H, W) that are not cut off."""
    width, height = heatmap_size
    means = np.where(drawn[..., None], means, 0)
    columns = profiles(np.arange(width, dtype=np.float32) - means[..., :1], sigma)
    rows = profiles(np.arange(height, dtype=np.float32) - means[..., 1:], sigma) * drawn[..., None]
    if not len(drawn):
        return np.zeros((drawn.shape[1], height, width), dtype=np.float32)
    maps = rows[0, :, :, None] * columns[0, :, None, :]
    for row, column in zip(rows[1:], columns[1:]):
        np.maximum(maps, row[:, :, None] * column[:, None, :], out=maps)
    return maps


def profiles(distances: np.ndarray, sigma: float) -> np.ndarray:
    """The Gaussian's factor along one axis, of float32 distances from the peak in heatmap pixels."""
    return np.exp(np.square(distances) / np.float32(-2 * sigma**2))


def _patches(shifts: np.ndarray, sigma: float) -> np.ndarray:
    """Windows (M, side, side) of Gaussians whose peaks lie ``-shifts`` (M, 2), as (x, y), off the middle."""
    reach = int(3 * sigma)
    steps = np.arange(-reach, reach + 1, dtype=np.float32)
    factors = profiles(shifts[..., None] + steps, sigma)
    return factors[:, 1, :, None] * factors[:, 0, None, :]


@lru_cache(maxsize=16)
def _centered_patch(sigma: float) -> np.ndarray:
    """The window (side, side) of a Gaussian whose peak is its middle; read-only."""
    patch = _patches(np.zeros((1, 2), dtype=np.float32), sigma)[0]
    patch.flags.writeable = False
    return patch


def _paste(maps: np.ndarray, places: np.ndarray, centers: np.ndarray, patches) -> None:
    """Put each patch (side, side) into ``maps[place]`` around its center (x, y), by maximum, cut at the border."""
    if not len(centers):
        return
    _, height, width = maps.shape
    reach = len(patches[0]) // 2
    taken = set()
    for k, (x, y), patch in zip(places.tolist(), centers.astype(np.int64).tolist(), patches):
        left, top, right, bottom = x - reach, y - reach, x + reach + 1, y + reach + 1
        if left < 0 or top < 0 or right > width or bottom > height:
            patch = patch[max(-top, 0) : max(height - top, 0), max(-left, 0) : max(width - left, 0)]
            left, top, right, bottom = max(left, 0), max(top, 0), max(right, 0), max(bottom, 0)
        window = maps[k, top:bottom, left:right]
        if k in taken:
            np.maximum(window, patch, out=window)
        else:
            window[...] = patch
            taken.add(k)


def nearest_pixels(points: np.ndarray) -> np.ndarray:
    """Points (..., 2) plus a half, cut towards zero: the pixel each lies in, as float32 whole numbers."""
    return np.trunc(points + np.float32(0.5))
