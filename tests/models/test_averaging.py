"""The average of YOLOX and RTMPose: its formula, and its life in a run."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from mmpose_mix.engine import use_safe_checkpoint_loader
from mmpose_mix.models import ExpMomentumEMA
from tests.engine.test_mixture_epoch import Tiny


def test_the_average_moves_by_the_published_momentum():
    model = torch.nn.BatchNorm1d(2)
    average = ExpMomentumEMA(model, momentum=0.1, gamma=5, update_buffers=True)
    expected = {name: value.double() for name, value in model.state_dict().items()}
    random = torch.Generator().manual_seed(0)
    for step in range(6):
        for name, value in model.state_dict().items():
            value.copy_(torch.rand(value.shape, generator=random) * 9)
            if not value.is_floating_point():
                continue
            momentum = 0.9 * math.exp(-(1 + step) / 5) + 0.1
            if step == 0:
                expected[name] = value.double()
            else:
                expected[name] = (1 - momentum) * expected[name] + momentum * value.double()
        average.update_parameters(model)
    for name, value in average.module.state_dict().items():
        if not value.is_floating_point():
            continue  # MMEngine averages floating point numbers only
        torch.testing.assert_close(value.double(), expected[name], rtol=1e-5, atol=1e-5)


def test_it_closely_follows_the_model_at_first_and_then_hardly():
    average = ExpMomentumEMA(torch.nn.Linear(1, 1), momentum=0.0002)
    moved = []
    for step in (0, 2000, 40000):
        value = torch.zeros(1)
        average.avg_func(value, torch.ones(1), step)
        moved.append(value.item())
    assert moved[0] > 0.999
    assert moved[1] == pytest.approx(math.exp(-1), abs=1e-3)
    assert moved[2] == pytest.approx(0.0002, rel=1e-3)


def test_what_is_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"ExpMomentumEMA: momentum=1 must be in \(0, 1\); gamma=0 must be above 0"):
        ExpMomentumEMA(torch.nn.Linear(1, 1), momentum=1, gamma=0)


def run(folder: Path, epochs: int, **options: object) -> Runner:
    runner = Runner(
        model=Tiny(),
        work_dir=str(folder),
        train_dataloader={
            "batch_size": 2,
            "dataset": list(range(8)),
            "sampler": {"type": "DefaultSampler", "shuffle": False},
            "collate_fn": {"type": list},
        },
        train_cfg={"by_epoch": True, "max_epochs": epochs},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}},
        default_hooks={"checkpoint": {"type": "CheckpointHook", "interval": 1}, "logger": None},
        custom_hooks=[
            {
                "type": "EMAHook",
                "ema_type": "ExpMomentumEMA",
                "momentum": 0.0002,
                "update_buffers": True,
                "priority": 49,
            }
        ],
        default_scope="mmpose_mix",
        experiment_name=f"{folder.name}_{epochs}",
        randomness={"seed": 0},
        log_level="WARNING",
        **options,
    )
    runner.train()
    return runner


def test_a_config_of_rtmpose_averages_and_goes_on_averaging_when_resumed(tmp_path):
    use_safe_checkpoint_loader()
    run(tmp_path / "a", 1)
    state = torch.load(tmp_path / "a" / "epoch_1.pth", weights_only=False)
    # checkpoints hold the average as the model, and the model beside it
    assert state["state_dict"]["number"] != state["ema_state_dict"]["module.number"]
    whole = run(tmp_path / "b", 2).model.number.item()
    assert run(tmp_path / "a", 2, resume=True).model.number.item() == pytest.approx(whole)
    states = [torch.load(tmp_path / name / "epoch_2.pth", weights_only=False) for name in "ab"]
    torch.testing.assert_close(states[0]["state_dict"], states[1]["state_dict"])
    assert states[0]["ema_state_dict"]["steps"] == states[1]["ema_state_dict"]["steps"]
