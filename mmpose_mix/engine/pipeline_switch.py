"""A training that ends on another pipeline than it began with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union

from mmengine.dataset import Compose
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmpose_mix.datasets.building import built_transforms
from mmpose_mix.datasets.epochs import wrapped_datasets
from mmpose_mix.registry import HOOKS


@HOOKS.register_module()
class PipelineSwitchHook(Hook):
    """Gives the training data another pipeline from an epoch on.

    The pipeline is that of the outermost data set that has one: of a ``CombinedDataset`` the mixture's, while its
    sources keep theirs. Workers that outlive an epoch are ended, so that new ones start with the new pipeline. A run
    that is resumed after the switch begins with it.

    Args:
        switch_epoch: the epoch, from 0, that begins with the new pipeline.
        switch_pipeline: its transforms.

    Raises:
        ValueError: an epoch that is no whole number from 0; transforms that cannot be built, all of them named; when
            the training begins, data that have no pipeline.
    """

    def __init__(self, switch_epoch: int, switch_pipeline: Sequence[Union[Mapping[str, Any], Callable]]) -> None:
        if not isinstance(switch_epoch, int) or isinstance(switch_epoch, bool) or switch_epoch < 0:
            raise ValueError(f"PipelineSwitchHook: switch_epoch={switch_epoch!r} must be a whole number from 0.")
        self.switch_epoch = switch_epoch
        self._pipeline = Compose(built_transforms(switch_pipeline, "PipelineSwitchHook.switch_pipeline"))

    def before_train(self, runner: Runner) -> None:
        """Refuse data that have no pipeline, before the first epoch and not at the switch."""
        dataset_with_pipeline(runner.train_loop.dataloader.dataset)

    def before_train_epoch(self, runner: Runner) -> None:
        """Switch where the epoch has come."""
        dataloader = runner.train_loop.dataloader
        dataset = dataset_with_pipeline(dataloader.dataset)
        if runner.epoch < self.switch_epoch or dataset.pipeline is self._pipeline:
            return
        runner.logger.info(f"PipelineSwitchHook: epoch {runner.epoch + 1} begins with {self._pipeline}")
        dataset.pipeline = self._pipeline
        end_workers(dataloader)


def dataset_with_pipeline(dataset: Any) -> Any:
    """Return the data set itself or, of a wrapper, the one that it wraps, that has a ``pipeline``.

    Raises:
        ValueError: there is none, or a wrapper has several with pipelines of their own.
    """
    looked_at = dataset
    while not hasattr(looked_at, "pipeline"):
        inner = wrapped_datasets(looked_at)
        if len(inner) != 1:
            raise ValueError(
                f"PipelineSwitchHook: {type(dataset).__name__} has no pipeline to switch, and wraps {len(inner)} data "
                "sets. Put the sources into a CombinedDataset and the pipeline there."
            )
        (looked_at,) = inner
    return looked_at


def end_workers(dataloader: Any) -> None:
    """End the workers that a data loader keeps between epochs; its next iteration starts new ones."""
    if isinstance(dataloader, DataLoader) and dataloader.persistent_workers:
        # torch keeps them with the iterator, which ends them when it goes
        dataloader._iterator = None
