"""Where the keypoints of people, faces, hands and animals lie in a drawing: templates made of a few numbers."""

from __future__ import annotations

import math
from typing import Optional

from mmpose_mix.keypoints.aliases import AliasTable
from mmpose_mix.keypoints.schema import KeypointSet

Place = tuple[float, float]

# A person who faces the viewer, x to the right of the picture, y down: what is on the middle line, and the left side.
_MIDDLE: dict[str, Place] = {
    "nose": (0, -3.2),
    "head_top": (0, -4.1),
    "head": (0, -3.75),
    "head_bottom": (0, -2.75),
    "neck": (0, -2.5),
    "thorax": (0, -2.05),
    "shoulder_centre": (0, -2.1),
    "belly": (0, -1.0),
    "pelvis": (0, 0.15),
    "hip_centre": (0, 0.15),
}
_LEFT: dict[str, Place] = {
    "eye": (0.22, -3.45),
    "ear": (0.52, -3.3),
    "shoulder": (0.9, -2.15),
    "elbow": (1.4, -0.95),
    "wrist": (1.8, 0.15),
    "finger": (2.0, 0.7),
    "hip": (0.52, 0.15),
    "knee": (0.62, 1.8),
    "ankle": (0.66, 3.35),
    "heel": (0.5, 3.75),
    "toe": (0.95, 3.85),
    "big_toe": (0.82, 4.1),
    "small_toe": (1.25, 3.9),
}
# The same person with a head and hands large enough for their keypoints.
_LARGE_HEAD, _LARGE_HEAD_AT, _LARGE_HAND = 2.0, (0.0, -5.2), 2.1
_LARGE_MIDDLE: dict[str, Place] = {"nose": (0, -5.04), "head_top": (0, -7.6), "neck": (0, -2.6)}
_LARGE_LEFT: dict[str, Place] = {
    "eye": (0.84, -5.7),
    "ear": (2.3, -5.9),
    "shoulder": (2.1, -2.15),
    "elbow": (3.3, -0.9),
    "wrist": (4.5, -2.1),
    "hand_root": (4.75, -2.6),
    "hip": (0.9, 0.15),
    "knee": (0.95, 1.8),
    "ankle": (1.0, 3.35),
    "heel": (0.75, 3.9),
    "big_toe": (1.25, 4.25),
    "small_toe": (1.8, 3.95),
}

# A four-legged animal that walks to the left: its left side is the near one.
_ANIMAL_MIDDLE: dict[str, Place] = {
    "Nose": (-3.9, -1.2),
    "Throat": (-2.5, -0.9),
    "Neck": (-2.0, -1.5),
    "Withers": (-1.2, -1.6),
    "tail_base": (2.4, -1.25),
}
_ANIMAL_NEAR: dict[str, Place] = {
    "Eye": (-3.1, -1.7),
    "EarBase": (-2.5, -2.25),
    "Shoulder": (-1.5, -0.55),
    "Elbow": (-1.65, 0.6),
    "F_Elbow": (-1.5, 0.2),
    "F_Knee": (-1.65, 1.3),
    "F_Paw": (-1.75, 2.4),
    "Hip": (1.6, -0.5),
    "Knee": (1.35, 0.6),
    "B_Elbow": (1.4, 0.2),
    "B_Knee": (1.7, 1.3),
    "B_Paw": (1.5, 2.4),
}
_ANIMAL_FAR = {"Eye": (-0.4, -0.1), "EarBase": (-0.55, -0.1)}
_ANIMAL_FAR_LEG = (0.75, -0.12)

# Finger: where it begins, from the root of the hand; its direction, degrees from straight up; length of a phalanx.
_FINGERS = {
    "thumb": ((-0.3, -0.22), -48.0, 0.3),
    "forefinger": ((-0.3, -1.0), -12.0, 0.31),
    "middle_finger": ((-0.03, -1.08), -2.0, 0.34),
    "ring_finger": ((0.23, -1.02), 8.0, 0.31),
    "pinky_finger": ((0.47, -0.87), 20.0, 0.25),
}


def places_of(keypoints: KeypointSet) -> list[Place]:
    """A place for each keypoint, y down, in units of the drawing.

    Raises:
        ValueError: with the keypoints that no template has.
    """
    table = AliasTable.shipped()
    joints = [table.joint(keypoints.name, name) for name in keypoints.keypoint_names]
    face = _face()
    known = {table.same(joint): place for joint, place in face.items()}
    if any(joint.endswith("_forefinger1") for joint in joints):
        both_hands_alone = "nose" not in joints
        known = _pair_of_hands() if both_hands_alone else _large_person(known, table)
    elif "forefinger1" in joints:
        known = {name.replace("hand_root", "wrist"): (-x, y) for name, (x, y) in _hand().items()}
    elif keypoints.name in ("ap10k", "animalpose"):
        known = _animal()
    elif not joints[0].startswith(("ibug68", "wflw98", "lapa106", "cofw29")):
        known = {**_MIDDLE, **_both_sides(_LEFT)}
    found: list[Optional[Place]] = [known.get(joint) or known.get(table.same(joint)) for joint in joints]
    unknown = [name for name, place in zip(keypoints.keypoint_names, found) if place is None]
    if unknown:
        raise ValueError(f"no template has the keypoints {', '.join(unknown)} of {keypoints.name!r}; add them to one")
    return [place for place in found if place is not None]


def _both_sides(left: dict[str, Place]) -> dict[str, Place]:
    """The left side of a person is on the right of the picture."""
    return {
        f"{side}_{name}": (sign * x, y) for side, sign in (("left", 1), ("right", -1)) for name, (x, y) in left.items()
    }


def _hand() -> dict[str, Place]:
    """A left hand, its palm to the viewer."""
    places: dict[str, Place] = {"hand_root": (0.0, 0.0)}
    for finger, ((x, y), degrees, length) in _FINGERS.items():
        dx, dy = math.sin(math.radians(degrees)) * length, -math.cos(math.radians(degrees)) * length
        places.update({f"{finger}{i + 1}": (x + i * dx, y + i * dy) for i in range(4)})
    return places


def _pair_of_hands() -> dict[str, Place]:
    return _both_sides({name: (x + 1.3, y) for name, (x, y) in _hand().items()})


def _large_person(face: dict[str, Place], table: AliasTable) -> dict[str, Place]:
    root = _LARGE_LEFT["hand_root"]
    hand = {name: (root[0] + _LARGE_HAND * x, root[1] + _LARGE_HAND * y) for name, (x, y) in _hand().items()}
    (middle_x, middle_y), size = _LARGE_HEAD_AT, _LARGE_HEAD
    head = {joint: (middle_x + size * x, middle_y + size * y) for joint, (x, y) in face.items()}
    body = {**_MIDDLE, **_LARGE_MIDDLE, **_both_sides({**_LEFT, **_LARGE_LEFT, **hand})}
    return {**{table.same(joint): place for joint, place in body.items()}, **body, **head}


def _animal() -> dict[str, Place]:
    places = dict(_ANIMAL_MIDDLE)
    for name, (x, y) in _ANIMAL_NEAR.items():
        dx, dy = _ANIMAL_FAR.get(name, _ANIMAL_FAR_LEG)
        places[f"L_{name}"], places[f"R_{name}"] = (x, y), (x + dx, y + dy)
    return places


def _face() -> dict[str, Place]:
    """WFLW's 98 points, and what the other sets have beside these."""
    places: dict[str, Place] = {}
    for i in range(33):
        around = math.pi * i / 32
        places[f"wflw98-{i}"] = (-0.95 * math.cos(around), -0.3 + 1.4 * math.sin(around) ** 0.9)
    for i in range(5):
        x, y = -0.78 + 0.14 * i, -0.56 - 0.13 * math.sin(math.pi * (i + 0.5) / 5)
        places[f"wflw98-{33 + i}"], places[f"wflw98-{46 - i}"] = (x, y), (-x, y)
    for i in range(4):
        x, y = -0.22 - 0.14 * i, -0.49 - 0.09 * math.sin(math.pi * (i + 0.5) / 5)
        places[f"wflw98-{38 + i}"], places[f"wflw98-{50 - i}"] = (x, y), (-x, y)
        places[f"wflw98-{51 + i}"] = (0, -0.3 + 0.145 * i)
    for i in range(5):
        places[f"wflw98-{55 + i}"] = (-0.2 + 0.1 * i, 0.28 + 0.05 * math.sin(math.pi * i / 4))
    for first, x in ((60, -0.42), (68, 0.42)):
        places.update(_ring(f"wflw98-{first}", 8, (x, -0.25), (0.2, 0.1)))
    places.update(_ring("wflw98-76", 12, (0, 0.62), (0.38, 0.17)))
    places.update(_ring("wflw98-88", 8, (0, 0.62), (0.27, 0.07)))
    places.update({"wflw98-96": (-0.42, -0.25), "wflw98-97": (0.42, -0.25)})
    return {**places, **_face_beside_wflw()}


def _face_beside_wflw() -> dict[str, Place]:
    places: dict[str, Place] = {}
    for first, x in ((36, -0.42), (42, 0.42)):
        lids = _ring(f"ibug68-{first}", 6, (x, -0.25), (0.2, 0.1))
        places.update({joint: place for joint, place in lids.items() if joint not in ("ibug68-36", "ibug68-42")})
    for i in range(3):
        x, y = -0.1 - 0.06 * i, -0.16 + 0.15 * i
        places[f"lapa106-{55 + i}"], places[f"lapa106-{65 - i}"] = (x, y), (-x, y)
    places.update({"lapa106-74": (-0.42, -0.21), "lapa106-83": (0.42, -0.21)})
    places.update({"cofw29-2": (-0.18, -0.53), "cofw29-3": (0.18, -0.53)})
    places.update({"cofw29-18": (-0.22, 0.16), "cofw29-19": (0.22, 0.16)})
    return places


def _ring(first: str, number: int, middle: Place, radii: Place) -> dict[str, Place]:
    """Points around an ellipse, from its left end over the top."""
    numbering, _, start = first.rpartition("-")
    turns = [2 * math.pi * i / number for i in range(number)]
    return {
        f"{numbering}-{int(start) + i}": (middle[0] - radii[0] * math.cos(turn), middle[1] - radii[1] * math.sin(turn))
        for i, turn in enumerate(turns)
    }
