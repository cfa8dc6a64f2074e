"""Data sets of bodies: what sets most of them apart is their keypoints, so each is a name and a metainfo file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

import numpy as np
from mmengine.fileio import exists, get_local_path

from mmpose_mix.annotations.coco_json import CocoFile
from mmpose_mix.annotations.mpii_json import read_mpii_json
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


@DATASETS.register_module()
class CrowdPoseDataset(CocoStyleDataset):
    """CrowdPose keypoints: 14 per person, with the top of the head and the neck, without a face.

    Items have a ``crowd_index``. See :class:`CocoStyleDataset` for the arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/crowdpose.py"}


@DATASETS.register_module()
class PoseTrack18Dataset(CocoStyleDataset):
    """PoseTrack 2018 keypoints: 17 per person, COCO's with top and bottom of the head instead of the eyes.

    See :class:`CocoStyleDataset` for the arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/posetrack18.py"}


@DATASETS.register_module()
class HalpeDataset(CocoStyleDataset):
    """Halpe Full-Body keypoints: 136 per person, of body, feet, face and hands.

    See :class:`CocoStyleDataset` for the arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/halpe.py"}


@DATASETS.register_module()
class OCHumanDataset(CocoStyleDataset):
    """OCHuman keypoints: COCO's 17, of people who hide one another. See :class:`CocoStyleDataset` for the arguments."""

    METAINFO: dict = {"from_file": "configs/_base_/datasets/ochuman.py"}


@DATASETS.register_module()
class HumanArtDataset(CocoStyleDataset):
    """Human-Art keypoints: COCO's 17, of people in works of art. See :class:`CocoStyleDataset` for the arguments."""

    METAINFO: dict = {"from_file": "configs/_base_/datasets/humanart.py"}


@DATASETS.register_module()
class ExlposeDataset(CocoStyleDataset):
    """ExLPose keypoints: 14 per person, of people in the dark. See :class:`CocoStyleDataset` for the arguments."""

    METAINFO: dict = {"from_file": "configs/_base_/datasets/exlpose.py"}


@DATASETS.register_module()
class MhpDataset(CocoStyleDataset):
    """MHP v2 keypoints: MPII's 16, several people in an image. See :class:`CocoStyleDataset` for the arguments."""

    METAINFO: dict = {"from_file": "configs/_base_/datasets/mhp.py"}


@DATASETS.register_module()
class JhmdbDataset(CocoStyleDataset):
    """sub-JHMDB keypoints: 15 per person, frames of videos. See :class:`CocoStyleDataset` for the arguments.

    The files count pixels from 1 as MATLAB does: boxes and keypoints of the items are one less. ``area`` and
    ``num_keypoints`` are computed, whatever the file says.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/jhmdb.py"}
    READER = ("jhmdb", 1)

    def read_annotations(self, path: str, *, with_outlines: bool, with_raw: bool) -> CocoFile:
        """The persons of the annotation file as columns, in pixels that count from 0."""
        file = super().read_annotations(path, with_outlines=with_outlines, with_raw=with_raw)
        table = file.instances
        shifted = replace(
            table,
            bbox_xywh=table.bbox_xywh - [1, 1, 0, 0],
            keypoints=table.keypoints - 1,
            num_keypoints=np.full(len(table), -1, dtype=np.int32),
            area=np.full(len(table), np.nan),
        )
        return replace(file, instances=shifted)


@DATASETS.register_module()
class MpiiDataset(CocoStyleDataset):
    """MPII Human Pose keypoints: 16 per person, with pelvis, thorax, neck and top of the head.

    ``ann_file`` is the list of persons that MMPose distributes, see :func:`read_mpii_json`. Items also have
    ``bbox_center`` and ``bbox_scale``, (1, 2) float32 in pixels; test items have no ``raw_ann_info``.

    Args:
        headbox_file: ``mpii_gt_val.mat``, the boxes of the heads, not relative to ``data_root``; needs SciPy. Items get
            ``head_size``, (1, 1) float32: 0.6 of the diagonal in pixels, the unit of PCKh. Only with
            ``data_mode='topdown'`` and ``test_mode=True``.
        *arguments, **keywords: See :class:`CocoStyleDataset`; without ``bbox_file``, because the list has no image ids
            that detected boxes could name.

    Raises:
        ImportError: if ``headbox_file`` is given and SciPy is not installed.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/mpii.py"}
    READER = ("mpii", 1)

    def __init__(self, *arguments: Any, headbox_file: Optional[str] = None, **keywords: Any) -> None:
        self.headbox_file = os.fspath(headbox_file) if headbox_file else None
        super().__init__(*arguments, **keywords)

    def read_annotations(self, path: str, *, with_outlines: bool, with_raw: bool) -> CocoFile:
        """The persons of the list as columns."""
        file = read_mpii_json(path, self._metainfo["num_keypoints"])
        if self.headbox_file is None:
            return file
        with get_local_path(self.headbox_file) as head_path:
            sizes = _head_sizes(head_path)
        if len(sizes) != file.num_annotations:
            raise ValueError(
                f"{type(self).__name__}: {self.headbox_file} has {len(sizes)} heads and {self.ann_file} has "
                f"{file.num_annotations} persons. Heads and persons belong together by their place in the files: give "
                f"the two files of one split."
            )
        table = file.instances
        return replace(file, instances=replace(table, extras={**table.extras, "head_size": sizes[table.id]}))

    def files_beside(self) -> list[str]:
        """The file of the heads."""
        return [self.headbox_file] if self.headbox_file else []

    def _findings(
        self, test_mode: bool, data_prefix: Mapping[str, str], filter_cfg: Optional[Mapping[str, Any]]
    ) -> list[str]:
        found = super()._findings(test_mode, data_prefix, filter_cfg)
        if self.bbox_file:
            found.append("bbox_file; MPII's list has no image ids that detected boxes could name: leave it out")
        if self.headbox_file is None:
            return found
        if self.data_mode != "topdown":
            found.append(f"headbox_file with data_mode={self.data_mode!r}; head sizes need data_mode='topdown'")
        if not test_mode:
            found.append("headbox_file with test_mode=False; head sizes are for evaluation")
        if not self.headbox_file.endswith(".mat"):
            found.append(f"headbox_file={self.headbox_file!r}; give the MATLAB file, mpii_gt_val.mat")
        return found

    def _refuse_absent_files(self) -> None:
        super()._refuse_absent_files()
        if self.headbox_file and not exists(self.headbox_file):
            raise FileNotFoundError(
                f"{type(self).__name__}: there is no headbox_file {self.headbox_file!r} (working directory "
                f"{os.getcwd()!r}); unlike ann_file it is not relative to data_root={self.data_root!r}"
            )


def _head_sizes(path: str) -> np.ndarray:
    """(M, 1) float32: 0.6 of the diagonal of each head's box, ``headboxes_src`` of MPII's MATLAB file."""
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ImportError("MpiiDataset: headbox_file is a MATLAB file and needs SciPy: pip install scipy") from error
    content = loadmat(path)
    if "headboxes_src" not in content or content["headboxes_src"].shape[:2] != (2, 2):
        raise ValueError(f"{path}: there is no headboxes_src of shape (2, 2, heads); give MPII's mpii_gt_val.mat")
    first, second = content["headboxes_src"].astype(np.float64)
    return 0.6 * np.linalg.norm(second - first, axis=0).astype(np.float32)[:, None]
