"""Average precision and recall of keypoints, computed by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Sequence

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval, Params

STAT_NAMES = ("AP", "AP .5", "AP .75", "AP (M)", "AP (L)", "AR", "AR .5", "AR .75", "AR (M)", "AR (L)")
# Where each statistic of CrowdPose that does not depend on crowding stands among pycocotools' ten.
_CROWD_STATS = {"AP": 0, "AP .5": 1, "AP .75": 2, "AR": 5, "AR .5": 6, "AR .75": 7}
# Bounds of the crowd index, from the CrowdPose evaluation (Li et al. 2018).
_EASY_BELOW, _MEDIUM_BELOW = 0.2, 0.8


def keypoint_precision(ground_truth: COCO, detections: Sequence[dict], sigmas: np.ndarray) -> tuple[dict, str]:
    """COCO's ten keypoint statistics.

    Args:
        ground_truth: index over annotations of which each has id (from 1), bbox, area, iscrowd, keypoints and
            num_keypoints; those with ``num_keypoints`` 0 are ignore regions.
        detections: dicts of image_id, category_id, keypoints (3K numbers: x, y, score), score, and where known bbox
            (xywh).
        sigmas: (K,).

    Returns:
        The statistics by name, in [0, 1] or -1 where no annotation falls into the class, and pycocotools' table.
    """
    evaluation = _evaluation(ground_truth, detections, sigmas)
    with contextlib.redirect_stdout(io.StringIO()) as table:
        evaluation.summarize()
    return dict(zip(STAT_NAMES, map(float, evaluation.stats))), table.getvalue().rstrip()


def crowd_keypoint_precision(ground_truth: COCO, detections: Sequence[dict], sigmas: np.ndarray) -> tuple[dict, str]:
    """CrowdPose's nine statistics: AP and AR as COCO's, and AP over easy, medium and hard images.

    An image is easy below crowd index 0.2, hard from 0.8. The three are rounded to 4 digits, as the reference does.

    Args:
        ground_truth: as for :func:`keypoint_precision`; each image carries ``crowdIndex``.
        detections: as for :func:`keypoint_precision`.
        sigmas: (K,).

    Returns:
        The statistics by name and a table of them.
    """
    general, table = keypoint_precision(ground_truth, detections, sigmas)
    stats = {name: general[name] for name in _CROWD_STATS}
    lines = [table.splitlines()[row] for row in _CROWD_STATS.values()]
    classes: dict[str, list] = {"E": [], "M": [], "H": []}
    for image in ground_truth.dataset["images"]:
        crowding = image["crowdIndex"]
        classes["E" if crowding < _EASY_BELOW else "M" if crowding < _MEDIUM_BELOW else "H"].append(image["id"])
    for letter, image_ids in classes.items():
        evaluation = _evaluation(ground_truth, detections, sigmas, image_ids)
        stats[f"AP({letter})"] = round(float(np.mean(evaluation.eval["precision"][:, :, :, 0])), 4)
        lines.append(f" AP({letter}), {len(image_ids)} images: {stats[f'AP({letter})']:.3f}")
    return stats, "\n".join(lines)


def indexed(dataset: dict) -> COCO:
    """pycocotools' index over a data set of images, annotations and categories, without its printing."""
    coco = COCO()
    coco.dataset = dataset
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def _evaluation(
    ground_truth: COCO, detections: Sequence[dict], sigmas: np.ndarray, image_ids: Iterable[int] | None = None
) -> COCOeval:
    evaluation = COCOeval(ground_truth, _detection_index(ground_truth, detections), "keypoints")
    evaluation.params.kpt_oks_sigmas = sigmas
    if image_ids is not None:
        evaluation.params.imgIds = list(image_ids)
    if not evaluation.params.imgIds:
        evaluation.eval = _nothing_evaluated(evaluation.params)
        return evaluation
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def _nothing_evaluated(params: Params) -> dict:
    # pycocotools takes an empty list of images for all of them
    shape = [len(params.iouThrs), len(params.recThrs), 1, len(params.areaRng), len(params.maxDets)]
    return {"precision": -np.ones(shape), "recall": -np.ones(shape[:1] + shape[2:])}


def _detection_index(ground_truth: COCO, detections: Sequence[dict]) -> COCO:
    """``COCO.loadRes`` in words of ours: it refuses an empty list."""
    annotations = []
    for number, detection in enumerate(detections, start=1):
        scores = np.asarray(detection["keypoints"][2::3])
        if not (scores > 0).any():
            continue
        bbox = detection.get("bbox") or _extent(detection["keypoints"])
        annotations.append(dict(detection, id=number, iscrowd=0, bbox=bbox, area=bbox[2] * bbox[3]))
    images, categories = ground_truth.dataset["images"], ground_truth.dataset["categories"]
    return indexed({"images": images, "annotations": annotations, "categories": categories})


def _extent(keypoints: Sequence[float]) -> list[float]:
    x, y = keypoints[0::3], keypoints[1::3]
    return [min(x), min(y), max(x) - min(x), max(y) - min(y)]
