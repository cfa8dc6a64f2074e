"""The networks: estimator, preprocessor, backbones, heads and losses."""

from __future__ import annotations

from mmpose_mix.models.averaging import ExpMomentumEMA
from mmpose_mix.models.backbones import CSPNeXt, HRNet, ResNet
from mmpose_mix.models.estimator import TopdownPoseEstimator
from mmpose_mix.models.heads import HeatmapHead, RTMCCHead, VisPredictHead
from mmpose_mix.models.losses import CombinedTargetMSELoss, KeypointMSELoss
from mmpose_mix.models.preprocessor import PoseDataPreprocessor
from mmpose_mix.models.simcc_loss import KLDiscretLoss
from mmpose_mix.models.visibility_loss import BCELoss

__all__ = [
    "BCELoss",
    "CSPNeXt",
    "CombinedTargetMSELoss",
    "ExpMomentumEMA",
    "HRNet",
    "HeatmapHead",
    "KLDiscretLoss",
    "KeypointMSELoss",
    "PoseDataPreprocessor",
    "RTMCCHead",
    "ResNet",
    "TopdownPoseEstimator",
    "VisPredictHead",
]
