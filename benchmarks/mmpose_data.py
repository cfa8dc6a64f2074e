"""Annotation files and images for every data set of MMPose's mixtures, at the paths that its configs name."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmengine.registry import DATASETS as ROOT_DATASETS

from mmpose_mix.engine.checked_types import find_type
from mmpose_mix.metainfo import keypoint_set

_PART_FILES = Path(__file__).resolve().parents[1] / "tests" / "datasets" / "part_files.py"
WHOLE_BODIES = ("CocoWholeBodyDataset", "UBody2dDataset", "CocoWholeBodyFaceDataset", "CocoWholeBodyHandDataset")
CENTERED = ("WFLWDataset", "Face300WDataset")
LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")

# the tests are no installed package, and an environment may hold another one of that name
_spec = importlib.util.spec_from_file_location("part_files", _PART_FILES)
part_files = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(part_files)


def make_data(config: Mapping[str, Any], root: Path) -> None:
    """Write what the loaders of a config read, below ``root``, which stands for the working directory.

    Files that are there already stay: the same one may be named by several sources.

    Raises:
        ValueError: for a data set whose format is not known here.
    """
    for dataset in leaves(config):
        _make_one(dataset, root)


def leaves(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The config of every data set that reads files, in the loaders and in what hooks put in their place."""
    for loader in LOADERS:
        yield from _leaves_of((config.get(loader) or {}).get("dataset"))
    for hook in config.get("custom_hooks") or ():
        yield from _leaves_of(hook.get("new_train_dataset"))


def _leaves_of(dataset: Any) -> Iterator[Mapping[str, Any]]:
    if dataset is None:
        return
    if "datasets" in dataset:
        for inner in dataset["datasets"]:
            yield from _leaves_of(inner)
    elif "dataset" in dataset:
        yield from _leaves_of(dataset["dataset"])
    else:
        yield dataset


def _make_one(dataset: Mapping[str, Any], root: Path) -> None:
    kind = str(dataset["type"]).rpartition(".")[2]
    found = find_type(ROOT_DATASETS, f"mmpose_mix.{kind}")
    if found is None:
        raise ValueError(f"there is no data set {kind}")
    folder = root / (dataset.get("data_root") or "")
    annotations = folder / dataset["ann_file"]
    if not annotations.exists():
        annotations.parent.mkdir(parents=True, exist_ok=True)
        metainfo = dataset.get("metainfo") or found.METAINFO
        _write(kind, annotations, keypoint_set(metainfo).num_keypoints)
    if kind == "InterHand2DDoubleDataset":
        for name in ("camera_param_file", "joint_file"):
            written = annotations.parent / {"camera_param_file": "camera.json", "joint_file": "joint_3d.json"}[name]
            if not (folder / dataset[name]).exists():
                shutil.copy(written, folder / dataset[name])
    if dataset.get("bbox_file") and not (root / dataset["bbox_file"]).exists():
        _write_detections(root / dataset["bbox_file"])
    _draw(folder / (dataset.get("data_prefix") or {}).get("img", ""))


def _write(kind: str, path: Path, num_keypoints: int) -> None:
    if kind in WHOLE_BODIES:
        part_files.write_whole_bodies(path)
    elif kind in CENTERED:
        part_files.write_centered(path, num_keypoints)
    elif kind == "HumanArt21Dataset":
        part_files.write_human_art(path)
    elif kind == "InterHand2DDoubleDataset":
        written = part_files.write_interhand(path.parent)
        (path.parent / written["ann_file"]).rename(path)
    elif kind == "MpiiDataset":
        _write_mpii(path)
    elif kind == "HalpeHandDataset":
        part_files.write_plain(path, keypoint_set({"from_file": "configs/_base_/datasets/halpe.py"}).num_keypoints)
    else:
        part_files.write_plain(path, num_keypoints)


def _write_mpii(path: Path) -> None:
    """Three persons in MPII's list, numbers from 1."""
    persons = [
        {
            "image": _number_as_name(image),
            "center": [45.0 + place, 50.0],
            "scale": 0.4,
            "joints": np.reshape(part_files.points(16, place), (16, 3))[:, :2].tolist(),
            "joints_vis": [1, 1, 0, 1] * 4,
        }
        for place, image in enumerate(part_files.IMAGES)
    ]
    path.write_text(json.dumps(persons))


def _write_detections(path: Path) -> None:
    """A box of a person detector in every image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    boxes = [
        {"image_id": image["id"], "category_id": 1, "bbox": [5.0, 6.0, 50.0, 60.0], "score": 0.9}
        for image in part_files.IMAGES
    ]
    path.write_text(json.dumps(boxes))


def _number_as_name(image: Mapping[str, Any]) -> str:
    return f"{image['id']:09d}.jpg"


def _draw(folder: Path) -> None:
    """The images of the annotation files, of their sizes."""
    random = np.random.default_rng(0)
    for image in part_files.IMAGES:
        for path in (folder / image["file_name"], folder / _number_as_name(image)):
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), random.integers(0, 256, (image["height"], image["width"], 3), dtype=np.uint8))
