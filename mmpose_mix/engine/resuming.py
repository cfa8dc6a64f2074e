"""Where the samples of a training stand: put into its checkpoints, and taken up by the run that goes on from one."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional, Protocol

from mmengine.dataset import InfiniteSampler
from mmengine.logging import print_log
from mmengine.runner import IterBasedTrainLoop, Runner, find_latest_checkpoint
from torch.utils.data import BatchSampler

from mmpose_mix.engine.loops import go_on_from, sampler_of

#: Where a checkpoint holds the state of its sampler.
ENTRY = "mixture"


class ResumableSampler(Protocol):
    """What a sampler needs to be placed anywhere in a training; a *step* is a batch of every rank."""

    #: The epoch that the next iteration yields.
    epoch: int

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch. The one a state was loaded for yields its rest only, earlier ones nothing."""

    def state_dict(self, step: int, batch_size: int, drop_last: bool) -> dict[str, Any]:
        """What is to know before a step, counted from the beginning of the training: plain JSON types."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, which may be that of another number of ranks. Says what it had to change."""


@dataclass(frozen=True)
class ResumableBatches:
    """A data loader's sampler that can be placed, and how its indices become batches.

    Attributes:
        sampler: yields the indices.
        batch_size: of one rank.
        drop_last: whether a last batch that is not full is left out.
    """

    sampler: ResumableSampler
    batch_size: int
    drop_last: bool

    def state(self, step: int) -> dict[str, Any]:
        """The sampler's state before a step."""
        return self.sampler.state_dict(step=step, batch_size=self.batch_size, drop_last=self.drop_last)


def resumable_batches(dataloader: Any) -> Optional[ResumableBatches]:
    """The sampler of a data loader if it can be placed, else None.

    A batch sampler of another class than torch's may hold indices back, so its sampler's place is not the training's.
    """
    batches = getattr(dataloader, "batch_sampler", None)
    if type(batches) is not BatchSampler:
        return None
    sampler = batches.sampler
    if not all(hasattr(sampler, name) for name in ("epoch", "set_epoch", "state_dict", "load_state_dict")):
        return None
    # other libraries' samplers tell the state of what they yielded, which is ahead of the training
    if "step" not in inspect.signature(sampler.state_dict).parameters:
        return None
    return ResumableBatches(sampler, batches.batch_size, batches.drop_last)


def save_mixture(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Put into a checkpoint where its samples stand: after the step that its ``meta`` says was trained."""
    batches = resumable_batches(runner.train_loop.dataloader)
    if batches is not None:
        checkpoint[ENTRY] = batches.state(checkpoint["meta"]["iter"])


def resume_mixture(runner: Runner, saved: Any) -> None:
    """Let a resumed run go on with the sample after the last one that was trained, and log where that is.

    Args:
        runner: has loaded the checkpoint.
        saved: the checkpoint's entry; None where it has none, then the place follows from the number of iterations.

    Raises:
        ValueError: the entry cannot be read; the message names the checkpoint.
    """
    loop, dataloader = runner.train_loop, runner.train_loop.dataloader
    batches = resumable_batches(dataloader)
    if batches is None:
        _warn_of_repetition(runner)
        return
    steps = len(dataloader)
    if not _place(runner, batches, saved, steps):
        return
    if isinstance(loop, IterBasedTrainLoop) and not go_on_from(loop, batches.sampler.epoch):
        _say(
            f"{type(loop).__name__} asks for its batches in its own way, which is left as it is: samples may be passed "
            "over. Derive it from mmpose_mix.IterBasedTrainLoop.",
            logging.WARNING,
        )
    place = _place_in_epoch(batches.sampler, steps, left=len(dataloader))
    _say(f"{type(batches.sampler).__name__} goes on after the {runner.iter} batches that were trained, {place}.")


def _place_in_epoch(sampler: ResumableSampler, steps: int, left: int) -> str:
    """Where a sampler stands, in words, counted from 1 as MMEngine's log does."""
    if isinstance(sampler, InfiniteSampler):
        return "in its endless walk"
    if left > steps:  # the epoch was begun with smaller batches, or a longer one
        return f"in epoch {sampler.epoch + 1}: {left} are left"
    return f"in epoch {sampler.epoch + 1} with batch {steps - left + 1} of {steps}: {left} are left"


def _place(runner: Runner, batches: ResumableBatches, saved: Any, steps: int) -> bool:
    """Load what was saved, or what follows from the number of iterations; False where nothing does."""
    name = type(batches.sampler).__name__
    if saved is None:
        return _place_by_iteration(runner, batches, steps, f"the checkpoint has no entry {ENTRY!r}")
    if not isinstance(saved, Mapping):
        raise ValueError(_unreadable(runner, f"it is {type(saved).__name__}, not a dict"))
    if isinstance(saved.get("sampler"), str) and saved["sampler"] != name:
        why = f"the checkpoint was trained with {saved['sampler']}, this run has {name}"
        return _place_by_iteration(runner, batches, steps, why)
    try:
        batches.sampler.load_state_dict(saved)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(_unreadable(runner, f"{type(error).__name__}: {error}")) from error
    return True


def _place_by_iteration(runner: Runner, batches: ResumableBatches, steps: int, why: str) -> bool:
    """Place the sampler as if all earlier epochs had as many steps as this run's."""
    if not isinstance(runner.train_loop, IterBasedTrainLoop):
        trained = runner.iter - runner.epoch * steps
        if not 0 <= trained <= steps:
            _say(
                f"{why}, and {runner.iter} iterations in {runner.epoch} epochs do not fit epochs of {steps}: "
                f"epoch {runner.epoch + 1} begins from its first batch, so samples may come again in it.",
                logging.WARNING,
            )
            return False
    batches.sampler.load_state_dict(batches.state(runner.iter))
    _say(
        f"{why}. Assumed is that its {runner.iter} iterations were trained with this run's data sets, seed, ratio and "
        f"global batch, in epochs of {steps} batches; if not, samples of this epoch may come again.",
        logging.WARNING,
    )
    return True


def _warn_of_repetition(runner: Runner) -> None:
    """An iteration-based loop passes over what was seen, an epoch-based one begins the epoch again."""
    if isinstance(runner.train_loop, IterBasedTrainLoop):
        return
    trained = runner.iter - runner.epoch * len(runner.train_loop.dataloader)
    if trained:
        _say(
            f"{type(sampler_of(runner.train_loop.dataloader)).__name__} cannot be placed within an epoch: {trained} "
            f"batches of epoch {runner.epoch + 1} were trained, and their samples come again. Use MultiSourceSampler "
            "or DefaultSampler of scope mmpose_mix, without a batch sampler of your own.",
            logging.WARNING,
        )


def _unreadable(runner: Runner, finding: str) -> str:
    path = getattr(runner, "_load_from", None) or find_latest_checkpoint(runner.work_dir) or "of an unknown path"
    return (
        f"Resume: the entry {ENTRY!r} of checkpoint {path} cannot be read: {finding} Resume from another checkpoint, "
        "or give this one as load_from without resume, which takes its weights and begins the training anew."
    )


def _say(what: str, level: int = logging.INFO) -> None:
    print_log(f"Resume: {what}", logger="current", level=level)
