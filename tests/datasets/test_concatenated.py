"""ConcatDataset of this scope: MMEngine's, which also takes test data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mmengine.dataset import ConcatDataset as RootConcatDataset
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import DefaultScope

from mmpose_mix.datasets import AicDataset, CocoDataset, CocoStyleDataset, ConcatDataset


def test_test_data_of_two_files_names_no_annotation_file(trio, tmp_path: Path) -> None:
    other = shutil.copy(tmp_path / "trio.json", tmp_path / "other.json")
    first = CocoStyleDataset(**trio, test_mode=True)
    second = CocoStyleDataset(**{**trio, "ann_file": str(other)}, test_mode=True)
    with pytest.raises(ValueError, match="does not match"):
        RootConcatDataset([first, second])
    both = ConcatDataset([first, second])
    assert len(both) == len(first) + len(second)
    assert "ann_file" not in both.metainfo
    assert both.metainfo["num_keypoints"] == 3
    assert both[len(first)]["raw_ann_info"] == second[0]["raw_ann_info"]


def test_test_data_of_one_file_keeps_its_name(trio) -> None:
    parts = [CocoStyleDataset(**trio, test_mode=True, indices=some) for some in ([0], [1, 2])]
    assert ConcatDataset(parts).metainfo["ann_file"] == parts[0].metainfo["ann_file"]


def test_training_data_is_not_asked_for_a_file(trio) -> None:
    assert len(ConcatDataset([CocoStyleDataset(**trio), CocoStyleDataset(**trio)])) == 6


@pytest.mark.parametrize("ignore_keys", [None, "dataset_name", ["dataset_name"]])
def test_other_keys_may_not_differ(pose_samples: Path, ignore_keys) -> None:
    coco = CocoDataset(ann_file=str(pose_samples / "coco" / "test_coco.json"))
    aic = AicDataset(ann_file=str(pose_samples / "aic" / "test_aic.json"))
    with pytest.raises(ValueError, match="does not match"):
        ConcatDataset([coco, aic], ignore_keys=ignore_keys)


def test_the_bare_name_in_this_scope_is_this_class(trio) -> None:
    source = {"type": "CocoStyleDataset", **trio}
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        assert type(ROOT_DATASETS.build({"type": "ConcatDataset", "datasets": [source]})) is ConcatDataset
    assert ROOT_DATASETS.get("ConcatDataset") is RootConcatDataset
