"""Parsed metainfo: MMPose's keys and values."""

from __future__ import annotations

from typing import Any

import observations as look
import pytest
from golden_compare import unequal, without

from mmpose_mix.metainfo import parse_pose_metainfo, shipped_configs


@pytest.fixture(scope="module")
def expected(recorded: Any) -> Any:
    return recorded("datasets")["numbers"]["metainfo"]


@pytest.fixture(scope="module")
def actual() -> Any:
    return look.observe_metainfo(parse_pose_metainfo, shipped_configs() / "_base_" / "datasets")


@pytest.mark.parametrize("name", ["coco", "aic"])
def test_shipped_metainfo_parses_to_mmposes_values(name: str, expected: Any, actual: Any) -> None:
    assert not unequal(expected[name], actual[name])


def test_the_union_of_coco_and_aic_differs_only_where_mmposes_file_is_wrong(expected: Any, actual: Any) -> None:
    """docs/differences.md, metainfo: MMPose's file has 18 weights for 19 keypoints and calls itself 'coco'."""
    mended = ("dataset_name", "dataset_keypoint_weights")
    assert not unequal(without(expected["coco_aic"], *mended), without(actual["coco_aic"], *mended))
    assert len(expected["coco_aic"]["dataset_keypoint_weights"]) == 18
    assert len(actual["coco_aic"]["dataset_keypoint_weights"]) == 19
    assert expected["coco_aic"]["dataset_name"] == "coco"
    assert actual["coco_aic"]["dataset_name"] == "coco_aic"
