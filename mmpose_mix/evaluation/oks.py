"""Object keypoint similarity (OKS) and the suppression of repeated poses that builds on it.

The similarity is the one of the COCO keypoint evaluation (https://cocodataset.org/#keypoints-eval).
"""

from __future__ import annotations

from typing import Optional

import numpy as np

from mmpose_mix.evaluation.suppression import SOFT_NMS_POSES, greedy, kept_poses, penalised


def object_keypoint_similarity(
    poses: np.ndarray,
    others: np.ndarray,
    areas: np.ndarray,
    sigmas: np.ndarray,
    counted: Optional[np.ndarray] = None,
) -> np.ndarray:
    """The similarity of each pose to each other pose: ``mean over k of exp(-d_k^2 / (2 area (2 sigma_k)^2))``.

    Args:
        poses: (N, K, 2) or (N, K, 3), pixels; a third column is not read. Against ground truth, these are the
            annotations.
        others: (M, K, 2) or (M, K, 3), pixels.
        areas: (N,) or (N, M), square pixels: the size of the object that a distance is measured against.
        sigmas: (K,), the annotators' standard deviation of each keypoint relative to the object's size.
        counted: (N, K) bool: keypoints of ``poses`` that enter the mean. All of them where it is not given.

    Returns:
        (N, M) float64 in [0, 1]. A pose of which no keypoint is counted has similarity 0.

    Raises:
        ValueError: where the number of keypoints or the shapes do not fit together.
    """
    poses, others = np.asarray(poses, dtype=np.float64), np.asarray(others, dtype=np.float64)
    sigmas, areas = np.asarray(sigmas, dtype=np.float64), np.asarray(areas, dtype=np.float64)
    counted = np.ones(poses.shape[:2], dtype=bool) if counted is None else np.asarray(counted, dtype=bool)
    _check_shapes(poses, others, areas, sigmas, counted)
    if areas.ndim == 1:
        areas = areas[:, None]

    squared_distance = np.square(poses[:, None, :, :2] - others[None, :, :, :2]).sum(axis=-1)
    spread = 2 * np.square(2 * sigmas) * (areas[:, :, None] + np.spacing(1))
    similarity = np.exp(-squared_distance / spread)
    weights = counted[:, None, :]
    return (similarity * weights).sum(axis=-1) / np.maximum(weights.sum(axis=-1), 1)


def oks_nms(
    keypoints: np.ndarray, scores: np.ndarray, areas: np.ndarray, sigmas: np.ndarray, threshold: float
) -> np.ndarray:
    """Keep the best pose of each group of similar ones, greedily from the highest score down.

    A pose stays while its similarity to every better one that was kept is at most ``threshold``. Two poses are compared
    on the mean of their areas. Of equal scores the later pose counts as the better one, as in MMPose.

    Args:
        keypoints: (N, K, 2) or (N, K, 3), pixels.
        scores: (N,).
        areas: (N,), square pixels.
        sigmas: (K,).
        threshold: similarity in [0, 1] above which the lesser pose goes.

    Returns:
        Indices of the poses kept, best first.
    """
    one_image = np.zeros(len(scores), dtype=np.intp)
    return kept_poses(one_image, keypoints, scores, areas, sigmas, greedy(threshold))


def soft_oks_nms(
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    sigmas: np.ndarray,
    threshold: float,
    max_poses: int = SOFT_NMS_POSES,
) -> np.ndarray:
    """Choose poses one by one, each choice lowering the rank of the poses similar to it.

    After a pose is chosen, every remaining score is multiplied by ``exp(-oks^2 / threshold)`` (the Gaussian penalty of
    Soft-NMS, Bodla et al. 2017). The lowered scores only order the choice: they are not returned, as in MMPose.

    Args:
        keypoints: (N, K, 2) or (N, K, 3), pixels.
        scores: (N,).
        areas: (N,), square pixels.
        sigmas: (K,).
        threshold: width of the penalty, above 0: the smaller, the harder a similar pose is pushed back.
        max_poses: the choice ends after so many.

    Returns:
        At most ``max_poses`` indices in the order of their choice.
    """
    one_image = np.zeros(len(scores), dtype=np.intp)
    return kept_poses(one_image, keypoints, scores, areas, sigmas, penalised(threshold, max_poses))


def _check_shapes(
    poses: np.ndarray, others: np.ndarray, areas: np.ndarray, sigmas: np.ndarray, counted: np.ndarray
) -> None:
    findings = [
        f"{name} has shape {array.shape}, expected ({letter}, K, 2) or ({letter}, K, 3)"
        for name, letter, array in (("poses", "N", poses), ("others", "M", others))
        if array.ndim != 3 or array.shape[-1] not in (2, 3)
    ]
    if not findings:
        number, width, keypoints = len(poses), len(others), poses.shape[1]
        if others.shape[1] != keypoints:
            findings.append(f"poses have {keypoints} keypoints, others {others.shape[1]}")
        if sigmas.shape != (keypoints,):
            findings.append(f"sigmas has shape {sigmas.shape}, expected ({keypoints},)")
        if areas.shape not in ((number,), (number, width)):
            findings.append(f"areas has shape {areas.shape}, expected ({number},) or ({number}, {width})")
        if counted.shape != (number, keypoints):
            findings.append(f"counted has shape {counted.shape}, expected ({number}, {keypoints})")
    if findings:
        raise ValueError("object_keypoint_similarity: " + "; ".join(findings) + ".")
