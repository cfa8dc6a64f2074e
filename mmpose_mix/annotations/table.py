"""Columns of annotated persons, and the arithmetic on whole columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

FAULTS = (
    "a crowd",
    "without labelled keypoints",
    "with an empty box",
    "with all keypoints at or before 0",
)
"""Why a person cannot be trained on."""

Selection = Union[npt.NDArray[np.bool_], npt.NDArray[np.integer[Any]], slice]


@dataclass(frozen=True, eq=False)
class ByteColumn:
    """A column of byte strings of any length: one buffer, and where each string ends.

    Two flat arrays, so that the column can be memory-mapped and no worker touches a Python object per row.

    Args:
        data: (B,) uint8, all strings one after the other.
        ends: (N,) int64, row ``i`` is ``data[ends[i - 1]:ends[i]]``.

    Example:
        >>> names = ByteColumn.of([b"a.jpg", b"", b"bcd.jpg"])
        >>> len(names), names[0], names[-1], names.take(np.array([2, 0]))[0]
        (3, b'a.jpg', b'bcd.jpg', b'bcd.jpg')
    """

    data: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        freeze(self)

    @classmethod
    def of(cls, values: Iterable[Any]) -> ByteColumn:
        """The column of ``values``, bytes-like objects."""
        parts = list(values)
        ends = np.cumsum(np.fromiter(map(len, parts), dtype=np.int64, count=len(parts)), dtype=np.int64)
        return cls(np.frombuffer(b"".join(parts), dtype=np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> bytes:
        if row < 0:
            row += len(self.ends)
            if row < 0:
                raise IndexError(f"row {row - len(self.ends)} is outside of a column of {len(self.ends)} rows")
        stop = self.ends.item(row)
        return self.data[self.ends.item(row - 1) if row else 0 : stop].tobytes()

    def take(self, selection: Selection) -> ByteColumn:
        """The column of the selected rows; ``selection`` is a mask, indices or a slice."""
        return ByteColumn.of([self[row] for row in np.arange(len(self))[selection].tolist()])

    def only_where(self, mask: npt.NDArray[np.bool_]) -> ByteColumn:
        """The column with the rows emptied where ``mask``, (N,), is false."""
        return ByteColumn.of([self[row] if kept else b"" for row, kept in enumerate(mask.tolist())])


@dataclass(frozen=True, eq=False)
class ImageTable:
    """Columns of I images.

    Args:
        id: (I,) int64, distinct.
        file_name: I strings in UTF-8.
        size: (I, 2) int32, width and height in pixels; 0 where the file does not give them.
        crowd_index: (I,) float64 in 0 to 1, NaN where the file gives none.
    """

    id: npt.NDArray[np.int64]
    file_name: ByteColumn
    size: npt.NDArray[np.int32]
    crowd_index: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        check_rows(self, {"size": (2,)})
        freeze(self)

    def __len__(self) -> int:
        return len(self.id)

    def rows_of(self, image_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """(M,) int32: the row of each image id, -1 where there is no such image."""
        if not len(self):
            return np.full(len(image_ids), -1, dtype=np.int32)
        order = np.argsort(self.id, kind="stable")
        place = np.searchsorted(self.id, image_ids, sorter=order)
        rows = order[np.minimum(place, len(self) - 1)]
        return np.where(self.id[rows] == image_ids, rows, -1).astype(np.int32)


@dataclass(frozen=True, eq=False)
class InstanceTable:
    """Columns of M annotated persons, sorted by image; within an image in the order of the file.

    Args:
        images: The images of the file, with persons or without.
        image_row: (M,) int32, ascending, row in ``images``.
        id: (M,) int64, annotation ids.
        category_id: (M,) int32.
        bbox_xywh: (M, 4) float64 in pixels, as in the file: not clipped.
        keypoints: (M, K, 2) float32: x and y in pixels.
        visibility: (M, K) float32: the flags of the file; in COCO 0 not annotated, 1 hidden, 2 visible.
        num_keypoints: (M,) int32 as in the file, -1 where absent.
        area: (M,) float64 in square pixels, NaN where absent.
        iscrowd: (M,) bool, false where absent.
        segmentation: The JSON text of each person's outline, empty where absent; ``None`` when it was not asked for.
        raw: The JSON text of each whole annotation; ``None`` when it was not asked for.
        extras: Columns that one format alone has, (M, ...) each, by the key that they have in an item.
        clip: Whether boxes end where their image does; false for formats whose boxes may lie partly outside.

    Raises:
        ValueError: if columns differ in length or have another shape.
    """

    images: ImageTable
    image_row: npt.NDArray[np.int32]
    id: npt.NDArray[np.int64]
    category_id: npt.NDArray[np.int32]
    bbox_xywh: npt.NDArray[np.float64]
    keypoints: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.float32]
    num_keypoints: npt.NDArray[np.int32]
    area: npt.NDArray[np.float64]
    iscrowd: npt.NDArray[np.bool_]
    segmentation: Optional[ByteColumn] = None
    raw: Optional[ByteColumn] = None
    extras: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    clip: bool = True

    def __post_init__(self) -> None:
        num_keypoints = self.keypoints.shape[1] if self.keypoints.ndim > 1 else 0
        check_rows(self, {"bbox_xywh": (4,), "keypoints": (num_keypoints, 2), "visibility": (num_keypoints,)})
        freeze(self)

    def __len__(self) -> int:
        return len(self.id)

    def take(self, selection: Selection) -> InstanceTable:
        """The table of the selected rows, with all images; ``selection`` is a mask, indices or a slice."""
        return replace(self, **_taken_columns(self, selection))

    def clipped_xyxy(self) -> npt.NDArray[np.float64]:
        """(M, 4) float64: the boxes as x1, y1, x2, y2, each corner moved onto the image's pixels 0 to size - 1.

        A box in an image of unknown size stays as it is, and so do all with ``clip=False``.
        """
        corners: npt.NDArray[np.float64] = np.concatenate(
            [self.bbox_xywh[:, :2], self.bbox_xywh[:, :2] + self.bbox_xywh[:, 2:]], axis=1
        )
        if not self.clip:
            return corners
        size = np.tile(self.images.size[self.image_row], (1, 2))
        clipped: npt.NDArray[np.float64] = np.where(size > 0, np.clip(corners, 0, size - 1), corners)
        return clipped

    def filled_area(self) -> npt.NDArray[np.float32]:
        """(M,) float32: the area; where absent, 0.53 of the clipped box, at least 1 (the share MMPose takes)."""
        x1, y1, x2, y2 = self.clipped_xyxy().T
        return np.where(np.isnan(self.area), np.maximum((x2 - x1) * (y2 - y1) * 0.53, 1.0), self.area).astype(
            np.float32
        )

    def filled_num_keypoints(self) -> npt.NDArray[np.int32]:
        """(M,) int32: the number of keypoints; where absent, how many have a coordinate other than 0."""
        counted = np.count_nonzero(np.maximum(self.keypoints[:, :, 0], self.keypoints[:, :, 1]), axis=1)
        return np.where(self.num_keypoints < 0, counted, self.num_keypoints).astype(np.int32)

    def faults(self) -> dict[str, npt.NDArray[np.bool_]]:
        """Why a person cannot be trained on: reason to mask (M,). A person may have several."""
        box = self.clipped_xyxy().astype(np.float32)
        masks = (
            self.iscrowd,
            self.filled_num_keypoints() == 0,
            np.any(box[:, 2:] <= box[:, :2], axis=1),
            ~np.any(self.keypoints > 0, axis=(1, 2)),
        )
        return dict(zip(FAULTS, masks))


@dataclass(frozen=True, eq=False)
class DetectionTable:
    """Columns of D boxes that a detector found, in the order of its file.

    Args:
        images: The images of the annotation file.
        id: (D,) int64, the place among the boxes of the wanted category.
        image_row: (D,) int32, row in ``images``.
        bbox_xyxy: (D, 4) float32 in pixels, not clipped.
        score: (D,) float32.
    """

    images: ImageTable
    id: npt.NDArray[np.int64]
    image_row: npt.NDArray[np.int32]
    bbox_xyxy: npt.NDArray[np.float32]
    score: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        check_rows(self, {"bbox_xyxy": (4,)})
        freeze(self)

    def __len__(self) -> int:
        return len(self.id)

    def take(self, selection: Selection) -> DetectionTable:
        """The table of the selected rows, with all images; ``selection`` is a mask, indices or a slice."""
        return replace(self, **_taken_columns(self, selection))


def _taken_columns(table: InstanceTable | DetectionTable, selection: Selection) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    for name, column in _columns(table).items():
        if isinstance(column, np.ndarray):
            taken[name] = column[selection]
        elif isinstance(column, ByteColumn):
            taken[name] = column.take(selection)
        elif isinstance(column, Mapping):
            taken[name] = {key: values[selection] for key, values in column.items()}
    return taken


def _columns(table: Any) -> dict[str, Any]:
    return {f.name: getattr(table, f.name) for f in fields(table)}


def check_rows(table: Any, trailing: Mapping[str, tuple[int, ...]], without: Sequence[str] = ()) -> None:
    """Refuse a table whose columns have not as many rows as ``id``, or not the ``trailing`` axes behind them.

    Raises:
        ValueError: naming all such columns but those in ``without``.
    """
    columns = {name: column for name, column in _columns(table).items() if name not in without}
    rows = len(table.id)
    wrong = [
        f"extras[{name!r}] has {len(column)} rows, expected {rows}"
        for name, column in columns.get("extras", {}).items()
        if len(column) != rows
    ]
    for name, column in columns.items():
        if isinstance(column, np.ndarray) and column.shape != (rows, *trailing.get(name, ())):
            wrong.append(f"{name} has shape {column.shape}, expected {(rows, *trailing.get(name, ()))}")
        elif isinstance(column, ByteColumn) and len(column) != rows:
            wrong.append(f"{name} has {len(column)} rows, expected {rows}")
    if wrong:
        raise ValueError(f"{type(table).__name__}: {'; '.join(wrong)}")


def freeze(table: Any) -> None:
    """Put read-only views in the place of all arrays of a table."""
    for name, column in _columns(table).items():
        if isinstance(column, np.ndarray):
            object.__setattr__(table, name, _read_only(column))
        elif isinstance(column, Mapping):
            object.__setattr__(table, name, {key: _read_only(values) for key, values in column.items()})


def _read_only(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    column = column.view(np.ndarray)  # a memory map indexes slowly under its own class
    column.flags.writeable = False
    return column
