"""Items of a COCO-style data set: ``data_info`` dicts in MMPose's shape, made from columns when they are asked for.

Every item is made of fresh arrays, lists and dicts, so that whatever a transform does to it stays in that item.
"""

from __future__ import annotations

import copy
import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional, Union

import msgspec
import numpy as np

from mmpose_mix.annotations.persons import PersonTable
from mmpose_mix.annotations.table import DetectionTable, ImageTable, Selection

Indices = Union[int, Sequence[int], np.ndarray]

FULL_SCORE = np.ones(1, dtype=np.float32)


class Items(Sequence):
    """A read-only sequence of data-set items, each made anew at every access."""

    def __getitem__(self, index: Union[int, slice]) -> Any:
        if isinstance(index, slice):
            return self.take(index)
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"item {index} is outside of a data set of {size} items")
        return self.item(index % size)

    @abstractmethod
    def item(self, index: int) -> dict[str, Any]:
        """The item of an index in 0 to ``len(self) - 1``."""

    @abstractmethod
    def take(self, selection: Selection) -> Items:
        """The selected items; ``selection`` is a mask, indices or a slice."""

    @abstractmethod
    def bbox_scores(self) -> np.ndarray:
        """(len(self),) float32: the score of each item's box; for items of one box."""


class ImagePaths:
    """Where the images lie: ``prefix`` joined with each file name of ``images``."""

    def __init__(self, prefix: str, images: ImageTable) -> None:
        self.images = images
        self._prefix = prefix
        self._start = os.path.join(prefix, "")

    def __getitem__(self, row: int) -> str:
        name = self.images.file_name[row].decode()
        if name.startswith(("/", "\\")) or ":" in name:
            return os.path.join(self._prefix, name)
        return self._start + name  # what join gives for a plain relative name, at a third of its cost


@dataclass(frozen=True, eq=False)
class TopdownItems(Items):
    """One item per person.

    Args:
        persons: The columns of all persons of the file.
        prefix: Folder of the images.
        rows: (len(self),) the row in ``persons`` of each item.
    """

    persons: PersonTable
    prefix: str
    rows: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "paths", ImagePaths(self.prefix, self.persons.images))

    def __reduce__(self) -> tuple[Any, ...]:
        rows = None if self.rows is self.persons.trainable else self.rows
        return _topdown_items, (self.persons, self.prefix, rows)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, selection: Selection) -> TopdownItems:
        return replace(self, rows=self.rows[selection])

    def bbox_scores(self) -> np.ndarray:
        return np.ones(len(self), dtype=np.float32)

    @property
    def can_come_together(self) -> bool:
        """Whether :meth:`items` gives all that is in an item, and has a meaning for B persons as for one."""
        return self.persons.raw is None and "target_idx" not in self.persons.extras

    def items(
        self, rows: np.ndarray, convert: Callable[[dict[str, Any]], dict[str, Any]], shared: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """The items of B rows with their keypoints converted, at a third of what B times :meth:`item` takes.

        Args:
            rows: (B,) int64 in 0 to ``len(self) - 1``; only where :attr:`can_come_together`.
            convert: Turns a sample of B instances into another.
            shared: What is the same in all items, before conversion.

        Returns:
            B items. No array of one overlaps an array of another; what ``convert`` leaves of ``shared`` is the same
            object in all.
        """
        persons, images = self.persons, self.persons.images
        lines = self.rows.take(rows)
        keypoints = persons.keypoints.take(lines, 0)
        visible = persons.keypoints_visible.take(lines, 0).astype(np.float32, copy=False)
        counts, extras = persons.num_keypoints.take(lines), {k: v.take(lines, 0) for k, v in persons.extras.items()}
        sample = convert(
            {**extras, **shared, "keypoints": keypoints, "keypoints_visible": visible, "num_keypoints": counts}
        )
        image_rows = persons.image_row.take(lines)
        columns = {
            "img_id": images.id.take(image_rows).tolist(),
            "img_path": [self.paths[row] for row in image_rows.tolist()],
            "bbox": persons.bbox_xyxy.take(lines, 0)[:, None],
            "bbox_score": np.ones((len(rows), 1), dtype=np.float32),
            "num_keypoints": sample["num_keypoints"].tolist(),
            "keypoints": sample["keypoints"][:, None],
            "keypoints_visible": sample["keypoints_visible"][:, None],
            "area": map(np.array, persons.area.take(lines)),
            "iscrowd": persons.iscrowd.take(lines).astype(int).tolist(),
            "id": persons.id.take(lines).tolist(),
            "category_id": map(np.array, persons.category_id.take(lines).tolist()),
            **{name: sample[name][:, None] for name in extras},
            "sample_idx": rows.tolist(),
        }
        rest = {key: value for key, value in sample.items() if key not in columns}
        made = [{**dict(zip(columns, values)), **rest} for values in zip(*columns.values())]
        for info, crowd_index in zip(made, images.crowd_index.take(image_rows).tolist()):
            if crowd_index == crowd_index:
                info["crowd_index"] = crowd_index
        return made

    def item(self, index: int) -> dict[str, Any]:
        persons, images = self.persons, self.persons.images
        index = self.rows.item(index)
        row = slice(index, index + 1)
        image_row = persons.image_row.item(index)
        info = {
            "img_id": images.id.item(image_row),
            "img_path": self.paths[image_row],
            "bbox": persons.bbox_xyxy[row].copy(),
            "bbox_score": FULL_SCORE.copy(),
            "num_keypoints": persons.num_keypoints.item(index),
            "keypoints": persons.keypoints[row].copy(),
            "keypoints_visible": persons.keypoints_visible[row].astype(np.float32),
            "area": np.array(persons.area[index]),
            "iscrowd": int(persons.iscrowd.item(index)),
            "id": persons.id.item(index),
            "category_id": np.array(persons.category_id.item(index)),
        }
        if persons.extras:
            info.update({name: column[row].copy() for name, column in persons.extras.items()})
        if persons.raw is not None:
            info["raw_ann_info"] = persons.raw_annotation(index)
            info["segmentation"] = copy.deepcopy(info["raw_ann_info"].get("segmentation"))
        crowd_index = images.crowd_index.item(image_row)
        if crowd_index == crowd_index:
            info["crowd_index"] = crowd_index
        return info


@dataclass(frozen=True, eq=False)
class BottomupItems(Items):
    """One item per image, with all its persons; those that cannot be trained on too.

    Args:
        persons: The columns of all persons of the file, sorted by image.
        prefix: Folder of the images.
        image_row: (G,) row in the images of each item.
        ends: (I,) int32: the persons of image ``i`` are the rows ``ends[i - 1]`` to ``ends[i] - 1``.
    """

    persons: PersonTable
    prefix: str
    image_row: np.ndarray
    ends: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "paths", ImagePaths(self.prefix, self.persons.images))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.persons, self.prefix, self.image_row, self.ends)

    @classmethod
    def of(cls, persons: PersonTable, prefix: str, images: Optional[np.ndarray], *, with_empty: bool) -> BottomupItems:
        """Items of the images that have persons, then, ``with_empty``, of the others.

        Args:
            images: (I,) bool, the images that are kept; ``None`` keeps all.
        """
        ends = np.searchsorted(persons.image_row, np.arange(len(persons.images)), side="right").astype(np.int32)
        inhabited = np.diff(ends, prepend=np.int32(0)) > 0
        kept = np.ones_like(inhabited) if images is None else images
        image_row = np.flatnonzero(inhabited & kept)
        if with_empty:
            image_row = np.concatenate([image_row, np.flatnonzero(~inhabited & kept)])
        return cls(persons, prefix, image_row.astype(np.int32), ends)

    def __len__(self) -> int:
        return len(self.image_row)

    def take(self, selection: Selection) -> BottomupItems:
        return replace(self, image_row=self.image_row[selection])

    def bbox_scores(self) -> np.ndarray:
        raise TypeError("items of several boxes have no single box score")

    def item(self, index: int) -> dict[str, Any]:
        persons, image_row = self.persons, self.image_row.item(index)
        images = persons.images
        info: dict[str, Any] = {"img_id": images.id.item(image_row), "img_path": self.paths[image_row]}
        start, stop = self.ends.item(image_row - 1) if image_row else 0, self.ends.item(image_row)
        if start == stop:
            return {**info, "id": [], "raw_ann_info": None}
        row, count = slice(start, stop), stop - start
        info.update(
            bbox=persons.bbox_xyxy[row].copy(),
            bbox_score=np.ones(count, dtype=np.float32),
            num_keypoints=persons.num_keypoints[row].tolist(),
            keypoints=persons.keypoints[row].copy(),
            keypoints_visible=persons.keypoints_visible[row].astype(np.float32),
            area=persons.area[row].copy(),
            iscrowd=persons.iscrowd[row].astype(int).tolist(),
            id=persons.id[row].tolist(),
            category_id=persons.category_id[row].astype(np.int64),
            invalid_segs=[],
        )
        for name, column in persons.extras.items():
            info[name] = column[row].copy()
        invalid = (start + np.flatnonzero(persons.fault[row])).tolist()
        if persons.raw is not None:
            info["raw_ann_info"] = [persons.raw_annotation(i) for i in range(start, stop)]
            outlines = [copy.deepcopy(raw.get("segmentation")) for raw in info["raw_ann_info"]]
            info["segmentation"] = _polygons_in_one_list(outlines)
            info["invalid_segs"] = [copy.deepcopy(outlines[i - start]) for i in invalid]
        elif persons.outlines is not None:
            info["invalid_segs"] = [msgspec.json.decode(persons.outlines[i] or b"null") for i in invalid]
        crowd_index = images.crowd_index.item(image_row)
        if crowd_index == crowd_index:
            info["crowd_index"] = [crowd_index] * count
        return info


@dataclass(frozen=True, eq=False)
class DetectionItems(Items):
    """One item per detected box, with keypoints that are all 0 and visible.

    Args:
        paths: Paths of the images.
        table: The boxes.
        num_keypoints: K.
    """

    paths: ImagePaths
    table: DetectionTable
    num_keypoints: int

    def __len__(self) -> int:
        return len(self.table)

    def take(self, selection: Selection) -> DetectionItems:
        return replace(self, table=self.table.take(selection))

    def bbox_scores(self) -> np.ndarray:
        return self.table.score

    def item(self, index: int) -> dict[str, Any]:
        table, row = self.table, slice(index, index + 1)
        image_row = table.image_row.item(index)
        width, height = table.images.size[image_row].tolist()
        return {
            "img_id": table.images.id.item(image_row),
            "img_path": self.paths[image_row],
            "img_shape": (height, width),
            "bbox": table.bbox_xyxy[row].copy(),
            "bbox_score": table.score[row].copy(),
            "keypoints": np.zeros((1, self.num_keypoints, 2), dtype=np.float32),
            "keypoints_visible": np.ones((1, self.num_keypoints), dtype=np.float32),
            "id": table.id.item(index),
        }


class DictItems(Items):
    """Items that a subclass has loaded as ready dicts; each access copies one."""

    def __init__(self, dicts: Sequence[Mapping[str, Any]]) -> None:
        self._dicts = list(dicts)

    def __len__(self) -> int:
        return len(self._dicts)

    def take(self, selection: Selection) -> DictItems:
        return DictItems([self._dicts[i] for i in np.arange(len(self))[selection].tolist()])

    def bbox_scores(self) -> np.ndarray:
        return np.array([np.ravel(info["bbox_score"])[0] for info in self._dicts], dtype=np.float32)

    def item(self, index: int) -> dict[str, Any]:
        return copy.deepcopy(dict(self._dicts[index]))


def selected(indices: Indices, size: int, name: str) -> Selection:
    """Which of ``size`` items an ``indices`` of MMEngine means; ``name`` is the data set's in errors.

    Raises:
        TypeError: unless it is an int or a sequence of ints.
        IndexError: if one of a sequence is outside.
    """
    if isinstance(indices, (int, np.integer)) and not isinstance(indices, bool):
        return slice(indices) if indices >= 0 else slice(indices, None)
    places = np.asarray(indices)
    if places.ndim != 1 or (places.size and places.dtype.kind not in "iu"):
        raise TypeError(f"{name}: indices must be an int or a sequence of ints, got {indices!r}")
    outside = places[(places < -size) | (places >= size)].tolist()
    if outside:
        raise IndexError(
            f"{name}: indices {outside[:5]}{' ...' if len(outside) > 5 else ''} "
            f"are outside of a data set of {size} items"
        )
    return places.astype(np.int64)


def _topdown_items(persons: PersonTable, prefix: str, rows: Optional[np.ndarray]) -> TopdownItems:
    """Unpickled items: the rows that are columns of ``persons`` came with them."""
    return TopdownItems(persons, prefix, persons.trainable if rows is None else rows)


def _polygons_in_one_list(outlines: Sequence[Any]) -> list[Any]:
    """The ``segmentation`` of an image: polygons of all persons one after the other, other outlines as they are."""
    joined: list[Any] = []
    for outline in outlines:
        if isinstance(outline, list):
            joined.extend(outline)
        else:
            joined.append(outline)
    return joined
