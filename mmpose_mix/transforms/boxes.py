"""The box that an instance is cropped by: its center and scale, and how training varies them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from mmcv.transforms import BaseTransform

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms.arguments import findings_on_factors, findings_on_probabilities, is_number
from mmpose_mix.transforms.random_draws import repeatable_draw

_NORMAL = NormalDist()
_BELOW_MINUS_ONE = _NORMAL.cdf(-1.0)
_WITHIN_ONE = _NORMAL.cdf(1.0) - _NORMAL.cdf(-1.0)


def truncated_normal(uniform: Sequence[float]) -> np.ndarray:
    """Standard normal numbers cut to [-1, 1], (n,) float32: each from one of n uniform numbers in [0, 1).

    The uniform number goes through the inverse of the truncated distribution, so drawn from numpy's global generator
    it gives the draws of ``scipy.stats.truncnorm.rvs(-1, 1, size=n)``.
    """
    numbers = [_NORMAL.inv_cdf(_BELOW_MINUS_ONE + number * _WITHIN_ONE) for number in uniform]
    return np.array(numbers, dtype=np.float32)


@TRANSFORMS.register_module()
class GetBBoxCenterScale(BaseTransform):
    """Boxes to centers and padded scales.

    Reads ``bbox`` (N, 4) xyxy; writes ``bbox_center`` and ``bbox_scale``, both (N, 2) float32, pixels. A sample that
    already has the two (MPII's annotations give them) keeps its center, and its scale is padded.

    Args:
        padding: factor of the box's width and height.

    Raises:
        ValueError: ``padding`` is no number above 0.
    """

    reads_pixels = False

    def __init__(self, padding: float = 1.25) -> None:
        findings = findings_on_factors(padding=padding)
        if findings:
            raise ValueError(f"GetBBoxCenterScale: {'; '.join(findings)}.")
        self.padding = padding

    def transform(self, results: dict) -> dict:
        """Write center and scale into ``results``."""
        if "bbox_center" in results and "bbox_scale" in results:
            results["bbox_scale"] = np.asarray(results["bbox_scale"], dtype=np.float32) * self.padding
            return results
        bbox = np.asarray(results["bbox"], dtype=np.float32)
        results["bbox_center"] = (bbox[..., 2:] + bbox[..., :2]) * 0.5
        results["bbox_scale"] = (bbox[..., 2:] - bbox[..., :2]) * self.padding
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(padding={self.padding})"


@TRANSFORMS.register_module()
class RandomBBoxTransform(BaseTransform):
    """Shift, resize and rotate each box at random.

    Reads and rewrites ``bbox_center`` and ``bbox_scale`` (N, 2); writes ``bbox_rotation`` (N,) degrees; all float32.
    Every amount is a normal number cut to [-1, 1].

    Args:
        shift_factor: largest shift along x and y, as a share of the box's scale.
        shift_prob: probability of a shift.
        scale_factor: smallest and largest factor of the scale.
        scale_prob: probability of a resize.
        rotate_factor: largest rotation, degrees.
        rotate_prob: probability of a rotation.

    Raises:
        ValueError: a probability outside [0, 1], a factor that is no number, or ``scale_factor`` not two ascending
            positive numbers.
    """

    reads_pixels = False

    def __init__(
        self,
        shift_factor: float = 0.16,
        shift_prob: float = 0.3,
        scale_factor: tuple[float, float] = (0.5, 1.5),
        scale_prob: float = 1.0,
        rotate_factor: float = 80.0,
        rotate_prob: float = 0.6,
    ) -> None:
        findings = findings_on_probabilities(shift_prob=shift_prob, scale_prob=scale_prob, rotate_prob=rotate_prob)
        amounts = {"shift_factor": shift_factor, "rotate_factor": rotate_factor}
        findings += [f"{name}={value!r} must be a number" for name, value in amounts.items() if not is_number(value)]
        two = isinstance(scale_factor, Sequence) and len(scale_factor) == 2 and all(map(is_number, scale_factor))
        if not two or not 0 < scale_factor[0] <= scale_factor[1]:
            findings.append(f"scale_factor={scale_factor!r} must be (smallest, largest), both above 0")
        if findings:
            raise ValueError(f"RandomBBoxTransform: {'; '.join(findings)}.")
        self.shift_factor = shift_factor
        self.shift_prob = shift_prob
        self.scale_factor = scale_factor
        self.scale_prob = scale_prob
        self.rotate_factor = rotate_factor
        self.rotate_prob = rotate_prob

    @repeatable_draw
    def _draws(self, count: int) -> np.ndarray:
        """Shift x and y in box scales, factor, rotation in degrees: (N, 4) float32.

        Drawn in MMPose's order: all amounts, then which boxes are shifted, which resized, which rotated.
        """
        uniform = np.random.random_sample(7 * count).tolist()
        smallest, largest = self.scale_factor
        extents = [self.shift_factor, self.shift_factor, (largest - smallest) * 0.5, self.rotate_factor]
        amounts = truncated_normal(uniform[: 4 * count]).reshape(count, 4) * np.array(extents, dtype=np.float32)
        amounts[:, 2] += (largest + smallest) * 0.5
        for box in range(count):
            shifted, resized, rotated = uniform[4 * count + box :: count]
            if shifted >= self.shift_prob:
                amounts[box, :2] = 0
            if resized >= self.scale_prob:
                amounts[box, 2] = 1
            if rotated >= self.rotate_prob:
                amounts[box, 3] = 0
        return amounts

    def transform(self, results: dict) -> dict:
        """Vary the boxes of ``results``; the shift is measured in the scale they had before."""
        scale = np.asarray(results["bbox_scale"], dtype=np.float32)
        draws = self._draws(len(scale))
        results["bbox_center"] = np.asarray(results["bbox_center"], dtype=np.float32) + draws[:, :2] * scale
        results["bbox_scale"] = scale * draws[:, 2:3]
        results["bbox_rotation"] = draws[:, 3]
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(shift_factor={self.shift_factor}, shift_prob={self.shift_prob}, "
            f"scale_factor={self.scale_factor}, scale_prob={self.scale_prob}, "
            f"rotate_factor={self.rotate_factor}, rotate_prob={self.rotate_prob})"
        )
