"""What a keypoint is: keypoint sets and the mappings between them. Arithmetic alone, numpy only."""

from mmpose_mix.keypoints.aliases import AliasTable
from mmpose_mix.keypoints.mapping import KeypointMapping, PointRule
from mmpose_mix.keypoints.matching import Matching, match_keypoints
from mmpose_mix.keypoints.schema import KeypointSet

__all__ = [
    "AliasTable",
    "KeypointMapping",
    "KeypointSet",
    "Matching",
    "PointRule",
    "match_keypoints",
]
