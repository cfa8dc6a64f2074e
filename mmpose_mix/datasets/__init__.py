"""MMEngine data sets."""

from mmpose_mix.datasets.body import AicDataset, CocoDataset
from mmpose_mix.datasets.coco_style import CocoStyleDataset

__all__ = ["AicDataset", "CocoDataset", "CocoStyleDataset"]
