"""A tiny data set of three keypoints, and samples that predict it."""

from __future__ import annotations

import numpy as np

META = {"dataset_name": "tiny", "num_keypoints": 3, "sigmas": np.array([0.05, 0.05, 0.1], dtype=np.float32)}


def annotation(number: int, image_id: int, left: float = 10.0, **changes) -> dict:
    """A person of 40 x 80 pixels whose box begins at x = ``left``."""
    keypoints = [left + 5, 15, 2, left + 20, 40, 2, left + 30, 80, 1]
    common = {"id": number, "image_id": image_id, "category_id": 1, "bbox": [left, 10, 40, 80]}
    return {**common, "keypoints": keypoints, "num_keypoints": 3, "area": 2000.0, "iscrowd": 0, **changes}


def sample(of: dict, offset: float = 0.0, score: float = 0.9, **changes) -> dict:
    """A data sample that predicts the annotation's keypoints, ``offset`` pixels to the right."""
    keypoints = np.array(of["keypoints"], dtype=np.float32).reshape(1, -1, 3)[..., :2] + np.float32([offset, 0])
    x, y, w, h = of["bbox"]
    predicted = {
        "keypoints": keypoints,
        "keypoint_scores": np.full(keypoints.shape[:2], score, dtype=np.float32),
        "bboxes": np.array([[x, y, x + w, y + h]], dtype=np.float32),
    }
    annotated = {"bbox_scores": np.ones(1, dtype=np.float32), "bbox_scales": np.array([[60, 80]], dtype=np.float32)}
    common = {"id": of["id"], "img_id": of["image_id"], "category_id": of["category_id"], "ori_shape": (100, 200)}
    return {**common, "raw_ann_info": of, "pred_instances": predicted, "gt_instances": annotated, **changes}


def dataset(annotations: list, **image_keys) -> dict:
    """A COCO data set of the images that the annotations name."""
    images = [
        {"id": number, "width": 200, "height": 100, "file_name": f"{number}.jpg", **image_keys}
        for number in sorted({a["image_id"] for a in annotations})
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
