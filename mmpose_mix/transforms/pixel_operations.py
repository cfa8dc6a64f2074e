"""The operations of albumentations that RTMPose is trained with, in numpy and OpenCV, drawn from numpy's generator.

Names and arguments are albumentations', both those before its version 1.4.11, as in MMPose's configs, and the later
ones. What is drawn has its distribution, not its values: its own differ between its releases, too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Optional, Union

import cv2
import numpy as np

from mmpose_mix.transforms.arguments import findings_on_probabilities

Limits = Union[float, Sequence[float]]


class _Operation(ABC):
    """Changes an image with probability ``p``."""

    def __init__(self, p: float, findings: Sequence[str]) -> None:
        findings = [*findings_on_probabilities(p=p), *findings]
        if findings:
            raise ValueError(f"{type(self).__name__}: {'; '.join(findings)}.")
        self.p = p

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """An image (h, w, C) uint8 -> the changed one, or itself."""
        return self.changed(image) if np.random.rand() < self.p else image

    @abstractmethod
    def changed(self, image: np.ndarray) -> np.ndarray:
        """The changed image, a new array."""


class Blur(_Operation):
    """The mean of a square around each pixel.

    Args:
        blur_limit: least and most side of the square, pixels, odd from 3; or the most alone. Sides between are odd.
        p: probability.
    """

    def __init__(self, blur_limit: Union[int, Sequence[int]] = (3, 7), p: float = 0.5) -> None:
        limits = (3, blur_limit) if isinstance(blur_limit, Integral) else tuple(blur_limit)
        fits = len(limits) == 2 and all(isinstance(side, Integral) and side % 2 for side in limits)
        fine = fits and 3 <= limits[0] <= limits[1]
        super().__init__(p, [] if fine else [f"blur_limit={blur_limit!r} must be odd from 3, or two such"])
        self.sides = range(limits[0], limits[1] + 1, 2)

    def changed(self, image: np.ndarray) -> np.ndarray:
        """The blurred image."""
        return self.blurred(image, int(self.sides[np.random.randint(len(self.sides))]))

    @staticmethod
    def blurred(image: np.ndarray, side: int) -> np.ndarray:
        """The image blurred with a square of this side."""
        return cv2.blur(image, (side, side))


class MedianBlur(Blur):
    """The median of a square around each pixel. Arguments as :class:`Blur`."""

    @staticmethod
    def blurred(image: np.ndarray, side: int) -> np.ndarray:
        """The image with the medians of a square of this side."""
        return cv2.medianBlur(image, side)


class CoarseDropout(_Operation):
    """Rectangles of one colour at random places.

    Args:
        num_holes_range: least and most number of rectangles.
        hole_height_range, hole_width_range: least and most size: whole numbers are pixels, others shares of the image.
        fill: the colour, one value for all channels or one for each.
        max_holes, min_holes, max_height, min_height, max_width, min_width, fill_value: the older names; the least is
            the most where it is not given. 8 pixels and 8 holes are their defaults.
        p: probability.
    """

    def __init__(
        self,
        num_holes_range: Optional[Sequence[int]] = None,
        hole_height_range: Optional[Limits] = None,
        hole_width_range: Optional[Limits] = None,
        fill: Optional[Union[float, Sequence[float]]] = None,
        p: float = 0.5,
        *,
        max_holes: Optional[int] = None,
        min_holes: Optional[int] = None,
        max_height: Optional[float] = None,
        min_height: Optional[float] = None,
        max_width: Optional[float] = None,
        min_width: Optional[float] = None,
        fill_value: Optional[Union[float, Sequence[float]]] = None,
    ) -> None:
        of_both_ages = {
            "num_holes_range": (num_holes_range, min_holes, max_holes),
            "hole_height_range": (hole_height_range, min_height, max_height),
            "hole_width_range": (hole_width_range, min_width, max_width),
        }
        findings = [
            f"{name} and its older names are both given"
            for name, (new, *old) in {**of_both_ages, "fill": (fill, fill_value)}.items()
            if new is not None and any(value is not None for value in old)
        ]
        old_names = any(value is not None for _, *old in of_both_ages.values() for value in old)
        limits = [
            _limits(default if old_names else newer, *given)
            for given, default, newer in zip(of_both_ages.values(), (8, 8, 8), ((1, 2), (0.1, 0.2), (0.1, 0.2)))
        ]
        for name, pair in zip(of_both_ages, limits):
            least = 1 if name == "num_holes_range" else 0
            numbers = len(pair) == 2 and all(isinstance(value, Real) for value in pair)
            if not numbers or not least <= pair[0] <= pair[1] or pair[1] == 0:
                findings.append(f"{name}={pair!r} must be two numbers from {least}, the lesser first")
        super().__init__(p, findings)
        self.num_holes, self.heights, self.widths = limits
        self.fill = fill if fill is not None else (0 if fill_value is None else fill_value)

    def changed(self, image: np.ndarray) -> np.ndarray:
        """The image with the rectangles in it."""
        image = image.copy()
        for _ in range(np.random.randint(self.num_holes[0], self.num_holes[1] + 1)):
            height, width = (_size(pair, side) for pair, side in zip((self.heights, self.widths), image.shape))
            top = np.random.randint(image.shape[0] - height + 1)
            left = np.random.randint(image.shape[1] - width + 1)
            image[top : top + height, left : left + width] = self.fill
        return image


def _limits(default: Any, new: Any, least: Any, most: Any) -> tuple:
    """The least and the most, of the newer argument, else of the older pair, else the default."""
    if new is not None:
        return tuple(new) if isinstance(new, Sequence) else (new, new)
    if isinstance(default, tuple):
        return default
    most = default if most is None else most
    return (most if least is None else least, most)


def _size(limits: tuple, side: int) -> int:
    """A length drawn between the limits, pixels, at most the image's side."""
    if all(isinstance(limit, Integral) for limit in limits):
        drawn = np.random.randint(limits[0], limits[1] + 1)
    else:
        drawn = int(np.random.uniform(*limits) * side)
    return min(max(int(drawn), 1), side)


OPERATIONS: Mapping[str, Callable[..., _Operation]] = {
    "Blur": Blur,
    "MedianBlur": MedianBlur,
    "CoarseDropout": CoarseDropout,
}
