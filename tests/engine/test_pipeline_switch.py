"""The hook that changes the pipeline of the training data, in real runs with real workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mmengine.dataset import RepeatDataset
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import ConcatDataset, DataLoader

from mmpose_mix.datasets import CombinedDataset
from mmpose_mix.engine import use_safe_checkpoint_loader
from mmpose_mix.engine.pipeline_switch import PipelineSwitchHook, dataset_with_pipeline, end_workers
from tests.datasets.mixture_parts import COCO, listed
from tests.engine.test_mixture_epoch import Tiny


class Mark:
    """A step that leaves a word in the item."""

    def __init__(self, word: str) -> None:
        self.word = word

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "word": self.word}


class Diary(Hook):
    """Writes down the words of each epoch."""

    def __init__(self) -> None:
        self.words: list[set[str]] = []

    def before_train_epoch(self, runner: Runner) -> None:
        self.words.append(set())

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        self.words[-1] |= {item["word"] for item in data_batch}


def words_of_epochs(folder: Path, switch_epoch: int, dataset: Any, epochs: int = 3, **options: Any) -> list[set[str]]:
    diary = Diary()
    loader = options.pop("loader", {"num_workers": 0})
    runner = Runner(
        model=Tiny(),
        work_dir=str(folder),
        train_dataloader={
            "batch_size": 4,
            "dataset": dataset,
            "sampler": {"type": "DefaultSampler", "shuffle": True},
            "collate_fn": {"type": list},
            **loader,
        },
        train_cfg={"by_epoch": True, "max_epochs": epochs},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
        default_hooks={"checkpoint": {"type": "CheckpointHook", "interval": 1}, "logger": None},
        custom_hooks=[
            {"type": "PipelineSwitchHook", "switch_epoch": switch_epoch, "switch_pipeline": [Mark("late")]},
            diary,
        ],
        default_scope="mmpose_mix",
        experiment_name=f"{folder.name}_{epochs}_{switch_epoch}",
        randomness={"seed": 0},
        log_level="WARNING",
        **options,
    )
    runner.train()
    return diary.words


def mixture() -> CombinedDataset:
    return CombinedDataset(COCO, [listed("a", 6), listed("b", 6)], [Mark("early")])


LOADERS = {
    "no_workers": {"num_workers": 0},
    "workers": {"num_workers": 2},
    "persistent_workers": {"num_workers": 2, "persistent_workers": True},
}


@pytest.mark.parametrize("loader", LOADERS)
def test_the_epochs_from_the_switch_on_come_through_the_new_pipeline(loader, tmp_path):
    words = words_of_epochs(tmp_path, 1, mixture(), loader=LOADERS[loader])
    assert words == [{"early"}, {"late"}, {"late"}]


def test_a_wrapped_mixture_is_switched_too(tmp_path):
    assert words_of_epochs(tmp_path, 1, RepeatDataset(mixture(), times=2), epochs=2) == [{"early"}, {"late"}]


def test_a_run_resumed_after_the_switch_begins_with_the_new_pipeline(tmp_path):
    use_safe_checkpoint_loader()
    words_of_epochs(tmp_path, 1, mixture(), epochs=2)
    assert words_of_epochs(tmp_path, 1, mixture(), epochs=3, resume=True) == [{"late"}]


def test_a_switch_at_the_first_epoch_is_one(tmp_path):
    assert words_of_epochs(tmp_path, 0, mixture(), epochs=1) == [{"late"}]


def test_the_old_workers_end():
    loader = DataLoader(mixture(), batch_size=4, num_workers=2, persistent_workers=True, collate_fn=list)
    assert sum(len(batch) for batch in loader) == 12
    workers = list(loader._iterator._workers)
    end_workers(loader)
    for worker in workers:
        worker.join(timeout=10)
    assert not any(worker.is_alive() for worker in workers)
    assert sum(len(batch) for batch in loader) == 12
    end_workers(loader)


def test_data_without_a_pipeline_are_refused_when_the_training_begins():
    pipelines = [[1], [2]]
    with pytest.raises(ValueError, match="PipelineSwitchHook: ConcatDataset has no pipeline to switch, and wraps 2"):
        dataset_with_pipeline(ConcatDataset(pipelines))


def test_a_wrong_epoch_and_wrong_transforms_are_refused():
    with pytest.raises(ValueError, match=r"switch_epoch=-1 must be a whole number from 0"):
        PipelineSwitchHook(-1, [])
    with pytest.raises(ValueError, match=r"PipelineSwitchHook.switch_pipeline\[1\] \(NoSuchStep\)"):
        PipelineSwitchHook(1, [{"type": "LoadImage"}, {"type": "NoSuchStep"}])
