"""Networks from feature maps to keypoints."""

from __future__ import annotations

from mmpose_mix.models.heads.heatmap import HeatmapHead
from mmpose_mix.models.heads.rtmcc import RTMCCHead
from mmpose_mix.models.heads.visibility import VisPredictHead

__all__ = ["HeatmapHead", "RTMCCHead", "VisPredictHead"]
