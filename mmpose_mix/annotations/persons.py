"""The columns that items of a data set are made of: what an annotation file says of its persons, ready for use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Optional

import msgspec
import numpy as np
import numpy.typing as npt

from mmpose_mix.annotations.coco_json import CocoFile
from mmpose_mix.annotations.column_file import ColumnFile, ColumnFileError, file_of_handle
from mmpose_mix.annotations.table import FAULTS, ByteColumn, ImageTable, check_rows, freeze

VERSION = 1
"""Of the columns below and how they come from a file; a new one makes all cached tables be read anew."""


@dataclass(frozen=True, eq=False)
class PersonTable:
    """Columns of M persons of one annotation file, sorted by image; within an image in the order of the file.

    All arrays are read-only. A table that is mapped from a file is pickled as the way to that file, so that another
    process maps it as well; where the file is no longer in place, and for a table in memory, the columns themselves are
    pickled.

    Args:
        images: The images of the file, with persons or without.
        image_row: (M,) int32, ascending, row in ``images``.
        id: (M,) int64.
        category_id: (M,) int32.
        bbox_xyxy: (M, 4) float32 in pixels, clipped to the image where the format says so.
        keypoints: (M, K, 2) float32 in pixels.
        keypoints_visible: (M, K) in 0 to 1: uint8 where no value lies between, else float32.
        num_keypoints: (M,) int32.
        area: (M,) float32 in square pixels.
        iscrowd: (M,) bool.
        fault: (M,) uint8, bit ``i`` is set where ``FAULTS[i]`` holds.
        trainable: (T,) int32, the rows without fault, ascending.
        num_annotations: How many annotations the file has, those without box or keypoints included.
        categories: The file's ``categories`` as they are, ``None`` where it has none.
        raw: The JSON text of each annotation; ``None`` when it was not asked for.
        outlines: The JSON text of ``segmentation`` of the persons with a fault, else empty; ``None`` likewise.
        extras: Columns that one format alone has, (M, ...) each, by the key that they have in an item.
        origin: The file that the columns are mapped from; ``None`` for columns in memory.

    Raises:
        ValueError: if columns differ in length or have another shape.
    """

    images: ImageTable
    image_row: npt.NDArray[np.int32]
    id: npt.NDArray[np.int64]
    category_id: npt.NDArray[np.int32]
    bbox_xyxy: npt.NDArray[np.float32]
    keypoints: npt.NDArray[np.float32]
    keypoints_visible: npt.NDArray[Any]
    num_keypoints: npt.NDArray[np.int32]
    area: npt.NDArray[np.float32]
    iscrowd: npt.NDArray[np.bool_]
    fault: npt.NDArray[np.uint8]
    trainable: npt.NDArray[np.int32]
    num_annotations: int
    categories: Optional[list[dict[str, Any]]] = None
    raw: Optional[ByteColumn] = None
    outlines: Optional[ByteColumn] = None
    extras: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    origin: Optional[ColumnFile] = field(default=None, repr=False)

    def __post_init__(self) -> None:
        num_keypoints = self.keypoints.shape[1] if self.keypoints.ndim > 1 else 0
        trailing = {"bbox_xyxy": (4,), "keypoints": (num_keypoints, 2), "keypoints_visible": (num_keypoints,)}
        check_rows(self, trailing, without=("trainable",))
        freeze(self)

    @classmethod
    def of(cls, file: CocoFile) -> PersonTable:
        """The columns in memory, of a file that was read."""
        table = file.instances
        faults = table.faults()
        bits = [mask.astype(np.uint8) << np.uint8(FAULTS.index(reason)) for reason, mask in faults.items()]
        fault = np.bitwise_or.reduce(bits)
        outlines = None if table.segmentation is None else table.segmentation.only_where(fault != 0)
        return cls(
            images=table.images,
            image_row=table.image_row,
            id=table.id,
            category_id=table.category_id,
            bbox_xyxy=table.clipped_xyxy().astype(np.float32),
            keypoints=table.keypoints.astype(np.float32, copy=False),
            keypoints_visible=_narrow(np.minimum(table.visibility, 1)),
            num_keypoints=table.filled_num_keypoints(),
            area=table.filled_area(),
            iscrowd=table.iscrowd,
            fault=fault,
            trainable=np.flatnonzero(fault == 0).astype(np.int32),
            num_annotations=file.num_annotations,
            categories=file.categories,
            raw=table.raw,
            outlines=outlines,
            extras=table.extras,
        )

    def __len__(self) -> int:
        return len(self.id)

    def __deepcopy__(self, memo: dict[int, Any]) -> PersonTable:
        return self  # nothing in it can be written to

    def __reduce__(self) -> tuple[Any, ...]:
        if self.origin is not None and self.origin.is_in_place():
            return _mapped, self.origin.handle()
        return type(self), tuple(None if f.name == "origin" else getattr(self, f.name) for f in fields(self))

    def faults(self) -> dict[str, npt.NDArray[np.bool_]]:
        """Why a person cannot be trained on: reason to mask (M,). A person may have several."""
        return {
            reason: (self.fault >> np.uint8(bit) & np.uint8(1)).astype(np.bool_) for bit, reason in enumerate(FAULTS)
        }

    def raw_annotation(self, row: int) -> dict[str, Any]:
        """The annotation as it stands in the file, with ``iscrowd`` filled in as COCO's tools do.

        Raises:
            ValueError: if the table holds no texts of annotations.
        """
        if self.raw is None:
            raise ValueError("PersonTable: there are no texts of annotations; read the file with_raw=True")
        annotation: dict[str, Any] = msgspec.json.decode(self.raw[row])
        annotation.setdefault("iscrowd", False)
        return annotation


def columns_of(table: PersonTable) -> dict[str, npt.NDArray[Any]]:
    """All arrays of a table, by names of which :func:`table_of` makes it again."""
    columns: dict[str, npt.NDArray[Any]] = {}

    def put(prefix: str, value: Any) -> None:
        if isinstance(value, np.ndarray):
            columns[prefix] = value
        elif isinstance(value, (ImageTable, ByteColumn)):
            for part in fields(value):
                put(f"{prefix}.{part.name}", getattr(value, part.name))

    for column in fields(table):
        put(column.name, getattr(table, column.name))
    columns.update({f"extras.{name}": values for name, values in table.extras.items()})
    return columns


def table_of(file: ColumnFile) -> PersonTable:
    """The table that is mapped from a file of :func:`columns_of`.

    Raises:
        ColumnFileError: if a column is missing, has another type or shape, or names rows that are not there.
    """
    given = dict(file.columns)
    try:
        of_table: dict[str, Any] = {name: given.pop(name) for name in _DTYPES}
        of_table.update({name: _bytes(given, name) for name in ("raw", "outlines") if f"{name}.ends" in given})
        of_table.update({name: file.head[name] for name in ("num_annotations", "categories")})
        names = _bytes(given, "images.file_name")
        images = ImageTable(file_name=names, **{name: given.pop(f"images.{name}") for name in _IMAGE_DTYPES})
        extras = {name[len("extras.") :]: column for name, column in given.items() if name.startswith("extras.")}
        table = PersonTable(images=images, extras=extras, origin=file, **of_table)
    except KeyError as error:
        raise ColumnFileError(f"no {error.args[0]}") from None
    except ValueError as error:
        raise ColumnFileError(str(error)) from None
    wrong = [name for name, kinds in _DTYPES.items() if getattr(table, name).dtype.str not in kinds]
    wrong += [] if _within(table.image_row, len(images)) else ["image_row"]
    wrong += [] if _within(table.trainable, len(table)) else ["trainable"]
    wrong += [f"images.{name}" for name, kind in _IMAGE_DTYPES.items() if getattr(images, name).dtype.str != kind]
    if wrong:
        raise ColumnFileError(f"impossible values in {', '.join(wrong)}")
    return table


def _mapped(path: str, identity: str, through: str) -> PersonTable:
    return table_of(file_of_handle(path, identity, through))


_IMAGE_DTYPES = {"id": "<i8", "size": "<i4", "crowd_index": "<f8"}
_DTYPES = {
    "image_row": ("<i4",),
    "id": ("<i8",),
    "category_id": ("<i4",),
    "bbox_xyxy": ("<f4",),
    "keypoints": ("<f4",),
    "keypoints_visible": ("|u1", "<f4"),
    "num_keypoints": ("<i4",),
    "area": ("<f4",),
    "iscrowd": ("|b1",),
    "fault": ("|u1",),
    "trainable": ("<i4",),
}


def _bytes(given: dict[str, npt.NDArray[Any]], name: str) -> ByteColumn:
    data, ends = given.pop(f"{name}.data"), given.pop(f"{name}.ends")
    flat = data.dtype == np.uint8 and ends.dtype == np.int64 and data.ndim == ends.ndim == 1
    if not flat or (len(ends) and (ends[0] < 0 or ends[-1] > len(data) or np.any(ends[1:] < ends[:-1]))):
        raise ColumnFileError(f"impossible ends in {name}")
    return ByteColumn(data, ends)


def _within(rows: npt.NDArray[np.int32], count: int) -> bool:
    """Whether all are ascending rows of a table of ``count``."""
    return not len(rows) or bool(rows[0] >= 0 and rows[-1] < count and not np.any(rows[1:] < rows[:-1]))


def _narrow(visible: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    whole = bool(np.all((visible == 0) | (visible == 1)))
    return visible.astype(np.uint8 if whole else np.float32)
