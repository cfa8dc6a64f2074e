from __future__ import annotations

import copy
import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset, pseudo_collate
from torch.utils.data import DataLoader

from mmpose_mix.datasets import AicDataset, CocoDataset, CocoStyleDataset
from mmpose_mix.registry import DATASETS

# Recorded from MMPose 1.3.2 on the sample files: annotation id, image id, bbox, area, sum of visibility.
COCO_PERSONS = [
    (442619, 785, [280.79, 44.73, 499.49, 391.41], 27789.111, 17),
    (198196, 40083, [38.08, 110.95, 212.79, 285.66], 11025.219, 14),
    (230195, 40083, [257.76, 139.06, 397.81, 293.27], 10171.954, 15),
    (460541, 196141, [247.76, 74.23, 417.43, 375.01], 17123.93, 15),
    (488308, 196141, [555.57, 99.84, 603.89, 212.89], 2789.021, 15),
    (1717641, 196141, [453.77, 206.81, 631.0, 417.68], 21608.941, 12),
    (1724673, 196141, [36.12, 67.59, 66.53, 163.67], 1870.14, 17),
    (437295, 197388, [139.41, 102.25, 361.8, 343.82], 14250.294, 16),
    (467657, 197388, [287.17, 61.52, 362.05, 227.13], 3404.869, 16),
    (531914, 197388, [540.04, 48.81, 639.0, 272.17], 8913.984, 15),
    (533949, 197388, [372.58, 170.84, 639.0, 388.03], 14267.205, 16),
    (543117, 197388, [0.5, 43.74, 90.6, 263.83], 8260.751, 13),
]
AIC_PERSONS = [
    (4, 1, [279, 55, 492, 599], 61412.16, 10),
    (5, 1, [541, 131, 870, 599], 81605.156, 6),
    (6, 1, [88, 7, 340, 599], 79067.523, 10),
    (7, 2, [497, 179, 898, 595], 88412.477, 8),
    (8, 2, [336, 26, 513, 280], 23827.74, 14),
    (9, 2, [0, 109, 473, 595], 121835.344, 11),
    (10, 3, [681, 3, 948, 610], 85896.57, 14),
    (11, 3, [484, 7, 646, 488], 41298.66, 14),
    (12, 3, [33, 73, 526, 639], 147890.141, 14),
]
ITEM_KEYS = {
    "img_id", "img_path", "bbox", "bbox_score", "num_keypoints", "keypoints", "keypoints_visible", "area", "iscrowd",
    "id", "category_id", "sample_idx", "dataset_name", "upper_body_ids", "lower_body_ids", "flip_pairs",
    "flip_indices", "dataset_keypoint_weights", "skeleton_links",
}  # fmt: skip


def all_items(dataset: CocoStyleDataset) -> list[dict[str, Any]]:
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def ids(dataset: CocoStyleDataset) -> list[Any]:
    return [item["id"] for item in all_items(dataset)]


def as_text(item: dict[str, Any]) -> str:
    return json.dumps(item, default=lambda value: value.tolist(), sort_keys=True)


@pytest.mark.parametrize(
    ("kind", "name", "persons"), [(CocoDataset, "coco", COCO_PERSONS), (AicDataset, "aic", AIC_PERSONS)]
)
@pytest.mark.parametrize("test_mode", [False, True])
def test_topdown_items_are_those_of_mmpose(pose_samples: Path, kind, name: str, persons, test_mode: bool) -> None:
    dataset = kind(ann_file=f"test_{name}.json", data_root=str(pose_samples / name), test_mode=test_mode)
    items = all_items(dataset)
    assert [(item["id"], item["img_id"]) for item in items] == [person[:2] for person in persons]
    keypoints = dataset.metainfo["num_keypoints"]
    for item, (_, _, bbox, area, visible) in zip(items, persons):
        assert set(item) == ITEM_KEYS | ({"raw_ann_info", "segmentation"} if test_mode else set())
        np.testing.assert_allclose(item["bbox"], [bbox], atol=6e-4)
        assert item["area"] == pytest.approx(area, abs=6e-4)
        assert item["keypoints_visible"].sum() == item["num_keypoints"] == visible
        assert item["keypoints"].shape == (1, keypoints, 2)
        assert item["bbox_score"].tolist() == [1]
        assert {item[key].dtype for key in ("bbox", "bbox_score", "keypoints", "keypoints_visible")} == {
            np.dtype(np.float32)
        }
        assert (item["area"].shape, item["category_id"].shape, item["category_id"].dtype) == ((), (), np.int64)
        assert Path(item["img_path"]).is_file()


def test_bottomup_items_are_those_of_mmpose(pose_samples: Path) -> None:
    arguments = {"ann_file": "test_coco.json", "data_root": str(pose_samples / "coco"), "data_mode": "bottomup"}
    training, evaluation = (all_items(CocoDataset(**arguments, test_mode=mode)) for mode in (False, True))
    assert [item["img_id"] for item in training] == [785, 40083, 196141, 197388]
    assert [item["num_keypoints"] for item in training] == [
        [17], [14, 15, 0], [15, 15, 0, 12, 17], [16, 16, 15, 16, 13],
    ]  # fmt: skip
    assert [item["keypoints"].astype(float).sum() for item in training] == [9563, 12698, 31602, 40756]
    assert [len(item["invalid_segs"]) for item in training] == [0, 1, 1, 0]
    assert training[1]["id"] == [198196, 230195, 1202706]
    np.testing.assert_allclose(training[1]["area"], [11025.219, 10171.954, 491.267], atol=6e-4)
    for one, other in zip(training, evaluation):
        assert set(other) - set(one) == {"raw_ann_info", "segmentation"}
        assert one["invalid_segs"] == other["invalid_segs"]
        assert [raw["id"] for raw in other["raw_ann_info"]] == one["id"]


@pytest.mark.parametrize(("threshold", "left"), [(None, 118), (0.0296, 87), (0.5, 18), (0.99, 12)])
def test_detected_boxes_are_those_of_mmpose(pose_samples: Path, threshold, left: int) -> None:
    dataset = CocoDataset(
        ann_file="test_coco.json",
        data_root=str(pose_samples / "coco"),
        bbox_file=str(pose_samples / "coco" / "test_coco_det_AP_H_56.json"),
        filter_cfg=None if threshold is None else {"bbox_score_thr": threshold},
        test_mode=True,
    )
    assert len(dataset) == left
    if threshold is None:
        item = dataset.get_data_info(30)
        assert (item["id"], item["img_id"], item["img_shape"], item["sample_idx"]) == (30, 197388, (392, 640), 30)
        np.testing.assert_allclose(item["bbox"], [[372.00824, 163.99892, 608.9148, 388.8127]])
        np.testing.assert_allclose(item["bbox_score"], [0.3274314])
        assert not item["keypoints"].any()
        assert item["keypoints"].shape == (1, 17, 2)
        assert item["keypoints_visible"].tolist() == [[1] * 17]
        assert dataset.get_cat_ids(30) == [1]
    else:
        assert all(item["bbox_score"] >= np.float32(threshold) for item in all_items(dataset))


def test_items_come_by_image_in_the_order_of_the_file(trio) -> None:
    dataset = CocoStyleDataset(**trio)
    assert ids(dataset) == [1, 3, 0]
    item = dataset.get_data_info(2)
    assert item["img_path"] == str(Path(trio["data_root"], "pictures", "2.jpg"))
    assert item["bbox"].tolist() == [[4, 4, 63, 24]], "clipped"
    assert item["keypoints_visible"].tolist() == [[1, 1, 0.5]]
    assert item["area"].tolist() == 300.5
    assert item["num_keypoints"] == 3
    assert "crowd_index" not in item
    assert dataset.get_data_info(0)["area"] == pytest.approx(10 * 20 * 0.53)


def test_bottomup_keeps_persons_that_cannot_be_trained_on(trio) -> None:
    items = all_items(CocoStyleDataset(**trio, data_mode="bottomup"))
    assert [(item["img_id"], item["id"]) for item in items] == [(4, [1, 3]), (2, [0, 2]), (8, [4])]
    assert [item["invalid_segs"] for item in items] == [
        [], [[[1, 1, 3, 1, 3, 3]]], [{"size": [48, 64], "counts": "abc"}],
    ]  # fmt: skip
    assert items[1]["iscrowd"] == [0, 0]
    assert items[1]["category_id"].tolist() == [1, 1]


def test_evaluation_sees_images_without_persons_and_the_whole_annotation(trio) -> None:
    dataset = CocoStyleDataset(**trio, data_mode="bottomup", test_mode=True)
    empty = dataset.get_data_info(3)
    assert {key: empty[key] for key in ("img_id", "id", "raw_ann_info")} == {
        "img_id": 7,
        "id": [],
        "raw_ann_info": None,
    }
    assert "keypoints" not in empty
    assert dataset.get_cat_ids(3) == []
    item = dataset.get_data_info(0)
    assert item["segmentation"] == [None, [0, 0, 2, 0, 2, 2]]
    assert [(raw["id"], raw["iscrowd"]) for raw in item["raw_ann_info"]] == [(1, 0), (3, 0)]
    assert dataset.metainfo["ann_file"] == str(Path(trio["data_root"], "trio.json"))
    assert "ann_file" not in CocoStyleDataset(**trio).metainfo


def test_crowd_index_of_the_image_reaches_the_item(trio, rewrite_trio) -> None:
    rewrite_trio(images=[{"id": i, "file_name": "a", "width": 64, "height": 48, "crowdIndex": 0.5} for i in (2, 4, 8)])
    assert CocoStyleDataset(**trio).get_data_info(0)["crowd_index"] == 0.5
    assert CocoStyleDataset(**trio, data_mode="bottomup").get_data_info(0)["crowd_index"] == [0.5, 0.5]


@pytest.mark.parametrize(("prefix", "name", "path"), [
    ("a/", "b.jpg", "a/b.jpg"), ("a", "b/c.jpg", "a/b/c.jpg"), ("", "b.jpg", "b.jpg"), ("a", "/b.jpg", "/b.jpg"),
    ("/r", "ü b:.jpg", "/r/ü b:.jpg"),
])  # fmt: skip
def test_image_paths_are_joined(trio, rewrite_trio, prefix: str, name: str, path: str) -> None:
    rewrite_trio(images=[{"id": i, "file_name": name, "width": 64, "height": 48} for i in (2, 4, 8)])
    trio.update(ann_file=str(Path(trio["data_root"], "trio.json")), data_root=None, data_prefix={"img": prefix})
    assert CocoStyleDataset(**trio).get_data_info(0)["img_path"] == path


def test_sample_interval_keeps_images_by_id(trio) -> None:
    assert ids(CocoStyleDataset(**trio, sample_interval=4)) == [1, 3]
    assert len(CocoStyleDataset(**trio, sample_interval=2, data_mode="bottomup", test_mode=True)) == 3


@pytest.mark.parametrize("test_mode", [False, True])
@pytest.mark.parametrize("data_mode", ["topdown", "bottomup"])
def test_what_a_transform_does_to_an_item_stays_there(trio, data_mode: str, test_mode: bool) -> None:
    dataset = CocoStyleDataset(**trio, data_mode=data_mode, test_mode=test_mode)
    before = [as_text(item) for item in all_items(dataset)]
    for item in all_items(dataset):
        for value in item.values():
            if isinstance(value, np.ndarray) and value.flags.writeable:
                value[...] = -99
            elif isinstance(value, (list, dict)):
                value.clear()
        item.clear()
    assert [as_text(item) for item in all_items(dataset)] == before


def test_metainfo_is_shared_by_all_items_and_cannot_be_changed(trio) -> None:
    dataset = CocoStyleDataset(**trio)
    for some in (dataset, dataset.get_subset(2), copy.deepcopy(dataset), pickle.loads(pickle.dumps(dataset))):
        one, other = some.get_data_info(0), some.get_data_info(1)
        for key in ("upper_body_ids", "lower_body_ids", "flip_pairs", "flip_indices", "skeleton_links"):
            assert one[key] is other[key]
            assert isinstance(one[key], tuple)
        assert one["dataset_keypoint_weights"] is other["dataset_keypoint_weights"]
        with pytest.raises(ValueError, match="read-only"):
            one["dataset_keypoint_weights"][0] = 5
    assert one["flip_indices"] == (0, 2, 1)
    assert one["dataset_name"] == "trio"
    assert "dataset" not in one


def test_metainfo_is_that_of_mmpose(trio) -> None:
    metainfo = CocoStyleDataset(**trio).metainfo
    assert metainfo["CLASSES"] == [{"id": 1}]
    assert metainfo["flip_indices"] == [0, 2, 1]
    assert metainfo["keypoint_id2name"] == {0: "nose", 1: "left", 2: "right"}


@pytest.mark.parametrize(
    ("indices", "left"),
    [(2, [1, 3]), (-2, [3, 0]), (99, [1, 3, 0]), ([2, -3, 2], [0, 1, 0]), (np.array([1]), [3]), ((0,), [1])],
)
@pytest.mark.parametrize("serialize_data", [False, True])
def test_indices_and_subsets_select_items(trio, indices, left: list[int], serialize_data: bool) -> None:
    assert ids(CocoStyleDataset(**trio, indices=indices, serialize_data=serialize_data)) == left
    dataset = CocoStyleDataset(**trio, serialize_data=serialize_data)
    subset = dataset.get_subset(indices)
    assert (ids(subset), ids(dataset)) == (left, [1, 3, 0])
    dataset.get_subset_(indices)
    assert ids(dataset) == left
    assert len(dataset.get_subset([])) == 0


def test_data_list_is_a_sequence_of_fresh_items(trio) -> None:
    for mode in ("topdown", "bottomup"):
        data_list = CocoStyleDataset(**trio, data_mode=mode).data_list
        assert [as_text(item) for item in data_list] == [as_text(data_list[index]) for index in range(3)]
        assert [as_text(item) for item in data_list[1:]] == [as_text(data_list[index]) for index in (1, 2)]
        assert as_text(data_list[-1]) == as_text(data_list[2])


@pytest.mark.parametrize("index", [3, -4])
def test_an_index_outside_is_an_index_error(trio, index: int) -> None:
    dataset = CocoStyleDataset(**trio)
    assert dataset.get_data_info(-1)["sample_idx"] == 2
    with pytest.raises(IndexError, match=rf"item {index} is outside of a data set of 3 items"):
        dataset[index]


def test_lazy_init_reads_nothing_until_used(trio) -> None:
    trio["ann_file"] = "later.json"
    dataset = CocoStyleDataset(**trio, lazy_init=True)
    assert dataset.metainfo["dataset_name"] == "trio"
    Path(trio["data_root"], "trio.json").rename(Path(trio["data_root"], "later.json"))
    assert len(dataset) == 3
    assert "CLASSES" in dataset.metainfo


def test_an_item_that_the_pipeline_refuses_is_replaced(trio) -> None:
    def only_person_3(item: dict[str, Any]) -> Any:
        return item if item["id"] == 3 else None

    assert CocoStyleDataset(**trio, pipeline=[only_person_3])[0]["id"] == 3
    with pytest.raises(RuntimeError, match=r"CocoStyleDataset: .* item 0 on, and test_mode allows none"):
        CocoStyleDataset(**trio, pipeline=[only_person_3], test_mode=True)[0]


def test_what_takes_the_place_of_a_dropped_item_is_the_next_one_and_not_drawn(trio) -> None:
    """MMEngine draws it from the global generator, so that it depends on the worker."""

    def odd_places(item: dict[str, Any]) -> Any:
        return item if item["sample_idx"] % 2 else None

    dataset = CocoStyleDataset(**trio, pipeline=[odd_places])
    np.random.seed(0)
    before = np.random.get_state()[1].tolist()
    assert [dataset[index]["sample_idx"] for index in range(len(dataset))] == [1, 1, 1]
    assert dataset[-1]["sample_idx"] == 1
    assert np.random.get_state()[1].tolist() == before
    never = CocoStyleDataset(**trio, pipeline=[lambda item: None], max_refetch=2)
    with pytest.raises(RuntimeError, match=r"CocoStyleDataset: .*3 of 3 items from item 1 on, max_refetch=2"):
        never[1]


def test_wrong_types_are_refused_together(trio) -> None:
    wrong = {"ann_file": ["a.json"], "data_root": 5, "data_prefix": "img", "filter_cfg": 0.3, "max_refetch": -1}
    with pytest.raises(TypeError) as caught:
        CocoStyleDataset(**{**trio, **wrong})
    assert str(caught.value) == (
        "CocoStyleDataset: ann_file=['a.json']; give a path; data_root=5; give a path or None; data_prefix='img'; "
        "give dict(img=FOLDER); filter_cfg=0.3; give dict(bbox_score_thr=...) or None; "
        "max_refetch=-1; give an integer from 0"
    )


def test_paths_may_be_path_objects(trio) -> None:
    dataset = CocoStyleDataset(**{**trio, "ann_file": Path("trio.json"), "data_root": Path(trio["data_root"])})
    assert ids(dataset) == ids(CocoStyleDataset(**trio))


def test_mmengine_wrappers_take_it(trio) -> None:
    dataset = CocoStyleDataset(**trio)
    repeated, joined = RepeatDataset(dataset, 2), ConcatDataset([dataset, dataset.get_subset(1)])
    assert [repeated[index]["id"] for index in range(len(repeated))] == [1, 3, 0] * 2
    assert [joined[index]["id"] for index in range(len(joined))] == [1, 3, 0, 1]
    assert dataset.get_cat_ids(0) == [1]


@pytest.mark.parametrize("scoped", ["mmpose_mix.CocoStyleDataset", "mmpose_mix.BaseCocoStyleDataset"])
def test_it_is_built_from_a_config(trio, scoped: str) -> None:
    assert len(DATASETS.build({"type": scoped, **trio})) == 3


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_workers_of_a_loader_see_the_same_items(pose_samples: Path, start_method: str) -> None:
    dataset = CocoDataset(ann_file="test_coco.json", data_root=str(pose_samples / "coco"))
    loader = DataLoader(
        dataset, batch_size=5, num_workers=2, collate_fn=pseudo_collate, multiprocessing_context=start_method
    )
    batches = list(loader)
    assert [batch["id"] for batch in batches] == [[person[0] for person in COCO_PERSONS[i : i + 5]] for i in (0, 5, 10)]
    assert as_text({"keypoints": batches[1]["keypoints"][0]}) == as_text({"keypoints": dataset[5]["keypoints"]})


def test_a_pickled_data_set_is_small(trio, rewrite_trio) -> None:
    persons = [{**PERSON, "id": number, "segmentation": [[0.5] * 200]} for number in range(2000)]
    path = rewrite_trio(persons=persons)
    size = len(pickle.dumps(CocoStyleDataset(**trio)))
    assert size < 100 * len(persons) + 10_000 < path.stat().st_size / 5


PERSON = {"image_id": 2, "keypoints": [9, 9, 2] * 3, "bbox": [4, 4, 20, 20], "area": 300}


class ListedDataset(CocoStyleDataset):
    """A format of one's own: ready dicts."""

    def load_data_list(self) -> list[dict[str, Any]]:
        return [{"id": number, "bbox_score": np.array([number / 4]), "meta": []} for number in range(4)]


def test_a_subclass_may_load_ready_dicts(trio) -> None:
    dataset = ListedDataset(**trio, filter_cfg={"bbox_score_thr": 0.5}, indices=[1, 0])
    assert ids(dataset) == [3, 2]
    dataset.get_data_info(0)["meta"].append(1)
    assert dataset.get_data_info(0)["meta"] == []


def test_a_subclass_that_overrides_what_is_never_called_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Mine\.parse_data_info is never called.*Override load_data_list"):
        type("Mine", (CocoStyleDataset,), {"parse_data_info": lambda self, raw: None})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"data_mode": "both"}, ["data_mode='both'; allowed are 'topdown' and 'bottomup'"]),
        ({"bbox_file": "b.json"}, ["bbox_file with test_mode=False"]),
        (
            {"bbox_file": "b.json", "data_mode": "bottomup", "sample_interval": 2},
            ["bbox_file with data_mode='bottomup'", "test_mode=False", "sample_interval=2 with bbox_file"],
        ),
        ({"sample_interval": 0}, ["sample_interval=0; give an integer from 1"]),
        ({"data_prefix": {"image": "a"}}, ["data_prefix={'image': 'a'}; give dict(img=FOLDER)"]),
        ({"filter_cfg": {"bbox_thr": 1}}, ["unknown keys ['bbox_thr']; allowed is 'bbox_score_thr'"]),
        ({"filter_cfg": {"bbox_score_thr": "0.3"}}, ["bbox_score_thr='0.3'; give a number"]),
        ({"filter_cfg": {"bbox_score_thr": 1}, "data_mode": "bottomup"}, ["it selects boxes in 'topdown' only"]),
        ({"metainfo": {}}, ["no metainfo; pass metainfo=dict(from_file="]),
        ({"ann_file": ""}, ["ann_file is empty"]),
    ],
)
def test_wrong_arguments_are_refused_together(trio, arguments, words: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^CocoStyleDataset: ") as caught:
        CocoStyleDataset(**{**trio, **arguments})
    for word in words:
        assert word in str(caught.value)


def test_unknown_arguments_are_refused(trio) -> None:
    with pytest.raises(TypeError, match="img_prefix"):
        CocoStyleDataset(**trio, img_prefix="a")


def test_an_absent_file_is_named_in_full(trio, tmp_path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        CocoStyleDataset(**{**trio, "ann_file": "gone.json"})
    for word in (str(tmp_path / "gone.json"), f"data_root={str(tmp_path)!r}", "ann_file='gone.json'"):
        assert word in str(caught.value)
    with pytest.raises(FileNotFoundError, match=r"no bbox_file 'boxes\.json'.*is not relative to data_root"):
        CocoStyleDataset(**trio, bbox_file="boxes.json", test_mode=True)


@pytest.mark.parametrize("indices", [1.5, [0.5], "ab", [[0]], True])
def test_indices_of_another_type_are_refused(trio, indices) -> None:
    with pytest.raises(TypeError, match="indices must be an int or a sequence of ints"):
        CocoStyleDataset(**trio, indices=indices)


def test_indices_outside_are_refused(trio) -> None:
    with pytest.raises(IndexError, match=r"indices \[3, -4\] are outside of a data set of 3 items"):
        CocoStyleDataset(**trio, indices=[0, 3, -4])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sample_interval": 8}, "0 left of the persons that can be trained on (1 a crowd)"),
        ({"sample_interval": 100}, "5 of them with bbox and keypoints; 0 left by sample_interval=100"),
        ({"filter_cfg": {"bbox_score_thr": 2}}, "0 left by filter_cfg={'bbox_score_thr': 2}"),
        ({"indices": 0}, "0 left by indices=0"),
    ],
)
def test_nothing_left_is_an_error_that_counts(trio, arguments, words: str) -> None:
    """MMPose ends in `need at least one array to concatenate` (reference row 1a, BaseCocoStyleDataset)."""
    with pytest.raises(
        ValueError, match=r"CocoStyleDataset: no item is left of .*trio\.json': 5 annotations"
    ) as caught:
        CocoStyleDataset(**trio, **arguments)
    assert words in str(caught.value)


def test_repeated_annotation_ids_are_refused_in_evaluation_only(trio, rewrite_trio) -> None:
    rewrite_trio(persons=[{**PERSON, "id": 6}, {**PERSON, "id": 6, "area": 5}])
    assert [item["area"].item() for item in all_items(CocoStyleDataset(**trio))] == [300, 5]
    with pytest.raises(ValueError, match=r"1 annotation ids occur more than once \(6\)"):
        CocoStyleDataset(**trio, test_mode=True)


def test_another_number_of_keypoints_than_the_metainfo_is_refused(pose_samples: Path) -> None:
    words = "has 42 numbers, .* expected 51 = 3 x 17 keypoints.*Use the metainfo of the keypoint set"
    with pytest.raises(ValueError, match=words) as caught:
        CocoDataset(ann_file=str(pose_samples / "aic" / "test_aic.json"))
    assert re.search(r"test_aic\.json: 9 annotations \(annotations\[0\]", str(caught.value))
