from __future__ import annotations

import numpy as np
import pytest

from mmpose_mix.datasets.pose_columns import pose_columns
from mmpose_mix.keypoints.lint_poses import lint_poses
from mmpose_mix.keypoints.matching import match_keypoints
from mmpose_mix.metainfo import named_keypoint_set
from mmpose_mix.registry import DATASETS

SAMPLES = {
    "coco": ("CocoDataset", "test_coco.json"),
    "aic": ("AicDataset", "test_aic.json"),
    "crowdpose": ("CrowdPoseDataset", "test_crowdpose.json"),
    "halpe": ("HalpeDataset", "test_halpe.json"),
    "mpii": ("MpiiDataset", "test_mpii.json"),
    "ochuman": ("OCHumanDataset", "test_ochuman.json"),
}


class Persons:
    """Two items of one person, one without any."""

    metainfo = {"num_keypoints": 2}

    def __len__(self):
        return 3

    def get_data_info(self, index):
        if index == 1:
            return {}
        return {
            "keypoints": np.full((1, 2, 2), index, dtype=np.float32),
            "keypoints_visible": np.array([[[1, 1], [index, 1]]], dtype=np.float32),
        }


def test_columns_hold_every_person_once():
    columns = pose_columns(Persons())
    assert columns.keypoints[:, 0, 0].tolist() == [0, 2]
    assert columns.visible.tolist() == [[True, False], [True, True]]
    assert columns.labelled.tolist() == [True, True]


def test_items_are_taken_evenly_where_there_are_many():
    assert pose_columns(Persons(), most=1).keypoints.shape == (1, 2, 2)


def test_a_wrapper_is_refused_in_these_words():
    with pytest.raises(TypeError, match="a list has no get_data_info; give the data set that it wraps"):
        pose_columns([])


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "coco"])
def test_real_persons_lie_where_cocos_do(pose_samples, name):
    target = named_keypoint_set("coco")

    def read(name, mapping=None):
        kind, file = SAMPLES[name]
        config = {"type": kind, "data_root": str(pose_samples / name), "ann_file": file}
        return pose_columns(DATASETS.build(config), mapping)

    mapping = match_keypoints(named_keypoint_set(name), target).mapping
    found = lint_poses(read(name, mapping), read("coco"), target, place=name, fewest=9)
    assert {each.code for each in found} <= {"DATA304"}, list(map(str, found))
