"""Mirrored images and keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Union

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms.arguments import is_number
from mmpose_mix.transforms.random_draws import repeatable_draw

# direction -> (along x, along y)
AXES = {"horizontal": (True, False), "vertical": (False, True), "diagonal": (True, True)}
_CV2_FLIP_CODE = {"horizontal": 1, "vertical": 0, "diagonal": -1}


def mirrored_image(image: np.ndarray, direction: str) -> np.ndarray:
    """An image (h, w) or (h, w, C), mirrored; a new array."""
    return cv2.flip(image, _CV2_FLIP_CODE[direction])


def mirrored_points(points: np.ndarray, size: tuple[int, int], direction: str) -> np.ndarray:
    """Points (..., D) in an image of ``size`` (w, h), mirrored: x to w - 1 - x, y to h - 1 - y; D > 2 is kept."""
    mirrored = points.copy()
    for axis, affected in enumerate(AXES[direction]):
        if affected:
            np.subtract(size[axis] - 1, points[..., axis], out=mirrored[..., axis])
    return mirrored


def mirrored_boxes(bbox_xyxy: np.ndarray, size: tuple[int, int], direction: str) -> np.ndarray:
    """Boxes (..., 4) in an image of ``size`` (w, h), mirrored; the first corner stays the upper left one."""
    mirrored = bbox_xyxy.copy()
    for axis, affected in enumerate(AXES[direction]):
        if affected:
            np.subtract(size[axis] - 1, bbox_xyxy[..., axis + 2 :: -2], out=mirrored[..., axis::2])
    return mirrored


@TRANSFORMS.register_module()
class RandomFlip(BaseTransform):
    """Mirror the image and what lies in it.

    Reads ``img``, ``flip_indices``, and of the following what is there; writes ``flip`` (bool), ``flip_direction``
    (str or None), and mirrored ``img``, ``img_mask``, ``bbox``, ``bbox_center``, ``keypoints``, ``keypoints_visible``.
    After ``TopdownAffine`` the image is the model's input: ``transformed_keypoints`` are mirrored within it, the others
    (and ``input_center``) within the original image.

    Horizontal and vertical mirroring swaps the left and right keypoints by ``flip_indices``; both together are a
    rotation and swap none.

    In the pipeline of a data set of this package ``img`` is left to the ``TopdownAffine`` behind, which mirrors while
    it warps, where every transform in between is known to leave pixels alone (``FusingCompose``). Pixels may then round
    another way than those of an image that is mirrored first: by one gray level with OpenCV 5, by more than one in
    about a thousandth of the values with OpenCV 4. All else is equal to the last bit.

    Args:
        prob: probability of a flip, shared evenly by the directions; or one per direction, at most 1 together.
        direction: ``'horizontal'``, ``'vertical'``, ``'diagonal'``, or several of them.
        exact: mirror the image itself, never leave it to ``TopdownAffine``: every pixel is then the one that MMPose
            gives. Without a ``TopdownAffine`` behind it makes no difference.

    Raises:
        ValueError: at construction, a probability or a direction that is not allowed; at a flip, ``flip_indices`` that
            do not fit the keypoints.
    """

    def __init__(
        self,
        prob: Union[float, Sequence[float]] = 0.5,
        direction: Union[str, Sequence[str]] = "horizontal",
        exact: bool = False,
    ) -> None:
        directions = list(direction) if isinstance(direction, (list, tuple)) else [direction]
        if not directions or not all(isinstance(name, str) and name in AXES for name in directions):
            raise ValueError(f"RandomFlip: direction={direction!r} must be one or several of {tuple(AXES)}.")
        if is_number(prob):
            shares = [prob / len(directions)] * len(directions)
        else:
            shares = list(prob) if isinstance(prob, (list, tuple)) else []
        numbers = len(shares) == len(directions) and all(map(is_number, shares))
        if not numbers or min(shares) < 0 or sum(shares) > 1 + 1e-9:
            raise ValueError(
                f"RandomFlip: prob={prob!r} must be one number in [0, 1], or one per direction of {directions} "
                "with a sum of at most 1."
            )
        if not isinstance(exact, (bool, np.bool_)):
            raise ValueError(f"RandomFlip: exact={exact!r} must be True or False.")
        self.prob = prob
        self.direction = direction
        self.exact = bool(exact)
        self._outcomes = [*directions, None]
        # as numpy.random.choice lays its outcomes out over [0, 1)
        self._upper_ends = np.cumsum([*shares, max(0.0, 1.0 - sum(shares))])
        self._upper_ends /= self._upper_ends[-1]

    @repeatable_draw
    def _choose_direction(self) -> Optional[str]:
        """The direction of this flip, None for no flip, by one uniform draw."""
        return self._outcomes[self._upper_ends.searchsorted(np.random.random_sample(), side="right")]

    def transform(self, results: dict) -> dict:
        """Mirror ``results``, or not."""
        direction = self.mirror_annotations(results)
        if direction is not None:
            results["img"] = mirrored_image(results["img"], direction)
        return results

    def mirror_annotations(self, results: dict) -> Optional[str]:
        """Draw the direction and mirror all of ``results`` but ``img``, in place.

        Returns:
            The direction, None for no flip. The caller owes the sample an ``img`` that is mirrored along it.
        """
        direction = self._choose_direction()
        results["flip"] = direction is not None
        results["flip_direction"] = direction
        if direction is None:
            return None
        image_size = results["img"].shape[1::-1]
        if "img_mask" in results:
            results["img_mask"] = mirrored_image(results["img_mask"], direction)

        frames = dict.fromkeys(("bbox", "bbox_center", "keypoints", "input_center"), image_size)
        if results.get("transformed_keypoints") is not None:
            frames = dict.fromkeys(frames, results["img_shape"][1::-1])
            frames["transformed_keypoints"] = image_size
        for key, size in frames.items():
            if results.get(key) is not None:
                mirror = mirrored_boxes if key == "bbox" else mirrored_points
                results[key] = mirror(results[key], size, direction)
        if direction != "diagonal":
            self._swap_partners(results)
        return direction

    def _swap_partners(self, results: dict) -> None:
        """Give each keypoint the place of its partner."""
        keypoints = results.get("keypoints")
        if keypoints is None:
            return
        partners = results.get("flip_indices")
        if partners is None or len(partners) != keypoints.shape[1]:
            raise ValueError(_message_on_partners(results, partners, keypoints.shape[1]))
        partners = np.asarray(partners)
        for key in ("keypoints", "transformed_keypoints", "keypoints_visible"):
            if results.get(key) is not None:
                results[key] = results[key].take(partners, axis=1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(prob={self.prob}, direction={self.direction!r}, exact={self.exact})"


def _message_on_partners(results: dict, partners: Optional[Sequence[int]], count: int) -> str:
    has = "no flip_indices" if partners is None else f"flip_indices of length {len(partners)}"
    return (
        f"RandomFlip: a sample of data set {results.get('dataset_name')!r} has {count} keypoints but {has}. "
        "Convert the keypoints of this source to the keypoint set of the combined data set "
        "(a KeypointConverter in the source's own pipeline) before they are flipped, "
        "or give the data set the metainfo that fits its keypoints."
    )
