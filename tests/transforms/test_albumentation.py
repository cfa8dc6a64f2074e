"""Albumentation: its own operations, and albumentations' where that is installed."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mmpose_mix.transforms import Albumentation
from mmpose_mix.transforms.pixel_operations import Blur, CoarseDropout, MedianBlur


def picture(height: int = 60, width: int = 40) -> np.ndarray:
    return np.random.RandomState(0).randint(1, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_holes": 1, "max_height": 0.4, "max_width": 0.4, "min_holes": 1, "min_height": 0.2, "min_width": 0.2},
        {"num_holes_range": (1, 1), "hole_height_range": (0.2, 0.4), "hole_width_range": (0.2, 0.4)},
    ],
)
def test_a_hole_has_the_size_that_the_old_and_the_new_names_give_it(arguments):
    drop, sizes, corners = CoarseDropout(**arguments, p=1.0), [], []
    for seed in range(200):
        np.random.seed(seed)
        rows, columns = np.nonzero((drop(picture(100, 50)) == 0).all(-1))
        sizes.append((np.ptp(rows) + 1, np.ptp(columns) + 1))
        corners.append((rows.min(), columns.min(), rows.max(), columns.max()))
        assert len(rows) == np.prod(sizes[-1])
    assert np.min(sizes, axis=0).tolist() == [20, 10]
    assert 37 <= np.max(sizes, axis=0)[0] <= 40
    assert 18 <= np.max(sizes, axis=0)[1] <= 20
    assert np.min(corners, axis=0)[:2].tolist() == [0, 0]
    assert np.max(corners, axis=0)[2] >= 97


def test_several_holes_of_whole_pixels_and_a_colour():
    np.random.seed(1)
    drop = CoarseDropout(max_holes=3, min_holes=3, max_height=4, max_width=5, fill_value=(1, 2, 3), p=1)
    changed = drop(np.zeros((200, 200, 3), np.uint8))
    assert (changed == (1, 2, 3)).all(-1).sum() == 3 * 4 * 5
    assert (CoarseDropout(max_holes=1).heights, CoarseDropout().num_holes) == ((8, 8), (1, 2))


def test_blurs_have_odd_sides_between_the_limits():
    image = picture()
    for operation, blurred in ((Blur, lambda side: cv2.blur(image, (side, side))), (MedianBlur, None)):
        drawn = set()
        for seed in range(30):
            np.random.seed(seed)
            drawn.add(operation((3, 7), p=1)(image).tobytes())
        expected = blurred or (lambda side: cv2.medianBlur(image, side))
        assert drawn == {expected(side).tobytes() for side in (3, 5, 7)}
    assert Blur(5).sides == range(3, 6, 2)


def test_an_operation_runs_as_often_as_its_probability_says():
    np.random.seed(0)
    image = picture()
    changed = sum(Blur(p=0.1)(image) is not image for _ in range(2000))
    assert 150 < changed < 250


def test_all_that_is_wrong_is_said_at_once():
    configs = [
        {"type": "Blur", "blur_limit": 4, "p": 2},
        {"type": "CoarseDropout", "max_holes": 2, "num_holes_range": (1, 2), "hole_width_range": (0.5, 0.2)},
        {"type": "MedianBlur", "side": 3},
    ]
    with pytest.raises(ValueError, match=r"Albumentation: transforms\[0\]: Blur: p=2 must be") as caught:
        Albumentation(configs)
    for words in (
        "blur_limit=4 must be odd from 3",
        "transforms[1]: CoarseDropout: num_holes_range and its older names are both given",
        "hole_width_range=(0.5, 0.2) must be two numbers from 0, the lesser first",
        "transforms[2]: ",
    ):
        assert words in str(caught.value)


def test_another_operation_says_how_to_install_albumentations(monkeypatch):
    monkeypatch.setitem(sys.modules, "albumentations", None)
    with pytest.raises(ImportError, match=r"'ToGray' is an operation of albumentations, which is not installed; Blur,"):
        Albumentation([{"type": "ToGray"}])


def test_an_albumentations_that_cannot_be_seeded_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "albumentations", SimpleNamespace(Compose=object, __version__="1.3.1"))
    with pytest.raises(ImportError, match=r"albumentations 1\.3\.1 cannot be seeded for each item; version 2\.0"):
        Albumentation([{"type": "ToGray"}])


def test_a_sample_without_the_image_is_refused():
    with pytest.raises(ValueError, match="Albumentation: the sample lacks 'img'"):
        Albumentation([{"type": "Blur"}])({"id": 1})


def test_operations_of_albumentations_are_seeded_from_numpy():
    pytest.importorskip("albumentations")
    one_of = {
        "type": "OneOf",
        "transforms": [{"type": "ChannelShuffle", "p": 1}, {"type": "GaussNoise", "p": 1}],
        "p": 1,
    }
    step = Albumentation([one_of, {"type": "Blur"}])
    images = []
    for seed in (1, 2, 1):
        np.random.seed(seed)
        images.append(step({"img": picture()})["img"])
    assert (images[0] == images[2]).all()
    assert (images[0] != images[1]).any()
    with pytest.raises(ValueError, match="has no operation 'NoSuchThing'"):
        Albumentation([{"type": "NoSuchThing"}])
