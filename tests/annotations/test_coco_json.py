from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from mmpose_mix.annotations.coco_json import read_coco_images, read_coco_json, read_detections_json


def test_columns_hold_what_the_file_says(write_coco, image, person) -> None:
    path = write_coco(
        [image(7, crowdIndex=0.25), image(3)],
        [
            person(0, 3, num_keypoints=2, area=123.456789012, iscrowd=1, segmentation=[[1, 2]]),
            person(5, 7, keypoints=[1.5, 2, 0.5] * 3, category_id=4),
        ],
        categories=[{"id": 1, "name": "person"}],
    )
    file = read_coco_json(path)
    table = file.instances
    assert (file.categories, file.num_annotations) == ([{"id": 1, "name": "person"}], 2)
    assert table.images.id.tolist() == [7, 3]
    assert [table.images.file_name[row] for row in range(2)] == [b"7.jpg", b"3.jpg"]
    assert table.images.size.tolist() == [[64, 48], [64, 48]]
    np.testing.assert_array_equal(table.images.crowd_index, [0.25, np.nan])
    assert table.id.tolist() == [5, 0], "sorted by image, in the order of `images`"
    assert table.image_row.tolist() == [0, 1]
    assert table.category_id.tolist() == [4, 1]
    assert table.bbox_xywh[1].tolist() == [5, 6, 30, 20.5]
    assert table.keypoints[1].tolist() == [[10, 11], [20, 21], [0, 0]]
    assert table.visibility.tolist() == [[0.5, 0.5, 0.5], [2, 1, 0]]
    assert table.keypoints.dtype == table.visibility.dtype == np.float32
    assert table.num_keypoints.tolist() == [-1, 2]
    np.testing.assert_array_equal(table.area, [np.nan, 123.456789012])
    assert table.iscrowd.tolist() == [False, True]
    assert table.segmentation is None
    assert table.raw is None


def test_texts_are_kept_when_asked_for(write_coco, image, person) -> None:
    persons = [person(1, 2, segmentation=[[1, 2.5]]), person(2, 2, bbox=None), person(3, 1, colour="é")]
    del persons[1]["bbox"]
    table = read_coco_json(write_coco([image(1), image(2)], persons), with_outlines=True, with_raw=True).instances
    assert [json.loads(table.raw[row]) for row in range(2)] == [persons[2], persons[0]]
    assert [table.segmentation[row] for row in range(2)] == [b"", b"[[1, 2.5]]"]


@pytest.mark.parametrize("without", [{"bbox"}, {"keypoints"}, {"bbox", "keypoints"}])
def test_annotations_without_box_or_keypoints_are_left_out(write_coco, image, person, without: set[str]) -> None:
    partial = {key: value for key, value in person(1, 99).items() if key not in without}
    file = read_coco_json(write_coco([image()], [partial, person(2, keypoints=[]), person(3)]))
    assert file.num_annotations == 3
    assert file.instances.id.tolist() == [3]


def test_a_file_without_annotations_gives_an_empty_table(tmp_path, image) -> None:
    path = tmp_path / "images.json"
    path.write_text(json.dumps({"images": [image()]}))
    file = read_coco_json(path, num_keypoints=3)
    assert len(file.instances) == 0
    assert file.instances.keypoints.shape == (0, 3, 2)
    assert file.categories is None


def test_real_files_are_read(pose_samples: Path) -> None:
    counts = {"coco": (14, 17), "aic": (9, 14), "crowdpose": (5, 14), "ochuman": (5, 17), "halpe": (14, 136)}
    for name, (persons, keypoints) in counts.items():
        table = read_coco_json(pose_samples / name / f"test_{name}.json", keypoints).instances
        assert table.keypoints.shape == (persons, keypoints, 2)
    assert len(read_coco_images(pose_samples / "coco" / "test_coco.json")[0]) == 4


def test_detections_of_other_categories_are_left_out(tmp_path, write_coco, image) -> None:
    images, _ = read_coco_images(write_coco([image(4), image(2)], []))
    path = tmp_path / "boxes.json"
    boxes = [
        {"image_id": 2, "category_id": 1, "bbox": [1, 2, 30, 40, 0.5], "score": 0.75},
        {"image_id": 99, "category_id": 2, "bbox": [0, 0, 1, 1], "score": 1},
        {"image_id": 4, "category_id": 1, "bbox": [-5.5, 2, 3, 4], "score": 1},
    ]
    path.write_text(json.dumps(boxes))
    table = read_detections_json(path, images)
    assert table.image_row.tolist() == [1, 0]
    assert table.id.tolist() == [0, 1]
    assert table.bbox_xyxy.tolist() == [[1, 2, 31, 42], [-5.5, 2, -2.5, 6]]
    assert table.score.tolist() == [0.75, 1]


WHOLE = json.dumps({"images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 3}], "annotations": []})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["the file is empty (0 bytes)"]),
        (" \n", ["the file is empty (2 bytes)"]),
        (WHOLE[:60], ["truncated", "after 60 bytes"]),
        ("[]", ["top level: Expected `object`, got `array`", "Expected a COCO annotation file"]),
        ("{}", ["top level: Object missing required field `images`"]),
        (WHOLE + "x", ["no JSON", "trailing characters", "line 1"]),
        ('{\n"images": [],\n"x": NaN}', ["no JSON", "line 3", "NaN and Infinity are not JSON"]),
        ('{"images": [-Infinity]}', ["NaN and Infinity are not JSON"]),
        (WHOLE.replace("4", '"4"'), ["images[0].width: Expected `int`, got `str`"]),
        (WHOLE.replace("4", "0"), ["images[0].width: Expected `int` >= 1"]),
        (WHOLE.replace('"id": 1, ', ""), ["images[0]: Object missing required field `id`"]),
    ],
)
def test_a_broken_file_is_named_with_the_place_in_it(tmp_path, text: str, words: list[str]) -> None:
    path = tmp_path / "persons.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        read_coco_json(path)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"bbox": [1, 2, 3]}, "annotations[1].bbox: Expected `array` of length 4"),
        ({"bbox": None}, "annotations[1].bbox: Expected `array`, got `null`"),
        ({"keypoints": "none"}, "annotations[1].keypoints: Expected `array`, got `str`"),
        ({"keypoints": [1, 2, "x"]}, "annotations[1].keypoints[2]: Expected `float`, got `str`"),
        ({"image_id": "1"}, "annotations[1].image_id: Expected `int`, got `str`"),
        ({"area": "big"}, "annotations[1].area: Expected `float`, got `str`"),
        ({"num_keypoints": -2}, "annotations[1].num_keypoints: Expected `int` >= 0"),
        ({"id": 2**70}, "annotations[1].id: Expected `int` <= 9223372036854775807"),
        ({"keypoints": [1, 2, 2]}, "(annotations[1].keypoints has 3 numbers), expected 9 = 3 x 3 keypoints"),
        ({"image_id": 8}, "(annotations[1] names image_id 8), which the annotation file has no image of"),
    ],
)
def test_a_wrong_annotation_is_named_by_its_place(write_coco, image, person, fields, words: str) -> None:
    path = write_coco([image()], [person(1), person(2, **fields)])
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        read_coco_json(path)
    assert words in str(caught.value)


@pytest.mark.parametrize("field", ["id", "image_id", "category_id"])
def test_an_annotation_needs_its_ids(write_coco, image, person, field: str) -> None:
    incomplete = {key: value for key, value in person().items() if key != field}
    with pytest.raises(ValueError, match=rf"annotations\[0\]: Object missing required field `{field}`"):
        read_coco_json(write_coco([image()], [incomplete]))


def test_offenders_are_told_together_up_to_some(write_coco, image, person) -> None:
    with pytest.raises(
        ValueError, match=r"7 annotations \(annotations\[0\].* has 9 numbers, .*, \.\.\.\), expected 51"
    ):
        read_coco_json(write_coco([image()], [person(i) for i in range(7)]), num_keypoints=17)
    with pytest.raises(ValueError, match=r"7 entries \(annotations\[0\] names image_id 5, .*, \.\.\.\)"):
        read_coco_json(write_coco([image()], [person(i, 5) for i in range(7)]))
    with pytest.raises(ValueError, match=r"images: 2 image ids occur \(3, 4\) more than once"):
        read_coco_json(write_coco([image(3), image(4), image(3), image(4), image(5)], []))


def test_a_path_that_is_no_file_is_refused(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        read_coco_json(tmp_path / "absent.json")
    with pytest.raises(ValueError, match="is a folder"):
        read_coco_json(tmp_path)


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ({"annotations": []}, r"top level: Expected `array`, got `object`\. Expected a list of detected boxes"),
        (
            [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3], "score": 1}],
            r"\[0\]\.bbox: Expected `array` of length",
        ),
        ([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}], r"\[0\]: Object missing required field `score`"),
        (
            [{"image_id": 9, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}],
            r"\(\[0\] names image_id 9\), which the annotation file has no image of",
        ),
    ],
)
def test_a_wrong_detection_is_named_by_its_place(tmp_path, write_coco, image, boxes, words: str) -> None:
    images, _ = read_coco_images(write_coco([image()], []))
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(boxes))
    with pytest.raises(ValueError, match=words) as caught:
        read_detections_json(path, images)
    assert str(path) in str(caught.value)
