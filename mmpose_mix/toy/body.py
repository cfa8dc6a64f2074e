"""What a drawn person is made of: joints, proportions, poses and where they put the joints in space.

Space here is the viewer's: x to the right, y down, z towards the viewer, one unit is the height of the person. A person
who faces the viewer has its own left at positive x.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COCO_KEYPOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
AIC_KEYPOINTS = (
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "head_top",
    "neck",
)
ALL_KEYPOINTS = (*COCO_KEYPOINTS, "head_top", "neck")
SIDES = (("left", 1.0), ("right", -1.0))

# Where the features sit on a head of radius 1 that looks along z; its own left is positive x.
HEAD_STRETCH = np.array([1.0, 1.16, 1.05])
FACE_FEATURES = {
    "nose": (0.0, 0.12, 1.0),
    "left_eye": (0.37, -0.14, 0.92),
    "right_eye": (-0.37, -0.14, 0.92),
    "left_ear": (1.0, 0.02, -0.05),
    "right_ear": (-1.0, 0.02, -0.05),
    "head_top": (0.0, -1.0, 0.0),
}


@dataclass(frozen=True)
class Build:
    """Lengths and half-widths of one person, in heights."""

    shoulder: float  # neck to shoulder
    hip: float  # middle of the pelvis to hip
    spine: float  # middle of the pelvis to neck
    upper_arm: float
    forearm: float
    thigh: float
    shin: float
    head: float  # radius
    arm_width: float  # half a sleeve
    leg_width: float


@dataclass(frozen=True)
class Limb:
    """Angles of an arm or a leg in radians: outwards, forwards, bend of elbow or knee, and where the bend points."""

    outwards: float
    forwards: float
    bend: float
    bend_towards: tuple[float, float, float]


@dataclass(frozen=True)
class Pose:
    """Angles of a whole person in radians. ``yaw`` 0 faces the viewer, pi shows the back."""

    yaw: float
    roll: float
    lean: tuple[float, float]  # of the spine: sideways, forwards
    twist: float  # shoulders against pelvis
    head: tuple[float, float, float]  # yaw, pitch, roll against the chest
    arms: tuple[Limb, Limb]  # left, right
    legs: tuple[Limb, Limb]


# Standing, walking, waving, a star, sitting, kicking. Degrees, (low, high): arms outwards, arms forwards, elbow, legs
# outwards, legs forwards, knee; then how often.
_HABITS = (
    ((6, 35), (-15, 30), (0, 60), (0, 12), (-6, 10), (0, 10), 0.28),
    ((4, 25), (-45, 45), (10, 80), (0, 8), (-30, 42), (0, 55), 0.20),
    ((20, 165), (-10, 25), (5, 110), (2, 18), (-8, 15), (0, 25), 0.24),
    ((70, 140), (-10, 15), (0, 40), (12, 40), (-5, 25), (0, 30), 0.14),
    ((8, 60), (0, 60), (20, 100), (6, 28), (50, 88), (50, 105), 0.06),
    ((30, 110), (-20, 40), (10, 90), (5, 45), (-20, 75), (0, 90), 0.08),
)
_BEND_DIRECTIONS = np.array([(0.0, -1.0, 0.4), (-0.9, -0.2, 0.7), (0.0, -0.2, 1.0), (0.5, -0.8, 0.2)])


def sample_build(rng: np.random.Generator) -> Build:
    """Draw proportions between child and lanky adult."""
    head = rng.uniform(0.074, 0.098)
    width = rng.uniform(0.85, 1.25)
    legs = rng.uniform(0.205, 0.245)
    arms = rng.uniform(0.140, 0.170)
    return Build(
        shoulder=rng.uniform(0.098, 0.122) * width**0.5,
        hip=rng.uniform(0.058, 0.072) * width**0.5,
        spine=rng.uniform(0.265, 0.300),
        upper_arm=arms,
        forearm=arms * rng.uniform(0.90, 1.02),
        thigh=legs,
        shin=legs * rng.uniform(0.94, 1.04),
        head=head,
        arm_width=0.027 * width,
        leg_width=0.037 * width,
    )


def sample_pose(rng: np.random.Generator, from_behind: float = 0.1) -> Pose:
    """Draw a pose within what joints allow; ``from_behind`` is the share of people who show their back."""
    weights = np.array([habit[-1] for habit in _HABITS])
    habit = _HABITS[rng.choice(len(_HABITS), p=weights / weights.sum())]
    arm_out, arm_forward, elbow, leg_out, leg_forward, knee = habit[:-1]
    yaw = np.pi + rng.uniform(-0.6, 0.6) if rng.random() < from_behind else rng.uniform(-0.95, 0.95)
    return Pose(
        yaw=yaw,
        roll=rng.normal(0, 0.09),
        lean=(rng.normal(0, 0.10), rng.normal(0.04, 0.12)),
        twist=rng.uniform(-0.3, 0.3),
        head=(rng.uniform(-0.5, 0.5), rng.uniform(-0.22, 0.22), rng.normal(0, 0.15)),
        arms=tuple(_sample_limb(rng, arm_out, arm_forward, elbow) for _ in range(2)),
        legs=tuple(_sample_limb(rng, leg_out, leg_forward, knee) for _ in range(2)),
    )


def _sample_limb(rng: np.random.Generator, outwards: tuple, forwards: tuple, bend: tuple) -> Limb:
    degrees = [rng.uniform(low, high) for low, high in (outwards, forwards, bend)]
    direction = _BEND_DIRECTIONS[rng.integers(len(_BEND_DIRECTIONS))] + rng.normal(0, 0.25, 3)
    return Limb(*np.radians(degrees), bend_towards=tuple(direction))


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Rotation (3, 3) that turns about the vertical first, then nods, then tilts in the picture."""
    cos, sin = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    turn = np.array([[cos[0], 0, sin[0]], [0, 1, 0], [-sin[0], 0, cos[0]]])
    nod = np.array([[1, 0, 0], [0, cos[1], sin[1]], [0, -sin[1], cos[1]]])
    tilt = np.array([[cos[2], -sin[2], 0], [sin[2], cos[2], 0], [0, 0, 1]])
    return tilt @ turn @ nod


def joints_of(build: Build, pose: Pose) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Place every keypoint of :data:`ALL_KEYPOINTS`, and ``pelvis``, ``head``, ``*_hand``, ``*_foot``, in space.

    Returns:
        The points, (3,) float64 each, with the pelvis in the origin, in heights; and the rotation (3, 3) of the head.
    """
    body = rotation(pose.yaw, 0.0, pose.roll)
    sideways, forwards = pose.lean
    spine = np.array([np.sin(sideways), -np.cos(sideways) * np.cos(forwards), np.cos(sideways) * np.sin(forwards)])
    chest = rotation(pose.twist, forwards, sideways)
    points = {"pelvis": np.zeros(3), "neck": spine * build.spine}
    for (side, sign), arm, leg in zip(SIDES, pose.arms, pose.legs):
        shoulder = points["neck"] + chest @ np.array([sign * build.shoulder, 0.022, 0.0])
        upper, lower = (chest @ direction for direction in _arm_directions(arm, sign))
        points[f"{side}_shoulder"] = shoulder
        points[f"{side}_elbow"] = shoulder + upper * build.upper_arm
        points[f"{side}_wrist"] = points[f"{side}_elbow"] + lower * build.forearm
        points[f"{side}_hand"] = points[f"{side}_wrist"] + lower * 0.035
        hip = np.array([sign * build.hip, 0.0, 0.0])
        thigh, shin, foot = _leg_directions(leg, sign)
        points[f"{side}_hip"] = hip
        points[f"{side}_knee"] = hip + thigh * build.thigh
        points[f"{side}_ankle"] = points[f"{side}_knee"] + shin * build.shin
        points[f"{side}_foot"] = points[f"{side}_ankle"] + foot * 0.068
    head = chest @ rotation(*pose.head)
    points["head"] = points["neck"] + (spine + head @ np.array([0.0, -1.0, 0.0])) * 0.5 * (1.45 * build.head + 0.02)
    for name, place in FACE_FEATURES.items():
        points[name] = points["head"] + head @ (HEAD_STRETCH * place) * build.head
    return {name: body @ point for name, point in points.items()}, body @ head


def _swing(outwards: float, forwards: float, sign: float) -> np.ndarray:
    """Unit vector of a limb that hangs down, swung outwards and forwards."""
    return np.array([sign * np.sin(outwards), np.cos(outwards) * np.cos(forwards), np.cos(outwards) * np.sin(forwards)])


def _arm_directions(arm: Limb, sign: float) -> tuple[np.ndarray, np.ndarray]:
    upper = _swing(arm.outwards, arm.forwards, sign)
    towards = np.asarray(arm.bend_towards) * (sign, 1.0, 1.0)
    across = towards - (towards @ upper) * upper
    across /= max(np.linalg.norm(across), 1e-6)
    return upper, np.cos(arm.bend) * upper + np.sin(arm.bend) * across


def _leg_directions(leg: Limb, sign: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thigh, shin and foot; a knee bends backwards only."""
    thigh = _swing(leg.outwards, leg.forwards, sign)
    shin = _swing(leg.outwards * 0.6, leg.forwards - leg.bend, sign)
    foot = np.array([sign * 0.55, 0.45, 0.7])
    return thigh, shin, foot / np.linalg.norm(foot)
