"""Data sets of hands."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

import numpy as np
from mmengine.fileio import exists, get_local_path

from mmpose_mix.annotations.coco_json import CocoFile, read_coco_json
from mmpose_mix.annotations.instance_fields import InstanceFields
from mmpose_mix.annotations.interhand_json import read_interhand_json
from mmpose_mix.annotations.table import ImageTable, InstanceTable
from mmpose_mix.datasets.coco_style import CocoStyleDataset
from mmpose_mix.registry import DATASETS

NUM_HALPE_KEYPOINTS = 136
HALPE_HANDS = (slice(94, 115), slice(115, 136))
"""Left and right among the keypoints of Halpe."""


@DATASETS.register_module()
class OneHand10KDataset(CocoStyleDataset):
    """OneHand10K keypoints: 21 of one hand. See :class:`CocoStyleDataset` for the arguments."""

    METAINFO: dict = {"from_file": "configs/_base_/datasets/onehand10k.py"}


@DATASETS.register_module()
class Rhd2DDataset(CocoStyleDataset):
    """RHD keypoints: 21 of one rendered hand, its fingers from tip to palm.

    See :class:`CocoStyleDataset` for the arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/rhd2d.py"}


@DATASETS.register_module()
class FreiHandDataset(CocoStyleDataset):
    """FreiHAND keypoints: 21 of one hand, which fills an image of 224 x 224 pixels: that is its box.

    Keypoints are counted, whatever the file says. See :class:`CocoStyleDataset` for the arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/freihand2d.py"}
    READER = ("freihand", 1)
    INSTANCE_FIELDS = (InstanceFields(bbox=None),)

    def read_annotations(self, path: str, *, with_outlines: bool, with_raw: bool) -> CocoFile:
        """The hands of the annotation file as columns, each in the box of its whole image."""
        file = super().read_annotations(path, with_outlines=with_outlines, with_raw=with_raw)
        count = len(file.instances)
        boxes = np.tile(np.array([0.0, 0.0, 224.0, 224.0]), (count, 1))
        uncounted = np.full(count, -1, dtype=np.int32)
        return replace(file, instances=replace(file.instances, bbox_xywh=boxes, num_keypoints=uncounted, clip=False))


@DATASETS.register_module()
class CocoWholeBodyHandDataset(CocoStyleDataset):
    """Hands of COCO-WholeBody: 21 keypoints each.

    The annotation file is that of the whole bodies; a person has up to two hands, the left one first. A hand whose
    ``lefthand_valid`` or ``righthand_valid`` is false is left out, and so are those of crowds. Boxes are not clipped.
    Hands have ids of their own: their places among the hands of the file. See :class:`CocoStyleDataset` for the
    arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/coco_wholebody_hand.py"}
    READER = ("coco_wholebody_hand", 1)
    INSTANCE_FIELDS = tuple(
        InstanceFields((f"{side}hand_kpts",), bbox=f"{side}hand_box", valid=f"{side}hand_valid", whole=False)
        for side in ("left", "right")
    )

    def read_annotations(self, path: str, *, with_outlines: bool, with_raw: bool) -> CocoFile:
        """The hands of the annotation file as columns."""
        file = super().read_annotations(path, with_outlines=with_outlines, with_raw=with_raw)
        hands = file.instances.take(~file.instances.iscrowd)
        return replace(file, instances=replace(hands, id=np.arange(len(hands)), clip=False))


@DATASETS.register_module()
class HalpeHandDataset(CocoStyleDataset):
    """Hands of Halpe Full-Body: 21 keypoints each, in the order of COCO-WholeBody.

    The annotation file is that of the whole bodies; a person has up to two hands, the left one first. Halpe has no
    boxes of hands: each hand is in the smallest box around its visible keypoints, and a hand whose keypoints span none
    is left out. Boxes are not clipped. Hands have ids of their own: their places among the hands of the file. See
    :class:`CocoStyleDataset` for the arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/coco_wholebody_hand.py", "dataset_name": "halpe_hand"}
    READER = ("halpe_hand", 1)
    INSTANCE_FIELDS = (InstanceFields(whole=False),)

    def read_annotations(self, path: str, *, with_outlines: bool, with_raw: bool) -> CocoFile:
        """The hands of the annotation file as columns."""
        file = read_coco_json(
            path, NUM_HALPE_KEYPOINTS, parts=self.INSTANCE_FIELDS, with_outlines=with_outlines, with_raw=with_raw
        )
        return replace(file, instances=_hands_of_halpe(file.instances))


def _hands_of_halpe(persons: InstanceTable) -> InstanceTable:
    """The left and the right hand of each person, 2 M rows, without those of crowds and those that span no box."""
    both = persons.take(np.repeat(np.arange(len(persons)), 2))
    keypoints = np.stack([persons.keypoints[:, hand] for hand in HALPE_HANDS], axis=1).reshape(len(both), -1, 2)
    visibility = np.stack([persons.visibility[:, hand] for hand in HALPE_HANDS], axis=1).reshape(len(both), -1)
    seen = visibility[..., None] > 0
    low = np.where(seen, keypoints, np.inf).min(axis=1).astype(np.float64)
    high = np.where(seen, keypoints, -np.inf).max(axis=1).astype(np.float64)
    kept = np.all(high > low, axis=1) & ~both.iscrowd
    hands = replace(both, keypoints=keypoints, visibility=visibility, clip=False).take(kept)
    boxes = np.concatenate([low, high - low], axis=1)[kept]
    return replace(hands, bbox_xywh=boxes, id=np.arange(len(hands)))


@DATASETS.register_module()
class InterHand2DDoubleDataset(CocoStyleDataset):
    """InterHand2.6M keypoints of two hands: 42 per image, the right hand's, then the left hand's, projected into it.

    An image is one item, also where it shows one hand: the keypoints of the other are not visible. Items also have
    ``hand_type`` (1, 2) float32, whether there is a right and a left hand, and ``hand_type_valid`` (1,). Boxes are not
    clipped; ``num_keypoints`` is always 42. Test items have no ``raw_ann_info``.

    Args:
        ann_file: The file ``..._data.json``: images and the boxes of the hands.
        camera_param_file: The file ``..._camera.json``, relative to ``data_root`` or absolute.
        joint_file: The file ``..._joint_3d.json``, relative to ``data_root`` or absolute.
        use_gt_root_depth: Boxes are those of ``ann_file``, else those of ``rootnet_result_file``.
        rootnet_result_file: Boxes that a detector found, by annotation, relative to ``data_root`` or absolute.
        sample_interval: Keep the images whose place in the file is divisible by it.
        **keywords: See :class:`CocoStyleDataset`; without ``bbox_file``.

    Raises:
        TypeError, ValueError, FileNotFoundError: as :class:`CocoStyleDataset`.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/interhand3d.py"}
    READER = ("interhand", 1)
    INSTANCE_FIELDS = (InstanceFields(("joint_valid",), whole=False),)

    def __init__(
        self,
        ann_file: str = "",
        camera_param_file: str = "",
        joint_file: str = "",
        use_gt_root_depth: bool = True,
        rootnet_result_file: Optional[str] = None,
        **keywords: Any,
    ) -> None:
        self.camera_param_file, self.joint_file = camera_param_file, joint_file
        self.use_gt_root_depth, self.rootnet_result_file = use_gt_root_depth, rootnet_result_file
        super().__init__(ann_file, **keywords)

    def read_annotations(self, path: str, *, with_outlines: bool, with_raw: bool) -> CocoFile:
        """The pairs of hands of the annotation file as columns."""
        boxes = None if self.use_gt_root_depth else self._beside(self.rootnet_result_file)
        camera_file, joint_file = self._beside(self.camera_param_file), self._beside(self.joint_file)
        with get_local_path(camera_file) as cameras, get_local_path(joint_file) as joints:
            return read_interhand_json(path, cameras, joints, boxes)

    def files_beside(self) -> list[str]:
        """Cameras, joints, and the boxes of a detector where they are used."""
        boxes = [] if self.use_gt_root_depth else [self.rootnet_result_file]
        return [self._beside(path) for path in (self.camera_param_file, self.joint_file, *boxes)]

    def image_filters(self, images: ImageTable) -> dict[str, np.ndarray]:
        """``sample_interval`` by the place of an image: the ids of frames leap."""
        return {words: np.arange(len(images)) % self.sample_interval == 0 for words in super().image_filters(images)}

    def _beside(self, path: Any) -> str:
        return os.path.join(self.data_root or "", os.fspath(path))

    def _findings(
        self, test_mode: bool, data_prefix: Mapping[str, str], filter_cfg: Optional[Mapping[str, Any]]
    ) -> list[str]:
        found = super()._findings(test_mode, data_prefix, filter_cfg)
        if self.bbox_file:
            found.append("bbox_file; for boxes of a detector give rootnet_result_file and use_gt_root_depth=False")
        needed = ["camera_param_file", "joint_file"] + ([] if self.use_gt_root_depth else ["rootnet_result_file"])
        absent = [name for name in needed if not getattr(self, name)]
        if absent:
            found.append(f"{', '.join(absent)} not given; keypoints are projected with them")
        return found

    def _refuse_absent_files(self) -> None:
        super()._refuse_absent_files()
        for name in ("camera_param_file", "joint_file", "rootnet_result_file"):
            path = getattr(self, name)
            if path and not exists(self._beside(path)):
                raise FileNotFoundError(
                    f"{type(self).__name__}: there is no {name} {self._beside(path)!r} (data_root={self.data_root!r}, "
                    f"working directory {os.getcwd()!r})"
                )
