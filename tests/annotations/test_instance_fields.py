from __future__ import annotations

import numpy as np
import pytest

from mmpose_mix.annotations.coco_json import read_coco_json
from mmpose_mix.annotations.instance_fields import InstanceFields

FACE = InstanceFields(("face",), bbox="face_box", valid="face_valid", whole=False)
HANDS = tuple(
    InstanceFields((f"{side}_kpts",), bbox=f"{side}_box", valid=f"{side}_valid", whole=False)
    for side in ("left", "right")
)
WHOLE = InstanceFields(("keypoints", "feet"))
SEEN = [1.5, 2, 1, 3, 4, 2]


def hands(left: bool, right: bool) -> dict:
    boxes = {"left_box": [1, 1, 2, 2], "right_box": [3, 3, 4, 4.5]}
    return {"left_valid": left, "right_valid": right, "left_kpts": SEEN, "right_kpts": [5] * 6, **boxes}


def test_lists_of_keypoints_are_joined_in_order(write_coco, image, person) -> None:
    table = read_coco_json(write_coco([image()], [person(feet=SEEN, area=7)]), 5, parts=[WHOLE]).instances
    assert table.keypoints.tolist() == [[[10, 11], [20, 21], [0, 0], [1.5, 2], [3, 4]]]
    assert table.visibility.tolist() == [[2, 1, 0, 1, 2]]
    assert table.area.tolist() == [7]


def test_an_annotation_may_hold_several_instances(write_coco, image, person) -> None:
    persons = [person(1, **hands(True, True), area=9, num_keypoints=3), person(2, **hands(False, True)), person(3)]
    file = read_coco_json(write_coco([image()], persons, categories=[]), parts=HANDS, with_raw=True, with_outlines=True)
    table = file.instances
    assert (table.id.tolist(), file.num_annotations) == ([1, 1, 2], 3)
    assert table.bbox_xywh.tolist() == [[1, 1, 2, 2], [3, 3, 4, 4.5], [3, 3, 4, 4.5]]
    assert table.keypoints[:, 0].tolist() == [[1.5, 2], [5, 5], [5, 5]]
    assert table.num_keypoints.tolist() == [-1, -1, -1], "the annotation counts the person's"
    assert np.isnan(table.area).all()
    assert len(table.raw) == len(table.segmentation) == 3


@pytest.mark.parametrize("fields", [{"face_valid": False}, {"face": [0] * 6}, {"face": []}])
def test_an_instance_that_is_not_there_is_left_out(write_coco, image, person, fields: dict) -> None:
    face = {"face": SEEN, "face_box": [1, 2, 3, 4], "face_valid": True}
    path = write_coco([image()], [person(1, **{**face, **fields}), person(2, **face)])
    assert read_coco_json(path, 2, parts=[FACE]).instances.id.tolist() == [2]


@pytest.mark.parametrize("field", ["face", "face_box", "face_valid"])
def test_an_annotation_without_one_of_the_fields_of_a_part_has_no_such_instance(
    write_coco, image, person, field: str
) -> None:
    face = {"face": SEEN, "face_box": [1, 2, 3, 4], "face_valid": 1}
    del face[field]
    assert len(read_coco_json(write_coco([image()], [person(**face)]), 2, parts=[FACE]).instances) == 0


def test_further_fields_become_columns_and_boxes_may_be_left_open(write_coco, image, person) -> None:
    part = InstanceFields(bbox=None, more=("center", "scale"))
    persons = [person(1, 2, center=[1, 2.5], scale=3), person(2, 1, center=[4, 5], scale=0.5)]
    del persons[0]["bbox"]
    table = read_coco_json(write_coco([image(1), image(2)], persons), parts=[part]).instances
    assert table.id.tolist() == [2, 1]
    assert table.extras["center"].tolist() == [[4, 5], [1, 2.5]]
    assert table.extras["scale"].tolist() == [0.5, 3]
    assert not table.bbox_xywh.any()
    assert table.take(np.array([1])).extras["scale"].tolist() == [3]
    empty = read_coco_json(write_coco([image()], []), parts=[part]).instances
    assert empty.extras["center"].shape == (0,)


def test_some_but_not_all_lists_of_an_instance_are_refused(write_coco, image, person) -> None:
    path = write_coco([image()], [person(feet=SEEN), person(2)])
    with pytest.raises(ValueError, match=r"persons\.json: annotations\[1\] has no feet, but others of keypoints, feet"):
        read_coco_json(path, parts=[WHOLE])


def test_another_number_of_keypoints_is_refused_with_the_lists_that_were_read(write_coco, image, person) -> None:
    path = write_coco([image()], [person(feet=SEEN)])
    words = r"annotations\[0\]\.keypoints \+ feet has 15 numbers\), expected 399 = 3 x 133 keypoints"
    with pytest.raises(ValueError, match=words):
        read_coco_json(path, 133, parts=[WHOLE])


def test_a_further_field_that_is_absent_or_of_another_length_is_refused(write_coco, image, person) -> None:
    part = InstanceFields(more=("center",))
    with pytest.raises(ValueError, match=r"annotations\[0\]: Object missing required field `center`"):
        read_coco_json(write_coco([image()], [person()]), parts=[part])
    path = write_coco([image()], [person(1, center=[1, 2]), person(2, center=[1])])
    with pytest.raises(ValueError, match=r"1 value \(annotations\[1\]\.center is \[1\.0\]\), expected as many numbers"):
        read_coco_json(path, parts=[part])
