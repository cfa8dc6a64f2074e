"""Hooks that tell a mixture which epoch it is, and carry where it stands from one run to the next."""

from __future__ import annotations

from typing import Any

from mmengine.dataset import InfiniteSampler as RootInfiniteSampler
from mmengine.hooks import DistSamplerSeedHook as RootDistSamplerSeedHook
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop as RootIterBasedTrainLoop
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmpose_mix.datasets.default_samplers import DefaultSampler, InfiniteSampler
from mmpose_mix.datasets.epochs import changes_with_epoch, tell_epoch
from mmpose_mix.datasets.samplers import MultiSourceSampler
from mmpose_mix.engine.keypoint_counts import check_keypoint_counts
from mmpose_mix.engine.loops import IterBasedTrainLoop, sampler_of
from mmpose_mix.engine.resuming import ENTRY, resume_mixture, save_mixture
from mmpose_mix.registry import HOOKS


@HOOKS.register_module()
class MixtureEpochHook(Hook):
    """Says which epoch it is to every ``CombinedDataset`` of the training, and lets a resumed run go on where it stood.

    ``sample_ratio_factor`` takes other samples in every epoch, so it needs to be told. MMEngine's ``set_epoch`` reaches
    samplers only, of which ``MultiSourceSampler`` passes it on. Both may say it: it is the same number.

    Every checkpoint gets an entry ``'mixture'``: a few hundred bytes of plain numbers, the sampler's state after the
    step that the checkpoint was written at. A run that is resumed goes on with the samples that would have come next,
    in the middle of an epoch and on another number of ranks too, and loads none that was trained. ``load_from`` without
    ``resume`` begins anew. This serves the samplers of scope ``mmpose_mix``; others are left alone, with a warning
    where samples come again.

    When training starts the hook also refuses what would silently train on something else than configured: a dataloader
    whose ``batch_size`` is not that of its ``MultiSourceSampler``; and an iteration-based loop over a resampled mixture
    which neither the loop nor another scope's sampler tells of an epoch, so the same part would come for ever; and a
    model whose keypoints are not as many as those of its training data or of its evaluation.

    Of several such hooks in a runner the first one acts.
    """

    def __init__(self) -> None:
        self._saved: Any = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Keep where the mixture stood, for the case that the run goes on from there."""
        self._saved = checkpoint.get(ENTRY)

    def before_train(self, runner: Runner) -> None:
        """Check dataloader and model, place the sampler of a resumed run. Raises ``ValueError`` with what to change."""
        if not self._acts(runner):
            return
        check_mixture_of(runner)
        check_keypoint_counts(runner)
        if runner.iter > 0:  # the weights of load_from come with no iterations
            resume_mixture(runner, self._saved)

    def before_train_epoch(self, runner: Runner) -> None:
        """Say the epoch to the training data."""
        tell_epoch(runner.train_loop.dataloader.dataset, runner.epoch)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Put into the checkpoint where the mixture stands."""
        if self._acts(runner):
            save_mixture(runner, checkpoint)

    def _acts(self, runner: Runner) -> bool:
        return next(hook for hook in runner.hooks if isinstance(hook, MixtureEpochHook)) is self


@HOOKS.register_module()
class DistSamplerSeedHook(MixtureEpochHook, RootDistSamplerSeedHook):
    """MMEngine's default hook that tells samplers the epoch; in this scope it does what ``MixtureEpochHook`` does too.

    With ``default_scope='mmpose_mix'`` a runner takes this one, so configs of MMPose need no further hook.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        """Say the epoch to the sampler and to the training data."""
        RootDistSamplerSeedHook.before_train_epoch(self, runner)
        super().before_train_epoch(runner)


def check_mixture_of(runner: Runner) -> None:
    """Refuse a training whose dataloader would not give what its mixture is configured to.

    Raises:
        ValueError: saying what to change.
    """
    dataloader = runner.train_loop.dataloader
    if not isinstance(dataloader, DataLoader):
        return
    sampler = sampler_of(dataloader)
    if isinstance(sampler, MultiSourceSampler):
        batch_size = getattr(dataloader.batch_sampler, "batch_size", dataloader.batch_size)
        if batch_size != sampler.batch_size:
            raise ValueError(
                f"train_dataloader: batch_size={batch_size}, but its MultiSourceSampler has "
                f"batch_size={sampler.batch_size}, so batches would not hold source_ratio={sampler.source_ratio}. "
                f"Set both to the same number."
            )
    elif changes_with_epoch(dataloader.dataset) and _never_told(runner.train_loop, sampler):
        raise ValueError(
            f"train_dataloader: sample_ratio_factor takes other samples in every epoch, but {type(sampler).__name__} "
            f"of {type(sampler).__module__.split('.')[0]} in {type(runner.train_loop).__name__} tells the data set of "
            f"none, so the same part would come for ever. Use a sampler of scope mmpose_mix, EpochBasedTrainLoop, or "
            f"whole numbers as factors."
        )


def _never_told(loop: Any, sampler: Any) -> bool:
    """Whether neither the sampler's indices nor the loop tell which epoch it is."""
    if isinstance(sampler, (DefaultSampler, InfiniteSampler)):
        return False
    if isinstance(loop, IterBasedTrainLoop):
        return isinstance(sampler, RootInfiniteSampler)  # its first epoch never ends
    return isinstance(loop, RootIterBasedTrainLoop)
