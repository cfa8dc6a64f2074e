"""Random colours: what stays, what the draw decides, what is refused. MMPose's images stand in tests/golden."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmpose_mix.datasets.drawn_index import DrawIndex
from mmpose_mix.datasets.item_randomness import ItemRandomness
from mmpose_mix.transforms import Albumentation, PhotometricDistortion, YOLOXHSVRandomAug

RTMPOSE = [
    {"type": "Blur", "p": 0.5},
    {"type": "MedianBlur", "p": 0.5},
    {
        "type": "CoarseDropout",
        "max_holes": 1,
        "max_height": 0.4,
        "max_width": 0.4,
        "min_holes": 1,
        "min_height": 0.2,
        "min_width": 0.2,
        "p": 1.0,
    },
]
STEPS = {
    "hsv": YOLOXHSVRandomAug(),
    "photometric": PhotometricDistortion(),
    "albumentation": Albumentation(RTMPOSE),
}


def picture(height: int = 60, width: int = 40) -> np.ndarray:
    return np.random.RandomState(0).randint(1, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", STEPS)
def test_the_key_of_a_draw_decides(name):
    images = []
    for key in (1 << 40, 2 << 40, 3 << 40, 1 << 40):
        with ItemRandomness(DrawIndex(0, key=key)):
            images.append(STEPS[name]({"img": picture()})["img"])
    assert (images[0] == images[3]).all()
    assert any((images[0] != other).any() for other in images[1:3])


@pytest.mark.parametrize("name", STEPS)
def test_the_image_that_was_given_is_left_as_it_is(name):
    given = picture()
    for seed in range(8):
        np.random.seed(seed)
        changed = STEPS[name]({"img": given, "id": 3})
        assert changed["img"].shape == given.shape
        assert changed["img"].dtype == np.uint8
        assert changed["id"] == 3
    assert (given == picture()).all()


def test_a_negative_hue_turns_around_the_circle():
    """MMPose adds it in 8 bits, where -10 is 246, and red turns to green."""
    red = np.full((4, 4, 3), (0, 0, 200), np.uint8)
    transform = PhotometricDistortion(0, (1, 1), (1, 1), hue_delta=10)
    hues = set()
    for seed in range(40):
        np.random.seed(seed)
        changed = transform({"img": red})["img"]
        if sorted(changed[0, 0])[0] == 0 and (np.argmax(changed[0, 0]) == 2):
            hues.add(int(cv2.cvtColor(changed, cv2.COLOR_BGR2HSV)[0, 0, 0]))
    assert hues
    assert all(hue <= 11 or hue >= 169 for hue in hues)
    assert any(hue > 100 for hue in hues)


def test_the_contrast_changes_once_before_or_after_the_hue():
    transform = PhotometricDistortion(0, (0.5, 0.5), (1, 1))
    grey = np.full((2, 2, 3), 100, np.uint8)
    values = set()
    for seed in range(40):
        np.random.seed(seed)
        values |= set(np.unique(transform({"img": grey})["img"]).tolist())
    assert values == {100, 50}


def test_deltas_of_zero_change_nothing():
    transform = YOLOXHSVRandomAug(0, 0, 0)
    grey = np.full((2, 2, 3), 100, np.uint8)
    assert (transform({"img": grey})["img"] == grey).all()


def test_colours_refuse_what_is_out_of_range():
    with pytest.raises(ValueError, match="YOLOXHSVRandomAug: hue_delta=-1, value_delta='a' must be numbers from 0"):
        YOLOXHSVRandomAug(-1, 30, "a")
    with pytest.raises(ValueError, match=r"contrast_range=\(2, 1\) must be two numbers") as caught:
        PhotometricDistortion(-1, (2, 1), (0.5,), hue_delta=0.5)
    for words in ("saturation_range=(0.5,)", "brightness_delta=-1 must be", "hue_delta=0.5 must be a whole number"):
        assert words in str(caught.value)
    with pytest.raises(ValueError, match=r"needs an 'img' \(h, w, 3\) uint8, BGR, but it has float32 \(2, 2, 3\)"):
        YOLOXHSVRandomAug()({"img": np.zeros((2, 2, 3), np.float32)})
    with pytest.raises(ValueError, match=r"PhotometricDistortion: .* but it has none"):
        PhotometricDistortion()({})
