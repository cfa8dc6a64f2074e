"""Backgrounds and the things that stand in front of people."""

from __future__ import annotations

import cv2
import numpy as np

from mmpose_mix.toy.canvas import Canvas, hsv

OBJECT_OWNER = 200  # owners from here on are no persons


def paint_background(rng: np.random.Generator, width: int, height: int, domain: str) -> np.ndarray:
    """A backdrop (height, width, 3) uint8; streets and rooms full of things for 'coco', halls and fields for 'aic'."""
    weights = {"coco": (0.45, 0.35, 0.20), "aic": (0.15, 0.25, 0.60)}[domain]
    muted = 0.5 if domain == "aic" else 0.0
    paint = (_blobs, _room, _landscape)[rng.choice(3, p=weights)]
    picture = paint(rng, width, height, muted)
    if rng.random() < (0.7 if domain == "coco" else 0.35):
        _clutter(rng, picture, int(rng.integers(2, 9)), muted)
    return picture


def add_grain(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """The picture with sensor noise and a slight change of light."""
    noise = rng.standard_normal((64, 64, 1), dtype=np.float32) * rng.uniform(1.0, 5.0)
    height, width = picture.shape[:2]
    tiles = np.tile(np.rint(noise).astype(np.int16), (height // 64 + 1, width // 64 + 1, 3))[:height, :width]
    lit = cv2.convertScaleAbs(picture, alpha=rng.uniform(0.86, 1.08))
    return cv2.add(lit, tiles, dtype=cv2.CV_8U)


def cast_shadow(picture: np.ndarray, feet: np.ndarray, height: float) -> None:
    """Darken the ground under the feet (2, 2) of a person ``height`` pixels tall."""
    x, y = float(feet[:, 0].mean()), float(feet[:, 1].max()) + 0.015 * height
    wide = float(np.ptp(feet[:, 0])) / 2 + 0.10 * height
    deep = 0.035 * height
    left, top = max(int(x - wide) - 2, 0), max(int(y - deep) - 2, 0)
    ground = picture[top : int(y + deep) + 3, left : int(x + wide) + 3]
    if not ground.size:
        return
    shade = np.ones(ground.shape[:2], dtype=np.float32)
    rows, columns = np.ogrid[: ground.shape[0], : ground.shape[1]]
    apart = np.hypot((columns + left - x) / wide, (rows + top - y) / deep)
    shade -= np.float32(0.32) * np.clip((1 - apart) * 4, 0, 1)
    ground[:] = ground * shade[..., None]


def paint_object(rng: np.random.Generator, canvas: Canvas, centre: np.ndarray, size: float, owner: int) -> None:
    """Put a crate, a ball, a bush or a post around ``centre``; ``size`` is half its width in pixels."""
    paint = (_crate, _ball, _bush, _post)[rng.integers(4)]
    paint(rng, canvas, centre, size, owner)


def _colour(rng: np.random.Generator, muted: float, low: float = 0.3, high: float = 0.95) -> np.ndarray:
    return hsv(rng.random(), rng.uniform(0.10, 0.75) * (1 - muted), rng.uniform(low, high))


def _blobs(rng: np.random.Generator, width: int, height: int, muted: float) -> np.ndarray:
    """Soft patches of colour, as of a scene out of focus."""
    cells = (int(rng.integers(3, 7)), int(rng.integers(3, 9)))
    base = _colour(rng, max(muted, 0.45), 0.25, 0.9)
    patches = np.clip(base + rng.normal(0, 15, (*cells, 3)) + rng.normal(0, 26, (*cells, 1)), 0, 255)
    picture = cv2.resize(patches.astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    lights = picture.copy()
    for _ in range(int(rng.integers(0, 10))):
        place = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        colour = _colour(rng, muted, 0.6, 1.0)
        cv2.circle(lights, place, int(rng.uniform(0.02, 0.09) * height), tuple(colour), -1, cv2.LINE_AA)
    return cv2.addWeighted(picture, 0.55, lights, 0.45, 0)


def _room(rng: np.random.Generator, width: int, height: int, muted: float) -> np.ndarray:
    """A wall with panels and pictures over a floor with boards."""
    picture = np.empty((height, width, 3), dtype=np.uint8)
    floor = int(height * rng.uniform(0.62, 0.85))
    wall, ground = _colour(rng, max(muted, 0.3), 0.5), _colour(rng, max(muted, 0.3), 0.25, 0.7)
    picture[:floor], picture[floor:] = wall, ground
    step = int(rng.integers(18, 60))
    offset = int(rng.integers(step))
    for x in range(offset, width, step):
        cv2.line(picture, (x, 0), (x, floor), tuple(wall * 0.90), 1, cv2.LINE_AA)
        far = int(width / 2 + (x - width / 2) * 1.9)
        cv2.line(picture, (x, floor), (far, height), tuple(ground * 0.85), 1, cv2.LINE_AA)
    cv2.line(picture, (0, floor), (width, floor), tuple(wall * 0.55), 2, cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 4))):
        x, y = int(rng.uniform(0, width * 0.9)), int(rng.uniform(0, floor * 0.6))
        w, h = (int(v) for v in rng.uniform(0.08, 0.22, 2) * height)
        cv2.rectangle(picture, (x, y), (x + w, y + h), tuple(_colour(rng, 0.4, 0.15, 0.5)), -1)
        cv2.rectangle(picture, (x + 3, y + 3), (x + w - 3, y + h - 3), tuple(_colour(rng, muted)), -1)
    return picture


def _landscape(rng: np.random.Generator, width: int, height: int, muted: float) -> np.ndarray:
    """A sky that brightens towards hills or stands, over a field."""
    horizon = rng.uniform(0.45, 0.75) * height
    rows = np.arange(height, dtype=np.float32)[:, None]
    top = hsv(rng.uniform(0.50, 0.68), rng.uniform(0.2, 0.6) * (1 - 0.5 * muted), rng.uniform(0.5, 0.95))
    share = np.clip(rows / horizon, 0, 1)
    sky = top * (1 - share) + (255 - (255 - top) * 0.35) * share
    picture = np.repeat(sky[:, None], width, axis=1).astype(np.uint8)
    hill = hsv(rng.choice([0.10, 0.25, 0.35, 0.58, 0.66]), rng.uniform(0.15, 0.5), rng.uniform(0.3, 0.75))
    xs = np.arange(0, width + 8, 8)
    waves = sum(rng.uniform(2, 9) * np.sin(xs / rng.uniform(14, 70) + rng.uniform(0, 6.3)) for _ in range(3))
    ridge = np.stack([xs, horizon - rng.uniform(4, 30) + waves], axis=1)
    cv2.fillPoly(picture, [np.rint([*ridge, (width, height), (0, height)]).astype(np.int32)], tuple(hill), cv2.LINE_AA)
    field = hsv(
        rng.choice([0.08, 0.12, 0.24, 0.30, 0.36]), rng.uniform(0.25, 0.65) * (1 - 0.4 * muted), rng.uniform(0.4, 0.8)
    )
    start = int(horizon)
    light = np.linspace(0.8, 1.12, height - start, dtype=np.float32)[:, None]
    picture[start:] = np.clip(field * light, 0, 255).astype(np.uint8)[:, None]
    for _ in range(int(rng.integers(0, 4))):
        x = rng.uniform(0, width, 2)
        cv2.line(picture, (int(x[0]), start), (int(x[1]), height), tuple(field * 1.25), 1, cv2.LINE_AA)
    return picture


def _clutter(rng: np.random.Generator, picture: np.ndarray, count: int, muted: float) -> None:
    """Discs, boxes and sticks behind the people."""
    height, width = picture.shape[:2]
    for kind in rng.integers(3, size=count):
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        size = int(rng.uniform(0.03, 0.13) * height)
        colour = tuple(_colour(rng, muted))
        if kind == 0:
            cv2.circle(picture, (x, y), size, colour, -1, cv2.LINE_AA)
        elif kind == 1:
            cv2.rectangle(picture, (x, y), (x + 2 * size, y + int(size * rng.uniform(0.5, 2.5))), colour, -1)
        else:
            reach = rng.uniform(-2.5, 2.5, 2) * size
            cv2.line(picture, (x, y), (x + int(reach[0]), y + int(reach[1])), colour, max(2, size // 3), cv2.LINE_AA)


def _box(centre: np.ndarray, width: float, height: float) -> np.ndarray:
    return centre + np.array([(-width, -height), (width, -height), (width, height), (-width, height)])


def _crate(rng: np.random.Generator, canvas: Canvas, centre: np.ndarray, size: float, owner: int) -> None:
    wood = hsv(rng.uniform(0.06, 0.11), rng.uniform(0.35, 0.65), rng.uniform(0.45, 0.8))
    height = size * rng.uniform(0.7, 1.1)
    canvas.polygon(_box(centre, size, height), wood * 0.45, owner)
    for row in (-0.62, 0.0, 0.62):
        canvas.polygon(_box(centre + (0, row * height), size * 0.93, 0.27 * height), wood)
    for edge in (-0.78, 0.78):
        canvas.polygon(_box(centre + (edge * size, 0), size * 0.12, height * 0.93), wood * 0.8)


def _ball(rng: np.random.Generator, canvas: Canvas, centre: np.ndarray, size: float, owner: int) -> None:
    colour = _colour(rng, 0.0, 0.55)
    canvas.disc(centre, size, colour * 0.4, owner)
    canvas.disc(centre, size * 0.93, colour)
    canvas.disc(centre, size * 0.55, 255 - (255 - colour) * 0.25)
    canvas.disc(centre, size * 0.30, colour)


def _bush(rng: np.random.Generator, canvas: Canvas, centre: np.ndarray, size: float, owner: int) -> None:
    green = hsv(rng.uniform(0.24, 0.40), rng.uniform(0.35, 0.75), rng.uniform(0.35, 0.7))
    spots = centre + rng.uniform(-0.75, 0.75, (9, 2)) * size * (1.0, 0.7)
    for spot in spots:
        canvas.disc(spot, size * 0.46, green * 0.5, owner)
    for spot in spots:
        canvas.disc(spot, size * 0.42, green)
    for spot in spots[::2]:
        canvas.disc(spot - 0.1 * size, size * 0.2, green * 1.2)


def _post(rng: np.random.Generator, canvas: Canvas, centre: np.ndarray, size: float, owner: int) -> None:
    colour = _colour(rng, 0.4)
    half = size * 0.36
    middle = np.array([centre[0], (centre[1] - 1.8 * size + canvas.height) / 2])
    tall = canvas.height - middle[1] + 2
    canvas.polygon(_box(middle, half, tall), colour * 0.45, owner)
    canvas.polygon(_box(middle, half * 0.8, tall - half * 0.2), colour)
    canvas.polygon(_box(middle - (half * 0.35, 0), half * 0.2, tall - half * 0.2), 255 - (255 - colour) * 0.6)
