"""Hooks that tell a mixture which epoch it is."""

from __future__ import annotations

from mmengine.hooks import DistSamplerSeedHook as RootDistSamplerSeedHook
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmpose_mix.datasets.epochs import changes_with_epoch, tell_epoch
from mmpose_mix.datasets.samplers import MultiSourceSampler
from mmpose_mix.engine.keypoint_counts import check_keypoint_counts
from mmpose_mix.registry import HOOKS


@HOOKS.register_module()
class MixtureEpochHook(Hook):
    """Says which epoch it is to every ``CombinedDataset`` of the training, through wrappers and worker processes.

    ``sample_ratio_factor`` takes other samples in every epoch, so it needs to be told. MMEngine's ``set_epoch`` reaches
    samplers only, of which ``MultiSourceSampler`` passes it on. Both may say it: it is the same number.

    When training starts the hook also refuses what would silently train on something else than configured: a dataloader
    whose ``batch_size`` is not that of its ``MultiSourceSampler``; and an iteration-based loop over a resampled mixture
    with another sampler, because such a loop tells the epoch to samplers alone, so the same part would come for ever;
    and a model whose keypoints are not as many as those of its training data or of its evaluation.
    """

    def before_train(self, runner: Runner) -> None:
        """Check dataloader and model. Raises ``ValueError`` with what to change."""
        check_mixture_of(runner)
        check_keypoint_counts(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        """Say the epoch to the training data."""
        tell_epoch(runner.train_loop.dataloader.dataset, runner.epoch)


@HOOKS.register_module()
class DistSamplerSeedHook(RootDistSamplerSeedHook):
    """MMEngine's default hook that tells samplers the epoch; in this scope it does what ``MixtureEpochHook`` does too.

    With ``default_scope='mmpose_mix'`` a runner takes this one, so configs of MMPose need no further hook.
    """

    def before_train(self, runner: Runner) -> None:
        """Check dataloader and model, as :class:`MixtureEpochHook` does."""
        check_mixture_of(runner)
        check_keypoint_counts(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        """Say the epoch to the sampler and to the training data."""
        super().before_train_epoch(runner)
        tell_epoch(runner.train_loop.dataloader.dataset, runner.epoch)


def check_mixture_of(runner: Runner) -> None:
    """Refuse a training whose dataloader would not give what its mixture is configured to.

    Raises:
        ValueError: saying what to change.
    """
    dataloader = runner.train_loop.dataloader
    if not isinstance(dataloader, DataLoader):
        return
    sampler = getattr(dataloader.batch_sampler, "sampler", dataloader.sampler)
    if isinstance(sampler, MultiSourceSampler):
        batch_size = getattr(dataloader.batch_sampler, "batch_size", dataloader.batch_size)
        if batch_size != sampler.batch_size:
            raise ValueError(
                f"train_dataloader: batch_size={batch_size}, but its MultiSourceSampler has "
                f"batch_size={sampler.batch_size}, so batches would not hold source_ratio={sampler.source_ratio}. "
                f"Set both to the same number."
            )
    elif isinstance(runner.train_loop, IterBasedTrainLoop) and changes_with_epoch(dataloader.dataset):
        raise ValueError(
            f"train_dataloader: sample_ratio_factor takes other samples in every epoch, but {type(sampler).__name__} "
            f"in an iteration-based loop tells the data set of none, so the same part would come for ever. Use "
            f"MultiSourceSampler, EpochBasedTrainLoop, or whole numbers as factors."
        )
