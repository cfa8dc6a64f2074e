"""The iteration-based loop starts its loader with the first batch it trains, and is taken for configs by iterations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmengine.runner import IterBasedTrainLoop as RootIterBasedTrainLoop
from torch.utils.data import DataLoader

from mmpose_mix.datasets import DefaultSampler
from mmpose_mix.engine import IterBasedTrainLoop
from mmpose_mix.engine.launch import load_config
from mmpose_mix.engine.loops import EndlessBatches, sampler_of
from tests.engine.stopped_runs import Follower


class Numbers:
    """The numbers 0 to ``size - 1``, and a note of those that were asked for."""

    metainfo = {"name": "numbers"}

    def __init__(self, size: int) -> None:
        self.size = size
        self.asked: list[int] = []

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        self.asked.append(int(index))
        return int(index)


def loader_of(dataset: Numbers, **options: Any) -> DataLoader:
    sampler = DefaultSampler(dataset, shuffle=False, seed=0)
    return DataLoader(dataset, batch_size=2, sampler=sampler, collate_fn=list, **options)


def runner_of(dataset: Numbers, work_dir: Path, loop: dict[str, Any]) -> Runner:
    return Runner(
        model=Follower(),
        work_dir=str(work_dir),
        train_dataloader=loader_of(dataset),
        train_cfg=loop,
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
        default_scope="mmpose_mix",
        experiment_name=work_dir.name,
        log_level="WARNING",
    )


def test_nothing_is_loaded_before_it_is_asked_for(tmp_path: Path) -> None:
    dataset = Numbers(4)
    runner = runner_of(dataset, tmp_path, {"type": "IterBasedTrainLoop", "max_iters": 3})
    loop = runner.build_train_loop(runner._train_loop)
    assert type(loop) is IterBasedTrainLoop
    assert isinstance(loop.dataloader, DataLoader)
    assert dataset.asked == []
    assert next(loop.dataloader_iterator) == [0, 1]
    assert dataset.asked == [0, 1]


def test_its_arguments_are_mmengines(tmp_path: Path) -> None:
    options = {"max_iters": 7, "val_begin": 2, "val_interval": 3, "dynamic_intervals": [(5, 1)]}
    runner = runner_of(Numbers(4), tmp_path, {"type": "IterBasedTrainLoop", **options})
    ours = runner.build_train_loop(runner._train_loop)
    theirs = runner.build_train_loop({"type": "mmengine.IterBasedTrainLoop", **options})
    assert type(theirs) is RootIterBasedTrainLoop
    public = ("max_iters", "max_epochs", "iter", "epoch", "val_begin", "val_interval", "dynamic_intervals")
    assert [getattr(ours, name) for name in public] == [getattr(theirs, name) for name in public]


@pytest.mark.parametrize("workers", [{}, {"num_workers": 1}, {"num_workers": 1, "persistent_workers": True}])
def test_epoch_follows_on_epoch_without_a_pause(workers: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"slept {seconds} s"))
    batches = EndlessBatches(loader_of(Numbers(3), **workers))
    assert [next(batches) for _ in range(5)] == [[0, 1], [2], [0, 1], [2], [0, 1]]


def test_sampler_and_data_set_are_told_each_epoch() -> None:
    dataset = Numbers(2)
    dataset.told = []
    dataset.set_epoch = dataset.told.append
    loader = loader_of(dataset)
    batches = EndlessBatches(loader, epoch=3)
    assert (dataset.told, sampler_of(loader).epoch) == ([], 0)
    for _ in range(3):
        next(batches)
    assert (dataset.told, sampler_of(loader).epoch) == ([3, 4, 5], 5)


def test_what_was_passed_is_not_loaded() -> None:
    dataset = Numbers(4)
    batches = EndlessBatches(loader_of(dataset), passed=1000)
    assert [next(batches) for _ in range(1000)] == [None] * 1000
    assert dataset.asked == []
    assert next(batches) == [0, 1]


def test_a_loader_without_a_batch_is_an_error_and_no_endless_search() -> None:
    batches = EndlessBatches(DataLoader(Numbers(1), batch_size=2, drop_last=True))
    with pytest.raises(ValueError, match=r"train_dataloader: epoch 1 holds no batch\. Give it more samples, a smaller"):
        next(batches)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("dict(by_epoch=False, max_iters=4)", {"type": "mmpose_mix.IterBasedTrainLoop", "max_iters": 4}),
        ("dict(type='IterBasedTrainLoop', max_iters=4)", {"type": "IterBasedTrainLoop", "max_iters": 4}),
        ("dict(by_epoch=True, max_epochs=4)", {"by_epoch": True, "max_epochs": 4}),
        ("None", None),
    ],
)
def test_a_config_by_iterations_takes_this_loop(words: str, expected: Any, tmp_path: Path) -> None:
    path = tmp_path / "experiment.py"
    path.write_text(f"train_cfg = {words}\n")
    found = load_config(path).get("train_cfg")
    assert found == expected
    if expected:
        loop = runner_of(Numbers(4), tmp_path, dict(found)).train_loop
        assert isinstance(loop, EpochBasedTrainLoop if "max_epochs" in expected else IterBasedTrainLoop)


def test_an_option_of_the_command_line_chooses_the_loop_too(tmp_path: Path) -> None:
    path = tmp_path / "experiment.py"
    path.write_text("train_cfg = dict(by_epoch=True)\n")
    overrides = {"train_cfg.by_epoch": False, "train_cfg.max_iters": 5}
    assert load_config(path, overrides).train_cfg == {"type": "mmpose_mix.IterBasedTrainLoop", "max_iters": 5}
