from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpose_mix.keypoints.mapping import PointRule
from mmpose_mix.keypoints.matching import match_keypoints
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import named_keypoint_set, shipped_configs

SHIPPED = sorted(path.stem for path in (shipped_configs() / "_base_" / "datasets").glob("*.py"))
AIC_TO_COCO = [(0, 6), (1, 8), (2, 10), (3, 5), (4, 7), (5, 9), (6, 12), (7, 14), (8, 16), (9, 11), (10, 13), (11, 15)]


def _set(name, *names):
    """A keypoint set; partners are told by left_ and right_."""
    swaps = {
        one: re.sub("^left_", "right_", one) if one.startswith("left_") else re.sub("^right_", "left_", one)
        for one in names
    }
    info = {i: {"name": one, "id": i, "swap": swaps[one] if swaps[one] in names else ""} for i, one in enumerate(names)}
    return KeypointSet.from_dataset_info(
        {
            "dataset_name": name,
            "keypoint_info": info,
            "skeleton_info": {},
            "joint_weights": [1] * len(names),
            "sigmas": [],
        }
    )


def _how(matching):
    return {row.target: row.how for row in matching.keypoints}


ARMS = _set("arms", "left_shoulder", "right_shoulder", "left_hand", "right_hand")
FIGURE = _set("figure", "neck", "right_hand", "left_hand", "left_shoulder", "right_shoulder")


@pytest.mark.parametrize(
    ("mapping", "pairs"),
    [
        ([("left_hand", "left_hand"), ("right_hand", "right_hand")], {((2, 2)), ((3, 1))}),
        ([(2, "left_hand"), ("right_hand", 1)], {(2, 2), (3, 1)}),
        ([[["left_shoulder", "right_shoulder"], "neck"]], {((0, 1), 0)}),
        ([(("left_shoulder", "right_shoulder"), "neck", (0.25, 0.75))], {((0, 1), 0, (0.25, 0.75))}),
        ({"neck": ["left_shoulder", "right_shoulder"], "left_hand": "left_hand"}, {((0, 1), 0), (2, 2)}),
        ({"neck": [("left_shoulder", 0.5), ("right_shoulder", 0.5)]}, {((0, 1), 0)}),
        ({"neck": {"of": [("left_shoulder", 0.4), ("right_shoulder", 0.6)]}}, {((0, 1), 0, (0.4, 0.6))}),
        ("auto", {(2, 2), (3, 1), (0, 3), (1, 4)}),
    ],
)
def test_names_in_any_form_are_compiled_to_ids(mapping, pairs):
    assert set(match_keypoints(ARMS, FIGURE, mapping).mapping.pairs) == pairs


def test_auto_gives_the_shipped_tables_of_merge_and_combine():
    aic, coco, both = map(named_keypoint_set, ("aic", "coco", "coco_aic"))
    assert sorted(match_keypoints(aic, coco).mapping.pairs) == AIC_TO_COCO
    assert sorted(match_keypoints(aic, both).mapping.pairs) == [*AIC_TO_COCO, (12, 17), (13, 18)]
    assert match_keypoints(coco, both).mapping.pairs == tuple((i, i) for i in range(17))


def test_every_row_says_where_its_target_comes_from():
    found = match_keypoints(
        named_keypoint_set("mpii"), named_keypoint_set("halpe26"), drop=["left_ankle"], approximate=["hip"],
        points={"left_heel": {"of": [("left_ankle", 1.5), ("left_knee", -0.5)], "visible": "all"}},
    )  # fmt: skip
    rows = {row.target: row for row in found.keypoints}
    assert list(rows) == list(named_keypoint_set("halpe26").keypoint_names)
    assert (rows["left_hip"].how, rows["left_hip"].sources) == ("same name", ("left_hip",))
    assert (rows["neck"].how, rows["neck"].sources, rows["neck"].approximate) == ("alias", ("upper_neck",), False)
    assert "MPII calls it upper neck" in rows["neck"].why
    assert "http://human-pose.mpi-inf.mpg.de/" in rows["neck"].why
    assert (rows["hip"].how, rows["hip"].sources, rows["hip"].approximate) == ("alias", ("pelvis",), True)
    assert (rows["left_heel"].how, rows["left_heel"].weights) == ("derived", (1.5, -0.5))
    assert rows["left_ankle"].how == "dropped"
    assert (rows["nose"].how, rows["nose"].why) == ("missing", "no keypoint of mpii is this joint")
    assert dict(found.unused) == {"thorax": "no target keypoint is this joint"}
    text = str(found)
    assert text.splitlines()[0] == "mpii -> halpe26: 15 of 26 target keypoints are labelled"
    assert re.search(r"^hip +alias \(approximate\) +pelvis +both lie between the hips", text, re.MULTILINE)
    assert re.search(r"^left_heel +derived +1.5 left_ankle \+ -0.5 left_knee +given", text, re.MULTILINE)
    assert re.search(r"^- +unused +thorax", text, re.MULTILINE)


def test_one_name_for_two_joints_is_no_match_and_says_so():
    found = match_keypoints(named_keypoint_set("jhmdb"), named_keypoint_set("halpe26"))
    row = next(row for row in found.keypoints if row.target == "head")
    assert (row.how, row.sources) == ("missing", ())
    assert "head of jhmdb is the joint head, that of halpe26 is head_top" in row.why
    assert "head is near it; allow that by approximate" in row.why


def test_names_that_only_number_keypoints_are_no_match():
    assert not match_keypoints(_set("one", "kpt-0", "kpt-1"), _set("other", "kpt-0", "kpt-1")).mapping.pairs
    assert len(match_keypoints(_set("one", "kpt-0", "kpt-1"), _set("one", "kpt-1")).mapping.pairs) == 1


def test_openpose_neck_is_derived_by_its_definition_and_never_taken_from_another_neck():
    openpose = _set("coco_openpose", "nose", "neck", "left_shoulder", "right_shoulder")
    aic, coco = map(named_keypoint_set, ("aic", "coco"))
    row = match_keypoints(coco, openpose).keypoints[1]
    assert (row.how, row.sources, row.approximate) == ("derived", ("left_shoulder", "right_shoulder"), False)
    assert match_keypoints(aic, openpose).keypoints[1].how == "derived"
    assert _how(match_keypoints(openpose, aic))["neck"] == "missing"
    assert match_keypoints(openpose, aic, approximate=["neck"]).keypoints[13].sources == ("neck",)


def test_approximate_aliases_come_only_where_they_are_asked_for():
    mpii, coco_neck = named_keypoint_set("mpii"), _set("mine", "neck", "thorax", "hip_centre")
    trunk = _set("trunk", "thorax", "pelvis")
    assert _how(match_keypoints(trunk, coco_neck)) == {
        "neck": "missing",
        "thorax": "same name",
        "hip_centre": "missing",
    }
    assert _how(match_keypoints(trunk, coco_neck, approximate=["neck"]))["hip_centre"] == "missing"
    assert set(_how(match_keypoints(trunk, coco_neck, approximate=True)).values()) == {"alias", "same name"}
    # what is exactly there goes first
    neck = match_keypoints(mpii, coco_neck, approximate=True).keypoints[0]
    assert (neck.sources, neck.approximate) == (("upper_neck",), False)


def test_two_sources_of_one_joint_are_not_chosen_from():
    both = _set("both", "top_head", "upper_neck", "neck")
    assert match_keypoints(both, _set("target", "neck")).mapping.pairs == ((2, 0),)
    row = match_keypoints(_set("both", "top_head", "head_top"), named_keypoint_set("halpe26")).keypoints[17]
    assert (row.how, row.why) == ("missing", "top_head, head_top are all this joint; say by points which one")


def test_points_go_before_auto_and_pairs():
    found = match_keypoints(ARMS, FIGURE, points={"left_hand": "left_shoulder"})
    assert (0, 2) in found.mapping.pairs
    assert _how(found)["left_hand"] == "given"
    found = match_keypoints(ARMS, FIGURE, [("left_hand", "left_hand")], points={"neck": ["left_hand", "right_hand"]})
    assert set(found.mapping.pairs) == {(2, 2), ((2, 3), 0)}


def test_required_targets_without_a_source_are_all_named_with_the_reason():
    aic, halpe = named_keypoint_set("aic"), named_keypoint_set("halpe26")
    assert match_keypoints(aic, halpe, require=["neck", "head"])
    with pytest.raises(ValueError, match="require names targets that stay without a source") as raised:
        match_keypoints(aic, halpe, require=["neck", "nose", "hip"])
    words = str(raised.value)
    assert words.startswith("mapping of 'aic' to 'halpe26': ")
    assert "nose (no keypoint of aic is this joint)" in words
    assert "hip (0.5 left_hip + 0.5 right_hip is near it; allow that by approximate)" in words
    assert "neck" not in words.replace("halpe26", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"mapping": [("left_hnd", "left_hand")]},
            "source 'left_hnd' is no keypoint of 'arms'; do you mean 'left_hand'",
        ),
        ({"mapping": [("left_hand", "tail")]}, "target 'tail' is no keypoint of 'figure'; it has neck, right_hand"),
        ({"mapping": [(7, 0)]}, "source 7 is no id of 'arms', which has 0..3"),
        ({"mapping": [(0, -1)]}, "target -1 is no id of 'figure', which has 0..4"),
        ({"mapping": [("left_hand", "left_hand"), (0, 2)]}, "pair 1 gives 'left_hand' again"),
        ({"mapping": [("left_hand",)]}, "pair 0 is ('left_hand',); give (source, target)"),
        ({"mapping": [("left_hand", "left_hand", (1.0,))]}, "weights belong to several sources"),
        ({"mapping": [((0, 1), "neck", (1.0,))]}, "weights must be 2 numbers"),
        ({"mapping": "names"}, "mapping='names'; allowed are 'auto', a list of pairs, or a dict of points"),
        ({"mapping": 3}, "mapping is 3; give 'auto'"),
        ({"mapping": {"neck": []}}, "the point of 'neck' is []; give a name, a list of names"),
        ({"mapping": {"neck": [("left_hand", 0.5), ("right_hand", 0.4)]}}, "weights sum to 0.9; they must sum to 1"),
        ({"mapping": {"neck": [0, 0]}}, "a source is given twice"),
        ({"mapping": {"neck": {"from": 0}}}, "the point of 'neck' has the keys from; give dict(of=...)"),
        (
            {"mapping": {"neck": {"of": [0, 1], "visible": "most"}}},
            "visible='most' is no rule of visibility; allowed are min",
        ),
        ({"mapping": {"neck": {"of": [(0, 2), (1, -1)], "visible": "any"}}}, "visible='any' needs weights above 0"),
        ({"mapping": {"neck": 0, 0: 1}}, "target 0 is given twice"),
        ({"points": [("neck", 0)]}, "points is [('neck', 0)]; give a dict"),
        ({"drop": ["tail"]}, "drop: 'tail' is no keypoint of 'figure'"),
        ({"drop": "neck"}, "drop is 'neck'; give a list of target names"),
        ({"require": ["hed"]}, "require: 'hed' is no keypoint"),
        ({"approximate": ["hed"]}, "approximate: 'hed' is no keypoint"),
        ({"drop": ["neck"], "points": {"neck": [0, 1]}}, "drop names neck, which a point or require names as well"),
    ],
)
def test_what_cannot_be_used_is_said_in_words(arguments, words):
    with pytest.raises(ValueError, match=r"^mapping of 'arms' to 'figure':\n") as raised:
        match_keypoints(ARMS, FIGURE, **arguments)
    assert words in str(raised.value)


def test_everything_wrong_is_said_at_once():
    with pytest.raises(ValueError, match="tail") as raised:
        match_keypoints(ARMS, FIGURE, {"tail": 0, "neck": "toe", "left_hand": []}, drop=["wing"])
    assert len(str(raised.value).splitlines()) == 5


def test_rules_of_points_reach_the_mapping():
    point = {"neck": {"of": [0, 1], "visible": "any"}, "left_hand": [2, 3]}
    found = match_keypoints(ARMS, FIGURE, point, rule=PointRule(labelled="all"))
    assert dict(found.mapping.rules) == {0: PointRule("any", "all"), 2: PointRule("min", "all")}


@pytest.mark.parametrize("source", SHIPPED)
def test_auto_commutes_with_the_flip(source):
    """The mirrored picture of a target keypoint is that of its partner's sources."""
    one = named_keypoint_set(source)
    for target, approximate in itertools.product(SHIPPED, (False, True)):
        other = named_keypoint_set(target)
        mapping = match_keypoints(one, other, approximate=approximate).mapping
        flip = mapping.flip_indices(one.flip_indices)
        both = [t for t in range(other.num_keypoints) if mapping.labelled[[t, other.flip_indices[t]]].all()]
        assert [flip[t] for t in both] == [other.flip_indices[t] for t in both], target


@given(st.lists(st.sampled_from(named_keypoint_set("coco_aic").keypoint_names), min_size=1, unique=True), st.randoms())
def test_any_order_of_a_part_is_found_by_name(names, random):
    shuffled = random.sample(names, len(names))
    found = match_keypoints(_set("one", *names), _set("other", *shuffled)).mapping
    assert {(names[source], shuffled[target]) for source, target in found.pairs} == {(name, name) for name in names}


def test_a_gather_by_name_puts_every_keypoint_at_its_name():
    source, target = named_keypoint_set("crowdpose"), named_keypoint_set("aic")
    keypoints = np.arange(28, dtype=np.float32).reshape(1, 14, 2)
    placed, marks = match_keypoints(source, target).mapping.apply(keypoints, np.ones((1, 14)))
    for name, place in target.keypoint_ids.items():
        there = "top_head" if name == "head_top" else name
        np.testing.assert_array_equal(placed[0, place], keypoints[0, source.keypoint_ids[there]])
    assert marks.all()
