"""Small data sets of three keypoints per person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

TRIO = {
    "dataset_name": "trio",
    "keypoint_info": {
        0: {"name": "nose", "id": 0, "type": "upper", "swap": ""},
        1: {"name": "left", "id": 1, "type": "upper", "swap": "right"},
        2: {"name": "right", "id": 2, "type": "lower", "swap": "left"},
    },
    "skeleton_info": {0: {"link": ("nose", "left"), "id": 0}},
    "joint_weights": [1.0, 1.5, 1.5],
    "sigmas": [0.02, 0.03, 0.03],
}
IMAGES = [{"id": image_id, "file_name": f"{image_id}.jpg", "width": 64, "height": 48} for image_id in (4, 2, 7, 8)]
PERSONS = [
    {"id": 0, "image_id": 2, "keypoints": [9, 9, 2, 19, 9, 1, 9, 29, 0.5], "bbox": [4, 4, 90, 20], "area": 300.5},
    {"id": 1, "image_id": 4, "keypoints": [8, 8, 2, 0, 0, 0, 0, 0, 0], "bbox": [1, 2, 10, 20], "num_keypoints": 1},
    {"id": 2, "image_id": 2, "keypoints": [0] * 9, "bbox": [1, 2, 3, 4], "segmentation": [[1, 1, 3, 1, 3, 3]]},
    {"id": 3, "image_id": 4, "keypoints": [5, 6, 2] * 3, "bbox": [2, 2, 8, 8], "segmentation": [[0, 0, 2, 0, 2, 2]]},
    {"id": 4, "image_id": 8, "keypoints": [5, 6, 2] * 3, "bbox": [2, 2, 8, 8], "iscrowd": 1,
     "segmentation": {"size": [48, 64], "counts": "abc"}},
]  # fmt: skip


def write_persons(path: Path, images: Any = IMAGES, persons: Any = PERSONS) -> Path:
    """A COCO file; the persons get a category."""
    annotations = [{"category_id": 1, **person} for person in persons]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1}]}))
    return path


@pytest.fixture
def trio(tmp_path: Path) -> dict[str, Any]:
    """Arguments of a data set: five persons in three of four images, two of them not fit for training."""
    write_persons(tmp_path / "trio.json")
    return {"ann_file": "trio.json", "data_root": str(tmp_path), "data_prefix": {"img": "pictures/"}, "metainfo": TRIO}


@pytest.fixture
def rewrite_trio(tmp_path: Path) -> Callable[..., Path]:
    """A function: images, persons -> the file of ``trio`` with other content."""

    def rewrite(images: Any = IMAGES, persons: Any = PERSONS) -> Path:
        return write_persons(tmp_path / "trio.json", images, persons)

    return rewrite
