from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from mmpose_mix.annotations.interhand_json import read_interhand_json
from tests.datasets.part_files import write_interhand

FILES = ("data.json", "camera.json", "joint_3d.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of three images."""
    write_interhand(tmp_path)
    return tmp_path


@pytest.fixture
def change(folder: Path) -> Callable[..., None]:
    """A function: file, change of its content -> the changed file."""

    def changed(name: str, edit: Callable[[Any], Any]) -> None:
        content = json.loads((folder / name).read_text())
        edit(content)
        (folder / name).write_text(json.dumps(content))

    return changed


def read(folder: Path, *more: str) -> Any:
    return read_interhand_json(*(folder / name for name in (*FILES, *more)))


def test_a_joint_is_projected_by_the_camera_of_its_image(folder: Path) -> None:
    file = read(folder)
    table = file.instances
    assert (file.num_annotations, table.id.tolist(), table.clip) == (3, [900, 901, 902], False)
    place, camera = np.array([7 * 3 + 7 - 9.5, 11 * 3 - 4.25, 1003.0]), np.array([1.5, -2.0, 10.0])
    x, y, depth = place - camera
    np.testing.assert_allclose(
        table.keypoints[0, 3], [1200.5 * x / depth + 60.5, 1190.25 * y / depth + 50.25], rtol=1e-6
    )
    # turned by a quarter: what was down is right
    place, camera = np.array([7 * 3 + 9 - 9.5, 11 * 3 - 4.25, 1003.0]), np.array([-3.0, 4.0, -20.0])
    x, y, depth = place - camera
    np.testing.assert_allclose(
        table.keypoints[1, 3], [1200.5 * y / depth + 60.5, 1190.25 * -x / depth + 50.25], rtol=1e-6
    )


def test_images_without_hands_are_left_out_and_the_first_of_several_annotations_counts(folder: Path, change) -> None:
    change("data.json", lambda file: file["annotations"][0].update(image_id=35))
    table = read(folder).instances
    assert table.image_row.tolist() == [1, 2]
    assert table.id.tolist() == [901, 900]


def test_boxes_may_come_from_another_file(folder: Path) -> None:
    assert read(folder, "boxes.json").instances.bbox_xywh[2].tolist() == [5, 6, 22, 30]


@pytest.mark.parametrize(
    ("name", "edit", "words"),
    [
        ("data.json", lambda f: f["images"][1].pop("camera"), r"data\.json: images\[1\]: .*missing .*camera.*Expected"),
        ("data.json", lambda f: f["annotations"][0]["joint_valid"].pop(), r"joint_valid: Expected `array` of length"),
        ("data.json", lambda f: f["annotations"][0].update(hand_type="both"), r"hand_type: Invalid enum value 'both'"),
        (
            "data.json",
            lambda f: f["annotations"][1].update(image_id=9),
            r"1 entry \(annotations\[1\]\) with an image_id",
        ),
        ("camera.json", lambda f: f["3"]["focal"].pop("c1"), r"camera\.json lacks 1 camera \(capture 3 camera c1\)"),
        ("camera.json", lambda f: f.pop("5"), r"lacks 1 camera \(capture 5 camera c1\)\. Use the files of one split"),
        ("joint_3d.json", lambda f: f["3"].pop("9"), r"joint_3d\.json lacks 1 frame \(capture 3 frame 9\)"),
        ("joint_3d.json", lambda f: f["5"]["7"]["world_coord"].pop(), r"joint_3d\.json: .*Expected `array` of length"),
        ("boxes.json", lambda f: f.pop(), r"boxes\.json: lacks 1 annotation id \(902\)\. Use the boxes of this split"),
    ],
)
def test_what_does_not_fit_is_refused_by_file(folder: Path, change, name: str, edit, words: str) -> None:
    change(name, edit)
    with pytest.raises(ValueError, match=words):
        read(folder, "boxes.json")


def test_all_that_is_absent_stands_in_one_error(folder: Path, change) -> None:
    change("camera.json", lambda file: file.pop("5"))
    change("joint_3d.json", lambda file: file.pop("3"))
    with pytest.raises(ValueError, match=r"camera\.json lacks 1 camera .*; .*joint_3d\.json lacks 2 frames"):
        read(folder)
