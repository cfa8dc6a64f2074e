"""The iteration-based training loop, whose data loader starts at the first batch asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Optional, Union

from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner
from mmengine.runner import IterBasedTrainLoop as RootIterBasedTrainLoop
from torch.nn import Module
from torch.utils.data import DataLoader

from mmpose_mix.datasets.epochs import tell_epoch
from mmpose_mix.registry import LOOPS


def sampler_of(dataloader: Any) -> Any:
    """The sampler of a data loader, within its batch sampler where it has one; None where there is none."""
    within = getattr(getattr(dataloader, "batch_sampler", None), "sampler", None)
    return getattr(dataloader, "sampler", None) if within is None else within


class EndlessBatches:
    """The batches of a data loader, epoch after epoch. Nothing is loaded before the first one is asked for.

    Sampler and data set are told each epoch before it begins, also the first.

    Args:
        dataloader: what to go over.
        epoch: number of the first epoch; its sampler may be placed within it.
        passed: how many times None is given before the first batch, to a loop that asks for what it has seen.
    """

    def __init__(self, dataloader: DataLoader, epoch: int = 0, passed: int = 0) -> None:
        self._dataloader = dataloader
        self._epoch = epoch
        self._passed = passed
        self._batches: Optional[Iterator[Any]] = None

    def __iter__(self) -> EndlessBatches:
        return self

    def __next__(self) -> Any:
        if self._passed:
            self._passed -= 1
            return None
        if self._batches is None:
            self._begin_epoch()
        try:
            return next(self._batches)
        except StopIteration:
            # MMEngine sleeps two seconds here, against a deadlock that mmcv's authors could not reproduce. A loader has
            # joined its workers before it ends, or keeps them, and MMEngine's epoch-based loop does not wait either.
            self._epoch += 1
            self._begin_epoch()
        try:
            return next(self._batches)
        except StopIteration:
            raise ValueError(
                f"train_dataloader: epoch {self._epoch} holds no batch. Give it more samples, a smaller batch_size or "
                "drop_last=False."
            ) from None

    def close(self) -> None:
        """Let the workers end that load ahead."""
        self._batches = None

    def _begin_epoch(self) -> None:
        self._batches = None  # a loader without persistent workers holds those of one epoch at a time
        set_epoch = getattr(sampler_of(self._dataloader), "set_epoch", None)
        if set_epoch is not None:
            set_epoch(self._epoch)
        tell_epoch(self._dataloader.dataset, self._epoch)
        self._batches = iter(self._dataloader)


class _NotStarted:
    """Stands for a data loader where its first batch would be loaded too early."""

    def __init__(self, dataloader: DataLoader) -> None:
        self.dataset = dataloader.dataset

    def __iter__(self) -> Iterator[Any]:
        return iter(())


@LOOPS.register_module()
class IterBasedTrainLoop(RootIterBasedTrainLoop):
    """MMEngine's iteration-based loop, which resumes without loading what was seen.

    MMEngine's own starts its data loader when it is built, before a checkpoint is read; a resumed run then loads every
    batch that was trained once more and throws it away. Here the loader starts at the first batch asked for. Where the
    sampler was placed by the mixture's hooks, that is the first one not seen; another sampler's batches are loaded and
    thrown away as MMEngine does.

    The data set is told which epoch of its sampler it is, so a mixture that is resampled in every epoch may be trained
    with any sampler that ends its epochs.

    Args:
        runner: the runner.
        dataloader: a data loader or the config of one.
        max_iters, val_begin, val_interval, dynamic_intervals: as MMEngine's.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: Union[DataLoader, dict],
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
        dynamic_intervals: Optional[list[tuple[int, int]]] = None,
    ) -> None:
        BaseLoop.__init__(self, runner, dataloader)  # builds the loader
        dataloader = self.dataloader
        super().__init__(runner, _NotStarted(dataloader), max_iters, val_begin, val_interval, dynamic_intervals)
        self.dataloader = dataloader
        self.dataloader_iterator = EndlessBatches(dataloader)
        self._sampler_is_placed = False

    def run(self) -> Module:
        """Train, and validate where it is due."""
        self.runner.call_hook("before_train")
        # to the hooks the whole training is one epoch
        self.runner.call_hook("before_train_epoch")
        if self._iter and not self._sampler_is_placed:
            self._load_what_was_seen()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(self.dataloader_iterator))
            self._decide_current_val_interval()
            self._validate_where_due()
        self.dataloader_iterator.close()
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        return self.runner.model

    def go_on_from(self, epoch: int) -> None:
        """Begin with what the sampler, placed after what a resumed run has seen, yields next in this epoch."""
        self.dataloader_iterator = EndlessBatches(self.dataloader, epoch)
        self._sampler_is_placed = True

    def _validate_where_due(self) -> None:
        due = self._iter % self.val_interval == 0 or self._iter == self._max_iters
        if self.runner.val_loop is not None and self._iter >= self.val_begin and due:
            self.runner.val_loop.run()

    def _load_what_was_seen(self) -> None:
        print_log(
            f"Resume: {type(sampler_of(self.dataloader)).__name__} was not placed after the {self._iter} batches that "
            "were trained: they are loaded and thrown away.",
            logger="current",
            level=logging.WARNING,
        )
        for _ in range(self._iter):
            next(self.dataloader_iterator)


def go_on_from(loop: RootIterBasedTrainLoop, epoch: int) -> bool:
    """Let an iteration-based loop begin with what its sampler, placed in this epoch, yields next.

    Returns:
        Whether that was possible: a class of its own way to begin is left alone.
    """
    if isinstance(loop, IterBasedTrainLoop):
        loop.go_on_from(epoch)
    elif type(loop).run is RootIterBasedTrainLoop.run:
        # it is going to ask for every batch that was trained
        loop.dataloader_iterator = EndlessBatches(loop.dataloader, epoch, passed=loop.iter)
    else:
        return False
    return True
