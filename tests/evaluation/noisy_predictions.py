"""Predictions made from annotations by adding noise: the same numbers wherever they are drawn, from numpy alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def predicted_samples(
    annotation_file: Path,
    detection_file: Path | None = None,
    copies: int = 1,
    noise: float = 0.2,
    lowest_box_score: float = 1.0,
) -> list[dict]:
    """Data samples in dict form, as an evaluator hands them to a metric.

    Boxes come from ``detection_file``, with their scores; without it, ``copies`` samples are made of each annotation,
    with box scores from ``lowest_box_score`` to 1.
    The keypoints are those of the annotation that overlaps the box most, moved by a normal error of which the standard
    deviation is drawn for each box from 0 to ``noise`` times its size.
    """
    random = np.random.RandomState(7)
    content = json.loads(Path(annotation_file).read_text())
    images = {image["id"]: image for image in content["images"]}
    annotations = [annotation for annotation in content["annotations"] if "keypoints" in annotation]
    if detection_file is None:
        boxes = [
            (a["image_id"], a["bbox"], random.uniform(lowest_box_score, 1)) for a in annotations for _ in range(copies)
        ]
    else:
        boxes = [(d["image_id"], d["bbox"], d["score"]) for d in json.loads(Path(detection_file).read_text())]
    samples = []
    for number, (image_id, bbox, score) in enumerate(boxes):
        rivals = [annotation for annotation in annotations if annotation["image_id"] == image_id]
        nearest = max(rivals, key=lambda annotation: _overlap(annotation["bbox"], bbox))
        samples.append(_sample(random, images[image_id], nearest, number, (bbox, score), noise))
    return samples


def _sample(random, image: dict, annotation: dict, number: int, box: tuple, noise: float) -> dict:
    truth = np.array(annotation["keypoints"], dtype=np.float64).reshape(-1, 3)
    (x, y, w, h), score = box
    error = random.standard_normal((len(truth), 2)) * np.sqrt(w * h) * random.uniform(0, noise)
    anywhere = random.uniform(size=(len(truth), 2)) * [w, h] + [x, y]
    keypoints = np.where(truth[:, 2:] > 0, truth[:, :2] + error, anywhere)
    keypoint_scores = random.uniform(size=len(truth)) * random.uniform(0.2, 1)
    if number % 17 == 5:
        keypoint_scores = np.zeros(len(truth))
    boxes_xyxy = np.array([[x, y, x + w, y + h]], dtype=np.float32)
    side = 1.25 * max(w, h * 0.75)
    annotated = {
        "bboxes": boxes_xyxy,
        "bbox_scores": np.array([score], dtype=np.float32),
        "bbox_scales": np.array([[side, side / 0.75]], dtype=np.float32),
    }
    return {
        "id": number,
        "img_id": image["id"],
        "category_id": 1,
        "ori_shape": (image["height"], image["width"]),
        "crowd_index": image.get("crowdIndex"),
        "raw_ann_info": {"iscrowd": 0, "area": w * h / 2, **annotation},
        "pred_instances": {
            "keypoints": keypoints[None].astype(np.float32),
            "keypoint_scores": keypoint_scores[None].astype(np.float32),
            "bboxes": boxes_xyxy,
        },
        "gt_instances": annotated,
    }


def _overlap(first: list, second: list) -> float:
    left, top = max(first[0], second[0]), max(first[1], second[1])
    right = min(first[0] + first[2], second[0] + second[2])
    bottom = min(first[1] + first[3], second[1] + second[3])
    shared = max(right - left, 0) * max(bottom - top, 0)
    return shared / (first[2] * first[3] + second[2] * second[3] - shared)
