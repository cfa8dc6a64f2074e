"""Samplers: which indices a rank loads, in batches that hold a fixed proportion of every source."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any, Optional

import numpy as np
from mmengine.dataset import RepeatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.registry import DATA_SAMPLERS as ROOT_DATA_SAMPLERS
from torch.utils.data import Sampler

from mmpose_mix.datasets.epochs import tell_epoch
from mmpose_mix.mixing.allocation import Number, QuotaSchedule, QuotaState
from mmpose_mix.mixing.plan import MixPlan
from mmpose_mix.registry import DATA_SAMPLERS


@ROOT_DATA_SAMPLERS.register_module()
@DATA_SAMPLERS.register_module()
class MultiSourceSampler(Sampler):
    """Draws the sources of a mixture in a given proportion, exactly and for ever.

    ``source_ratio`` weighs items (persons in top-down mode, images in bottom-up mode) of the *global* batch, the
    batches of all ranks together: each holds floor or ceil of every source's share, and after any number of steps every
    source has been drawn as often as it should, to less than one item. A rank's batch holds floor or ceil of the rank's
    share. Within a batch the items are grouped by source.

    Each source is walked in passes without repeats, in an order of its own; an exhausted source starts its next pass
    and keeps its ratio. Passes go on from epoch to epoch. An epoch has as many items as the data set, filled up to (or
    cut to) whole global batches; which ones they are is a function of (seed, epoch).

    Over a mixture whose epochs hold other samples a pass goes over this epoch's items, and an epoch need not end with a
    pass: samples then come equally often in the long run, not in every two epochs.

    The dataloader's ``batch_size`` has to be this ``batch_size``; ``MixtureEpochHook`` checks it when training starts.

    Args:
        dataset: a ``CombinedDataset``, one in a ``RepeatDataset``, or anything with ``lens``, the lengths of its
            sources, whose indices count through one source after another.
        batch_size: items of one rank's batch.
        source_ratio: one number for each source; 0 leaves a source out.
        shuffle: whether a pass is a shuffle or the source's own order.
        round_up: whether the last batch of an epoch is filled or dropped.
        seed: chooses the shuffles. ``None``: one that all ranks share, from MMEngine.
        rank, world_size: whose part to yield. ``None``: this process's.

    Raises:
        TypeError: if the data set tells no lengths of sources, or an argument has the wrong type.
        ValueError: if a number is out of its range, a source that should be drawn is empty, or an epoch would be empty.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        source_ratio: Sequence[Number],
        shuffle: bool = True,
        round_up: bool = True,
        seed: Optional[int] = None,
        rank: Optional[int] = None,
        world_size: Optional[int] = None,
    ) -> None:
        self.dataset = dataset
        lens = _lens_of(dataset)
        self.batch_size = _positive("batch_size", batch_size)
        self.rank, self.world_size = _place_in_world(rank, world_size)
        self.source_ratio = _sequence_of_ratios(source_ratio)
        self.shuffle = bool(shuffle)
        self.round_up = bool(round_up)
        self.seed = sync_random_seed() if seed is None else operator.index(seed)
        self.epoch = 0
        global_batch = self.batch_size * self.world_size
        self._plan = MixPlan(lens, QuotaSchedule(self.source_ratio, global_batch), self.seed, self.shuffle)
        self._steps = _steps_per_epoch(len(dataset), self.batch_size, self.world_size, self.round_up)
        self._known: Optional[QuotaState] = None

    def __iter__(self) -> Iterator[int]:
        return self._indices(self.epoch * self._steps)

    def _indices(self, first: int) -> Iterator[int]:
        last = first + self._steps
        for draws, state in self._plan.walk(first, last, self.rank, self.world_size, nearest=self._known):
            if state.step == last:
                # Where the next epoch starts: it need not be sought.
                self._known = state
            yield from draws.indices.reshape(-1).tolist()

    def __len__(self) -> int:
        """How many indices this rank yields in an epoch."""
        return self._steps * self.batch_size

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration yields, and say it to the data set.

        Raises:
            TypeError: if it is no integer.
            ValueError: if it is negative.
        """
        if operator.index(epoch) < 0:
            raise ValueError(f"MultiSourceSampler: epoch={epoch} must be at least 0.")
        self.epoch = operator.index(epoch)
        tell_epoch(self.dataset, self.epoch)


def _lens_of(dataset: Any) -> list[int]:
    while isinstance(dataset, RepeatDataset):
        dataset = dataset.dataset
    lens = getattr(dataset, "lens", None)
    if not isinstance(lens, (list, tuple, np.ndarray)):
        raise TypeError(
            f"MultiSourceSampler: {type(dataset).__name__} does not tell the lengths of its sources. Give it a "
            f"CombinedDataset, or one in a RepeatDataset; put other wrappers around the sources, inside datasets=[...]."
        )
    return [operator.index(length) for length in lens]


def _positive(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"MultiSourceSampler: {name}={value!r} must be an integer.")
    if value < 1:
        raise ValueError(f"MultiSourceSampler: {name}={value} must be at least 1.")
    return int(value)


def _place_in_world(rank: Optional[int], world_size: Optional[int]) -> tuple[int, int]:
    if (rank is None) != (world_size is None):
        raise ValueError(f"MultiSourceSampler: rank={rank} and world_size={world_size}: give both or neither.")
    if rank is None or world_size is None:
        return get_dist_info()
    world_size = _positive("world_size", world_size)
    if not 0 <= operator.index(rank) < world_size:
        raise ValueError(f"MultiSourceSampler: rank={rank} must be in 0..{world_size - 1}.")
    return operator.index(rank), world_size


def _sequence_of_ratios(source_ratio: Any) -> list[Number]:
    if not isinstance(source_ratio, (list, tuple, np.ndarray)):
        raise TypeError(
            f"MultiSourceSampler: source_ratio={source_ratio!r} must be a list with one number for each source."
        )
    return list(source_ratio)


def _steps_per_epoch(size: int, batch_size: int, world_size: int, round_up: bool) -> int:
    whole, rest = divmod(size, batch_size * world_size)
    steps = whole + 1 if rest and round_up else whole
    if not steps:
        raise ValueError(
            f"MultiSourceSampler: {size} samples are less than one global batch ({world_size} x {batch_size}), and "
            f"round_up={round_up} drops it, so an epoch would be empty. Set round_up=True or a smaller batch_size."
        )
    return steps
