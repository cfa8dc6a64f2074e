"""Data sets on cached columns: the same items in every process, nothing private, nothing writable."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from torch.utils.data import DataLoader

from mmpose_mix.annotations.coco_json import CocoFile
from mmpose_mix.datasets import CocoStyleDataset, JhmdbDataset, MpiiDataset
from mmpose_mix.engine.checked_sources import opened_source, read_source


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of one test."""
    monkeypatch.setenv("MMPOSE_MIX_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that data sets read, from now on."""
    read: list[str] = []
    honest = CocoStyleDataset.read_annotations

    def counting(self: CocoStyleDataset, path: str, **options: Any) -> CocoFile:
        read.append(Path(path).name)
        return honest(self, path, **options)

    monkeypatch.setattr(CocoStyleDataset, "read_annotations", counting)
    return read


def as_text(info: dict[str, Any]) -> str:
    """An item as text that tells types and dtypes apart."""
    return repr(
        {key: (value.dtype, value.tolist()) if isinstance(value, np.ndarray) else value for key, value in info.items()}
    )


def items(dataset: CocoStyleDataset) -> list[str]:
    return [as_text(dataset.get_data_info(index)) for index in range(len(dataset))]


@pytest.mark.parametrize("kind", [CocoStyleDataset, JhmdbDataset])
@pytest.mark.parametrize("options", [{}, {"test_mode": True}, {"data_mode": "bottomup"}, {"sample_interval": 4}])
def test_cached_items_are_those_that_were_read(
    trio: dict[str, Any], monkeypatch: pytest.MonkeyPatch, readings: list[str], kind: type, options: dict[str, Any]
) -> None:
    first, again = kind(**trio, **options), kind(**trio, **options)
    assert readings == ["trio.json"]
    monkeypatch.setenv("MMPOSE_MIX_CACHE", "off")
    fresh = kind(**trio, **options)
    assert items(first) == items(again) == items(fresh)
    assert first.metainfo["CLASSES"] == again.metainfo["CLASSES"] == [{"id": 1}]


def test_a_file_that_changed_is_read_anew(
    trio: dict[str, Any], rewrite_trio: Callable[..., Path], readings: list[str]
) -> None:
    before = len(CocoStyleDataset(**trio, data_mode="bottomup"))
    person = {"id": 0, "image_id": 2, "keypoints": [9, 9, 2] * 3, "bbox": [4, 4, 9, 20]}
    rewrite_trio(persons=[person])
    assert (before, len(CocoStyleDataset(**trio, data_mode="bottomup"))) == (3, 1)
    assert len(readings) == 2


def test_classes_that_read_the_same_file_in_another_way_do_not_share_columns(trio: dict[str, Any]) -> None:
    plain, shifted = CocoStyleDataset(**trio), JhmdbDataset(**trio)
    points = [dataset.get_data_info(0)["keypoints"] for dataset in (plain, shifted)]
    assert np.array_equal(points[0] - 1, points[1])


def test_a_class_that_reads_in_its_own_way_is_cached_only_with_a_reader_of_its_own(
    trio: dict[str, Any], folder: Path
) -> None:
    class Mine(CocoStyleDataset):
        def read_annotations(self, path: str, *, with_outlines: bool, with_raw: bool) -> CocoFile:
            return super().read_annotations(path, with_outlines=with_outlines, with_raw=with_raw)

    class Named(Mine):
        READER = ("mine", 3)

    assert Mine(**trio).persons.origin is None
    assert not folder.exists()
    assert Named(**trio).persons.origin.head["key"]["reading"]["reader"] == "mine"


def test_heads_that_changed_are_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person = {"image": "1.jpg", "center": [9, 9], "scale": 1, "joints": [[3, 3]] * 16, "joints_vis": [1] * 16}
    (tmp_path / "mpii.json").write_text(json.dumps([person]))
    heads = tmp_path / "heads.mat"
    monkeypatch.setattr(
        "mmpose_mix.datasets.body._head_sizes", lambda path: np.array([[float(Path(path).read_text())]])
    )
    sizes = []
    for text in ("1", "1", "20"):
        heads.write_text(text)
        options = {"data_root": str(tmp_path), "test_mode": True, "headbox_file": str(heads)}
        sizes.append(MpiiDataset("mpii.json", **options).get_data_info(0)["head_size"].item())
    assert sizes == [1, 1, 20]


def test_what_happens_to_an_item_reaches_neither_the_store_nor_the_file(trio: dict[str, Any], folder: Path) -> None:
    dataset = CocoStyleDataset(**trio, test_mode=True)
    before = items(dataset)
    (entry,) = folder.glob("*.columns")
    content = entry.read_bytes()
    for index in range(len(dataset)):
        info = dataset.data_list[index]
        for value in info.values():
            if isinstance(value, np.ndarray):
                value[...] = 77
        info["raw_ann_info"].clear()
    assert items(dataset) == before
    assert entry.read_bytes() == content


def test_choosing_items_copies_no_columns(trio: dict[str, Any]) -> None:
    dataset = CocoStyleDataset(**trio)
    subset = dataset.get_subset([1, 0])
    assert subset.data_list.persons is dataset.persons
    assert [subset.get_data_info(index)["id"] for index in (0, 1)] == [
        dataset.get_data_info(index)["id"] for index in (1, 0)
    ]
    assert dataset.data_list.rows is dataset.persons.trainable


@pytest.mark.parametrize("options", [{}, {"indices": 2}, {"data_mode": "bottomup"}])
def test_a_pickled_data_set_holds_no_columns(trio: dict[str, Any], options: dict[str, Any]) -> None:
    dataset = CocoStyleDataset(**trio, **options)
    again = pickle.loads(pickle.dumps(dataset))
    assert items(again) == items(dataset)
    assert again.persons.origin.identity == dataset.persons.origin.identity
    assert again.data_list.persons is again.persons
    if not options:
        assert again.data_list.rows is again.persons.trainable


def test_a_data_set_is_pickled_by_value_once_its_cache_is_gone(trio: dict[str, Any], folder: Path) -> None:
    dataset = CocoStyleDataset(**trio)
    for entry in folder.iterdir():
        entry.unlink()
    assert items(pickle.loads(pickle.dumps(dataset))) == items(dataset)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_any_kind_deliver_the_same_items(trio: dict[str, Any], method: str) -> None:
    dataset = CocoStyleDataset(**trio)
    loader = DataLoader(dataset, batch_size=None, num_workers=1, multiprocessing_context=method, collate_fn=dict)
    assert [as_text(item) for item in loader] == items(dataset)


def test_a_check_reads_through_the_cache(trio: dict[str, Any], readings: list[str]) -> None:
    config = CocoStyleDataset(**trio, lazy_init=True)
    first = read_source(opened_source(config, "here"))
    again = read_source(opened_source(CocoStyleDataset(**trio, lazy_init=True), "here"))
    assert readings == ["trio.json"]
    assert first.contents == again.contents
    assert np.array_equal(first.visibilities[0], again.visibilities[0])
