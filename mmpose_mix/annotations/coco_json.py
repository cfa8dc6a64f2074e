"""COCO JSON files to columns: annotations of persons, and boxes of a person detector."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple, Optional, TypeVar, Union

import msgspec
import numpy as np
import numpy.typing as npt

from mmpose_mix.annotations.instance_fields import COCO_FIELDS, InstanceFields, keypoint_texts, struct_of
from mmpose_mix.annotations.json_file import PathLike, bytes_of, decoded, located, some
from mmpose_mix.annotations.table import ByteColumn, DetectionTable, ImageTable, InstanceTable

A = TypeVar("A")

_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_Size = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class CocoImage(msgspec.Struct, gc=False):
    """An entry of ``images``."""

    id: _Int64
    file_name: str
    width: _Size
    height: _Size
    crowdIndex: float = float("nan")


class _Annotation(msgspec.Struct, gc=False):
    id: _Int64
    image_id: _Int64
    category_id: _Int32
    num_keypoints: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = -1
    area: float = float("nan")
    iscrowd: Union[bool, int] = False


class _OutlinedAnnotation(_Annotation, gc=False):
    segmentation: msgspec.Raw = msgspec.Raw()


class _Rows(NamedTuple):
    """Of each instance: which annotation it is from, and by which fields. Three lists, not a list of objects: a million
    objects would keep the garbage collector busy.
    """

    places: list[int]
    annotations: list[Any]
    parts: list[InstanceFields]


class _File(msgspec.Struct, Generic[A]):
    images: list[CocoImage]
    annotations: list[A] = []
    categories: Optional[list[dict[str, Any]]] = None


class _ImagesOfFile(msgspec.Struct):
    images: list[CocoImage]
    categories: Optional[list[dict[str, Any]]] = None


class _Detection(msgspec.Struct, gc=False):
    image_id: _Int64
    category_id: _Int32
    bbox: Annotated[list[float], msgspec.Meta(min_length=4)]
    score: float


@dataclass(frozen=True)
class CocoFile:
    """What one COCO annotation file holds.

    Args:
        instances: The persons, with their images.
        categories: The file's ``categories`` as they are, ``None`` where it has none.
        num_annotations: How many annotations the file has, those without box or keypoints included.
    """

    instances: InstanceTable
    categories: Optional[list[dict[str, Any]]]
    num_annotations: int


def read_coco_json(
    path: PathLike,
    num_keypoints: Optional[int] = None,
    *,
    parts: Sequence[InstanceFields] = COCO_FIELDS,
    with_outlines: bool = False,
    with_raw: bool = False,
) -> CocoFile:
    """Read a COCO keypoint annotation file.

    Annotations without ``bbox`` or without ``keypoints`` (an absent or an empty list) are left out.

    Args:
        path: JSON file: an object with ``images`` and ``annotations``. Fields that the columns do not need are skipped.
        num_keypoints: K, keypoints per person; ``None`` takes it from the first person.
        parts: The instances of each annotation, by the fields that they are read from: by default one, the person.
            Several become as many rows, in this order.
        with_outlines: Keep the JSON text of each ``segmentation``.
        with_raw: Keep the JSON text of each annotation.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is empty, truncated or no JSON (``NaN`` and ``Infinity`` are none), if a field is
            missing or of another type, if image ids repeat, or if an annotation names an unknown image, has another
            number of keypoints than K, or some but not all of the keypoint lists of an instance.
    """
    data = bytes_of(path)
    annotation_type = struct_of(parts, _OutlinedAnnotation if with_outlines else _Annotation)
    file: _File[Any] = decoded(data, _File[annotation_type], path, _COCO_HINT)  # type: ignore[valid-type]
    images = image_table(file.images, path)
    rows, keypoints = _usable_rows(file.annotations, parts, num_keypoints, path)
    image_ids = np.fromiter((a.image_id for a in rows.annotations), np.int64, len(rows.places))
    image_row = images.rows_of(image_ids)
    _refuse_unknown_images(path, "annotations", rows.places, image_ids, image_row)
    columns = _columns_of(rows)
    columns["extras"] = {name: _extra(rows, name, path) for name in parts[0].more}
    if with_outlines:
        columns["segmentation"] = ByteColumn.of([a.segmentation for a in rows.annotations])
    if with_raw:
        texts = decoded(data, _File[msgspec.Raw], path, _COCO_HINT).annotations
        columns["raw"] = ByteColumn.of([texts[place] for place in rows.places])
    instances = InstanceTable(
        images=images,
        image_row=image_row,
        keypoints=np.ascontiguousarray(keypoints[:, :, :2]),
        visibility=np.ascontiguousarray(keypoints[:, :, 2]),
        **columns,
    )
    if np.any(np.diff(image_row) < 0):
        instances = instances.take(np.argsort(image_row, kind="stable"))
    return CocoFile(instances, file.categories, len(file.annotations))


def _columns_of(rows: _Rows) -> dict[str, Any]:
    annotations, whole = rows.annotations, [part.whole for part in rows.parts]

    def column(values: Iterable[float], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        return np.fromiter(values, dtype, len(annotations))

    boxes = [getattr(a, part.bbox) if part.bbox else (0.0,) * 4 for a, part in zip(annotations, rows.parts)]
    return {
        "id": column((a.id for a in annotations), np.int64),
        "category_id": column((a.category_id for a in annotations), np.int32),
        "bbox_xywh": np.array(boxes, dtype=np.float64).reshape(-1, 4),
        "num_keypoints": column((a.num_keypoints if own else -1 for a, own in zip(annotations, whole)), np.int32),
        "area": column((a.area if own else np.nan for a, own in zip(annotations, whole)), np.float64),
        "iscrowd": column((bool(a.iscrowd) for a in annotations), np.bool_),
    }


def _extra(rows: _Rows, name: str, path: PathLike) -> npt.NDArray[np.float64]:
    values = [getattr(annotation, name) for annotation in rows.annotations]
    shape = np.shape(values[0]) if values else ()
    wrong = [
        f"annotations[{place}].{name} is {value}"
        for place, value in zip(rows.places, values)
        if np.shape(value) != shape
    ]
    if wrong:
        raise ValueError(f"{os.fspath(path)}: {some(wrong, 'value', 'values')}, expected as many numbers in each.")
    return np.array(values, dtype=np.float64)


def read_coco_images(path: PathLike) -> tuple[ImageTable, Optional[list[dict[str, Any]]]]:
    """The images and the categories of a COCO annotation file; its annotations are skipped.

    Raises:
        FileNotFoundError, ValueError: as :func:`read_coco_json`.
    """
    file = decoded(bytes_of(path), _ImagesOfFile, path, _COCO_HINT)
    return image_table(file.images, path), file.categories


def read_detections_json(path: PathLike, images: ImageTable, category_id: int = 1) -> DetectionTable:
    """Read the boxes of a person detector.

    Args:
        path: JSON file: a list of ``dict(image_id=, category_id=, bbox=[x, y, w, h], score=)``; numbers in ``bbox``
            after the fourth are not used.
        images: The images that ``image_id`` names.
        category_id: Boxes of another category are left out.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no such list, or a box names an unknown image.
    """
    found = decoded(bytes_of(path), list[_Detection], path, _DETECTIONS_HINT)
    places = [place for place, box in enumerate(found) if box.category_id == category_id]
    kept = [found[place] for place in places]
    image_ids = np.fromiter((d.image_id for d in kept), np.int64, len(kept))
    image_row = images.rows_of(image_ids)
    _refuse_unknown_images(path, "", places, image_ids, image_row)
    boxes = np.array([d.bbox[:4] for d in kept], dtype=np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    score = np.fromiter((d.score for d in kept), np.float32, len(kept))
    return DetectionTable(images, np.arange(len(kept)), image_row, boxes, score)


def image_table(images: Sequence[CocoImage], path: PathLike) -> ImageTable:
    """The columns of ``images``.

    Raises:
        ValueError: if an id occurs twice; the message names ``path``.
    """
    ids = np.fromiter((image.id for image in images), np.int64, len(images))
    distinct, counts = np.unique(ids, return_counts=True)
    repeated = distinct[counts > 1]
    if len(repeated):
        raise ValueError(
            f"{os.fspath(path)}: images: {some(repeated.tolist(), 'image id occurs', 'image ids occur')} more than "
            f"once. An annotation names its image by id: give each image its own."
        )
    return ImageTable(
        id=ids,
        file_name=ByteColumn.of([image.file_name.encode() for image in images]),
        size=np.array([(image.width, image.height) for image in images], dtype=np.int32).reshape(-1, 2),
        crowd_index=np.fromiter((image.crowdIndex for image in images), np.float64, len(images)),
    )


def _usable_rows(
    annotations: Sequence[Any], parts: Sequence[InstanceFields], num_keypoints: Optional[int], path: PathLike
) -> tuple[_Rows, npt.NDArray[np.float32]]:
    """The instances that have a box and keypoints, and those keypoints, (M, K, 3)."""
    wanted = None if num_keypoints is None else 3 * num_keypoints
    values = array("f")
    rows = _Rows([], [], [])
    wrong: list[str] = []
    for part, place, annotation in ((part, *each) for each in enumerate(annotations) for part in parts):
        texts = keypoint_texts(annotation, part)
        numbers = _numbers_of(texts, place, part, path) if texts else None
        if not numbers or (part.valid and max(numbers) <= 0):
            continue
        if wanted is None and len(numbers) % 3 == 0:
            wanted = len(numbers)
        if len(numbers) != wanted:
            wrong.append(f"annotations[{place}].{' + '.join(part.keypoints)} has {len(numbers)} numbers")
            continue
        values.fromlist(numbers)
        rows.places.append(place)
        rows.annotations.append(annotation)
        rows.parts.append(part)
    if wrong:
        _refuse_lengths(path, wrong, wanted)
    return rows, np.frombuffer(values, dtype=np.float32).reshape(len(rows.places), (wanted or 0) // 3, 3)


_DECODER = msgspec.json.Decoder(list[float])


def _numbers_of(texts: Sequence[msgspec.Raw], place: int, part: InstanceFields, path: PathLike) -> list[float]:
    """x, y and visibility of each keypoint of an instance, in one list."""
    numbers: list[float] = []
    for name, text in zip(part.keypoints, texts):
        if not text:
            raise ValueError(
                f"{os.fspath(path)}: annotations[{place}] has no {name}, but others of {', '.join(part.keypoints)}. "
                f"Use the annotation file of the data set, or leave the annotation out."
            )
        try:
            decoded_text = _DECODER.decode(text)
        except msgspec.DecodeError as error:
            raise ValueError(located(error, path, f"annotations[{place}].{name}")) from None
        numbers = numbers + decoded_text if numbers else decoded_text
    return numbers


def _refuse_lengths(path: PathLike, wrong: Sequence[str], wanted: Optional[int]) -> None:
    expected = "3 per keypoint (x, y, visibility)"
    if wanted is not None:
        expected = f"{wanted} = 3 x {wanted // 3} keypoints (x, y, visibility)"
    raise ValueError(
        f"{os.fspath(path)}: {some(wrong, 'annotation', 'annotations')}, expected {expected}. "
        f"Use the metainfo of the keypoint set that this file is annotated with."
    )


def _refuse_unknown_images(
    path: PathLike,
    field: str,
    places: Sequence[int],
    image_ids: npt.NDArray[np.int64],
    image_row: npt.NDArray[np.int32],
) -> None:
    unknown = np.flatnonzero(image_row < 0)
    if not len(unknown):
        return
    offenders = [f"{field}[{places[i]}] names image_id {image_ids[i]}" for i in unknown.tolist()]
    raise ValueError(
        f"{os.fspath(path)}: {some(offenders, 'entry', 'entries')}, which the annotation file has no image of. "
        f"Use the annotation file that these ids belong to, or remove the entries."
    )


_COCO_HINT = (
    "Expected a COCO annotation file: an object with `images` (id, file_name, width, height) and `annotations` "
    "(id, image_id, category_id, bbox, keypoints)."
)
_DETECTIONS_HINT = "Expected a list of detected boxes: objects with image_id, category_id, bbox (x, y, w, h) and score."
