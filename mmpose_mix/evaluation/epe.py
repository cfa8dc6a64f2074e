"""The end-point error."""

from __future__ import annotations

import numpy as np

from mmpose_mix.evaluation.distances import mean_of_measured, normalized_distances
from mmpose_mix.evaluation.keypoint_metric import KeypointDistanceMetric, MeasuredPoses
from mmpose_mix.registry import METRICS


@METRICS.register_module()
class EPE(KeypointDistanceMetric):
    """The mean distance between predicted and annotated keypoints, over all that are visible.

    Args:
        collect_device, prefix: see :class:`KeypointDistanceMetric`.
    """

    def figures(self, poses: MeasuredPoses) -> dict[str, float]:
        """``EPE``, pixels of the original image."""
        sizes = np.ones(len(poses.visible))
        return {"EPE": mean_of_measured(normalized_distances(poses.predicted, poses.annotated, poses.visible, sizes))}
