"""The keypoint sets of whole bodies, faces and hands are MMPose's, but for what is listed as mended."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

from mmpose_mix.evaluation import CocoMetric
from mmpose_mix.metainfo import parse_pose_metainfo

FACETS = ("names", "partners", "links", "colors", "link_colors", "weights", "sigmas", "halves")
# Recorded from MMPose 1.3.2: the number of keypoints, then a checksum of each facet.
OF_MMPOSE = {
    "coco_wholebody": (
        133,
        3846154465,
        1593245610,
        2973146151,
        574852362,
        1787852949,
        1365195339,
        4024097372,
        1607500160,
    ),
    "ubody2d": (133, 3846154465, 1593245610, 2973146151, 574852362, 1787852949, 1365195339, 4024097372, 1607500160),
    "humanart21": (21, 3579579030, 667211266, 185601442, 1951940948, 2429422108, 2645144417, 1310383845, 2044163910),
    "300w": (68, 3345309595, 3975735503, 223132457, 1954508468, 223132457, 3552581193, 223132457, 579417255),
    "wflw": (98, 834328304, 1163079588, 223132457, 3595399639, 223132457, 1359498571, 223132457, 579417255),
    "cofw": (29, 4022538528, 863527811, 223132457, 3974820792, 223132457, 2914265503, 223132457, 579417255),
    "lapa": (106, 1488479933, 2774862092, 223132457, 2355876960, 223132457, 115484503, 223132457, 579417255),
    "coco_wholebody_face": (
        68,
        2769436810,
        3975735503,
        223132457,
        1954508468,
        223132457,
        3552581193,
        3007467583,
        579417255,
    ),
    "onehand10k": (21, 2122891072, 403671833, 3633553984, 1520288171, 3156749903, 578979859, 223132457, 579417255),
    "freihand2d": (21, 2122891072, 403671833, 3633553984, 1520288171, 3156749903, 578979859, 223132457, 579417255),
    "rhd2d": (21, 3559206751, 403671833, 539904886, 1520288171, 3156749903, 578979859, 223132457, 579417255),
    "coco_wholebody_hand": (
        21,
        2122891072,
        403671833,
        3633553984,
        1520288171,
        3156749903,
        578979859,
        3797158422,
        579417255,
    ),
    "interhand2d": (21, 3498952056, 403671833, 723906329, 2658368168, 3156749903, 578979859, 223132457, 579417255),
    "interhand3d": (42, 2003449919, 2202041339, 3441552769, 2585873023, 3241848638, 1968357531, 223132457, 579417255),
}
MENDED = {("humanart21", "halves")}
WITHOUT_SIGMAS = {"300w", "wflw", "cofw", "lapa", "onehand10k", "freihand2d", "rhd2d", "interhand2d", "interhand3d"}


def metainfo(name: str) -> dict[str, Any]:
    return parse_pose_metainfo({"from_file": f"configs/_base_/datasets/{name}.py"})


def facets(parsed: dict[str, Any]) -> dict[str, Any]:
    """What is compared, as lists and tuples of Python's own numbers."""
    return {
        "names": list(parsed["keypoint_id2name"].values()),
        "partners": parsed["flip_indices"],
        "links": parsed["skeleton_links"],
        "colors": parsed["keypoint_colors"].tolist(),
        "link_colors": parsed["skeleton_link_colors"].tolist(),
        "weights": [round(weight, 4) for weight in parsed["dataset_keypoint_weights"].tolist()],
        "sigmas": [round(sigma, 4) for sigma in parsed["sigmas"].tolist()],
        "halves": [parsed["upper_body_ids"], parsed["lower_body_ids"]],
    }


@pytest.mark.parametrize("name", OF_MMPOSE)
def test_each_facet_is_that_of_mmpose_unless_it_is_mended(name: str) -> None:
    parsed = metainfo(name)
    count, *checksums = OF_MMPOSE[name]
    assert parsed["num_keypoints"] == count
    found = [zlib.crc32(repr(facet).encode()) for facet in facets(parsed).values()]
    differs = {(name, facet) for facet, one, other in zip(FACETS, found, checksums) if one != other}
    assert differs == {pair for pair in MENDED if pair[0] == name}


def test_the_fingers_of_human_art_belong_to_the_upper_body() -> None:
    parsed = metainfo("humanart21")
    names = parsed["keypoint_id2name"]
    lower = {names[i] for i in parsed["lower_body_ids"]}
    assert {names[i] for i in parsed["upper_body_ids"]} >= {"left_finger", "right_finger", "left_wrist"}
    assert lower & {"left_finger", "right_finger", "left_toe", "right_toe"} == {"left_toe", "right_toe"}


@pytest.mark.parametrize("name", OF_MMPOSE)
def test_sets_without_sigmas_are_refused_by_the_metric_that_needs_them_alone(name: str) -> None:
    parsed, metric = metainfo(name), CocoMetric()
    assert (len(parsed["sigmas"]) == 0) == (name in WITHOUT_SIGMAS)
    if name not in WITHOUT_SIGMAS:
        metric.dataset_meta = parsed
        np.testing.assert_array_equal(metric.dataset_meta["sigmas"], parsed["sigmas"])
        return
    words = rf"has {parsed['num_keypoints']} keypoints and 0 sigmas\. COCO's metric .* use a metric that needs none"
    with pytest.raises(ValueError, match=words):
        metric.dataset_meta = parsed
