"""Trainings that are killed in the middle of an epoch and resumed: on as many processes, and on other numbers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest
import torch

from mmpose_mix.engine.checkpoint import load_checkpoint_safely
from mmpose_mix.toy import draw_mixture
from tests.cli.conftest import EXPERIMENT
from tests.cli.recording import FOLDER, RESTS_AFTER, loaded, resting, trained

GLOBAL_BATCH = 8
STEPS, EPOCHS = 9, 2
#: A checkpoint is written after these steps; two more are trained and lost.
SAVED, LOST = 12, 2
CHANGES = """
custom_imports = dict(imports=['recording'], allow_failed_imports=False)
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='RecordTrained')]
train_pipeline.insert(0, dict(type='RecordLoaded'))
train_dataloader['num_workers'] = 0
default_hooks['checkpoint'] = dict(type='CheckpointHook', by_epoch=False, interval=4)
param_scheduler = [dict(type='MultiStepLR', begin=0, end=18, milestones=[3, 14], gamma=0.5, by_epoch=False)]
"""
BY_ITERATION = "train_cfg = dict(_delete_=True, by_epoch=False, max_iters=18)\n"
PERSISTENT_WORKERS = ("train_dataloader.num_workers=2", "train_dataloader.persistent_workers=True")


@dataclass(frozen=True)
class Training:
    """A training by processes of its own.

    Attributes:
        work_dir: its checkpoints.
        records: what it loaded and trained.
    """

    work_dir: Path
    records: Path

    def final_weights(self) -> dict[str, torch.Tensor]:
        """What the last checkpoint holds."""
        return load_checkpoint_safely(self.work_dir / f"iter_{EPOCHS * STEPS}.pth", "cpu")["state_dict"]


class Trainer:
    """Starts trainings on drawn images, in a folder that is not the checkout."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.folder, self.repository = folder, repository
        numbers = {"coco_train": 20, "aic_train": 20, "coco_val": 1, "aic_val": 1}
        draw_mixture(folder / "data", num_images=numbers, image_size=(160, 120))
        text = EXPERIMENT.format(data=folder / "data", configs=repository / "configs") + CHANGES
        self.configs = {"epoch": folder / "by_epoch.py", "iteration": folder / "by_iteration.py"}
        self.configs["epoch"].write_text(text)
        (folder / "by_iteration.py").write_text(f"_base_ = ['by_epoch.py']\n{BY_ITERATION}")

    def start(
        self,
        name: str,
        kind: str,
        ranks: int,
        changes: Iterable[str] = (),
        resume: tuple[object, ...] = (),
        work_dir: Path | None = None,
        rests_after: int | None = None,
        script: bool = False,
    ) -> tuple[Training, subprocess.Popen[str]]:
        """Start a training of ``ranks`` processes in a session of its own."""
        training = Training(work_dir or self.folder / name, self.folder / f"{name}_records")
        training.records.mkdir()
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(self.repository), str(self.repository / "tests" / "cli")]),
            "OMP_NUM_THREADS": "1",
            FOLDER: str(training.records),
            RESTS_AFTER: str(rests_after),
        }
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={ranks}"] if ranks > 1 else []
        entry = [self.repository / "tools" / "train.py"] if script else ["-m", "mmpose_mix", "train"]
        sizes = [f"train_dataloader.{place}batch_size={GLOBAL_BATCH // ranks}" for place in ("", "sampler.")]
        options = ["--work-dir", training.work_dir, "--no-validate", "--launcher", "pytorch" if ranks > 1 else "none"]
        command = [sys.executable, *launch, *entry, self.configs[kind], *options, *resume]
        command += ["--cfg-options", *sizes, *changes]
        output = (self.folder / f"{name}.log").open("w")
        with output:
            process = subprocess.Popen(
                list(map(str, command)),
                cwd=self.folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        return training, process

    def log(self, name: str) -> str:
        """What a training said."""
        return (self.folder / f"{name}.log").read_text()

    def finish(self, name: str, process: subprocess.Popen[str]) -> None:
        """Wait for the end of a training."""
        try:
            assert process.wait(timeout=200) == 0, self.log(name)
        finally:
            process.kill()

    def kill(self, name: str, training: Training, process: subprocess.Popen[str], ranks: int) -> None:
        """Kill a training, workers included, as soon as all its ranks rest."""
        until = time.monotonic() + 200
        try:
            while len(resting(training.records)) < ranks and process.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
            found = resting(training.records)
        finally:
            # torchrun of torch 2 gives each rank a session of its own; before, they are all in that of the first
            for pid in (process.pid, *resting(training.records)):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
            process.wait()
        assert len(found) == ranks, self.log(name)

    def run(self, name: str, *arguments: object, **options: object) -> Training:
        """A whole training."""
        training, process = self.start(name, *arguments, **options)
        self.finish(name, process)
        return training


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Trainer:
    return Trainer(tmp_path_factory.mktemp("killed"), repository)


@pytest.fixture(scope="module")
def whole_and_killed(trainer: Trainer) -> tuple[Training, Training]:
    """A training of one process that nothing interrupts, and the same with persistent workers, killed; by epochs."""
    killed, dying = trainer.start("killed", "epoch", 1, PERSISTENT_WORKERS, rests_after=SAVED + LOST)
    whole, process = trainer.start("whole", "epoch", 1)
    trainer.finish("whole", process)
    trainer.kill("killed", killed, dying, 1)
    return whole, killed


def test_the_killed_training_saw_what_the_whole_one_saw(whole_and_killed: tuple[Training, Training]) -> None:
    whole, killed = (trained(training.records) for training in whole_and_killed)
    assert list(whole) == list(range(STEPS * EPOCHS))
    assert killed == {step: whole[step] for step in range(SAVED + LOST)}
    assert (whole_and_killed[1].work_dir / f"iter_{SAVED}.pth").is_file()


def test_it_goes_on_on_two_processes(trainer: Trainer, whole_and_killed: tuple[Training, Training]) -> None:
    whole, killed = whole_and_killed
    checkpoint = killed.work_dir / f"iter_{SAVED}.pth"
    resumed = trainer.run("on_two", "epoch", 2, resume=("--resume", checkpoint))
    expected = trained(whole.records)
    found = trained(resumed.records)
    assert {step: sorted(batch) for step, batch in found.items()} == {
        step: sorted(expected[step]) for step in range(SAVED, STEPS * EPOCHS)
    }
    assert Counter(loaded(resumed.records)) == Counter(chain.from_iterable(found.values()))


def test_it_goes_on_as_the_whole_one_to_the_last_bit(
    trainer: Trainer, whole_and_killed: tuple[Training, Training]
) -> None:
    whole, killed = whole_and_killed
    resumed = trainer.run(
        "resumed", "epoch", 1, PERSISTENT_WORKERS, resume=("--resume",), work_dir=killed.work_dir, script=True
    )
    expected, found = trained(whole.records), trained(resumed.records)
    assert found == {step: expected[step] for step in range(SAVED, STEPS * EPOCHS)}
    assert Counter(loaded(resumed.records)) == Counter(chain.from_iterable(found.values()))
    assert "goes on after the 12 batches that were trained, in epoch 2 with batch 4 of 9: 6 are left" in trainer.log(
        "resumed"
    )
    weights = resumed.final_weights()
    assert all(torch.equal(weights[key], value) for key, value in whole.final_weights().items())


def test_two_processes_go_on_as_one_in_an_iteration_based_loop(
    trainer: Trainer, whole_and_killed: tuple[Training, Training]
) -> None:
    expected = trained(whole_and_killed[0].records)
    killed, dying = trainer.start("killed_on_two", "iteration", 2, rests_after=SAVED + LOST)
    trainer.kill("killed_on_two", killed, dying, 2)
    resumed = trainer.run("on_one", "iteration", 1, resume=("--resume",), work_dir=killed.work_dir)
    before, after = trained(killed.records), trained(resumed.records)
    assert [sorted(before[step]) for step in range(SAVED + LOST)] == [sorted(expected[s]) for s in range(SAVED + LOST)]
    assert after == {step: expected[step] for step in range(SAVED, STEPS * EPOCHS)}
    assert loaded(resumed.records) == list(chain.from_iterable(after.values()))
    assert "Advance dataloader" not in trainer.log("on_one")
