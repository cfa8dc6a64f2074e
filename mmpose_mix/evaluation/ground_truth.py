"""Annotations as the evaluation wants them: complete, numbered from 1, with the right number of keypoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Optional

import numpy as np
from mmengine.fileio import get_text
from mmengine.logging import print_log

from mmpose_mix.evaluation.predictions import to_array

# Area of a person relative to that of the box around it: CrowdPose's and MMPose's figure for files without areas.
AREA_OF_BOX = 0.53
_VISIBLE = 2

ConvertKeypoints = Callable[[np.ndarray], np.ndarray]


def read_annotation_file(path: str) -> dict:
    """Read a COCO keypoint file.

    Args:
        path: a local path, or any that MMEngine's file backends open.

    Returns:
        The file's content, with at least ``images``, ``annotations`` and ``categories``. ``annotations`` may be absent
        from the file (a test split); it is then an empty list.

    Raises:
        ValueError: where the file is missing, is no JSON, or has no images.
    """
    try:
        content = json.loads(get_text(path))
    except FileNotFoundError as error:
        raise ValueError(f"CocoMetric.ann_file: {path} does not exist.") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"CocoMetric.ann_file: {path} is no JSON: {error}.") from error
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise ValueError(f"CocoMetric.ann_file: {path} is no COCO file: it has no list 'images' at its top level.")
    annotations = content.get("annotations") or []
    categories = content.get("categories") or _categories_of(annotations)
    return {"images": content["images"], "annotations": annotations, "categories": categories}


def annotations_of_sample(sample: Mapping, num_keypoints: Optional[int] = None) -> dict:
    """The annotations that a test sample carries.

    Args:
        sample: has ``img_id``, ``ori_shape`` (h, w) and ``raw_ann_info``: a COCO annotation, a list of them, or None;
            may have ``crowd_index``.
        num_keypoints: the target's. The keypoints of ``gt_instances`` take the place of the raw ones, which are as the
            source has them, before its converter: in another order, or of another number.

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
    """Fill what pycocotools asks for, so that it counts as MMPose's evaluation does.

    * Annotations are numbered from 1: pycocotools takes id 0 for "not matched" and loses the match.
    * ``num_keypoints`` is counted anew: an annotation none of whose keypoints is labelled is an ignore region.
      CrowdPose has numbers of its own (visible keypoints only), which stay.
    * ``area`` is ``0.53 * w * h`` of the box where ``use_area`` is false or the file has none; ``iscrowd`` is 0 where
      the file has none.
    * An annotation with a box but without keypoints becomes an ignore region; one without a box is left out.

    Args:
        dataset: ``images``, ``annotations``, ``categories`` as in a COCO file; not changed.
        origin: where the annotations come from, for messages.
        num_keypoints: K.
        use_area: whether the annotated areas are used.
        crowd: whether CrowdPose's numbers are computed.
        convert: (Ks, 3) annotated keypoints to (K, 3).

    Returns:
        A new data set of the same three lists.

    Raises:
        ValueError: where an annotation has another number of keypoints, or an image lacks CrowdPose's crowd index.
    """
    if crowd:
        _check_crowd_index(dataset["images"], origin)
    kept = [annotation for annotation in dataset["annotations"] if annotation.get("bbox")]
    poses = [_pose(annotation, num_keypoints, convert) for annotation in kept]
    _check_pose_sizes(poses, kept, origin, num_keypoints)
    without_area = sum(annotation.get("area") is None for annotation in kept)
    if use_area and without_area:
        print_log(
            f"CocoMetric: {without_area} of {len(kept)} annotations in {origin} have no area; {AREA_OF_BOX} * w * h "
            "of the box stands in for it (use_area=False does so for all of them).",
            logger="current",
        )
    annotations = [
        _complete_annotation(annotation, pose, number, use_area, crowd, converted=convert is not None)
        for number, (annotation, pose) in enumerate(zip(kept, poses), start=1)
    ]
    return {"images": dataset["images"], "annotations": annotations, "categories": dataset["categories"]}


def _complete_annotation(
    annotation: Mapping, pose: np.ndarray, number: int, use_area: bool, crowd: bool, converted: bool
) -> dict:
    visibility = pose[:, 2]
    if not crowd:
        count = np.count_nonzero(visibility > 0)
    elif converted or "num_keypoints" not in annotation:
        count = np.count_nonzero(visibility == _VISIBLE)
    else:
        count = annotation["num_keypoints"]
    area = annotation.get("area") if use_area else None
    bbox = annotation["bbox"]
    return {
        "id": number,
        "image_id": annotation["image_id"],
        "category_id": annotation["category_id"],
        "bbox": bbox,
        "area": AREA_OF_BOX * bbox[2] * bbox[3] if area is None else area,
        "iscrowd": int(annotation.get("iscrowd") or 0),
        "keypoints": pose.ravel().tolist(),
        "num_keypoints": int(count),
    }


def _pose(annotation: Mapping, num_keypoints: int, convert: Optional[ConvertKeypoints]) -> np.ndarray:
    flat = annotation.get("keypoints")
    if not flat:
        return np.zeros((num_keypoints, 3))
    pose = np.asarray(flat, dtype=np.float64)
    if pose.size % 3:
        raise ValueError(
            f"CocoMetric: annotation {annotation['id']} has {pose.size} keypoint numbers; expected x, y, visibility "
            "each."
        )
    return pose.reshape(-1, 3) if convert is None else convert(pose.reshape(-1, 3))


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


def _check_pose_sizes(poses: Sequence[np.ndarray], annotations: Sequence[Mapping], origin: str, expected: int) -> None:
    wrong = {len(pose): annotation["id"] for pose, annotation in zip(poses, annotations) if len(pose) != expected}
    if wrong:
        found = ", ".join(f"{number} (annotation {example})" for number, example in sorted(wrong.items()))
        raise ValueError(
            f"CocoMetric: the data set's keypoint set has {expected} keypoints, but annotations in {origin} have "
            f"{found}. Evaluate with the metainfo of the annotations' own keypoint set, or convert them with "
            "gt_converter=dict(num_keypoints=..., mapping=[(from, to), ...])."
        )


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
