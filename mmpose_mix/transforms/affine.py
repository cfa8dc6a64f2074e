"""From the box in the original image to the model's input."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Optional

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms.flipping import AXES

_TWO_FLOATS = struct.Struct("2f")

Read = Callable[[int], Optional[np.ndarray]]
"""Gives an image at one n-th of its size, n of 1, 2, 4 and 8; None where there is none."""


def warp_matrix(center: np.ndarray, scale: np.ndarray, rotation: float, output_size: tuple[int, int]) -> np.ndarray:
    """The affine matrix (2, 3) float64 that carries a rotated box onto the whole output.

    The box's width becomes the output's width, and both axes are scaled alike.

    Args:
        center: (2,), original pixels.
        scale: (w, h) of the box, original pixels; its height is implied by the output's aspect ratio.
        rotation: of the box, degrees; positive turns x towards y, and so the content the other way.
        output_size: (w, h), pixels.
    """
    angle = np.deg2rad(rotation)
    half_width = 0.5 * float(scale[0])
    x, y = np.asarray(center, dtype=np.float32).tolist()
    left = _float32(x - half_width * float(np.cos(angle)), y - half_width * float(np.sin(angle)))
    width, height = output_size
    return cv2.getAffineTransform(
        _right_angle((x, y), left), _right_angle((width * 0.5, height * 0.5), (0, height * 0.5))
    )


def _right_angle(center: tuple[float, float], left: tuple[float, float]) -> np.ndarray:
    """Three points (3, 2) float32: the center, the left one, and the left one's neighbour at a right angle.

    Each step is rounded to float32, as MMPose does: pixels are then the same.
    """
    to_x, to_y = _float32(center[0] - left[0], center[1] - left[1])
    return np.array([center, left, (left[0] - to_y, left[1] + to_x)], dtype=np.float32)


def _float32(x: float, y: float) -> tuple[float, float]:
    return _TWO_FLOATS.unpack(_TWO_FLOATS.pack(x, y))


def udp_warp_matrix(center: np.ndarray, scale: np.ndarray, rotation: float, output_size: tuple[int, int]) -> np.ndarray:
    """As ``warp_matrix``, but from pixel center to pixel center (arXiv:1911.07524), float32.

    The box's edges become the centers of the output's outermost pixels. ``rotation`` turns the content, not the box:
    the sign is the other one, as in MMPose; training draws both alike.
    """
    angle = np.deg2rad(rotation)
    cosine, sine = math.cos(angle), math.sin(angle)
    (x, y), (width, height) = center, scale
    zoom_x = (output_size[0] - 1) / width
    zoom_y = (output_size[1] - 1) / height
    return np.array(
        [
            [cosine * zoom_x, -sine * zoom_x, zoom_x * (-x * cosine + y * sine + 0.5 * width)],
            [sine * zoom_y, cosine * zoom_y, zoom_y * (-x * sine - y * cosine + 0.5 * height)],
        ],
        dtype=np.float32,
    )


def matrix_of_unmirrored(matrix: np.ndarray, size: tuple[int, int], direction: str) -> np.ndarray:
    """The matrix (2, 3) float64 that does to an image of ``size`` (w, h) what ``matrix`` does to the mirrored one.

    x' = w - 1 - x put into ``matrix``: the column of x changes its sign and gives w - 1 times itself to the constant.
    """
    composed = matrix.astype(np.float64)
    for axis, affected in enumerate(AXES[direction]):
        if affected:
            composed[:, 2] += composed[:, axis] * (size[axis] - 1)
            composed[:, axis] *= -1
    return composed


def grown_to_aspect_ratio(scale: np.ndarray, aspect_ratio: float) -> np.ndarray:
    """A scale (2,) float32 whose shorter side grew until w / h is ``aspect_ratio``; float32 throughout."""
    width, height = scale
    aspect = np.float32(aspect_ratio)
    least_width = height * aspect
    if width > least_width:
        return np.array([width, width / aspect], dtype=np.float32)
    return np.array([least_width, height], dtype=np.float32)


def reduction_for(scale: np.ndarray, input_size: tuple[int, int]) -> int:
    """The largest of 8, 4, 2 and 1 by which an image can be reduced and its box still has the input's pixels.

    Args:
        scale: (w, h) of the box, pixels of the whole image.
        input_size: (w, h), pixels.
    """
    finer = min(float(scale[0]) / input_size[0], float(scale[1]) / input_size[1])
    return next((reduction for reduction in (8, 4, 2) if finer >= reduction), 1)


def matrix_of_reduced(matrix: np.ndarray, reduction: int) -> np.ndarray:
    """The matrix (2, 3) that does to an image of one ``reduction``-th the size what ``matrix`` does to the whole one.

    A pixel of the reduced image lies in the middle of the ``reduction`` x ``reduction`` pixels that it stands for.
    """
    if reduction == 1:
        return matrix
    middle = (reduction - 1) / 2
    return np.concatenate((matrix[:, :2] * reduction, matrix[:, 2:] + matrix[:, :2].sum(1, keepdims=True) * middle), 1)


@TRANSFORMS.register_module()
class TopdownAffine(BaseTransform):
    """Cut the box of one instance out of the image, as the model's input.

    Reads ``img``, ``bbox_center`` (1, 2), ``bbox_scale`` (1, 2), ``bbox_rotation`` (1,) if there, ``keypoints``
    (1, K, 2) if there. Writes ``img`` (h, w, 3), ``bbox_scale`` grown to the input's aspect ratio, ``input_size``
    (w, h), ``input_center`` (2,), ``input_scale`` (2,), and ``transformed_keypoints`` (1, K, 2) in input pixels.

    Args:
        input_size: (w, h), pixels.
        use_udp: map between pixel centers (``UDPHeatmap``'s convention).

    Raises:
        ValueError: ``input_size`` is not two whole positive numbers; a sample has not exactly one box.
    """

    def __init__(self, input_size: tuple[int, int], use_udp: bool = False) -> None:
        whole = isinstance(input_size, Sequence) and all(isinstance(side, (int, np.integer)) for side in input_size)
        if not whole or len(input_size) != 2 or min(input_size) < 1:
            raise ValueError(f"TopdownAffine: input_size={input_size!r} must be two whole numbers (w, h) above 0.")
        self.input_size = (int(input_size[0]), int(input_size[1]))
        self.use_udp = use_udp

    def transform(self, results: dict) -> dict:
        """Warp the image and the keypoints of ``results``."""
        return self.warped(results)

    def warped(self, results: dict, mirrored: Optional[str] = None, read: Optional[Read] = None) -> Optional[dict]:
        """Return ``results`` with image and keypoints warped, in place; None where ``read`` gives no image.

        Args:
            results: the sample.
            mirrored: the direction in which all of the sample but ``img`` was mirrored before; the warp mirrors that.
            read: gives the image, at one n-th of its size; ``img`` has its whole size then, but not its pixels.
        """
        if len(results["bbox_center"]) != 1:
            raise ValueError(
                f"TopdownAffine: a sample of data set {results.get('dataset_name')!r} has "
                f"{len(results['bbox_center'])} boxes, and top-down models take one. Set data_mode='topdown'."
            )
        width, height = self.input_size
        scale = grown_to_aspect_ratio(np.asarray(results["bbox_scale"], dtype=np.float32)[0], width / height)
        center = np.asarray(results["bbox_center"], dtype=np.float32)[0]
        rotation = results["bbox_rotation"][0] if "bbox_rotation" in results else 0.0
        matrix = (udp_warp_matrix if self.use_udp else warp_matrix)(center, scale, rotation, self.input_size)

        image = results["img"]
        of_image = matrix if mirrored is None else matrix_of_unmirrored(matrix, image.shape[1::-1], mirrored)
        if read is not None:
            reduction = reduction_for(scale, self.input_size)
            image, of_image = read(reduction), matrix_of_reduced(of_image, reduction)
            if image is None:
                return None
        results["img"] = cv2.warpAffine(image, of_image, self.input_size, flags=cv2.INTER_LINEAR)
        keypoints = results.get("keypoints")
        if keypoints is not None:
            moved = np.array(keypoints, dtype=np.float32)
            moved[..., :2] = cv2.transform(moved[..., :2], matrix)
            results["transformed_keypoints"] = moved
        results["bbox_scale"] = scale[None]
        results["input_size"] = self.input_size
        results["input_center"] = center
        results["input_scale"] = scale
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(input_size={self.input_size}, use_udp={self.use_udp})"
