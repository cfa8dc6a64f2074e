"""Keypoints to training targets, and back."""

from __future__ import annotations

from mmpose_mix.codecs.annotation_processors import YOLOXPoseAnnotationProcessor
from mmpose_mix.codecs.base import BaseKeypointCodec
from mmpose_mix.codecs.msra_heatmap import MSRAHeatmap
from mmpose_mix.codecs.simcc_label import SimCCLabel
from mmpose_mix.codecs.udp_heatmap import UDPHeatmap

__all__ = ["BaseKeypointCodec", "MSRAHeatmap", "SimCCLabel", "UDPHeatmap", "YOLOXPoseAnnotationProcessor"]
