"""Random changes of an image's colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms.arguments import is_number

_LEVELS = np.arange(256)
#: OpenCV counts the hue of 8-bit images in half degrees.
_HUES = 180


def _changed_hsv(image: np.ndarray, hue: int, saturations: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A BGR image, uint8, with its hue turned and a new level for each of 256 levels of saturation and value."""
    tables = np.stack(((_LEVELS + hue) % _HUES, saturations, values), axis=-1).astype(np.uint8)
    hsv = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_BGR2HSV), tables[None])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def _levels(factor: float = 1.0, shift: float = 0.0) -> np.ndarray:
    """Each of the 256 levels times a factor and moved, cut to 0..255: (256,) uint8."""
    return np.clip(_LEVELS.astype(np.float32) * np.float32(factor) + np.float32(shift), 0, 255).astype(np.uint8)


def _check_image(name: str, results: dict) -> np.ndarray:
    image = results.get("img")
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        given = "none" if image is None else f"{getattr(image, 'dtype', type(image))} {np.shape(image)}"
        raise ValueError(f"{name}: the sample needs an 'img' (h, w, 3) uint8, BGR, but it has {given}.")
    return image


@TRANSFORMS.register_module()
class YOLOXHSVRandomAug(BaseTransform):
    """Turn the hue and move saturation and value by whole numbers, each with probability one half (YOLOX).

    Rewrites ``img`` (h, w, 3) uint8, BGR; the array that was there is left as it is.

    Args:
        hue_delta: most that the hue turns, in OpenCV's half degrees.
        saturation_delta, value_delta: most that these move, of 255.

    Raises:
        ValueError: a delta that is no number from 0; at a sample, there is no such image.
    """

    def __init__(self, hue_delta: int = 5, saturation_delta: int = 30, value_delta: int = 30) -> None:
        deltas = {"hue_delta": hue_delta, "saturation_delta": saturation_delta, "value_delta": value_delta}
        findings = [f"{name}={delta!r}" for name, delta in deltas.items() if not is_number(delta) or delta < 0]
        if findings:
            raise ValueError(f"YOLOXHSVRandomAug: {', '.join(findings)} must be numbers from 0.")
        self.hue_delta = hue_delta
        self.saturation_delta = saturation_delta
        self.value_delta = value_delta

    @cache_randomness
    def _moves(self) -> tuple[int, int, int]:
        """How far hue, saturation and value move: six draws, in MMPose's order."""
        moves = np.random.uniform(-1, 1, 3) * (self.hue_delta, self.saturation_delta, self.value_delta)
        moves *= np.random.randint(0, 2, 3)
        hue, saturation, value = moves.astype(int).tolist()
        return hue, saturation, value

    def transform(self, results: dict) -> dict:
        """Change the image of ``results``."""
        image = _check_image("YOLOXHSVRandomAug", results)
        hue, saturation, value = self._moves()
        results["img"] = _changed_hsv(image, hue, _levels(shift=saturation), _levels(shift=value))
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(hue_delta={self.hue_delta}, saturation_delta={self.saturation_delta}, "
            f"value_delta={self.value_delta})"
        )


class _Distortion(NamedTuple):
    """What one call of PhotometricDistortion does."""

    contrast_first: bool
    brightness: float
    contrast: float
    saturation: float
    hue: int
    channels: Sequence[int]


@TRANSFORMS.register_module()
class PhotometricDistortion(BaseTransform):
    """Brightness, contrast, saturation, hue and the order of the channels (SSD, Liu et al., 2016), each half the time.

    The contrast changes before saturation and hue, or after them, with equal probability. Rewrites ``img`` (h, w, 3)
    uint8, BGR; the array that was there is left as it is.

    Args:
        brightness_delta: most that all values move, of 255.
        contrast_range: factor of all values, (least, most).
        saturation_range: factor of the saturation, (least, most).
        hue_delta: most that the hue turns, in OpenCV's half degrees; a whole number.

    Raises:
        ValueError: an argument that is out of range; at a sample, there is no such image.
    """

    def __init__(
        self,
        brightness_delta: float = 32,
        contrast_range: Sequence[float] = (0.5, 1.5),
        saturation_range: Sequence[float] = (0.5, 1.5),
        hue_delta: int = 18,
    ) -> None:
        findings = [
            f"{name}={limits!r} must be two numbers from 0, the lesser first"
            for name, limits in (("contrast_range", contrast_range), ("saturation_range", saturation_range))
            if len(limits) != 2 or not 0 <= limits[0] <= limits[1]
        ]
        if not is_number(brightness_delta) or brightness_delta < 0:
            findings.append(f"brightness_delta={brightness_delta!r} must be a number from 0")
        if not isinstance(hue_delta, int) or hue_delta < 1:
            findings.append(f"hue_delta={hue_delta!r} must be a whole number from 1")
        if findings:
            raise ValueError(f"PhotometricDistortion: {'; '.join(findings)}.")
        self.brightness_delta = brightness_delta
        self.contrast_range = tuple(contrast_range)
        self.saturation_range = tuple(saturation_range)
        self.hue_delta = hue_delta

    @cache_randomness
    def _drawn(self) -> _Distortion:
        """What is done, drawn in MMPose's order; what is left out is drawn all the same."""
        contrast_first = bool(np.random.randint(2))
        brighten, contrast, in_hsv, swap = (np.random.randint(count) for count in (2, 2, 4, 2))
        shift = np.random.uniform(-self.brightness_delta, self.brightness_delta)
        factor = np.random.uniform(*self.contrast_range)
        saturation = np.random.uniform(*self.saturation_range)
        hue = int(np.random.randint(-self.hue_delta, self.hue_delta))
        channels = np.random.permutation(3)
        return _Distortion(
            contrast_first,
            brightness=shift if brighten else 0.0,
            contrast=factor if contrast else 1.0,
            saturation=saturation if in_hsv in (1, 3) else 1.0,
            hue=hue if in_hsv in (2, 3) else 0,
            channels=channels.tolist() if swap else (0, 1, 2),
        )

    def transform(self, results: dict) -> dict:
        """Change the image of ``results``."""
        image = _check_image("PhotometricDistortion", results)
        drawn = self._drawn()
        before = _levels(shift=drawn.brightness)
        if drawn.contrast_first:
            before = _levels(drawn.contrast)[before]
        image = cv2.LUT(image, before)
        if drawn.hue or drawn.saturation != 1:
            image = _changed_hsv(image, drawn.hue, _levels(drawn.saturation), _LEVELS)
        if not drawn.contrast_first:
            image = cv2.LUT(image, _levels(drawn.contrast))
        results["img"] = np.ascontiguousarray(image[..., drawn.channels])
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(brightness_delta={self.brightness_delta}, contrast_range={self.contrast_range}, "
            f"saturation_range={self.saturation_range}, hue_delta={self.hue_delta})"
        )
