"""MMEngine data sets."""

from mmpose_mix.datasets.body import AicDataset, CocoDataset
from mmpose_mix.datasets.coco_style import CocoStyleDataset
from mmpose_mix.datasets.combined import CombinedDataset
from mmpose_mix.datasets.concatenated import ConcatDataset
from mmpose_mix.datasets.default_samplers import DefaultSampler, InfiniteSampler
from mmpose_mix.datasets.drawn_index import DrawIndex
from mmpose_mix.datasets.samplers import MultiSourceSampler

__all__ = [
    "AicDataset",
    "CocoDataset",
    "CocoStyleDataset",
    "CombinedDataset",
    "ConcatDataset",
    "DefaultSampler",
    "DrawIndex",
    "InfiniteSampler",
    "MultiSourceSampler",
]
