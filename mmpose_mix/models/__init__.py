"""The networks: estimator, preprocessor, backbones, heads and losses."""

from __future__ import annotations

from mmpose_mix.models.backbones import CSPNeXt, HRNet, ResNet
from mmpose_mix.models.estimator import TopdownPoseEstimator
from mmpose_mix.models.heads import HeatmapHead, RTMCCHead
from mmpose_mix.models.losses import CombinedTargetMSELoss, KeypointMSELoss
from mmpose_mix.models.preprocessor import PoseDataPreprocessor
from mmpose_mix.models.simcc_loss import KLDiscretLoss

__all__ = [
    "CSPNeXt",
    "CombinedTargetMSELoss",
    "HRNet",
    "HeatmapHead",
    "KLDiscretLoss",
    "KeypointMSELoss",
    "PoseDataPreprocessor",
    "RTMCCHead",
    "ResNet",
    "TopdownPoseEstimator",
]
