"""How far predicted keypoints lie from annotated ones, and what follows from that: arithmetic on whole data sets."""

from __future__ import annotations

from typing import Optional

import numpy as np


def normalized_distances(
    predicted: np.ndarray, annotated: np.ndarray, visible: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    """Distances over the size of their instance.

    Args:
        predicted, annotated: (N, K, 2), pixels.
        visible: (N, K) bool; others are not measured.
        sizes: (N,), pixels. An instance of size 0 is not measured; a negative size counts as 1e6, as in MMPose.

    Returns:
        (N, K) float32, NaN where nothing is measured: count with ``np.isfinite``.
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    measured = visible & (sizes != 0)[:, None]
    divisors = np.where(sizes > 0, sizes, 1e6)
    apart = np.linalg.norm(np.asarray(predicted, np.float64) - annotated, axis=-1) / divisors[:, None]
    return np.where(measured, apart, np.nan).astype(np.float32)


def shares_within(distances: np.ndarray, threshold: float) -> np.ndarray:
    """Of each keypoint, the share of instances closer than ``threshold``: (N, K) -> (K,), NaN where none is."""
    measured = np.isfinite(distances)
    counts = measured.sum(axis=0)
    hits = (np.where(measured, distances, np.inf) < threshold).sum(axis=0)
    return np.divide(hits, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def mean_of_measured(values: np.ndarray, weights: Optional[np.ndarray] = None) -> float:
    """The (weighted) mean of the values that are numbers; 0 where none is."""
    measured = np.isfinite(values)
    weights = np.where(measured, np.ones(values.shape) if weights is None else weights, 0.0)
    total = weights.sum()
    return float((np.where(measured, values, 0.0) * weights).sum() / total) if total else 0.0


def area_under_curve(distances: np.ndarray, num_thresholds: int) -> float:
    """The mean of PCK at the thresholds 0, 1 / n, .. (n - 1) / n, PCK being the mean of ``shares_within``."""
    thresholds = np.arange(num_thresholds) / num_thresholds
    return float(np.mean([mean_of_measured(shares_within(distances, threshold)) for threshold in thresholds]))
