"""Further data sets of bodies and animals: items on the real samples and parsed metainfo equal MMPose's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import golden_inputs as given
import numpy as np
import observations as look
import pytest
from golden_compare import unequal, without

from mmpose_mix import registry
from mmpose_mix.metainfo import parse_pose_metainfo, shipped_configs

NAMES = tuple(given.body_cases(Path()))
FOR_EVALUATION = ("raw_ann_info", "segmentation")
MENDED = {
    "crowdpose": ("dataset_keypoint_weights",),
    "exlpose": ("dataset_keypoint_weights",),
    "ap10k": ("dataset_keypoint_weights", "upper_body_ids", "lower_body_ids"),
}


@pytest.fixture(scope="module")
def expected(recorded: Any) -> Any:
    return recorded("body")["numbers"]


@pytest.fixture(scope="module")
def actual(pose_samples: Path) -> Any:
    return look.observe_datasets(registry, given.body_cases(pose_samples))


@pytest.fixture(scope="module")
def metainfo() -> Any:
    folder = shipped_configs() / "_base_" / "datasets"
    return look.observe_metainfo(parse_pose_metainfo, folder, given.BODY_METAINFO_FILES)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("mpii")])
def test_items_of_a_coco_file_equal_mmposes(name: str, expected: Any, actual: Any) -> None:
    """docs/differences.md, metainfo and keypoints: CrowdPose's weights; data sets: what evaluation alone reads."""
    kind, _, mode = name.partition("_")
    ours = MENDED.get(kind, ())
    if mode != "topdown_test":
        assert not any(key in item for item in actual[name]["items"] for key in FOR_EVALUATION)
        ours += FOR_EVALUATION
    elif kind == "jhmdb":  # MMPose's have none; ours has the text of the file
        ours += ("raw_ann_info",)
    assert not unequal(without(expected["datasets"][name], *ours), without(actual[name], *ours))


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("mpii")])
def test_items_of_mpiis_list_have_mmposes_numbers_and_the_keys_of_all_data_sets(
    name: str, expected: Any, actual: Any
) -> None:
    """docs/differences.md, metainfo and keypoints: MMPose's lack keys, and three have other types."""
    reference, found = expected["datasets"][name]["items"], actual[name]["items"]
    assert len(found) == len(reference) == 5
    for one, other in zip(reference, found):
        assert set(other) - set(one) == {"iscrowd", "num_keypoints"}
        assert not set(one) - set(other)
        for key in ("area", "category_id"):
            np.testing.assert_allclose(np.ravel(other.pop(key)), np.ravel(one.pop(key)), rtol=1e-6)
        assert other["keypoints_visible"].dtype == np.float32
        assert other.pop("num_keypoints") in (14, 16, [14], [16])
        assert other.pop("iscrowd") in (0, [0])
        assert not unequal(one, other)


@pytest.mark.parametrize("name", given.BODY_METAINFO_FILES)
def test_shipped_metainfo_parses_to_mmposes_values(name: str, expected: Any, metainfo: Any) -> None:
    """docs/differences.md, metainfo and keypoints: the three mended sets."""
    mended = MENDED.get(name, ())
    reference, found = expected["metainfo"][name], metainfo[name]
    assert not unequal(without(reference, *mended), without(found, *mended))
    assert all(unequal(reference[key], found[key]) for key in mended), "what is listed as mended is mended"


def test_mended_weights_are_mmposes_in_their_right_order(expected: Any, metainfo: Any) -> None:
    for name in MENDED:
        key = "dataset_keypoint_weights"
        assert sorted(expected["metainfo"][name][key]) == sorted(metainfo[name][key]), name
    assert metainfo["ap10k"]["upper_body_ids"] == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10]
