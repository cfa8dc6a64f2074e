from __future__ import annotations

import dataclasses
import itertools
import runpy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.keypoints.aliases import AliasTable
from mmpose_mix.keypoints.matching import match_keypoints
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.keypoints.union import union
from mmpose_mix.keypoints.writing import text_of_metainfo, text_of_union
from mmpose_mix.metainfo import named_keypoint_set, shipped_configs

NAMES = sorted(path.stem for path in (shipped_configs() / "_base_" / "datasets").glob("*.py"))

PARTNERS = ("aic", "animalpose", "cofw", "crowdpose", "halpe26", "interhand3d", "lapa", "mpii")


def _same(one, other, but=("origin",)):
    for field in dataclasses.fields(KeypointSet):
        if field.name not in but:
            np.testing.assert_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def _joints(keypoints):
    table = AliasTable.shipped()
    return {table.same(table.joint(keypoints.name, name)) for name in keypoints.keypoint_names}


def _set(name, names, sigmas=(), links=(), swaps=(), weights=None):
    partners = {**dict(swaps), **{b: a for a, b in swaps}}
    return KeypointSet.from_dataset_info(
        {
            "dataset_name": name,
            "keypoint_info": {i: {"name": one, "id": i, "swap": partners.get(one, "")} for i, one in enumerate(names)},
            "skeleton_info": {i: {"link": link, "id": i} for i, link in enumerate(links)},
            "joint_weights": weights or [1.0] * len(names),
            "sigmas": list(sigmas),
        }
    )


def test_the_union_of_coco_and_aic_is_the_shipped_set():
    joined = union([named_keypoint_set("coco"), named_keypoint_set("aic")])
    _same(joined.keypoints, named_keypoint_set("coco_aic"))
    assert joined.sources == ("coco", "aic")
    rows = {row.name: row for row in joined.rows}
    assert list(rows) == list(joined.keypoints.keypoint_names)
    assert rows["nose"].of == (("coco", "nose"),)
    assert rows["left_hip"].of == (("coco", "left_hip"), ("aic", "left_hip"))
    assert (rows["left_hip"].sigma, rows["left_hip"].other_sigmas) == ("coco", (("aic", 0.03843971),))
    assert (rows["neck"].sigma, rows["neck"].other_sigmas) == ("that of nose", (("aic", 0.01236173),))


@pytest.mark.parametrize("name", NAMES)
def test_a_set_is_its_own_union(name):
    keypoints = named_keypoint_set(name)
    _same(union([keypoints]).keypoints, keypoints, but=("origin", "stats_info"))
    _same(union([keypoints, keypoints]).keypoints, keypoints, but=("origin", "stats_info"))


@pytest.mark.parametrize("name", NAMES)
def test_a_union_holds_both_sets_once_in_any_order(name):
    one = named_keypoint_set(name)
    for other in map(named_keypoint_set, PARTNERS):
        joined = union([one, other]).keypoints
        assert _joints(joined) == _joints(one) | _joints(other)
        assert joined.num_keypoints == len(_joints(joined))
        assert _joints(union([other, one]).keypoints) == _joints(joined)
        _same(union([joined, other, one], name=joined.name).keypoints, joined)


@pytest.mark.parametrize("name", NAMES)
def test_each_set_is_found_whole_in_its_union_and_commutes_with_the_flip(name):
    one = named_keypoint_set(name)
    for other in map(named_keypoint_set, PARTNERS):
        joined = union([one, other]).keypoints
        for source in (one, other):
            mapping = match_keypoints(source, joined).mapping
            assert len(mapping.pairs) == source.num_keypoints
            flip = mapping.flip_indices(source.flip_indices)
            for read, target in mapping.pairs:
                if source.flip_indices[read] != read:
                    assert flip[target] == joined.flip_indices[target]


@settings(max_examples=30)
@given(st.permutations([name for name in NAMES if "wholebody" not in name]), st.integers(2, 6))
def test_unions_of_many_sets_are_one_set_in_any_order(order, count):
    sets = [named_keypoint_set(name) for name in order[:count]]
    joined = union(sets).keypoints
    assert _joints(joined) == set().union(*map(_joints, sets))
    assert _joints(union(sets[::-1]).keypoints) == _joints(joined)
    nested = union([union(sets[:2]).keypoints, *sets[2:]]).keypoints
    assert nested.keypoint_names == joined.keypoint_names
    assert nested.flip_indices == joined.flip_indices


def test_a_name_that_would_mean_another_joint_is_replaced_by_the_joints():
    joined = union([named_keypoint_set("jhmdb"), named_keypoint_set("halpe26")]).keypoints
    assert {"head", "head_top", "hip_centre"} <= set(joined.keypoint_names)
    faces = union([named_keypoint_set("300w"), named_keypoint_set("wflw")])
    assert faces.keypoints.keypoint_names[:2] == ("ibug68-0", "ibug68-1")
    # WFLW's other landmarks and those of 300-W on the eyelids
    assert faces.keypoints.num_keypoints == 98 + 8


def test_sigmas_of_one_scale_are_taken_as_they_are_and_others_are_fitted():
    coco_like = _set("a", ["left_hip", "nose"], [0.1, 0.026])
    near = _set("b", ["left_hip", "tail"], [0.11, 0.2])
    far = _set("c", ["left_hip", "tail", "neck"], [0.025, 0.05, 0.01])
    assert union([coco_like, near]).keypoints.sigmas.tolist() == pytest.approx([0.1, 0.026, 0.2])
    fitted = union([coco_like, far])
    assert fitted.keypoints.sigmas.tolist() == pytest.approx([0.1, 0.026, 0.2, 0.026])
    assert fitted.rows[2].sigma == "c, times 4 to fit the scale of the sets before"
    assert fitted.rows[3].sigma == "that of nose"
    assert [row.other_sigmas for row in fitted.rows] == [(("c", 0.025),), (), (("c", 0.05),), (("c", 0.01),)]


def test_the_threefold_sigmas_of_the_neck_are_on_record():
    joined = union([named_keypoint_set(name) for name in ("coco", "crowdpose", "aic", "halpe26")])
    neck = next(row for row in joined.rows if row.name == "neck")
    assert (neck.sigma, neck.other_sigmas) == ("crowdpose", (("aic", 0.01236173), ("halpe26", 0.026)))


def test_a_union_has_no_sigmas_where_a_joint_has_none():
    bare, full = _set("bare", ["tail"]), _set("full", ["nose"], [0.026])
    assert len(union([full, bare]).keypoints.sigmas) == 0
    assert union([_set("bare", ["nose"]), full]).keypoints.sigmas.tolist() == pytest.approx([0.026])
    assert union([full, bare]).rows[0].sigma == ""


def test_weights_are_of_the_first_set_and_others_on_record():
    joined = union([_set("a", ["nose"], weights=[1.5]), _set("b", ["nose", "tail"], weights=[1.0, 2.0])])
    assert joined.keypoints.weights.tolist() == [1.5, 2.0]
    assert joined.rows[0].other_weights == (("b", 1.0),)


def test_new_keypoints_bring_their_links_and_none_hangs_in_the_air():
    body = _set("body", ["hip", "knee"], links=[("hip", "knee")])
    leg = _set(
        "leg",
        ["knee", "hip", "foot", "toe", "tail"],
        links=[("knee", "hip"), ("knee", "foot"), ("foot", "toe"), ("hip", "tail")],
    )
    joined = union([body, leg]).keypoints
    named = [tuple(joined.keypoint_names[end] for end in link) for link in joined.links]
    assert named == [("hip", "knee"), ("foot", "toe"), ("hip", "tail")]


def test_swap_partners_come_from_the_set_that_knows_them():
    one = _set("one", ["left_ear"])
    both = _set("both", ["left_ear", "right_ear"], swaps=[("left_ear", "right_ear")])
    assert union([one, both]).keypoints.flip_indices == (1, 0)
    wrong = _set("wrong", ["left_ear", "nose"], swaps=[("left_ear", "nose")])
    with pytest.raises(ValueError, match="the swap partner of left_ear is right_ear in both and nose in wrong"):
        union([both, wrong])


def test_what_cannot_be_joined_is_said_in_words():
    with pytest.raises(ValueError, match="no keypoint set is given"):
        union([])
    with pytest.raises(ValueError, match="neck, upper_neck of 'two' are the same joint by the aliases"):
        union([_set("two", ["neck", "nose", "upper_neck"])])


def test_a_user_alias_joins_what_would_be_two():
    table = AliasTable(
        {"citations": {"me": ""}, "same_joint": [{"joint": "tail", "names": ["rear"], "from": ["me"], "why": ""}]}
    )
    sets = [_set("a", ["tail"]), _set("b", ["rear"])]
    assert union(sets).keypoints.num_keypoints == 2
    assert union(sets, aliases=table).rows[0].of == (("a", "tail"), ("b", "rear"))


def _read(text, tmp_path):
    (tmp_path / "written.py").write_text(text, encoding="utf-8")
    return runpy.run_path(str(tmp_path / "written.py"))["dataset_info"]


@pytest.mark.parametrize("names", [*itertools.combinations(NAMES[::4], 2), ("coco", "aic"), NAMES])
def test_a_written_union_reads_back_as_it_was(names, tmp_path):
    joined = union([named_keypoint_set(name) for name in names])
    text = text_of_union(joined, [{"title": "A paper of some authors", "year": "2014"}], "mmpose-mix union")
    info = _read(text, tmp_path)
    _same(KeypointSet.from_dataset_info(info), joined.keypoints)
    assert info["paper_info"] == [{"title": "A paper of some authors", "year": "2014"}]
    assert max(map(len, text.splitlines())) <= 120


def test_what_is_written_says_where_it_comes_from():
    sets = [named_keypoint_set(name) for name in ("coco", "crowdpose", "aic")]
    text = text_of_union(union(sets), command="mmpose-mix union coco crowdpose aic")
    head = text[: text.index("dataset_info")].replace("\n# ", " ")
    assert "The union of coco, crowdpose and aic, as `mmpose-mix union coco crowdpose aic` writes it." in head
    assert "17 keypoints of coco: nose to right_ankle." in head
    assert "2 keypoints of crowdpose: top_head, neck." in head
    assert "By aliases: top_head is head_top of aic." in head
    flat = text.replace("\n    # ", " ")
    assert "nose to right_ankle: coco; top_head, neck: crowdpose. In aic: left_shoulder 0.01418" in flat


def test_long_words_are_broken_and_odd_ones_quoted(tmp_path):
    info = {
        "dataset_name": 'a "quoted" name',
        "paper_info": {"author": "and ".join(["Somebody Long "] * 20), "title": "Straße"},
        "keypoint_info": {0: {"name": "a b", "id": 0}},
        "skeleton_info": {},
        "joint_weights": [1.0],
        "sigmas": [],
    }
    text = text_of_metainfo(info)
    assert _read(text, tmp_path) == info
    assert max(map(len, text.splitlines())) <= 118
