"""Draws every shipped keypoint set for docs/keypoints.md: ``python -m benchmarks.keypoint_pictures [FOLDER]``.

The poses are templates, not annotations: they show which index is where, and the set's own links and colours.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.keypoint_layouts import places_of
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import named_keypoint_set, parse_pose_metainfo, shipped_configs
from mmpose_mix.visualization.poses import Brush, PoseLook, draw_pose
from mmpose_mix.visualization.primitives import draw_disc, draw_line, draw_text, text_width

PAPER, INK, GREY = (244, 245, 247), (32, 34, 40), (150, 154, 162)
# Everything is drawn twice as large and made smaller, for smooth letters.
FINE = 2
SIDE, MARGIN, LIST_WIDTH = 520, 34, 210
# Of larger sets the list names runs of keypoints, of those with bodies, faces and hands the figure numbers their ends.
MOST_LISTED, MOST_NUMBERED = 30, 110
FACE_RUNS: dict[str, tuple[tuple[int, str], ...]] = {
    "29": ((0, "brows"), (8, "eyes"), (16, "pupils"), (18, "nose"), (22, "lips"), (28, "chin"), (29, "")),
    "68": (
        (0, "contour"), (17, "right brow"), (22, "left brow"), (27, "nose ridge"), (31, "nose base"), (36, "right eye"),
        (42, "left eye"), (48, "outer lips"), (60, "inner lips"), (68, ""),
    ),
    "98": (
        (0, "contour"), (33, "right brow"), (42, "left brow"), (51, "nose ridge"), (55, "nose base"), (60, "right eye"),
        (68, "left eye"), (76, "outer lips"), (88, "inner lips"), (96, "pupils"), (98, ""),
    ),
    "106": (
        (0, "contour"), (33, "right brow"), (42, "left brow"), (51, "nose ridge"), (55, "nose"), (66, "right eye"),
        (75, "left eye"), (84, "outer lips"), (96, "inner lips"), (104, "pupils"), (106, ""),
    ),
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one PNG per metainfo file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.keypoint_pictures", description=__doc__)
    parser.add_argument("folder", nargs="?", default="docs/images/keypoints", type=Path)
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted((shipped_configs() / "_base_" / "datasets").glob("*.py")):
        picture = picture_of(named_keypoint_set(file.stem), file.stem)
        paletted = Image.fromarray(picture).quantize(64, kmeans=4, dither=Image.Dither.NONE)
        paletted.save(folder / f"{file.stem}.png", optimize=True)
        print(f"{folder / file.stem}.png: {(folder / f'{file.stem}.png').stat().st_size / 1000:.1f} kB")


def picture_of(keypoints: KeypointSet, title: str) -> np.ndarray:
    """A keypoint set drawn as a pose, with its indices and the names beside it.

    Args:
        keypoints: A set that a template of ``keypoint_layouts`` has places for.
        title: Above the names.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    pixels, height = pixels_of(np.array(places_of(keypoints)))
    lines = _listed(keypoints)
    row = min(18.0, (height - 60) / len(lines))
    image = np.full((FINE * height, FINE * (SIDE + LIST_WIDTH), 3), PAPER, dtype=np.uint8)
    look = PoseLook.from_metainfo(parse_pose_metainfo(keypoints.dataset_info()), keypoints.num_keypoints)
    many = keypoints.num_keypoints > MOST_LISTED
    unit = Brush().scale(image)
    brush = Brush(radius=(2.2 if many else 4.5) * FINE / unit, line_width=(1.2 if many else 2.2) * FINE / unit)
    draw_pose(image, pixels, np.ones(len(pixels), dtype=bool), look, brush)
    _number(image, pixels, look, _numbered(keypoints), (6.4 if many else 9.5) * FINE, brush)
    left = FINE * SIDE
    draw_text(image, title, (left, 14 * FINE), 10 * FINE, INK)
    draw_text(image, f"{keypoints.num_keypoints} keypoints", (left, 32 * FINE), 7 * FINE, GREY)
    for i, (color, text) in enumerate(lines):
        top = FINE * (54 + row * i)
        draw_disc(image, (left + 10 * FINE, top + 7 * FINE), 4.2 * FINE, INK)
        draw_disc(image, (left + 10 * FINE, top + 7 * FINE), 3.4 * FINE, color)
        draw_text(image, text, (left + 18 * FINE, top), 7 * FINE, INK)
    return cv2.resize(image, None, fx=1 / FINE, fy=1 / FINE, interpolation=cv2.INTER_AREA)


def pixels_of(places: np.ndarray) -> tuple[np.ndarray, int]:
    """Places in the fine image, and the height of the picture that they need."""
    low, size = places.min(axis=0), np.ptp(places, axis=0)
    scale = (SIDE - 2 * MARGIN) / size.max()
    height = max(int(np.ceil(size[1] * scale)) + 2 * MARGIN, 400)
    corner = (np.array([SIDE, height]) - size * scale) / 2
    return ((places - low) * scale + corner) * FINE, height


def _runs(keypoints: KeypointSet) -> list[tuple[int, int, str]]:
    """First and last index of what belongs together, and what it is."""
    names = keypoints.keypoint_names
    faces = [i for i, name in enumerate(names) if name.startswith(("face-", "kpt-"))]
    first = faces[0] if faces else len(names)
    marks = FACE_RUNS[str(len(faces))] if faces else ()
    runs = [(first + a, first + b - 1, words) for (a, words), (b, _) in zip(marks, marks[1:])]
    for side in ("left", "right"):
        hand = [i for i, name in enumerate(names) if name.startswith(f"{side}_") and _is_of_hand(name)]
        runs += [(hand[0], hand[-1], f"{side} hand, thumb to pinky")] if hand else []
    inside = {i for a, b, _ in runs for i in range(a, b + 1)}
    runs += [(i, i, name) for i, name in enumerate(names) if i not in inside]
    return sorted(runs)


def _is_of_hand(name: str) -> bool:
    return name.endswith("_hand_root") or (
        name.rstrip("1234").endswith(("thumb", "_finger", "forefinger")) and name[-1].isdigit()
    )


def _listed(keypoints: KeypointSet) -> list[tuple[np.ndarray, str]]:
    """Colour and text of each line of the list."""
    if keypoints.num_keypoints <= MOST_LISTED and not keypoints.keypoint_names[0].startswith("kpt-"):
        return [(keypoints.colors[i], f"{i}  {name}") for i, name in enumerate(keypoints.keypoint_names)]
    return [
        (keypoints.colors[a], f"{a}  {words}" if a == b else f"{a}-{b}  {words}") for a, b, words in _runs(keypoints)
    ]


def _numbered(keypoints: KeypointSet) -> list[int]:
    """The keypoints whose index is written into the figure."""
    if keypoints.num_keypoints <= MOST_NUMBERED:
        return list(range(keypoints.num_keypoints))
    tips = [i for i, name in enumerate(keypoints.keypoint_names) if _is_of_hand(name) and name.endswith("4")]
    return sorted({end for a, b, _ in _runs(keypoints) for end in (a, b)} | set(tips))


def _number(
    image: np.ndarray, pixels: np.ndarray, look: PoseLook, numbered: Sequence[int], height: float, brush: Brush
) -> None:
    """Write indices where they cover least of the figure and of each other."""
    taken = np.zeros(image.shape[:2], dtype=np.uint8)
    unit = brush.scale(image)
    radius, line = brush.radius * unit, round(brush.line_width * unit * 1.5) + 2
    for a, b in look.links:
        cv2.line(taken, tuple(map(int, pixels[a])), tuple(map(int, pixels[b])), 1, line)
    for x, y in pixels.astype(int):
        cv2.circle(taken, (int(x), int(y)), int(radius * 1.5), 4, cv2.FILLED)
    for index in numbered:
        text = str(index)
        size = np.array([text_width(text, height) - 2 * max(2, round(height / 3)), height])
        middle = min(_around(pixels[index], size, radius), key=lambda at: _cover(taken, at, size))
        gap = pixels[index] - middle
        if np.hypot(*gap) > size.max() + 3.2 * radius:
            draw_line(image, middle + 0.35 * gap, pixels[index] - 0.1 * gap, GREY, 2)
        pad = max(2, round(height / 3))
        draw_text(image, text, middle - size / 2 - [pad, pad], height, INK)
        (left, top), (right, bottom) = (middle - size / 2 - 2).astype(int), (middle + size / 2 + 3).astype(int)
        taken[max(top, 0) : bottom, max(left, 0) : right] = 8


def _around(point: np.ndarray, size: np.ndarray, radius: float) -> list[np.ndarray]:
    """Middles of texts beside a point, the nearest first."""
    turns = np.arange(16) * np.pi / 8 + np.pi
    directions = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    reach = [radius * far + 2 for far in (1.6, 2.2, 3.2, 4.6)]
    return [point + direction * (size / 2 + far) for far in reach for direction in directions]


def _cover(taken: np.ndarray, middle: np.ndarray, size: np.ndarray) -> float:
    (left, top), (right, bottom) = (middle - size / 2 - 2).astype(int), (middle + size / 2 + 3).astype(int)
    if left < 0 or top < 0 or right > FINE * SIDE or bottom > taken.shape[0]:
        return float("inf")
    return float(taken[top:bottom, left:right].sum())


if __name__ == "__main__":
    main()
