"""Whole images of bottom-up models: to the size of the network, with their persons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Union

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms.affine import udp_warp_matrix, warp_matrix
from mmpose_mix.transforms.arguments import findings_on_factors, findings_on_probabilities
from mmpose_mix.transforms.boxes import truncated_normal
from mmpose_mix.transforms.persons import clipped_boxes, hidden_outside

Size = tuple[int, int]
MODES = ("affine", "affine_udp", "perspective")
DISTRIBUTIONS = ("trunc_norm", "uniform")
SCALE_TYPES = ("short", "long")


def perspective_matrix(
    center: np.ndarray, shift: np.ndarray, scale: float, rotation: float, shear: np.ndarray
) -> np.ndarray:
    """(3, 3) float64 matrix: ``center`` to the origin, scaled, rotated, sheared, then moved by ``center + shift``.

    Args:
        center, shift: (2,) pixels.
        rotation: degrees.
        shear: (2,) degrees along x and y.
    """
    turn, (along_x, along_y) = math.radians(rotation), np.tan(np.radians(shear))
    to_origin = np.array([[1, 0, -center[0]], [0, 1, -center[1]], [0, 0, 1]])
    rotated = np.array([[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]])
    sheared = np.array([[1, along_x, 0], [along_y, 1, 0], [0, 0, 1]])
    back = np.array([[1, 0, shift[0] + center[0]], [0, 1, shift[1] + center[1]], [0, 0, 1]])
    return back @ sheared @ rotated @ np.diag([scale, scale, 1]) @ to_origin


def warped_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (..., 2) after a (2, 3) or (3, 3) matrix, float32."""
    flat = points.reshape(-1, 1, 2).astype(np.float32)
    if not len(flat):
        return points.astype(np.float32)
    moved = cv2.transform(flat, matrix) if len(matrix) == 2 else cv2.perspectiveTransform(flat, matrix)
    return moved.reshape(points.shape).astype(np.float32)


@TRANSFORMS.register_module()
class BottomupRandomAffine(BaseTransform):
    """Shift, scale, rotate and, in perspective mode, shear the image and its persons at random, to the network's size.

    Reads ``img``, ``img_shape``, and of N persons ``bbox``, ``keypoints``, ``keypoints_visible``, ``area`` where they
    are there. Writes these, ``input_size`` (w, h), ``img_shape`` (h, w) and ``warp_mat`` (2, 3) or (3, 3).

    Args:
        input_size: (w, h) of the network.
        shift_factor, shift_prob: largest shift in parts of the image (perspective: of the input), and how often.
        scale_factor, scale_prob: range of the scale, and how often.
        scale_type: whether the ``'short'`` or the ``'long'`` side of the image fills the input (affine modes).
        rotate_factor, rotate_prob: largest angle, degrees, and how often.
        shear_factor, shear_prob: the same of the shear along x and y (perspective mode).
        pad_val: grey value, or one per channel, where there is no image.
        distribution: ``'trunc_norm'`` or ``'uniform'``.
        transform_mode: ``'affine'``, ``'affine_udp'`` or ``'perspective'``.
        bbox_keep_corner: boxes become their corners (N, 4, 2): left upper, left lower, right upper, right lower; False:
            the upright boxes around those.
        clip_border: boxes end at the border, and keypoints beyond it are not visible.

    Raises:
        ValueError: with every argument that cannot be.
    """

    def __init__(
        self,
        input_size: Size,
        shift_factor: float = 0.2,
        shift_prob: float = 1.0,
        scale_factor: tuple[float, float] = (0.75, 1.5),
        scale_prob: float = 1.0,
        scale_type: str = "short",
        rotate_factor: float = 30.0,
        rotate_prob: float = 1.0,
        shear_factor: float = 2.0,
        shear_prob: float = 1.0,
        pad_val: Union[float, Sequence[float]] = 0,
        distribution: str = "trunc_norm",
        transform_mode: str = "affine",
        bbox_keep_corner: bool = True,
        clip_border: bool = False,
    ) -> None:
        found = findings_on_probabilities(
            shift_prob=shift_prob, scale_prob=scale_prob, rotate_prob=rotate_prob, shear_prob=shear_prob
        )
        words = {
            "scale_type": (scale_type, SCALE_TYPES),
            "distribution": (distribution, DISTRIBUTIONS),
            "transform_mode": (transform_mode, MODES),
        }
        found += [
            f"{name}={word!r} must be one of {allowed}"
            for name, (word, allowed) in words.items()
            if word not in allowed
        ]
        found += _findings_on_size(input_size)
        if found:
            raise ValueError(f"BottomupRandomAffine: {'; '.join(found)}.")
        self.input_size = (int(input_size[0]), int(input_size[1]))
        self.shift_factor, self.shift_prob = shift_factor, shift_prob
        self.scale_factor, self.scale_prob, self.scale_type = tuple(scale_factor), scale_prob, scale_type
        self.rotate_factor, self.rotate_prob = rotate_factor, rotate_prob
        self.shear_factor, self.shear_prob = shear_factor, shear_prob
        self.pad_val = (pad_val,) * 3 if isinstance(pad_val, (int, float)) else tuple(pad_val)
        self.distribution = distribution
        self.transform_mode = transform_mode
        self.bbox_keep_corner = bbox_keep_corner
        self.clip_border = clip_border

    def transform(self, results: dict) -> dict:
        """Warp ``results``."""
        matrix = self._matrix(results["img_shape"][1::-1])
        warp = cv2.warpAffine if len(matrix) == 2 else cv2.warpPerspective
        results["img"] = warp(results["img"], matrix, self.input_size, flags=cv2.INTER_LINEAR, borderValue=self.pad_val)
        if "keypoints" in results:
            results["keypoints"] = warped_points(results["keypoints"], matrix)
            if self.clip_border:
                visible = results["keypoints_visible"]
                results["keypoints_visible"] = hidden_outside(results["keypoints"], visible, self.input_size)
        if "bbox" in results:
            corners = warped_points(results["bbox"][:, [0, 1, 0, 3, 2, 1, 2, 3]].reshape(-1, 4, 2), matrix)
            boxes = corners if self.bbox_keep_corner else np.hstack([corners.min(axis=1), corners.max(axis=1)])
            results["bbox"] = clipped_boxes(boxes, self.input_size) if self.clip_border else boxes
        if "area" in results:
            results["area"] = (np.asarray(results["area"]) * np.linalg.det(matrix[:2, :2])).astype(np.float32)
        results["input_size"] = self.input_size
        results["img_shape"] = self.input_size[::-1]
        results["warp_mat"] = matrix
        return results

    def _matrix(self, image_size: Size) -> np.ndarray:
        shift, scale, rotation, shear = self._draws()
        if self.transform_mode == "perspective":
            size = np.array(self.input_size)
            return perspective_matrix(size / 2, shift * size, scale, rotation, shear)
        size = np.array(image_size, dtype=np.float32)
        filling = _filled(scale * size, self.input_size[0] / self.input_size[1], self.scale_type)
        if self.transform_mode == "affine_udp":
            return udp_warp_matrix((size - 1) / 2 + shift * size, filling, rotation, self.input_size)
        return warp_matrix(size / 2 + shift * size, filling, rotation, self.input_size)

    @cache_randomness
    def _draws(self) -> tuple[np.ndarray, float, float, np.ndarray]:
        """Shift (2,), scale, angle in degrees, and shear (2,) in degrees; as many draws in the same order as MMPose."""
        low, high = self.scale_factor
        shift, scale, rotation, shear = np.zeros(2), 1.0, 0.0, np.zeros(2)
        if np.random.random_sample() < self.shift_prob:
            shift = self._random(2) * self.shift_factor
        if np.random.random_sample() < self.scale_prob:
            scale = low + (high - low) * (float(self._random(1)[0]) + 1) / 2
        if np.random.random_sample() < self.rotate_prob:
            rotation = float(self._random()) * self.rotate_factor
        if self.transform_mode == "perspective" and np.random.random_sample() < self.shear_prob:
            shear = self._random(2) * self.shear_factor
        return shift, scale, rotation, shear

    def _random(self, *shape: int) -> Any:
        """Numbers in [-1, 1]."""
        uniform = np.asarray(np.random.random_sample(shape))
        return (
            truncated_normal(uniform.ravel()).reshape(shape) if self.distribution == "trunc_norm" else uniform * 2 - 1
        )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(input_size={self.input_size}, transform_mode={self.transform_mode!r}, "
            f"scale_factor={self.scale_factor}, rotate_factor={self.rotate_factor}, shift_factor={self.shift_factor})"
        )


@TRANSFORMS.register_module()
class BottomupResize(BaseTransform):
    """Fit the whole image into the network's input; for tests.

    Reads ``img`` and ``ori_shape``; writes ``img``, or with ``aug_scales`` a list of them, ``img_shape``,
    ``input_size`` (w, h), ``input_center`` and ``input_scale``, of the first.

    Args:
        input_size: (w, h) of the network.
        aug_scales: factors of further inputs.
        size_factor: sides of the input are multiples of this.
        resize_mode: ``'fit'``: all of the image is inside of ``input_size``; ``'expand'``: its shorter side fills it,
            and the input grows to hold the longer one.
        pad_val: value of each channel where there is no image.
        use_udp: map between pixel centres.

    Raises:
        ValueError: with every argument that cannot be.
    """

    def __init__(
        self,
        input_size: Size,
        aug_scales: Sequence[float] | None = None,
        size_factor: int = 32,
        resize_mode: str = "fit",
        pad_val: Sequence[float] = (0, 0, 0),
        use_udp: bool = False,
    ) -> None:
        found = _findings_on_size(input_size) + findings_on_factors(size_factor=size_factor)
        if resize_mode not in ("fit", "expand"):
            found.append(f"resize_mode={resize_mode!r} must be 'fit' or 'expand'")
        self.sizes = [tuple(input_size), *(tuple(int(side * f) for side in input_size) for f in aug_scales or ())]
        odd = [size for size in self.sizes if resize_mode == "fit" and any(side % size_factor for side in size)]
        found += [f"the input {size} must have sides that are multiples of size_factor={size_factor}" for size in odd]
        if found:
            raise ValueError(f"BottomupResize: {'; '.join(found)}.")
        self.input_size = tuple(input_size)
        self.aug_scales = aug_scales
        self.size_factor = size_factor
        self.resize_mode = resize_mode
        self.pad_val = tuple(pad_val)
        self.use_udp = use_udp

    def transform(self, results: dict) -> dict:
        """Resize the image of ``results``."""
        size = np.array(results["ori_shape"][1::-1], dtype=np.float32)
        images = []
        for number, wanted in enumerate(self.sizes):
            inside, padded = self._sizes_of(wanted, float(size[0] / size[1]))
            if self.use_udp:
                center, scale = (size - 1) / 2, size
                matrix = udp_warp_matrix(center, scale, 0.0, inside)
            else:
                center, scale = size / 2, size * np.array(padded, dtype=np.float32) / np.float32(inside)
                matrix = warp_matrix(center, scale, 0.0, padded)
            images.append(
                cv2.warpAffine(results["img"], matrix, padded, flags=cv2.INTER_LINEAR, borderValue=self.pad_val)
            )
            if number == 0:
                results.update(img_shape=padded[::-1], input_size=padded, input_center=center, input_scale=scale)
        results["img"] = images if self.aug_scales else images[0]
        results["aug_scales"] = self.aug_scales
        return results

    def _sizes_of(self, wanted: Sequence[int], ratio: float) -> tuple[tuple[float, float], Size]:
        """The size of the image, w / h of which is ``ratio``, within the input, and that of the input."""
        width, height = self._multiple(wanted)
        choose = min if self.resize_mode == "fit" else max
        inside = choose(width, height * ratio), choose(height, width / ratio)
        return inside, (width, height) if self.resize_mode == "fit" else self._multiple(inside)

    def _multiple(self, size: Sequence[float]) -> Size:
        width, height = (math.ceil(side / self.size_factor) * self.size_factor for side in size)
        return width, height

    def __repr__(self) -> str:
        return f"{type(self).__name__}(input_size={self.input_size}, resize_mode={self.resize_mode!r})"


def _findings_on_size(size: Any) -> list[str]:
    whole = isinstance(size, Sequence) and len(size) == 2 and all(isinstance(side, (int, np.integer)) for side in size)
    return [] if whole and min(size) > 0 else [f"input_size={size!r} must be two whole numbers (w, h) above 0"]


def _filled(size: np.ndarray, ratio: float, scale_type: str) -> np.ndarray:
    """(w, h) of the part of an image that the input shows, w / h of which is ``ratio``."""
    width, height = size
    by_width = bool(width > height * ratio) == (scale_type == "long")
    return np.array([width, width / ratio] if by_width else [height * ratio, height], dtype=np.float32)
