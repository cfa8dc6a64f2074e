"""One drawn image: a backdrop, one to three people, things in front of them, and what an annotator would note."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mmpose_mix.toy.body import ALL_KEYPOINTS, SIDES, joints_of, rotation, sample_build, sample_pose
from mmpose_mix.toy.canvas import Canvas
from mmpose_mix.toy.figure import Figure, mask_of, paint_figure, sample_outfit, visibility_of
from mmpose_mix.toy.scenery import OBJECT_OWNER, add_grain, cast_shadow, paint_background, paint_object

DOMAINS = ("coco", "aic")
# shares of the images with no, one and two things in front of people
_OBJECTS = {"coco": (0.60, 0.30, 0.10), "aic": (0.85, 0.12, 0.03)}
_OFTEN_HIDDEN = ("left_knee", "right_knee", "left_ankle", "right_ankle", "left_wrist", "right_elbow", "left_hip")


@dataclass(frozen=True)
class Person:
    """What is known of a drawn person.

    Attributes:
        keypoints (np.ndarray): (19, 2) float64, pixels, order of ``ALL_KEYPOINTS``; true places, also where hidden.
        flags (np.ndarray): (19,) int, COCO's 0 not labelled, 1 hidden, 2 in sight.
        bbox_xywh (np.ndarray): (4,) float64, pixels, around what the image holds of the person.
        mask (np.ndarray): (h, w) bool, the pixels that show the person.
    """

    keypoints: np.ndarray
    flags: np.ndarray
    bbox_xywh: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class Scene:
    """A drawn image (h, w, 3) uint8 BGR and its people."""

    image: np.ndarray
    people: tuple[Person, ...]


def draw_scene(rng: np.random.Generator, image_size: tuple[int, int] = (320, 240), domain: str = "coco") -> Scene:
    """Draw an image of (width, height) pixels in the style of one of :data:`DOMAINS`.

    Raises:
        ValueError: unknown domain, or an image smaller than 48 pixels.
    """
    width, height = image_size
    if domain not in DOMAINS:
        raise ValueError(f"draw_scene: domain={domain!r} is unknown; choose one of {', '.join(DOMAINS)}.")
    if min(width, height) < 48:
        raise ValueError(f"draw_scene: image_size={image_size} is too small to draw people on; give at least (48, 48).")
    backdrop = paint_background(rng, width, height, domain)
    figures = _place_figures(rng, width, height, domain)
    for figure in figures:
        cast_shadow(backdrop, np.array([figure.points[f"{side}_foot"] for side, _ in SIDES]), figure.height)
    canvas = Canvas(backdrop)
    extents = []
    for person, figure in enumerate(figures):
        paint_figure(canvas, figure, person)
        extents.append(_extent(mask_of(canvas, person)))
    _paint_objects(rng, canvas, figures, _OBJECTS[domain])
    people = tuple(
        Person(
            keypoints=np.array([figure.points[name] for name in ALL_KEYPOINTS]),
            flags=visibility_of(canvas, figure, person),
            bbox_xywh=extent,
            mask=mask_of(canvas, person),
        )
        for person, (figure, extent) in enumerate(zip(figures, extents))
    )
    seen = tuple(person for person in people if person.mask.sum() >= 40 and (person.flags > 0).sum() >= 5)
    return Scene(add_grain(rng, canvas.finish()), seen)


def _place_figures(rng: np.random.Generator, width: int, height: int, domain: str) -> list[Figure]:
    """One to three people side by side with some overlap, the nearest (largest) last."""
    count = int(rng.choice([1, 2, 3], p=[0.45, 0.38, 0.17]))
    shares = (np.arange(count) + 0.5) / count + rng.uniform(-0.16, 0.16, count) / count
    top = {1: 1.0, 2: 0.95, 3: 0.85}[count]
    sizes = np.sort(rng.uniform(0.5, top, count)) * height
    figures = []
    for share, size in zip(rng.permutation(shares), sizes):
        if rng.random() < 0.08:
            size = size * rng.uniform(1.2, 1.5)
        figures.append(_figure(rng, np.array([share * width, height * rng.uniform(0.40, 0.60)]), size, domain))
    return figures


def _figure(rng: np.random.Generator, middle: np.ndarray, size: float, domain: str) -> Figure:
    build, pose = sample_build(rng), sample_pose(rng)
    joints, head_rotation = joints_of(build, pose)
    places = np.array([joints[name][:2] for name in ALL_KEYPOINTS])
    offset = middle - (places.min(axis=0) + places.max(axis=0)) / 2 * size
    return Figure(
        build=build,
        outfit=sample_outfit(rng, muted=1.0 if domain == "aic" else 0.0),
        points={name: point[:2] * size + offset for name, point in joints.items()},
        depth={name: float(point[2]) for name, point in joints.items()},
        head_rotation=head_rotation,
        facing=rotation(pose.yaw, 0.0, pose.roll) @ np.array([0.0, 0.0, 1.0]),
        height=float(size),
    )


def _paint_objects(
    rng: np.random.Generator, canvas: Canvas, figures: list[Figure], shares: tuple[float, float, float]
) -> None:
    """Hide a joint or two of somebody behind things; ``shares`` of the images have none, one and two of them."""
    for place in range(int(rng.choice(3, p=shares))):
        figure = figures[rng.integers(len(figures))]
        joint = rng.choice(
            ["left_knee", "right_knee", "left_ankle", "right_ankle", "left_wrist", "right_elbow", "left_hip"]
        )
        centre = figure.points[joint] + rng.normal(0, 0.03, 2) * figure.height
        paint_object(rng, canvas, centre, figure.height * rng.uniform(0.055, 0.11), OBJECT_OWNER + place)


def _extent(mask: np.ndarray) -> np.ndarray:
    """Box (4,) xywh around the pixels of a mask, from the first pixel's left edge to the last one's right edge."""
    if not mask.any():
        return np.zeros(4)
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return np.array([x, y, width, height], dtype=np.float64)
