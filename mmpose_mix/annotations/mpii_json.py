"""MPII's list of persons (JSON) to columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Optional

import msgspec
import numpy as np
import numpy.typing as npt

from mmpose_mix.annotations.coco_json import CocoFile, CocoImage, image_table
from mmpose_mix.annotations.json_file import PathLike, bytes_of, decoded, some
from mmpose_mix.annotations.table import ImageTable, InstanceTable

_SIDE_OF_SCALE = np.float32(200)
_SHIFT_OF_SIDE = np.float32(15 / 200)
_PERSON = 1
_Point = tuple[float, float]
_HINT = (
    "Expected MPII's list of persons as MMPose distributes it: objects with `image`, `center` (x, y), `scale`, `joints`"
    " ((x, y) of each keypoint) and `joints_vis`."
)


class _Person(msgspec.Struct, gc=False):
    image: str
    center: _Point
    scale: float
    joints: list[_Point]
    joints_vis: list[float]


def read_mpii_json(path: PathLike, num_keypoints: Optional[int] = None) -> CocoFile:
    """Read MPII's list of persons.

    The list gives a center and a scale instead of a box. The box is the square of side ``200 * scale`` around the
    center, which first goes down by ``15 * scale``, to keep the feet inside (unless its x is -1), and then up and left
    by the one pixel that MATLAB counts more. The joints stay as they are in the file. That is how MMPose reads it.
    Boxes are not clipped: the list does not tell the sizes of the images.

    Args:
        path: JSON file: a list of ``dict(image=, center=, scale=, joints=, joints_vis=)``. Further fields are skipped.
        num_keypoints: K, keypoints per person; ``None`` takes it from the first person.

    Returns:
        The persons. Their ``id`` is their place in the list, the id of an image the number that its name begins with,
        ``num_keypoints`` counts the visible joints. ``extras`` has ``bbox_center`` and ``bbox_scale``, (M, 2) float32,
        pixels, not padded.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no such list, if names of images have no number or the same, or if a person has
            another number of joints than K.
    """
    persons = decoded(bytes_of(path), list[_Person], path, _HINT)
    joints, visibility = _joints_of(persons, num_keypoints, path)
    images, image_row = _images_of(persons, path)
    center, scale = _center_and_scale(persons)
    count = len(persons)
    instances = InstanceTable(
        images=images,
        image_row=image_row,
        id=np.arange(count),
        category_id=np.full(count, _PERSON, dtype=np.int32),
        bbox_xywh=np.concatenate([center - np.float32(0.5) * scale, scale], axis=1).astype(np.float64),
        keypoints=joints,
        visibility=visibility,
        num_keypoints=np.count_nonzero(visibility, axis=1).astype(np.int32),
        area=np.full(count, np.nan),
        iscrowd=np.zeros(count, dtype=np.bool_),
        extras={"bbox_center": center, "bbox_scale": scale},
    )
    if np.any(np.diff(image_row) < 0):
        instances = instances.take(np.argsort(image_row, kind="stable"))
    return CocoFile(instances, None, count)


def _joints_of(
    persons: Sequence[_Person], num_keypoints: Optional[int], path: PathLike
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The joints, (M, K, 2), and their visibility, (M, K)."""
    wanted = num_keypoints
    if wanted is None:
        wanted = len(persons[0].joints) if persons else 0
    wrong = [
        f"[{place}] has {len(person.joints)} joints and {len(person.joints_vis)} joints_vis"
        for place, person in enumerate(persons)
        if not len(person.joints) == len(person.joints_vis) == wanted
    ]
    if wrong:
        raise ValueError(
            f"{os.fspath(path)}: {some(wrong, 'person', 'persons')}, expected {wanted} of each. "
            f"Use the metainfo of the keypoint set that this file is annotated with."
        )
    joints = np.array([person.joints for person in persons], dtype=np.float32)
    visibility = np.array([person.joints_vis for person in persons], dtype=np.float32)
    return joints.reshape(len(persons), wanted, 2), visibility.reshape(len(persons), wanted)


def _images_of(persons: Sequence[_Person], path: PathLike) -> tuple[ImageTable, npt.NDArray[np.int32]]:
    """The images in the order of their first persons, and the row of each person's image, (M,)."""
    numbers = {name: name.partition(".")[0] for name in dict.fromkeys(person.image for person in persons)}
    wrong = [repr(name) for name, number in numbers.items() if not (number.isascii() and number.isdigit())]
    if wrong:
        raise ValueError(
            f"{os.fspath(path)}: {some(wrong, 'image', 'images')} without a number as name. MPII's images are named "
            f"like '015601864.jpg', and the number is the image id: give a list with such names."
        )
    images = image_table([CocoImage(int(number), name, 0, 0) for name, number in numbers.items()], path)
    ids = np.fromiter((int(numbers[person.image]) for person in persons), np.int64, len(persons))
    return images, images.rows_of(ids)


def _center_and_scale(persons: Sequence[_Person]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Middle and size of the boxes, both (M, 2), in pixels."""
    center = np.array([person.center for person in persons], dtype=np.float32).reshape(-1, 2)
    side = np.array([person.scale for person in persons], dtype=np.float32) * _SIDE_OF_SCALE
    center[:, 1] += np.where(center[:, 0] == -1, 0, _SHIFT_OF_SIDE * side)
    return center - 1, np.stack([side, side], axis=1)
