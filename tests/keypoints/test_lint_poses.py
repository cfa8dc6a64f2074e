from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.keypoints.findings import CODES
from mmpose_mix.keypoints.lint_poses import PoseColumns, lint_poses
from mmpose_mix.metainfo import named_keypoint_set

HALPE26 = named_keypoint_set("halpe26")
IDS = HALPE26.keypoint_ids
# joint: across, down, spread, in torsos; the left side of who faces the camera is on the right in the image
FIGURE = {
    "nose": (0, -0.42, 0.06),
    "head": (0, -0.6, 0.05),
    "neck": (0, -0.12, 0.03),
    "hip": (0, 1.0, 0.03),
    "shoulder": (0.3, 0, 0.02),
    "elbow": (0.45, 0.45, 0.15),
    "wrist": (0.45, 0.8, 0.3),
    "knee": (0.25, 1.85, 0.15),
    "ankle": (0.25, 2.6, 0.2),
}
SIDES = {"shoulder", "elbow", "wrist", "knee", "ankle", "hip"}


def people(count, seed, **moved):
    """Persons in Halpe's 26 keypoints, of any size, place, tilt and facing; ``moved`` gives joints other places."""
    random = np.random.default_rng(seed)
    points = np.zeros((count, 26, 2))
    visible = np.zeros((count, 26), dtype=np.bool_)
    figure = {**FIGURE, **moved}
    for joint, (across, down, spread) in figure.items():
        if joint in SIDES - {"hip"}:
            for side, sign in (("left", 1), ("right", -1)):
                place(points, visible, f"{side}_{joint}", (sign * across, down), spread, random)
        else:
            place(points, visible, joint, (across, down), spread, random)
    for side, sign in (("left", 1), ("right", -1)):
        place(points, visible, f"{side}_hip", (sign * 0.18, 1.0), 0.02, random)
    facing = random.choice([-1, 1], count)
    points[..., 0] *= facing[:, None]
    angle = random.uniform(-0.5, 0.5, count)
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    points = points @ turn * random.uniform(30, 300, (count, 1, 1)) + random.uniform(0, 900, (count, 1, 2))
    return PoseColumns(points, visible, visible.any(axis=0))


def place(points, visible, name, centre, spread, random):
    points[:, IDS[name]] = random.normal(centre, spread, (len(points), 2))
    visible[:, IDS[name]] = True


def codes(findings):
    return {each.code for each in findings}


REFERENCE = people(300, 0)


def test_persons_of_the_same_kind_are_no_finding():
    assert lint_poses(people(200, 1), REFERENCE, HALPE26) == []


def test_a_pose_that_is_taken_more_often_is_no_finding():
    raised = people(200, 1, wrist=(0.5, 0.5, 0.4))
    assert codes(lint_poses(raised, REFERENCE, HALPE26)) == set()


def test_a_thorax_in_the_place_of_the_neck_is_found_in_these_words():
    source = people(200, 1, neck=(0, 0.02, 0.03))
    found = [str(each) for each in lint_poses(source, REFERENCE, HALPE26, place="mpii")]
    assert len([each for each in found if "DATA301" in each]) == 1
    assert found[0].startswith("warning DATA301 mpii: neck lies 0.14 torso away from where the target's data have it (")
    assert "+0.14 down; 200 and 300 persons). Fix: compare the definitions of both data sets" in found[0]
    limbs = [each for each in found if "DATA302" in each]
    assert any("head-neck is 1.29 " in each and "times as long as in the target's data" in each for each in limbs)
    assert all(
        "(200 and 300 persons). Fix: look at both ends: one of them is probably another" in each for each in limbs
    )


def test_two_joints_exchanged_are_found_in_these_words():
    source = people(200, 1)
    points = source.keypoints.copy()
    for side in ("left", "right"):
        knee, ankle = IDS[f"{side}_knee"], IDS[f"{side}_ankle"]
        points[:, [knee, ankle]] = points[:, [ankle, knee]]
    found = [str(each) for each in lint_poses(PoseColumns(points, source.visible, source.labelled), REFERENCE, HALPE26)]
    wrong = [each for each in found if each.startswith("error DATA303")]
    assert len(wrong) == 4
    assert any(
        "left_knee lies 0.7" in each and "from left_ankle. Fix: map it to left_ankle, or correct the order" in each
        for each in wrong
    )


def test_wrists_of_the_wrong_side_are_found():
    source = people(400, 1, wrist=(0.6, 0.8, 0.2))
    points = source.keypoints.copy()
    left, right = IDS["left_wrist"], IDS["right_wrist"]
    points[:, [left, right]] = points[:, [right, left]]
    found = lint_poses(
        PoseColumns(points, source.visible, source.labelled), people(400, 2, wrist=(0.6, 0.8, 0.2)), HALPE26
    )
    assert {each.text.split()[0] for each in found if each.code == "DATA303"} == {"left_wrist", "right_wrist"}


def test_a_joint_that_is_never_annotated_is_said_in_these_words():
    source = people(50, 1)
    labelled = source.labelled.copy()
    labelled[IDS["left_heel"]] = True
    found = lint_poses(PoseColumns(source.keypoints, source.visible, labelled), REFERENCE, HALPE26, place="jhmdb")
    assert [str(each) for each in found] == [
        (
            "warning DATA305 jhmdb: none of 50 persons has left_heel. Fix: take the pair out, so that the joint is not "
            "labelled, or map the right one"
        )
    ]


def test_too_few_persons_are_said_in_these_words():
    found = lint_poses(people(9, 1, neck=(0, 0.5, 0.03)), REFERENCE, HALPE26, place="toy")
    assert [each.code for each in found] == ["DATA304"]
    assert str(found[0]).startswith(
        "note DATA304 toy: fewer than 20 persons here or in the target's data can be measured by their torso: nose 9/3"
    )
    assert found[0].fix == "nothing; with more annotations they are compared"


def test_sources_without_a_joint_in_common_are_told_so():
    source = people(50, 1)
    nothing = PoseColumns(source.keypoints, np.zeros_like(source.visible), np.zeros(26, dtype=np.bool_))
    assert "no joint in common" in str(lint_poses(nothing, REFERENCE, HALPE26)[0])


@settings(max_examples=15, deadline=None)
@given(st.floats(0.1, 20), st.floats(-3, 3), st.floats(-500, 500), st.booleans())
def test_findings_do_not_depend_on_size_tilt_place_and_facing(size, angle, shift, mirrored):
    source = people(60, 1, neck=(0, 0.02, 0.03))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * size
    points = source.keypoints * ([-1, 1] if mirrored else 1) @ turn + shift
    moved = PoseColumns(points, source.visible, source.labelled)
    wanted = [(each.code, each.text) for each in lint_poses(source, REFERENCE, HALPE26)]
    assert [(each.code, each.text) for each in lint_poses(moved, REFERENCE, HALPE26)] == wanted
    assert wanted


def test_single_wrong_annotations_do_not_count():
    source = people(100, 1)
    points = source.keypoints.copy()
    points[:10] = 1e6
    assert lint_poses(PoseColumns(points, source.visible, source.labelled), REFERENCE, HALPE26) == []


@pytest.mark.parametrize(("count", "sure"), [(20, set()), (600, {"left_wrist", "right_wrist"})])
def test_few_persons_must_differ_by_more_than_many(count, sure):
    source = people(count, 8, wrist=(0.45, 1.22, 0.3))  # the same persons, wrists 1.4 spreads lower
    found = lint_poses(source, people(count, 8), HALPE26)
    assert {each.text.split()[0] for each in found if each.code == "DATA301"} == sure


def test_faces_are_measured_by_their_box():
    lapa = named_keypoint_set("cofw")
    shape = np.random.default_rng(5).uniform(0, 1, (29, 2))
    visible = np.ones((80, 29), dtype=np.bool_)

    def faces(seed, figure):
        random = np.random.default_rng(seed)
        points = figure + random.normal(0, 0.02, (80, 29, 2))
        points = points * random.uniform(50, 200, (80, 1, 1)) + random.uniform(0, 99, (80, 1, 2))
        return PoseColumns(points, visible, np.ones(29, dtype=np.bool_))

    assert lint_poses(faces(1, shape), faces(2, shape), lapa) == []
    wrong = copy.copy(shape)
    wrong[[8, 20]] = wrong[[20, 8]]
    found = lint_poses(faces(1, wrong), faces(2, shape), lapa)
    assert {each.text.split()[0] for each in found if each.code == "DATA303"} == {"kpt-8", "kpt-20"}
    assert "box away" in found[0].text


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"keypoints must be \(N, K, 2\), visible \(N, K\) and labelled \(K,\), got"):
        PoseColumns(np.zeros((2, 3, 2)), np.zeros((2, 4), bool), np.zeros(3, bool))
    few = PoseColumns(np.zeros((2, 3, 2)), np.zeros((2, 3), bool), np.zeros(3, bool))
    with pytest.raises(ValueError, match="source: columns have 3 keypoints, the target has 26"):
        lint_poses(few, REFERENCE, HALPE26)


def test_every_code_of_data_and_numbers_is_tested_for_its_words(request):
    tests = "".join(request.path.with_name(name).read_text() for name in ("test_lint_poses.py", "test_lint_counts.py"))
    assert [code for code in CODES if code[:3] in ("DAT", "NUM") and code not in tests] == []
