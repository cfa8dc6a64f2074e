from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from mmpose_mix.annotations.mpii_json import read_mpii_json


def mpii_person(image: str = "015.jpg", **fields: Any) -> dict[str, Any]:
    joints, visible = [[10.0, 20.0], [-1.0, -1.0]], [1, 0]
    person = {"image": image, "center": [100.0, 50.0], "scale": 0.5, "joints": joints, "joints_vis": visible}
    return {**person, **fields}


@pytest.fixture
def write_mpii(tmp_path: Path) -> Callable[..., Path]:
    """A function: persons -> the path of the list."""

    def write(persons: Any) -> Path:
        path = tmp_path / "mpii.json"
        path.write_text(json.dumps(persons))
        return path

    return write


def test_a_center_and_a_scale_become_a_square_box_that_is_not_clipped(write_mpii) -> None:
    table = read_mpii_json(write_mpii([mpii_person()])).instances
    # down by 15 * 0.5, then up and left by 1; half of the side of 200 * 0.5 to each side
    assert table.extras["bbox_center"].tolist() == [[99, 56.5]]
    assert table.extras["bbox_scale"].tolist() == [[100, 100]]
    assert {column.dtype for column in table.extras.values()} == {np.dtype(np.float32)}
    assert table.bbox_xywh.tolist() == [[49, 6.5, 100, 100]]
    table = read_mpii_json(write_mpii([mpii_person(center=[20, 30], scale=1)])).instances
    assert table.clipped_xyxy().tolist() == [[-81, -56, 119, 144]]


def test_a_center_with_x_of_minus_one_does_not_go_down(write_mpii) -> None:
    table = read_mpii_json(write_mpii([mpii_person(center=[-1, 50])])).instances
    assert table.extras["bbox_center"].tolist() == [[-2, 49]]


def test_joints_stay_as_they_are_and_the_visible_ones_are_counted(write_mpii) -> None:
    table = read_mpii_json(write_mpii([mpii_person(), mpii_person(joints_vis=[1, 0.5])])).instances
    assert table.keypoints[0].tolist() == [[10, 20], [-1, -1]]
    assert table.visibility.tolist() == [[1, 0], [1, 0.5]]
    assert table.keypoints.dtype == table.visibility.dtype == np.float32
    assert table.num_keypoints.tolist() == [1, 2]
    assert table.category_id.tolist() == [1, 1]
    assert not table.iscrowd.any()


def test_persons_come_by_image_and_are_numbered_by_their_place_in_the_list(write_mpii) -> None:
    names = ["017.jpg", "015.jpg", "017.jpg", "9.png"]
    persons = [mpii_person(name, center=[float(place), 1]) for place, name in enumerate(names)]
    file = read_mpii_json(write_mpii(persons), num_keypoints=2)
    table = file.instances
    assert (file.num_annotations, file.categories) == (4, None)
    assert table.images.id.tolist() == [17, 15, 9]
    assert [table.images.file_name[row].decode() for row in table.image_row] == [
        "017.jpg", "017.jpg", "015.jpg", "9.png",
    ]  # fmt: skip
    assert table.id.tolist() == [0, 2, 1, 3]
    assert (table.extras["bbox_center"][:, 0] + 1).tolist() == [0, 2, 1, 3]


def test_an_empty_list_gives_an_empty_table(write_mpii) -> None:
    table = read_mpii_json(write_mpii([]), num_keypoints=16).instances
    assert table.keypoints.shape == (0, 16, 2)
    assert table.extras["bbox_scale"].shape == (0, 2)
    assert len(read_mpii_json(write_mpii([])).instances) == 0


@pytest.mark.parametrize(
    ("persons", "words"),
    [
        ({"images": []}, ["top level: Expected `array`, got `object`", "Expected MPII's list of persons"]),
        ([mpii_person(), {"image": "1.jpg"}], ["[1]: Object missing required field `center`", "`joints_vis`"]),
        ([mpii_person(center=[1])], ["[0].center: Expected `array` of length 2"]),
        (
            [mpii_person(), mpii_person(joints=[[0, 0]] * 3), mpii_person(joints_vis=[1])],
            [
                "2 persons ([1] has 3 joints and 2 joints_vis, [2] has 2 joints and 1 joints_vis), expected 2 of each",
                "Use the metainfo of the keypoint set",
            ],
        ),
        (
            [mpii_person("a.jpg"), mpii_person(), mpii_person("²b.jpg")],
            ["2 images ('a.jpg', '²b.jpg') without a number as name", "like '015601864.jpg'"],
        ),
        (
            [mpii_person("15.jpg"), mpii_person("015.jpg")],
            ["1 image id occurs (15) more than once", "give each image its own"],
        ),
    ],
)
def test_a_wrong_list_is_refused_with_every_offender(write_mpii, persons: Any, words: list[str]) -> None:
    path = write_mpii(persons)
    with pytest.raises(ValueError, match=r"mpii\.json: ") as error:
        read_mpii_json(path)
    assert all(word in str(error.value) for word in words), error.value


def test_another_number_of_joints_than_asked_for_is_refused(write_mpii) -> None:
    with pytest.raises(ValueError, match=r"1 person \(\[0\] has 2 joints and 2 joints_vis\), expected 16 of each"):
        read_mpii_json(write_mpii([mpii_person()]), num_keypoints=16)
