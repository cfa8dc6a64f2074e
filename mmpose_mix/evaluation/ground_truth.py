"""Annotations as the evaluation wants them: complete, numbered from 1, with the right number of keypoints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Optional, TypedDict, TypeVar, Union

import msgspec
import numpy as np
from mmengine.fileio import get
from mmengine.logging import print_log

from mmpose_mix.annotations.json_file import located
from mmpose_mix.evaluation.predictions import to_array

# Area of a person relative to that of the box around it: CrowdPose's and MMPose's figure for files without areas.
AREA_OF_BOX = 0.53
_VISIBLE = 2

ConvertKeypoints = Callable[[np.ndarray], np.ndarray]
JoinKeypoints = Callable[[Mapping], Mapping]
_A = TypeVar("_A")


class _Image(TypedDict):
    id: int


class _CrowdedImage(_Image, total=False):
    crowdIndex: Optional[float]


class _Identified(TypedDict):
    id: int
    image_id: int
    category_id: int


class CocoAnnotation(_Identified, total=False):
    """What is read of an annotation."""

    bbox: Optional[list[float]]
    area: Optional[float]
    iscrowd: Optional[Union[bool, int]]
    num_keypoints: Optional[int]
    keypoints: Optional[list[float]]


class _File(msgspec.Struct, Generic[_A]):
    images: list[_CrowdedImage]
    annotations: Optional[list[_A]] = None
    categories: Optional[list[dict[str, Any]]] = None


def read_annotation_file(path: str, kind: type = CocoAnnotation, join: Optional[JoinKeypoints] = None) -> dict:
    """Read a COCO keypoint file: of its images and annotations the fields that the evaluation uses.

    Args:
        path: a local path, or any that MMEngine's file backends open.
        kind: the fields of an annotation that are read.
        join: gives an annotation with all its keypoints in ``keypoints``; they are there where it is not given.

    Returns:
        ``images``, ``annotations`` and ``categories``. ``annotations`` may be absent from the file (a test split); it
        is then an empty list.

    Raises:
        ValueError: where the file is missing, is no JSON, or is no COCO file.
    """
    try:
        content = msgspec.json.decode(get(path), type=_File[kind])
    except FileNotFoundError as error:
        raise ValueError(f"CocoMetric.ann_file: {path} does not exist.") from error
    except msgspec.ValidationError as error:
        raise ValueError(
            f"CocoMetric.ann_file: {located(error, path)}. A COCO file has a list 'images' (id) and a list "
            "'annotations' (id, image_id, category_id, bbox, keypoints) at its top level."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"CocoMetric.ann_file: {path} is no JSON: {error}.") from error
    annotations = content.annotations or []
    if join is not None:
        annotations = list(map(join, annotations))
    return {
        "images": content.images,
        "annotations": annotations,
        "categories": content.categories or _categories_of(annotations),
    }


def annotations_of_sample(
    sample: Mapping, num_keypoints: Optional[int] = None, join: Optional[JoinKeypoints] = None
) -> dict:
    """The annotations that a test sample carries.

    Args:
        sample: has ``img_id``, ``ori_shape`` (h, w) and ``raw_ann_info``: a COCO annotation, a list of them, or None;
            may have ``crowd_index``.
        num_keypoints: the target's. The keypoints of ``gt_instances`` take the place of the raw ones, which are as the
            source has them, before its converter: in another order, or of another number.
        join: gives a raw annotation with all its keypoints in ``keypoints``; they are there where it is not given.

    Returns:
        ``image_id``, ``width``, ``height``, ``crowd_index`` (or None) and ``annotations``, a list in which None stands
        for nothing.

    Raises:
        ValueError: where the sample carries no annotations.
    """
    missing = [key for key in ("ori_shape", "raw_ann_info") if key not in sample]
    if missing:
        raise ValueError(
            "CocoMetric: without an annotation file the samples must carry their annotations, but sample "
            f"{sample['id']} of image {sample['img_id']} lacks {', '.join(missing)}. Give CocoMetric an ann_file, or "
            "build the data set with test_mode=True and pack these keys (PackPoseInputs' meta_keys)."
        )
    annotations = sample["raw_ann_info"]
    annotations = list(annotations) if isinstance(annotations, (list, tuple)) else [annotations]
    if join is not None:
        annotations = [annotation if annotation is None else join(annotation) for annotation in annotations]
    if num_keypoints is not None:
        annotations = _in_target_keypoints(annotations, sample, num_keypoints)
    height, width = sample["ori_shape"]
    return {
        "image_id": int(sample["img_id"]),
        "width": int(width),
        "height": int(height),
        "crowd_index": sample.get("crowd_index"),
        "annotations": annotations,
    }


def gathered(samples: Iterable[Mapping]) -> dict:
    """Gather the annotations that test samples carry, each image and each annotation once.

    Args:
        samples: what :func:`annotations_of_sample` gave of each.

    Returns:
        A data set with ``images``, ``annotations`` and ``categories``; the annotations' ``image_id`` is the sample's.
    """
    images: dict[int, dict] = {}
    annotations: dict[tuple, dict] = {}
    for sample in samples:
        image_id = sample["image_id"]
        image = {"id": image_id, "width": sample["width"], "height": sample["height"]}
        if sample["crowd_index"] is not None:
            image["crowdIndex"] = sample["crowd_index"]
        images.setdefault(image_id, image)
        for annotation in sample["annotations"]:
            if annotation is not None:
                annotations.setdefault((image_id, annotation["id"]), dict(annotation, image_id=image_id))
    found = list(annotations.values())
    return {"images": list(images.values()), "annotations": found, "categories": _categories_of(found)}


def complete(
    dataset: Mapping,
    origin: str,
    num_keypoints: int,
    use_area: bool = True,
    crowd: bool = False,
    convert: Optional[ConvertKeypoints] = None,
) -> dict:
    """Fill what the evaluation asks for, so that it counts as MMPose's does.

    * Annotations are numbered from 1: pycocotools takes id 0 for "not matched" and loses the match.
    * ``num_keypoints`` is counted anew: an annotation none of whose keypoints is labelled is an ignore region.
      CrowdPose has numbers of its own (visible keypoints only), which stay.
    * ``area`` is ``0.53 * w * h`` of the box where ``use_area`` is false or the file has none; ``iscrowd`` is 0 where
      the file has none.
    * An annotation with a box but without keypoints becomes an ignore region; one without a box is left out.
    * Categories have names, and ``keypoints`` are rows of one array.

    Args:
        dataset: ``images``, ``annotations``, ``categories`` as in a COCO file; not changed.
        origin: where the annotations come from, for messages.
        num_keypoints: K.
        use_area: whether the annotated areas are used.
        crowd: whether CrowdPose's numbers are computed.
        convert: (M, Ks, 3) annotated keypoints to (M, K, 3).

    Returns:
        A new data set of the same three lists.

    Raises:
        ValueError: where an annotation has another number of keypoints, or an image lacks CrowdPose's crowd index.
    """
    if crowd:
        _check_crowd_index(dataset["images"], origin)
    kept = [annotation for annotation in dataset["annotations"] if annotation.get("bbox")]
    poses = _poses(kept, num_keypoints, origin, convert)
    counts = _labelled_keypoints(kept, poses, crowd, convert is not None)
    areas = _areas(kept, use_area, origin)
    flat = poses.reshape(len(kept), 3 * num_keypoints)
    annotations = [
        {
            "id": number,
            "image_id": annotation["image_id"],
            "category_id": annotation["category_id"],
            "bbox": annotation["bbox"],
            "area": area,
            "iscrowd": int(annotation.get("iscrowd") or 0),
            "keypoints": keypoints,
            "num_keypoints": count,
        }
        for number, (annotation, keypoints, area, count) in enumerate(zip(kept, flat, areas, counts), start=1)
    ]
    categories = [{"id": category["id"], "name": str(category.get("name", "?"))} for category in dataset["categories"]]
    return {"images": dataset["images"], "annotations": annotations, "categories": categories}


def _areas(annotations: Sequence[Mapping], use_area: bool, origin: str) -> list[float]:
    without = sum(annotation.get("area") is None for annotation in annotations)
    if use_area and without:
        print_log(
            f"CocoMetric: {without} of {len(annotations)} annotations in {origin} have no area; {AREA_OF_BOX} * w * h "
            "of the box stands in for it (use_area=False does so for all of them).",
            logger="current",
        )
    areas = [annotation.get("area") if use_area else None for annotation in annotations]
    return [
        AREA_OF_BOX * annotation["bbox"][2] * annotation["bbox"][3] if area is None else area
        for annotation, area in zip(annotations, areas)
    ]


def _labelled_keypoints(annotations: Sequence[Mapping], poses: np.ndarray, crowd: bool, converted: bool) -> list[int]:
    counted = poses[:, :, 2] == _VISIBLE if crowd else poses[:, :, 2] > 0
    counts = np.count_nonzero(counted, axis=1).tolist()
    if not crowd or converted:
        return counts
    return [annotation.get("num_keypoints", count) for annotation, count in zip(annotations, counts)]


def _poses(
    annotations: Sequence[Mapping], num_keypoints: int, origin: str, convert: Optional[ConvertKeypoints]
) -> np.ndarray:
    """(M, K, 3) float64; zeros for an annotation without keypoints."""
    rows_of_length: dict[int, list[int]] = defaultdict(list)
    for row, annotation in enumerate(annotations):
        flat = annotation.get("keypoints")
        if flat is not None and len(flat):
            rows_of_length[np.size(flat)].append(row)
    _check_lengths(rows_of_length, annotations, origin, None if convert else num_keypoints)
    poses = np.zeros((len(annotations), num_keypoints, 3))
    for rows in rows_of_length.values():
        found = np.array([annotations[row]["keypoints"] for row in rows], dtype=np.float64).reshape(len(rows), -1, 3)
        poses[rows] = found if convert is None else convert(found)
    return poses


def _check_lengths(
    rows_of_length: Mapping[int, Sequence[int]], annotations: Sequence[Mapping], origin: str, expected: Optional[int]
) -> None:
    for length, rows in rows_of_length.items():
        if length % 3:
            raise ValueError(
                f"CocoMetric: annotation {annotations[rows[0]]['id']} has {length} keypoint numbers; expected x, y, "
                "visibility each."
            )
    wrong = {length // 3: rows[-1] for length, rows in rows_of_length.items() if length // 3 != expected}
    if wrong and expected is not None:
        found = ", ".join(f"{number} (annotation {annotations[row]['id']})" for number, row in sorted(wrong.items()))
        raise ValueError(
            f"CocoMetric: the data set's keypoint set has {expected} keypoints, but annotations in {origin} have "
            f"{found}. Evaluate with the metainfo of the annotations' own keypoint set, or convert them with "
            "gt_converter=dict(num_keypoints=..., mapping=[(from, to), ...])."
        )


def _in_target_keypoints(annotations: list, sample: Mapping, num_keypoints: int) -> list:
    """The annotations; the one of a top-down sample with the keypoints that went through the pipeline."""
    converted = sample.get("gt_instances", {})
    if len(annotations) != 1 or annotations[0] is None or "keypoints" not in converted:
        return annotations
    keypoints, visible = to_array(converted["keypoints"]), to_array(converted["keypoints_visible"])
    if keypoints.shape[:2] != (1, num_keypoints):
        return annotations
    visible = visible[..., 0] if visible.ndim == 3 else visible
    triples = np.concatenate([keypoints[0, :, :2], 2 * visible[0][:, None]], axis=1)
    return [{**annotations[0], "keypoints": triples.ravel().tolist()}]


def _check_crowd_index(images: Sequence[Mapping], origin: str) -> None:
    lacking = [image["id"] for image in images if image.get("crowdIndex") is None]
    if lacking:
        raise ValueError(
            f"CocoMetric: iou_type='keypoints_crowd' needs a crowd index for each image; {len(lacking)} of "
            f"{len(images)} images in {origin} have none (first id: {lacking[0]}). Use iou_type='keypoints' for other "
            "data sets."
        )


def _categories_of(annotations: Iterable[Mapping]) -> list[dict]:
    return [{"id": number} for number in sorted({int(annotation["category_id"]) for annotation in annotations})]
