"""MMEngine's samplers with a state: the same order, but a training goes on in the middle of an epoch.

What they are told and give is counted over all ranks, so a training may go on with another number of them.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Optional

import numpy as np
import torch
from mmengine.dataset import DefaultSampler as RootDefaultSampler
from mmengine.dataset import InfiniteSampler as RootInfiniteSampler
from mmengine.logging import print_log

from mmpose_mix.datasets.drawn_index import DrawIndex, draw_indices
from mmpose_mix.mixing.draw_keys import augmentation_keys
from mmpose_mix.registry import DATA_SAMPLERS

VERSION = 1

MOST_INDICES = 1 << 40
"""More indices than an epoch has: where the next begins must not depend on how the ranks fill up this one."""

# Marked indices made by the thousand would keep the garbage collector busy.
_BLOCK = 64


@dataclass(frozen=True)
class SamplerState:
    """Where a training stands.

    Args:
        sampler: name of the class.
        version: of these fields.
        seed: of the orders.
        epoch: number of the epoch, or 0 where there are none.
        step: global batches since the beginning of the training.
        indices: how many indices of the epoch (of all, where there are no epochs) the ranks have taken together.
        size: items of the data set.
        shuffle, round_up: as the sampler's.
    """

    sampler: str
    version: int
    seed: int
    epoch: int
    step: int
    indices: int
    size: int
    shuffle: bool
    round_up: bool

    @classmethod
    def from_dict(cls, state: Mapping[str, Any], sampler: str) -> SamplerState:
        """Return the state that a dict holds.

        Raises:
            TypeError: if it is no dict.
            ValueError: if it is not the state of a ``sampler``, or of an unknown version, or not complete.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"{sampler}: the state is a {type(state).__name__}, but must be what state_dict() gave.")
        if state.get("sampler") != sampler or state.get("version") != VERSION:
            raise ValueError(
                f"{sampler}: the state is of {state.get('sampler')!r}, version {state.get('version')!r}, but must be "
                f"of {sampler!r}, version {VERSION}. Train on with the sampler (and the version of mmpose_mix) of the "
                f"checkpoint, or begin a new training with load_from."
            )
        wrong = [
            f"{name}={state.get(name)!r}"
            for name in ("seed", "epoch", "step", "indices", "size")
            if not isinstance(state.get(name), int) or (name != "seed" and state[name] < 0)
        ]
        wrong += [
            f"{name}={state.get(name)!r}" for name in ("shuffle", "round_up") if not isinstance(state.get(name), bool)
        ]
        if wrong:
            raise ValueError(f"{sampler}: the state has {', '.join(wrong)}, which state_dict() never gives.")
        return cls(**{name: state[name] for name in cls.__dataclass_fields__})


class _WithState:
    """What both samplers do with a state."""

    def _state(self, epoch: int = 0, step: int = 0, indices: int = 0) -> SamplerState:
        return SamplerState(
            sampler=type(self).__name__,
            version=VERSION,
            seed=int(self.seed),
            epoch=epoch,
            step=step,
            indices=indices,
            size=len(self.dataset),
            shuffle=bool(self.shuffle),
            round_up=bool(getattr(self, "round_up", True)),
        )

    def _steps_since(self, step: int, batch_size: int) -> int:
        """Return the steps since the loaded state, or since the beginning."""
        name = type(self).__name__
        if operator.index(batch_size) < 1:
            raise ValueError(f"{name}.state_dict: batch_size={batch_size} must be at least 1.")
        since = operator.index(step) - self._begin.step
        if since < 0:
            raise ValueError(
                f"{name}.state_dict: step={step} lies before step {self._begin.step}, at which this sampler began."
            )
        return since

    def _load(self, state: Mapping[str, Any]) -> None:
        name = type(self).__name__
        begin = SamplerState.from_dict(state, name)
        present = self._state()
        if begin.seed != present.seed:
            _say(f"{name}: goes on with seed={begin.seed} of the checkpoint, in the place of {present.seed}.")
            self.seed = begin.seed
        changed = [
            f"{field} is {getattr(present, field)} and was {getattr(begin, field)}"
            for field in ("size", "shuffle", "round_up")
            if getattr(present, field) != getattr(begin, field)
        ]
        if changed:
            _say(
                f"{name}: {', '.join(changed)} when the checkpoint was written. It goes on after {begin.indices} "
                f"indices of the new order; until that ends, some items come twice and some not at all.",
                logging.WARNING,
            )
        self._begin = begin

    def _draws(self, order: np.ndarray, places: Sequence[int], before: int, number: int) -> Iterator[DrawIndex]:
        """Yield what lies at places of an order.

        Args:
            order: (N,) indices; further places begin it again.
            places: which places to take.
            before: what lies before the order, counted in places over the training.
            number: of the pass.
        """
        for first in range(0, len(places), _BLOCK):
            where = np.asarray(places[first : first + _BLOCK], dtype=np.int64)
            keys = augmentation_keys(self.seed, where + before).tolist() if self.seed_augmentation else None
            yield from draw_indices(order[where % len(order)].tolist(), keys, [number] * len(where))


@DATA_SAMPLERS.register_module()
class DefaultSampler(_WithState, RootDefaultSampler):
    """MMEngine's ``DefaultSampler``: every item once in an epoch, in the same order as MMEngine's for the same seed.

    An epoch of a training that goes on holds what is left of it. As each global batch is the next stretch of one order,
    the number of ranks may change: where the global batch keeps its size the steps hold the same items, but for those
    that fill up the last batch (``round_up``), which are as many as the ranks need.

    The items' randomness follows from seed, epoch and place in the order; so whoever iterates has to say the epoch by
    ``set_epoch``, as MMEngine's loops do. Without it, order and augmentations are those of epoch 0 again.

    Args:
        dataset: anything with a length.
        shuffle: whether an epoch is a shuffle or the order of the data set.
        seed: chooses the shuffles. ``None``: one that all ranks share, from MMEngine.
        round_up: whether the first items of an epoch come again where ranks would get unequal numbers.
        seed_augmentation: whether items are random as a function of the draw alone. False: as the worker's generators
            stand, as in MMPose.
    """

    def __init__(
        self,
        dataset: Any,
        shuffle: bool = True,
        seed: Optional[int] = None,
        round_up: bool = True,
        seed_augmentation: bool = True,
    ) -> None:
        super().__init__(dataset, shuffle, seed, round_up)
        self.seed_augmentation = bool(seed_augmentation)
        self._begin = self._state()

    def __iter__(self) -> Iterator[DrawIndex]:
        places = self._places(self.epoch, self.rank)
        return self._draws(self._order(self.epoch), places, self.epoch * MOST_INDICES, self.epoch)

    def __len__(self) -> int:
        """How many indices this rank yields in the present epoch."""
        return len(self._places(self.epoch, self.rank))

    def state_dict(self, step: int, batch_size: int, drop_last: bool = False) -> dict[str, Any]:
        """Return the state before a step, of which JSON can hold everything.

        Args:
            step: global batches since the beginning of the training; not those that a dataloader has prefetched.
            batch_size: of one rank's batches.
            drop_last: whether the dataloader drops a last batch that is not whole.

        Raises:
            ValueError: if the step lies before the state that was loaded, or if an epoch has no batch.
        """
        left, epoch, begin = self._steps_since(step, batch_size), self._begin.epoch, self._begin.indices
        steps = self._steps_of(epoch, batch_size, drop_last)
        if left >= steps:
            whole = self._steps_of(epoch + 1, batch_size, drop_last)
            if not whole:
                raise ValueError(
                    f"{type(self).__name__}.state_dict: {len(self.dataset)} items give no batch of {batch_size} on "
                    f"each of {self.world_size} ranks with drop_last={drop_last}, so there is no step {step}."
                )
            further, left = divmod(left - steps, whole)
            epoch, begin = epoch + 1 + further, 0
        return asdict(self._state(epoch, operator.index(step), begin + left * batch_size * self.world_size))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state: its epoch holds the rest only, earlier ones nothing, later ones all.

        The seed of the state is taken. Where the data set or an option changed, it goes on at the same place of the new
        order, and a warning says so.

        Raises:
            TypeError, ValueError: if it is no state of this sampler.
        """
        self._load(state)
        self.epoch = self._begin.epoch

    def _places(self, epoch: int, rank: int) -> Sequence[int]:
        """Return which places of the order a rank takes."""
        begin = self._begin.indices if epoch == self._begin.epoch else 0
        size = len(self.dataset)
        if epoch < self._begin.epoch:
            return range(0)
        end = begin + -(-(size - begin) // self.world_size) * self.world_size if self.round_up else size
        return range(begin + rank, end, self.world_size)

    def _steps_of(self, epoch: int, batch_size: int, drop_last: bool) -> int:
        indices = len(self._places(epoch, 0))
        return indices // batch_size if drop_last else -(-indices // batch_size)

    def _order(self, epoch: int) -> np.ndarray:
        size = len(self.dataset)
        if not self.shuffle:
            return np.arange(size)
        return torch.randperm(size, generator=torch.Generator().manual_seed(self.seed + epoch)).numpy()


@DATA_SAMPLERS.register_module()
class InfiniteSampler(_WithState, RootInfiniteSampler):
    """MMEngine's ``InfiniteSampler``: walks over the data set for ever, in MMEngine's order for the same seed.

    To go on it makes the orders of the walks that are over once more (some milliseconds for a million items each), as
    each follows from the one before; no item is read for that. ``MultiSourceSampler`` goes on at once.

    Args:
        dataset: anything with a length.
        shuffle: whether a walk is a shuffle or the order of the data set.
        seed: chooses the shuffles. ``None``: one that all ranks share, from MMEngine.
        seed_augmentation: whether items are random as a function of the draw alone. False: as the worker's generators
            stand, as in MMPose.

    Raises:
        ValueError: if the data set is empty.
    """

    epoch = 0

    def __init__(
        self, dataset: Any, shuffle: bool = True, seed: Optional[int] = None, seed_augmentation: bool = True
    ) -> None:
        self.seed_augmentation = bool(seed_augmentation)
        super().__init__(dataset, shuffle, seed)
        if not self.size:
            raise ValueError("InfiniteSampler: the data set has no item, so there is nothing to walk over.")
        self._begin = self._state()

    def __iter__(self) -> Iterator[DrawIndex]:
        """Go on where the last iteration stopped."""
        return self.indices

    def state_dict(self, step: int, batch_size: int, drop_last: bool = False) -> dict[str, Any]:
        """Return the state before a step, of which JSON can hold everything.

        Args:
            step: global batches since the beginning of the training; not those that a dataloader has prefetched.
            batch_size: of one rank's batches.
            drop_last: without a meaning here, as no batch is the last.

        Raises:
            ValueError: if the step lies before the state that was loaded.
        """
        since = self._steps_since(step, batch_size)
        indices = self._begin.indices + since * batch_size * self.world_size
        return asdict(self._state(0, operator.index(step), indices))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state.

        The seed of the state is taken. Where the data set or an option changed, it goes on after as many indices of the
        new order, and a warning says so.

        Raises:
            TypeError, ValueError: if it is no state of this sampler.
        """
        self._load(state)
        self.indices = self._indices_of_rank()

    def _indices_of_rank(self) -> Iterator[DrawIndex]:
        first, size = self._begin.indices, self.size
        generator = torch.Generator().manual_seed(self.seed)
        for walk in count():
            order = torch.randperm(size, generator=generator).numpy() if self.shuffle else np.arange(size)
            before = walk * size
            # The first place of this rank that lies neither before this walk nor before where it goes on.
            begin = max((first + self.rank - before) % self.world_size, first + self.rank - before)
            yield from self._draws(order, range(begin, size, self.world_size), before, walk)


def _say(words: str, level: int = logging.INFO) -> None:
    print_log(words, logger="current", level=level)
