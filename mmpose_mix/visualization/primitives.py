"""Marks drawn into an image with OpenCV: antialiased, placed to fractions of a pixel, clipped at the edges.

Every function changes ``image``, (h, w, 3) uint8, in place. Coordinates are pixels with (0, 0) in the middle of the
first one; colours are three numbers of 0..255 in the image's own channel order; ``alpha`` is 0 (nothing) to 1 (opaque).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

Color = Sequence[int]

_SHIFT = 4
_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Farther away than this from the image nothing of a mark can be seen, and OpenCV's integers would overflow.
_FARTHEST = 16384.0


def check_image(image: np.ndarray, name: str = "image") -> np.ndarray:
    """The image, or an error that says what kind of image is wanted."""
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        found = f"{image.dtype} of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(
            f"{name}: expected a numpy array (h, w, 3) of uint8, got {found}. Scale floats to 0..255 and convert grey "
            "images with cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)."
        )
    return image


def draw_disc(image: np.ndarray, center: Sequence[float], radius: float, color: Color, alpha: float = 1.0) -> None:
    """A filled circle."""
    _paint(image, [center], radius + 1, alpha, lambda layer, at: _circle(layer, at[0], radius, color, cv2.FILLED))


def draw_ring(
    image: np.ndarray, center: Sequence[float], radius: float, color: Color, thickness: int, alpha: float = 1.0
) -> None:
    """A circle line; its outer edge has the radius."""
    middle = radius - thickness / 2
    _paint(image, [center], radius + 1, alpha, lambda layer, at: _circle(layer, at[0], middle, color, thickness))


def draw_line(
    image: np.ndarray,
    start: Sequence[float],
    end: Sequence[float],
    color: Color,
    thickness: int,
    alpha: float = 1.0,
) -> None:
    """A straight line with round ends."""

    def line(layer: np.ndarray, at: np.ndarray) -> None:
        first, second = (tuple(point) for point in _fixed(at))
        cv2.line(layer, first, second, _plain(color), thickness, cv2.LINE_AA, _SHIFT)

    _paint(image, [start, end], thickness + 1, alpha, line)


def draw_box(image: np.ndarray, bbox_xyxy: Sequence[float], color: Color, thickness: int, alpha: float = 1.0) -> None:
    """The outline of a box."""

    def box(layer: np.ndarray, at: np.ndarray) -> None:
        first, second = (tuple(point) for point in _fixed(at))
        cv2.rectangle(layer, first, second, _plain(color), thickness, cv2.LINE_AA, _SHIFT)

    _paint(image, [bbox_xyxy[:2], bbox_xyxy[2:4]], thickness + 1, alpha, box)


def draw_text(
    image: np.ndarray,
    text: str,
    left_top: Sequence[float],
    height: float,
    color: Color,
    background: Color | None = None,
    alpha: float = 0.75,
) -> tuple[int, int]:
    """A line of text, on a plate of ``background`` where that is given.

    Args:
        text: ASCII, which is all that OpenCV's own font has.
        left_top: corner of the plate; moved so that the text stays inside the image where it can.
        height: of capital letters, pixels.
        alpha: of the plate.

    Returns:
        Width and height of the plate.
    """
    scale, thickness = height / 21, max(1, round(height / 11))
    (text_width, text_height), below = cv2.getTextSize(text, _FONT, scale, thickness)
    pad = max(2, round(height / 3))
    width, full_height = text_width + 2 * pad, text_height + below + pad
    x = int(np.clip(round(left_top[0]), 0, max(image.shape[1] - width, 0)))
    y = int(np.clip(round(left_top[1]), 0, max(image.shape[0] - full_height, 0)))
    if background is not None:
        plate = image[y : y + full_height, x : x + width]
        plate[...] = np.rint(alpha * np.asarray(background, dtype=np.float32) + (1 - alpha) * plate).astype(np.uint8)
    baseline = (x + pad, y + text_height + (pad + below) // 2)
    cv2.putText(image, text, baseline, _FONT, scale, _plain(color), thickness, cv2.LINE_AA)
    return width, full_height


def text_width(text: str, height: float) -> int:
    """How wide the plate of :func:`draw_text` becomes, pixels."""
    (width, _), _ = cv2.getTextSize(text, _FONT, height / 21, max(1, round(height / 11)))
    return width + 2 * max(2, round(height / 3))


def _paint(
    image: np.ndarray,
    points: Sequence[Sequence[float]],
    margin: float,
    alpha: float,
    paint: Callable[[np.ndarray, np.ndarray], None],
) -> None:
    """Let ``paint`` draw on a copy of the part of the image around the points, and blend it in."""
    places = np.asarray(points, dtype=np.float64)
    if not np.isfinite(places).all() or np.abs(places).max() > _FARTHEST:
        return
    size = [image.shape[1], image.shape[0]]
    left, top = np.clip(np.floor(places.min(axis=0) - margin), 0, size).astype(int)
    right, bottom = np.clip(np.ceil(places.max(axis=0) + margin) + 1, 0, size).astype(int)
    if left >= right or top >= bottom:
        return
    region = image[top:bottom, left:right]
    layer = region.copy()
    paint(layer, places - [left, top])
    image[top:bottom, left:right] = layer if alpha >= 1 else cv2.addWeighted(layer, alpha, region, 1 - alpha, 0)


def _circle(layer: np.ndarray, center: np.ndarray, radius: float, color: Color, thickness: int) -> None:
    fixed_radius = max(1, round(radius * 2**_SHIFT))
    cv2.circle(layer, tuple(_fixed(center)), fixed_radius, _plain(color), thickness, cv2.LINE_AA, _SHIFT)


def _fixed(points: np.ndarray) -> list:
    return np.rint(points * 2**_SHIFT).astype(int).tolist()


def _plain(color: Color) -> tuple[int, int, int]:
    """OpenCV wants Python's integers: newer numpy refuses to make them of arrays."""
    red, green, blue = color
    return int(red), int(green), int(blue)
