"""What is random in an item depends on the draw alone: not on workers, their number, or what they made before."""

from __future__ import annotations

import multiprocessing
import pickle
import random
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import ConcatDataset, RepeatDataset
from torch.utils.data import DataLoader

from mmpose_mix.datasets import CocoStyleDataset, CombinedDataset, DefaultSampler, DrawIndex, item_randomness
from mmpose_mix.datasets.drawn_index import draw_indices
from mmpose_mix.datasets.item_randomness import ItemRandomness
from mmpose_mix.mixing.draw_keys import augmentation_keys
from mmpose_mix.transforms.boxes import RandomBBoxTransform
from mmpose_mix.transforms.flipping import RandomFlip
from tests.datasets.mixture_parts import COCO, AddPicture, DrawnPersons, DrawNumbers, DropHalf, listed

BUILT_IN = [RandomFlip(), RandomBBoxTransform()]
AUGMENTATIONS = [AddPicture(), *BUILT_IN, DrawNumbers()]


def mixture(**options) -> CombinedDataset:
    """Two sources that draw numbers, in a mixture that augments."""
    sources = [DrawnPersons(size, COCO, pipeline=[DrawNumbers()]) for size in (9, 4)]
    return CombinedDataset(COCO, sources, AUGMENTATIONS, **options)


def pictures(size: int) -> list[dict[str, Any]]:
    """A source that is a plain list of pictures."""
    return [AddPicture()(item) for item in listed("pictures", size)]


def draws(count: int = 26, seed: int = 0, size: int = 13) -> list[DrawIndex]:
    places = np.arange(count)
    return draw_indices((places % size).tolist(), augmentation_keys(seed, places).tolist())


def bytes_of(item: dict[str, Any]) -> bytes:
    kept = {name: item[name] for name in sorted(item) if isinstance(item[name], (np.ndarray, int, float, list, str))}
    return pickle.dumps([(name, np.asarray(value).tobytes()) for name, value in kept.items()])


def made_by(dataset: Any, indices: list[DrawIndex]) -> list[bytes]:
    return [bytes_of(dataset[index]) for index in indices]


def loaded(dataset: Any, indices: Any, workers: int, start: str = "fork", **options) -> list[bytes]:
    context = multiprocessing.get_context(start) if workers else None
    loader = DataLoader(
        dataset,
        batch_size=4,
        sampler=indices,
        num_workers=workers,
        collate_fn=list,
        multiprocessing_context=context,
        **options,
    )
    return [bytes_of(item) for batch in loader for item in batch]


def states() -> tuple:
    of_numpy = np.random.get_state()
    return of_numpy[1].tobytes(), of_numpy[2:], random.getstate(), torch.get_rng_state().numpy().tobytes()


class TestOneDraw:
    def test_golden_numbers(self):
        """The augmentations of a key are part of what a seed means: they must not change between releases."""
        with ItemRandomness(DrawIndex(0, key=augmentation_keys(0, [0]).tolist()[0])):
            numbers = [np.random.random_sample(), random.random(), torch.rand((), dtype=torch.float64).item()]
        assert numbers == [0.29105588660486925, 0.8665841103614402, 0.46088317662600264]

    def test_the_same_draw_gives_the_same_bits_whatever_came_before(self):
        dataset = mixture()
        first = made_by(dataset, draws())
        np.random.seed(1)
        assert made_by(dataset, draws()[::-1]) == first[::-1]

    def test_two_draws_of_a_sample_two_epochs_and_two_seeds_differ(self):
        dataset = mixture()
        others = [*draws(26), *draws(26, seed=1)]
        assert len(set(made_by(dataset, [index for index in others if index == 3]))) == 4

    def test_the_generators_are_unrelated(self):
        """torch and numpy make the same words of the same 32 bits."""
        with ItemRandomness(draws(1)[0]):
            words = set(np.random.randint(2**32, size=50, dtype=np.uint64).tolist())
            assert not words & set(torch.randint(2**32, (50,)).tolist())

    def test_the_pipelines_of_nested_mixtures_draw_on_and_not_again(self):
        inner = mixture()
        outer = CombinedDataset(COCO, [inner], [DrawNumbers()])
        numbers = outer[draws(1)[0]]["numbers"]
        assert len(set(numbers)) == len(numbers) == 9

    def test_an_item_in_the_place_of_a_dropped_one_is_decided_too(self):
        dataset = CombinedDataset(COCO, [listed("a", 30)], [DropHalf(), DrawNumbers()])
        items = [(dataset[index]["id"], dataset[index]["numbers"]) for index in draws(30, size=30)]
        np.random.seed(7)
        assert [(dataset[index]["id"], dataset[index]["numbers"]) for index in draws(30, size=30)] == items
        assert [number for number, _ in items] != list(range(30))


class TestGenerators:
    @pytest.mark.parametrize("pipeline", [[DrawNumbers()], [DrawNumbers(), lambda item: 1 / 0]])
    def test_those_of_the_main_process_go_on_as_if_nothing_had_been_drawn(self, pipeline):
        dataset = CombinedDataset(COCO, [listed("a", 3)], pipeline)
        before = states()
        try:
            dataset[DrawIndex(0, key=5)]
        except ZeroDivisionError:
            assert len(pipeline) == 2
        assert states() == before

    def test_a_worker_is_spared_that(self, monkeypatch):
        monkeypatch.setattr(item_randomness, "get_worker_info", object)
        before = np.random.get_state(), random.getstate(), torch.get_rng_state()
        with ItemRandomness(DrawIndex(0, key=5)):
            expected = states()
        assert states() == expected
        np.random.set_state(before[0])
        random.setstate(before[1])
        torch.set_rng_state(before[2])

    @pytest.mark.parametrize("index", [3, np.int64(3), DrawIndex(3), DrawIndex(3, pass_number=2)])
    def test_without_a_key_items_draw_from_them_as_they_stand(self, index):
        """As in MMPose; so a sampler that says no epoch does not freeze what is random."""
        dataset = CombinedDataset(COCO, [listed("a", 9)], [DrawNumbers()])
        np.random.seed(4)
        numbers = [dataset[index]["numbers"][0] for _ in range(2)]
        np.random.seed(4)
        assert numbers == np.random.random_sample(2).tolist()


class TestWorkers:
    @pytest.mark.filterwarnings("ignore:This DataLoader will create")
    @pytest.mark.parametrize(("workers", "start"), [(0, "fork"), (1, "fork"), (2, "fork"), (4, "fork"), (2, "spawn")])
    def test_items_do_not_depend_on_them(self, workers, start):
        # A spawned worker can import the package, but not what stands here.
        dataset = mixture() if start == "fork" else CombinedDataset(COCO, [pictures(9), pictures(4)], BUILT_IN)
        made = made_by(dataset, draws())
        assert loaded(dataset, draws(), workers, start) == made
        assert len(set(made)) == 26

    def test_persistent_ones_make_other_augmentations_in_every_epoch(self):
        dataset = mixture()
        sampler = DefaultSampler(dataset, shuffle=False, seed=3)
        loader = DataLoader(
            dataset, batch_size=4, sampler=sampler, num_workers=2, persistent_workers=True, collate_fn=list
        )
        seen = []
        for epoch in range(3):
            sampler.set_epoch(epoch)
            expected = made_by(dataset, list(sampler))
            assert [bytes_of(item) for batch in loader for item in batch] == expected
            seen += expected
        assert len(set(seen)) == 39

    def test_opting_out_draws_from_the_generators_of_the_worker(self):
        dataset = CombinedDataset(COCO, [listed("a", 8)], [DrawNumbers()])
        sampler = DefaultSampler(dataset, shuffle=False, seed=3, seed_augmentation=False)
        options = {"worker_init_fn": same_start_in_all_workers}
        one, two = (loaded(dataset, sampler, workers, **options) for workers in (1, 2))
        assert one[:4] == two[:4]
        assert one[4:] != two[4:]
        assert len(set(two)) == 8


class TestSingleSource:
    @pytest.fixture
    def persons(self, trio) -> CocoStyleDataset:
        return CocoStyleDataset(**trio, pipeline=[AddPicture(), DrawNumbers()])

    @pytest.mark.parametrize(
        "wrap",
        [lambda data: data, lambda data: RepeatDataset(data, 2), lambda data: ConcatDataset([data, data])],
    )
    def test_it_depends_on_the_draw_alone_in_wrappers_too(self, persons, wrap):
        dataset = wrap(persons)
        indices = draws(12, size=len(dataset))
        np.random.seed(1)
        first = made_by(dataset, indices)
        np.random.seed(2)
        assert made_by(dataset, indices) == first
        assert len(set(first)) == 12
        assert loaded(dataset, indices, workers=2) == first

    def test_indices_that_say_nothing_draw_from_the_generators_as_they_stand(self, persons):
        np.random.seed(1)
        numbers = [persons[0]["numbers"][0], persons[DrawIndex(0)]["numbers"][0]]
        np.random.seed(1)
        assert numbers == np.random.random_sample(2).tolist()

    def test_an_item_keeps_no_index_with_marks(self, persons):
        assert type(persons[DrawIndex(1, key=5)]["sample_idx"]) is int
        assert type(persons[DrawIndex(-1, key=5)]["sample_idx"]) is int

    def test_a_source_of_a_mixture_is_asked_without_a_key(self, persons):
        dataset = CombinedDataset(persons.metainfo, [persons], [DrawNumbers()])
        numbers = dataset[DrawIndex(1, key=5)]["numbers"]
        assert len(set(numbers)) == len(numbers) == 6


def same_start_in_all_workers(worker: int) -> None:
    np.random.seed(11)
    random.seed(11)
    torch.manual_seed(11)
