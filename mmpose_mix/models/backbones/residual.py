"""Residual blocks and what the backbones that are made of them share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Optional

import torch
import torch.nn as nn
from mmcv.cnn import build_conv_layer, build_norm_layer
from mmengine.model import BaseModule, constant_init
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

LayerConfig = Optional[Mapping]


class Conv(NamedTuple):
    """Shape of one convolution of a residual block."""

    in_channels: int
    out_channels: int
    kernel_size: int
    stride: int = 1
    dilation: int = 1


def conv_norm(conv: Conv, conv_cfg: LayerConfig, norm_cfg: Mapping, relu: bool = False) -> list[nn.Module]:
    """Convolution without bias that keeps the size but for its stride, norm layer, and a ReLU if wanted."""
    layers = [_build_conv(conv, conv_cfg), build_norm_layer(dict(norm_cfg), conv.out_channels)[1]]
    return [*layers, nn.ReLU(inplace=True)] if relu else layers


def add_conv_norm(
    module: nn.Module, place: int, conv: Conv, conv_cfg: LayerConfig, norm_cfg: Mapping
) -> tuple[str, str]:
    """Give ``module`` a convolution ``conv<place>`` and a norm layer (``bn<place>`` for batch norm); both names."""
    norm_name, norm = build_norm_layer(dict(norm_cfg), conv.out_channels, postfix=place)
    module.add_module(f"conv{place}", _build_conv(conv, conv_cfg))
    module.add_module(norm_name, norm)
    return f"conv{place}", norm_name


def _build_conv(conv: Conv, conv_cfg: LayerConfig) -> nn.Module:
    return build_conv_layer(
        None if conv_cfg is None else dict(conv_cfg),
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        stride=conv.stride,
        padding=conv.dilation * (conv.kernel_size // 2),
        dilation=conv.dilation,
        bias=False,
    )


class ResidualBlock(BaseModule):
    """Convolutions with norm layers, added to the (projected) input; a ReLU between any two and after the sum.

    The layers are named ``conv1``, ``bn1``, ``conv2``, ... as torchvision names them; a norm's name follows its type.
    """

    expansion = 1

    def __init__(
        self,
        convs: list[Conv],
        downsample: Optional[nn.Module],
        with_cp: bool,
        conv_cfg: LayerConfig,
        norm_cfg: Mapping,
    ) -> None:
        super().__init__()
        self.with_cp = with_cp
        self._layer_names = [
            add_conv_norm(self, place, conv, conv_cfg, norm_cfg) for place, conv in enumerate(convs, start=1)
        ]
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    @property
    def last_norm(self) -> nn.Module:
        """The norm layer before the sum: a block whose ``last_norm`` is zero passes its input on."""
        return getattr(self, self._layer_names[-1][1])

    def _sum(self, x: torch.Tensor) -> torch.Tensor:
        out = x
        for place, (conv, norm) in enumerate(self._layer_names):
            out = getattr(self, norm)(getattr(self, conv)(out if place == 0 else self.relu(out)))
        out += x if self.downsample is None else self.downsample(x)
        return out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H / stride, W / stride)."""
        recompute = self.with_cp and torch.is_grad_enabled()
        return self.relu(checkpoint(self._sum, x, use_reentrant=False) if recompute else self._sum(x))


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions. ``style`` makes no difference here."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        dilation: int = 1,
        downsample: Optional[nn.Module] = None,
        style: str = "pytorch",
        with_cp: bool = False,
        conv_cfg: LayerConfig = None,
        norm_cfg: Mapping = {"type": "BN"},
    ) -> None:
        convs = [Conv(in_channels, out_channels, 3, stride, dilation), Conv(out_channels, out_channels, 3)]
        super().__init__(convs, downsample, with_cp, conv_cfg, norm_cfg)


class Bottleneck(ResidualBlock):
    """1x1 to a quarter of the channels, 3x3, 1x1 back. The 3x3 has the stride, or the first with ``style='caffe'``."""

    expansion = 4

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        dilation: int = 1,
        downsample: Optional[nn.Module] = None,
        style: str = "pytorch",
        with_cp: bool = False,
        conv_cfg: LayerConfig = None,
        norm_cfg: Mapping = {"type": "BN"},
    ) -> None:
        width = out_channels // self.expansion
        first, second = (stride, 1) if style == "caffe" else (1, stride)
        convs = [
            Conv(in_channels, width, 1, first),
            Conv(width, width, 3, second, dilation),
            Conv(width, out_channels, 1),
        ]
        super().__init__(convs, downsample, with_cp, conv_cfg, norm_cfg)


def residual_stage(
    block: type[ResidualBlock],
    num_blocks: int,
    in_channels: int,
    out_channels: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    style: str = "pytorch",
    avg_down: bool = False,
    with_cp: bool = False,
    conv_cfg: LayerConfig = None,
    norm_cfg: Mapping,
) -> nn.Sequential:
    """``num_blocks`` blocks in a row; the first takes the stride and projects its input where the shapes differ.

    Args:
        out_channels: channels after each block (its inner width times ``block.expansion``).
        avg_down: average-pool before the projection instead of giving it the stride (ResNet-D).
    """
    downsample = None
    if stride != 1 or in_channels != out_channels:
        pool = avg_down and stride != 1
        layers = [nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)] if pool else []
        project = Conv(in_channels, out_channels, 1, 1 if pool else stride)
        downsample = nn.Sequential(*layers, *conv_norm(project, conv_cfg, norm_cfg))
    same = {"dilation": dilation, "style": style, "with_cp": with_cp, "conv_cfg": conv_cfg, "norm_cfg": norm_cfg}
    first = block(in_channels, out_channels, stride=stride, downsample=downsample, **same)
    return nn.Sequential(first, *(block(out_channels, out_channels, **same) for _ in range(num_blocks - 1)))


class ResidualBackbone(BaseModule):
    """A backbone of residual blocks that can be frozen in part.

    Args:
        frozen_stages: -1 freezes nothing, 0 the stem, n the stem and the first n stages: no gradients, norm layers in
            eval mode.
        norm_eval: keep all batch norms in eval mode while training.
        zero_init_residual: initialise each block's last norm with zero; left out when weights are ``Pretrained``.
        init_cfg: see MMEngine's ``BaseModule``.

    Raises:
        ValueError: ``frozen_stages`` beyond the stages.
    """

    num_stages = 4

    def __init__(self, frozen_stages: int, norm_eval: bool, zero_init_residual: bool, init_cfg: object) -> None:
        super().__init__(init_cfg)
        if not -1 <= frozen_stages <= self.num_stages:
            raise ValueError(
                f"{type(self).__name__}: frozen_stages={frozen_stages}, but -1 (nothing), 0 (stem) to "
                f"{self.num_stages} (all stages) are allowed."
            )
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.zero_init_residual = zero_init_residual

    @abstractmethod
    def frozen_modules(self) -> Iterator[nn.Module]:
        """The modules that ``frozen_stages`` names."""

    def freeze(self) -> None:
        """Switch the frozen modules to eval mode, without gradients."""
        for module in self.frozen_modules():
            module.eval()
            module.requires_grad_(False)

    def init_weights(self) -> None:
        """Initialise as ``init_cfg`` says, then zero the last norms if wanted."""
        super().init_weights()
        pretrained = isinstance(self.init_cfg, Mapping) and self.init_cfg["type"] == "Pretrained"
        if self.zero_init_residual and not pretrained:
            for module in self.modules():
                if isinstance(module, ResidualBlock):
                    constant_init(module.last_norm, 0)

    def train(self, mode: bool = True) -> ResidualBackbone:
        """Training or eval mode, but for what is frozen."""
        super().train(mode)
        self.freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self
