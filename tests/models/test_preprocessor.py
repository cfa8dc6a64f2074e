"""The data preprocessor: what the model is given."""

from __future__ import annotations

import pytest
import torch

from mmpose_mix.models import PoseDataPreprocessor
from mmpose_mix.registry import MODELS


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(0, 256, (3, 30, 20), dtype=torch.uint8, generator=generator) for _ in range(2)]


def test_images_are_normalised_after_their_channels_are_swapped(images, make_samples):
    preprocessor = PoseDataPreprocessor(mean=[1, 2, 3], std=[4, 5, 6], bgr_to_rgb=True)
    data = preprocessor({"inputs": images, "data_samples": make_samples(2)})
    rgb = torch.stack(images).flip(1).float()
    expected = (rgb - torch.tensor([1.0, 2, 3]).view(3, 1, 1)) / torch.tensor([4.0, 5, 6]).view(3, 1, 1)
    torch.testing.assert_close(data["inputs"], expected, rtol=0, atol=0)
    assert data["inputs"].dtype == torch.float32


def test_samples_learn_their_padded_sizes(images, make_samples):
    small = images[1][:, :17, :9]
    preprocessor = PoseDataPreprocessor(pad_size_divisor=16, pad_value=7)
    data = preprocessor({"inputs": [images[0], small], "data_samples": make_samples(2)})
    assert data["inputs"].shape == (2, 3, 32, 32)
    assert [sample.metainfo["pad_shape"] for sample in data["data_samples"]] == [(32, 32), (32, 16)]
    assert {sample.metainfo["batch_input_shape"] for sample in data["data_samples"]} == {(32, 32)}
    assert (data["inputs"][1, :, 17:] == 7).all()


def test_a_stacked_batch_gives_the_same_as_a_list(images, make_samples):
    preprocessor = PoseDataPreprocessor(mean=[1, 2, 3], std=[4, 5, 6], pad_size_divisor=16)
    as_list = preprocessor({"inputs": images, "data_samples": make_samples(2)})
    stacked = preprocessor({"inputs": torch.stack(images), "data_samples": make_samples(2)})
    torch.testing.assert_close(as_list["inputs"], stacked["inputs"], rtol=0, atol=0)
    assert {sample.metainfo["pad_shape"] for sample in stacked["data_samples"]} == {(32, 32)}


def test_images_without_samples_are_welcome(images):
    assert PoseDataPreprocessor()({"inputs": images})["data_samples"] is None


def test_batch_augments_run_in_training_only(images, make_samples):
    @MODELS.register_module(name="NegateForTest", force=True)
    class Negate(torch.nn.Module):
        def forward(self, inputs, data_samples):
            return -inputs, data_samples

    try:
        preprocessor = PoseDataPreprocessor(batch_augments=[{"type": "mmpose_mix.NegateForTest"}])
        seen = [preprocessor({"inputs": images}, training=training)["inputs"] for training in (False, True)]
        torch.testing.assert_close(seen[0], -seen[1])
    finally:
        MODELS.module_dict.pop("NegateForTest")


def test_mean_and_std_are_no_part_of_a_checkpoint():
    assert PoseDataPreprocessor(mean=[1, 2, 3], std=[4, 5, 6]).state_dict() == {}


def test_images_of_other_channels_than_the_mean_are_refused(images):
    with pytest.raises(ValueError, match=r"mean and std are for 3 channels, but images have \[1\]"):
        PoseDataPreprocessor(mean=[1, 2, 3], std=[4, 5, 6])({"inputs": [images[0][:1]]})
