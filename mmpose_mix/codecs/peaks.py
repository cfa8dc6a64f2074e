"""Where the maximum of a heatmap lies, to less than a pixel."""

from __future__ import annotations

import cv2
import numpy as np


def heatmap_peaks(heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest pixel of each map: its place (K, 2) as (x, y) and its value (K,), both float32.

    A map without a value above 0 has no peak: its place is (-1, -1).
    """
    count, height, width = heatmaps.shape
    flat = heatmaps.reshape(count, height * width)
    best = flat.argmax(axis=1)
    values = flat[np.arange(count), best].astype(np.float32)
    places = np.stack((best % width, best // width), axis=-1).astype(np.float32)
    places[values <= 0] = -1
    return places, values


def shift_to_neighbours(places: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """Places (K, 2) moved by a quarter pixel, along each axis, towards the higher neighbour.

    The bounds within which an axis moves are those of the published results: its own coordinate between 2 and size - 2,
    the other one above 0.
    """
    _, height, width = heatmaps.shape
    x, y = places.astype(np.int64).T
    moved = places.copy()
    k = np.flatnonzero((x > 1) & (x < width - 1) & (y > 0))
    moved[k, 0] += 0.25 * np.sign(heatmaps[k, y[k], x[k] + 1] - heatmaps[k, y[k], x[k] - 1])
    k = np.flatnonzero((y > 1) & (y < height - 1) & (x > 0))
    moved[k, 1] += 0.25 * np.sign(heatmaps[k, y[k] + 1, x[k]] - heatmaps[k, y[k] - 1, x[k]])
    return moved


def blurred(heatmaps: np.ndarray, kernel_size: int) -> np.ndarray:
    """Maps (K, H, W) under a Gaussian blur (zeros outside), each scaled back to its own maximum."""
    heatmaps = np.ascontiguousarray(heatmaps)  # a channels_last model's are not, and OpenCV cannot write those
    smooth = np.empty_like(heatmaps)
    for target, source in zip(smooth, heatmaps):
        cv2.GaussianBlur(source, (kernel_size, kernel_size), 0, dst=target, borderType=cv2.BORDER_CONSTANT)
    before = heatmaps.max(axis=(1, 2), keepdims=True)
    after = smooth.max(axis=(1, 2), keepdims=True)
    smooth *= np.divide(before, after, out=np.ones_like(after), where=after != 0)
    return smooth


def newton_step_wide(places: np.ndarray, heatmaps: np.ndarray, kernel_size: int) -> np.ndarray:
    """Places (K, 2) moved to the maximum of the log-map's second order expansion, second derivatives over two pixels.

    The refinement of DARK (arXiv:1910.06278). Places within two pixels of the border, and those of maps without a peak,
    stay.
    """
    _, height, width = heatmaps.shape
    logs = np.log(np.maximum(blurred(heatmaps, kernel_size), 1e-10))
    x, y = places.astype(np.int64).T
    k = np.flatnonzero((x > 1) & (x < width - 2) & (y > 1) & (y < height - 2))
    x, y = x[k], y[k]

    def at(dx: int, dy: int) -> np.ndarray:
        return logs[k, y + dy, x + dx]

    gradient = 0.5 * (at(1, 0) - at(-1, 0)), 0.5 * (at(0, 1) - at(0, -1))
    xx = 0.25 * (at(2, 0) - 2 * at(0, 0) + at(-2, 0))
    yy = 0.25 * (at(0, 2) - 2 * at(0, 0) + at(0, -2))
    xy = 0.25 * (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1))
    moved = places.copy()
    moved[k] -= _solved_2x2(xx, xy, yy, gradient)
    return moved


def newton_step_unbiased(places: np.ndarray, heatmaps: np.ndarray, kernel_size: int) -> np.ndarray:
    """As ``newton_step_wide``, with UDP's one-pixel stencil (arXiv:1911.07524); the border is repeated outwards."""
    logs = np.log(np.clip(blurred(heatmaps, kernel_size), 1e-3, 50.0))
    logs = np.pad(logs, ((0, 0), (1, 1), (1, 1)), mode="edge")
    k = np.flatnonzero(places[:, 0] >= 0)
    x, y = places[k].astype(np.int64).T + 1

    def at(dx: int, dy: int) -> np.ndarray:
        return logs[k, y + dy, x + dx]

    middle = at(0, 0)
    gradient = 0.5 * (at(1, 0) - at(-1, 0)), 0.5 * (at(0, 1) - at(0, -1))
    xx = at(1, 0) - 2 * middle + at(-1, 0)
    yy = at(0, 1) - 2 * middle + at(0, -1)
    xy = 0.5 * (at(1, 1) - at(1, 0) - at(0, 1) + 2 * middle - at(-1, 0) - at(0, -1) + at(-1, -1))
    tiny = np.finfo(np.float32).eps
    moved = places.copy()
    moved[k] -= _solved_2x2(xx.astype(np.float64) + tiny, xy, yy.astype(np.float64) + tiny, gradient)
    return moved


def _solved_2x2(xx: np.ndarray, xy: np.ndarray, yy: np.ndarray, right: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Solutions (n, 2) of n symmetric 2 x 2 systems; zero where a matrix is singular."""
    xx, xy, yy = (part.astype(np.float64) for part in (xx, xy, yy))
    determinant = xx * yy - xy * xy
    regular = determinant != 0
    inverse = np.divide(1.0, determinant, out=np.zeros_like(determinant), where=regular)
    rx, ry = right
    return np.stack(((yy * rx - xy * ry) * inverse, (xx * ry - xy * rx) * inverse), axis=-1)
