"""The area under the curve of correct keypoints over the allowed distance."""

from __future__ import annotations

from typing import Optional

import numpy as np

from mmpose_mix.evaluation.distances import area_under_curve, normalized_distances
from mmpose_mix.evaluation.keypoint_metric import KeypointDistanceMetric, MeasuredPoses, findings_on_numbers_above_zero
from mmpose_mix.registry import METRICS


@METRICS.register_module()
class AUC(KeypointDistanceMetric):
    """The mean of PCK over thresholds from 0 up to a number of pixels.

    Args:
        norm_factor: that number, pixels.
        num_thrs: how many thresholds; the highest is ``norm_factor * (1 - 1 / num_thrs)``.
        collect_device, prefix: see :class:`KeypointDistanceMetric`.

    Raises:
        ValueError: a number that is not above 0.
    """

    def __init__(
        self, norm_factor: float = 30, num_thrs: int = 20, collect_device: str = "cpu", prefix: Optional[str] = None
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        findings = findings_on_numbers_above_zero(norm_factor=norm_factor, num_thrs=num_thrs)
        if findings:
            raise ValueError(f"AUC: {'; '.join(findings)}.")
        self.norm_factor = norm_factor
        self.num_thrs = num_thrs

    def figures(self, poses: MeasuredPoses) -> dict[str, float]:
        """``AUC``, in 0..1."""
        sizes = np.full(len(poses.visible), self.norm_factor)
        distances = normalized_distances(poses.predicted, poses.annotated, poses.visible, sizes)
        return {"AUC": area_under_curve(distances, self.num_thrs)}
