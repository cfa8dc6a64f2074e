"""The hooks that tell a mixture its epoch, in real runs of MMEngine's runner."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.dataset import RepeatDataset
from mmengine.hooks import DistSamplerSeedHook as RootDistSamplerSeedHook
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmpose_mix.datasets import CombinedDataset
from mmpose_mix.engine.mixture_epoch import DistSamplerSeedHook, MixtureEpochHook
from tests.datasets.mixture_parts import COCO, listed

EPOCHS = {"by_epoch": True, "max_epochs": 4}


class Tiny(BaseModel):
    """A model of one number that learns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.number = torch.nn.Parameter(torch.zeros(1))

    def forward(self, items: list[dict[str, Any]], mode: str = "tensor") -> dict[str, torch.Tensor]:
        return {"loss": (self.number * len(items)).sum()}

    def train_step(self, data: list[dict[str, Any]], optim_wrapper: Any) -> dict[str, torch.Tensor]:
        loss = self.forward(data)["loss"]
        optim_wrapper.update_params(loss)
        return {"loss": loss.detach()}


class Diary(Hook):
    """Writes down what came in each iteration."""

    def __init__(self) -> None:
        self.seen: list[list[tuple[int, int]]] = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        self.seen.append([(item["source"], item["id"]) for item in data_batch])


def train(work_dir: Path, dataset: Any, sampler: dict, train_cfg: dict, hooks=(), scope="mmpose_mix", **loader) -> list:
    diary = Diary()
    runner = Runner(
        model=Tiny(),
        work_dir=str(work_dir),
        train_dataloader={
            "batch_size": 5,
            "num_workers": 0,
            "dataset": dataset,
            "sampler": sampler,
            "collate_fn": {"type": list},
            **loader,
        },
        train_cfg=train_cfg,
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
        default_hooks={"checkpoint": None, "logger": None},
        custom_hooks=[*hooks, diary],
        default_scope=scope,
        experiment_name=f"{work_dir.name}_{scope}",
        randomness={"seed": 0},
        log_level="WARNING",
    )
    runner.train()
    return diary.seen


def halves() -> CombinedDataset:
    return CombinedDataset(COCO, [listed("a", 20)], sample_ratio_factor=[0.5])


DEFAULT_SAMPLER = {"type": "DefaultSampler", "shuffle": True}
MULTI_SOURCE_SAMPLER = {"type": "mmpose_mix.MultiSourceSampler", "batch_size": 5, "source_ratio": [1]}


@pytest.mark.parametrize(
    ("scope", "hooks"),
    [("mmpose_mix", []), ("mmpose_mix", [{"type": "MixtureEpochHook"}]), ("mmengine", [MixtureEpochHook()])],
)
@pytest.mark.parametrize("workers", [0, 2])
def test_two_epochs_of_halves_show_everything_once(tmp_path, scope, hooks, workers):
    seen = train(
        tmp_path,
        RepeatDataset(halves(), 1),
        DEFAULT_SAMPLER,
        EPOCHS,
        hooks,
        scope,
        num_workers=workers,
    )
    assert len(seen) == 8
    for first in (0, 4):
        assert sorted(chain.from_iterable(seen[first : first + 4])) == [(0, number) for number in range(20)]


def test_the_sampler_tells_the_epoch_in_an_iteration_based_loop(tmp_path, monkeypatch):
    # MMEngine waits two seconds between epochs.
    monkeypatch.setattr("mmengine.runner.loops.time", SimpleNamespace(sleep=lambda seconds: None))
    seen = train(tmp_path, halves(), MULTI_SOURCE_SAMPLER, {"by_epoch": False, "max_iters": 4})
    assert sorted(chain.from_iterable(seen)) == [(0, number) for number in range(20)]


ROOT_LOOP = {"type": "mmengine.IterBasedTrainLoop", "max_iters": 4}
OUR_LOOP = {"type": "IterBasedTrainLoop", "max_iters": 4}


@pytest.mark.parametrize(
    ("kind", "loop"),
    [("InfiniteSampler", ROOT_LOOP), ("DefaultSampler", ROOT_LOOP), ("InfiniteSampler", OUR_LOOP)],
)
def test_an_iteration_based_loop_that_would_show_one_part_for_ever_is_refused(tmp_path, kind, loop):
    words = rf"{kind} of mmengine in IterBasedTrainLoop tells .*Use a sampler of scope mmpose_mix, EpochBasedTrainLoop"
    with pytest.raises(ValueError, match=words):
        train(tmp_path, halves(), {"type": f"mmengine.{kind}"}, loop)


@pytest.mark.parametrize(
    ("kind", "loop"),
    [
        ("mmengine.DefaultSampler", OUR_LOOP),
        ("DefaultSampler", OUR_LOOP),
        ("DefaultSampler", ROOT_LOOP),
        ("InfiniteSampler", OUR_LOOP),
        ("InfiniteSampler", ROOT_LOOP),
    ],
)
def test_an_iteration_based_loop_shows_both_halves_where_either_tells_the_epoch(tmp_path, monkeypatch, kind, loop):
    monkeypatch.setattr("mmengine.runner.loops.time", SimpleNamespace(sleep=lambda seconds: None))
    seen = train(tmp_path, halves(), {"type": kind}, loop)
    assert sorted(chain.from_iterable(seen)) == [(0, number) for number in range(20)]


def test_an_iteration_based_loop_over_whole_sources_is_fine(tmp_path):
    dataset = CombinedDataset(COCO, [listed("a", 20)])
    seen = train(tmp_path, dataset, {"type": "InfiniteSampler"}, {"by_epoch": False, "max_iters": 2})
    assert len(seen) == 2


@pytest.mark.parametrize("hooks", [[], [{"type": "MixtureEpochHook"}]])
def test_a_batch_size_that_is_not_the_samplers_is_refused(tmp_path, hooks):
    """Reference row 3C-8: MMPose then trains on another ratio."""
    sampler = {**MULTI_SOURCE_SAMPLER, "batch_size": 4}
    with pytest.raises(ValueError, match=r"batch_size=5, but its MultiSourceSampler has batch_size=4.*Set both"):
        train(tmp_path, halves(), sampler, EPOCHS, hooks)


def test_the_default_hook_of_this_scope_is_mmengines_and_more():
    assert issubclass(DistSamplerSeedHook, RootDistSamplerSeedHook)
    assert DistSamplerSeedHook.priority == RootDistSamplerSeedHook.priority
