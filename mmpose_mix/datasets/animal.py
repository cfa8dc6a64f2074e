"""Data sets of animals: each is a name and a metainfo file."""

from __future__ import annotations

from mmpose_mix.datasets.coco_style import CocoStyleDataset
from mmpose_mix.registry import DATASETS


@DATASETS.register_module()
class AP10KDataset(CocoStyleDataset):
    """AP-10K keypoints: 17 per animal, of 54 species. See :class:`CocoStyleDataset` for the arguments."""

    METAINFO: dict = {"from_file": "configs/_base_/datasets/ap10k.py"}


@DATASETS.register_module()
class AnimalPoseDataset(CocoStyleDataset):
    """Animal-Pose keypoints: 20 per animal: dogs, cats, cows, horses, sheep.

    See :class:`CocoStyleDataset` for the arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/animalpose.py"}
