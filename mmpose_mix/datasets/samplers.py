"""Samplers: which indices a rank loads, in batches that hold a fixed proportion of every source."""

from __future__ import annotations

import logging
import operator
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import repeat
from typing import Any, Optional

import numpy as np
from mmengine.dataset import RepeatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.logging import print_log
from mmengine.registry import DATA_SAMPLERS as ROOT_DATA_SAMPLERS
from torch.utils.data import Sampler

from mmpose_mix.datasets.drawn_index import DrawIndex, draw_indices
from mmpose_mix.datasets.epochs import tell_epoch
from mmpose_mix.mixing.allocation import Quotas, QuotaState
from mmpose_mix.mixing.draw_keys import augmentation_keys
from mmpose_mix.mixing.fingerprint import ratio_fingerprint
from mmpose_mix.mixing.plan import Draws, MixPlan
from mmpose_mix.mixing.ratio import items_per_epoch, ratio_weights
from mmpose_mix.mixing.schedule import is_schedule, quotas_of
from mmpose_mix.mixing.state import MixtureState, carried_over
from mmpose_mix.registry import DATA_SAMPLERS

_RATIO = "MultiSourceSampler: source_ratio"


@ROOT_DATA_SAMPLERS.register_module()
@DATA_SAMPLERS.register_module()
class MultiSourceSampler(Sampler):
    """Draws the sources of a mixture in a given proportion, exactly and for ever.

    ``source_ratio`` weighs items (persons in top-down mode, images in bottom-up mode) of the *global* batch, the
    batches of all ranks together: each holds floor or ceil of every source's share, and after any number of steps every
    source has been drawn as often as it should, to less than one item. A rank's batch holds floor or ceil of the rank's
    share. Within a batch the items are grouped by source. Which items step ``t`` holds is a function of (seed, t) and
    of the global batch size: the number of ranks and of workers changes nothing. ``docs/mixing.md`` has the bounds, for
    schedules too.

    Each source is walked in passes without repeats, in an order of its own; an exhausted source starts its next pass
    and keeps its ratio. Passes go on from epoch to epoch. Over a mixture whose epochs hold other samples a pass
    goes over its next part, so all samples still come equally often.

    The dataloader's ``batch_size`` has to be this ``batch_size``; ``MixtureEpochHook`` checks it when training starts,
    and keeps :meth:`state_dict` in the checkpoints.

    Args:
        dataset: a ``CombinedDataset``, one in a ``RepeatDataset``, or anything with ``lens``, the lengths of its
            sources, whose indices count through one source after another.
        batch_size: items of one rank's batch.
        source_ratio: one of

            * a number for each source; 0 leaves a source out;
            * a dict of numbers by the names of the sources (``CombinedDataset.source_names``);
            * ``'size'``: as many as an epoch of the data set holds; ``'equal'``: all alike;
            * ``dict(temperature=T, cap=N)``: in proportion to ``min(size, N) ** (1 / T)``;
            * ``dict(by_epoch=True, stages=[...])``: a schedule of such ratios, see
              :func:`~mmpose_mix.mixing.schedule.quotas_of`.
        shuffle: whether a pass is a shuffle or the source's own order.
        round_up: whether the last batch of an epoch is filled or dropped.
        seed: chooses the shuffles. ``None``: one that all ranks share, from MMEngine.
        epoch_length: ``'sum'``: as many items as the data set; ``'shortest'``, ``'longest'``: as many as it takes until
            the first, or the last, of the sources has been seen once; or a number of items. Filled up to, or cut to,
            whole global batches.
        seed_augmentation: whether an index tells the data set what to seed the augmentations of its item with, so that
            they depend on (seed, draw) and not on the worker. ``False``: they draw from the worker's generators as they
            stand.
        rank, world_size: whose part to yield. ``None``: this process's.

    Raises:
        TypeError: if the data set tells no lengths of sources, or an argument has the wrong type.
        ValueError: if a number is out of its range, a source that should be drawn is empty, or an epoch would be empty.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        source_ratio: Any,
        shuffle: bool = True,
        round_up: bool = True,
        seed: Optional[int] = None,
        epoch_length: Any = "sum",
        seed_augmentation: bool = True,
        rank: Optional[int] = None,
        world_size: Optional[int] = None,
    ) -> None:
        self.dataset = dataset
        self.batch_size = _positive("batch_size", batch_size)
        self.rank, self.world_size = _place_in_world(rank, world_size)
        self.source_ratio = source_ratio
        self.shuffle = bool(shuffle)
        self.round_up = bool(round_up)
        self.epoch_length = epoch_length
        self.seed_augmentation = bool(seed_augmentation)
        self.seed = sync_random_seed() if seed is None else operator.index(seed)
        self.epoch = 0
        self._lens, self._times, self._names = _lens_of(dataset)
        self._steps = self._steps_per_epoch()
        self._plan = self._plan_from(self._quotas_from(0))
        self._begin = self._state_before_training()  # nothing before it is yielded
        self._known: deque[QuotaState] = deque(maxlen=8)
        self._yielded = 0

    def _quotas_from(self, step_of_epoch_0: int) -> Quotas:
        size = self.batch_size * self.world_size
        return quotas_of(self.source_ratio, self._lens, self._names, size, self._steps, _RATIO, step_of_epoch_0)

    def _plan_from(self, quotas: Quotas, streams: Optional[Sequence[int]] = None) -> MixPlan:
        return MixPlan(self._lens, quotas, self.seed, self.shuffle, streams)

    def _state_before_training(self) -> MixtureState:
        return MixtureState.begin(
            seed=self.seed,
            sources=self._names,
            lengths=self._lens,
            ratio=ratio_fingerprint(self.source_ratio, self._names),
            batch_size=self.batch_size * self.world_size,
            steps_per_epoch=self._steps,
            quotas=self._plan.quotas.start(),
            shuffle=self.shuffle,
        )

    @property
    def quotas(self) -> Quotas:
        """How many items of each source every global batch of the training holds."""
        return self._plan.quotas

    def __iter__(self) -> Iterator[DrawIndex]:
        first, last = self._steps_of(self.epoch)
        return self._indices(first, last)

    def _indices(self, first: int, last: int) -> Iterator[DrawIndex]:
        near = self._state_near(first)
        self._yielded = first
        for draws, state in self._plan.walk(first, last, self.rank, self.world_size, nearest=near):
            self._known.append(state)
            # Batch by batch: thousands of marked indices at once would keep the garbage collector busy.
            for indices, keys, passes in zip(draws.indices.tolist(), self._keys_of(draws), draws.passes.tolist()):
                yield from draw_indices(indices, keys, passes)
                self._yielded += 1

    def _keys_of(self, draws: Draws) -> Iterable[Optional[list[int]]]:
        return augmentation_keys(self.seed, draws.positions).tolist() if self.seed_augmentation else repeat(None)

    def __len__(self) -> int:
        """How many indices this rank yields in this epoch: fewer than in others where a run was resumed within it."""
        first, last = self._steps_of(self.epoch)
        return (last - first) * self.batch_size

    def _steps_of(self, epoch: int) -> tuple[int, int]:
        """Return the first step of an epoch that is yet to come, and the one after its last."""
        begin = self._begin
        if epoch < begin.epoch:
            return begin.quotas.step, begin.quotas.step
        return max(begin.first_step_of(epoch), begin.quotas.step), begin.first_step_of(epoch + 1)

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

    def state_dict(
        self, step: Optional[int] = None, batch_size: Optional[int] = None, drop_last: bool = False
    ) -> dict[str, Any]:
        """Return where the mixture stands before a step, in a few hundred bytes of JSON types.

        Args:
            step: global batches since the beginning of the training. ``None``: those that were yielded, of which a
                dataloader with workers holds some that are not trained yet.
            batch_size: of the dataloader; checked.
            drop_last: without a meaning here: epochs are whole batches.

        Raises:
            ValueError: if the dataloader has another batch size, or the step lies before the state that was loaded.
        """
        if batch_size is not None and batch_size != self.batch_size:
            raise ValueError(
                f"MultiSourceSampler: the dataloader's batch_size={batch_size} is not the sampler's {self.batch_size}. "
                f"Set both to the same number."
            )
        step = max(self._yielded, self._begin.quotas.step) if step is None else operator.index(step)
        if step < self._begin.quotas.step:
            raise ValueError(
                f"MultiSourceSampler.state_dict: step={step} lies before step {self._begin.quotas.step}, at which this "
                f"sampler began."
            )
        quotas = self._plan.quotas.seek(step, self._state_near(step))
        return {"sampler": type(self).__name__, **self._begin.at(quotas).to_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state: its epoch yields the rest only, earlier ones nothing, later ones all.

        The seed of the state is taken. What became of a mixture that was changed since goes to the log;
        :func:`~mmpose_mix.mixing.state.carried_over` has the rules.

        Raises:
            TypeError, ValueError: if it is no state of this sampler.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"MultiSourceSampler: the state is a {type(state).__name__}, but must be what state_dict() gave."
            )
        kind = type(self).__name__
        if state.get("sampler") != kind:
            raise ValueError(f"MultiSourceSampler: the state is of {state.get('sampler')!r}, but must be of {kind!r}.")
        saved = MixtureState.from_dict({name: value for name, value in state.items() if name != "sampler"})
        if saved.seed != self.seed:
            # A seed that was configured and one that MMEngine drew for this run look alike.
            say = f"MultiSourceSampler: goes on with seed={saved.seed} of the checkpoint, in the place of {self.seed}."
            print_log(say, logger="current")
            self.seed = saved.seed
        begin, said = carried_over(saved, self._state_before_training())
        for sentence in said:
            print_log(f"MultiSourceSampler: {sentence}", logger="current", level=logging.WARNING)
        # The step at which epoch 0 would have begun, had all epochs been as long as those to come.
        step_of_epoch_0 = begin.first_step_of(begin.epoch + 1) - (begin.epoch + 1) * self._steps
        self._plan = self._plan_from(self._quotas_from(step_of_epoch_0), begin.streams)
        self._begin = begin
        self._known.clear()
        self.set_epoch(begin.epoch)

    def _state_near(self, step: int) -> QuotaState:
        """Return the last state before a step that is known."""
        begin = self._begin.quotas
        return max((state for state in self._known if state.step <= step), key=lambda state: state.step, default=begin)

    def _steps_per_epoch(self) -> int:
        items = len(self.dataset) if self.epoch_length == "sum" else self._items_per_epoch()
        whole, rest = divmod(items, self.batch_size * self.world_size)
        steps = whole + 1 if rest and self.round_up else whole
        if not steps:
            raise ValueError(
                f"MultiSourceSampler: {items} samples are less than one global batch ({self.world_size} x "
                f"{self.batch_size}), and round_up={self.round_up} drops it, so an epoch would be empty. "
                f"Set round_up=True or a smaller batch_size."
            )
        return steps

    def _items_per_epoch(self) -> int:
        where = "MultiSourceSampler: epoch_length"
        if not is_schedule(self.source_ratio):
            shares = ratio_weights(self.source_ratio, self._lens, self._names, _RATIO)
        elif self.epoch_length in ("shortest", "longest"):
            raise ValueError(
                f"{where}={self.epoch_length!r} has no meaning while source_ratio changes. Give a number of items, or "
                f"'sum'."
            )
        else:
            shares = (Fraction(1),) * len(self._lens)
        return items_per_epoch(self.epoch_length, [self._times * length for length in self._lens], shares, where)


def _lens_of(dataset: Any) -> tuple[list[int], int, list[str]]:
    """Return the lengths of the sources, how often a data set repeats them, and their names."""
    times = 1
    while isinstance(dataset, RepeatDataset):
        times *= dataset.times
        dataset = dataset.dataset
    lens = getattr(dataset, "lens", None)
    if not isinstance(lens, (list, tuple, np.ndarray)):
        raise TypeError(
            f"MultiSourceSampler: {type(dataset).__name__} does not tell the lengths of its sources. Give it a "
            f"CombinedDataset, or one in a RepeatDataset; put other wrappers around the sources, inside datasets=[...]."
        )
    names = getattr(dataset, "source_names", None) or [f"source {place}" for place in range(len(lens))]
    return [operator.index(length) for length in lens], times, list(names)


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
