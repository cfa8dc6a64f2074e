"""One drawn person, as a data set hands it to the pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

COCO_FLIP_INDICES = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]


def person_sample(label_weight: bool = False, **changes: Any) -> dict[str, Any]:
    """An upright person of 17 keypoints in a 120 x 90 image; three keypoints are not visible.

    Args:
        label_weight: ``keypoints_visible`` (1, 17, 2), as after a conversion that leaves keypoints 1 to 4 unlabelled.
        changes: keys to replace; None removes one.
    """
    k = np.arange(17)
    keypoints = np.stack((60 + 14 * np.sin(k * 1.7), 12 + 4.3 * k), axis=-1).astype(np.float32)[None]
    visible = np.isin(k, (3, 9, 14), invert=True).astype(np.float32)[None]
    labelled = np.isin(k, (1, 2, 3, 4), invert=True).astype(np.float32)[None]
    sample = {
        "img": np.random.RandomState(0).randint(0, 256, (90, 120, 3)).astype(np.uint8),
        "img_shape": (90, 120),
        "ori_shape": (90, 120),
        "img_id": 3,
        "id": 5,
        "category_id": 1,
        "bbox": np.array([[38, 8, 83, 86]], np.float32),
        "bbox_score": np.ones(1, np.float32),
        "keypoints": keypoints,
        "keypoints_visible": np.stack((visible * labelled, labelled), axis=-1) if label_weight else visible,
        "flip_indices": COCO_FLIP_INDICES,
        "upper_body_ids": list(range(11)),
        "lower_body_ids": list(range(11, 17)),
        "dataset_keypoint_weights": np.linspace(1, 1.5, 17).astype(np.float32),
        "dataset_name": "coco",
        **changes,
    }
    return {key: value for key, value in sample.items() if value is not None}


@pytest.fixture
def person() -> Any:
    """The function ``person_sample``."""
    return person_sample
