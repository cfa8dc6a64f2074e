"""ResNet (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn as nn
from mmcv.cnn import ConvModule

from mmpose_mix.models.backbones.residual import (
    BasicBlock,
    Bottleneck,
    Conv,
    LayerConfig,
    ResidualBackbone,
    add_conv_norm,
    residual_stage,
)
from mmpose_mix.registry import MODELS

_ARCHITECTURES = {
    10: (BasicBlock, (1, 1, 1, 1)),
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}
_INIT_CFG = (
    {"type": "Kaiming", "layer": ["Conv2d"]},
    {"type": "Constant", "val": 1, "layer": ["_BatchNorm", "GroupNorm"]},
)


@MODELS.register_module()
class ResNet(ResidualBackbone):
    """ResNet with torchvision's parameter names.

    Args:
        depth: 10 (one basic block per stage, for tests), 18, 34, 50, 101 or 152.
        in_channels: channels of the input image.
        stem_channels: channels after the stem.
        base_channels: inner width of the first stage's blocks; doubles with each stage.
        num_stages: 1 to 4.
        strides, dilations: of each stage's first convolutions, ``num_stages`` numbers each.
        out_indices: the stages, from 0, whose output is returned.
        style: "pytorch" puts a bottleneck's stride into the 3x3 convolution, "caffe" into the first 1x1.
        deep_stem: three 3x3 convolutions instead of one 7x7.
        avg_down: pool before the projection of a strided stage.
        frozen_stages, norm_eval, zero_init_residual, init_cfg: see :class:`ResidualBackbone`.
        conv_cfg, norm_cfg: layer configs for ``mmcv.cnn``.
        with_cp: recompute the blocks in the backward pass instead of storing their activations.

    Raises:
        ValueError: with every argument that is out of range.
    """

    def __init__(
        self,
        depth: int,
        in_channels: int = 3,
        stem_channels: int = 64,
        base_channels: int = 64,
        num_stages: int = 4,
        strides: Sequence[int] = (1, 2, 2, 2),
        dilations: Sequence[int] = (1, 1, 1, 1),
        out_indices: Sequence[int] = (3,),
        style: str = "pytorch",
        deep_stem: bool = False,
        avg_down: bool = False,
        frozen_stages: int = -1,
        conv_cfg: LayerConfig = None,
        norm_cfg: Mapping = {"type": "BN", "requires_grad": True},
        norm_eval: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
        init_cfg: object = _INIT_CFG,
    ) -> None:
        _check_arguments(depth, num_stages, strides, dilations, out_indices, style)
        self.num_stages = num_stages
        super().__init__(frozen_stages, norm_eval, zero_init_residual, _as_list(init_cfg))
        block, stage_depths = _ARCHITECTURES[depth]
        channels = [base_channels * block.expansion * 2**stage for stage in range(num_stages)]
        self.depth = depth
        self.deep_stem = deep_stem
        self.out_indices = tuple(out_indices)
        self.out_channels = tuple(channels[stage] for stage in self.out_indices)
        self._make_stem(in_channels, stem_channels, conv_cfg, norm_cfg)
        for stage in range(num_stages):
            layer = residual_stage(
                block,
                stage_depths[stage],
                channels[stage - 1] if stage else stem_channels,
                channels[stage],
                stride=strides[stage],
                dilation=dilations[stage],
                style=style,
                avg_down=avg_down,
                with_cp=with_cp,
                conv_cfg=conv_cfg,
                norm_cfg=norm_cfg,
            )
            self.add_module(f"layer{stage + 1}", layer)
        self.freeze()

    def _make_stem(self, in_channels: int, stem_channels: int, conv_cfg: LayerConfig, norm_cfg: Mapping) -> None:
        if self.deep_stem:
            half = stem_channels // 2
            shapes = [(in_channels, half, 2), (half, half, 1), (half, stem_channels, 1)]
            self.stem = nn.Sequential(
                *(
                    ConvModule(c_in, c_out, 3, stride=stride, padding=1, conv_cfg=conv_cfg, norm_cfg=dict(norm_cfg))
                    for c_in, c_out, stride in shapes
                )
            )
        else:
            self._stem_names = add_conv_norm(self, 1, Conv(in_channels, stem_channels, 7, 2), conv_cfg, norm_cfg)
            self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

    def _stem_modules(self) -> list[nn.Module]:
        return [self.stem] if self.deep_stem else [getattr(self, name) for name in self._stem_names]

    def frozen_modules(self) -> Iterator[nn.Module]:
        """The stem from ``frozen_stages=0`` on, then ``layer1`` and so on."""
        if self.frozen_stages >= 0:
            yield from self._stem_modules()
        for stage in range(1, self.frozen_stages + 1):
            yield getattr(self, f"layer{stage}")

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(B, in_channels, H, W) -> the maps of ``out_indices``, stage s with stride 4 times its strides so far."""
        for module in self._stem_modules():
            x = module(x)
        x = self.maxpool(x if self.deep_stem else self.relu(x))
        outputs = []
        for stage in range(self.num_stages):
            x = getattr(self, f"layer{stage + 1}")(x)
            if stage in self.out_indices:
                outputs.append(x)
        return tuple(outputs)


def _as_list(init_cfg: object) -> object:
    return list(init_cfg) if isinstance(init_cfg, tuple) else init_cfg


def _check_arguments(
    depth: int,
    num_stages: int,
    strides: Sequence[int],
    dilations: Sequence[int],
    out_indices: Sequence[int],
    style: str,
) -> None:
    findings = []
    if depth not in _ARCHITECTURES:
        findings.append(f"depth={depth}, but the depths are {', '.join(map(str, _ARCHITECTURES))}")
    if not 1 <= num_stages <= 4:
        findings.append(f"num_stages={num_stages}, but 1 to 4 are allowed")
    for name, values in (("strides", strides), ("dilations", dilations)):
        if len(values) != num_stages:
            findings.append(f"{name}={tuple(values)} has {len(values)} numbers for num_stages={num_stages}")
    if not out_indices or any(not 0 <= index < num_stages for index in out_indices):
        findings.append(f"out_indices={tuple(out_indices)}, but 0 to {num_stages - 1} are allowed, one at least")
    elif sorted(set(out_indices)) != list(out_indices):
        findings.append(f"out_indices={tuple(out_indices)} do not rise, but maps come in the order of the stages")
    if style not in ("pytorch", "caffe"):
        findings.append(f"style={style!r}, but 'pytorch' and 'caffe' are allowed")
    if findings:
        raise ValueError("ResNet: " + "; ".join(findings) + ".")
