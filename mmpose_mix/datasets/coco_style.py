"""Data sets with COCO-style annotations, in the shape that MMEngine and MMPose's transforms expect."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.fileio import exists, get_local_path

from mmpose_mix.annotations.coco_json import CocoFile, read_coco_images, read_coco_json, read_detections_json
from mmpose_mix.annotations.instance_fields import COCO_FIELDS, InstanceFields
from mmpose_mix.annotations.persons import PersonTable
from mmpose_mix.annotations.table import ImageTable
from mmpose_mix.datasets.argument_types import refuse_wrong_types
from mmpose_mix.datasets.building import built_transforms, composed
from mmpose_mix.datasets.cached_reading import CachedReading
from mmpose_mix.datasets.coco_items import (
    BottomupItems,
    DetectionItems,
    DictItems,
    ImagePaths,
    Indices,
    Items,
    TopdownItems,
    selected,
)
from mmpose_mix.datasets.item_metainfo import ItemMetainfo
from mmpose_mix.datasets.item_randomness import ItemRandomness
from mmpose_mix.datasets.refetching import item_after_dropped
from mmpose_mix.datasets.source_items import makes_items_as
from mmpose_mix.metainfo import keypoint_set, parse_pose_metainfo
from mmpose_mix.registry import DATASETS

DETECTED_CATEGORY = 1


@DATASETS.register_module(name=["CocoStyleDataset", "BaseCocoStyleDataset"])
class CocoStyleDataset(BaseDataset):
    """Persons of a COCO-style annotation file, or boxes of a person detector.

    The annotations are kept as columns of arrays. ``data_list`` is a read-only sequence that makes each ``data_info``
    dict when it is asked for: nothing that a transform does to an item reaches the columns.

    A data set of its own format names the fields that its instances are read from in ``INSTANCE_FIELDS``, or overrides
    :meth:`read_annotations`, which gives columns, or :meth:`load_data_list`, which may return a list of dicts as well.

    Columns are cached between runs (see docs/caching.md). Those of a class that overrides :meth:`read_annotations` are
    only if it names its way of reading with ``READER``, a name and a version, which must rise when the method changes.

    Args:
        ann_file: COCO annotation file, relative to ``data_root`` or absolute.
        bbox_file: Boxes of a person detector, which take the place of the annotated boxes; not relative to
            ``data_root``. Only with ``data_mode='topdown'`` and ``test_mode=True``.
        data_mode: ``'topdown'``, one item per person, or ``'bottomup'``, one item per image.
        metainfo: Keypoint set: ``dict(from_file=...)`` or a ``dataset_info`` dict. ``None`` takes the class's
            ``METAINFO``.
        data_root: Folder that ``ann_file`` and ``data_prefix`` are relative to.
        data_prefix: ``dict(img=FOLDER)``, the folder of the images.
        filter_cfg: ``dict(bbox_score_thr=...)`` leaves out boxes with a lower score (top-down only).
        indices: An int keeps the first (negative: the last) items, a sequence these items.
        serialize_data: Accepted for MMPose's configs. Both values give the same data set: MMEngine serializes lists of
            dicts to keep workers from copying them, and arrays of columns are not copied in the first place.
        pipeline: Transforms, as configs or callables.
        test_mode: The items carry ``raw_ann_info`` and ``segmentation`` where an annotation is one instance; in
            bottom-up mode images without persons are items too; the metainfo carries ``ann_file`` for the metric where
            the keypoints are in COCO's own field.
        lazy_init: Read the files at first use.
        max_refetch: How many next items are tried, in training, in the place of one that the pipeline dropped.
        sample_interval: Keep the images whose id is divisible by it. Not with ``bbox_file``.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if arguments contradict each other, if a file is not what is expected, or if nothing is left after
            filtering.
        FileNotFoundError: if a file is absent.
    """

    METAINFO: dict = {}
    INSTANCE_FIELDS: tuple[InstanceFields, ...] = COCO_FIELDS
    READER: tuple[str, int] = ("coco_style", 1)
    FILTERS: tuple[str, ...] = ("bbox_score_thr",)

    def __init__(
        self,
        ann_file: str = "",
        bbox_file: Optional[str] = None,
        data_mode: str = "topdown",
        metainfo: Optional[Mapping[str, Any]] = None,
        data_root: Optional[str] = None,
        data_prefix: Mapping[str, str] = {"img": ""},
        filter_cfg: Optional[Mapping[str, Any]] = None,
        indices: Optional[Indices] = None,
        serialize_data: bool = True,
        pipeline: Sequence[Union[Mapping[str, Any], Callable]] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
        sample_interval: int = 1,
    ) -> None:
        refuse_wrong_types(
            type(self).__name__,
            ann_file=ann_file,
            bbox_file=bbox_file,
            data_root=data_root,
            data_prefix=data_prefix,
            filter_cfg=filter_cfg,
            max_refetch=max_refetch,
        )
        self.data_mode = data_mode
        self.bbox_file = os.fspath(bbox_file) if bbox_file else None
        self.sample_interval = sample_interval
        self._given_ann_file = ann_file
        found = self._findings(test_mode, data_prefix, filter_cfg)
        if found:
            raise ValueError(f"{type(self).__name__}: {'; '.join(found)}")
        super().__init__(
            ann_file=os.fspath(ann_file),
            metainfo=metainfo,
            data_root=None if data_root is None else os.fspath(data_root),
            data_prefix=dict(data_prefix),
            filter_cfg=filter_cfg,
            indices=indices,
            serialize_data=serialize_data,
            pipeline=built_transforms(pipeline, f"{type(self).__name__}.pipeline"),
            test_mode=test_mode,
            lazy_init=True,
            max_refetch=max_refetch,
        )
        self.pipeline = composed(self.pipeline.transforms)
        if test_mode and all(part.whole and part.keypoints == ("keypoints",) for part in self.INSTANCE_FIELDS):
            self._metainfo["ann_file"] = self.ann_file
        keypoints = keypoint_set(self._metainfo)
        self._item_metainfo = ItemMetainfo(keypoints, keypoints.name)
        if not lazy_init:
            self.full_init()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "parse_data_info" in cls.__dict__:
            raise TypeError(
                f"{cls.__name__}.parse_data_info is never called: annotations are read as columns, not one by one. "
                f"Override load_data_list instead; it may return a list of data_info dicts."
            )

    @classmethod
    def _load_metainfo(cls, metainfo: Optional[Mapping[str, Any]] = None) -> dict[str, Any]:
        chosen = cls.METAINFO if metainfo is None else metainfo
        if not chosen:
            raise ValueError(
                f"{cls.__name__}: no metainfo; pass metainfo=dict(from_file='configs/_base_/datasets/coco.py') or the "
                f"file of your own keypoint set, or set METAINFO on the class"
            )
        return parse_pose_metainfo(chosen)

    def full_init(self) -> None:
        """Read the files and select the items; does nothing the second time.

        Raises:
            FileNotFoundError, ValueError: as the constructor.
        """
        if self._fully_initialized:
            return
        self._tally: list[str] = []
        self.data_list = _as_items(self.load_data_list())
        self.data_list = _as_items(self.filter_data())
        if self._indices is not None:
            self.data_list = self.data_list.take(selected(self._indices, len(self.data_list), type(self).__name__))
            self._tally.append(f"{len(self.data_list)} left by indices={self._indices!r}")
        if not len(self.data_list):
            raise ValueError(
                f"{type(self).__name__}: no item is left of {self.bbox_file or self.ann_file!r}: "
                f"{'; '.join(self._tally)}. Check that the file and data_mode={self.data_mode!r} are meant, "
                f"and loosen the filter that took the last items."
            )
        self._fully_initialized = True

    def load_data_list(self) -> Sequence[Mapping[str, Any]]:
        """The items before ``filter_cfg`` and ``indices``: a sequence of ``data_info`` dicts."""
        self._refuse_absent_files()
        num_keypoints = self._metainfo["num_keypoints"]
        if self.bbox_file:
            return self._load_detections(num_keypoints)
        self.persons = table = CachedReading.of(self).persons()
        self._set_classes(table.categories)
        self._tally.append(
            f"{table.num_annotations} annotations of {len(table.images)} images, "
            f"{len(table)} of them with bbox and keypoints"
        )
        images, rows = None, None
        for words, kept in self.image_filters(table.images).items():
            images = kept if images is None else images & kept
            rows = np.flatnonzero(images[table.image_row]).astype(np.int32)
            self._tally.append(f"{len(rows)} left by {words}")
        if self.test_mode:
            self._refuse_repeated_ids(table.id if rows is None else table.id[rows])
        if self.data_mode == "topdown":
            return self._topdown_items(table, rows)
        return BottomupItems.of(table, self.data_prefix["img"], images, with_empty=self.test_mode)

    def files_beside(self) -> list[str]:
        """Further local files that :meth:`read_annotations` reads."""
        return []

    def read_annotations(self, path: str, *, with_outlines: bool, with_raw: bool) -> CocoFile:
        """The persons of the annotation file as columns; see :func:`read_coco_json` for the arguments."""
        return read_coco_json(
            path,
            self._metainfo["num_keypoints"],
            parts=self.INSTANCE_FIELDS,
            with_outlines=with_outlines,
            with_raw=with_raw,
        )

    def image_filters(self, images: ImageTable) -> dict[str, np.ndarray]:
        """What leaves out whole images: its words in the config to (I,) bool, the images that it keeps."""
        if self.sample_interval == 1:
            return {}
        return {f"sample_interval={self.sample_interval}": images.id % self.sample_interval == 0}

    def filter_data(self) -> Sequence[Mapping[str, Any]]:
        """The items of ``data_list`` that ``filter_cfg`` leaves."""
        threshold = (self.filter_cfg or {}).get("bbox_score_thr")
        if threshold is None:
            return self.data_list
        kept = self.data_list.take(self.data_list.bbox_scores() >= threshold)
        self._tally.append(f"{len(kept)} left by filter_cfg={dict(self.filter_cfg)}")
        return kept

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """The item ``idx`` before the pipeline: a new dict, with the metainfo that transforms need and ``sample_idx``.

        Raises:
            IndexError: unless ``-len(self) <= idx < len(self)``.
        """
        if not self._fully_initialized:
            self.full_init()
        info = self.data_list[idx]
        info.update(self._item_metainfo)
        info["sample_idx"] = int(idx if idx >= 0 else len(self.data_list) + idx)
        return info

    def __getitem__(self, idx: int) -> Any:
        """The item ``idx`` after the pipeline; in training the next one in a circle where the pipeline drops it.

        A ``DrawIndex`` with a key decides all that is random in it.

        Raises:
            IndexError: unless ``-len(self) <= idx < len(self)``.
            RuntimeError: if the item was dropped in test mode, or ``max_refetch`` more in training.
        """
        size = len(self)
        if not -size <= idx < size:
            raise IndexError(f"{type(self).__name__}: item {idx} is outside of a data set of {size} items")
        if getattr(idx, "key", None) is None:
            return self._kept_item(idx % size, size)
        with ItemRandomness(idx):
            return self._kept_item(idx % size, size)

    def _kept_item(self, idx: int, size: int) -> Any:
        item = self.prepare_data(idx)
        if item is not None:
            return item
        return item_after_dropped(
            self.prepare_data,
            idx,
            size,
            test_mode=self.test_mode,
            max_refetch=self.max_refetch,
            place=type(self).__name__,
        )

    def items_together(self, indices: Sequence[int]) -> Optional[list[dict[str, Any]]]:
        """The items ``indices``, 0 to ``len(self) - 1``, as :meth:`__getitem__` gives them, but sooner.

        None unless this is top-down training data whose pipeline does nothing but convert keypoints: then nothing is
        random in an item, and none is dropped.
        """
        own = makes_items_as(self, CocoStyleDataset) and isinstance(self.data_list, TopdownItems)
        alike = (getattr(transform, "converts_instances_alike", False) for transform in self.pipeline.transforms)
        if not own or not self.data_list.can_come_together or not all(alike):
            return None
        return self.data_list.items(np.array(indices, dtype=np.int64), self.pipeline, self._item_metainfo)

    def get_cat_ids(self, idx: int) -> list[int]:
        """The category of each box of item ``idx``, for MMEngine's ``ClassBalancedDataset``."""
        if self.bbox_file:
            return [DETECTED_CATEGORY]
        return np.ravel(self.get_data_info(idx).get("category_id", [])).astype(int).tolist()

    def __len__(self) -> int:
        if not self._fully_initialized:
            self.full_init()
        return len(self.data_list)

    def get_subset_(self, indices: Indices) -> None:
        """Keep the first (int), the last (negative int) or the listed items, in place."""
        self.full_init()
        self.data_list = self.data_list.take(selected(indices, len(self.data_list), type(self).__name__))

    def get_subset(self, indices: Indices) -> CocoStyleDataset:
        """The data set of the first (int), the last (negative int) or the listed items."""
        self.full_init()
        # An own memo: the default one of MMEngine is shared by all calls and may hold the copies of freed objects.
        subset = self._copy_without_annotation({})
        subset.data_list = self.data_list.take(selected(indices, len(self.data_list), type(self).__name__))
        return subset

    def _findings(
        self, test_mode: bool, data_prefix: Mapping[str, str], filter_cfg: Optional[Mapping[str, Any]]
    ) -> list[str]:
        """What contradicts itself in the arguments."""
        found = []
        if self.data_mode not in ("topdown", "bottomup"):
            found.append(f"data_mode={self.data_mode!r}; allowed are 'topdown' and 'bottomup'")
        if self.bbox_file and self.data_mode != "topdown":
            found.append(f"bbox_file with data_mode={self.data_mode!r}; detected boxes need data_mode='topdown'")
        if self.bbox_file and not test_mode:
            found.append("bbox_file with test_mode=False; detected boxes carry no keypoints to train on")
        interval = self.sample_interval
        if not isinstance(interval, int) or isinstance(interval, bool) or interval < 1:
            found.append(f"sample_interval={interval!r}; give an integer from 1")
        elif interval != 1 and self.bbox_file:
            found.append(f"sample_interval={interval} with bbox_file; it selects annotated images only")
        if set(data_prefix) != {"img"}:
            found.append(f"data_prefix={dict(data_prefix)}; give dict(img=FOLDER)")
        unknown = [key for key in filter_cfg or {} if key not in self.FILTERS]
        threshold = (filter_cfg or {}).get("bbox_score_thr", 0)
        if unknown:
            allowed = "allowed is" if len(self.FILTERS) == 1 else "allowed are"
            found.append(f"filter_cfg has unknown keys {unknown}; {allowed} {', '.join(map(repr, self.FILTERS))}")
        elif not isinstance(threshold, (int, float)) or isinstance(threshold, bool):
            found.append(f"filter_cfg bbox_score_thr={threshold!r}; give a number")
        elif "bbox_score_thr" in (filter_cfg or {}) and self.data_mode == "bottomup":
            found.append("filter_cfg bbox_score_thr with data_mode='bottomup'; it selects boxes in 'topdown' only")
        return found

    def _refuse_absent_files(self) -> None:
        name = type(self).__name__
        if not self.ann_file:
            raise ValueError(f"{name}: ann_file is empty; give the path of a COCO annotation file")
        if not exists(self.ann_file):
            raise FileNotFoundError(
                f"{name}: there is no annotation file {self.ann_file!r} "
                f"(data_root={self.data_root!r}, ann_file={self._given_ann_file!r}, working directory {os.getcwd()!r})"
            )
        if self.bbox_file and not exists(self.bbox_file):
            raise FileNotFoundError(
                f"{name}: there is no bbox_file {self.bbox_file!r} (working directory {os.getcwd()!r}); "
                f"unlike ann_file it is not relative to data_root={self.data_root!r}"
            )

    def _set_classes(self, categories: Optional[list[dict[str, Any]]]) -> None:
        if categories is not None:
            self._metainfo["CLASSES"] = categories

    def _load_detections(self, num_keypoints: int) -> Items:
        with get_local_path(self.ann_file) as path:
            images, categories = read_coco_images(path)
        with get_local_path(self.bbox_file) as path:
            boxes = read_detections_json(path, images, DETECTED_CATEGORY)
        self._set_classes(categories)
        self._tally.append(f"{len(boxes)} boxes of category_id {DETECTED_CATEGORY} in {len(images)} images")
        return DetectionItems(ImagePaths(self.data_prefix["img"], images), boxes, num_keypoints)

    def _refuse_repeated_ids(self, ids: np.ndarray) -> None:
        distinct, counts = np.unique(ids, return_counts=True)
        repeated = distinct[counts > 1].tolist()
        if repeated:
            raise ValueError(
                f"{type(self).__name__}: {self.ann_file}: {len(repeated)} annotation ids occur more than once "
                f"({', '.join(map(str, repeated[:5]))}{', ...' if len(repeated) > 5 else ''}). "
                f"With test_mode=True they must differ, because the evaluation tells persons apart by id."
            )

    def _topdown_items(self, table: PersonTable, rows: Optional[np.ndarray]) -> Items:
        """The items of the ``rows`` (None: of all) that can be trained on."""
        prefix = self.data_prefix["img"]
        trainable = table.trainable if rows is None else rows[table.fault[rows] == 0]
        if len(trainable) < (len(table) if rows is None else len(rows)):
            chosen = slice(None) if rows is None else rows
            counts = {reason: int(mask[chosen].sum()) for reason, mask in table.faults().items()}
            reasons = ", ".join(f"{count} {reason}" for reason, count in counts.items() if count)
            self._tally.append(f"{len(trainable)} left of the persons that can be trained on ({reasons})")
        return TopdownItems(table, prefix, trainable)


def _as_items(items: Sequence[Mapping[str, Any]]) -> Items:
    return items if isinstance(items, Items) else DictItems(items)
