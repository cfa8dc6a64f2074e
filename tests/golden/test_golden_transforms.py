"""Each transform under a fixed seed changes what MMPose's changes, to the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import golden_inputs as given
import numpy as np
import observations as look
import pytest
from golden_compare import unequal, without

from mmpose_mix import registry
from mmpose_mix.metainfo import shipped_configs

CASES = given.transform_cases()


@pytest.fixture(scope="module")
def expected(recorded: Any) -> Any:
    return recorded("transforms")


@pytest.fixture(scope="module")
def chains(pose_samples: Path) -> Any:
    return look.observe_transforms(registry, pose_samples, shipped_configs() / "_base_" / "datasets")


@pytest.mark.parametrize("case", CASES)
def test_a_chain_of_transforms_gives_mmposes_numbers_at_every_stage(case: str, expected: Any, chains: Any) -> None:
    """The last entry of a chain, the generator's next number, shows that as many numbers were drawn as by MMPose."""
    found = []
    for name, reference in expected["numbers"]["chains"].items():
        if name.startswith(f"{case}/"):
            stages = [_without_added_label_weights(stage, like) for stage, like in zip(chains[name], reference)]
            found += unequal(without(reference, "img"), without(stages, "img"), where=name, atol=2e-3)
    assert not found


@pytest.mark.parametrize("case", CASES)
def test_a_chain_of_transforms_gives_mmposes_image(case: str, expected: Any, chains: Any, recorded_warp: None) -> None:
    """Equal to the last bit, but for the UDP chain: its float32 matrix rounds single pixels by one gray level."""
    same_opencv = cv2.__version__ == expected["made_with"]["opencv"]
    ignored = () if same_opencv and case != "strong_merge" else ("digest",)
    for name, reference in expected["numbers"]["chains"].items():
        if name.startswith(f"{case}/"):
            images, others = ([stage[1].get("img") for stage in chain[:-1]] for chain in (reference, chains[name]))
            assert sum(image is not None for image in images) >= 2
            assert not unequal(without(images, *ignored), without(others, *ignored), where=name, atol=0.25)


def _without_added_label_weights(stage: Any, reference: Any) -> Any:
    """docs/differences.md, image pipeline: sources that were not converted have label weights too, all 1."""
    if stage[0] != "GenerateTarget" or "keypoints_visible_weights" in reference[1]:
        return stage
    assert (stage[1]["keypoints_visible_weights"] == 1).all()
    return [stage[0], without(stage[1], "keypoints_visible_weights")]


def test_every_number_of_a_chain_is_float32(chains: Any) -> None:
    """docs/differences.md, image pipeline: MMPose's become float64 in half bodies of converted sources."""
    names = ("bbox_center", "bbox_scale", "bbox_rotation", "keypoints", "keypoints_visible", "transformed_keypoints",
             "keypoint_weights", "keypoints_visible_weights")  # fmt: skip
    wrong = {
        (chain, stage, name, str(values[name].dtype))
        for chain, stages in chains.items()
        for stage, values in stages[:-1]
        for name in names
        if name in values and values[name].dtype != np.float32
    }
    assert not wrong


def test_a_packed_sample_holds_mmposes_fields_and_the_label_weight(
    pose_samples: Path, expected: Any, recorded_warp: None
) -> None:
    """docs/differences.md, image pipeline: `keypoints_visible_weights` reach the labels (reference row 3B-9)."""
    found = look.observe_packing(registry, pose_samples, shipped_configs() / "_base_" / "datasets")
    reference = expected["numbers"]["packing"]
    for sample in found.values():
        assert sample["gt_instance_labels"].pop("keypoints_visible_weights").shape == (1, 17)
    assert not unequal(without(reference, "metainfo"), without(found, "metainfo"), atol=2e-3)
