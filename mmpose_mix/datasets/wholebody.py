"""Data sets of persons with more than the body's keypoints: feet, face, hands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

import numpy as np

from mmpose_mix.annotations.coco_json import CocoFile
from mmpose_mix.annotations.instance_fields import InstanceFields
from mmpose_mix.annotations.table import ImageTable
from mmpose_mix.datasets.coco_style import CocoStyleDataset
from mmpose_mix.registry import DATASETS


@DATASETS.register_module()
class CocoWholeBodyDataset(CocoStyleDataset):
    """COCO-WholeBody keypoints: 133 per person, COCO's 17, then feet, face, left and right hand.

    A keypoint is visible where its flag is above 0. ``num_keypoints`` and ``area`` are those of the annotation, which
    counts the 17 of the body. See :class:`CocoStyleDataset` for the arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/coco_wholebody.py"}
    READER = ("coco_wholebody", 1)
    INSTANCE_FIELDS = (InstanceFields(("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")),)

    def read_annotations(self, path: str, *, with_outlines: bool, with_raw: bool) -> CocoFile:
        """The persons of the annotation file as columns, with 0 or 1 as visibility."""
        file = super().read_annotations(path, with_outlines=with_outlines, with_raw=with_raw)
        visibility = (file.instances.visibility > 0).astype(np.float32)
        return replace(file, instances=replace(file.instances, visibility=visibility))


@DATASETS.register_module()
class UBody2dDataset(CocoWholeBodyDataset):
    """UBody keypoints: 133 per person in the order of COCO-WholeBody, frames of videos in 15 scenes.

    ``sample_interval`` thins the frames. See :class:`CocoStyleDataset` for the arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/ubody2d.py"}


@DATASETS.register_module()
class HumanArt21Dataset(CocoStyleDataset):
    """Human-Art keypoints: 21 per person, COCO's 17 with fingers and toes, of people in art and in photographs.

    See :class:`CocoStyleDataset` for the arguments.

    Args:
        filter_cfg: ``dict(scenes=[...])`` keeps the images that lie in a folder of one of these names, such as
            ``'real_human'``, ``'2D_virtual_human'`` or ``'oil_painting'``; beside ``bbox_score_thr``.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/humanart21.py"}
    INSTANCE_FIELDS = (InstanceFields(("keypoints_21",)),)
    FILTERS = ("bbox_score_thr", "scenes")

    def image_filters(self, images: ImageTable) -> dict[str, np.ndarray]:
        """The filters of every data set, and the scenes."""
        filters = super().image_filters(images)
        scenes = (self.filter_cfg or {}).get("scenes")
        if scenes is not None:
            folders = (images.file_name[row].decode().split("/")[:-1] for row in range(len(images)))
            kept = np.fromiter((not set(scenes).isdisjoint(path) for path in folders), np.bool_, len(images))
            filters[f"filter_cfg scenes={list(scenes)}"] = kept
        return filters

    def _findings(
        self, test_mode: bool, data_prefix: Mapping[str, str], filter_cfg: Optional[Mapping[str, Any]]
    ) -> list[str]:
        found = super()._findings(test_mode, data_prefix, filter_cfg)
        scenes = (filter_cfg or {}).get("scenes", ())
        if not isinstance(scenes, (list, tuple)) or not all(isinstance(scene, str) for scene in scenes):
            found.append(f"filter_cfg scenes={scenes!r}; give a list of folder names")
        elif scenes and self.bbox_file:
            found.append(f"filter_cfg scenes={list(scenes)} with bbox_file; they select annotated images only")
        return found
