"""CSPNeXt, the backbone of RTMDet and RTMPose (Lyu et al., "RTMDet", arXiv:2212.07784)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Optional

import torch
import torch.nn as nn

from mmpose_mix.models.backbones.csp_layer import ConvStyle, CSPLayer, SPPBottleneck
from mmpose_mix.models.backbones.residual import LayerConfig, ResidualBackbone
from mmpose_mix.registry import MODELS


class _Stage(NamedTuple):
    """One stage at widen_factor 1 and deepen_factor 1."""

    in_channels: int
    out_channels: int
    num_blocks: int
    add_identity: bool
    use_spp: bool


_FIRST = (_Stage(64, 128, 3, True, False), _Stage(128, 256, 6, True, False), _Stage(256, 512, 6, True, False))
_ARCHITECTURES = {
    "P5": (*_FIRST, _Stage(512, 1024, 3, False, True)),
    "P6": (*_FIRST, _Stage(512, 768, 3, True, False), _Stage(768, 1024, 3, False, True)),
}
_INIT_CFG = {
    "type": "Kaiming",
    "layer": "Conv2d",
    "a": math.sqrt(5),
    "distribution": "uniform",
    "mode": "fan_in",
    "nonlinearity": "leaky_relu",
}


@MODELS.register_module()
class CSPNeXt(ResidualBackbone):
    """CSPNeXt with MMPose's (and MMDetection's) parameter names.

    Args:
        arch: "P5", four stages of strides 4 to 32, or "P6", five to 64.
        deepen_factor: factor on the number of blocks of each stage.
        widen_factor: factor on all channels.
        out_indices: whose output is returned: 0 is the stem, n the n-th stage; rising.
        frozen_stages, norm_eval, init_cfg: see :class:`ResidualBackbone`.
        use_depthwise: depthwise separable convolutions in place of the 3x3 ones, but in the stem.
        expand_ratio: width of the blocks, as a share of their stage's channels.
        arch_ovewrite: rows of (in_channels, out_channels, num_blocks, add_identity, use_spp) in place of those that
            ``arch`` names. It is spelled as in MMPose.
        spp_kernel_sizes: of the poolings in the last stage, odd.
        channel_attention: weigh the channels at the end of each stage.
        conv_cfg, norm_cfg, act_cfg: layer configs for ``mmcv.cnn``.

    Raises:
        ValueError: with every argument that is out of range.
    """

    def __init__(
        self,
        arch: str = "P5",
        deepen_factor: float = 1.0,
        widen_factor: float = 1.0,
        out_indices: Sequence[int] = (2, 3, 4),
        frozen_stages: int = -1,
        use_depthwise: bool = False,
        expand_ratio: float = 0.5,
        arch_ovewrite: Optional[Sequence[Sequence[Any]]] = None,
        spp_kernel_sizes: Sequence[int] = (5, 9, 13),
        channel_attention: bool = True,
        conv_cfg: LayerConfig = None,
        norm_cfg: Mapping = {"type": "BN", "momentum": 0.03, "eps": 0.001},
        act_cfg: Mapping = {"type": "SiLU"},
        norm_eval: bool = False,
        init_cfg: object = _INIT_CFG,
    ) -> None:
        _check_arguments(arch, arch_ovewrite, deepen_factor, widen_factor, expand_ratio, out_indices, spp_kernel_sizes)
        rows = [_Stage(*row) for row in arch_ovewrite] if arch_ovewrite else _ARCHITECTURES[arch]
        self.num_stages = len(rows)
        super().__init__(frozen_stages, norm_eval, False, dict(init_cfg) if init_cfg is _INIT_CFG else init_cfg)
        style = ConvStyle(conv_cfg, norm_cfg, act_cfg, use_depthwise)
        first = rows[0].in_channels * widen_factor
        # the convolutions of the stem are plain ones, whatever conv_cfg says
        self._make_stem(int(first // 2), int(first), ConvStyle(None, norm_cfg, act_cfg))
        for place, row in enumerate(rows, start=1):
            out_channels = int(row.out_channels * widen_factor)
            spp = [SPPBottleneck(out_channels, spp_kernel_sizes, style)] if row.use_spp else []
            layer = CSPLayer(
                out_channels,
                max(round(row.num_blocks * deepen_factor), 1),
                expand_ratio,
                row.add_identity,
                channel_attention,
                style,
            )
            down = style.spatial(int(row.in_channels * widen_factor), out_channels, stride=2)
            self.add_module(f"stage{place}", nn.Sequential(down, *spp, layer))
        self.out_indices = tuple(out_indices)
        channels = [int(first), *(int(row.out_channels * widen_factor) for row in rows)]
        self.out_channels = tuple(channels[index] for index in self.out_indices)
        self.freeze()

    def _make_stem(self, half: int, full: int, style: ConvStyle) -> None:
        self.stem = nn.Sequential(
            style.dense(3, half, 3, stride=2), style.dense(half, half, 3), style.dense(half, full, 3)
        )

    def _parts(self) -> list[nn.Module]:
        return [self.stem, *(getattr(self, f"stage{place}") for place in range(1, self.num_stages + 1))]

    def frozen_modules(self) -> Iterator[nn.Module]:
        """The stem from ``frozen_stages=0`` on, then ``stage1`` and so on."""
        yield from self._parts()[: self.frozen_stages + 1]

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(B, 3, H, W) -> the maps of ``out_indices``: the stem's of stride 2, the n-th stage's of stride 2^(n+1)."""
        outputs = []
        for index, part in enumerate(self._parts()):
            x = part(x)
            if index in self.out_indices:
                outputs.append(x)
        return tuple(outputs)


def _check_arguments(
    arch: str,
    overwritten: Optional[Sequence[Sequence[Any]]],
    deepen_factor: float,
    widen_factor: float,
    expand_ratio: float,
    out_indices: Sequence[int],
    spp_kernel_sizes: Sequence[int],
) -> None:
    findings = []
    if not overwritten and arch not in _ARCHITECTURES:
        findings.append(f"arch={arch!r}, but {' and '.join(map(repr, _ARCHITECTURES))} are allowed")
    if overwritten and any(len(row) != len(_Stage._fields) for row in overwritten):
        findings.append(f"arch_ovewrite has a row that is not ({', '.join(_Stage._fields)})")
    factors = {"deepen_factor": deepen_factor, "widen_factor": widen_factor, "expand_ratio": expand_ratio}
    findings += [f"{name}={value!r} must be above 0" for name, value in factors.items() if not value > 0]
    last = len(overwritten or _ARCHITECTURES.get(arch, _ARCHITECTURES["P5"]))
    if not out_indices or any(index not in range(last + 1) for index in out_indices):
        findings.append(f"out_indices={tuple(out_indices)}, but 0 (stem) to {last} are allowed, one at least")
    elif sorted(set(out_indices)) != list(out_indices):
        findings.append(f"out_indices={tuple(out_indices)} do not rise, but maps come in the order of the stages")
    if any(size % 2 == 0 for size in spp_kernel_sizes):
        findings.append(f"spp_kernel_sizes={tuple(spp_kernel_sizes)} must be odd")
    if findings:
        raise ValueError("CSPNeXt: " + "; ".join(findings) + ".")
