"""Dresses a posed body and paints it: which parts there are, in which order, and which joints they leave in sight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmpose_mix.toy.body import ALL_KEYPOINTS, SIDES, Build
from mmpose_mix.toy.canvas import Canvas, capsule, hsv, hull_of_discs
from mmpose_mix.toy.head import HeadLook, paint_head, paint_long_hair, sample_head_look

PARTS_PER_PERSON = 40
_OUTLINE = 0.009  # width of the dark line around a part, in heights
_PARTS = ("torso", "neck", "head") + tuple(
    f"{side}_{part}"
    for side, _ in SIDES
    for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "ear", "collar")
)
# The parts that show a joint: where one of them is on top, the joint is in sight.
_SHOWN_BY = {
    "shoulder": ("upper_arm", "torso"),
    "elbow": ("upper_arm", "forearm"),
    "wrist": ("forearm", "hand"),
    "hip": ("thigh", "torso"),
    "knee": ("thigh", "shin"),
    "ankle": ("shin", "foot"),
}
_PIN = hsv(0.125, 0.42, 0.98)
_FACE = ("nose", "left_eye", "right_eye")


@dataclass(frozen=True)
class Outfit:
    """Colours of one person, BGR. Each side of the body wears its own, so that crossed limbs can be told apart."""

    sides: tuple[np.ndarray, np.ndarray]  # left, right
    torso: np.ndarray
    skin: np.ndarray
    shoes: np.ndarray
    bare_forearms: bool
    head: HeadLook


@dataclass(frozen=True)
class Figure:
    """One person in pixels.

    Attributes:
        points: keypoints, hands, feet, head and pelvis: (2,) float64 in pixels; ``depth`` holds z in heights.
        head_rotation: (3, 3), how the head is turned.
        facing: (3,), unit vector out of the chest.
        height: length of a height in pixels.
    """

    build: Build
    outfit: Outfit
    points: dict[str, np.ndarray]
    depth: dict[str, float]
    head_rotation: np.ndarray
    facing: np.ndarray
    height: float

    @property
    def from_behind(self) -> bool:
        """Whether the viewer sees the back."""
        return bool(self.facing[2] < 0)


def sample_outfit(rng: np.random.Generator, muted: float) -> Outfit:
    """Draw clothes: two clearly different hues for the sides, ``muted`` 0 (vivid) to 1 (pastel)."""
    hue = rng.random()
    other = hue + rng.uniform(0.30, 0.70)
    saturation = rng.uniform(0.62, 0.92, 2) * (1.0 - 0.38 * muted)
    value = rng.uniform(0.68, 0.98, 2) * (1.0 - 0.06 * muted)
    skin = hsv(rng.uniform(0.035, 0.085), rng.uniform(0.28, 0.58), 1.0) * rng.uniform(0.42, 0.98)
    return Outfit(
        sides=(hsv(hue, saturation[0], value[0]), hsv(other, saturation[1], value[1])),
        torso=hsv(rng.random(), rng.uniform(0.0, 0.35), rng.uniform(0.30, 0.97)),
        skin=skin,
        shoes=hsv(rng.random(), rng.uniform(0.0, 0.6), rng.uniform(0.12, 0.9)),
        bare_forearms=bool(rng.random() < 0.4),
        head=sample_head_look(rng, skin),
    )


def paint_figure(canvas: Canvas, figure: Figure, person: int) -> None:
    """Paint a person from back to front; its parts own ``person * 40 + 1`` and up."""
    painters = _limb_painters(canvas, figure, person) + [(0.0, lambda: _paint_torso(canvas, figure, person))]
    head_depth = -0.02 if figure.from_behind else max(figure.depth["head"], 0.0) + 0.06
    painters.append((head_depth, lambda: _paint_head(canvas, figure, person)))
    hair = (canvas, figure.points, figure.outfit.head, figure.build.head * figure.height, _owner(person, "head"))
    if not figure.from_behind:
        paint_long_hair(*hair)
    _paint_neck(canvas, figure, person)
    for _, paint in sorted(painters, key=lambda painter: painter[0]):
        paint()
    if figure.from_behind:
        paint_long_hair(*hair)


def visibility_of(canvas: Canvas, figure: Figure, person: int) -> np.ndarray:
    """COCO's flags, (19,) int: 0 outside the picture or on an averted face, 1 hidden, 2 in sight."""
    return np.array([_flag(canvas, figure, person, name) for name in ALL_KEYPOINTS])


def mask_of(canvas: Canvas, person: int) -> np.ndarray:
    """Which pixels show the person, (h, w) bool."""
    first = person * PARTS_PER_PERSON
    return (canvas.owner > first) & (canvas.owner <= first + PARTS_PER_PERSON)


def _flag(canvas: Canvas, figure: Figure, person: int, name: str) -> int:
    point = figure.points[name]
    if not canvas.contains(point) or (figure.from_behind and name in _FACE):
        return 0
    if name in _FACE and figure.depth[name] - figure.depth["head"] < 0.1 * figure.build.head:
        return 1
    if name == "head_top":  # on the silhouette: look a little below it
        point = 0.85 * point + 0.15 * figure.points["head"]
    radius = 0.3 * figure.build.arm_width * figure.height
    return 2 if canvas.shows(point, [_owner(person, part) for part in _parts_that_show(name)], radius) else 1


def _parts_that_show(name: str) -> tuple[str, ...]:
    if name.endswith("_ear"):
        return (name,)
    if name in (*_FACE, "head_top"):
        return ("head",)
    if name == "neck":
        return ("neck", "torso")
    side, joint = name.split("_")
    return tuple(part if part == "torso" else f"{side}_{part}" for part in _SHOWN_BY[joint])


def _owner(person: int, part: str) -> int:
    return person * PARTS_PER_PERSON + 1 + _PARTS.index(part)


def _limb_painters(canvas: Canvas, figure: Figure, person: int) -> list:
    """Depth and painter of every arm and leg, a limb's own parts in the order from body to tip."""
    painters = []
    for (side, sign), colour in zip(SIDES, figure.outfit.sides):
        arm_depth = (figure.depth[f"{side}_elbow"] + figure.depth[f"{side}_wrist"]) / 2 + 0.01
        leg_depth = (figure.depth[f"{side}_knee"] + figure.depth[f"{side}_ankle"]) / 2 - 0.05
        arguments = (canvas, figure, person, side, sign, colour)
        painters.append((arm_depth, lambda arguments=arguments: _paint_arm(*arguments)))
        painters.append((leg_depth, lambda arguments=arguments: _paint_leg(*arguments)))
    return painters


def _paint_arm(canvas: Canvas, figure: Figure, person: int, side: str, sign: float, colour: np.ndarray) -> None:
    width = figure.build.arm_width * figure.height
    joints = ("shoulder", "elbow", "wrist", "hand")
    shoulder, elbow, wrist, hand = (figure.points[f"{side}_{joint}"] for joint in joints)
    skin, bare = figure.outfit.skin, figure.outfit.bare_forearms

    def paint_forearm() -> None:
        owner = _owner(person, f"{side}_hand")
        _paint_part(canvas, figure, capsule(wrist, hand, 0.75 * width, 0.85 * width), skin, owner)
        radii = (0.92 * width, 0.74 * width)
        owner = _owner(person, f"{side}_forearm")
        _paint_part(canvas, figure, capsule(elbow, wrist, *radii), skin if bare else colour, owner)
        if not bare:
            _paint_stripes(canvas, (elbow, wrist), radii, sign, colour)
        _paint_pin(canvas, wrist, 0.85 * width)

    def paint_upper_arm() -> None:
        radii = (1.12 * width, 0.95 * width)
        _paint_part(canvas, figure, capsule(shoulder, elbow, *radii), colour, _owner(person, f"{side}_upper_arm"))
        _paint_stripes(canvas, (shoulder, elbow), radii, sign, colour)
        _paint_pin(canvas, shoulder, width)

    forearm_in_front = figure.depth[f"{side}_wrist"] > figure.depth[f"{side}_elbow"]
    for paint in (paint_upper_arm, paint_forearm) if forearm_in_front else (paint_forearm, paint_upper_arm):
        paint()
    _paint_pin(canvas, elbow, width)


def _paint_leg(canvas: Canvas, figure: Figure, person: int, side: str, sign: float, colour: np.ndarray) -> None:
    width = figure.build.leg_width * figure.height
    hip, knee, ankle, foot = (figure.points[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle", "foot"))
    dark = colour * 0.82

    def paint_shin() -> None:
        shoe = capsule(ankle + (foot - ankle) * 0.15, foot, 0.62 * width, 0.55 * width)
        _paint_part(canvas, figure, shoe, figure.outfit.shoes, _owner(person, f"{side}_foot"))
        radii = (0.88 * width, 0.62 * width)
        _paint_part(canvas, figure, capsule(knee, ankle, *radii), dark, _owner(person, f"{side}_shin"))
        _paint_stripes(canvas, (knee, ankle), radii, sign, dark)
        _paint_pin(canvas, ankle, 0.7 * width)

    def paint_thigh() -> None:
        thigh = capsule(hip, knee, 1.2 * width, 0.92 * width)
        _paint_part(canvas, figure, thigh, dark, _owner(person, f"{side}_thigh"))
        _paint_pin(canvas, hip, 0.75 * width)

    shin_in_front = figure.depth[f"{side}_ankle"] > figure.depth[f"{side}_knee"]
    for paint in (paint_thigh, paint_shin) if shin_in_front else (paint_shin, paint_thigh):
        paint()
    _paint_pin(canvas, knee, 0.75 * width)


def _paint_pin(canvas: Canvas, joint: np.ndarray, width: float) -> None:
    """The brass pin that holds two parts of a paper puppet together: it shows where the joint is."""
    canvas.disc(joint, 0.52 * width, _PIN * 0.25)
    canvas.disc(joint, 0.36 * width, _PIN)


def _paint_part(canvas: Canvas, figure: Figure, outline: np.ndarray, colour: np.ndarray, owner: int) -> None:
    """A filled shape with a dark rim and a soft light from the upper left."""
    rim = _OUTLINE * figure.height
    middle = outline.mean(axis=0)
    outward = outline - middle
    reach = np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-6)
    canvas.polygon(outline + outward / reach * rim, colour * 0.38, owner)
    canvas.polygon(outline, colour)
    light = 255 - (255 - colour) * 0.84
    canvas.polygon(middle + outward * 0.70 - 0.07 * reach.min(), light)


def _paint_stripes(
    canvas: Canvas,
    ends: tuple[np.ndarray, np.ndarray],
    radii: tuple[float, float],
    sign: float,
    colour: np.ndarray,
) -> None:
    """Slanted bands around a limb; the slant tells left from right and survives mirroring as the labels do."""
    start, end = ends
    start_radius, end_radius = radii
    axis = end - start
    length = float(np.hypot(*axis))
    if length < 2.2 * start_radius:
        return
    along = axis / length
    across = np.array([-along[1], along[0]])
    light = 255 - (255 - colour) * 0.45
    slant = 0.55 * sign * start_radius
    for place in (0.36, 0.66):
        radius = start_radius + (end_radius - start_radius) * place
        centre = start + axis * place
        half = 0.26 * start_radius
        edges = np.array([(-half - slant, -1), (half - slant, -1), (half + slant, 1), (-half + slant, 1)])
        canvas.polygon(centre + edges[:, :1] * along + edges[:, 1:] * across * radius * 0.97, light)


def _paint_neck(canvas: Canvas, figure: Figure, person: int) -> None:
    start, end = figure.points["neck"], figure.points["neck"] * 0.45 + figure.points["head"] * 0.55
    shape = capsule(start, end, 0.036 * figure.height, 0.034 * figure.height)
    _paint_part(canvas, figure, shape, figure.outfit.skin * 0.9, _owner(person, "neck"))


def _paint_torso(canvas: Canvas, figure: Figure, person: int) -> None:
    points, build, height = figure.points, figure.build, figure.height
    width = build.arm_width * height
    shoulders = [points[f"{side}_shoulder"] for side, _ in SIDES]
    hips = [points[f"{side}_hip"] for side, _ in SIDES]
    chest = points["neck"] * 0.72 + points["pelvis"] * 0.28
    outfit = figure.outfit
    shorts = hull_of_discs([*hips, points["pelvis"]], [1.42 * width, 1.42 * width, 1.5 * width])
    _paint_part(canvas, figure, shorts, outfit.torso * 0.45, _owner(person, "torso"))
    hips = [hip + (points["neck"] - points["pelvis"]) * 0.13 for hip in hips]
    shape = hull_of_discs(
        [*shoulders, *hips, chest], [0.95 * width, 0.95 * width, 1.35 * width, 1.35 * width, 0.085 * height]
    )
    _paint_part(canvas, figure, shape, outfit.torso, _owner(person, "torso"))
    for joint in ("left_shoulder", "right_shoulder", "left_hip", "right_hip"):
        _paint_pin(canvas, points[joint], width)
    if figure.from_behind:
        return
    # Collar and buttons: the front.
    down = points["pelvis"] - points["neck"]
    front = figure.facing[:2] * 0.06 * height
    collar = points["neck"] + down * 0.03 + 0.3 * front
    canvas.disc(collar, 0.040 * height, outfit.torso * 0.45)
    canvas.disc(collar - down * 0.035, 0.034 * height, outfit.skin)
    button = 255 - (255 - outfit.torso) * 0.3 if outfit.torso.mean() < 140 else outfit.torso * 0.4
    for place in (0.32, 0.52, 0.72):
        canvas.disc(points["neck"] + down * place + front, 0.011 * height, button)


def _paint_head(canvas: Canvas, figure: Figure, person: int) -> None:
    radius = figure.build.head * figure.height
    near = [side for side, _ in SIDES if figure.depth[f"{side}_ear"] >= figure.depth["head"]]
    far = [side for side, _ in SIDES if side not in near]
    for side in far:
        _paint_ear(canvas, figure, person, side, radius)
    look, owner = figure.outfit.head, _owner(person, "head")
    paint_head(canvas, figure.points["head"], radius, figure.head_rotation, look, owner)
    for side in near:
        _paint_ear(canvas, figure, person, side, radius)


def _paint_ear(canvas: Canvas, figure: Figure, person: int, side: str, radius: float) -> None:
    ear = figure.points[f"{side}_ear"]
    canvas.disc(ear, 0.27 * radius, figure.outfit.skin * 0.5, _owner(person, f"{side}_ear"))
    canvas.disc(ear, 0.20 * radius, figure.outfit.skin * 0.93)
