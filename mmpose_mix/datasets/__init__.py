"""MMEngine data sets."""

from mmpose_mix.datasets.animal import AnimalPoseDataset, AP10KDataset
from mmpose_mix.datasets.body import (
    AicDataset,
    CocoDataset,
    CrowdPoseDataset,
    ExlposeDataset,
    HalpeDataset,
    HumanArtDataset,
    JhmdbDataset,
    MhpDataset,
    MpiiDataset,
    OCHumanDataset,
    PoseTrack18Dataset,
)
from mmpose_mix.datasets.coco_style import CocoStyleDataset
from mmpose_mix.datasets.combined import CombinedDataset
from mmpose_mix.datasets.concatenated import ConcatDataset
from mmpose_mix.datasets.default_samplers import DefaultSampler, InfiniteSampler
from mmpose_mix.datasets.drawn_index import DrawIndex
from mmpose_mix.datasets.samplers import MultiSourceSampler

__all__ = [
    "AP10KDataset",
    "AicDataset",
    "AnimalPoseDataset",
    "CocoDataset",
    "CocoStyleDataset",
    "CombinedDataset",
    "ConcatDataset",
    "CrowdPoseDataset",
    "DefaultSampler",
    "DrawIndex",
    "ExlposeDataset",
    "HalpeDataset",
    "HumanArtDataset",
    "InfiniteSampler",
    "JhmdbDataset",
    "MhpDataset",
    "MpiiDataset",
    "MultiSourceSampler",
    "OCHumanDataset",
    "PoseTrack18Dataset",
]
