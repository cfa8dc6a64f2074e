"""A batch of the mixture as the network gets it, as one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import cv2
import numpy as np
import torch

from mmpose_mix.structures import PoseDataSample
from mmpose_mix.visualization.poses import Brush, PoseLook, draw_pose
from mmpose_mix.visualization.primitives import draw_disc, draw_ring, draw_text, text_width

_PAPER, _INK, _FAINT = (255, 255, 255), (30, 30, 30), (120, 120, 120)
_GAP = 12
_CAPTION_HEIGHT = 11.0
_CAPTION_LINES = 2
# The disc of a source beside its name, so that the eye finds the samples of one source (Okabe and Ito's palette).
_SOURCE_COLORS = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (240, 228, 66),
    (0, 0, 0),
)


@dataclass(frozen=True)
class _Tile:
    """One sample: its picture, the source it is of, and how many of its keypoints are labelled and trained."""

    picture: np.ndarray
    source: str
    labelled: int
    trained: int
    num_keypoints: int


def draw_batch(
    batch: Mapping[str, Sequence],
    metainfo: Mapping[str, Any],
    columns: int = 8,
    max_samples: int = 16,
    tile_height: int = 320,
) -> np.ndarray:
    """Draw the first samples of a training batch: image, keypoints, and what is trained of them.

    A disc is a keypoint that is trained; a ring one that the source labels, but that nobody sees; a keypoint that the
    source does not label is absent. Under each image stand the source's name and the two numbers.

    Args:
        batch: as a data loader yields it: ``inputs``, B uint8 tensors (3, h, w) in BGR, and ``data_samples``, B samples
            of one person each, packed with ``PackPoseInputs(pack_transformed=True)`` after ``GenerateTarget``.
        metainfo: parsed, of the target keypoint set.
        columns: images side by side.
        max_samples: how many are drawn.
        tile_height: of each image, pixels.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: where the images are not uint8, or the samples lack ``transformed_keypoints`` or
            ``keypoint_weights``.
    """
    inputs, samples = list(batch["inputs"])[:max_samples], list(batch["data_samples"])[:max_samples]
    if not inputs:
        raise ValueError("draw_batch: the batch is empty.")
    tiles = [_tile(image, sample, metainfo, tile_height) for image, sample in zip(inputs, samples)]
    sources = sorted({tile.source for tile in tiles})
    colors = {source: _SOURCE_COLORS[number % len(_SOURCE_COLORS)] for number, source in enumerate(sources)}
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    width = max(max(tile.picture.shape[1], _caption_width(tile)) for tile in tiles)
    height = tile_height + round(_CAPTION_LINES * 2 * _CAPTION_HEIGHT)
    legend_height = round(4 * _CAPTION_HEIGHT)
    canvas_width = max(columns * (width + _GAP) + _GAP, _draw_legend(None, 0))
    canvas = np.empty((rows * (height + _GAP) + _GAP + legend_height, canvas_width, 3), dtype=np.uint8)
    canvas[...] = _PAPER
    for number, tile in enumerate(tiles):
        left = _GAP + number % columns * (width + _GAP)
        top = _GAP + number // columns * (height + _GAP)
        canvas[top : top + tile_height, left : left + tile.picture.shape[1]] = tile.picture
        _draw_caption(canvas, tile, left, top + tile_height, colors[tile.source])
    _draw_legend(canvas, rows * (height + _GAP) + _GAP)
    return canvas


def _tile(image: torch.Tensor, sample: PoseDataSample, metainfo: Mapping[str, Any], tile_height: int) -> _Tile:
    if not isinstance(image, torch.Tensor) or image.dtype != torch.uint8 or image.ndim != 3:
        found = f"{image.dtype} of shape {tuple(image.shape)}" if isinstance(image, torch.Tensor) else type(image)
        raise ValueError(
            f"draw_batch: expected uint8 tensors (3, h, w) as inputs, got {found}. Pass the batch as the data loader "
            "yields it, before the data preprocessor."
        )
    keypoints = _of(sample.gt_instances, "transformed_keypoints", "PackPoseInputs needs pack_transformed=True")[0]
    weights = _of(sample.gt_instance_labels, "keypoint_weights", "the pipeline needs GenerateTarget")[0]
    labelled = _labelled(sample, len(weights))
    # data sets write (0, 0) where nobody knows the place
    placed = (np.asarray(sample.gt_instances.keypoints)[0, :, :2] != 0).any(axis=-1)
    picture = np.ascontiguousarray(image.permute(1, 2, 0).numpy()[..., ::-1])
    factor = tile_height / picture.shape[0]
    size = (round(picture.shape[1] * factor), tile_height)
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA)
    trained = (weights > 0) & labelled
    look = PoseLook.from_metainfo(metainfo, len(weights))
    # pixel centres stay centres when the picture is scaled
    places = (keypoints[:, :2] + 0.5) * factor - 0.5
    draw_pose(picture, places, trained, look, Brush(radius=6, line_width=2.5), hollow=labelled & placed)
    source = str(sample.get("dataset_name", "unknown"))
    return _Tile(picture, source, int(labelled.sum()), int(trained.sum()), len(weights))


def _of(fields: Any, name: str, remedy: str) -> np.ndarray:
    if name not in fields:
        raise ValueError(f"draw_batch: the samples have no '{name}': {remedy}.")
    values = fields.get(name)
    return values.numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def _labelled(sample: PoseDataSample, num_keypoints: int) -> np.ndarray:
    labels = sample.gt_instance_labels
    if "keypoints_visible_weights" not in labels:
        return np.ones(num_keypoints, dtype=bool)
    return _of(labels, "keypoints_visible_weights", "")[0] > 0


def _caption(tile: _Tile) -> tuple[str, str]:
    return tile.source, f"{tile.labelled}/{tile.num_keypoints} labelled, {tile.trained} trained"


def _caption_width(tile: _Tile) -> int:
    name, numbers = _caption(tile)
    disc = round(1.6 * _CAPTION_HEIGHT)
    return max(disc + text_width(name, _CAPTION_HEIGHT), text_width(numbers, 0.8 * _CAPTION_HEIGHT))


def _draw_caption(canvas: np.ndarray, tile: _Tile, left: int, top: int, color: Sequence[int]) -> None:
    name, numbers = _caption(tile)
    radius = 0.5 * _CAPTION_HEIGHT
    _, height = draw_text(canvas, name, (left + 1.6 * _CAPTION_HEIGHT, top + 2), _CAPTION_HEIGHT, _INK)
    draw_disc(canvas, (left + radius + 2, top + 2 + height / 2), radius, color)
    draw_text(canvas, numbers, (left - 2, top + height), 0.8 * _CAPTION_HEIGHT, _FAINT)


def _draw_legend(canvas: Optional[np.ndarray], top: int) -> int:
    """Draw the legend, or only say how wide it is."""
    left, radius = float(_GAP), 6.0
    for mark, text in (
        ("disc", "trained"),
        ("ring", "labelled, not visible: not trained"),
        ("none", "absent: not labelled by the source, or nobody knows where"),
    ):
        middle = top + 1.5 * _CAPTION_HEIGHT
        if canvas is not None and mark == "disc":
            draw_disc(canvas, (left + radius, middle), radius, _FAINT)
        if canvas is not None and mark == "ring":
            draw_ring(canvas, (left + radius, middle), radius, _FAINT, 2)
        left += 0 if mark == "none" else 2 * radius + 2
        if canvas is not None:
            draw_text(canvas, text, (left, top + 0.5 * _CAPTION_HEIGHT), _CAPTION_HEIGHT, _INK)
        left += text_width(text, _CAPTION_HEIGHT) + _GAP
    return round(left)
