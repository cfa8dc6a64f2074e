"""Every shipped metainfo file is a keypoint set that can be trained on, flipped and evaluated with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mmpose_mix  # noqa: F401  (registers the data sets)
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import keypoint_set, parse_pose_metainfo, shipped_configs
from mmpose_mix.registry import DATASETS

FILES = sorted((shipped_configs() / "_base_" / "datasets").glob("*.py"))
BODY = {
    "coco": 17, "aic": 14, "crowdpose": 14, "mpii": 16, "jhmdb": 15, "posetrack18": 17, "halpe": 136, "halpe26": 26,
    "ochuman": 17, "humanart": 17, "exlpose": 14, "mhp": 16, "ap10k": 17, "animalpose": 20,
}  # fmt: skip
# Left and right differ in what the data set (of animalpose: MMPose, whose results were measured with it) publishes.
ASYMMETRIC_SIGMAS = {"aic", "animalpose", "coco_wholebody", "coco_wholebody_face", "ubody2d"}
SIDES = (("left", "right"), ("L_", "R_"))

SAMPLES = {
    "CocoDataset": ("coco", "test_coco.json"),
    "AicDataset": ("aic", "test_aic.json"),
    "CrowdPoseDataset": ("crowdpose", "test_crowdpose.json"),
    "JhmdbDataset": ("jhmdb", "test_jhmdb_sub1.json"),
    "OCHumanDataset": ("ochuman", "test_ochuman.json"),
    "HalpeDataset": ("halpe", "test_halpe.json"),
    "MpiiDataset": ("mpii", "test_mpii.json"),
}


def read(path: Path) -> KeypointSet:
    return keypoint_set(parse_pose_metainfo({"from_file": str(path)}))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    """Each metainfo file in turn."""
    return request.param


@pytest.mark.parametrize("name", BODY)
def test_the_sets_of_bodies_and_animals_have_their_keypoints(name: str) -> None:
    assert read(shipped_configs() / "_base_" / "datasets" / f"{name}.py").num_keypoints == BODY[name]


def test_a_set_is_whole_and_flips_into_itself(path: Path) -> None:
    keypoints = read(path)
    count = keypoints.num_keypoints
    flip = np.array(keypoints.flip_indices)
    assert flip[flip].tolist() == list(range(count))
    assert len(keypoints.colors) == len(keypoints.weights) == count
    assert len(keypoints.sigmas) in (0, count)
    assert keypoints.weights.max() > 0
    assert path.read_text().startswith("# "), "a comment says what the set is"


def test_left_and_right_are_partners(path: Path) -> None:
    keypoints = read(path)
    for one, partner in zip(keypoints.keypoint_names, np.array(keypoints.keypoint_names)[list(keypoints.flip_indices)]):
        for left, right in SIDES:
            if left in one or right in one:
                assert partner == one.replace(left, "\0").replace(right, left).replace("\0", right)


def test_left_and_right_count_the_same(path: Path) -> None:
    keypoints = read(path)
    flip = list(keypoints.flip_indices)
    names = np.array(keypoints.keypoint_names)
    assert names[keypoints.weights != keypoints.weights[flip]].tolist() == []
    if len(keypoints.sigmas):
        unequal = names[keypoints.sigmas != keypoints.sigmas[flip]].tolist()
        assert bool(unequal) == (path.stem in ASYMMETRIC_SIGMAS), unequal


def test_halves_and_links_are_the_same_in_a_mirror(path: Path) -> None:
    keypoints = read(path)
    flip = keypoints.flip_indices
    for half in (keypoints.upper_body_ids, keypoints.lower_body_ids):
        assert {flip[i] for i in half} == set(half)
    links = {frozenset(link) for link in keypoints.links}
    assert len(links) == len(keypoints.links)
    assert {frozenset(flip[i] for i in link) for link in links} == links


def test_no_two_sets_have_one_name() -> None:
    assert [name for name, count in Counter(read(path).name for path in FILES).items() if count > 1] == []


@pytest.fixture(params=SAMPLES)
def poses(request: pytest.FixtureRequest, pose_samples: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """Real keypoints, (N, K, 2), in units of the root of the body's area, NaN where not annotated; and the metainfo."""
    folder, ann_file = SAMPLES[request.param]
    dataset = DATASETS.build({"type": request.param, "data_root": str(pose_samples / folder), "ann_file": ann_file})
    items = [dataset.get_data_info(index) for index in range(len(dataset))]
    points = [
        np.where(item["keypoints_visible"][0, :, None] > 0, item["keypoints"][0] / np.sqrt(item["area"]), np.nan)
        for item in items
    ]
    return np.array(points, dtype=np.float64), dataset.metainfo


def median(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """The median of what is annotated; 0 where nothing is."""
    empty = np.isnan(values).all(axis=axis, keepdims=True)
    return np.nanmedian(np.where(empty, 0, values), axis=axis)


def test_links_join_joints_that_are_near_each_other(poses) -> None:
    points, metainfo = poses
    start, end = np.array(metainfo["skeleton_links"]).T
    lengths = median(np.linalg.norm(points[:, start] - points[:, end], axis=2))
    assert lengths.max() < 0.9, metainfo["skeleton_links"][lengths.argmax()]
    assert np.median(lengths[lengths > 0]) < 0.5


def test_people_stand_on_their_feet(poses) -> None:
    points, metainfo = poses
    ids = metainfo["keypoint_name2id"]

    def height(joint: str) -> np.ndarray:
        return points[:, [ids[f"left_{joint}"], ids[f"right_{joint}"]], 1]

    for upper, lower in (("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow")):
        assert median((height(lower) - height(upper)).ravel()) > 0.1, (upper, lower)


def test_shoulders_and_hips_are_on_one_side(poses) -> None:
    points, metainfo = poses
    ids = metainfo["keypoint_name2id"]
    sides = [points[:, ids[f"left_{joint}"], 0] - points[:, ids[f"right_{joint}"], 0] for joint in ("shoulder", "hip")]
    both = ~np.isnan(sides[0] + sides[1])
    assert np.mean(np.sign(sides[0][both]) == np.sign(sides[1][both])) > 0.6


def test_the_pelvis_of_mpii_is_between_the_hips(pose_samples: Path) -> None:
    dataset = DATASETS.build(
        {"type": "MpiiDataset", "data_root": str(pose_samples / "mpii"), "ann_file": "test_mpii.json"}
    )
    ids = dataset.metainfo["keypoint_name2id"]
    for index in range(len(dataset)):
        points = dataset.get_data_info(index)["keypoints"][0]
        middle = (points[ids["left_hip"]] + points[ids["right_hip"]]) / 2
        np.testing.assert_allclose(points[ids["pelvis"]], middle, atol=1)
