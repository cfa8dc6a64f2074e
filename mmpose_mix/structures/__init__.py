"""The sample and its fields, as they go from packing to metric."""

from __future__ import annotations

from mmpose_mix.structures.pose_data_sample import PoseDataSample, UnencodedTargets

__all__ = ["PoseDataSample", "UnencodedTargets"]
