"""Cross-stage-partial layers of large-kernel blocks, the parts of CSPNeXt (Lyu et al., "RTMDet", arXiv:2212.07784)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import torch
import torch.nn as nn
from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule


@dataclass(frozen=True)
class ConvStyle:
    """What all convolutions of a network have in common: configs for ``mmcv.cnn``, and whether 3x3s are depthwise."""

    conv_cfg: Optional[Mapping[str, Any]]
    norm_cfg: Mapping[str, Any]
    act_cfg: Mapping[str, Any]
    depthwise: bool = False

    def dense(self, in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1) -> ConvModule:
        """A convolution of the size's own padding, with norm and activation."""
        return ConvModule(in_channels, out_channels, kernel_size, stride, kernel_size // 2, **self._configs())

    def spatial(self, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1) -> nn.Module:
        """The same, in two steps (each channel alone, then 1x1) where the style is depthwise."""
        make = self.separable if self.depthwise else self.dense
        return make(in_channels, out_channels, kernel_size, stride)

    def separable(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> nn.Module:
        """The same, in two steps whatever the style."""
        return DepthwiseSeparableConvModule(
            in_channels, out_channels, kernel_size, stride, kernel_size // 2, **self._configs()
        )

    def _configs(self) -> dict[str, Any]:
        copies = {"conv_cfg": self.conv_cfg, "norm_cfg": self.norm_cfg, "act_cfg": self.act_cfg}
        return {name: None if config is None else dict(config) for name, config in copies.items()}


class SPPBottleneck(nn.Module):
    """Spatial pyramid pooling (He et al., 2014) between two 1x1 convolutions, at half the channels.

    Args:
        channels: of input and output.
        kernel_sizes: of the poolings of stride 1, odd; the input itself is one more level.
        style: of the convolutions.
    """

    def __init__(self, channels: int, kernel_sizes: Sequence[int], style: ConvStyle) -> None:
        super().__init__()
        width = channels // 2
        self.conv1 = style.dense(channels, width)
        self.poolings = nn.ModuleList(nn.MaxPool2d(size, stride=1, padding=size // 2) for size in kernel_sizes)
        self.conv2 = style.dense(width * (len(kernel_sizes) + 1), channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> the same shape."""
        x = self.conv1(x)
        return self.conv2(torch.cat([x, *(pooling(x) for pooling in self.poolings)], dim=1))


class ChannelAttention(nn.Module):
    """Each channel times a number in 0..1, computed from the means of all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> the same shape."""
        return x * nn.functional.hardsigmoid(self.fc(x.mean(dim=(2, 3), keepdim=True)))


class CSPNeXtBlock(nn.Module):
    """A 3x3 convolution and a depthwise 5x5 one, perhaps added to the input; as many channels out as in."""

    def __init__(self, channels: int, add_identity: bool, style: ConvStyle) -> None:
        super().__init__()
        self.conv1 = style.spatial(channels, channels)
        self.conv2 = style.separable(channels, channels, 5)
        self.add_identity = add_identity

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> the same shape."""
        out = self.conv2(self.conv1(x))
        return out + x if self.add_identity else out


class CSPLayer(nn.Module):
    """A row of blocks on one part of the channels, beside another part that passes by (Wang et al., CSPNet, 2020).

    Args:
        channels: of input and output.
        num_blocks: in the row.
        expand_ratio: width of each part, as a share of ``channels``.
        add_identity: blocks add their input.
        channel_attention: weigh the channels of both parts together.
        style: of the convolutions.
    """

    def __init__(
        self,
        channels: int,
        num_blocks: int,
        expand_ratio: float,
        add_identity: bool,
        channel_attention: bool,
        style: ConvStyle,
    ) -> None:
        super().__init__()
        width = int(channels * expand_ratio)
        self.main_conv = style.dense(channels, width)
        self.short_conv = style.dense(channels, width)
        self.final_conv = style.dense(2 * width, channels)
        self.blocks = nn.Sequential(*(CSPNeXtBlock(width, add_identity, style) for _ in range(num_blocks)))
        self.attention = ChannelAttention(2 * width) if channel_attention else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, channels, H, W) -> the same shape."""
        both = torch.cat((self.blocks(self.main_conv(x)), self.short_conv(x)), dim=1)
        return self.final_conv(self.attention(both))
