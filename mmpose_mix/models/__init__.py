"""The networks: estimator, preprocessor, backbones, heads and losses."""

from __future__ import annotations

from mmpose_mix.models.backbones import HRNet, ResNet
from mmpose_mix.models.estimator import TopdownPoseEstimator
from mmpose_mix.models.heads import HeatmapHead
from mmpose_mix.models.losses import CombinedTargetMSELoss, KeypointMSELoss
from mmpose_mix.models.preprocessor import PoseDataPreprocessor

__all__ = [
    "CombinedTargetMSELoss",
    "HRNet",
    "HeatmapHead",
    "KeypointMSELoss",
    "PoseDataPreprocessor",
    "ResNet",
    "TopdownPoseEstimator",
]
