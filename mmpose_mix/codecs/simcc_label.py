"""Coordinates as classes along x and y."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Optional, Union

import cv2
import numpy as np

from mmpose_mix.codecs.base import BaseKeypointCodec, checked_keypoints
from mmpose_mix.registry import KEYPOINT_CODECS

Scores = Union[np.ndarray, tuple[np.ndarray, np.ndarray]]


@KEYPOINT_CODECS.register_module()
class SimCCLabel(BaseKeypointCodec):
    """One vector along x and one along y for each keypoint (Li et al., "SimCC", arXiv:2107.03332).

    Args:
        input_size: (w, h) of the model's input, pixels.
        smoothing_type: "gaussian" around the class of the coordinate, or "standard": that class alone, with label
            smoothing.
        sigma: of the Gaussians, in classes; one number, or one for x and one for y.
        simcc_split_ratio: classes per pixel.
        label_smooth_weight: for "standard": the share in [0, 1] that all other classes get together.
        normalize: for "gaussian": divide by ``sigma * sqrt(2 pi)``, so that a Gaussian sums up to 1.
        use_dark: decode between classes (DARK, arXiv:1910.06278).
        decode_visibility: decode, beside scores, probabilities of the maxima.
        decode_beta: inverse temperature of those probabilities, over sigma.

    Raises:
        ValueError: an argument is out of range; all of them are named.
    """

    label_mapping_table = {
        "keypoint_x_labels": "keypoint_x_labels",
        "keypoint_y_labels": "keypoint_y_labels",
        "keypoint_weights": "keypoint_weights",
    }

    def __init__(
        self,
        input_size: tuple[int, int],
        smoothing_type: str = "gaussian",
        sigma: Union[float, Sequence[float]] = 6.0,
        simcc_split_ratio: float = 2.0,
        label_smooth_weight: float = 0.0,
        normalize: bool = True,
        use_dark: bool = False,
        decode_visibility: bool = False,
        decode_beta: float = 150.0,
    ) -> None:
        sigmas = (sigma, sigma) if isinstance(sigma, Real) else tuple(sigma)
        _check_arguments(input_size, smoothing_type, sigmas, simcc_split_ratio, label_smooth_weight)
        self.input_size = tuple(input_size)
        self.smoothing_type = smoothing_type
        self.sigma = np.array(sigmas, dtype=np.float64)
        self.simcc_split_ratio = simcc_split_ratio
        self.label_smooth_weight = label_smooth_weight
        self.normalize = normalize
        self.use_dark = use_dark
        self.decode_visibility = decode_visibility
        self.decode_beta = decode_beta
        self._lengths = tuple(int(np.around(side * simcc_split_ratio)) for side in self.input_size)

    def encode(self, keypoints: np.ndarray, keypoints_visible: Optional[np.ndarray] = None) -> dict[str, np.ndarray]:
        """Targets of N instances.

        Args:
            keypoints: (N, K, 2), input pixels.
            keypoints_visible: (N, K) in [0, 1]; below 0.5 the targets are 0. None: all are visible.

        Returns:
            keypoint_x_labels (N, K, Wx) and keypoint_y_labels (N, K, Wy) float32, W = ``size * simcc_split_ratio``;
            keypoint_weights (N, K) float32: the visibility, 0 where the keypoint lies outside, for Gaussians by more
            than three sigma.

        Raises:
            ValueError: shapes that do not fit each other.
        """
        keypoints, visible = checked_keypoints("SimCCLabel", keypoints, keypoints_visible)
        places = np.around(keypoints * self.simcc_split_ratio).astype(np.int64)
        reach = 3 * self.sigma if self.smoothing_type == "gaussian" else np.zeros(2)
        # the published bounds: a window ends one class further on the right than on the left
        after = reach + 1 if self.smoothing_type == "gaussian" else reach
        inside = ((places - reach < self._lengths) & (places + after >= 0)).all(axis=2)
        drawn = inside & (visible >= 0.5)
        draw = self._gaussians if self.smoothing_type == "gaussian" else self._smoothed_classes
        targets = [np.where(drawn[..., None], draw(places[..., axis], axis), np.float32(0)) for axis in (0, 1)]
        weights = np.where(inside | (visible < 0.5), visible, np.float32(0))
        return {"keypoint_x_labels": targets[0], "keypoint_y_labels": targets[1], "keypoint_weights": weights}

    def decode(self, simcc_x: np.ndarray, simcc_y: np.ndarray) -> tuple[np.ndarray, Scores]:
        """Keypoints of predicted scores.

        Args:
            simcc_x, simcc_y: (K, Wx) and (K, Wy), or with N instances (N, K, Wx) and (N, K, Wy).

        Returns:
            keypoints (N, K, 2), input pixels, N = 1 without that axis, and scores (N, K), the lesser of the maxima
            along x and y; both float32. A keypoint whose score is not above 0 lies at -1 classes before any
            refinement. With ``decode_visibility`` the second is a pair: scores, and the lesser of both maxima of the
            softmax, (N, K) in 0..1.
        """
        pair = [_with_instances(np.asarray(scores, dtype=np.float32)) for scores in (simcc_x, simcc_y)]
        places = np.stack([scores.argmax(axis=-1) for scores in pair], axis=-1).astype(np.float32)
        values = np.minimum(*(scores.max(axis=-1) for scores in pair))
        places[values <= 0] = -1
        if self.use_dark:
            for axis, scores in enumerate(pair):
                places[..., axis] = _refined(places[..., axis], scores, _blur_size(self.sigma[axis]))
        keypoints = places / np.float32(self.simcc_split_ratio)
        if not self.decode_visibility:
            return keypoints, values
        sharp = (_softmax(scores * self.decode_beta * sigma) for scores, sigma in zip(pair, self.sigma))
        return keypoints, (values, np.minimum(*(scores.max(axis=-1) for scores in sharp)).astype(np.float32))

    def _gaussians(self, places: np.ndarray, axis: int) -> np.ndarray:
        classes = np.arange(self._lengths[axis], dtype=np.float32)
        sigma = np.float32(self.sigma[axis])
        bells = np.exp(np.square(classes - places[..., None].astype(np.float32)) / (-2 * sigma * sigma))
        return bells / (sigma * np.float32(np.sqrt(2 * np.pi))) if self.normalize else bells

    def _smoothed_classes(self, places: np.ndarray, axis: int) -> np.ndarray:
        length, rest = self._lengths[axis], self.label_smooth_weight
        others = np.float32(rest / (length - 1))
        return np.where(np.arange(length) == places[..., None], np.float32(1 - rest), others)


def _check_arguments(
    input_size: Sequence[int], smoothing_type: str, sigmas: Sequence[float], ratio: float, smooth_weight: float
) -> None:
    findings = []
    whole = isinstance(input_size, Sequence) and all(isinstance(side, (int, np.integer)) for side in input_size)
    if not whole or len(input_size) != 2 or min(input_size) < 1:
        findings.append(f"input_size={input_size!r} must be two whole numbers (w, h) from 1")
    elif not isinstance(ratio, Real) or not ratio * min(input_size) >= 2:
        findings.append(f"simcc_split_ratio={ratio!r} must be a number that gives at least 2 classes along each axis")
    if smoothing_type not in ("gaussian", "standard"):
        findings.append(f"smoothing_type={smoothing_type!r}, but 'gaussian' and 'standard' are allowed")
    if len(sigmas) != 2 or not all(isinstance(sigma, Real) and sigma > 0 for sigma in sigmas):
        findings.append(f"sigma={sigmas!r} must be one number above 0, or two")
    if not 0 <= smooth_weight <= 1:
        findings.append(f"label_smooth_weight={smooth_weight} must be in [0, 1]")
    elif smooth_weight and smoothing_type == "gaussian":
        findings.append(f"label_smooth_weight={smooth_weight} is for smoothing_type='standard' only")
    if findings:
        raise ValueError(f"SimCCLabel: {'; '.join(findings)}.")


def _with_instances(scores: np.ndarray) -> np.ndarray:
    return scores[None] if scores.ndim == 2 else scores


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _blur_size(sigma: float) -> int:
    """The odd size of the blur that suits Gaussians of this sigma: 11 for 2, 17 for 3, at least 1."""
    size = int((sigma * 20 - 7) // 3)
    return max(size - (size % 2 == 0), 1)


def _refined(places: np.ndarray, scores: np.ndarray, blur_size: int) -> np.ndarray:
    """Places (N, K) moved to the maximum of the second order expansion of the log of the blurred scores (N, K, W).

    The second derivative is taken over two classes on each side. A keypoint without a score above 0 stays.
    """
    flat = np.ascontiguousarray(scores.reshape(-1, scores.shape[-1]))
    smooth = cv2.GaussianBlur(flat, (blur_size, 1), 0, borderType=cv2.BORDER_CONSTANT)
    highest = smooth.max(axis=1, keepdims=True)
    found = places.reshape(-1) >= 0
    smooth *= np.divide(flat.max(axis=1, keepdims=True), highest, out=np.ones_like(highest), where=highest > 0)
    logs = np.pad(np.log(np.clip(smooth, 1e-3, 50.0)), ((0, 0), (2, 2)), "edge")
    rows, middle = np.arange(len(flat)), places.reshape(-1).astype(np.int64) + 2

    def at(offset: int) -> np.ndarray:
        return logs[rows, middle + offset]

    slope = 0.5 * (at(1) - at(-1))
    curvature = 1e-9 + 0.25 * (at(2) - 2 * at(0) + at(-2))
    step = np.divide(slope, curvature, out=np.zeros_like(slope), where=found & (curvature != 0))
    return places - step.reshape(places.shape)
