"""What a keypoint is: keypoint sets and the mappings between them. Arithmetic alone, numpy only."""

from mmpose_mix.keypoints.mapping import KeypointMapping
from mmpose_mix.keypoints.schema import KeypointSet

__all__ = ["KeypointMapping", "KeypointSet"]
