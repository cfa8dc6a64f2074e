"""The data sets of whole bodies, faces and hands, on small files in the formats of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmpose_mix.registry import DATASETS
from mmpose_mix.transforms import GetBBoxCenterScale, KeypointConverter
from tests.datasets import part_files

# Recorded from MMPose 1.3.2 on the files of part_files: id, image id, box, number of keypoints, and the sums of the
# coordinates and of the visibilities, each times its place.
PERSONS_OF_MMPOSE: dict[str, list[tuple]] = {
    "CocoWholeBodyDataset": [
        (101, 40, [0.0, 3.0, 66.0, 99.0], 12, 613661.2, 3332.0),
        (100, 21, [6.25, 3.0, 76.75, 109.0], 12, 821371.2, 4253.0),
        (102, 21, [6.25, 3.0, 76.75, 109.0], 12, 1091427.8, 5932.0),
    ],
    "UBody2dDataset": [(101, 40, [0.0, 3.0, 66.0, 99.0], 12, 613661.2, 3332.0)],
    "HumanArt21Dataset": [
        (101, 40, [0.0, 3.0, 66.0, 99.0], 11, 27755.5, 161.0),
        (102, 21, [6.25, 3.0, 76.75, 109.0], 11, 25907.5, 147.0),
        (100, 35, [6.25, 3.0, 76.75, 123.25], 11, 30635.5, 154.0),
    ],
    "Face300WDataset": [
        (101, 40, [-13.5, -2.75, 76.5, 87.25], 68, 425222.0, 2346.0),
        (102, 21, [-27.5, -17.75, 92.5, 102.25], 68, 429934.0, 2346.0),
        (100, 35, [0.5, 12.25, 60.5, 72.25], 68, 438075.0, 2346.0),
    ],
    "WFLWDataset": [
        (101, 40, [-13.5, -2.75, 76.5, 87.25], 98, 893509.5, 4851.0),
        (102, 21, [-27.5, -17.75, 92.5, 102.25], 98, 885336.5, 4851.0),
        (100, 35, [0.5, 12.25, 60.5, 72.25], 98, 888458.5, 4851.0),
    ],
    "COFWDataset": [
        (101, 40, [0.0, 3.0, 66.0, 99.0], 29, 48611.2, 290.0),
        (100, 35, [6.25, 3.0, 76.75, 123.25], 29, 50345.2, 280.0),
    ],
    "LapaDataset": [
        (101, 40, [0.0, 3.0, 66.0, 99.0], 106, 694141.5, 3745.0),
        (100, 35, [6.25, 3.0, 76.75, 123.25], 106, 697498.2, 3816.0),
    ],
    "CocoWholeBodyFaceDataset": [
        (100, 21, [0.0, 3.5, 27.75, 44.0], 46, 299889.5, 1587.0),
        (102, 21, [0.0, 5.5, 27.75, 46.0], 45, 275326.8, 1564.0),
        (104, 35, [0.0, 7.5, 27.75, 48.0], 45, 288865.8, 1541.0),
    ],
    "OneHand10KDataset": [
        (101, 40, [0.0, 3.0, 66.0, 99.0], 21, 27755.5, 161.0),
        (100, 35, [6.25, 3.0, 76.75, 123.25], 21, 30635.5, 154.0),
    ],
    "Rhd2DDataset": [
        (101, 40, [0.0, 3.0, 66.0, 99.0], 21, 27755.5, 161.0),
        (100, 35, [6.25, 3.0, 76.75, 123.25], 21, 30635.5, 154.0),
    ],
    "FreiHandDataset": [
        (101, 40, [0.0, 0.0, 224.0, 224.0], 14, 27755.5, 161.0),
        (102, 21, [0.0, 0.0, 224.0, 224.0], 14, 25907.5, 147.0),
        (100, 35, [0.0, 0.0, 224.0, 224.0], 14, 30635.5, 154.0),
    ],
    "CocoWholeBodyHandDataset": [
        (0, 40, [7.5, 4.5, 37.75, 45.0], 14, 29321.5, 161.0),
        (1, 40, [17.5, 4.5, 47.75, 45.0], 14, 26736.5, 147.0),
        (2, 21, [7.5, 5.5, 37.75, 46.0], 14, 26736.5, 147.0),
        (3, 21, [17.5, 5.5, 47.75, 46.0], 14, 26384.5, 154.0),
        (4, 35, [7.5, 7.5, 37.75, 48.0], 14, 27686.5, 161.0),
        (5, 35, [17.5, 7.5, 47.75, 48.0], 14, 27063.5, 147.0),
    ],
    "InterHand2DDoubleDataset": [
        (900, 40, [-3.5, 2.25, 57.0, 72.25], 42, 248711.0, 903.0),
        (901, 21, [-3.5, 2.25, 57.0, 72.25], 42, 190213.9, 672.0),
        (902, 35, [-3.5, 2.25, 57.0, 72.25], 42, 188377.4, 0.0),
    ],
}
WRITERS: dict[str, Any] = {
    "CocoWholeBodyDataset": part_files.write_whole_bodies,
    "UBody2dDataset": part_files.write_whole_bodies,
    "CocoWholeBodyFaceDataset": part_files.write_whole_bodies,
    "CocoWholeBodyHandDataset": part_files.write_whole_bodies,
    "HumanArt21Dataset": part_files.write_human_art,
    "Face300WDataset": lambda path: part_files.write_centered(path, 68),
    "WFLWDataset": lambda path: part_files.write_centered(path, 98),
    "COFWDataset": lambda path: part_files.write_plain(path, 29),
    "LapaDataset": lambda path: part_files.write_plain(path, 106),
    "OneHand10KDataset": lambda path: part_files.write_plain(path, 21),
    "Rhd2DDataset": lambda path: part_files.write_plain(path, 21),
    "FreiHandDataset": lambda path: part_files.write_plain(path, 21),
    "HalpeHandDataset": lambda path: part_files.write_plain(path, 136),
}
WITHOUT_RAW = {"CocoWholeBodyFaceDataset", "CocoWholeBodyHandDataset", "InterHand2DDoubleDataset", "HalpeHandDataset"}


def build(kind: str, folder: Path, **arguments: Any) -> Any:
    """A data set on a file of its format in ``folder``."""
    if kind == "InterHand2DDoubleDataset":
        files: dict[str, Any] = part_files.write_interhand(folder)
    else:
        files = {"ann_file": WRITERS[kind](folder / f"{kind}.json").name}
    return DATASETS.build({"type": kind, "data_root": str(folder), **files, **arguments})


def all_items(dataset: Any) -> list[dict[str, Any]]:
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def times_place(values: np.ndarray) -> float:
    flat = np.asarray(values, dtype=np.float64).ravel()
    return float(flat @ np.arange(1, len(flat) + 1))


@pytest.mark.parametrize("test_mode", [False, True])
@pytest.mark.parametrize("kind", PERSONS_OF_MMPOSE)
def test_topdown_items_are_those_of_mmpose(kind: str, test_mode: bool, tmp_path: Path) -> None:
    arguments = {"sample_interval": 5} if kind == "UBody2dDataset" else {}
    dataset = build(kind, tmp_path, test_mode=test_mode, **arguments)
    items = all_items(dataset)
    assert [(item["id"], item["img_id"]) for item in items] == [row[:2] for row in PERSONS_OF_MMPOSE[kind]]
    for item, (_, _, bbox, count, coordinates, visible) in zip(items, PERSONS_OF_MMPOSE[kind]):
        np.testing.assert_allclose(item["bbox"], [bbox], atol=1e-5)
        assert item["num_keypoints"] == count
        assert item["keypoints"].shape == (1, dataset.metainfo["num_keypoints"], 2)
        assert times_place(item["keypoints"]) == pytest.approx(coordinates, abs=0.3)
        assert times_place(item["keypoints_visible"]) == visible
        assert ("raw_ann_info" in item) == (test_mode and kind not in WITHOUT_RAW)
        assert "keypoints_3d" not in item
        floats = ("bbox", "bbox_score", "keypoints", "keypoints_visible", "area")
        assert {item[key].dtype for key in floats} == {np.dtype(np.float32)}


@pytest.mark.parametrize("test_mode", [False, True])
@pytest.mark.parametrize("kind", [*PERSONS_OF_MMPOSE, "HalpeHandDataset"])
def test_bottomup_items_hold_all_instances_of_an_image(kind: str, test_mode: bool, tmp_path: Path) -> None:
    topdown = all_items(build(kind, tmp_path, test_mode=test_mode))
    images = all_items(build(kind, tmp_path, test_mode=test_mode, data_mode="bottomup"))
    assert {item["img_id"] for item in images} == {40, 21, 35}
    by_id = {one: (item, place) for item in images for place, one in enumerate(item["id"])}
    for item in topdown:
        image, place = by_id[item["id"]]
        assert image["img_id"] == item["img_id"]
        for key in {"bbox", "keypoints", "keypoints_visible", "bbox_center", "bbox_scale", "hand_type"} & set(item):
            np.testing.assert_array_equal(image[key][place], item[key][0], err_msg=key)


class TestWholeBody:
    def test_arrays_follow_each_other_and_any_flag_above_0_is_visible(self, tmp_path: Path) -> None:
        dataset = build("CocoWholeBodyDataset", tmp_path)
        raw = json.loads((tmp_path / "CocoWholeBodyDataset.json").read_text())["annotations"][2]
        item = dataset.get_data_info(2)
        lists = np.concatenate([np.reshape(raw[name], (-1, 3)) for name in part_files.WHOLE_BODY])
        np.testing.assert_array_equal(item["keypoints"][0], lists[:, :2])
        np.testing.assert_array_equal(item["keypoints_visible"][0], lists[:, 2] > 0)

    def test_a_converter_takes_its_items(self, tmp_path: Path) -> None:
        """Reference row 3B-7: MMPose's items hold keypoints_3d=None, at which its converter stops."""
        mapping = [(0, 0), (1, 1), (20, 2)]
        dataset = build("CocoWholeBodyDataset", tmp_path, pipeline=[KeypointConverter(3, mapping)])
        assert dataset[0]["keypoints"].shape == (1, 3, 2)

    def test_the_annotation_file_of_bodies_alone_is_refused(self, tmp_path: Path) -> None:
        part_files.write_plain(tmp_path / "body.json", 17)
        words = r"annotations\[0\] has no foot_kpts, but others of keypoints, foot_kpts, face_kpts"
        with pytest.raises(ValueError, match=words):
            DATASETS.build({"type": "CocoWholeBodyDataset", "ann_file": str(tmp_path / "body.json")})

    def test_the_metric_is_not_sent_to_a_file_that_it_cannot_read(self, tmp_path: Path) -> None:
        assert "ann_file" not in build("CocoWholeBodyDataset", tmp_path, test_mode=True).metainfo
        assert "ann_file" in build("OneHand10KDataset", tmp_path, test_mode=True).metainfo

    @pytest.mark.parametrize(
        ("scenes", "left"),
        [(["real_human"], [101, 100]), (["mural", "dance"], [101, 102]), (("2D_virtual_human",), [102])],
    )
    def test_scenes_of_human_art_are_folders(self, tmp_path: Path, scenes, left: list[int]) -> None:
        dataset = build("HumanArt21Dataset", tmp_path, filter_cfg={"scenes": scenes})
        assert [item["id"] for item in all_items(dataset)] == left
        both = build("HumanArt21Dataset", tmp_path, filter_cfg={"scenes": scenes, "bbox_score_thr": 0.5})
        assert len(both) == len(left)

    def test_a_scene_without_images_is_counted(self, tmp_path: Path) -> None:
        words = r"3 of them with bbox and keypoints; 0 left by filter_cfg scenes=\['real'\]"
        with pytest.raises(ValueError, match=words):
            build("HumanArt21Dataset", tmp_path, filter_cfg={"scenes": ["real"]})

    @pytest.mark.parametrize("scenes", ["real_human", [1], None])
    def test_scenes_of_another_type_are_refused(self, tmp_path: Path, scenes) -> None:
        with pytest.raises(ValueError, match=r"HumanArt21Dataset: filter_cfg scenes=.*; give a list of folder names"):
            build("HumanArt21Dataset", tmp_path, filter_cfg={"scenes": scenes})

    def test_other_data_sets_have_no_scenes(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"unknown keys \['scenes'\]; allowed is 'bbox_score_thr'"):
            build("UBody2dDataset", tmp_path, filter_cfg={"scenes": []})
        with pytest.raises(ValueError, match=r"unknown keys \['scene'\]; allowed are 'bbox_score_thr', 'scenes'"):
            build("HumanArt21Dataset", tmp_path, filter_cfg={"scene": []})


class TestFaces:
    def test_center_and_scale_of_the_file_are_those_of_the_box(self, tmp_path: Path) -> None:
        item = build("Face300WDataset", tmp_path).get_data_info(0)
        assert item["bbox_center"].tolist() == [[31.5, 42.25]]
        np.testing.assert_allclose(item["bbox_scale"], [[90, 90]], rtol=1e-6)
        assert item["bbox_center"].dtype == item["bbox_scale"].dtype == np.float32
        np.testing.assert_allclose(GetBBoxCenterScale(padding=1.5)(item)["bbox_scale"], [[135, 135]], rtol=1e-6)

    def test_a_file_without_centers_is_refused(self, tmp_path: Path) -> None:
        path = part_files.write_plain(tmp_path / "plain.json", 98)
        with pytest.raises(ValueError, match="Object missing required field `center`"):
            DATASETS.build({"type": "WFLWDataset", "ann_file": str(path)})

    def test_crowds_and_faces_that_are_not_valid_are_left_out(self, tmp_path: Path) -> None:
        items = all_items(build("CocoWholeBodyFaceDataset", tmp_path))
        assert 101 not in {item["id"] for item in items}, "face_valid is false"
        assert 103 not in {item["id"] for item in items}, "a crowd"
        assert 104 in {item["id"] for item in items}, "num_keypoints counts the body's, of which it has none"
        assert items[0]["area"] == pytest.approx(27.75 * 40.5 * 0.53)

    def test_the_flag_decides_where_there_are_keypoints_too(self, tmp_path: Path) -> None:
        path = part_files.write_whole_bodies(tmp_path / "flagged.json")
        content = json.loads(path.read_text())
        content["annotations"][2]["face_valid"] = False
        path.write_text(json.dumps(content))
        dataset = DATASETS.build({"type": "CocoWholeBodyFaceDataset", "ann_file": str(path)})
        assert [item["id"] for item in all_items(dataset)] == [100, 104]


class TestHands:
    def test_hands_of_whole_bodies_are_numbered_by_image_left_before_right(self, tmp_path: Path) -> None:
        items = all_items(build("CocoWholeBodyHandDataset", tmp_path))
        assert [item["id"] for item in items] == list(range(6))
        assert [item["bbox"][0, 0] for item in items] == [7.5, 17.5] * 3

    def test_hands_of_halpe_lie_in_the_boxes_of_their_keypoints(self, tmp_path: Path) -> None:
        dataset = build("HalpeHandDataset", tmp_path)
        assert dataset.metainfo["dataset_name"] == "halpe_hand"
        assert dataset.metainfo["num_keypoints"] == 21
        annotations = json.loads((tmp_path / "HalpeHandDataset.json").read_text())["annotations"]
        expected = [
            np.reshape(annotations[place]["keypoints"], (-1, 3))[hand]
            for place in (1, 2, 0)  # in the order of the images
            for hand in (slice(94, 115), slice(115, 136))
        ]
        assert len(dataset) == len(expected)
        for item, hand in zip(all_items(dataset), expected):
            np.testing.assert_array_equal(item["keypoints"][0], hand[:, :2])
            seen = hand[hand[:, 2] > 0, :2]
            np.testing.assert_array_equal(item["bbox"][0], [*seen.min(axis=0), *seen.max(axis=0)])
            assert item["num_keypoints"] == len(seen)
        assert [item["id"] for item in all_items(dataset)] == list(range(6))

    def test_hands_of_halpe_that_span_no_box_are_left_out(self, tmp_path: Path) -> None:
        keypoints = np.zeros((136, 3))
        keypoints[94] = [5, 6, 2]
        keypoints[[115, 120]] = [[5, 6, 2], [9, 3, 1]]
        path = tmp_path / "halpe.json"
        part_files.write(path, [part_files.person(1, 40, keypoints=keypoints.ravel().tolist())])
        (item,) = all_items(DATASETS.build({"type": "HalpeHandDataset", "ann_file": str(path)}))
        assert item["bbox"].tolist() == [[5, 3, 9, 6]]

    def test_hands_of_the_samples_of_halpe_lie_in_their_images(self, pose_samples: Path) -> None:
        root = {"data_root": str(pose_samples / "halpe"), "ann_file": "test_halpe.json"}
        items = all_items(DATASETS.build({"type": "HalpeHandDataset", **root}))
        assert [(item["img_id"], item["num_keypoints"]) for item in items] == [
            (785, 18), (785, 13), (40083, 14), (196141, 8), (196141, 4),
            (197388, 8), (197388, 12), (197388, 19), (197388, 14), (197388, 16), (197388, 20),
        ]  # fmt: skip

    def test_two_hands_of_interhand_are_one_item(self, tmp_path: Path) -> None:
        items = all_items(build("InterHand2DDoubleDataset", tmp_path))
        assert [item["hand_type"].tolist() for item in items] == [[[1, 1]], [[0, 1]], [[1, 0]]]
        assert [item["hand_type_valid"].tolist() for item in items] == [[1]] * 3
        left = items[1]["keypoints_visible"][0]
        assert left.tolist() == [0] * 21 + [1] * 21
        assert not items[2]["keypoints_visible"].any(), "joints without their wrist do not count"

    def test_sample_interval_of_interhand_counts_images(self, tmp_path: Path) -> None:
        dataset = build("InterHand2DDoubleDataset", tmp_path, sample_interval=2)
        assert [item["id"] for item in all_items(dataset)] == [900, 902]

    def test_interhand_takes_boxes_of_a_detector(self, tmp_path: Path) -> None:
        """MMPose opens the file with `json.load` of its path and stops."""
        found = {"use_gt_root_depth": False, "rootnet_result_file": "boxes.json"}
        items = all_items(build("InterHand2DDoubleDataset", tmp_path, **found))
        assert [item["bbox"].tolist() for item in items] == [[[5, 6, 25 + place, 36]] for place in range(3)]

    def test_files_that_interhand_needs_are_asked_for(self, tmp_path: Path) -> None:
        words = "camera_param_file, joint_file, rootnet_result_file not given; keypoints are projected with them"
        with pytest.raises(ValueError, match=words):
            DATASETS.build({"type": "InterHand2DDoubleDataset", "ann_file": "a.json", "use_gt_root_depth": False})
        with pytest.raises(FileNotFoundError, match=r"there is no joint_file '.*gone\.json' \(data_root="):
            build("InterHand2DDoubleDataset", tmp_path, joint_file="gone.json")
        with pytest.raises(ValueError, match="bbox_file; for boxes of a detector give rootnet_result_file"):
            build("InterHand2DDoubleDataset", tmp_path, bbox_file="b.json", test_mode=True)
        with pytest.raises(TypeError, match="camera_file"):
            build("InterHand2DDoubleDataset", tmp_path, camera_file="c.json")
