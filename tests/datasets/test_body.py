"""What is special about single data sets; items of all of them are compared with MMPose's in tests/golden."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mmpose_mix.datasets import CombinedDataset, JhmdbDataset, MpiiDataset
from mmpose_mix.metainfo import parse_pose_metainfo
from mmpose_mix.registry import DATASETS
from mmpose_mix.transforms import GetBBoxCenterScale

CLASSES = {
    "AicDataset": ("aic", 14), "CocoDataset": ("coco", 17), "CrowdPoseDataset": ("crowdpose", 14),
    "ExlposeDataset": ("exlpose", 14), "HalpeDataset": ("halpe", 136), "HumanArtDataset": ("Human-Art", 17),
    "JhmdbDataset": ("jhmdb", 15), "MhpDataset": ("mhp", 16), "MpiiDataset": ("mpii", 16),
    "OCHumanDataset": ("ochuman", 17), "PoseTrack18Dataset": ("posetrack18", 17),
    "AP10KDataset": ("ap10k", 17), "AnimalPoseDataset": ("animalpose", 20),
}  # fmt: skip
TRIO_JOINTS = [[10, 20], [30, 40], [-1, -1]]


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_knows_its_keypoint_set(name: str) -> None:
    dataset = DATASETS.build({"type": name, "lazy_init": True})
    assert (dataset.metainfo["dataset_name"], dataset.metainfo["num_keypoints"]) == CLASSES[name]


def test_jhmdb_counts_pixels_from_one(trio) -> None:
    one = JhmdbDataset(**trio).get_data_info(0)
    assert one["id"] == 1
    assert one["bbox"].tolist() == [[0, 1, 10, 21]]
    assert one["keypoints"].tolist() == [[[7, 7], [-1, -1], [-1, -1]]]
    assert one["keypoints"].dtype == np.float32
    assert one["keypoints_visible"].tolist() == [[1, 0, 0]]
    assert one["area"] == pytest.approx(10 * 20 * 0.53)
    # clipped after the shift; the file's own area and count are not used
    last = JhmdbDataset(**trio).get_data_info(2)
    assert (last["id"], last["bbox"].tolist()) == (0, [[3, 3, 63, 23]])
    assert last["area"] == pytest.approx(60 * 20 * 0.53)
    assert one["num_keypoints"] == 3, "-1 counts, as in MMPose"


@pytest.fixture
def mpii(tmp_path: Path, trio: dict[str, Any]) -> dict[str, Any]:
    """Arguments of an MPII data set of three keypoints: two persons in one image, one in another."""
    persons = [
        {"image": f"{image}.jpg", "center": [center, 50], "scale": 0.5, "joints": TRIO_JOINTS, "joints_vis": [1, 1, 0]}
        for image, center in ((12, 60), (7, 70), (12, 80))
    ]
    (tmp_path / "mpii.json").write_text(json.dumps(persons))
    return {**trio, "ann_file": "mpii.json"}


def test_mpii_gives_its_own_centers_and_scales(mpii) -> None:
    dataset = MpiiDataset(**mpii)
    assert [dataset.get_data_info(index)["id"] for index in range(3)] == [0, 2, 1]
    item = dataset.get_data_info(1)
    assert (item["img_id"], Path(item["img_path"]).name) == (12, "12.jpg")
    assert item["bbox_center"].tolist() == [[79, 56.5]]
    assert item["bbox_scale"].tolist() == [[100, 100]]
    assert item["bbox"].tolist() == [[29, 6.5, 129, 106.5]]
    assert item["area"] == pytest.approx(100 * 100 * 0.53)
    assert item["keypoints"].tolist() == [TRIO_JOINTS]
    assert item["num_keypoints"] == 2
    padded = GetBBoxCenterScale(padding=1.25)(item)
    assert padded["bbox_center"].tolist() == [[79, 56.5]]
    assert padded["bbox_scale"].tolist() == [[125, 125]]
    assert dataset.get_data_info(1)["bbox_scale"].tolist() == [[100, 100]], "an item is its own"


def test_mpii_bottomup_joins_the_persons_of_an_image(mpii) -> None:
    both = MpiiDataset(**mpii, data_mode="bottomup").get_data_info(0)
    assert both["id"] == [0, 2]
    assert both["bbox_center"].tolist() == [[59, 56.5], [79, 56.5]]
    assert both["keypoints"].shape == (2, 3, 2)


def test_mpii_goes_into_a_mixture(mpii, trio) -> None:
    mixture = CombinedDataset(
        metainfo=trio["metainfo"],
        datasets=[{"type": "mmpose_mix.MpiiDataset", **mpii}, {"type": "mmpose_mix.CocoStyleDataset", **trio}],
    )
    assert [mixture[index]["source"] for index in range(len(mixture))] == [0, 0, 0, 1, 1, 1]


@pytest.fixture
def heads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A function: array -> a head file that holds it, read by a stand-in for SciPy."""

    def write(boxes: Any) -> str:
        scipy, scipy_io = ModuleType("scipy"), ModuleType("scipy.io")
        scipy_io.loadmat = lambda path: {"headboxes_src": boxes} if boxes is not None else {}  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "scipy", scipy)
        monkeypatch.setitem(sys.modules, "scipy.io", scipy_io)
        path = tmp_path / "heads.mat"
        path.touch()
        return str(path)

    return write


def test_head_sizes_belong_to_persons_by_their_place_in_the_list(mpii, heads) -> None:
    boxes = np.zeros((2, 2, 3), dtype=np.int16)
    boxes[0] = 5
    boxes[1] = boxes[0] + np.array([[3, 30, 6], [4, 40, 8]])
    dataset = MpiiDataset(**mpii, headbox_file=heads(boxes), test_mode=True)
    items = [dataset.get_data_info(index) for index in range(3)]
    assert [item["id"] for item in items] == [0, 2, 1]
    np.testing.assert_allclose([item["head_size"] for item in items], [[[3]], [[6]], [[30]]], rtol=1e-6)
    assert items[0]["head_size"].dtype == np.float32


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        (np.zeros((2, 2, 4)), "has 4 heads and .*mpii.json has 3 persons.* give the two files of one split"),
        (np.zeros((4, 3)), r"there is no headboxes_src of shape \(2, 2, heads\); give MPII's mpii_gt_val.mat"),
        (None, "there is no headboxes_src"),
    ],
)
def test_a_wrong_head_file_is_refused(mpii, heads, boxes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MpiiDataset(**mpii, headbox_file=heads(boxes), test_mode=True)


def test_head_sizes_need_scipy(mpii, heads, monkeypatch: pytest.MonkeyPatch) -> None:
    path = heads(None)
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(ImportError, match="headbox_file is a MATLAB file and needs SciPy: pip install scipy"):
        MpiiDataset(**mpii, headbox_file=path, test_mode=True)


def test_arguments_that_mpii_cannot_use_are_refused_together(mpii) -> None:
    with pytest.raises(ValueError, match="MpiiDataset: ") as error:
        MpiiDataset(**mpii, headbox_file="heads.npy", bbox_file="boxes.json", data_mode="bottomup")
    for words in (
        "bbox_file with test_mode=False",
        "bbox_file; MPII's list has no image ids that detected boxes could name: leave it out",
        "headbox_file with data_mode='bottomup'; head sizes need data_mode='topdown'",
        "headbox_file with test_mode=False; head sizes are for evaluation",
        "headbox_file='heads.npy'; give the MATLAB file",
    ):
        assert words in str(error.value)
    with pytest.raises(TypeError, match="unexpected keyword argument 'headbox'"):
        MpiiDataset(**mpii, headbox="heads.mat")
    with pytest.raises(FileNotFoundError, match=r"MpiiDataset: there is no headbox_file 'none.mat'.* not relative to"):
        MpiiDataset(**mpii, headbox_file="none.mat", test_mode=True)


def test_mpii_in_coco_form_and_coco_in_mpiis_are_refused_with_words(mpii, trio) -> None:
    with pytest.raises(ValueError, match=r"trio.json: top level: .*Expected MPII's list of persons"):
        MpiiDataset(**trio)
    with pytest.raises(ValueError, match=r"mpii.json: top level: .*Expected a COCO annotation file"):
        JhmdbDataset(**mpii)


def test_numbers_of_the_real_mpii_samples(pose_samples: Path) -> None:
    dataset = MpiiDataset(ann_file="test_mpii.json", data_root=str(pose_samples / "mpii"))
    item = dataset.get_data_info(0)
    scale = 4.718488 * 200
    np.testing.assert_allclose(item["bbox_center"], [[965, 340 + 15 * 4.718488 - 1]], rtol=1e-6)
    np.testing.assert_allclose(item["bbox_scale"], [[scale, scale]], rtol=1e-6)
    assert item["img_id"] == 5808361
    assert Path(item["img_path"]).is_file()
    assert parse_pose_metainfo(MpiiDataset.METAINFO)["keypoint_id2name"][9] == "head_top"
    assert item["keypoints"][0, 9].tolist() == pytest.approx([962.2409, 80.0306])
