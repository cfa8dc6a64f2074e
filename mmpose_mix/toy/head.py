"""A head as a shaded ellipsoid whose face is painted in its own coordinates, so that it turns as the head turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmpose_mix.toy.body import FACE_FEATURES, HEAD_STRETCH
from mmpose_mix.toy.canvas import Canvas, capsule, fine_grid, hsv

_LIGHT = np.array([-0.45, -0.65, 0.62], dtype=np.float32)


@dataclass(frozen=True)
class HeadLook:
    """Skin, hair, hat and mouth of one person."""

    skin: np.ndarray  # BGR
    hair: np.ndarray
    long_hair: bool
    beanie: np.ndarray | None  # a woollen hat
    parting: float  # how far the fringe is combed to the person's left
    hairline: float  # cosine of the angle from the crown at which hair ends
    smile: float


def sample_head_look(rng: np.random.Generator, skin: np.ndarray) -> HeadLook:
    """Draw hair, hat and mouth."""
    hair = hsv(rng.choice([0.02, 0.05, 0.08, 0.11]), rng.uniform(0.50, 0.85), rng.uniform(0.08, 0.80))
    beanie = hsv(rng.random(), rng.uniform(0.4, 0.9), rng.uniform(0.4, 0.95))
    return HeadLook(
        skin=skin,
        hair=hair,
        long_hair=bool(rng.random() < 0.35),
        beanie=beanie if rng.random() < 0.3 else None,
        parting=rng.uniform(-0.35, 0.35),
        hairline=rng.uniform(0.02, 0.34),
        smile=rng.uniform(-0.05, 0.22),
    )


def paint_head(
    canvas: Canvas,
    centre: np.ndarray,
    radius: float,
    rotation: np.ndarray,
    look: HeadLook,
    owner: int,
) -> None:
    """Paint an ellipsoid of the given radius (pixels), turned by rotation (3, 3), with face and hair."""
    xs, ys = fine_grid(centre, radius * float(HEAD_STRETCH.max()) + 1)
    place, normal, mask, rim = _surface(xs / radius, ys / radius, rotation.astype(np.float32), 0.11)
    shade = np.clip(0.80 + 0.26 * (normal @ _LIGHT), 0.5, 1.06)
    colours = _colours(place, look) * shade[..., None]
    colours[rim] = 0.34 * colours[rim]
    canvas.blend(centre, np.clip(colours, 0, 255).astype(np.uint8), mask, owner)
    top = centre + (rotation @ (HEAD_STRETCH * FACE_FEATURES["head_top"]))[:2] * radius
    tuft = look.hair if look.beanie is None else 255 - (255 - look.beanie) * 0.35
    canvas.disc(top, 0.20 * radius, tuft * 0.35, owner)
    canvas.disc(top, 0.14 * radius, tuft)


def paint_long_hair(canvas: Canvas, points: dict[str, np.ndarray], look: HeadLook, radius: float, owner: int) -> None:
    """Hair that falls over the neck: behind a person who faces the viewer, over the back of one who does not."""
    if not look.long_hair:
        return
    down = points["neck"] - points["head"]
    start, end = points["head"] + down * 0.1, points["head"] + down * 1.15
    canvas.polygon(capsule(start, end, 1.12 * radius, 0.80 * radius), look.hair * 0.42, owner)
    canvas.polygon(capsule(start, end, 1.02 * radius, 0.70 * radius), look.hair * 0.80)


def _surface(
    xs: np.ndarray, ys: np.ndarray, rotation: np.ndarray, rim: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where rays through (xs, ys) meet the ellipsoid.

    Returns:
        Places on the unit sphere of the head's own coordinates (n, n, 3), outward normals (n, n, 3), the mask of rays
        that meet it, and the mask of those near the silhouette.
    """
    stretch = HEAD_STRETCH.astype(np.float32)
    form = (rotation / stretch**2) @ rotation.T
    b = form[0, 2] * xs + form[1, 2] * ys
    c = form[0, 0] * xs * xs + 2 * form[0, 1] * xs * ys + form[1, 1] * ys * ys - 1
    room = b * b - form[2, 2] * c
    zs = (-b + np.sqrt(np.maximum(room, 0))) / form[2, 2]
    points = np.stack([xs, ys, zs], axis=-1)
    normal = points @ form
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    return points @ rotation / stretch, normal, room >= 0, room < rim * form[2, 2]


def _colours(place: np.ndarray, look: HeadLook) -> np.ndarray:
    """Unshaded colours (n, n, 3) float32 of places (n, n, 3) on the unit head."""
    x, y, z = place[..., 0], place[..., 1], place[..., 2]
    colours = np.empty_like(place)
    colours[:] = look.skin
    front = z > 0
    mouth = front & (np.abs(y - 0.50 + look.smile * (x / 0.4) ** 2) < 0.055) & (np.abs(x) < 0.34)
    colours[mouth] = look.skin * (0.45, 0.40, 0.72)
    for side in ("left_eye", "right_eye"):
        apart = _squared_distance(place, FACE_FEATURES[side])
        colours[apart < 0.052] = (250, 250, 250)
        colours[apart < 0.018] = (40, 30, 30)
    colours[_squared_distance(place, FACE_FEATURES["nose"]) < 0.026] = look.skin * (0.72, 0.70, 0.86)
    crown = np.array([look.parting * 0.6, -0.90, -0.42], dtype=np.float32)
    hair = place @ (crown / np.linalg.norm(crown)) > look.hairline
    colours[hair | (z < -0.30) & (y < 0.55)] = look.hair
    if look.beanie is not None:
        height = -y + 0.25 * -z
        colours[height > 0.36] = look.beanie
        colours[(height > 0.36) & (height < 0.52)] = look.beanie * 0.62
    return colours


def _squared_distance(place: np.ndarray, feature: tuple[float, float, float]) -> np.ndarray:
    towards = np.asarray(feature, dtype=np.float32)
    return 2 - 2 * (place @ (towards / np.linalg.norm(towards)))
