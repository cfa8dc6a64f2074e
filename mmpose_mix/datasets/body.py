"""Data sets of whole-body poses: what sets them apart is their keypoints, so each is a name and a metainfo file."""

from __future__ import annotations

from mmpose_mix.datasets.coco_style import CocoStyleDataset
from mmpose_mix.registry import DATASETS


@DATASETS.register_module()
class CocoDataset(CocoStyleDataset):
    """COCO keypoints: 17 per person. See :class:`CocoStyleDataset` for the arguments."""

    METAINFO: dict = {"from_file": "configs/_base_/datasets/coco.py"}


@DATASETS.register_module()
class AicDataset(CocoStyleDataset):
    """AI Challenger keypoints: 14 per person, with the top of the head and the neck, without a face.

    See :class:`CocoStyleDataset` for the arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/aic.py"}
