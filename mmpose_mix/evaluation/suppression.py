"""Suppression of repeated poses in many images at once.

Images with the same number of poses are computed together: most have only a few, and a call for each would cost more
than its arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

# numbers in the similarities of images that are computed together; 8 MB
_AT_ONCE = 1_000_000
SOFT_NMS_POSES = 20


def kept_poses(
    images: np.ndarray,
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    sigmas: np.ndarray,
    choose: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """The poses that stay, of all images.

    Args:
        images: (N,) int, ascending: the place of each pose's image.
        keypoints: (N, K, 2) or (N, K, 3), pixels.
        scores: (N,).
        areas: (N,), square pixels. Two poses are compared on the mean of their areas.
        sigmas: (K,).
        choose: what stays: takes scores (G, n), best first, and similarities (G, n, n) of the n poses in each of G
            images, and gives (G, m) their places in the order of choice, -1 behind the last.

    Returns:
        Indices of the poses kept, image by image, in each in the order of choice.
    """
    scores = np.asarray(scores, dtype=np.float64)
    # of equal scores the later pose counts as the better one
    order = np.lexsort((np.arange(len(scores)), scores, -images))[::-1]
    starts = np.flatnonzero(np.diff(images, prepend=-1))
    kept, of_image = [], []
    for rows in _tables(starts, np.diff(starts, append=len(images))):
        poses = order[rows]
        similarity = similarity_within(keypoints[poses], areas[poses], sigmas)
        chosen = choose(scores[poses], similarity)
        image, place = np.nonzero(chosen >= 0)
        kept.append(poses[image, chosen[image, place]])
        of_image.append(rows[image, 0])
    if not kept:
        return np.zeros(0, dtype=np.intp)
    return np.concatenate(kept)[np.argsort(np.concatenate(of_image), kind="stable")]


def greedy(threshold: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The choice of non-maximum suppression: a pose stays while no better one that stays is more similar to it."""

    def choose(scores: np.ndarray, similarity: np.ndarray) -> np.ndarray:
        stays = np.ones(scores.shape, dtype=bool)
        for best in range(scores.shape[1] - 1):
            stays[:, best + 1 :] &= ~stays[:, best, None] | (similarity[:, best, best + 1 :] <= threshold)
        return np.where(stays, np.arange(scores.shape[1]), -1)

    return choose


def penalised(threshold: float, max_poses: int = SOFT_NMS_POSES) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The choice of Soft-NMS: poses one by one, each choice lowering the scores of those similar to it."""

    def choose(scores: np.ndarray, similarity: np.ndarray) -> np.ndarray:
        order = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
        chosen = np.empty((len(scores), min(max_poses, scores.shape[1])), dtype=np.intp)
        for step in range(chosen.shape[1]):
            best, order, scores = order[:, :1], order[:, 1:], scores[:, 1:]
            chosen[:, step] = best[:, 0]
            to_best = np.take_along_axis(similarity[np.arange(len(best)), best[:, 0]], order, axis=1)
            scores = scores * np.exp(-np.square(to_best) / threshold)
            ranking = np.argsort(scores, axis=1, kind="stable")[:, ::-1]
            order, scores = np.take_along_axis(order, ranking, axis=1), np.take_along_axis(scores, ranking, axis=1)
        return chosen

    return choose


def similarity_within(keypoints: np.ndarray, areas: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """The similarity of poses to each other, on the mean of their areas, in each of G images.

    Args:
        keypoints: (G, n, K, 2) or (G, n, K, 3), pixels.
        areas: (G, n), square pixels.
        sigmas: (K,).

    Returns:
        (G, n, n) float64: the mean over k of ``exp(-d_k^2 / (2 area (2 sigma_k)^2))``.
    """
    points = np.moveaxis(np.asarray(keypoints, dtype=np.float64)[..., :2], (2, 3), (0, 1))
    sizes = np.asarray(areas, dtype=np.float64)
    mean_areas = (sizes[:, :, None] + sizes[:, None, :]) / 2 + np.spacing(1)
    total = np.zeros(mean_areas.shape)
    for (x, y), spread in zip(points, 2 * np.square(2 * np.asarray(sigmas, dtype=np.float64))):
        squared = np.square(x[:, :, None] - x[:, None, :]) + np.square(y[:, :, None] - y[:, None, :])
        total += np.exp(-squared / (spread * mean_areas))
    return total / len(points)


def _tables(starts: np.ndarray, counts: np.ndarray) -> Iterator[np.ndarray]:
    """(G, n) rows of the poses of G images that have n each."""
    for count in np.unique(counts):
        first = starts[counts == count]
        step = max(1, _AT_ONCE // int(count) ** 2)
        for begin in range(0, len(first), step):
            yield first[begin : begin + step, None] + np.arange(count)
