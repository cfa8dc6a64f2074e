"""What metrics of distances between keypoints have in common: what they take of a sample, and what they refuse."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmpose_mix.evaluation.predictions import to_array


@dataclass(frozen=True)
class MeasuredPose:
    """One predicted pose beside the annotated one.

    Attributes:
        predicted, annotated: (K, 2), pixels of the original image.
        visible: (K,) bool: labelled and visible.
        sizes: what distances may be divided by, by name, pixels.
    """

    predicted: np.ndarray
    annotated: np.ndarray
    visible: np.ndarray
    sizes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class MeasuredPoses:
    """The same of N poses: ``predicted``, ``annotated`` (N, K, 2), ``visible`` (N, K), and each size (N,)."""

    predicted: np.ndarray
    annotated: np.ndarray
    visible: np.ndarray
    sizes: Mapping[str, np.ndarray]


class KeypointDistanceMetric(BaseMetric):
    """A metric that compares the predicted pose of each sample with its annotated one.

    Keypoints that are not labelled or not visible are left out. Where no keypoint is left, a warning
    says so and the figures are 0.

    Args:
        collect_device: ``cpu`` or ``gpu``.
        prefix: of the metric's names; none where it is not given.
    """

    def __init__(self, collect_device: str = "cpu", prefix: Optional[str] = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)

    @abstractmethod
    def figures(self, poses: MeasuredPoses) -> dict[str, float]:
        """The figures by name, without the prefix."""

    def sizes_of(self, annotated: Mapping[str, Any], pose: MeasuredPose) -> dict[str, float]:
        """What the metric divides distances by, of one sample's ``gt_instances``."""
        return {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take the predictions of one batch.

        Args:
            data_batch: not used.
            data_samples: dicts with ``pred_instances.keypoints`` (1, K, 2), ``gt_instances.keypoints`` (1, K, 2) and
                ``gt_instances.keypoints_visible`` (1, K) or (1, K, 2), whose first channel counts; and what the
                metric divides by.

        Raises:
            ValueError: where something is missing, or the shapes do not fit together.
        """
        for sample in data_samples:
            predicted, annotated = sample["pred_instances"], sample["gt_instances"]
            points, truth = to_array(predicted["keypoints"]), to_array(annotated["keypoints"])
            if points.shape[:2] != truth.shape[:2] or len(points) != 1:
                raise ValueError(
                    f"{type(self).__name__}: sample {sample.get('id')} of data set {sample.get('dataset_name')!r} has "
                    f"predicted keypoints of shape {points.shape} and annotated ones of shape {truth.shape}; expected "
                    "(1, K, 2) twice. Choose the data set's keypoints in the model's "
                    "test_cfg.output_keypoint_indices, or convert the data set to the model's."
                )
            visible = to_array(annotated["keypoints_visible"])
            visible = (visible[..., 0] if visible.ndim == 3 else visible).astype(bool)
            pose = MeasuredPose(points[0, :, :2], truth[0, :, :2], visible[0])
            sizes = self.sizes_of(annotated, pose)
            self.results.append(MeasuredPose(pose.predicted, pose.annotated, pose.visible, sizes))

    def finding_on_predictions(self, num_keypoints: int) -> str:
        """Why poses of so many keypoints cannot be evaluated here; empty where they can."""
        expected = (self.dataset_meta or {}).get("num_keypoints", num_keypoints)
        if num_keypoints == expected:
            return ""
        return (
            f"{type(self).__name__}: the model predicts {num_keypoints} keypoints, the data set "
            f"'{self.dataset_meta.get('dataset_name')}' has {expected}. Choose the data set's in the model's test_cfg, "
            "for instance output_keypoint_indices=list(range(17)), or convert the data set to the model's."
        )

    def compute_metrics(self, results: list[MeasuredPose]) -> dict[str, float]:
        """The figures over all samples.

        Args:
            results: what :meth:`process` left, of all ranks.
        """
        names = results[0].sizes
        poses = MeasuredPoses(
            *(
                np.stack([getattr(result, part) for result in results])
                for part in ("predicted", "annotated", "visible")
            ),
            {name: np.array([result.sizes[name] for result in results]) for name in names},
        )
        if not poses.visible.any():
            print_log(
                f"{type(self).__name__}: no keypoint of the {len(results)} samples is visible, so nothing was measured "
                "and the figures are 0.",
                logger="current",
                level=logging.WARNING,
            )
        return self.figures(poses)

    def longer_side(self, annotated: Mapping[str, Any]) -> float:
        """The longer side of the annotated box, pixels. Raises ``ValueError`` without one."""
        x1, y1, x2, y2 = to_array(self.item(annotated, "bboxes")).reshape(-1, 4)[0].astype(np.float64)
        return float(max(x2 - x1, y2 - y1))

    def item(self, annotated: Mapping[str, Any], name: str) -> Any:
        """An entry of ``gt_instances``. Raises ``ValueError`` where it is missing."""
        if name not in annotated:
            raise ValueError(
                f"{type(self).__name__}: gt_instances has no {name!r} to divide by, but {', '.join(sorted(annotated))}"
                ". Does the data set give it, and PackPoseInputs put it there?"
            )
        return annotated[name]


def findings_on_numbers_above_zero(**numbers: float) -> list[str]:
    """A sentence for each number that is not above 0."""
    return [f"{name}={value!r} must be above 0" for name, value in numbers.items() if not value > 0]
