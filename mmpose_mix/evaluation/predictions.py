"""Predicted poses on their way from a data sample to COCO's result list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import torch

SCORE_MODES = ("bbox", "bbox_keypoint", "bbox_rle", "keypoint")


@dataclass(frozen=True)
class PredictedPoses:
    """The N poses predicted for one sample.

    Attributes:
        image_id: as in the annotation file.
        sample_id: what the sample is known by within its image; one number in top-down mode.
        source: place of the sample's source in the mixture, None outside one.
        keypoints: (N, K, 2), pixels of the original image.
        keypoint_scores: (N, K).
        bbox_scores: (N,).
        areas: (N,), square pixels; the poses' size when two of them are compared.
        category_ids: (N,) int.
        bboxes_xywh: (N, 4), pixels, or None.
    """

    image_id: int
    sample_id: tuple
    source: Optional[int]
    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    bbox_scores: np.ndarray
    areas: np.ndarray
    category_ids: np.ndarray
    bboxes_xywh: Optional[np.ndarray]

    @classmethod
    def from_sample(cls, sample: Mapping[str, Any]) -> PredictedPoses:
        """Take the prediction out of a data sample in its dict form.

        Args:
            sample: has ``id``, ``img_id`` and ``pred_instances`` with ``keypoints`` (N, K, 2) and ``keypoint_scores``
                (N, K); where present, ``bboxes`` (xyxy) and ``bbox_scores`` of the prediction, ``bbox_scores`` and
                ``bbox_scales`` of ``gt_instances``, ``category_id`` and ``source`` are used.

        Raises:
            ValueError: where something is missing or the shapes do not fit together.
        """
        missing = [key for key in ("id", "img_id", "pred_instances") if key not in sample]
        if missing:
            raise ValueError(
                f"CocoMetric: a data sample lacks {', '.join(missing)}; it has {', '.join(sorted(sample))}."
            )
        predicted, annotated = sample["pred_instances"], sample.get("gt_instances", {})
        keypoints, scores = to_array(predicted["keypoints"]), to_array(predicted["keypoint_scores"])
        if keypoints.ndim != 3 or scores.shape != keypoints.shape[:2]:
            raise ValueError(
                f"CocoMetric: sample {sample['id']} of image {sample['img_id']} has keypoints of shape "
                f"{keypoints.shape} and keypoint_scores of shape {scores.shape}; expected (N, K, 2) and (N, K)."
            )
        return cls(
            image_id=int(sample["img_id"]),
            sample_id=tuple(np.ravel(to_array(sample["id"])).tolist()),
            source=sample.get("source"),
            keypoints=keypoints[..., :2],
            keypoint_scores=scores,
            bbox_scores=_bbox_scores(predicted, annotated, len(keypoints)),
            areas=_areas(keypoints, annotated),
            category_ids=_category_ids(sample, len(keypoints)),
            bboxes_xywh=_xywh(to_array(predicted["bboxes"])) if "bboxes" in predicted else None,
        )

    def scores(self, mode: str, keypoint_threshold: float) -> np.ndarray:
        """One score per pose.

        Args:
            mode: ``bbox`` the box's score; ``keypoint`` the mean keypoint score; ``bbox_keypoint`` the box's score
                times the mean of the keypoint scores above the threshold (0 where none is); ``bbox_rle`` the sum of the
                box's score, the mean and the highest keypoint score.
            keypoint_threshold: for ``bbox_keypoint``.

        Returns:
            (N,) float64.
        """
        if mode == "bbox":
            return self.bbox_scores
        mean = self.keypoint_scores.mean(axis=1, dtype=np.float64)
        if mode == "keypoint":
            return mean
        if mode == "bbox_rle":
            return self.bbox_scores + mean + self.keypoint_scores.max(axis=1)
        confident = self.keypoint_scores > keypoint_threshold
        total = np.where(confident, self.keypoint_scores, 0).sum(axis=1, dtype=np.float64)
        return self.bbox_scores * total / np.maximum(confident.sum(axis=1), 1)

    def coco_results(self, scores: np.ndarray) -> list[dict]:
        """The poses as COCO's result format has them: ``keypoints`` are x, y and score of each keypoint in turn."""
        triples = np.concatenate([self.keypoints, self.keypoint_scores[..., None]], axis=-1, dtype=np.float64)
        results = []
        for index, pose in enumerate(triples):
            result = {
                "image_id": self.image_id,
                "category_id": int(self.category_ids[index]),
                "keypoints": pose.ravel().tolist(),
                "score": float(scores[index]),
            }
            if self.bboxes_xywh is not None:
                result["bbox"] = self.bboxes_xywh[index].tolist()
            results.append(result)
        return results


def group_by_image(predictions: Iterable[PredictedPoses]) -> dict[int, list[PredictedPoses]]:
    """Sort the samples of each image by their id, and keep the first of those that came more than once.

    A distributed sampler repeats samples so that every rank has as many.

    Raises:
        ValueError: where two sources of a mixture give a sample of the same image and id: one would hide the other.
    """
    images: dict[int, dict[tuple, PredictedPoses]] = defaultdict(dict)
    for prediction in predictions:
        first = images[prediction.image_id].setdefault(prediction.sample_id, prediction)
        if first.source != prediction.source:
            raise ValueError(
                f"CocoMetric: sources {first.source} and {prediction.source} both have image {prediction.image_id} "
                f"with sample {prediction.sample_id}, and one annotation file cannot tell them apart. Evaluate each "
                "source with a metric of its own, or leave ann_file out so that the samples' own annotations are used."
            )
    return {image_id: [samples[key] for key in sorted(samples)] for image_id, samples in images.items()}


def _bbox_scores(predicted: Mapping, annotated: Mapping, number: int) -> np.ndarray:
    if "bbox_scores" in predicted:
        return to_array(predicted["bbox_scores"]).astype(np.float64)
    if "bbox_scores" in annotated and len(annotated["bbox_scores"]) == number:
        return to_array(annotated["bbox_scores"]).astype(np.float64)
    return np.ones(number)


def _areas(keypoints: np.ndarray, annotated: Mapping) -> np.ndarray:
    if "bbox_scales" in annotated and len(annotated["bbox_scales"]) == len(keypoints):
        return to_array(annotated["bbox_scales"]).astype(np.float64).prod(axis=1)
    return np.ptp(keypoints[..., :2].astype(np.float64), axis=1).prod(axis=1)


def _category_ids(sample: Mapping, number: int) -> np.ndarray:
    given = np.ravel(to_array(sample.get("category_id", 1)))
    if len(given) == number:
        return given
    distinct = np.unique(given)
    if len(distinct) > 1:
        raise ValueError(
            f"CocoMetric: sample {sample['id']} of image {sample['img_id']} has {number} predicted poses, but the "
            f"categories {distinct.tolist()}; which pose is of which category cannot be told."
        )
    return np.full(number, distinct[0] if len(distinct) else 1)


def _xywh(bboxes_xyxy: np.ndarray) -> np.ndarray:
    return np.concatenate([bboxes_xyxy[:, :2], bboxes_xyxy[:, 2:4] - bboxes_xyxy[:, :2]], axis=1)


def to_array(values: Any) -> np.ndarray:
    """A tensor, an array or a list as a numpy array."""
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
