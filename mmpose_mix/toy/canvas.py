"""A picture under construction that remembers which part owns which pixel, so that hidden joints are known."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cv2
import numpy as np

_FINE = 2  # the picture is painted this many times larger and averaged down
_SHIFT = 4  # fractional bits of OpenCV's vertex coordinates
_HALF_CIRCLE = np.linspace(0.0, 1.0, 9)
_FULL_CIRCLE = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
_CIRCLE = np.stack([np.cos(_FULL_CIRCLE), np.sin(_FULL_CIRCLE)], axis=1)


class Canvas:
    """Paints anti-aliased shapes in the order of the calls.

    Coordinates are pixels of the finished picture, pixel centres at whole numbers, x right, y down. Every shape belongs
    to an ``owner`` from 1 to 255; 0 is the background.

    Args:
        background (np.ndarray): (h, w, 3) uint8, BGR.
    """

    def __init__(self, background: np.ndarray) -> None:
        self.height, self.width = background.shape[:2]
        size = (self.width * _FINE, self.height * _FINE)
        self._fine = cv2.resize(background, size, interpolation=cv2.INTER_LINEAR)
        self.owner = np.zeros((self.height, self.width), dtype=np.uint8)

    def polygon(self, points: np.ndarray, colour: np.ndarray, owner: int | None = None) -> None:
        """Fill a convex polygon (n, 2). With no owner it is decoration of what lies beneath."""
        fine = (points * _FINE + (_FINE - 1) / 2) * (1 << _SHIFT)
        cv2.fillConvexPoly(self._fine, np.rint(fine).astype(np.int32), tuple(map(float, colour)), cv2.LINE_AA, _SHIFT)
        if owner is not None:
            coarse = np.rint(points * (1 << _SHIFT)).astype(np.int32)
            cv2.fillConvexPoly(self.owner, coarse, owner, cv2.LINE_8, _SHIFT)

    def disc(self, centre: np.ndarray, radius: float, colour: np.ndarray, owner: int | None = None) -> None:
        """Fill a circle."""
        self.polygon(centre + radius * _CIRCLE, colour, owner)

    def blend(self, centre: np.ndarray, colours: np.ndarray, mask: np.ndarray, owner: int) -> None:
        """Put a square of fine pixels, (n, n, 3) with a (n, n) mask, on the pixel grid found by :meth:`fine_grid`."""
        left, top = _patch_corner(centre, len(mask))
        height, width = self._fine.shape[:2]
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + len(mask), width), min(top + len(mask), height)
        if x0 >= x1 or y0 >= y1:
            return
        part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
        self._fine[y0:y1, x0:x1][mask[part]] = colours[part][mask[part]]
        self.owner[y0 // _FINE : y1 // _FINE, x0 // _FINE : x1 // _FINE][mask[part][::_FINE, ::_FINE]] = owner

    def finish(self) -> np.ndarray:
        """The picture, (h, w, 3) uint8."""
        return cv2.resize(self._fine, (self.width, self.height), interpolation=cv2.INTER_AREA)

    def shows(self, point: np.ndarray, owners: Collection[int], radius: float) -> bool:
        """Whether at least half of the disc around a point inside the picture belongs to the owners."""
        x, y = np.rint(point).astype(int)
        reach = max(1, round(radius))
        disc = self.owner[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
        wanted = np.zeros(256, dtype=bool)
        wanted[list(owners)] = True
        return bool(disc.size) and 2 * np.count_nonzero(wanted[disc]) >= disc.size

    def contains(self, point: np.ndarray) -> bool:
        """Whether a point lies in the picture."""
        return bool(0 <= point[0] <= self.width - 1 and 0 <= point[1] <= self.height - 1)


def fine_grid(centre: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (n, n) in x and y of the fine pixels around a centre, in pixels of the finished picture."""
    cells = 2 * int(np.ceil(radius + 1)) * _FINE
    left, top = _patch_corner(centre, cells)
    steps = np.arange(cells, dtype=np.float32)
    xs = (left + steps - (_FINE - 1) / 2) / _FINE - centre[0]
    ys = (top + steps - (_FINE - 1) / 2) / _FINE - centre[1]
    return np.meshgrid(xs.astype(np.float32), ys.astype(np.float32))


def _patch_corner(centre: np.ndarray, cells: int) -> tuple[int, int]:
    """First fine pixel of a square around a centre, aligned to a pixel of the finished picture."""
    left, top = (np.rint(centre).astype(int) - cells // (2 * _FINE)) * _FINE
    return int(left), int(top)


def capsule(start: np.ndarray, end: np.ndarray, start_radius: float, end_radius: float) -> np.ndarray:
    """Outline (18, 2) of two circles and what their tangents enclose: a limb."""
    axis = end - start
    length = float(np.hypot(*axis))
    if length <= abs(start_radius - end_radius) + 1e-6:
        centre, radius = (start, start_radius) if start_radius >= end_radius else (end, end_radius)
        return centre + radius * _CIRCLE
    heading = np.arctan2(axis[1], axis[0])
    spread = np.arccos((start_radius - end_radius) / length)
    front = heading - spread + _HALF_CIRCLE * 2 * spread
    back = heading + spread + _HALF_CIRCLE * 2 * (np.pi - spread)
    return np.concatenate(
        [
            end + end_radius * np.stack([np.cos(front), np.sin(front)], axis=1),
            start + start_radius * np.stack([np.cos(back), np.sin(back)], axis=1),
        ]
    )


def hull_of_discs(centres: Sequence[np.ndarray], radii: Sequence[float]) -> np.ndarray:
    """Convex outline (n, 2) around several circles."""
    points = np.concatenate([centre + radius * _CIRCLE for centre, radius in zip(centres, radii)])
    return cv2.convexHull(points.astype(np.float32))[:, 0].astype(np.float64)


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """BGR colour (3,) in 0..255 of a hue in turns and a saturation and value in 0..1."""
    sector = (hue % 1.0) * 6.0
    wheel = np.clip(np.abs((sector - np.array([4.0, 2.0, 0.0]) + 3.0) % 6.0 - 3.0), None, 3.0)
    pure = np.clip(2.0 - wheel, 0.0, 1.0)
    return 255.0 * value * (1.0 - saturation + saturation * pure)
