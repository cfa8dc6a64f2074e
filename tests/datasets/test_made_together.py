"""The items of a batch are those that come one by one, whichever way they are made."""

from __future__ import annotations

import json
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmengine.dataset import RepeatDataset
from torch.utils.data import DataLoader, Subset

from mmpose_mix.datasets import CocoStyleDataset, CombinedDataset, DrawIndex
from mmpose_mix.datasets.source_items import FEWEST_TOGETHER
from mmpose_mix.transforms.boxes import GetBBoxCenterScale, RandomBBoxTransform
from mmpose_mix.transforms.converting import KeypointConverter
from tests.datasets.conftest import TRIO
from tests.datasets.mixture_parts import DrawNumbers, DropHalf, DropId, listed

PAIRS = [(0, 0), ((1, 2), 1), (2, 2)]
SIZE = 13


class Shifted(CocoStyleDataset):
    """A data set that has its own way to an item."""

    def get_data_info(self, idx: int) -> dict[str, Any]:
        info = super().get_data_info(idx)
        return {**info, "keypoints": info["keypoints"] + 1}


class Doubling(KeypointConverter):
    """A converter that has its own way to convert."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        results = super().transform(results)
        return {**results, "keypoints": results["keypoints"] * 2 + results["id"]}


class NamedMixture(CombinedDataset):
    """A mixture that has its own way to an item."""

    def prepare_data(self, idx: int) -> Any:
        item = super().prepare_data(idx)
        return None if item is None else {**item, "mine": int(idx)}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of ``SIZE`` persons, some of them with a crowd index or without an area."""
    random = np.random.default_rng(3)
    persons, images = [], []
    for number in range(SIZE):
        image = {"id": number // 2, "file_name": f"{number // 2}.jpg", "width": 64, "height": 48}
        images += [image if number % 4 else {**image, "crowdIndex": 0.25}] if number % 2 == 0 else []
        points = np.column_stack([random.uniform(1, 47, (3, 2)), random.integers(0, 3, 3)])
        points[0, 2] = 2
        more = {"area": 5.5 + number} if number % 3 else {}
        persons.append(
            {"id": 100 + number, "image_id": number // 2, "category_id": 1, "bbox": [1, 2, 20, 30 + number % 5],
             "keypoints": points.ravel().tolist(), "num_keypoints": 3, **more}
        )  # fmt: skip
    path = tmp_path_factory.mktemp("together") / "trio.json"
    path.write_text(json.dumps({"images": images, "annotations": persons, "categories": [{"id": 1}]}))
    return path


def source(file: Path, pipeline: Any = None, kind: type = CocoStyleDataset, **options: Any) -> CocoStyleDataset:
    pipeline = [KeypointConverter(3, PAIRS)] if pipeline is None else pipeline
    return kind(ann_file=str(file), metainfo=TRIO, data_prefix={"img": "pictures"}, pipeline=pipeline, **options)


KINDS = {
    "converted": source,
    "as they are": lambda file: source(file, []),
    "converted twice": lambda file: source(file, [KeypointConverter(4, [(0, 3), (1, 1)]), KeypointConverter(3, PAIRS)]),
    "its own data_info": lambda file: source(file, kind=Shifted),
    "its own converter": lambda file: source(file, [Doubling(3, PAIRS)]),
    "more transforms": lambda file: source(file, [KeypointConverter(3, PAIRS), DrawNumbers()]),
    "dropping": lambda file: source(file, [DropId(103), KeypointConverter(3, PAIRS)]),
    "for testing": lambda file: source(file, test_mode=True),
    "per image": lambda file: source(file, data_mode="bottomup"),
    "repeated": lambda file: RepeatDataset(source(file), 2),
    "a list": lambda file: listed("foreign", 9),
    "nested": lambda file: CombinedDataset(TRIO, [source(file), source(file, [])], sample_ratio_factor=[1.5, 0.4]),
    "nested with a pipeline": lambda file: CombinedDataset(TRIO, [source(file)], [DrawNumbers()]),
}
PIPELINES = {"none": [], "drawing": [DrawNumbers()], "dropping": [DropHalf(), DrawNumbers()], "one": [DropId(105)]}


def assert_equal(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert sorted(one) == sorted(other)
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.flags.writeable == other.flags.writeable
        np.testing.assert_array_equal(one, other)
    else:
        assert one == other


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_batch_holds_what_comes_one_by_one(file: Path, data: st.DataObject):
    names = data.draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3))
    factors = data.draw(st.none() | st.just([0.7, 2, 1.3][: len(names)]))
    kind = data.draw(st.sampled_from([CombinedDataset, CombinedDataset, NamedMixture]))
    pipeline = PIPELINES[data.draw(st.sampled_from(sorted(PIPELINES)))]
    dataset = kind(TRIO, [KINDS[name](file) for name in names], pipeline, sample_ratio_factor=factors, seed=5)
    dataset.set_epoch(data.draw(st.integers(0, 3)))
    places = st.integers(-len(dataset), len(dataset) - 1)
    marks = st.none() | st.integers(0, 2**64 - 1)
    draw_indices = st.builds(DrawIndex, places, key=marks, pass_number=st.none() | st.integers(0, 4))
    indices = data.draw(st.lists(places | draw_indices, max_size=24))
    np.random.seed(8)
    expected = [dataset[index] for index in indices]
    np.random.seed(8)
    made = dataset.__getitems__(indices)
    assert len(made) == len(expected)
    for one, other in zip(made, expected):
        assert_equal(_without_foreign_draws(one), _without_foreign_draws(other))


def _without_foreign_draws(item: dict[str, Any]) -> dict[str, Any]:
    """Only numpy's generator is seeded here for indices without a key."""
    numbers = item.get("numbers")
    return item if numbers is None else {**item, "numbers": numbers[::3]}


@pytest.mark.parametrize("name", ["converted", "as they are", "converted twice", "nested"])
def test_sources_that_only_convert_are_asked_for_many_items_at_once(file: Path, name: str, monkeypatch):
    dataset = CombinedDataset(TRIO, [KINDS[name](file)], [DropId(-1)])
    expected = [dataset[index] for index in range(FEWEST_TOGETHER)]

    def fail(*arguments: Any) -> None:
        raise RuntimeError("an item was made alone")

    monkeypatch.setattr(CocoStyleDataset, "_kept_item", fail)
    for one, other in zip(dataset.__getitems__(list(range(FEWEST_TOGETHER))), expected):
        assert_equal(one, other)
    with pytest.raises(RuntimeError, match="made alone"):
        dataset.__getitems__(list(range(FEWEST_TOGETHER - 1)))


@pytest.mark.parametrize(
    "name", ["its own data_info", "its own converter", "more transforms", "for testing", "per image"]
)
def test_other_sources_make_their_items_one_by_one(file: Path, name: str):
    assert KINDS[name](file).items_together([0, 1, 2, 3]) is None


class Loading:
    """Puts an image into a sample and counts how many of those that it made are still there."""

    def __init__(self) -> None:
        self.images: list[Any] = []
        self.most_alive = 0

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        results["img"] = np.zeros((4, 4, 3), dtype=np.uint8)
        self.images.append(weakref.ref(results["img"]))
        self.most_alive = max(self.most_alive, sum(image() is not None for image in self.images))
        return results


def test_the_images_of_a_batch_are_not_held_until_it_is_whole(file: Path):
    loading = Loading()
    dataset = CombinedDataset(TRIO, [source(file)], [loading, lambda results: {"id": results["id"]}])
    assert [item["id"] for item in dataset.__getitems__(list(range(SIZE)))] == list(range(100, 100 + SIZE))
    assert len(loading.images) == SIZE
    assert loading.most_alive <= 2


def test_what_is_done_to_an_item_reaches_no_other_and_not_the_store(file: Path):
    dataset = CombinedDataset(TRIO, [source(file), source(file, [])])
    indices = [*range(2 * SIZE), 0, SIZE]
    expected = [dataset[index] for index in indices]
    items = dataset.__getitems__(indices)
    spoilt = items[::2]
    for item in spoilt:
        for value in item.values():
            if isinstance(value, np.ndarray) and value.flags.writeable:
                value[...] = -7
    for one, other in zip(items[1::2], expected[1::2]):
        assert_equal(one, other)
    for one, other in zip(dataset.__getitems__(indices), expected):
        assert_equal(one, other)
    assert all((item["keypoints"] == -7).all() and (item["area"] == -7).all() for item in spoilt)


def test_the_metainfo_of_all_items_is_one_that_nobody_can_write(file: Path):
    dataset = CombinedDataset(TRIO, [source(file)])
    items = [*dataset.__getitems__([0, 1, 2, 3, 4]), dataset[5]]
    weights = items[0]["dataset_keypoint_weights"]
    assert not weights.flags.writeable
    for key in ("dataset_keypoint_weights", "flip_indices", "flip_pairs", "skeleton_links", "upper_body_ids"):
        assert all(item[key] is items[0][key] for item in items)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_the_batches_of_workers_hold_what_comes_one_by_one(file: Path, start: str):
    pipeline = [GetBBoxCenterScale(), RandomBBoxTransform()]
    dataset = CombinedDataset(TRIO, [source(file), source(file, [])], pipeline, sample_ratio_factor=[1, 0.5])
    indices = [DrawIndex(index, key=(1 + index) << 33, pass_number=1) for index in range(len(dataset))]
    loader = DataLoader(
        dataset,
        batch_sampler=[indices[:8], indices[8:]],
        num_workers=2,
        collate_fn=list,
        multiprocessing_context=start,
    )
    items = [item for batch in loader for item in batch]
    assert len(items) == len(indices)
    for item, index in zip(items, indices):
        item["dataset_keypoint_weights"].flags.writeable = False  # the way between processes does not keep it
        assert_equal(item, dataset[index])
    assert len({item["bbox_rotation"].item() for item in items}) > 5


def test_a_subset_of_a_mixture_asks_by_batches_too(file: Path):
    dataset = CombinedDataset(TRIO, [source(file)])
    loader = DataLoader(Subset(dataset, range(3, 11)), batch_size=8, collate_fn=list)
    assert [item["id"] for item in next(iter(loader))] == list(range(103, 111))


def test_an_index_outside_is_refused_as_one_by_one(file: Path):
    dataset = CombinedDataset(TRIO, [source(file)])
    with pytest.raises(IndexError, match=f"index {SIZE} is outside of {SIZE} items"):
        dataset.__getitems__([0, 1, 2, 3, SIZE])
    assert dataset.__getitems__([]) == []
