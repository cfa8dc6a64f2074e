"""Networks from feature maps to keypoints."""

from __future__ import annotations

from mmpose_mix.models.heads.heatmap import HeatmapHead

__all__ = ["HeatmapHead"]
