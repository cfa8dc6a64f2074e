"""Each fault of MMPose 1.3.2's keypoint sets, put back into the repaired ones, is found (rows 2b and 2c)."""

from __future__ import annotations

import copy

import pytest

from mmpose_mix.keypoints.lint import ERROR, WARNING, lint_annotated, lint_sets
from mmpose_mix.metainfo import dataset_info_of

COCO_WEIGHTS = [1.0] * 7 + [1.2, 1.2, 1.5, 1.5, 1.0, 1.0, 1.2, 1.2, 1.5, 1.5]
GROUPED_WEIGHTS = [0.2, 0.2, 0.2, 1.3, 1.5, 0.2, 1.3, 1.5, 0.2, 0.2, 0.5, 0.2, 0.2, 0.5]


def without_swaps(info):
    info["dataset_name"] = "300wlp"
    for each in info["keypoint_info"].values():
        each["swap"] = ""


def paw_in_the_wrong_half(info):
    paws = [each for each in info["keypoint_info"].values() if each["name"] in ("L_F_Paw", "R_F_Paw")]
    for each, half in zip(paws, ("upper", "lower")):
        each["type"] = half


def one_sided_swap(info):
    info["keypoint_info"][1]["swap"] = ""


def wrong_id(info):
    info["keypoint_info"][51]["id"] = 52


def wrong_link_id(info):
    info["skeleton_info"][len(info["skeleton_info"]) - 1]["id"] = 11


def named_as_humanart(info):
    info["dataset_name"] = dataset_info_of("humanart")["dataset_name"]


def openpose_order(info):
    entries = list(info["keypoint_info"].values())
    neck = {"name": "neck", "color": [0, 0, 0], "type": "upper", "swap": ""}
    order = [entries[0], neck, *(entries[i] for i in (6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3))]
    info["dataset_name"] = "coco_openpose"
    info["keypoint_info"] = {i: {**each, "id": i} for i, each in enumerate(order)}
    info["joint_weights"] = [1.0] * 18
    info["sigmas"] = [*info["sigmas"], 0.026]


ROWS = {
    "coco_aic has 18 weights": ("coco_aic", lambda i: i.update(joint_weights=i["joint_weights"][:18]), "KS102"),
    "25 sets have no sigmas": ("coco", lambda i: i.update(sigmas=[]), "KS104"),
    "deepfashion2 swaps one way": ("coco", one_sided_swap, "KS131"),
    "300wlp has no swaps": ("300w", without_swaps, "KS171"),
    "300wlp alone has no swaps": ("wflw", without_swaps, "KS136"),
    "one hand has no swaps": ("freihand2d", lambda i: None, "KS137"),
    "ap10k has a paw in the wrong half": ("ap10k", paw_in_the_wrong_half, "KS160"),
    "22 sets have no halves": ("wflw", lambda i: None, "KS161"),
    "coco_openpose has COCO's sigmas": ("coco", openpose_order, "KS142"),
    "ap10k has COCO's weights": ("ap10k", lambda i: i.update(joint_weights=COCO_WEIGHTS), "KS143"),
    "crowdpose has weights by side": ("crowdpose", lambda i: i.update(joint_weights=GROUPED_WEIGHTS), "KS143"),
    "exlpose has weights by side": ("exlpose", lambda i: i.update(joint_weights=GROUPED_WEIGHTS), "KS143"),
    "coco_wholebody_face has an id twice": ("coco_wholebody_face", wrong_id, "KS110"),
    "coco_aic has a link id twice": ("coco_aic", wrong_link_id, "KS112"),
    "coco_aic is called coco": ("coco_aic", lambda i: i.update(dataset_name="coco"), "KS170"),
    "humanart21 is called as humanart": ("humanart21", named_as_humanart, "KS170"),
    "aic publishes other sigmas for each side": ("aic", lambda i: None, "KS144"),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_fault_of_mmposes_sets_is_found(row):
    name, change, code = ROWS[row]
    beside = {"coco", "300w", "humanart"}
    infos = {f"{other}.py": dataset_info_of(other) for other in sorted(beside)}
    before = {each.code for each in lint_sets({**infos, f"{name}.py": dataset_info_of(name)})}
    infos["changed.py"] = copy.deepcopy(dataset_info_of(name))
    if name in beside and name != "coco":
        infos["changed.py"]["dataset_name"] = "changed"
    change(infos["changed.py"])
    found = [each for each in lint_sets(infos) if each.code == code]
    assert found, row
    assert any("changed.py" in each.place for each in found)
    if found[0].severity in (ERROR, WARNING):
        assert code not in before


def test_the_two_editions_of_halpe_are_told_apart():
    assert [each.code for each in lint_annotated("halpe_train_133kpt.json", 133, 136)] == ["DATA306"]
