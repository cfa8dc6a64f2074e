from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpose_mix.keypoints.schema import KeypointSet


def test_a_data_set_becomes_a_keypoint_set(person):
    keypoints = KeypointSet.from_dataset_info(person, "person.py")
    assert keypoints.name == "person"
    assert keypoints.num_keypoints == 6
    assert keypoints.keypoint_names == ("nose", "left_hand", "right_hand", "left_foot", "right_foot", "bag")
    assert keypoints.keypoint_ids["right_foot"] == 4
    assert keypoints.flip_indices == (0, 2, 1, 4, 3, 5)
    assert keypoints.flip_pairs == ((2, 1), (1, 2), (4, 3), (3, 4))
    assert keypoints.upper_body_ids == (0, 1, 2)
    assert keypoints.lower_body_ids == (3, 4)
    assert keypoints.links == ((0, 1), (3, 4))
    assert keypoints.weights.tolist() == [1.0, 1.5, 1.5, 2.0, 2.0, 0.0]
    np.testing.assert_array_equal(keypoints.sigmas, np.float32([0.1, 0.2, 0.2, 0.3, 0.3, 0.4]))
    assert keypoints.stats_info is None
    assert keypoints.origin == "person.py"


def test_colours_that_are_not_given_take_the_defaults(person):
    keypoints = KeypointSet.from_dataset_info(person)
    assert keypoints.colors.tolist()[:3] == [[1, 2, 3], [4, 5, 6], [255, 128, 0]]
    assert keypoints.link_colors.tolist() == [[7, 8, 9], [96, 96, 255]]
    assert keypoints.colors.dtype == keypoints.link_colors.dtype == np.uint8
    assert keypoints.weights.dtype == keypoints.sigmas.dtype == np.float32


def test_the_order_is_that_of_the_ids_not_of_the_dict(person):
    person["keypoint_info"] = dict(reversed(person["keypoint_info"].items()))
    person["skeleton_info"] = dict(reversed(person["skeleton_info"].items()))
    keypoints = KeypointSet.from_dataset_info(person)
    assert keypoints.keypoint_names[0] == "nose"
    assert keypoints.links == ((0, 1), (3, 4))


def test_the_key_is_the_id_where_none_is_given(person):
    for entry in person["keypoint_info"].values():
        entry.pop("id")
    assert KeypointSet.from_dataset_info(person).keypoint_names[5] == "bag"


def test_no_links_and_no_sigmas_are_allowed(person):
    person.update(skeleton_info={}, sigmas=[])
    keypoints = KeypointSet.from_dataset_info(person)
    assert keypoints.links == ()
    assert keypoints.link_colors.shape == (0, 3)
    assert keypoints.sigmas.shape == (0,)


def test_a_keypoint_may_name_itself_as_its_swap(person):
    person["keypoint_info"][0]["swap"] = "nose"
    assert KeypointSet.from_dataset_info(person).flip_indices[0] == 0


def test_statistics_become_float32_arrays(person):
    person["stats_info"] = {"bbox_center": [[528.0, 427.0]], "bbox_scale": 400}
    stats = KeypointSet.from_dataset_info(person).stats_info
    assert stats["bbox_center"].dtype == stats["bbox_scale"].dtype == np.float32
    assert stats["bbox_center"].shape == (1, 2)


@pytest.mark.parametrize("copied", [lambda x: x, lambda x: pickle.loads(pickle.dumps(x))], ids=["parsed", "unpickled"])
def test_nothing_of_it_can_be_changed(person, copied):
    person["stats_info"] = {"bbox_scale": [400.0]}
    keypoints = copied(KeypointSet.from_dataset_info(person))
    with pytest.raises(FrozenInstanceError):
        keypoints.name = "other"
    for array in (keypoints.colors, keypoints.weights, keypoints.sigmas, keypoints.stats_info["bbox_scale"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_deep_copy_is_the_set_itself(person):
    keypoints = KeypointSet.from_dataset_info(person)
    assert copy.deepcopy({"a": keypoints})["a"] is keypoints


def test_the_input_is_left_alone(person):
    before = copy.deepcopy(person)
    weights = np.array(person["joint_weights"], dtype=np.float32)
    person["joint_weights"] = weights
    KeypointSet.from_dataset_info(person)
    assert weights.flags.writeable
    person["joint_weights"] = before["joint_weights"]
    assert person == before


@given(st.permutations(range(6)))
def test_flipping_twice_is_no_flip(order):
    names = ["nose", "left_a", "right_a", "left_b", "right_b", "tail"]
    swaps = ["", "right_a", "left_a", "right_b", "left_b", ""]
    info = {
        "dataset_name": "any",
        "keypoint_info": {i: {"name": names[n], "id": i, "swap": swaps[n]} for i, n in enumerate(order)},
        "skeleton_info": {},
        "joint_weights": [1.0] * 6,
        "sigmas": [],
    }
    keypoints = KeypointSet.from_dataset_info(info)
    flip = np.array(keypoints.flip_indices)
    assert (flip[flip] == np.arange(6)).all()
    assert {(a, b) for a, b in keypoints.flip_pairs} == {(int(flip[i]), i) for i in range(6) if flip[i] != i}


def _set(info, path, value):
    for key in path[:-1]:
        info = info[key]
    info[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("dataset_name",), "", "dataset_name is ''; give a non-empty string"),
        (("keypoint_info",), [1], "keypoint_info is a list; give a dict of dicts"),
        (("keypoint_info",), {}, "keypoint_info has no keypoint; give at least one"),
        (("keypoint_info", 2), "hand", r"keypoint_info\[2\] is a str; give a dict"),
        (
            ("keypoint_info", 5, "colour"),
            [1, 2, 3],
            r"keypoint_info\[5\] has unknown keys colour; allowed are name, id",
        ),
        (("keypoint_info", 5, "id"), "5", r"keypoint_info\[5\] has id '5'; give an integer"),
        (("keypoint_info", 5, "id"), True, r"keypoint_info\[5\] has id True; give an integer"),
        (("keypoint_info", 5, "id"), 4, r"keypoint_info ids must be 0..5, each once \(twice: 4; absent: 5\); renumber"),
        (("keypoint_info", 5, "id"), 7, r"each once \(out of range: 7; absent: 5\)"),
        (("skeleton_info", 1, "id"), 0, r"skeleton_info ids must be 0..1, each once \(twice: 0; absent: 1\)"),
        (("keypoint_info", 5, "name"), None, "keypoint 5 has name None; give a non-empty string"),
        (("keypoint_info", 5, "name"), "nose", "keypoints 0, 5 are all named 'nose'; give each its own name"),
        (("keypoint_info", 5, "type"), "middle", r"keypoint 5 \(bag\) has type 'middle'; allowed are"),
        (("keypoint_info", 5, "swap"), "box", r"keypoint 5 \(bag\) swaps with 'box', which is no keypoint"),
        (("keypoint_info", 5, "swap"), ["box"], r"keypoint 5 \(bag\) swaps with \['box'\], which is no keypoint"),
        (
            ("keypoint_info", 5, "swap"),
            "nose",
            r"\(bag\) swaps with 'nose', whose swap is ''; set the swap of 'nose' to 'b",
        ),
        (("keypoint_info", 5, "color"), [1, 2], r"keypoint_info 5 has color \[1, 2\]; give three integers 0..255"),
        (("skeleton_info", 1, "color"), [1, 2, 256], r"skeleton_info 1 has color \[1, 2, 256\]; give three integers"),
        (("skeleton_info", 1, "link"), ("nose",), r"link 1 is \('nose',\); give two keypoint names"),
        (("skeleton_info", 1, "link"), ("nose", "tail"), r"link 1 \('nose', 'tail'\) names no keypoint: 'tail'"),
        (("skeleton_info", 1, "link"), ("nose", "nose"), "link 1 joins 'nose' with itself"),
        (("joint_weights",), [1.0], "joint_weights has 1 values for 6 keypoints; give one per keypoint, in id order"),
        (("joint_weights",), [], "joint_weights has 0 values for 6 keypoints"),
        (("joint_weights",), [1, 1, 1, 1, -1, 1], "joint_weights must be finite and at least 0; correct entries 4"),
        (("joint_weights",), "abc", "joint_weights is 'abc'; give a flat list of 6 numbers"),
        (("sigmas",), [0.1] * 5, "sigmas has 5 values for 6 keypoints"),
        (("sigmas",), [0.1, 0, 0.1, 0.1, float("nan"), 0.1], "sigmas must be finite and above 0; correct entries 1, 4"),
        (("stats_info",), [1], "stats_info is a list; give a dict of arrays"),
        (("stats_info",), {"a": "b"}, r"stats_info\['a'\] is 'b'; give numbers"),
        (("joint_weight",), [1], "unknown: joint_weight; allowed are dataset_name, keypoint_info"),
    ],
)
def test_a_fault_is_named_with_its_remedy(person, path, value, words):
    _set(person, path, value)
    with pytest.raises(ValueError, match=words):
        KeypointSet.from_dataset_info(person, "person.py")


def test_all_faults_stand_in_one_error_that_names_the_file(person):
    person["keypoint_info"][5]["swap"] = "box"
    person["skeleton_info"][1]["id"] = 0
    person["joint_weights"].pop()
    with pytest.raises(ValueError, match=r"^person\.py: ") as error:
        KeypointSet.from_dataset_info(person, "person.py")
    text = str(error.value)
    assert "(3 found)" in text
    assert text.count("\n  - ") == 3


def test_every_missing_key_is_named():
    with pytest.raises(ValueError, match="missing: keypoint_info, skeleton_info, joint_weights, sigmas; add them"):
        KeypointSet.from_dataset_info({"dataset_name": "x"})


def test_another_type_than_a_dict_is_refused():
    with pytest.raises(TypeError, match="dataset_info must be a dict, got list"):
        KeypointSet.from_dataset_info([], "person.py")
