"""Networks from an image to feature maps."""

from __future__ import annotations

from mmpose_mix.models.backbones.cspnext import CSPNeXt
from mmpose_mix.models.backbones.hrnet import HRNet
from mmpose_mix.models.backbones.resnet import ResNet

__all__ = ["CSPNeXt", "HRNet", "ResNet"]
