"""What a step of a training holds does not depend on how many ranks and workers load it, nor on how they start.

Ranks are simulated: one dataloader makes the batches of all ranks of all worlds, one after another. So the processes of
a case are started once, and a worker that made something for one world goes on with another.
"""

from __future__ import annotations

import multiprocessing
from collections import defaultdict
from operator import itemgetter
from typing import Any

import numpy as np
import pytest
from torch.utils.data import DataLoader

from mmpose_mix.datasets import CombinedDataset, MultiSourceSampler
from mmpose_mix.transforms.boxes import RandomBBoxTransform
from tests.datasets.mixture_parts import COCO

WORLD_SIZES = (1, 2, 3, 4, 6, 8, 16, 64)
GLOBAL_BATCH = 192
EPOCHS, STEPS = 2, 3
PARTS = ("source", "id", "bbox_center", "bbox_scale", "bbox_rotation")

CASES = [(0, "fork"), *((workers, start) for start in ("fork", "spawn") for workers in (1, 2, 4))]


def boxes(size: int) -> list[dict[str, Any]]:
    """A source that is a plain list, which a spawned worker can unpickle."""
    return [{"id": number, "bbox_center": np.float32([[number, 7]]), "bbox_scale": np.float32([[9, 9]])}
            for number in range(size)]  # fmt: skip


def mixture() -> CombinedDataset:
    """Three sources, of which two are resampled and one is a resampled mixture itself."""
    nested = CombinedDataset(COCO, [boxes(50), boxes(60)], sample_ratio_factor=[0.5, 1], seed=1)
    pipeline = [RandomBBoxTransform(), itemgetter(*PARTS)]
    return CombinedDataset(COCO, [boxes(240), boxes(300), nested], pipeline, [1, 0.3, 1.5], seed=2)


def batches_of_all_worlds(dataset: CombinedDataset) -> dict[tuple[int, int, int, int], list[int]]:
    """(world size, epoch, step, rank) -> what the dataloader of that rank is asked for."""
    batches = {}
    for world_size in WORLD_SIZES:
        size = GLOBAL_BATCH // world_size
        for rank in range(world_size):
            place = {"rank": rank, "world_size": world_size}
            sampler = MultiSourceSampler(dataset, size, [3, 2, 0.7], seed=5, **place)
            for epoch in range(EPOCHS):
                sampler.set_epoch(epoch)
                indices = list(sampler)
                for step in range(len(indices) // size):
                    batches[world_size, epoch, step, rank] = indices[step * size : (step + 1) * size]
    return batches


def row_of(item: tuple) -> tuple:
    """The sample, and the bits of its augmentation."""
    source, number, *boxes = item
    return source, number, b"".join(box.tobytes() for box in boxes)


@pytest.fixture(scope="module")
def dataset() -> CombinedDataset:
    return mixture()


@pytest.fixture(scope="module")
def batches(dataset) -> dict[tuple[int, int, int, int], list[int]]:
    return batches_of_all_worlds(dataset)


@pytest.fixture(scope="module")
def expected(dataset, batches) -> dict[tuple[int, int], list[tuple]]:
    """(epoch, step) -> the global batch, made by one process on its own."""
    alone = {key[1:3]: indices for key, indices in batches.items() if key[0] == 1}
    return {key: sorted(row_of(dataset[index]) for index in indices) for key, indices in alone.items()}


def test_the_batches_that_are_compared_differ(expected):
    """Else the comparison below would show nothing."""
    assert len(expected) == EPOCHS * STEPS
    rows = [row for batch in expected.values() for row in batch]
    assert len(set(rows)) == len(rows) == EPOCHS * STEPS * GLOBAL_BATCH
    samples = [{row[:2] for step in range(STEPS) for row in expected[epoch, step]} for epoch in range(EPOCHS)]
    assert min(len(ours - others) for ours, others in (samples, samples[::-1])) > 20
    assert {source for source, *_ in rows} == {0, 1, 2}


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize(("workers", "start"), CASES)
def test_global_batches_are_the_same_on_every_world(workers, start, dataset, batches, expected):
    loader = DataLoader(
        dataset,
        batch_sampler=list(batches.values()),
        num_workers=workers,
        collate_fn=list,
        multiprocessing_context=multiprocessing.get_context(start) if workers else None,
    )
    made = defaultdict(list)
    for (world_size, epoch, step, _), batch in zip(batches, loader):
        made[world_size, epoch, step] += map(row_of, batch)
    assert len(made) == len(WORLD_SIZES) * len(expected)
    wrong = [key for key, rows in made.items() if sorted(rows) != expected[key[1:]]]
    assert wrong == []
