"""Items of the data sets and mixtures on the real samples equal MMPose's, field by field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import golden_inputs as given
import numpy as np
import observations as look
import pytest
from golden_compare import unequal, without

from mmpose_mix import registry
from mmpose_mix.metainfo import shipped_configs

NAMES = tuple(given.dataset_cases(Path()))
FOR_EVALUATION = ("raw_ann_info", "segmentation")
MIXTURES = ("merge", "combine", "merge_bottomup")


@pytest.fixture(scope="module")
def expected(recorded: Any) -> Any:
    return recorded("datasets")["numbers"]


@pytest.fixture(scope="module")
def plain(pose_samples: Path) -> Any:
    return look.observe_datasets(registry, given.dataset_cases(pose_samples))


@pytest.fixture(scope="module")
def combined(pose_samples: Path) -> Any:
    return look.observe_combined(registry, pose_samples, shipped_configs() / "_base_" / "datasets")


@pytest.mark.parametrize("name", NAMES)
def test_items_of_a_data_set_equal_mmposes(name: str, expected: Any, plain: Any) -> None:
    """docs/differences.md, data sets: what evaluation alone reads is there in test mode only."""
    reference, found = expected["datasets"][name], plain[name]
    if "test" not in name:
        assert not any(key in item for item in found["items"] for key in FOR_EVALUATION)
        reference = without(reference, *FOR_EVALUATION)
    assert not unequal(reference, found)


@pytest.mark.parametrize("name", MIXTURES)
def test_items_of_a_mixture_equal_mmposes(name: str, expected: Any, combined: Any) -> None:
    """docs/differences.md, data sets: `source` is new; links, weights and the count of keypoints are the target's."""
    ours = (*FOR_EVALUATION, "skeleton_links", "source", "num_keypoints")
    if name == "combine":
        ours += ("dataset_keypoint_weights",)
    assert not unequal(without(expected["combined"][name], *ours), without(combined[name], *ours))


@pytest.mark.parametrize("name", MIXTURES)
def test_numbers_of_a_mixture_are_float32(name: str, combined: Any) -> None:
    """docs/differences.md, keypoints: MMPose's converter gives float64 (reference row 3B-1)."""
    dtypes = {item[key].dtype for item in combined[name]["items"] for key in ("keypoints", "keypoints_visible")}
    assert dtypes == {np.dtype(np.float32)}


def test_what_a_mixture_says_about_its_samples_is_in_the_target_keypoints(expected: Any, combined: Any) -> None:
    """docs/differences.md, data sets: links are MMPose's source's, ours the target's (reference row 3A-7)."""
    reference, found = expected["combined"]["combine"]["items"], combined["combine"]["items"]
    assert [item["source"] for item in found] == [0] * 12 + [1] * 9
    assert all(max(map(max, item["skeleton_links"])) == 18 for item in found)
    assert max(map(max, reference[-1]["skeleton_links"])) == 13
    assert all(len(item["dataset_keypoint_weights"]) == 19 for item in found)


@pytest.mark.parametrize("name", ["merge", "combine", "all_visible_midpoints", "without_visibility"])
def test_a_converter_gives_mmposes_points(name: str, expected: Any, house_scope: None) -> None:
    assert not unequal(expected["converters"][name], look.observe_converters(registry)[name])


def test_a_midpoint_of_an_unlabelled_end_differs_from_mmpose(expected: Any, house_scope: None) -> None:
    """docs/differences.md, keypoints: MMPose averages with whatever stands at an invisible end (reference row 3B-5).

    Target 0 is the middle of sources 12 and 13, target 1 that of 3 and 9; the others are copies.
    """
    reference, found = expected["converters"]["midpoints"], look.observe_converters(registry)["midpoints"]
    copied = {key: reference[key][:, 2:] for key in reference}
    assert not unequal(copied, {key: found[key][:, 2:] for key in found})
    visible = given.converter_cases()["midpoints"]["given"]["keypoints_visible"]
    both = np.stack([visible[:, [12, 13]].min(1), visible[:, [3, 9]].min(1)], axis=1) > 0
    for key in reference:
        assert not unequal(reference[key][:, :2][both], found[key][:, :2][both])
    np.testing.assert_array_equal(found["keypoints_visible"][:, :2, 0] > 0, both)
