"""How a keypoint set looks, and one pose drawn in that look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional, Union

import numpy as np

from mmpose_mix.visualization.primitives import draw_disc, draw_line, draw_ring, draw_text

ColorArgument = Union[str, Sequence, None]

_OUTLINE = (24, 24, 24)
_WHITE = (255, 255, 255)
# The sizes that a user gives are for an image of this size.
_REFERENCE_SIDE = 560.0
# A keypoint is drawn no larger than this share of its pose, so that small people are not hidden under their keypoints.
_LARGEST_SHARE = 0.035


@dataclass(frozen=True)
class PoseLook:
    """Colours and links of K keypoints.

    Attributes:
        keypoint_colors: (K, 3) uint8, RGB.
        links: pairs of keypoint indices.
        link_colors: (L, 3) uint8, RGB.
    """

    keypoint_colors: np.ndarray
    links: tuple[tuple[int, int], ...]
    link_colors: np.ndarray

    @classmethod
    def from_metainfo(
        cls,
        metainfo: Mapping,
        num_keypoints: int,
        kpt_color: ColorArgument = None,
        link_color: ColorArgument = None,
        skeleton: Optional[Sequence] = None,
    ) -> PoseLook:
        """The look of a parsed metainfo, with what is given beside it taking its place.

        Args:
            metainfo: may have ``keypoint_colors``, ``skeleton_links`` and ``skeleton_link_colors``.
            num_keypoints: K.
            kpt_color: one colour (a name, or three numbers of 0..255, RGB) or K of them. Red where neither it nor the
                metainfo says anything.
            link_color: the same for links; without any, a link has the colour of its second keypoint.
            skeleton: pairs of keypoint indices.

        Raises:
            ValueError: where the number of colours does not fit, or a link names a keypoint that does not exist.
        """
        own_links = metainfo.get("skeleton_links", ())
        links = tuple((int(a), int(b)) for a, b in (own_links if skeleton is None else skeleton))
        beyond = [link for link in links if not all(0 <= end < num_keypoints for end in link)]
        if beyond:
            raise ValueError(f"skeleton: links {beyond} name keypoints that are not among 0..{num_keypoints - 1}.")
        own_color = metainfo.get("keypoint_colors", "red")
        keypoint_colors = _colors("kpt_color", own_color if kpt_color is None else kpt_color, num_keypoints)
        if link_color is None and skeleton is None:
            link_color = metainfo.get("skeleton_link_colors")
        if link_color is None:
            link_colors = keypoint_colors[[second for _, second in links]]
        else:
            link_colors = _colors("link_color", link_color, len(links))
        return cls(keypoint_colors, links, link_colors)

    def subset(self, indices: Sequence[int]) -> PoseLook:
        """The look of a choice of the keypoints, in the order of the choice; links between others are gone."""
        places = {int(index): place for place, index in enumerate(indices)}
        kept = [number for number, link in enumerate(self.links) if set(link) <= set(places)]
        links = tuple((places[a], places[b]) for a, b in (self.links[number] for number in kept))
        return PoseLook(self.keypoint_colors[list(places)], links, self.link_colors[kept])


@dataclass(frozen=True)
class Brush:
    """Sizes in pixels of an image of about 640 x 480; they grow and shrink with the image.

    Attributes:
        radius: of a keypoint.
        line_width: of a link.
        alpha: opacity of all marks, 0..1.
    """

    radius: float = 3
    line_width: float = 1
    alpha: float = 1.0

    def scale(self, image: np.ndarray) -> float:
        """How many pixels of this image one pixel of the reference stands for."""
        return max(float(np.sqrt(image.shape[0] * image.shape[1])) / _REFERENCE_SIDE, 0.3)

    def text_height(self, image: np.ndarray) -> float:
        """Of capital letters, pixels."""
        return max(9.0, 10 * self.scale(image))


def draw_pose(
    image: np.ndarray,
    keypoints: np.ndarray,
    filled: np.ndarray,
    look: PoseLook,
    brush: Brush,
    hollow: Optional[np.ndarray] = None,
    opacity: Optional[np.ndarray] = None,
    names: Optional[Sequence[str]] = None,
    text_color: Sequence[int] = _WHITE,
) -> None:
    """Draw one pose into the image.

    Args:
        image: (h, w, 3) uint8 RGB, changed in place.
        keypoints: (K, 2), pixels.
        filled: (K,) bool: keypoints drawn as discs. Links are drawn between two of them.
        look: of K keypoints.
        brush: sizes.
        hollow: (K,) bool: keypoints drawn as rings.
        opacity: (K,) 0..1, multiplied with the brush's.
        names: K texts, written beside the keypoints that are drawn.
        text_color: RGB.
    """
    hollow = np.zeros(len(filled), dtype=bool) if hollow is None else hollow & ~filled
    opacity = np.ones(len(filled)) if opacity is None else np.clip(opacity, 0, 1)
    alphas = opacity * brush.alpha
    shown = filled | hollow
    if not shown.any():
        return
    extent = np.ptp(keypoints[shown], axis=0).max()
    scale = brush.scale(image)
    radius = brush.radius * scale
    if extent > 0 and radius > _LARGEST_SHARE * extent:
        shrunk = max(_LARGEST_SHARE * extent, min(radius, 1.5))
        scale, radius = scale * shrunk / radius, shrunk
    width = max(1, round(brush.line_width * scale * 1.5))
    for (first, second), color in zip(look.links, look.link_colors):
        if filled[first] and filled[second]:
            alpha = (alphas[first] + alphas[second]) / 2
            draw_line(image, keypoints[first], keypoints[second], color, width, alpha)
    for index in np.flatnonzero(shown):
        color, alpha = look.keypoint_colors[index], alphas[index]
        if filled[index]:
            draw_disc(image, keypoints[index], radius + max(0.7, radius * 0.3), _OUTLINE, alpha)
            draw_disc(image, keypoints[index], radius, color, alpha)
        else:
            _draw_hollow(image, keypoints[index], radius, color, alpha)
    if names is not None:
        height, offset = brush.text_height(image) * 0.8, np.array([radius + 1, -radius])
        for index in np.flatnonzero(shown & np.isfinite(keypoints).all(axis=-1)):
            corner = keypoints[index] + offset - [0, 1.6 * height]
            draw_text(image, names[index], corner, height, text_color, _OUTLINE, alpha=0.6)


def _draw_hollow(image: np.ndarray, center: np.ndarray, radius: float, color: Sequence[int], alpha: float) -> None:
    thickness = max(1, round(radius * 0.45))
    outer = radius + max(1.0, radius * 0.5)
    draw_ring(image, center, outer + max(0.7, radius * 0.25), _OUTLINE, thickness + 1, alpha)
    draw_ring(image, center, outer, color, thickness, alpha)


def rgb(color: ColorArgument) -> tuple[int, int, int]:
    """A colour as three numbers of 0..255: of a name that matplotlib knows, or of three numbers."""
    if isinstance(color, str):
        from matplotlib.colors import to_rgb  # matplotlib is slow to import, and most who import this draw nothing

        red, green, blue = (round(255 * part) for part in to_rgb(color))
        return red, green, blue
    parts = np.asarray(color)
    if parts.shape != (3,) or parts.min() < 0 or parts.max() > 255:
        raise ValueError(f"a colour is a name or three numbers of 0..255 (RGB), got {color!r}")
    return tuple(int(part) for part in parts)


def _colors(name: str, given: ColorArgument, number: int) -> np.ndarray:
    if isinstance(given, str) or (len(given) > 0 and isinstance(given[0], (int, float, np.number))):
        return np.tile(np.array([rgb(given)], dtype=np.uint8), (number, 1))
    if len(given) != number:
        raise ValueError(f"{name}: {len(given)} colours are given for {number}; give one colour, or one for each.")
    return np.array([rgb(color) for color in given], dtype=np.uint8).reshape(number, 3)
