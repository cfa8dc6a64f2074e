"""Items of a COCO-style data set: ``data_info`` dicts in MMPose's shape, made from columns when they are asked for.

Every item is made of fresh arrays, lists and dicts, so that whatever a transform does to it stays in that item.
"""

from __future__ import annotations

import copy
import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Optional, Union

import msgspec
import numpy as np

from mmpose_mix.annotations.table import ByteColumn, DetectionTable, ImageTable, InstanceTable, Selection

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
class Persons:
    """The columns of M persons that items are made of.

    Args:
        paths: Paths of the images.
        image_row: (M,) int32, row in the images.
        id: (M,) int64.
        category_id: (M,) int32.
        bbox_xyxy: (M, 4) float32, clipped to the image.
        keypoints: (M, K, 2) float32.
        keypoints_visible: (M, K) float32 in 0 to 1.
        num_keypoints: (M,) int32.
        area: (M,) float32.
        iscrowd: (M,) bool.
        raw: The JSON text of each annotation, where evaluation needs it.
        extras: Columns that one format alone has, by their key in an item.
    """

    paths: ImagePaths
    image_row: np.ndarray
    id: np.ndarray
    category_id: np.ndarray
    bbox_xyxy: np.ndarray
    keypoints: np.ndarray
    keypoints_visible: np.ndarray
    num_keypoints: np.ndarray
    area: np.ndarray
    iscrowd: np.ndarray
    raw: Optional[ByteColumn]
    extras: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, table: InstanceTable, prefix: str) -> Persons:
        return cls(
            paths=ImagePaths(prefix, table.images),
            image_row=table.image_row,
            id=table.id,
            category_id=table.category_id,
            bbox_xyxy=table.clipped_xyxy().astype(np.float32),
            keypoints=table.keypoints,
            keypoints_visible=np.minimum(table.visibility, 1),
            num_keypoints=table.filled_num_keypoints(),
            area=table.filled_area(),
            iscrowd=table.iscrowd,
            raw=table.raw,
            extras=table.extras,
        )

    def take(self, selection: Selection) -> Persons:
        columns = {
            field.name: getattr(self, field.name) for field in fields(self) if field.name not in ("paths", "extras")
        }
        taken: dict[str, Any] = {
            name: column.take(selection) if isinstance(column, ByteColumn) else column[selection]
            for name, column in columns.items()
            if column is not None
        }
        taken["extras"] = {name: column[selection] for name, column in self.extras.items()}
        return replace(self, **taken)

    def raw_annotation(self, row: int) -> dict[str, Any]:
        """The annotation as it stands in the file, with ``iscrowd`` filled in as COCO's tools do."""
        annotation = msgspec.json.decode(self.raw[row])
        annotation.setdefault("iscrowd", False)
        return annotation


@dataclass(frozen=True, eq=False)
class TopdownItems(Items):
    """One item per person."""

    persons: Persons

    def __len__(self) -> int:
        return len(self.persons.id)

    def take(self, selection: Selection) -> TopdownItems:
        return TopdownItems(self.persons.take(selection))

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
        persons, images = self.persons, self.persons.paths.images
        keypoints, visible = persons.keypoints.take(rows, 0), persons.keypoints_visible.take(rows, 0)
        counts, extras = persons.num_keypoints.take(rows), {k: v.take(rows, 0) for k, v in persons.extras.items()}
        sample = convert(
            {**extras, **shared, "keypoints": keypoints, "keypoints_visible": visible, "num_keypoints": counts}
        )
        image_rows = persons.image_row.take(rows)
        columns = {
            "img_id": images.id.take(image_rows).tolist(),
            "img_path": [persons.paths[row] for row in image_rows.tolist()],
            "bbox": persons.bbox_xyxy.take(rows, 0)[:, None],
            "bbox_score": np.ones((len(rows), 1), dtype=np.float32),
            "num_keypoints": sample["num_keypoints"].tolist(),
            "keypoints": sample["keypoints"][:, None],
            "keypoints_visible": sample["keypoints_visible"][:, None],
            "area": map(np.array, persons.area.take(rows)),
            "iscrowd": persons.iscrowd.take(rows).astype(int).tolist(),
            "id": persons.id.take(rows).tolist(),
            "category_id": map(np.array, persons.category_id.take(rows).tolist()),
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
        persons, row = self.persons, slice(index, index + 1)
        paths, image_row = persons.paths, persons.image_row.item(index)
        images = paths.images
        info = {
            "img_id": images.id.item(image_row),
            "img_path": paths[image_row],
            "bbox": persons.bbox_xyxy[row].copy(),
            "bbox_score": FULL_SCORE.copy(),
            "num_keypoints": persons.num_keypoints.item(index),
            "keypoints": persons.keypoints[row].copy(),
            "keypoints_visible": persons.keypoints_visible[row].copy(),
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
        persons: Sorted by image.
        image_row: (G,) row in the images of each item.
        start, stop: (G,) the persons of item ``g`` are the rows ``start[g]`` to ``stop[g] - 1``; none in an image
            that is there for evaluation alone.
        invalid: (M,) bool, persons that cannot be trained on.
        outlines: The JSON text of their ``segmentation``; ``None`` where ``persons.raw`` holds it.
    """

    persons: Persons
    image_row: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    invalid: np.ndarray
    outlines: Optional[ByteColumn]

    @classmethod
    def of(cls, table: InstanceTable, prefix: str, empty_images: np.ndarray) -> BottomupItems:
        """Items of the images that have persons, then of the rows ``empty_images``."""
        invalid = np.logical_or.reduce(list(table.faults().values()))
        image_row, start = np.unique(table.image_row, return_index=True)
        stop = np.append(start[1:], len(table))
        none = np.zeros(len(empty_images), dtype=start.dtype)
        return cls(
            persons=Persons.of(table, prefix),
            image_row=np.concatenate([image_row, empty_images.astype(image_row.dtype)]),
            start=np.concatenate([start, none]),
            stop=np.concatenate([stop[: len(start)], none]),
            invalid=invalid,
            outlines=None if table.segmentation is None else table.segmentation.only_where(invalid),
        )

    def __len__(self) -> int:
        return len(self.image_row)

    def take(self, selection: Selection) -> BottomupItems:
        taken = {name: getattr(self, name)[selection] for name in ("image_row", "start", "stop")}
        return replace(self, **taken)

    def bbox_scores(self) -> np.ndarray:
        raise TypeError("items of several boxes have no single box score")

    def item(self, index: int) -> dict[str, Any]:
        persons, image_row = self.persons, self.image_row.item(index)
        images = persons.paths.images
        info: dict[str, Any] = {"img_id": images.id.item(image_row), "img_path": persons.paths[image_row]}
        start, stop = self.start.item(index), self.stop.item(index)
        if start == stop:
            return {**info, "id": [], "raw_ann_info": None}
        row, count = slice(start, stop), stop - start
        info.update(
            bbox=persons.bbox_xyxy[row].copy(),
            bbox_score=np.ones(count, dtype=np.float32),
            num_keypoints=persons.num_keypoints[row].tolist(),
            keypoints=persons.keypoints[row].copy(),
            keypoints_visible=persons.keypoints_visible[row].copy(),
            area=persons.area[row].copy(),
            iscrowd=persons.iscrowd[row].astype(int).tolist(),
            id=persons.id[row].tolist(),
            category_id=persons.category_id[row].astype(np.int64),
            invalid_segs=[],
        )
        for name, column in persons.extras.items():
            info[name] = column[row].copy()
        invalid = (start + np.flatnonzero(self.invalid[row])).tolist()
        if persons.raw is not None:
            info["raw_ann_info"] = [persons.raw_annotation(i) for i in range(start, stop)]
            outlines = [copy.deepcopy(raw.get("segmentation")) for raw in info["raw_ann_info"]]
            info["segmentation"] = _polygons_in_one_list(outlines)
            info["invalid_segs"] = [copy.deepcopy(outlines[i - start]) for i in invalid]
        elif self.outlines is not None:
            info["invalid_segs"] = [msgspec.json.decode(self.outlines[i] or b"null") for i in invalid]
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


def _polygons_in_one_list(outlines: Sequence[Any]) -> list[Any]:
    """The ``segmentation`` of an image: polygons of all persons one after the other, other outlines as they are."""
    joined: list[Any] = []
    for outline in outlines:
        if isinstance(outline, list):
            joined.extend(outline)
        else:
            joined.append(outline)
    return joined
