"""The picture of a batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from tiny_samples import BLUE, GREEN, META, RED, is_near

from mmpose_mix.structures import PoseDataSample
from mmpose_mix.visualization import draw_batch

PLACES = np.array([[[20, 30], [70, 30], [70, 100]]], dtype=np.float32)


def batch(weights=(1, 1, 1), labelled=(1, 1, 1), number: int = 1) -> dict:
    packed = PoseDataSample(metainfo={"dataset_name": "tiny"})
    packed.gt_instances = InstanceData(keypoints=PLACES, transformed_keypoints=PLACES)
    packed.gt_instance_labels = InstanceData(
        keypoint_weights=torch.tensor([weights], dtype=torch.float32),
        keypoints_visible_weights=torch.tensor([labelled], dtype=torch.float32),
    )
    return {"inputs": [torch.full((3, 128, 96), 90, dtype=torch.uint8)] * number, "data_samples": [packed] * number}


def at(picture: np.ndarray, keypoint: int) -> tuple:
    """The colour at a keypoint of the first image, which begins 12 pixels from the corner and is drawn twice as "
    "large."""
    x, y = np.rint((PLACES[0, keypoint] + 0.5) * 2 - 0.5 + 12).astype(int)
    return tuple(int(part) for part in picture[y, x])


def test_trained_keypoints_are_discs():
    picture = draw_batch(batch(), META, tile_height=256)
    assert [at(picture, keypoint) for keypoint in range(3)] == [RED, GREEN, BLUE]


def test_labelled_but_invisible_keypoints_are_rings_and_others_absent():
    picture = draw_batch(batch(weights=(1, 0, 0), labelled=(1, 1, 0)), META, tile_height=256)
    assert at(picture, 0) == RED
    assert is_near(at(picture, 1), (90, 90, 90))
    assert at(picture, 2) == (90, 90, 90)
    image = picture[12 : 12 + 256, 12 : 12 + 192]
    green, blue = (image[..., channel].astype(int) - image[..., 0] for channel in (1, 2))
    assert green.max() > 150
    assert (blue - np.maximum(green, 0)).max() < 20


def test_images_stand_in_rows():
    one, five = (draw_batch(batch(number=number), META, columns=2, tile_height=64) for number in (1, 5))
    assert five.shape[0] > 2.5 * 64 + one.shape[0] - 64
    assert draw_batch(batch(number=5), META, max_samples=1, columns=2, tile_height=64).shape == one.shape


def test_images_are_read_as_bgr():
    given = batch()
    given["inputs"] = [torch.stack([torch.full((128, 96), value, dtype=torch.uint8) for value in (200, 100, 0)])]
    assert tuple(draw_batch(given, META, tile_height=256)[250, 20]) == (0, 100, 200)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda given: given.update(inputs=[torch.zeros(3, 8, 8)]),
            r"expected uint8 tensors.*before the data preprocessor",
        ),
        (lambda given: given["data_samples"][0].gt_instances.pop("transformed_keypoints"), "pack_transformed=True"),
        (lambda given: given["data_samples"][0].gt_instance_labels.pop("keypoint_weights"), "needs GenerateTarget"),
        (lambda given: given.update(inputs=[], data_samples=[]), "the batch is empty"),
    ],
)
def test_a_batch_that_cannot_be_drawn_is_refused(change, words):
    given = batch()
    change(given)
    with pytest.raises(ValueError, match=words):
        draw_batch(given, META)
