"""Crops of the upper or the lower body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np
from mmcv.transforms import BaseTransform

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms.arguments import findings_on_factors, findings_on_probabilities, is_number
from mmpose_mix.transforms.random_draws import repeatable_draw


@TRANSFORMS.register_module()
class RandomHalfBody(BaseTransform):
    """Center and scale of each instance on the visible keypoints of one half of the body, at random.

    Reads ``keypoints`` (N, K, 2), ``keypoints_visible`` (N, K) or (N, K, 2), ``upper_body_ids``, ``lower_body_ids``;
    rewrites ``bbox_center`` (the mean of the half's keypoints) and ``bbox_scale`` (their padded extent), both (N, 2)
    float32.

    Args:
        min_total_keypoints: instances with fewer visible keypoints are left alone.
        min_upper_keypoints: an upper half with fewer visible keypoints is not taken.
        min_lower_keypoints: the same for the lower half.
        padding: factor of the half's width and height.
        prob: probability of taking a half.
        upper_prioritized_prob: probability of the upper half where both would do.

    Raises:
        ValueError: a probability outside [0, 1], a padding that is not above 0, or a least number that is none.
    """

    reads_pixels = False

    def __init__(
        self,
        min_total_keypoints: int = 9,
        min_upper_keypoints: int = 2,
        min_lower_keypoints: int = 3,
        padding: float = 1.5,
        prob: float = 0.3,
        upper_prioritized_prob: float = 0.7,
    ) -> None:
        findings = findings_on_probabilities(prob=prob, upper_prioritized_prob=upper_prioritized_prob)
        findings += findings_on_factors(padding=padding)
        counts = {
            "min_total_keypoints": min_total_keypoints,
            "min_upper_keypoints": min_upper_keypoints,
            "min_lower_keypoints": min_lower_keypoints,
        }
        findings += [f"{name}={value!r} must be a number" for name, value in counts.items() if not is_number(value)]
        if findings:
            raise ValueError(f"RandomHalfBody: {'; '.join(findings)}.")
        self.min_total_keypoints = min_total_keypoints
        self.min_upper_keypoints = min_upper_keypoints
        self.min_lower_keypoints = min_lower_keypoints
        self.padding = padding
        self.prob = prob
        self.upper_prioritized_prob = upper_prioritized_prob

    @repeatable_draw
    def _halves(
        self, visible: np.ndarray, upper_body_ids: Sequence[int], lower_body_ids: Sequence[int]
    ) -> list[Optional[list[int]]]:
        """Per instance of ``visible`` (N, K) the ids of the half to crop to, None for the whole.

        An instance with too few keypoints draws nothing, one that stays whole draws once, the others twice, as in
        MMPose.
        """
        halves: list[Optional[list[int]]] = []
        for row in visible:
            if row.sum() < self.min_total_keypoints or np.random.rand() > self.prob:
                halves.append(None)
                continue
            marks = row.tolist()
            upper = [index for index in upper_body_ids if marks[index] > 0]
            lower = [index for index in lower_body_ids if marks[index] > 0]
            options = [(upper, self.min_upper_keypoints), (lower, self.min_lower_keypoints)]
            if np.random.rand() >= self.upper_prioritized_prob:
                options.reverse()
            halves.append(next((half for half, enough in options if len(half) >= enough), None))
        return halves

    def transform(self, results: dict) -> dict:
        """Crop the instances of ``results`` to a half, or not."""
        visible = results["keypoints_visible"]
        if visible.ndim == 3:
            visible = visible[..., 0]
        halves = self._halves(visible, results["upper_body_ids"], results["lower_body_ids"])
        if not any(halves):
            return results
        centers = np.array(results["bbox_center"], dtype=np.float32)
        scales = np.array(results["bbox_scale"], dtype=np.float32)
        for index, half in enumerate(halves):
            if half:
                points = results["keypoints"][index][half][:, :2]
                centers[index] = points.mean(axis=0)
                scales[index] = (points.max(axis=0) - points.min(axis=0)) * self.padding
        results["bbox_center"] = centers
        results["bbox_scale"] = scales
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(min_total_keypoints={self.min_total_keypoints}, "
            f"min_upper_keypoints={self.min_upper_keypoints}, min_lower_keypoints={self.min_lower_keypoints}, "
            f"padding={self.padding}, prob={self.prob}, upper_prioritized_prob={self.upper_prioritized_prob})"
        )
