"""A training that dies in the middle of an epoch goes on with the sample that would have come next."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from itertools import chain, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.runner import CheckpointLoader
from mmengine.runner import IterBasedTrainLoop as RootIterBasedTrainLoop
from torch.utils.data import BatchSampler

from mmpose_mix.engine import MixtureEpochHook, use_safe_checkpoint_loader
from tests.engine.stopped_runs import BATCH, BY_EPOCH, BY_ITERATION, EPOCHS, STEPS, Run, train

MIXED = {"type": "MultiSourceSampler", "batch_size": BATCH, "source_ratio": [1, 1]}
SHUFFLED = {"type": "DefaultSampler", "shuffle": True}
ENDLESS = {"type": "InfiniteSampler", "shuffle": True}
ROOT_LOOP = {"type": "mmengine.IterBasedTrainLoop", "max_iters": EPOCHS * STEPS}


@pytest.fixture(autouse=True)
def _safe_loader_and_no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are read as the commands do, and MMEngine's iteration-based loop does not wait between epochs."""
    monkeypatch.setattr(CheckpointLoader, "_schemes", OrderedDict(CheckpointLoader._schemes))
    use_safe_checkpoint_loader()
    monkeypatch.setattr("mmengine.runner.loops.time", SimpleNamespace(sleep=lambda seconds: None))


def checkpoint_of(work_dir: Path, step: int) -> Path:
    return work_dir / f"iter_{step}.pth"


def edit_entry(path: Path, change: Any) -> None:
    """Change a checkpoint's entry in place; ``change`` returns the new one, None to take it away."""
    checkpoint = torch.load(path, weights_only=False)
    entry = change(checkpoint.pop("mixture"))
    torch.save(checkpoint if entry is None else {**checkpoint, "mixture": entry}, path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Trainings that nothing interrupts, by sampler and loop."""
    folder = tmp_path_factory.mktemp("whole")
    return {
        "mixed by epoch": train(folder / "mixed", MIXED, average=True),
        "shuffled by epoch": train(folder / "shuffled", SHUFFLED, average=True),
        "mixed by iteration": train(folder / "iteration", MIXED, BY_ITERATION, average=True),
        "shuffled by iteration": train(folder / "shuffled_iteration", SHUFFLED, BY_ITERATION, average=True),
        "endless by iteration": train(folder / "endless", ENDLESS, BY_ITERATION, average=True),
    }


KINDS = {
    "mixed by epoch": (MIXED, BY_EPOCH),
    "shuffled by epoch": (SHUFFLED, BY_EPOCH),
    "mixed by iteration": (MIXED, BY_ITERATION),
    "shuffled by iteration": (SHUFFLED, BY_ITERATION),
    "endless by iteration": (ENDLESS, BY_ITERATION),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [1, 7, 10, 11])
def test_it_goes_on_as_if_nothing_had_happened(whole: dict[str, Run], kind: str, step: int, tmp_path: Path) -> None:
    """Steps within the first epoch, within a later one, at its very end, and after the first of the last."""
    sampler, loop = KINDS[kind]
    before = train(tmp_path, sampler, loop, dies_after=step, average=True)
    after = train(tmp_path, sampler, loop, resume=True, average=True)
    assert before.diary.trained + after.diary.trained == whole[kind].diary.trained
    assert before.diary.rates + after.diary.rates == whole[kind].diary.rates
    assert before.diary.ended_epochs + after.diary.ended_epochs == whole[kind].diary.ended_epochs
    assert (after.weight, after.average) == (whole[kind].weight, whole[kind].average)
    assert after.loaded == list(chain.from_iterable(after.diary.trained))  # nothing that was seen, nothing ahead


@pytest.mark.parametrize("kind", ["mixed by iteration", "shuffled by iteration"])
def test_iterations_see_what_epochs_see(whole: dict[str, Run], kind: str) -> None:
    assert whole[kind].diary.trained == whole[kind.replace("iteration", "epoch")].diary.trained


# MMEngine's scheduler takes no notice that the optimizer's steps were made before
@pytest.mark.filterwarnings("ignore:Detected call of `scheduler.step..` before:UserWarning")
def test_it_may_die_again_and_again(whole: dict[str, Run], tmp_path: Path) -> None:
    runs = [train(tmp_path, MIXED, dies_after=2, average=True)]
    runs += [train(tmp_path, MIXED, dies_after=step, average=True, resume=True) for step in (4, 5, 6)]
    runs += [train(tmp_path, MIXED, average=True, resume=True)]
    assert list(chain.from_iterable(run.diary.trained for run in runs)) == whole["mixed by epoch"].diary.trained
    assert runs[-1].weight == whole["mixed by epoch"].weight


def test_the_log_says_where_it_goes_on(tmp_path: Path) -> None:
    train(tmp_path, MIXED, dies_after=7)
    log = train(tmp_path, MIXED, resume=True).log
    assert log.count("Resume: ") == 1
    words = (
        "MultiSourceSampler goes on after the 7 batches that were trained, in epoch 2 with batch 3 of 5: 3 are left."
    )
    assert f"INFO - Resume: {words}" in log
    assert "Epoch(train) [2][3/3]" in log
    assert "Epoch(train) [3][5/5]" in log


def test_epochs_that_checkpoints_close_are_resumed_too(whole: dict[str, Run], tmp_path: Path) -> None:
    by_epoch = {"type": "CheckpointHook", "interval": 1}
    before = train(tmp_path, MIXED, dies_after=8, checkpoint=by_epoch, average=True)
    after = train(tmp_path, MIXED, resume=True, checkpoint=by_epoch, average=True)
    assert before.diary.trained[:STEPS] + after.diary.trained == whole["mixed by epoch"].diary.trained
    assert after.weight == whole["mixed by epoch"].weight


@pytest.mark.parametrize("hooks", [(), (MixtureEpochHook(),), (MixtureEpochHook(), MixtureEpochHook())])
def test_an_entry_is_small_plain_and_of_the_step_that_was_trained(tmp_path: Path, hooks: tuple) -> None:
    train(tmp_path, MIXED, dies_after=7, hooks=hooks)
    for step in (1, 5, 7):
        checkpoint = torch.load(checkpoint_of(tmp_path, step), weights_only=False)
        entry = checkpoint["mixture"]
        assert json.loads(json.dumps(entry)) == entry
        assert len(json.dumps(entry)) < 1000
        assert (entry["sampler"], entry["step"], checkpoint["meta"]["iter"]) == ("MultiSourceSampler", step, step)


def test_two_hooks_place_the_sampler_once(whole: dict[str, Run], tmp_path: Path) -> None:
    train(tmp_path, MIXED, dies_after=7, average=True)
    after = train(tmp_path, MIXED, resume=True, hooks=(MixtureEpochHook(),), average=True)
    assert after.diary.trained == whole["mixed by epoch"].diary.trained[7:]
    assert after.log.count("goes on after") == 1


def test_weights_alone_begin_anew(whole: dict[str, Run], tmp_path: Path) -> None:
    train(tmp_path / "former", MIXED, dies_after=7)
    anew = train(tmp_path / "anew", MIXED, load_from=str(checkpoint_of(tmp_path / "former", 7)))
    assert anew.diary.trained == whole["mixed by epoch"].diary.trained
    assert "Resume: " not in anew.log


def test_a_drawn_seed_goes_on_too(tmp_path: Path) -> None:
    """Without a configured seed MMEngine draws another one for each run, and gives it to the sampler."""
    before = train(tmp_path, MIXED, dies_after=3, randomness={"seed": None})
    after = train(tmp_path, MIXED, resume=True, randomness={"seed": None})
    first_epoch = before.diary.trained + after.diary.trained[:2]
    drawn = [sample for batch in first_epoch for sample in batch if sample[0] == 0]
    assert len(set(drawn)) == len(drawn)  # one pass without repeats


@pytest.mark.parametrize("step", [1, 7, 10])
@pytest.mark.parametrize("loop", [BY_EPOCH, {"by_epoch": False, "max_iters": EPOCHS * STEPS}])
def test_a_runner_of_another_scope_resumes_with_the_hook(
    whole: dict[str, Run], tmp_path: Path, step: int, loop: dict
) -> None:
    """MMEngine's own iteration-based loop asks for all that was trained; the hook spares it the loading."""
    own = {**MIXED, "type": "mmpose_mix.MultiSourceSampler"}
    options = {"default_scope": "mmengine", "hooks": (MixtureEpochHook(),)}
    train(tmp_path, own, loop, dies_after=step, **options)
    after = train(tmp_path, own, loop, resume=True, **options)
    assert after.diary.trained == whole["mixed by epoch"].diary.trained[step:]
    assert after.loaded == whole["mixed by epoch"].loaded[step * BATCH :]


@pytest.mark.parametrize("loop", [BY_EPOCH, BY_ITERATION, ROOT_LOOP])
@pytest.mark.parametrize("persistent", [False, True])
def test_workers_that_load_ahead_do_not_move_the_place(
    whole: dict[str, Run], tmp_path: Path, loop: dict, persistent: bool
) -> None:
    """MMEngine's own iteration-based loop has workers that load from the beginning before a checkpoint is read."""
    workers = {"num_workers": 2, "persistent_workers": persistent, "prefetch_factor": 3}
    train(tmp_path, MIXED, loop, dies_after=7, loader=workers)
    after = train(tmp_path, MIXED, loop, resume=True, loader=workers)
    assert after.diary.trained == whole["mixed by epoch"].diary.trained[7:]


def test_a_loop_of_its_own_kind_is_left_alone_with_a_warning(tmp_path: Path) -> None:
    class OwnLoop(RootIterBasedTrainLoop):
        def run(self) -> Any:
            return super().run()

    train(tmp_path, MIXED, BY_ITERATION, dies_after=7)
    loop = {"type": OwnLoop, "max_iters": EPOCHS * STEPS}
    assert (
        "WARNING - Resume: OwnLoop asks for its batches in its own way" in train(tmp_path, MIXED, loop, resume=True).log
    )


FOREIGN = {"type": "mmengine.DefaultSampler", "shuffle": True}


def test_a_foreign_sampler_begins_the_epoch_again_and_says_so_once(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", FOREIGN)
    train(tmp_path, FOREIGN, dies_after=7)
    after = train(tmp_path, FOREIGN, resume=True)
    assert after.diary.trained == whole.diary.trained[STEPS:]
    words = "DefaultSampler cannot be placed within an epoch: 2 batches of epoch 2 were trained, and their samples come"
    assert after.log.count(f"WARNING - Resume: {words} again.") == 1
    assert after.log.count("Resume: ") == 1


def test_a_foreign_sampler_between_epochs_needs_no_warning(tmp_path: Path) -> None:
    by_epoch = {"type": "CheckpointHook", "interval": 1}
    train(tmp_path, FOREIGN, dies_after=7, checkpoint=by_epoch)
    assert "Resume: " not in train(tmp_path, FOREIGN, resume=True, checkpoint=by_epoch).log


def test_a_foreign_sampler_in_the_iteration_based_loop_is_walked_as_mmengine_does(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", FOREIGN, BY_ITERATION)
    train(tmp_path, FOREIGN, BY_ITERATION, dies_after=7)
    after = train(tmp_path, FOREIGN, BY_ITERATION, resume=True)
    assert after.diary.trained == whole.diary.trained[7:]
    assert after.loaded == whole.loaded
    assert "WARNING - Resume: DefaultSampler was not placed after the 7 batches that were trained" in after.log


@pytest.mark.parametrize("loop", [BY_EPOCH, BY_ITERATION])
@pytest.mark.parametrize("step", [7, 10])
def test_a_checkpoint_without_an_entry_is_placed_by_its_iterations(
    whole: dict[str, Run], tmp_path: Path, loop: dict, step: int
) -> None:
    train(tmp_path, MIXED, loop, dies_after=step)
    edit_entry(checkpoint_of(tmp_path, step), lambda entry: None)
    after = train(tmp_path, MIXED, loop, resume=True)
    assert after.diary.trained == whole["mixed by epoch"].diary.trained[step:]
    words = f"the checkpoint has no entry 'mixture'. Assumed is that its {step} iterations were trained with this run's"
    assert f"WARNING - Resume: {words}" in after.log


def test_iterations_that_fit_no_epoch_are_not_guessed_at(whole: dict[str, Run], tmp_path: Path) -> None:
    train(tmp_path, MIXED, dies_after=7)
    edit_entry(checkpoint_of(tmp_path, 7), lambda entry: None)
    after = train(tmp_path, {**MIXED, "batch_size": 1}, resume=True, loader={"batch_size": 1})
    assert "7 iterations in 1 epochs do not fit epochs of 18: epoch 2 begins from its first batch" in after.log
    assert len(after.diary.trained) == 2 * 18


def test_another_sampler_than_the_checkpoints_is_placed_by_its_iterations(
    whole: dict[str, Run], tmp_path: Path
) -> None:
    train(tmp_path, MIXED, dies_after=7)
    after = train(tmp_path, SHUFFLED, resume=True)
    assert after.diary.trained == whole["shuffled by epoch"].diary.trained[7:]
    assert (
        "WARNING - Resume: the checkpoint was trained with MultiSourceSampler, this run has DefaultSampler" in after.log
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: {**entry, "version": 99},
        lambda entry: {key: value for key, value in entry.items() if key != "step"},
        lambda entry: {**entry, "epoch": "two"},
        lambda entry: {**entry, "seed": None},
        lambda entry: {},
        lambda entry: [entry],
        lambda entry: "mixture",
    ],
    ids=["newer", "incomplete", "a word", "none", "empty", "a list", "text"],
)
def test_an_unreadable_entry_names_the_checkpoint_and_what_to_do(tmp_path: Path, change: Any) -> None:
    train(tmp_path, MIXED, dies_after=7)
    path = checkpoint_of(tmp_path, 7)
    edit_entry(path, change)
    with pytest.raises(ValueError, match=r"^Resume: the entry 'mixture' of checkpoint .* cannot be read: ") as caught:
        train(tmp_path, MIXED, resume=True)
    assert str(path) in str(caught.value)
    assert "Resume from another checkpoint, or give this one as load_from without resume" in str(caught.value)
    assert train(tmp_path, MIXED, load_from=str(path)).diary.trained  # its weights still serve


def test_a_resampled_mixture_is_told_its_epoch_after_a_resume(tmp_path: Path) -> None:
    """Halves of the sources: two epochs hold every sample once."""
    halves = {"sample_ratio_factor": [0.5, 0.5]}
    sampler = {"type": "DefaultSampler", "shuffle": True}
    options = {"sizes": (8, 8), "dataset": halves, "train_cfg": {**BY_ITERATION, "max_iters": 4}}
    whole = train(tmp_path / "whole", sampler, **options)
    assert sorted(chain.from_iterable(whole.diary.trained)) == list(product((0, 1), range(8)))
    train(tmp_path, sampler, dies_after=3, **{**options, "dataset": dict(halves)})
    after = train(tmp_path, sampler, resume=True, **{**options, "dataset": dict(halves)})
    assert after.diary.trained == whole.diary.trained[3:]


class TestChangedMixture:
    """What the log says of a mixture that is not the checkpoint's; the rules are those of ``mixing.state``."""

    def resumed(self, tmp_path: Path, sampler: dict, **options: Any) -> Run:
        train(tmp_path, MIXED, dies_after=7)
        return train(tmp_path, sampler, resume=True, **options)

    def test_another_ratio_begins_at_this_step(self, tmp_path: Path) -> None:
        after = self.resumed(tmp_path, {**MIXED, "source_ratio": [3, 1]})
        assert [[source for source, _ in batch] for batch in after.diary.trained] == [[0, 0, 0, 1]] * 8
        assert re.search(r"WARNING - MultiSourceSampler: .*source_ratio", after.log)
        assert "goes on after the 7 batches that were trained, in epoch 2 with batch 3 of 5: 3 are left" in after.log

    def test_a_source_more_starts_its_first_pass(self, whole: dict[str, Run], tmp_path: Path) -> None:
        sampler = {**MIXED, "source_ratio": [1, 1, 2]}
        after = self.resumed(tmp_path, sampler, sizes=(11, 7, 40))
        added = [number for batch in after.diary.trained for source, number in batch if source == 2]
        assert len(set(added)) == len(added) > 0
        assert re.search(r"WARNING - MultiSourceSampler: .*list\[2\]", after.log)

    def test_other_batches_finish_the_epoch_that_was_begun(self, tmp_path: Path) -> None:
        """Three batches of 4 are left of it, which are 12 of 1; the next one has 18."""
        after = self.resumed(tmp_path, {**MIXED, "batch_size": 1}, loader={"batch_size": 1})
        assert len(after.diary.trained) == 12 + 18
        assert "in epoch 2 with batch 7 of 18: 12 are left" in after.log

    def test_it_may_be_resumed_once_more(self, tmp_path: Path) -> None:
        options = {"loader": {"batch_size": 1}}
        changed = {**MIXED, "batch_size": 1, "source_ratio": [3, 1]}
        straight = self.resumed(tmp_path / "straight", changed, **options)
        train(tmp_path / "again", MIXED, dies_after=7)
        before = train(tmp_path / "again", changed, resume=True, dies_after=11, **options)
        after = train(tmp_path / "again", changed, resume=True, **options)
        assert before.diary.trained + after.diary.trained == straight.diary.trained
        assert "WARNING - MultiSourceSampler" not in after.log


class OwnBatches(BatchSampler):
    """Batches that another package makes: indices may be held back in it."""


def test_a_batch_sampler_of_another_class_is_left_alone_with_a_warning(tmp_path: Path) -> None:
    own = {"loader": {"batch_sampler": {"type": OwnBatches, "drop_last": False}}}
    train(tmp_path, MIXED, dies_after=7, **own)
    assert "mixture" not in torch.load(checkpoint_of(tmp_path, 7), weights_only=False)
    after = train(tmp_path, MIXED, resume=True, **own)
    assert "WARNING - Resume: MultiSourceSampler cannot be placed within an epoch: 2 batches of epoch 2" in after.log
