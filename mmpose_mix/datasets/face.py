"""Data sets of faces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmpose_mix.annotations.coco_json import CocoFile
from mmpose_mix.annotations.instance_fields import InstanceFields
from mmpose_mix.datasets.coco_style import CocoStyleDataset
from mmpose_mix.registry import DATASETS

BOX_OF_SCALE = np.float32(200)
"""Side in pixels of the box of a face whose ``scale`` is 1."""


class CenteredFaces(CocoStyleDataset):
    """Faces that the annotations place by a centre and a scale: the box is the square of side ``200 * scale`` there.

    It is not clipped. Items also have ``bbox_center`` and ``bbox_scale``, (1, 2) float32 in pixels, without padding.
    """

    READER = ("centered_faces", 1)
    INSTANCE_FIELDS = (InstanceFields(bbox=None, more=("center", "scale")),)

    def read_annotations(self, path: str, *, with_outlines: bool, with_raw: bool) -> CocoFile:
        """The faces of the annotation file as columns, with the boxes that centre and scale mean."""
        file = super().read_annotations(path, with_outlines=with_outlines, with_raw=with_raw)
        table = file.instances
        center = table.extras["center"].reshape(-1, 2).astype(np.float32)
        size = np.repeat(table.extras["scale"].reshape(-1, 1).astype(np.float32) * BOX_OF_SCALE, 2, axis=1)
        start = center - np.float32(0.5) * size
        boxes = np.concatenate([start, size], axis=1).astype(np.float64)
        extras = {"bbox_center": center, "bbox_scale": size}
        return replace(file, instances=replace(table, bbox_xywh=boxes, extras=extras, clip=False))


@DATASETS.register_module()
class Face300WDataset(CenteredFaces):
    """300-W keypoints: 68 per face. See :class:`CenteredFaces`, and :class:`CocoStyleDataset` for the arguments."""

    METAINFO: dict = {"from_file": "configs/_base_/datasets/300w.py"}


@DATASETS.register_module()
class WFLWDataset(CenteredFaces):
    """WFLW keypoints: 98 per face. See :class:`CenteredFaces`, and :class:`CocoStyleDataset` for the arguments."""

    METAINFO: dict = {"from_file": "configs/_base_/datasets/wflw.py"}


@DATASETS.register_module()
class COFWDataset(CocoStyleDataset):
    """COFW keypoints: 29 per face, many of them hidden. See :class:`CocoStyleDataset` for the arguments."""

    METAINFO: dict = {"from_file": "configs/_base_/datasets/cofw.py"}


@DATASETS.register_module()
class LapaDataset(CocoStyleDataset):
    """LaPa keypoints: 106 per face. See :class:`CocoStyleDataset` for the arguments."""

    METAINFO: dict = {"from_file": "configs/_base_/datasets/lapa.py"}


@DATASETS.register_module()
class CocoWholeBodyFaceDataset(CocoStyleDataset):
    """Faces of COCO-WholeBody: 68 keypoints each, in the order of 300-W.

    The annotation file is that of the whole bodies. Persons whose ``face_valid`` is false are left out. See
    :class:`CocoStyleDataset` for the arguments.
    """

    METAINFO: dict = {"from_file": "configs/_base_/datasets/coco_wholebody_face.py"}
    INSTANCE_FIELDS = (InstanceFields(("face_kpts",), bbox="face_box", valid="face_valid", whole=False),)
