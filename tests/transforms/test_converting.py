from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS

from mmpose_mix.metainfo import keypoint_set, shipped_configs
from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms import KeypointConverter


def _sample(**keys):
    keypoints = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    return {
        "keypoints": keypoints,
        "keypoints_visible": np.float32([[1, 1, 0], [1, 1, 1]]),
        "flip_indices": [1, 0, 2],
        **keys,
    }


def _same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(value, other[key], err_msg=key)


def test_a_plain_mapping_as_in_mmposes_first_example():
    """Reference row 3B-8: that example asks for keypoints 3 of 3, and for a shape that its numbers do not fill."""
    keypoints, visible = np.arange(12).reshape(2, 3, 2), np.arange(6).reshape(2, 3) % 2
    out = KeypointConverter(num_keypoints=3, mapping=[(0, 0), (1, 1), (2, 2)])(
        {"keypoints": keypoints, "keypoints_visible": visible}
    )
    np.testing.assert_array_equal(out["keypoints"], keypoints)
    np.testing.assert_array_equal(out["keypoints_visible"], np.stack([visible, np.ones_like(visible)], axis=2))
    assert "flip_indices" not in out


def test_a_midpoint_as_in_mmposes_second_example():
    """Reference row 3B-8."""
    keypoints, visible = np.arange(12).reshape(2, 3, 2), np.ones((2, 3))
    out = KeypointConverter(num_keypoints=3, mapping=[((1, 2), 0), (1, 1), (2, 2)])(
        {"keypoints": keypoints, "keypoints_visible": visible}
    )
    np.testing.assert_array_equal(out["keypoints"][:, 0], keypoints[:, 1:].mean(axis=1))
    np.testing.assert_array_equal(out["keypoints"][:, 1:], keypoints[:, 1:])


def test_what_comes_out_is_float32():
    """Reference row 3B-1."""
    sample = {"keypoints": np.zeros((1, 3, 2)), "keypoints_visible": np.ones((1, 3), dtype=np.int64)}
    out = KeypointConverter(4, [(0, 1)])(sample)
    assert out["keypoints"].dtype == out["keypoints_visible"].dtype == np.float32
    assert out["keypoints"].shape == (1, 4, 2)
    assert out["keypoints_visible"].shape == (1, 4, 2)


@pytest.mark.parametrize(
    ("mapping", "flip"),
    [([(0, 2), (1, 3)], [0, 1, 3, 2]), ([(0, 0), (1, 1), ((0, 1), 2), (2, 3)], [1, 0, 2, 3])],
    ids=["plain", "midpoint"],
)
def test_flip_indices_are_those_of_the_target_and_the_callers_list_stays(mapping, flip):
    """Reference row 3B-2."""
    sample = _sample()
    convert = KeypointConverter(4, mapping)
    first, second = convert(sample), convert(sample)
    assert first["flip_indices"] == second["flip_indices"] == flip
    assert all(type(i) is int for i in flip)
    assert first["flip_indices"] is not second["flip_indices"]
    assert sample["flip_indices"] == [1, 0, 2]


def test_not_labelled_survives_a_second_converter():
    """Reference row 3B-3."""
    out = KeypointConverter(3, [(0, 0), (1, 1), (2, 2)])(KeypointConverter(3, [(0, 0), (1, 1)])(_sample()))
    assert out["keypoints_visible"][..., 1].tolist() == [[1, 1, 0], [1, 1, 0]]


@pytest.mark.parametrize("mapping", [[(0, 0), (1, 0)], [(-1, 0)], [(0, 4)], [(0, -1)]])
def test_a_wrong_mapping_is_refused_when_built(mapping):
    """Reference row 3B-4."""
    with pytest.raises(ValueError, match="these pairs cannot be used"):
        KeypointConverter(4, mapping)


def test_a_midpoint_is_as_visible_as_its_least_visible_end():
    """Reference row 3B-5."""
    visible = np.float32([[[0.5, 1], [0.5, 1], [0, 0]]])
    sample = {"keypoints": np.ones((1, 3, 2)), "keypoints_visible": visible}
    out = KeypointConverter(2, [((0, 1), 0), ((1, 2), 1)])(sample)
    assert out["keypoints_visible"].tolist() == [[[0.5, 1], [0, 0]]]
    assert out["keypoints"].tolist() == [[[1, 1], [0, 0]]]


def test_an_image_without_instances_passes():
    """Reference row 3B-6."""
    sample = {"img_id": 3, "img_path": "a.jpg", "id": [], "raw_ann_info": None, "flip_indices": [1, 0, 2]}
    out = KeypointConverter(2, [(0, 0), (1, 1)])(sample)
    assert out == {**sample, "flip_indices": [1, 0]}
    empty = _sample(keypoints=np.zeros((0, 3, 2)), keypoints_visible=np.zeros((0, 3)), num_keypoints=[])
    out = KeypointConverter(2, [(0, 0), ((0, 1), 1)])(empty)
    assert out["keypoints"].shape == (0, 2, 2)
    assert out["keypoints_visible"].shape == (0, 2, 2)
    assert out["num_keypoints"] == []


def test_keypoints_3d_of_none_are_none():
    """Reference row 3B-7."""
    none = {"keypoints_3d": None, "keypoints_3d_visible": None, "lifting_target": None, "target_idx": None}
    out = KeypointConverter(2, [(0, 0)])(_sample(**none))
    assert {key: out[key] for key in none} == none
    assert out["keypoints"].shape == (2, 2, 2)


@pytest.mark.parametrize(
    ("before", "after"),
    [(3, 4), (np.int64(3), 4), ([3, 3], [2, 2]), (np.array([3, 3], dtype=np.uint8), np.array([2, 2], dtype=np.uint8))],
)
def test_num_keypoints_counts_the_visible_targets(before, after):
    """Reference row 3A-7: it stayed that of the source."""
    out = KeypointConverter(3, [(0, 0), (1, 1)])(_sample(num_keypoints=before))["num_keypoints"]
    np.testing.assert_array_equal(out, after)
    assert type(out) is type(after)
    if isinstance(before, np.ndarray):
        assert out.dtype == before.dtype


def test_the_sample_that_comes_in_is_left_as_it_is():
    sample = _sample(num_keypoints=3, keypoints_3d=np.ones((2, 3, 3), dtype=np.float32), target_idx=[-1])
    before = copy.deepcopy(sample)
    for value in sample.values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    out = KeypointConverter(3, [((0, 1), 2), (0, 1)])(sample)
    _same(sample, before)
    assert out is not sample
    out["keypoints"][:] = -1  # what comes out is the receiver's own
    _same(sample, before)


def test_all_keypoints_count_as_visible_where_nothing_is_said():
    out = KeypointConverter(2, [(2, 1)])({"keypoints": np.ones((1, 3, 2))})
    assert out["keypoints_visible"].tolist() == [[[0, 0], [1, 1]]]


def test_keypoints_in_space_follow_the_same_mapping():
    points = np.arange(18, dtype=np.float32).reshape(2, 3, 3)
    sample = _sample(keypoints_3d=points, keypoints_3d_visible=np.ones((2, 3)), target_idx=[-1])
    out = KeypointConverter(2, [(2, 0), (0, 1)])(sample)
    np.testing.assert_array_equal(out["keypoints"], sample["keypoints"][:, [2, 0]])
    np.testing.assert_array_equal(out["keypoints_3d"], points[:, [2, 0]])
    assert out["keypoints_3d"].dtype == out["lifting_target"].dtype == np.float32
    assert out["keypoints_3d_visible"].tolist() == [[1, 1], [1, 1]]
    np.testing.assert_array_equal(out["lifting_target"], points[-1:, [2, 0]])
    np.testing.assert_array_equal(out["lifting_target_visible"], [[1, 1]])


def test_three_coordinates_give_two():
    out = KeypointConverter(1, [(1, 0)])({"keypoints": np.float32([[[1, 2, 3], [4, 5, 6]]])})
    assert out["keypoints"].tolist() == [[[4, 5]]]


@pytest.mark.parametrize("registry", [TRANSFORMS, ROOT_TRANSFORMS], ids=["own", "root"])
def test_lists_from_json_build_the_same_converter(registry):
    config = json.loads('{"type": "KeypointConverter", "num_keypoints": 2, "mapping": [[[0, 1], 0], [2, 1]]}')
    converter = registry.build(config)
    assert isinstance(converter, KeypointConverter)
    assert converter.keypoint_mapping.pairs == (((0, 1), 0), (2, 1))
    assert repr(converter) == "KeypointConverter(num_keypoints=2, mapping=[((0, 1), 0), (2, 1)])"


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="mappings"):
        TRANSFORMS.build({"type": "KeypointConverter", "num_keypoints": 2, "mappings": []})


def test_a_sample_with_too_few_keypoints_is_refused():
    with pytest.raises(
        ValueError, match=r"the source has 3 keypoints, ids 0..2, but these pairs read beyond them: \(3, 0\)"
    ):
        KeypointConverter(1, [(3, 0)])({"keypoints": np.zeros((1, 3, 2))})


@pytest.fixture(scope="module")
def pairs():
    """The shipped index pairs."""
    return Config.fromfile(shipped_configs() / "_base_" / "mappings" / "coco_aic.py")


@pytest.mark.parametrize(
    ("name", "source", "target", "count"),
    [
        ("aic_to_coco", "aic", "coco", 12),
        ("coco_to_coco_aic", "coco", "coco_aic", 17),
        ("aic_to_coco_aic", "aic", "coco_aic", 14),
    ],
)
def test_the_shipped_pairs_join_keypoints_of_the_same_name(pairs, name, source, target, count):
    source, target = (keypoint_set({"from_file": f"configs/_base_/datasets/{one}.py"}) for one in (source, target))
    converter = KeypointConverter(target.num_keypoints, pairs[name])
    assert len(pairs[name]) == count
    assert all(source.keypoint_names[s] == target.keypoint_names[t] for s, t in pairs[name])
    flip = converter.keypoint_mapping.flip_indices(source.flip_indices)
    labelled = converter.keypoint_mapping.labelled
    assert [i for i, ok in zip(flip, labelled) if ok] == [i for i, ok in zip(target.flip_indices, labelled) if ok]


def test_a_config_takes_the_shipped_pairs_from_its_base(pairs, tmp_path):
    base = shipped_configs() / "_base_" / "mappings" / "coco_aic.py"
    (tmp_path / "experiment.py").write_text(
        f'_base_ = ["{base.as_posix()}"]\n'
        "train = dict(datasets=[dict(pipeline=[dict(type='KeypointConverter', mapping={{_base_.aic_to_coco}})])])\n"
    )
    config = Config.fromfile(tmp_path / "experiment.py")
    assert config.train.datasets[0].pipeline[0].mapping == pairs.aic_to_coco
