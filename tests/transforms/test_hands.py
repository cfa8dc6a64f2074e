from __future__ import annotations

import copy

import numpy as np
import pytest

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms import SingleHandConverter

LEFT_TABLE = [(i, i) for i in range(21)]
RIGHT_TABLE = [(i, 21 + i) for i in range(21)]
RIGHT, LEFT = [1, 0], [0, 1]


def _hands(*types, num_instances=None, **keys):
    count = len(types) if num_instances is None else num_instances
    keypoints = np.arange(count * 42, dtype=np.float32).reshape(count, 21, 2) + 1
    visible = np.ones((count, 21), dtype=np.float32)
    return {"keypoints": keypoints, "keypoints_visible": visible, "hand_type": np.array(types, np.float32), **keys}


@pytest.fixture
def convert():
    return SingleHandConverter(42, LEFT_TABLE, RIGHT_TABLE)


@pytest.mark.parametrize(("hand", "places"), [(RIGHT, slice(21, 42)), (LEFT, slice(0, 21))], ids=["right", "left"])
def test_a_hand_goes_to_its_own_side(convert, hand, places):
    """Reference row 3B-10: right hands took the table of the left one."""
    sample = _hands(hand)
    out = convert(sample)
    assert out["keypoints"].shape == (1, 42, 2)
    assert out["keypoints"].dtype == out["keypoints_visible"].dtype == np.float32
    np.testing.assert_array_equal(out["keypoints"][:, places], sample["keypoints"])
    labelled = np.zeros(42)
    labelled[places] = 1
    np.testing.assert_array_equal(out["keypoints_visible"][0, :, 1], labelled)


def test_instances_of_one_image_each_go_to_their_own_side(convert):
    """As MMPose's example has it, whose numbers all go to the left."""
    sample = _hands(LEFT, RIGHT, LEFT, num_keypoints=[21, 21, 21])
    sample["keypoints_visible"][1, 4] = 0
    out = convert(sample)
    np.testing.assert_array_equal(out["keypoints"][[0, 2], :21], sample["keypoints"][[0, 2]])
    np.testing.assert_array_equal(out["keypoints"][1, 21:], sample["keypoints"][1])
    assert not out["keypoints"][[0, 2], 21:].any()
    assert not out["keypoints"][1, :21].any()
    assert out["num_keypoints"] == [21, 20, 21]


def test_one_hand_type_serves_all_instances(convert):
    assert convert(_hands(RIGHT, num_instances=3))["keypoints_visible"][:, 21:].all()
    assert convert({**_hands(LEFT), "hand_type": LEFT})["keypoints_visible"][:, :21].all()


def test_counts_and_keypoints_in_space_follow_the_hand(convert):
    points = np.arange(126, dtype=np.float32).reshape(2, 21, 3)
    sample = _hands(RIGHT, LEFT, num_keypoints=42, keypoints_3d=points, keypoints_3d_visible=np.ones((2, 21)))
    out = convert({**sample, "target_idx": [-1], "lifting_target": None})
    np.testing.assert_array_equal(out["keypoints_3d"][0, 21:], points[0])
    np.testing.assert_array_equal(out["keypoints_3d"][1, :21], points[1])
    np.testing.assert_array_equal(out["lifting_target"], out["keypoints_3d"][[-1]])
    assert out["num_keypoints"] == 42


def test_a_mirrored_left_hand_is_a_right_one(convert):
    out = convert(_hands(LEFT, flip_indices=list(range(21))))
    assert out["flip_indices"] == [*range(21, 42), *range(21)]
    same_target = SingleHandConverter(21, LEFT_TABLE, LEFT_TABLE)
    assert same_target(_hands(LEFT, flip_indices=list(range(21))))["flip_indices"] == list(range(21))


@pytest.mark.parametrize("hand", [[0, 0], [1, 1], [2, -1], [0.5, 0.5]])
def test_what_is_neither_a_left_nor_a_right_hand_is_refused(convert, hand):
    """Reference row 3B-10: [0, 0] took the table of the left hand."""
    with pytest.raises(
        ValueError, match=r"image 'a.jpg': hand_type .* is neither a right hand, \[1, 0\], nor a left one"
    ):
        convert(_hands(LEFT, hand, img_path="a.jpg"))


def test_a_sample_without_a_hand_type_is_refused(convert):
    sample = _hands(LEFT, img_path="a.jpg")
    del sample["hand_type"]
    with pytest.raises(ValueError, match=r"image 'a.jpg': there is no hand_type, which says the hand"):
        convert(sample)
    with pytest.raises(ValueError, match=r"hand_type has the shape \(3, 2\); it must be \(2, 2\) or \(1, 2\)"):
        convert(_hands(LEFT, LEFT, LEFT, num_instances=2))


def test_an_image_without_instances_passes(convert):
    assert convert({"img_id": 1}) == {"img_id": 1}
    assert convert({**_hands(num_instances=0), "hand_type": np.zeros((0, 2))})["keypoints"].shape == (0, 42, 2)


def test_the_sample_that_comes_in_is_left_as_it_is(convert):
    sample = _hands(LEFT, RIGHT, flip_indices=list(range(21)), num_keypoints=42)
    before = copy.deepcopy(sample)
    convert(sample)
    assert sample.keys() == before.keys()
    for key, value in before.items():
        np.testing.assert_array_equal(sample[key], value)


def test_it_is_built_from_a_config_and_says_which_table_is_wrong():
    config = {"type": "SingleHandConverter", "num_keypoints": 42, "left_hand_mapping": LEFT_TABLE}
    assert TRANSFORMS.build({**config, "right_hand_mapping": RIGHT_TABLE}).num_keypoints == 42
    with pytest.raises(ValueError, match=r"(?s)right_hand_mapping: .*num_keypoints=42 allows 0..41"):
        TRANSFORMS.build({**config, "right_hand_mapping": [(0, 42)]})
    with pytest.raises(ValueError, match=r"left_hand_mapping=.*holds names; give pairs of ids"):
        SingleHandConverter(42, [("wrist", "left_wrist")], RIGHT_TABLE)
    with pytest.raises(TypeError, match="right_hand_mapping"):
        TRANSFORMS.build(config)
