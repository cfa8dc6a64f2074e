"""Pictures of samples, predictions and batches."""

from __future__ import annotations

from mmpose_mix.visualization.bad_cases import BadCaseAnalysisHook
from mmpose_mix.visualization.batch import draw_batch
from mmpose_mix.visualization.hook import PoseVisualizationHook
from mmpose_mix.visualization.local_visualizer import PoseLocalVisualizer
from mmpose_mix.visualization.poses import Brush, PoseLook, draw_pose

__all__ = [
    "BadCaseAnalysisHook",
    "Brush",
    "PoseLocalVisualizer",
    "PoseLook",
    "PoseVisualizationHook",
    "draw_batch",
    "draw_pose",
]
