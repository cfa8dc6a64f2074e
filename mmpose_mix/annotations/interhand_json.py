"""InterHand2.6M's files to columns: boxes, cameras, and joints in space that are projected into each image."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Optional, Union

import msgspec
import numpy as np
import numpy.typing as npt

from mmpose_mix.annotations.coco_json import CocoFile, CocoImage, image_table
from mmpose_mix.annotations.json_file import PathLike, bytes_of, decoded, some
from mmpose_mix.annotations.table import InstanceTable

NUM_JOINTS = 42
HANDS_AND_WRISTS = ((slice(0, 21), 20), (slice(21, 42), 41))
"""The joints of the right and the left hand, and the one that they hang on: without it none of them counts."""
HAND_TYPES = {"right": (1, 0), "left": (0, 1), "interacting": (1, 1)}
CATEGORY = 1

_Vector = tuple[float, float, float]
_Pair = tuple[float, float]
_Box = tuple[float, float, float, float]
_Joints = Annotated[list[_Vector], msgspec.Meta(min_length=NUM_JOINTS, max_length=NUM_JOINTS)]
_Valid = Annotated[list[Union[tuple[float], float]], msgspec.Meta(min_length=NUM_JOINTS, max_length=NUM_JOINTS)]


class _Image(CocoImage, kw_only=True):
    capture: Union[int, str]
    camera: str
    frame_idx: Union[int, str]


class _Annotation(msgspec.Struct):
    id: int
    image_id: int
    bbox: _Box
    joint_valid: _Valid
    hand_type: Literal["right", "left", "interacting"]
    hand_type_valid: Union[bool, int]
    iscrowd: Union[bool, int] = False


class _File(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: Optional[list[dict[str, Any]]] = None


class _Cameras(msgspec.Struct):
    campos: dict[str, _Vector]
    camrot: dict[str, tuple[_Vector, _Vector, _Vector]]
    focal: dict[str, _Pair]
    princpt: dict[str, _Pair]


class _Frame(msgspec.Struct):
    world_coord: _Joints


class _FoundBox(msgspec.Struct):
    annot_id: int
    bbox: _Box


def read_interhand_json(
    path: PathLike, cameras: PathLike, joints: PathLike, found_boxes: Optional[PathLike] = None
) -> CocoFile:
    """Read the annotation files of InterHand2.6M.

    Joints in millimetres of the world are moved into the camera of the image and projected with its focal lengths and
    principal point. A joint is visible where ``joint_valid`` says so of it and of its wrist.

    Args:
        path: ``..._data.json``: ``images`` with ``capture``, ``camera`` and ``frame_idx`` beside COCO's fields, and
            ``annotations`` with ``bbox``, ``joint_valid`` (42), ``hand_type`` and ``hand_type_valid``. The first one of
            each image is read.
        cameras: ``..._camera.json``: per capture ``campos``, ``camrot``, ``focal`` and ``princpt`` of each camera.
        joints: ``..._joint_3d.json``: per capture and frame ``world_coord``, (42, 3).
        found_boxes: A list of ``dict(annot_id=, bbox=)`` that takes the place of the boxes of ``path``.

    Returns:
        One instance per image, not clipped. ``extras``: ``hand_type`` (M, 2) float32, right and left;
        ``hand_type_valid`` (M,) int64.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a file is not what is expected, or lacks the camera, the frame or the box of an annotation.
    """
    file = decoded(bytes_of(path), _File, path, _HINT)
    images = image_table(file.images, path)
    image_ids = np.array([a.image_id for a in file.annotations], dtype=np.int64)
    rows, annotations = _first_of_each_image(file, images.rows_of(image_ids), path)
    shown = [file.images[row] for row in rows]
    boxes = [a.bbox for a in annotations]
    if found_boxes is not None:
        boxes = _boxes_found(annotations, found_boxes)
    instances = InstanceTable(
        images=images,
        image_row=np.array(rows, dtype=np.int32),
        id=np.array([a.id for a in annotations], dtype=np.int64),
        category_id=np.full(len(rows), CATEGORY, dtype=np.int32),
        bbox_xywh=np.array(boxes, dtype=np.float64).reshape(-1, 4),
        keypoints=_projected(shown, cameras, joints),
        visibility=_visibility(annotations),
        num_keypoints=np.full(len(rows), NUM_JOINTS, dtype=np.int32),
        area=np.full(len(rows), np.nan),
        iscrowd=np.array([bool(a.iscrowd) for a in annotations], dtype=np.bool_),
        extras={
            "hand_type": np.array([HAND_TYPES[a.hand_type] for a in annotations], dtype=np.float32).reshape(-1, 2),
            "hand_type_valid": np.array([a.hand_type_valid for a in annotations], dtype=np.int64),
        },
        clip=False,
    )
    return CocoFile(instances, file.categories, len(file.annotations))


def _first_of_each_image(
    file: _File, image_row: npt.NDArray[np.int32], path: PathLike
) -> tuple[list[int], list[_Annotation]]:
    """The images that have an annotation, in their order, and the first annotation of each."""
    unknown = [f"annotations[{place}]" for place in np.flatnonzero(image_row < 0).tolist()]
    if unknown:
        raise ValueError(
            f"{os.fspath(path)}: {some(unknown, 'entry', 'entries')} with an image_id that no image has. "
            f"Use the annotation file that these ids belong to, or remove the entries."
        )
    first: dict[int, _Annotation] = {}
    for row, annotation in zip(image_row.tolist(), file.annotations):
        first.setdefault(row, annotation)
    rows = sorted(first)
    return rows, [first[row] for row in rows]


def _visibility(annotations: Sequence[_Annotation]) -> npt.NDArray[np.float32]:
    valid = np.array([np.ravel(a.joint_valid) for a in annotations], dtype=np.float32).reshape(-1, NUM_JOINTS)
    for hand, wrist in HANDS_AND_WRISTS:
        valid[:, hand] *= valid[:, [wrist]]
    return valid


def _projected(images: Sequence[_Image], cameras: PathLike, joints: PathLike) -> npt.NDArray[np.float32]:
    """(M, 42, 2): the joints in pixels of each image."""
    captures = decoded(bytes_of(cameras), dict[str, _Cameras], cameras, _CAMERA_HINT)
    frames = decoded(bytes_of(joints), dict[str, dict[str, _Frame]], joints, _JOINT_HINT)
    _refuse_absent(images, captures, cameras, frames, joints)
    own = [captures[str(image.capture)] for image in images]
    world = np.array([frames[str(i.capture)][str(i.frame_idx)].world_coord for i in images]).reshape(-1, NUM_JOINTS, 3)
    position = np.array([c.campos[i.camera] for c, i in zip(own, images)]).reshape(-1, 1, 3)
    rotation = np.array([c.camrot[i.camera] for c, i in zip(own, images)]).reshape(-1, 3, 3)
    focal = np.array([c.focal[i.camera] for c, i in zip(own, images)]).reshape(-1, 1, 2)
    middle = np.array([c.princpt[i.camera] for c, i in zip(own, images)]).reshape(-1, 1, 2)
    seen = np.matmul(world - position, rotation.transpose(0, 2, 1))
    pixels: npt.NDArray[np.float32] = (seen[..., :2] / (seen[..., 2:] + 1e-8) * focal + middle).astype(np.float32)
    return pixels


def _refuse_absent(
    images: Sequence[_Image],
    captures: Mapping[str, _Cameras],
    cameras: PathLike,
    frames: Mapping[str, Mapping[str, _Frame]],
    joints: PathLike,
) -> None:
    def has_camera(image: _Image) -> bool:
        found = captures.get(str(image.capture))
        tables = () if found is None else (found.campos, found.camrot, found.focal, found.princpt)
        return found is not None and all(image.camera in table for table in tables)

    wrong = []
    unseen = sorted({f"capture {i.capture} camera {i.camera}" for i in images if not has_camera(i)})
    if unseen:
        wrong.append(f"{os.fspath(cameras)} lacks {some(unseen, 'camera', 'cameras')}")
    unknown = [i for i in images if str(i.frame_idx) not in frames.get(str(i.capture), {})]
    if unknown:
        names = sorted({f"capture {i.capture} frame {i.frame_idx}" for i in unknown})
        wrong.append(f"{os.fspath(joints)} lacks {some(names, 'frame', 'frames')}")
    if wrong:
        raise ValueError(f"{'; '.join(wrong)}. Use the files of one split.")


def _boxes_found(annotations: Sequence[_Annotation], path: PathLike) -> list[_Box]:
    found = {box.annot_id: box.bbox for box in decoded(bytes_of(path), list[_FoundBox], path, _BOX_HINT)}
    absent = [a.id for a in annotations if a.id not in found]
    if absent:
        raise ValueError(
            f"{os.fspath(path)}: lacks {some(absent, 'annotation id', 'annotation ids')}. Use the boxes of this split."
        )
    return [found[a.id] for a in annotations]


_HINT = (
    "Expected ..._data.json of InterHand2.6M: `images` with capture, camera and frame_idx, `annotations` with bbox, "
    "joint_valid (42 values), hand_type and hand_type_valid."
)
_CAMERA_HINT = (
    "Expected ..._camera.json of InterHand2.6M: per capture campos, camrot, focal and princpt of each camera."
)
_JOINT_HINT = "Expected ..._joint_3d.json of InterHand2.6M: per capture and frame world_coord, 42 points."
_BOX_HINT = "Expected a list of boxes: objects with annot_id and bbox (x, y, width, height)."
