"""HRNet (Sun et al., "Deep High-Resolution Representation Learning for Human Pose Estimation", CVPR 2019)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn as nn

from mmpose_mix.models.backbones.hrnet_extra import Stage, parse_extra
from mmpose_mix.models.backbones.residual import (
    BasicBlock,
    Bottleneck,
    Conv,
    LayerConfig,
    ResidualBackbone,
    ResidualBlock,
    add_conv_norm,
    conv_norm,
    residual_stage,
)
from mmpose_mix.registry import MODELS

_STEM_CHANNELS = 64
_BLOCKS: dict[str, type[ResidualBlock]] = {"BASIC": BasicBlock, "BOTTLENECK": Bottleneck}
_INIT_CFG = (
    {"type": "Normal", "std": 0.001, "layer": ["Conv2d"]},
    {"type": "Constant", "val": 1, "layer": ["_BatchNorm", "GroupNorm"]},
)


class _Layers(NamedTuple):
    """How every layer of a network is built."""

    conv_cfg: LayerConfig
    norm_cfg: Mapping
    upsample: Mapping
    with_cp: bool

    def unit(self, in_channels: int, out_channels: int, stride: int, relu: bool, kernel_size: int = 3) -> nn.Sequential:
        """Convolution, norm, ReLU if wanted."""
        conv = Conv(in_channels, out_channels, kernel_size, stride)
        return nn.Sequential(*conv_norm(conv, self.conv_cfg, self.norm_cfg, relu))

    def blocks(self, block: type[ResidualBlock], num_blocks: int, in_channels: int, out_channels: int) -> nn.Sequential:
        """Residual blocks in a row."""
        settings = {"with_cp": self.with_cp, "conv_cfg": self.conv_cfg, "norm_cfg": self.norm_cfg}
        return residual_stage(block, num_blocks, in_channels, out_channels, **settings)


class FusionModule(nn.Module):
    """Parallel branches of halving resolution, each then the sum of all, brought to its resolution.

    Args:
        stage: what the branches are made of.
        in_channels: channels of each branch's input.
        multiscale_output: return all branches, else the one of the highest resolution only.
    """

    def __init__(self, stage: Stage, in_channels: Sequence[int], multiscale_output: bool, layers: _Layers) -> None:
        super().__init__()
        block = _BLOCKS[stage.block]
        channels = stage.out_channels(block.expansion)
        self.branches = nn.ModuleList(
            layers.blocks(block, depth, c_in, c_out)
            for depth, c_in, c_out in zip(stage.num_blocks, in_channels, channels)
        )
        num_outputs = len(channels) if multiscale_output else 1
        if len(channels) > 1:
            self.fuse_layers = nn.ModuleList(
                nn.ModuleList(_resample(layers, channels, source, target) for source in range(len(channels)))
                for target in range(num_outputs)
            )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Maps (B, C_i, H / 2**i, W / 2**i) in, the same or the first of them out."""
        branches = [branch(feature) for branch, feature in zip(self.branches, x)]
        if len(branches) == 1:
            return branches
        fused = []
        for resamplers in self.fuse_layers:
            total = resamplers[0](branches[0])
            for resampler, feature in zip(resamplers[1:], branches[1:]):
                total = total + resampler(feature)
            fused.append(self.relu(total))
        return fused


def _resample(layers: _Layers, channels: Sequence[int], source: int, target: int) -> nn.Module:
    """From one branch's channels and resolution to another's: upsampling, nothing, or strided convolutions."""
    if source == target:
        return nn.Identity()
    c_in, c_out = channels[source], channels[target]
    if source > target:
        unit = layers.unit(c_in, c_out, 1, relu=False, kernel_size=1)
        unit.append(nn.Upsample(scale_factor=2 ** (source - target), **layers.upsample))
        return unit
    halvings = [layers.unit(c_in, c_in, 2, relu=True) for _ in range(target - source - 1)]
    return nn.Sequential(*halvings, layers.unit(c_in, c_out, 2, relu=False))


def _transition(layers: _Layers, before: Sequence[int], after: Sequence[int]) -> nn.ModuleList:
    """One module for each branch of the next stage; new branches start from the last one there is."""
    modules: list[nn.Module] = []
    for place, channels in enumerate(after):
        if place >= len(before):
            widths = [before[-1]] * (place + 1 - len(before)) + [channels]
            modules.append(nn.Sequential(*(layers.unit(*pair, 2, relu=True) for pair in zip(widths, widths[1:]))))
        elif channels == before[place]:
            modules.append(nn.Identity())
        else:
            modules.append(layers.unit(before[place], channels, 1, relu=True))
    return nn.ModuleList(modules)


@MODELS.register_module()
class HRNet(ResidualBackbone):
    """High-resolution network: branches of strides 4, 8, 16, 32 that exchange features after each module.

    Args:
        extra: ``stage1`` to ``stage4``, each with ``num_modules``, ``num_branches``, ``block`` ("BASIC" or
            "BOTTLENECK"), ``num_blocks`` and ``num_channels`` (one number per branch each);
            ``stage4.multiscale_output=True`` returns all branches; perhaps ``upsample``, ``mode`` and ``align_corners``
            of the upsampling ("nearest", None).
        in_channels: channels of the input image.
        conv_cfg, norm_cfg: layer configs for ``mmcv.cnn``.
        with_cp: recompute the blocks in the backward pass instead of storing their activations.
        frozen_stages, norm_eval, zero_init_residual, init_cfg: see :class:`ResidualBackbone`.

    Raises:
        ValueError: with everything in ``extra`` that is missing, unknown or does not fit.
    """

    def __init__(
        self,
        extra: Mapping,
        in_channels: int = 3,
        conv_cfg: LayerConfig = None,
        norm_cfg: Mapping = {"type": "BN"},
        norm_eval: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = False,
        frozen_stages: int = -1,
        init_cfg: object = _INIT_CFG,
    ) -> None:
        super().__init__(
            frozen_stages,
            norm_eval,
            zero_init_residual,
            list(init_cfg) if isinstance(init_cfg, tuple) else init_cfg,
        )
        stages, upsample = parse_extra(extra)
        layers = _Layers(conv_cfg, norm_cfg, upsample, with_cp)
        self._stem_names: list[str] = []
        for place, width in enumerate((in_channels, _STEM_CHANNELS), start=1):
            names = add_conv_norm(self, place, Conv(width, _STEM_CHANNELS, 3, 2), conv_cfg, norm_cfg)
            self._stem_names += names
        self.relu = nn.ReLU(inplace=True)

        block = _BLOCKS[stages[0].block]
        channels = stages[0].out_channels(block.expansion)
        self.layer1 = layers.blocks(block, stages[0].num_blocks[0], _STEM_CHANNELS, channels[0])
        for number, stage in enumerate(stages[1:], start=2):
            after = stage.out_channels(_BLOCKS[stage.block].expansion)
            self.add_module(f"transition{number - 1}", _transition(layers, channels, after))
            self.add_module(f"stage{number}", _fusion_modules(stage, after, layers))
            channels = after
        self.out_channels = tuple(channels) if stages[-1].multiscale_output else (channels[0],)
        self.freeze()

    def _stem_modules(self) -> list[nn.Module]:
        return [getattr(self, name) for name in self._stem_names]

    def frozen_modules(self) -> Iterator[nn.Module]:
        """The stem from ``frozen_stages=0`` on, then each stage with the transition after it."""
        if self.frozen_stages >= 0:
            yield from self._stem_modules()
        for stage in range(1, self.frozen_stages + 1):
            yield self.layer1 if stage == 1 else getattr(self, f"stage{stage}")
            if stage < self.num_stages:
                yield getattr(self, f"transition{stage}")

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(B, in_channels, H, W) -> ((B, C, H / 4, W / 4),), or all branches with ``multiscale_output``.

        H and W have to be multiples of 32.
        """
        conv1, norm1, conv2, norm2 = self._stem_modules()
        x = self.relu(norm2(conv2(self.relu(norm1(conv1(x))))))
        branches = [self.layer1(x)]
        for stage in range(2, self.num_stages + 1):
            entries = getattr(self, f"transition{stage - 1}")
            branches = [entry(branches[min(place, len(branches) - 1)]) for place, entry in enumerate(entries)]
            branches = getattr(self, f"stage{stage}")(branches)
        return tuple(branches)


def _fusion_modules(stage: Stage, channels: Sequence[int], layers: _Layers) -> nn.Sequential:
    """The stage's modules; only its last one may return a single branch."""
    last = stage.num_modules - 1
    return nn.Sequential(
        *(
            FusionModule(stage, channels, stage.multiscale_output or place != last, layers)
            for place in range(stage.num_modules)
        )
    )
