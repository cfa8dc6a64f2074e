"""Annotation files of persons that are drawn by dice: what the benchmarks of loading and mixing read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

BODIES = 1009
"""Persons that are drawn; larger files repeat them under new ids."""

CATEGORY = {"id": 1, "name": "person", "supercategory": "person"}


def write_annotations(path: Path, persons: int, keypoints: int, seed: int) -> None:
    """Write a COCO-style file of persons, two to an image of 640 x 480, with polygons as COCO's."""
    bodies = [json.dumps(_body(np.random.default_rng((seed, i)), keypoints))[1:-1] for i in range(min(persons, BODIES))]
    images = [{"id": i, "file_name": f"{i:012d}.jpg", "width": 640, "height": 480} for i in range((persons + 1) // 2)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'{{"images": {json.dumps(images)}, "categories": [{json.dumps(CATEGORY)}], "annotations": [')
        for i in range(persons):
            comma = ", " if i else ""
            file.write(f'{comma}{{"id": {i + 1}, "image_id": {i // 2}, {bodies[i % len(bodies)]}}}')
        file.write("]}")


def write_mpii_list(path: Path, persons: int, seed: int) -> None:
    """Write a list of persons as MMPose distributes MPII."""
    points = np.random.default_rng(seed).uniform(1, 479, (persons, 16, 2)).round(1)
    entries = [
        {
            "image": f"{i // 2:09d}.jpg",
            "center": [320.0, 240.0],
            "scale": 1.2,
            "joints": joints.tolist(),
            "joints_vis": [1] * 16,
        }
        for i, joints in enumerate(points)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries))


BODY8 = {
    "coco/annotations/person_keypoints_train2017.json": (130_000, 17),
    "aic/annotations/aic_train.json": (120_000, 14),
    "crowdpose/annotations/mmpose_crowdpose_trainval.json": (35_000, 14),
    "jhmdb/annotations/Sub1_train.json": (10_000, 15),
    "halpe/annotations/halpe_train_v1.json": (20_000, 136),
    "posetrack18/annotations/posetrack18_train.json": (40_000, 17),
    "ochuman/annotations/ochuman_coco_format_val_range_0.00_1.00.json": (4_000, 17),
    "coco/annotations/person_keypoints_val2017.json": (6_000, 17),
}
"""Files of the mixture body8 below ``data``, beside MPII's list: persons and keypoints; 333 MB altogether."""


def write_body8(root: Path) -> int:
    """Write the annotation files of body8 below ``root/data``; how many bytes they are."""
    for place, (name, (persons, keypoints)) in enumerate(BODY8.items()):
        write_annotations(root / "data" / name, persons, keypoints, seed=place)
    write_mpii_list(root / "data" / "mpii" / "annotations" / "mpii_train.json", 22_000, seed=0)
    return sum(file.stat().st_size for file in (root / "data").rglob("*.json"))


def _body(generator: np.random.Generator, keypoints: int) -> dict[str, Any]:
    points = np.concatenate(
        [generator.uniform(1, 479, (keypoints, 2)).round(1), generator.integers(0, 3, (keypoints, 1))], axis=1
    )
    points[0, 2] = 2
    return {
        "category_id": 1,
        "bbox": [10.0, 20.0, 200.5, 300.25],
        "area": 60200.1,
        "iscrowd": 0,
        "num_keypoints": int((points[:, 2] > 0).sum()),
        "keypoints": points.reshape(-1).tolist(),
        "segmentation": [generator.uniform(0, 480, 40).round(2).tolist()],
    }
