from __future__ import annotations

import json
from pathlib import Path

import pytest

from mmpose_mix.keypoints.findings import CODES, ERROR, WARNING
from mmpose_mix.keypoints.lint_mappings import lint_mapping, lint_unconverted
from mmpose_mix.keypoints.mapping import KeypointMapping
from mmpose_mix.keypoints.matching import match_keypoints
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import named_keypoint_set, shipped_configs
from tests.keypoints.seeded_mapping_faults import broken_mappings, right_mappings

TABLES = json.loads(Path(__file__).with_name("mmpose_mappings.json").read_text())
# MMPose's tables in which something is wrong, or meant and not said
FAULTY = {
    ("cofw", "lapa"): {"MAP204", "MAP211", "MAP220", "MAP221", "MAP230"},
    ("mpii", "crowdpose"): {"MAP214"},
    ("halpe", "crowdpose"): {"MAP230"},
}


def codes(findings, *severities):
    return {each.code for each in findings if not severities or each.severity in severities}


def keypoints(name, *names, swaps=True):
    """A small set whose left and right keypoints are partners."""
    partner = {one: one.replace("left", "\0").replace("right", "left").replace("\0", "right") for one in names}
    info = {
        i: {"name": one, "id": i, "swap": partner[one] if swaps and partner[one] != one else ""}
        for i, one in enumerate(names)
    }
    return KeypointSet.from_dataset_info(
        {
            "dataset_name": name,
            "keypoint_info": info,
            "skeleton_info": {},
            "joint_weights": [1] * len(names),
            "sigmas": [],
        }
    )


BODY = keypoints("body", "nose", "left_hip", "right_hip", "neck")
OTHER = keypoints("other", "left_hip", "right_hip", "nose", "upper_neck", "thorax", "left_knee", "right_knee")
RIGHT = [(0, 1), (1, 2), (2, 0), (3, 3)]


def test_a_right_mapping_has_no_fault():
    assert lint_mapping(RIGHT, OTHER, BODY, num_keypoints=4) == []
    assert lint_mapping(KeypointMapping(4, RIGHT), OTHER, BODY) == []
    assert lint_mapping([("left_hip", "left_hip"), ("right_hip", 2)], OTHER, BODY, dropped=["nose", "neck"]) == []


def test_without_keypoint_sets_form_and_range_are_checked():
    assert lint_mapping([(0, 1), (5, 0)], num_keypoints=2) == []
    assert codes(lint_mapping([(0, 2), (-1, 0), (0,)], num_keypoints=2)) == {"MAP201", "MAP202", "MAP203"}
    assert codes(lint_mapping([(0, -1)])) == {"MAP202"}


@pytest.fixture(scope="module")
def shipped():
    files = sorted((shipped_configs() / "_base_" / "datasets").glob("*.py"))
    return [named_keypoint_set(str(path)) for path in files]


def test_every_seeded_fault_of_a_mapping_is_found_and_nothing_is_found_in_the_right_ones(shipped):
    missed, false, count, right = [], [], 0, 0
    for case in right_mappings(shipped):
        _, source, target = case
        right += 1
        whole = match_keypoints(source, target).mapping
        for each in lint_mapping(whole, source, target, num_keypoints=target.num_keypoints):
            false += [str(each)] if each.severity in (ERROR, WARNING) else []
        for code, mutation, pairs in broken_mappings(case):
            count += 1
            if code not in codes(lint_mapping(pairs, source, target)):
                missed.append((code, mutation, source.name, target.name))
    assert missed == []
    assert false == []
    assert right >= 200
    assert count >= 4000


@pytest.mark.parametrize("row", TABLES, ids=lambda row: f"{row['source']}-{row['target']}-{row['num_keypoints']}")
def test_the_tables_of_mmpose_have_the_known_faults_and_no_others(row):
    source, target = named_keypoint_set(row["source"]), named_keypoint_set(row["target"])
    found = lint_mapping(row["mapping"], source, target, num_keypoints=row["num_keypoints"])
    assert codes(found, ERROR, WARNING) == FAULTY.get((row["source"], row["target"]), set())


def test_the_eyes_of_cofw_are_named_point_by_point():
    row = next(row for row in TABLES if (row["source"], row["target"]) == ("cofw", "lapa"))
    found = lint_mapping(row["mapping"], named_keypoint_set("cofw"), named_keypoint_set("lapa"))
    text = " ".join(str(each) for each in found)
    for words in (
        "target 60 (kpt-60) is given by an earlier pair as well",
        "kpt-8 -> kpt-60, but kpt-21 is that target",
        "kpt-13 -> kpt-66, but kpt-8 is that target",
        "kpt-16 -> kpt-104, kpt-17 -> kpt-105",
    ):
        assert words in text


WORDS = {
    "MAP201": (
        [*RIGHT[:3], (3,)],
        (
            "error MAP201 here[3] (3,): it is no pair. Fix: give (source, target), ((source, source), target) or "
            "((source, source), target, (weight, weight))"
        ),
    ),
    "MAP202": ([(3, 4)], "error MAP202 here[0] (3, 4): there is no target 4 among 4. Fix: give 0 to 3"),
    "MAP203": ([(7, 3)], "error MAP203 here[0] (7, 3): there is no source 7 among 7. Fix: give 0 to 6"),
    "MAP204": (
        [*RIGHT, (4, 3)],
        "error MAP204 here[4] (4, 3): target 3 (neck) is given by an earlier pair as well. Fix: keep one of the two",
    ),
    "MAP205": (
        [((0, 1), 3, (0.5, 0.6))],
        "error MAP205 here[0] ((0, 1), 3, (0.5, 0.6)): weights are (0.5, 0.6). Fix: give 2 numbers that sum to 1",
    ),
    "MAP206": (
        [(2, 0), (2, 3)],
        "warning MAP206 here: nose -> nose and neck. Fix: map each source keypoint to one target",
    ),
    "MAP207": ([], "error MAP207 here: it has no pair. Fix: give pairs, or leave the source out of the mixture"),
    "MAP210": (
        [(0, 2), (1, 1)],
        "error MAP210 here: left_hip -> right_hip, right_hip -> left_hip. Fix: map left to left and right to right",
    ),
    "MAP211": (
        [(2, 3), (3, 0)],
        (
            "error MAP211 here: nose -> neck, but upper_neck is that target, upper_neck -> nose, but nose is that "
            "target. Fix: map joints to themselves"
        ),
    ),
    "MAP214": (
        [(4, 3)],
        "warning MAP214 here: thorax -> neck, where upper_neck is the joint itself. Fix: map the joint itself",
    ),
    "MAP220": (
        [(0, 1), (5, 2)],
        (
            "error MAP220 here: 2 targets become others when the image is flipped first: left_hip -> left_hip, "
            "left_knee -> right_hip. Fix: let the partner of each target be computed from the partners of its sources"
        ),
    ),
    "MAP221": (
        [(0, 1)],
        (
            "warning MAP221 here: the partner of the target is not mapped: left_hip -> left_hip. Fix: map the partner "
            "as well, or neither"
        ),
    ),
    "MAP230": (
        RIGHT[:2],
        "warning MAP230 here: nose -> nose, upper_neck -> neck. Fix: add these pairs, or drop the targets by name",
    ),
}


@pytest.mark.parametrize("code", WORDS)
def test_a_fault_of_a_mapping_is_said_in_these_words(code):
    pairs, words = WORDS[code]
    found = lint_mapping(pairs, OTHER, BODY, place="here")
    assert [str(each) for each in found if each.code == code] == [words]


def test_another_number_of_targets_is_said_in_these_words():
    found = [str(each) for each in lint_mapping(RIGHT, OTHER, BODY, place="here", num_keypoints=5)]
    assert found == ["error MAP208 here: num_keypoints=5, but 'body' has 4 keypoints. Fix: set num_keypoints=4"]


def test_joints_that_nobody_calls_one_are_said_in_these_words():
    found = lint_mapping([(0, 0)], keypoints("a", "belly"), keypoints("b", "navel"), place="here")
    assert [str(each) for each in found] == [
        "warning MAP212 here: belly -> navel. Fix: say in an alias file that they are one joint, or take the pair out"
    ]


def test_numbers_that_no_numbering_knows_are_not_judged_by_name():
    one, other = keypoints("a", *(f"kpt-{i}" for i in range(9))), keypoints("b", *(f"kpt-{i}" for i in range(9)))
    assert lint_mapping([(i, 8 - i) for i in range(9)], one, other) == []


@pytest.mark.parametrize(
    ("source", "pairs", "words"),
    [
        (keypoints("a", "thorax"), [(0, 3)], "note MAP213 here: thorax -> neck. Fix: nothing, if near is good enough"),
        (
            keypoints("a", "left_shoulder", "right_shoulder"),
            [((0, 1), 3)],
            "note MAP213 here: left_shoulder and right_shoulder -> neck. Fix: nothing, if near",
        ),
    ],
)
def test_an_approximate_joint_is_said_in_these_words(source, pairs, words):
    found = lint_mapping(pairs, source, BODY, place="here")
    assert len(found) == 1
    assert str(found[0]).startswith(words)


def test_a_midpoint_by_definition_is_no_finding():
    openpose = keypoints("openpose", "neck")
    assert lint_mapping([((0, 1), 0)], keypoints("a", "left_shoulder", "right_shoulder"), openpose) == []


def test_a_midpoint_in_the_place_of_the_joint_itself_is_found():
    found = lint_mapping([((0, 1), 3)], OTHER, BODY)
    assert "left_hip and right_hip -> neck, where upper_neck is the joint itself" in str(found[0])


def test_what_is_no_list_of_pairs_is_said_in_these_words():
    for wrong in ("auto", 3):
        assert f"error MAP201 here: it is {wrong!r}. Fix: give (source, target)" in str(
            lint_mapping(wrong, OTHER, BODY, place="here")[0]
        )
    found = [str(each) for each in lint_mapping([("hip", 1), ((0, 0), 1), ((), 1)], OTHER, BODY, place="here")[:3]]
    assert "here[0] ('hip', 1): 'hip' is no keypoint" in found[0]
    assert "here[1] ((0, 0), 1): its sources are none, or one twice" in found[1]
    assert "here[2] ((), 1): its sources are none, or one twice" in found[2]


def test_a_source_that_is_not_converted_must_be_in_the_targets_order():
    assert lint_unconverted(BODY, BODY) == []
    found = lint_unconverted(OTHER, BODY, place="datasets[2]")
    assert codes(found, ERROR) >= {"MAP208", "MAP211"}
    assert all("convert by a KeypointConverter" in each.fix for each in found)


def test_every_code_of_mappings_has_a_test_of_its_words():
    assert set(WORDS) | {"MAP208", "MAP212", "MAP213"} == {code for code in CODES if code.startswith("MAP")}
