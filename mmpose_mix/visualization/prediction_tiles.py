"""Predictions on enlarged images, with some keypoints in the limelight: tiles of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from mmpose_mix.structures import PoseDataSample
from mmpose_mix.visualization.poses import Brush, PoseLook, draw_pose
from mmpose_mix.visualization.primitives import draw_disc, draw_text

_PINK, _WHITE, _DARK = (226, 22, 120), (255, 255, 255), (24, 24, 24)
_LEAST_SCORE = 0.2
_FADE = 0.8  # how strong the image stays beneath what is drawn on it
_GAP = 10


def samples_by_image(samples: Sequence[PoseDataSample]) -> list[list[PoseDataSample]]:
    """The people of each image together, images in the order of their first person."""
    groups: dict[Any, list[PoseDataSample]] = {}
    for sample in samples:
        groups.setdefault(sample.metainfo["img_id"], []).append(sample)
    return list(groups.values())


def prediction_tile(
    people: Sequence[PoseDataSample],
    metainfo: Mapping[str, Any],
    highlight: Sequence[str] = (),
    factor: int = 2,
    smooth: bool = False,
) -> np.ndarray:
    """One image, enlarged, with the predicted poses of its people.

    Args:
        people: samples of one image, with ``img_path`` and ``pred_instances`` in its pixels; predictions with a score
            below 0.2 are left out.
        metainfo: parsed, of the predicted keypoints.
        highlight: names of keypoints that are drawn larger, in pink, with their name.
        factor: enlargement.
        smooth: take the grain out of the image first, so that it compresses well.

    Returns:
        (factor * h, factor * w, 3) uint8 RGB.

    Raises:
        FileNotFoundError: if the image cannot be read.
    """
    path = people[0].metainfo["img_path"]
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(f"{path} is no image that can be read.")
    image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    if smooth:
        image = cv2.bilateralFilter(image, 9, 34, 7)
    picture = np.ascontiguousarray(255 - (255 - image[..., ::-1]) * _FADE).astype(np.uint8)
    names = list(metainfo["keypoint_id2name"].values())
    places = [names.index(name) for name in highlight]
    look = PoseLook.from_metainfo(metainfo, len(names))
    brush = Brush(radius=2.0 * factor, line_width=1.1 * factor)
    for person in people:
        keypoints = (person.pred_instances.keypoints[0, :, :2] + 0.5) * factor - 0.5
        shown = person.pred_instances.keypoint_scores[0] >= _LEAST_SCORE
        draw_pose(picture, keypoints, shown, look, brush)
        for name, place in zip(highlight, places):
            if shown[place]:
                _draw_highlight(picture, keypoints[place], name, factor)
    return picture


def _draw_highlight(picture: np.ndarray, place: np.ndarray, name: str, factor: int) -> None:
    radius = 3.2 * factor
    draw_disc(picture, place, radius + 0.5 * factor, _WHITE)
    draw_disc(picture, place, radius, _PINK)
    height = 5.2 * factor
    corner = place + [radius + factor, -1.1 * height]
    draw_text(picture, name, corner, height, _WHITE, _DARK, alpha=0.62)


def row_of_pictures(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures of one height side by side on white, (h, w, 3) uint8."""
    gap = np.full((pictures[0].shape[0], _GAP, 3), 255, dtype=np.uint8)
    parts = [part for picture in pictures for part in (picture, gap)]
    return np.concatenate(parts[:-1], axis=1)


def column_of_pictures(pictures: Sequence[np.ndarray], width: int) -> np.ndarray:
    """Pictures scaled to one width, one below the other on white, (h, width, 3) uint8."""
    parts = []
    for picture in pictures:
        height = round(picture.shape[0] * width / picture.shape[1])
        parts.append(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
        parts.append(np.full((_GAP, width, 3), 255, dtype=np.uint8))
    return np.concatenate(parts[:-1])


def write_small_png(path: Path, picture: np.ndarray, colors: int = 256) -> None:
    """Write a PNG with a palette, which is small for pictures with large flat parts.

    Args:
        path: of the file; its folder is made.
        picture: (h, w, 3) uint8 RGB.
        colors: in the palette, 256 at most.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # k-means after the median cut keeps rare bright colours, such as those of the marks
    reduced = Image.fromarray(picture).quantize(
        colors, method=Image.Quantize.MEDIANCUT, kmeans=4, dither=Image.Dither.NONE
    )
    reduced.save(path, format="PNG", optimize=True)
