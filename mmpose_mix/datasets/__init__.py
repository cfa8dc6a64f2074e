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
from mmpose_mix.datasets.face import CocoWholeBodyFaceDataset, COFWDataset, Face300WDataset, LapaDataset, WFLWDataset
from mmpose_mix.datasets.hand import (
    CocoWholeBodyHandDataset,
    FreiHandDataset,
    HalpeHandDataset,
    InterHand2DDoubleDataset,
    OneHand10KDataset,
    Rhd2DDataset,
)
from mmpose_mix.datasets.samplers import MultiSourceSampler
from mmpose_mix.datasets.wholebody import CocoWholeBodyDataset, HumanArt21Dataset, UBody2dDataset

__all__ = [
    "AP10KDataset",
    "AicDataset",
    "AnimalPoseDataset",
    "COFWDataset",
    "CocoDataset",
    "CocoStyleDataset",
    "CocoWholeBodyDataset",
    "CocoWholeBodyFaceDataset",
    "CocoWholeBodyHandDataset",
    "CombinedDataset",
    "ConcatDataset",
    "CrowdPoseDataset",
    "DefaultSampler",
    "DrawIndex",
    "ExlposeDataset",
    "Face300WDataset",
    "FreiHandDataset",
    "HalpeDataset",
    "HalpeHandDataset",
    "HumanArt21Dataset",
    "HumanArtDataset",
    "InfiniteSampler",
    "InterHand2DDoubleDataset",
    "JhmdbDataset",
    "LapaDataset",
    "MhpDataset",
    "MpiiDataset",
    "MultiSourceSampler",
    "OCHumanDataset",
    "OneHand10KDataset",
    "PoseTrack18Dataset",
    "Rhd2DDataset",
    "UBody2dDataset",
    "WFLWDataset",
]
