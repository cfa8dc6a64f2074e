"""Drawn people: what the annotator notes must be what the picture shows."""

from __future__ import annotations

import numpy as np
import pytest

from mmpose_mix.toy import ALL_KEYPOINTS, draw_scene
from mmpose_mix.toy.body import Build, Limb, Pose, joints_of, rotation
from mmpose_mix.toy.canvas import Canvas, capsule, hsv
from mmpose_mix.toy.figure import Figure, paint_figure, sample_outfit, visibility_of

BUILD = Build(0.11, 0.065, 0.28, 0.155, 0.15, 0.225, 0.225, 0.085, 0.027, 0.037)
HANGING = Limb(0.3, 0.0, 0.0, (0.0, 0.0, 1.0))


def pose(yaw: float = 0.0, arms: tuple[Limb, Limb] = (HANGING, HANGING)) -> Pose:
    return Pose(yaw, 0.0, (0.0, 0.0), 0.0, (0.0, 0.0, 0.0), arms, (Limb(0.1, 0, 0, (0, 0, 1)),) * 2)


def figure_of(posed: Pose, middle: tuple[float, float] = (80, 80), height: float = 150) -> Figure:
    joints, head = joints_of(BUILD, posed)
    return Figure(
        build=BUILD,
        outfit=sample_outfit(np.random.default_rng(0), 0.0),
        points={name: point[:2] * height + middle for name, point in joints.items()},
        depth={name: float(point[2]) for name, point in joints.items()},
        head_rotation=head,
        facing=rotation(posed.yaw)[:, 2],
        height=height,
    )


def flags_of(*figures: Figure) -> list[dict[str, int]]:
    """Flags by name of figures painted one over the other."""
    canvas = Canvas(np.zeros((160, 160, 3), dtype=np.uint8))
    for person, figure in enumerate(figures):
        paint_figure(canvas, figure, person)
    return [
        dict(zip(ALL_KEYPOINTS, visibility_of(canvas, figure, person).tolist()))
        for person, figure in enumerate(figures)
    ]


def scenes(count: int = 40):
    return [draw_scene(np.random.default_rng([7, index]), (160, 120), "coco") for index in range(count)]


def test_a_person_who_faces_the_viewer_has_its_left_on_the_right_of_the_picture():
    joints, _ = joints_of(BUILD, pose())
    for joint in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        assert joints[f"left_{joint}"][0] > 0 > joints[f"right_{joint}"][0]


def test_a_turned_person_shows_its_left_on_the_left_and_no_face():
    joints, _ = joints_of(BUILD, pose(yaw=np.pi))
    assert joints["left_wrist"][0] < 0 < joints["right_wrist"][0]
    (flags,) = flags_of(figure_of(pose(yaw=np.pi)))
    assert flags["nose"] == flags["left_eye"] == flags["right_eye"] == 0
    assert flags["left_ankle"] == 2


def test_the_body_stands_upright_from_head_top_to_ankle():
    joints, _ = joints_of(BUILD, pose())
    heights = [
        joints[name][1] for name in ("head_top", "left_eye", "nose", "neck", "left_hip", "left_knee", "left_ankle")
    ]
    assert heights == sorted(heights)


def test_a_bent_knee_brings_the_ankle_behind_the_knee():
    bent = Pose(0.0, 0.0, (0, 0), 0.0, (0, 0, 0), (HANGING, HANGING), (Limb(0.1, 0.0, 1.2, (0, 0, 1)),) * 2)
    joints, _ = joints_of(BUILD, bent)
    assert joints["left_ankle"][2] < joints["left_knee"][2]


def test_limbs_keep_their_length_in_every_pose():
    rng = np.random.default_rng(3)
    for _ in range(50):
        limb = Limb(*rng.uniform(-1, 2.5, 3), bend_towards=tuple(rng.normal(size=3)))
        joints, _ = joints_of(BUILD, pose(rng.uniform(-3, 3), (limb, limb)))
        for side in ("left", "right"):
            assert np.linalg.norm(joints[f"{side}_elbow"] - joints[f"{side}_shoulder"]) == pytest.approx(0.155)
            assert np.linalg.norm(joints[f"{side}_wrist"] - joints[f"{side}_elbow"]) == pytest.approx(0.15)


def test_everything_of_a_free_standing_person_is_in_sight():
    (flags,) = flags_of(figure_of(pose()))
    assert set(flags.values()) == {2}


def test_a_joint_behind_another_person_is_hidden_not_unlabelled():
    behind, front = flags_of(figure_of(pose()), figure_of(pose()))
    assert set(behind.values()) == {1}
    assert set(front.values()) == {2}


def test_an_arm_behind_the_back_is_hidden():
    back = Limb(-0.2, -0.9, 1.0, (-1.0, 0.0, 0.0))
    (flags,) = flags_of(figure_of(pose(arms=(back, HANGING))))
    assert flags["left_wrist"] == 1
    assert flags["right_wrist"] == 2


def test_joints_outside_the_picture_are_not_labelled():
    (flags,) = flags_of(figure_of(pose(), middle=(80, -10)))
    assert flags["head_top"] == 0
    assert flags["left_ankle"] == 2


def test_labelled_joints_lie_in_the_image_and_hidden_ones_exist():
    people = [person for scene in scenes() for person in scene.people]
    flags = np.stack([person.flags for person in people])
    points = np.stack([person.keypoints for person in people])[flags > 0]
    assert ((points >= 0) & (points <= (159, 119))).all()
    assert all((flags == value).any() for value in (0, 1, 2))


def test_joints_in_sight_lie_on_their_person():
    for scene in scenes():
        for person in scene.people:
            x, y = np.rint(person.keypoints[person.flags == 2]).astype(int).T
            # a disc around the joint decides, so the centre pixel itself may belong to a neighbour
            assert person.mask[y, x].mean() > 0.8


def test_boxes_hold_the_mask_and_stay_in_the_image():
    for scene in scenes():
        for person in scene.people:
            x, y, width, height = person.bbox_xywh
            assert x >= 0
            assert y >= 0
            assert x + width <= 160
            assert y + height <= 120
            rows, columns = np.nonzero(person.mask)
            assert columns.min() >= x
            assert columns.max() < x + width
            assert rows.min() >= y
            assert rows.max() < y + height


def test_a_scene_is_a_function_of_its_generator():
    first, second = (draw_scene(np.random.default_rng(5), (96, 72), "aic") for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    other = draw_scene(np.random.default_rng(6), (96, 72), "aic")
    assert (first.image != other.image).any()


def test_a_filled_limb_covers_its_area():
    canvas = Canvas(np.zeros((64, 64, 3), dtype=np.uint8))
    canvas.polygon(capsule(np.array([16.0, 32.0]), np.array([48.0, 32.0]), 6.0, 6.0), np.full(3, 255.0), owner=9)
    expected = 32 * 12 + np.pi * 36
    # OpenCV's smooth edges reach about a third of a pixel beyond the outline
    perimeter = 2 * 32 + 2 * np.pi * 6
    assert expected <= canvas.finish()[..., 0].sum() / 255 <= expected + 0.4 * perimeter
    assert expected <= (canvas.owner == 9).sum() <= expected + 0.5 * perimeter


def test_a_pixel_centre_has_a_whole_coordinate():
    canvas = Canvas(np.zeros((31, 31, 3), dtype=np.uint8))
    canvas.disc(np.array([10.0, 20.0]), 4.0, np.full(3, 255.0), owner=1)
    picture = canvas.finish()[..., 0].astype(float)
    rows, columns = np.mgrid[:31, :31]
    assert (picture * columns).sum() / picture.sum() == pytest.approx(10, abs=0.05)
    assert (picture * rows).sum() / picture.sum() == pytest.approx(20, abs=0.05)


@pytest.mark.parametrize(
    ("hue", "bgr"), [(0.0, (0, 0, 255)), (1 / 3, (0, 255, 0)), (2 / 3, (255, 0, 0)), (1 / 6, (0, 255, 255))]
)
def test_hues_are_the_usual_ones(hue, bgr):
    np.testing.assert_allclose(hsv(hue, 1.0, 1.0), bgr, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"domain": "mpii"}, "domain='mpii' is unknown; choose one of coco, aic"),
        ({"image_size": (40, 400)}, r"image_size=\(40, 400\) is too small"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        draw_scene(np.random.default_rng(0), **arguments)
