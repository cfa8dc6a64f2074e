"""Small COCO files of three keypoints per person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest


def coco_image(image_id: int = 1, **fields: Any) -> dict[str, Any]:
    return {"id": image_id, "file_name": f"{image_id}.jpg", "width": 64, "height": 48, **fields}


def coco_person(annotation_id: int = 1, image_id: int = 1, **fields: Any) -> dict[str, Any]:
    keypoints = [10, 11, 2, 20, 21, 1, 0, 0, 0]
    box = [5, 6, 30, 20.5]
    return {
        "id": annotation_id, "image_id": image_id, "category_id": 1, "bbox": box, "keypoints": keypoints, **fields,
    }  # fmt: skip


@pytest.fixture
def write_coco(tmp_path: Path) -> Callable[..., Path]:
    """A function: images, annotations, further fields -> the path of the file."""

    def write(images: list[Any], annotations: Any, **fields: Any) -> Path:
        path = tmp_path / "persons.json"
        path.write_text(json.dumps({"info": {}, "images": images, "annotations": annotations, **fields}))
        return path

    return write


@pytest.fixture
def image() -> Callable[..., dict[str, Any]]:
    """A function: id, further fields -> an entry of ``images``."""
    return coco_image


@pytest.fixture
def person() -> Callable[..., dict[str, Any]]:
    """A function: id, image id, further fields -> an entry of ``annotations``."""
    return coco_person
