"""Transforms of colours change an image as MMPose's do under the same seed, but for two faults of MMPose."""

from __future__ import annotations

from typing import Any

import colour_observations as look
import cv2
import numpy as np
import pytest

from mmpose_mix import registry
from mmpose_mix.transforms import PhotometricDistortion


@pytest.fixture(scope="module")
def found() -> Any:
    return look.observe_colours(registry)


def test_as_many_numbers_are_drawn_as_by_mmpose(recorded: Any, found: Any) -> None:
    for name, rows in recorded("colours")["numbers"].items():
        assert [row["next"] for row in found[name]] == [row["next"] for row in rows]


def test_images_equal_mmposes_to_the_last_bit(recorded: Any, found: Any) -> None:
    """docs/differences.md, image pipeline: MMPose changes the contrast twice or not at all."""
    record = recorded("colours")
    if cv2.__version__ != record["made_with"]["opencv"]:
        pytest.skip("another OpenCV rounds colours differently")
    hsv, photometric = (
        [one["digest"] == other["digest"] for one, other in zip(record["numbers"][name], found[name])]
        for name in ("YOLOXHSVRandomAug", "PhotometricDistortion")
    )
    assert all(hsv)
    transform = PhotometricDistortion()
    plain = []
    for seed in look.SEEDS:
        np.random.seed(seed)
        drawn = transform._drawn()
        plain.append(drawn.contrast == 1 and drawn.hue >= 0)
    assert sum(plain) > 8
    assert photometric == plain
