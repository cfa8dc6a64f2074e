"""Tiles of predictions, and the pictures made of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_samples import META, RED, is_near, sample

from mmpose_mix.visualization import prediction_tiles as tiles

NAMED = {**META, "keypoint_id2name": {0: "a", 1: "b", 2: "c"}}
PINK = (226, 22, 120)


@pytest.fixture
def grey_image(tmp_path: Path) -> Path:
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((480, 640, 3), 128, dtype=np.uint8))
    return path


def at(picture: np.ndarray, place: tuple[float, float], factor: int) -> tuple:
    x, y = np.rint((np.array(place) + 0.5) * factor - 0.5).astype(int)
    return tuple(picture[y, x].tolist())


def test_predictions_stand_on_the_enlarged_image_and_some_are_highlighted(grey_image):
    person = sample(img_path=str(grey_image), img_id=1)
    picture = tiles.prediction_tile([person], NAMED, highlight=["b"], factor=2)
    assert picture.shape == (960, 1280, 3)
    assert at(picture, (100, 120), 2) == RED
    assert is_near(at(picture, (300, 120), 2), PINK)


def test_predictions_that_the_model_doubts_are_left_out(grey_image):
    person = sample(img_path=str(grey_image), img_id=1, scores=(0.9, 0.1, 0.1))
    picture = tiles.prediction_tile([person], NAMED, highlight=["b"], factor=1)
    assert at(picture, (100, 120), 1) == RED
    faded = at(picture, (10, 10), 1)
    assert at(picture, (300, 120), 1) == faded
    assert at(picture, (300, 400), 1) == faded


def test_people_of_one_image_come_together():
    people = [sample(img_id=image, id=number) for number, image in enumerate((7, 8, 7))]
    groups = tiles.samples_by_image(people)
    assert [[person.metainfo["id"] for person in group] for group in groups] == [[0, 2], [1]]


def test_pictures_are_put_side_by_side_and_below_each_other():
    tile = np.zeros((30, 40, 3), dtype=np.uint8)
    row = tiles.row_of_pictures([tile, tile])
    assert row.shape == (30, 90, 3)
    column = tiles.column_of_pictures([row, tile], width=45)
    assert column.shape == (15 + 10 + 34, 45, 3)
    assert (column[18] == 255).all()


def test_a_small_png_holds_the_picture(tmp_path):
    picture = np.zeros((64, 64, 3), dtype=np.uint8)
    picture[:32, :, 0], picture[32:, :, 2] = 250, 90
    tiles.write_small_png(tmp_path / "new" / "p.png", picture)
    read = cv2.imread(str(tmp_path / "new" / "p.png"))[..., ::-1]
    assert np.abs(read.astype(int) - picture).max() < 8


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such\.jpg is no image that can be read"):
        tiles.prediction_tile([sample(img_path=str(tmp_path / "no such.jpg"), img_id=1)], NAMED)
