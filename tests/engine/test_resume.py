"""A run that is stopped and resumed through the safe loader ends where the uninterrupted run ends."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmengine.runner import CheckpointLoader, Runner
from torch import nn
from torch.utils.data import DataLoader, Dataset

from mmpose_mix.engine import use_safe_checkpoint_loader


class Points(Dataset):
    """Sixteen points with labels, and metainfo with arrays, as the keypoint sets of pose data have."""

    metainfo = {"sigmas": np.linspace(0, 1, 3, dtype=np.float32), "weights": np.ones(3, np.float32), "name": "points"}

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.points = rng.normal(size=(16, 3)).astype(np.float32)

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        point = torch.from_numpy(self.points[index])
        return {"inputs": point, "targets": point.sum()[None]}


class Regressor(BaseModel):
    """A layer with batch norm: weights and statistics have to be resumed."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))

    def forward(self, inputs: Any, targets: Any, mode: str = "tensor") -> Any:
        """Only the loss is asked for."""
        return {"loss": (self.layers(torch.stack(inputs)) - torch.stack(targets)).square().mean()}


@pytest.fixture(autouse=True)
def _safe_loader(monkeypatch):
    monkeypatch.setattr(CheckpointLoader, "_schemes", OrderedDict(CheckpointLoader._schemes))
    use_safe_checkpoint_loader()


def _trained(work_dir: Path, name: str, max_epochs: int, resume: str | None = None) -> Runner:
    torch.manual_seed(0)
    model = Regressor()
    runner = Runner(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=DataLoader(Points(), batch_size=4, collate_fn=pseudo_collate),
        optim_wrapper=OptimWrapper(torch.optim.Adam(model.parameters(), lr=0.1)),
        param_scheduler=[
            {"type": "LinearLR", "begin": 0, "end": 6, "by_epoch": False, "start_factor": 0.1},
            {"type": "MultiStepLR", "milestones": [1], "gamma": 0.5},
        ],
        train_cfg={"by_epoch": True, "max_epochs": max_epochs},
        default_hooks={
            "checkpoint": {"type": "CheckpointHook", "interval": 1},
            "logger": {"type": "LoggerHook", "interval": 2},
        },
        load_from=resume,
        resume=resume is not None,
        experiment_name=name,
        log_level="WARNING",
    )
    runner.train()
    return runner


def test_a_run_resumed_from_a_checkpoint_equals_the_uninterrupted_one(tmp_path):
    whole = _trained(tmp_path, "whole", 3)
    resumed = _trained(tmp_path / "resumed", "resumed", 3, resume=str(tmp_path / "epoch_1.pth"))
    assert resumed.iter == whole.iter == 12
    for (name, ours), theirs in zip(resumed.model.state_dict().items(), whole.model.state_dict().values()):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0, msg=name)
    for key in ("train/lr", "train/loss"):
        ours, theirs = (runner.message_hub.log_scalars[key] for runner in (resumed, whole))
        assert type(ours) is HistoryBuffer
        np.testing.assert_array_equal(ours.data, theirs.data)


def test_metainfo_with_arrays_is_recognised_as_the_same(tmp_path, capsys, monkeypatch):
    _trained(tmp_path, "before", 1)
    checkpoint = str(tmp_path / "epoch_1.pth")
    _trained(tmp_path, "same", 2, resume=checkpoint)
    assert "The dataset metainfo" not in capsys.readouterr().out
    monkeypatch.setattr(Points, "metainfo", {**Points.metainfo, "weights": np.zeros(3, np.float32)})
    _trained(tmp_path, "other", 2, resume=checkpoint)
    assert "The dataset metainfo" in capsys.readouterr().out
