"""Predicted poses on their way from a data sample to COCO's result list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
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
        origin: place of the sample's source in the mixture, and its data set's name; each None where it is not known.
        keypoints: (N, K, 2), pixels of the original image.
        keypoint_scores: (N, K).
        bbox_scores: (N,).
        areas: (N,), square pixels; the poses' size when two of them are compared.
        category_ids: (N,) int.
        bboxes_xywh: (N, 4), pixels, or None.
    """

    image_id: int
    sample_id: tuple
    origin: tuple[Optional[int], Optional[str]]
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
                ``bbox_scales`` of ``gt_instances``, ``category_id``, ``source`` and ``dataset_name`` are
                used.

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
            sample_id=_sample_id(sample["id"]),
            origin=(sample.get("source"), sample.get("dataset_name")),
            keypoints=keypoints[..., :2],
            keypoint_scores=scores,
            bbox_scores=_bbox_scores(predicted, annotated, len(keypoints)),
            areas=_areas(keypoints, annotated),
            category_ids=_category_ids(sample, len(keypoints)),
            bboxes_xywh=_xywh(to_array(predicted["bboxes"])) if "bboxes" in predicted else None,
        )


@dataclass(frozen=True)
class PoseTable:
    """The N poses of all samples, image by image.

    Attributes:
        image_ids: (N,) int64.
        images: (N,) int, ascending from 0: the place of the pose's image.
        keypoints: (N, K, 3) float64: x and y in pixels of the original image, score.
        keypoint_scores: (N, K) as predicted.
        bbox_scores: (N,) float64.
        areas: (N,), square pixels; the poses' size when two of them are compared.
        category_ids: (N,) int64.
        bboxes_xywh: (N, 4) float64, pixels; NaN where the prediction has none.
    """

    image_ids: np.ndarray
    images: np.ndarray
    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    bbox_scores: np.ndarray
    areas: np.ndarray
    category_ids: np.ndarray
    bboxes_xywh: np.ndarray

    @classmethod
    def of(cls, samples_of_images: Iterable[Sequence[PredictedPoses]]) -> PoseTable:
        """Put the poses of samples into columns.

        Args:
            samples_of_images: of each image its samples.
        """
        by_image = list(samples_of_images)
        samples = [sample for samples in by_image for sample in samples]
        if not samples:
            return cls._empty()
        counts = [len(sample.keypoints) for sample in samples]
        image_of_sample = np.repeat(np.arange(len(by_image)), [len(samples) for samples in by_image])
        scores = np.concatenate([sample.keypoint_scores for sample in samples])
        places = np.concatenate([sample.keypoints for sample in samples])
        boxes = [
            np.full((count, 4), np.nan) if sample.bboxes_xywh is None else sample.bboxes_xywh
            for sample, count in zip(samples, counts)
        ]
        return cls(
            image_ids=np.repeat(np.array([sample.image_id for sample in samples], dtype=np.int64), counts),
            images=np.repeat(image_of_sample, counts),
            keypoints=np.concatenate([places, scores[..., None]], axis=-1, dtype=np.float64),
            keypoint_scores=scores,
            bbox_scores=np.concatenate([sample.bbox_scores for sample in samples]),
            areas=np.concatenate([sample.areas for sample in samples]),
            category_ids=np.concatenate([sample.category_ids for sample in samples]).astype(np.int64),
            bboxes_xywh=np.concatenate(boxes, dtype=np.float64),
        )

    @classmethod
    def _empty(cls) -> PoseTable:
        none = np.zeros(0, dtype=np.int64)
        poses = np.zeros((0, 0, 3))
        return cls(none, none, poses, poses[..., 2], np.zeros(0), np.zeros(0), none, np.zeros((0, 4)))

    def __len__(self) -> int:
        return len(self.image_ids)

    def take(self, rows: np.ndarray) -> PoseTable:
        """The poses of those rows."""
        return PoseTable(*(getattr(self, column.name)[rows] for column in fields(self)))

    def is_finite(self) -> np.ndarray:
        """(N,) bool: whether no place and no score of a pose is NaN or infinite."""
        return np.isfinite(self.keypoints).all(axis=(1, 2)) & np.isfinite(self.bbox_scores) & np.isfinite(self.areas)

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
        results = self._results(scores, self._flat_keypoints().tolist())
        boxes = self.bboxes_xywh.tolist()
        for row in np.flatnonzero(~self._without_box()).tolist():
            results[row]["bbox"] = boxes[row]
        return results

    def detections(self, scores: np.ndarray, sized_by: Optional[slice] = None) -> list[dict]:
        """The poses as the evaluation matches them: the result format with ``id``, ``area`` and ``iscrowd``.

        A pose without any keypoint score above 0 is left out; a box that the prediction lacks is that of the keypoints.
        ``keypoints`` are arrays: lists of as many numbers would keep the garbage collector busy.

        Args:
            scores: (N,).
            sized_by: the keypoints whose extent is the box of every pose, whatever box was predicted.
        """
        counted = np.flatnonzero((self.keypoint_scores > 0).any(axis=1))
        table = self.take(counted)
        results = table._results(scores[counted], table._flat_keypoints())
        if not results:
            return results
        places = table.keypoints[:, sized_by or slice(None), :2]
        lows, highs = places.min(axis=1), places.max(axis=1)
        extents = np.concatenate([lows, highs - lows], axis=1)
        by_extent = table._without_box()[:, None] if sized_by is None else True
        boxes = np.where(by_extent, extents, table.bboxes_xywh)
        areas = (boxes[:, 2] * boxes[:, 3]).tolist()
        for number, (result, box, area) in enumerate(zip(results, boxes.tolist(), areas), start=1):
            result.update(id=number, bbox=box, area=area, iscrowd=0)
        return results

    def _results(self, scores: np.ndarray, keypoints: Iterable[Any]) -> list[dict]:
        columns = (self.image_ids.tolist(), self.category_ids.tolist(), keypoints, scores.tolist())
        names = ("image_id", "category_id", "keypoints", "score")
        return [dict(zip(names, row)) for row in zip(*columns)]

    def _flat_keypoints(self) -> np.ndarray:
        return self.keypoints.reshape(len(self), 3 * self.keypoints.shape[1])

    def _without_box(self) -> np.ndarray:
        return np.isnan(self.bboxes_xywh).all(axis=1)


def group_by_image(predictions: Iterable[PredictedPoses]) -> dict[int, list[PredictedPoses]]:
    """Sort the samples of each image by their id, and keep the first of those that came more than once.

    A distributed sampler repeats samples so that every rank has as many.

    Raises:
        ValueError: where two sources of a mixture give a sample of the same image and id: one would hide the other.
    """
    images: dict[int, dict[tuple, PredictedPoses]] = defaultdict(dict)
    for prediction in predictions:
        first = images[prediction.image_id].setdefault(prediction.sample_id, prediction)
        if first.origin != prediction.origin:
            one, other = next(pair for pair in zip(first.origin, prediction.origin) if pair[0] != pair[1])
            raise ValueError(
                f"CocoMetric: sources {one} and {other} both have image {prediction.image_id} "
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


def _sample_id(given: Any) -> tuple:
    return (given,) if isinstance(given, int) else tuple(np.ravel(to_array(given)).tolist())


def _areas(keypoints: np.ndarray, annotated: Mapping) -> np.ndarray:
    if "bbox_scales" in annotated and len(annotated["bbox_scales"]) == len(keypoints):
        scales = to_array(annotated["bbox_scales"]).astype(np.float64)
        return scales[:, 0] * scales[:, 1]
    return np.ptp(keypoints[..., :2].astype(np.float64), axis=1).prod(axis=1)


def _category_ids(sample: Mapping, number: int) -> np.ndarray:
    given = sample.get("category_id", 1)
    if isinstance(given, int):
        return np.full(number, given)
    given = np.ravel(to_array(given))
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
    xywh = bboxes_xyxy[:, :4].copy()
    xywh[:, 2:] -= xywh[:, :2]
    return xywh


def to_array(values: Any) -> np.ndarray:
    """A tensor, an array or a list as a numpy array."""
    if isinstance(values, np.ndarray):
        return values
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
