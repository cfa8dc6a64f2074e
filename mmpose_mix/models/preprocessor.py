"""From a collated batch to the model's input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Optional, Union

import torch
from mmengine.model import ImgDataPreprocessor
from torch import nn

from mmpose_mix.models.batch_targets import encode_targets
from mmpose_mix.registry import MODELS


@MODELS.register_module()
class PoseDataPreprocessor(ImgDataPreprocessor):
    """Moves a batch to the device, normalises the images and notes their padded sizes in the samples.

    Where a pipeline left the targets to it (``GenerateTarget(on_device=True)``), it encodes those of the batch there.

    Args:
        mean, std: of each channel, after the channel order is changed.
        pad_size_divisor: images are padded, right and below, to multiples of it.
        pad_value: value of the padding.
        bgr_to_rgb, rgb_to_bgr: swap the channels.
        non_blocking: do not wait for the transfer to the device.
        batch_augments: configs of modules that are called with ``(inputs, data_samples)`` in training and return both.
    """

    def __init__(
        self,
        mean: Optional[Sequence[float]] = None,
        std: Optional[Sequence[float]] = None,
        pad_size_divisor: int = 1,
        pad_value: Union[float, int] = 0,
        bgr_to_rgb: bool = False,
        rgb_to_bgr: bool = False,
        non_blocking: bool = False,
        batch_augments: Optional[Sequence[dict]] = None,
    ) -> None:
        super().__init__(
            mean=mean,
            std=std,
            pad_size_divisor=pad_size_divisor,
            pad_value=pad_value,
            bgr_to_rgb=bgr_to_rgb,
            rgb_to_bgr=rgb_to_bgr,
            non_blocking=non_blocking,
        )
        self.batch_augments = nn.ModuleList(MODELS.build(augment) for augment in batch_augments or ())

    def forward(self, data: dict, training: bool = False) -> dict:
        """Inputs and samples as the model takes them.

        Args:
            data: ``inputs``, images (C, H, W) as a list or stacked, and ``data_samples``, one for each image or None.
            training: apply ``batch_augments``.

        Returns:
            ``inputs`` (B, C, H, W) float32 and ``data_samples``, whose metainfo now holds ``batch_input_shape`` and
            ``pad_shape``, both (h, w).

        Raises:
            ValueError: images of other channels than ``mean`` has.
        """
        self._check_channels(data["inputs"])
        pad_shapes = [self._pad_shape(image) for image in data["inputs"]]
        data = super().forward(self._stacked(data), training=training)
        inputs, data_samples = data["inputs"], data["data_samples"]
        for data_sample, pad_shape in zip(data_samples or (), pad_shapes):
            data_sample.set_metainfo({"batch_input_shape": tuple(inputs.shape[-2:]), "pad_shape": pad_shape})
        encode_targets(data_samples or (), self.device)
        if training:
            for augment in self.batch_augments:
                inputs, data_samples = augment(inputs, data_samples)
        return {"inputs": inputs, "data_samples": data_samples}

    def _check_channels(self, inputs: Union[torch.Tensor, Sequence[torch.Tensor]]) -> None:
        wanted = self.mean.numel() if self._enable_normalize else 1
        given = sorted({image.shape[0] for image in inputs} - {wanted})
        if wanted > 1 and given:
            raise ValueError(f"PoseDataPreprocessor: mean and std are for {wanted} channels, but images have {given}.")

    @staticmethod
    def _stacked(data: dict) -> dict:
        """The batch with images of one size in a single tensor: one transfer and one normalisation, not B of each."""
        inputs = data["inputs"]
        if isinstance(inputs, torch.Tensor) or len({(image.shape, image.dtype) for image in inputs}) != 1:
            return data
        return {**data, "inputs": torch.stack(tuple(inputs))}

    def _pad_shape(self, image: torch.Tensor) -> tuple[int, int]:
        divisor = self.pad_size_divisor
        height, width = (math.ceil(length / divisor) * divisor for length in image.shape[-2:])
        return height, width
