"""Training, resuming and testing from the command line, by real processes on drawn images."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import CheckpointLoader

from mmpose_mix.cli import main
from mmpose_mix.engine.checkpoint import load_checkpoint_safely

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def trained(path: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint_safely(str(path), map_location="cpu")["state_dict"]


def losses(work_dir: Path) -> list[float]:
    """All losses that the runs in a work folder logged, in the order of the runs."""
    logs = sorted(work_dir.glob("*/vis_data/scalars.json"))
    rows = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def test_a_resumed_training_ends_as_the_uninterrupted_one(
    run_module: Command, experiment: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    straight = run_module("mmpose_mix", "train", experiment, "--work-dir", whole)
    assert straight.returncode == 0, straight.stderr
    one_epoch = ("--cfg-options", "train_cfg.max_epochs=1")
    first = run_module("mmpose_mix", "train", experiment, "--work-dir", parts, *one_epoch)
    assert first.returncode == 0, first.stderr
    second = run_module("mmpose_mix", "train", experiment, "--work-dir", parts, "--resume")
    assert second.returncode == 0, second.stderr

    expected, found = trained(whole / "epoch_2.pth"), trained(parts / "epoch_2.pth")
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert losses(parts) == losses(whole)

    tested = run_module("mmpose_mix", "test", experiment, parts / "epoch_2.pth", "--out", tmp_path / "metrics.json")
    assert tested.returncode == 0, tested.stderr
    assert set(json.loads((tmp_path / "metrics.json").read_text())) >= {"coco/AP", "coco/AR"}


def test_two_processes_train_on_the_cpu_and_end_cleanly(run_module: Command, experiment: Path, tmp_path: Path) -> None:
    launch = ("--standalone", "--nproc_per_node=2", "-m", "mmpose_mix", "train", experiment, "--launcher", "pytorch")
    done = run_module("torch.distributed.run", *launch, "--work-dir", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "epoch_2.pth").is_file()
    files = (experiment.parent / "data").glob("*/annotations/*_train.json")
    persons = sum(len(json.loads(path.read_text())["annotations"]) for path in files if "head_top" not in path.name)
    # two epochs, two samples for each of the two ranks
    assert len(losses(tmp_path / "run")) == 2 * math.ceil(persons / 4)


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command line within this process, which it leaves as it was."""
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setattr(CheckpointLoader, "_schemes", CheckpointLoader._schemes.copy())
    return lambda *arguments: main([str(argument) for argument in arguments])


def test_training_options_change_the_config(
    command_line: Callable[..., int], experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Config] = []
    monkeypatch.setattr(
        "mmpose_mix.cli.train.build_runner",
        lambda config: seen.append(config) or SimpleNamespace(train=lambda: None, train_loop=None, val_loop=None),
    )
    plain = ("train", experiment, "--work-dir", tmp_path)
    base = ("--cfg-options", "auto_scale_lr.base_batch_size=8")
    command_line(*plain, "--no-validate", "--auto-scale-lr", "--resume", "earlier.pth", *base)
    command_line(*plain, "--resume", "--show-dir", "pictures", "--interval", 3)
    command_line(*plain)
    one, two, three = seen
    assert (one.val_cfg, one.val_dataloader, one.val_evaluator) == (None, None, None)
    assert one.auto_scale_lr == {"base_batch_size": 8, "enable": True}
    assert (one.resume, one.load_from) == (True, "earlier.pth")
    assert (two.resume, two.load_from) == (True, None)
    drawn = {"enable": True, "out_dir": "pictures", "interval": 3, "test_interval": 3, "show": False}
    assert two.default_hooks.visualization == {"type": "PoseVisualizationHook", **drawn}
    assert (three.resume, three.load_from, three.work_dir) == (False, None, str(tmp_path))
    assert not three.default_hooks.visualization.enable
    assert three.val_dataloader is not None


def test_workers_end_with_the_training_without_being_waited_for(
    command_line: Callable[..., int], experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torch terminates a worker that it has waited for in vain, for five seconds."""
    terminated: list[object] = []
    monkeypatch.setattr("multiprocessing.process.BaseProcess.terminate", lambda worker: terminated.append(worker))
    workers = ("train_dataloader.num_workers=1", "train_dataloader.persistent_workers=True")
    options = ("--no-validate", "--cfg-options", "train_cfg.max_epochs=1", *workers)
    command_line("train", experiment, "--work-dir", tmp_path, *options)
    assert terminated == []


def test_test_options_change_the_config(
    command_line: Callable[..., int], experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Config] = []

    def build(config: Config) -> SimpleNamespace:
        seen.append(config)
        return SimpleNamespace(test=lambda: {"coco/AP": 0.5}, test_loop=None)

    monkeypatch.setattr("mmpose_mix.cli.test.build_runner", build)
    command_line("test", experiment, "weights.pth", "--out", tmp_path / "m.json", "--dump", tmp_path / "p.pkl")
    assert (seen[0].load_from, seen[0].resume) == ("weights.pth", False)
    assert [evaluator.type for evaluator in seen[0].test_evaluator] == ["CocoMetric", "DumpResults"]
    assert json.loads((tmp_path / "m.json").read_text()) == {"coco/AP": 0.5}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "nowhere.py"), "mmpose-mix train: Config nowhere.py is neither a file"),
        (("train", "{experiment}", "--amp"), "mmpose-mix train: --amp needs an accelerator"),
        (("train", "{experiment}", "--auto-scale-lr"), "mmpose-mix train: --auto-scale-lr needs auto_scale_lr="),
        (("test", "{experiment}", "x.pth", "--dump", "x.json"), "mmpose-mix test: --dump writes a pickle"),
        (("test", "{experiment}", "x.pth", "--out", "metrics.txt"), "mmpose-mix test: --out takes a name that ends in"),
        (("fly",), "invalid choice: 'fly'"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_message(
    arguments: tuple[str, ...],
    words: str,
    command_line: Callable[..., int],
    experiment: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr("mmpose_mix.engine.launch.get_device", lambda: "cpu")
    with pytest.raises(SystemExit) as ended:  # Python prints its code and no traceback
        command_line(*(argument.format(experiment=experiment) for argument in arguments))
    assert ended.value.code != 0
    assert words in f"{capsys.readouterr().err}{ended.value.code}"


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (
            "train_dataloader.dataset.datasets.1.pipeline.0.num_keypoints=20",
            r"CombinedDataset.datasets\[1\] \(AicDataset\)",
        ),
        ("model.head.out_channels=17", "metainfo has 19 keypoints, but head.out_channels=17 is for 17"),
        ("model.test_cfg.output_keypoint_indices=None", "the model predicts 19 keypoints, the data set 'coco' has 17"),
    ],
)
def test_what_does_not_fit_is_found_before_training(
    mistake: str,
    words: str,
    command_line: Callable[..., int],
    experiment: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    with pytest.raises(ValueError, match=words):
        command_line("train", experiment, "--work-dir", tmp_path, "--cfg-options", mistake)
    assert "Epoch(train)" not in capsys.readouterr().out
