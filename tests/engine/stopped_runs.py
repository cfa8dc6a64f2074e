"""Trainings within this process that end after some step as if they were killed, and go on from their checkpoint."""

from __future__ import annotations

import gc
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmpose_mix.datasets import CombinedDataset
from tests.datasets.mixture_parts import COCO, listed

Sample = tuple[int, int]
SIZES = (11, 7)
BATCH = 4
#: 18 samples are 5 batches, the last of which is filled up.
STEPS = 5
EPOCHS = 3
BY_EPOCH = {"by_epoch": True, "max_epochs": EPOCHS}
BY_ITERATION = {"type": "IterBasedTrainLoop", "max_iters": EPOCHS * STEPS}
SCHEDULERS = [
    {"type": "LinearLR", "begin": 0, "end": 2, "start_factor": 0.1, "by_epoch": True, "convert_to_iter_based": True},
    {"type": "MultiStepLR", "milestones": [1, 2], "gamma": 0.5, "by_epoch": True},
]


class Killed(Exception):
    """Ends a training in the middle."""


class Follower(BaseModel):
    """A number that goes after the ids it sees, so that it tells their order and the learning rates."""

    def __init__(self) -> None:
        super().__init__()
        self.number = torch.nn.Parameter(torch.zeros(1))

    def forward(self, items: list[dict[str, Any]], mode: str = "tensor") -> dict[str, torch.Tensor]:
        """The loss alone."""
        ids = torch.tensor([float(item["id"]) for item in items])
        return {"loss": (self.number - ids).square().mean()}

    def train_step(self, data: list[dict[str, Any]], optim_wrapper: Any) -> dict[str, torch.Tensor]:
        """One step."""
        loss = self.forward(data)["loss"]
        optim_wrapper.update_params(loss)
        return {"loss": loss.detach()}


class Diary(Hook):
    """Writes down what was trained at which rate and which epochs ended, and dies after some step."""

    priority = "LOWEST"

    def __init__(self, dies_after: Optional[int]) -> None:
        self.dies_after = dies_after
        self.trained: list[list[Sample]] = []
        self.rates: list[float] = []
        self.ended_epochs: list[int] = []

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Before the step: the rate that it is going to have."""
        self.rates.append(runner.optim_wrapper.get_lr()["lr"][0])

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """After the checkpoint hook."""
        self.trained.append([(item["source"], item["id"]) for item in data_batch])
        if runner.iter + 1 == self.dies_after:
            raise Killed

    def after_train_epoch(self, runner: Runner) -> None:
        """After the checkpoint hook."""
        self.ended_epochs.append(runner.epoch)


class Said(logging.Handler):
    """Keeps what is logged; two runs within one second share the file that MMEngine writes."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)


@dataclass
class Run:
    """What a training left behind.

    Attributes:
        diary: what was trained.
        loaded: all samples that were loaded, in their order.
        weight: the model's number.
        average: the number's moving average, None without one.
        log: what went to the log.
    """

    diary: Diary
    loaded: list[Sample] = field(default_factory=list)
    weight: Optional[float] = None
    average: Optional[float] = None
    log: str = ""


def train(
    work_dir: Path,
    sampler: dict[str, Any],
    train_cfg: dict[str, Any] = BY_EPOCH,
    dies_after: Optional[int] = None,
    resume: bool = False,
    sizes: tuple[int, ...] = SIZES,
    hooks: tuple = (),
    average: bool = False,
    checkpoint: Optional[dict[str, Any]] = None,
    **options: Any,
) -> Run:
    """Train ``Follower`` on a mixture of numbers, with a checkpoint after every step."""
    run = Run(Diary(dies_after))

    def note(item: dict[str, Any]) -> dict[str, Any]:
        run.loaded.append((item["source"], item["id"]))
        return item

    sources = [listed(f"source{place}", size) for place, size in enumerate(sizes)]
    dataset = CombinedDataset(COCO, sources, pipeline=[note], **options.pop("dataset", {}))
    loader = {"batch_size": BATCH, "num_workers": 0, "collate_fn": {"type": list}, **options.pop("loader", {})}
    configuration = {
        "param_scheduler": SCHEDULERS,
        "default_scope": "mmpose_mix",
        "randomness": {"seed": 3},
        "log_level": "INFO",
        **options,
    }
    runner = Runner(
        model=Follower(),
        work_dir=str(work_dir),
        train_dataloader={"dataset": dataset, "sampler": dict(sampler), **loader},
        train_cfg=dict(train_cfg),
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9}},
        default_hooks={"checkpoint": checkpoint or {"type": "CheckpointHook", "by_epoch": False, "interval": 1}},
        custom_hooks=[*hooks, *([{"type": "EMAHook"}] if average else []), run.diary],
        resume=resume,
        experiment_name=f"{work_dir.name}_{id(run)}",
        **configuration,
    )
    said = Said()
    runner.logger.addHandler(said)
    with suppress(Killed):
        runner.train()
    if (kept := runner.train_dataloader).num_workers:
        # torch waits five seconds for each worker of a loader that the garbage collector ends
        runner.train_loop.dataloader_iterator = None
        del runner
        gc.collect()
        del kept
    state = torch.load(Path(work_dir, "last_checkpoint").read_text(), weights_only=False)
    run.weight = state["state_dict"]["number"].item()
    run.average = state["ema_state_dict"]["module.number"].item() if average else None
    run.log = "\n".join(f"{record.levelname} - {record.getMessage()}" for record in said.records)
    return run
