"""OpenMIM on a plain install: `mim train`, `mim test`, `mim run` and `mim gridsearch`, from a folder elsewhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

# importing it here would change the distutils of all tests that follow
pytestmark = pytest.mark.skipif(find_spec("mim") is None, reason="OpenMIM is absent: pip install '.[mim]'")

Command = Callable[..., "subprocess.CompletedProcess[str]"]
MERGE = "td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-merge"


@pytest.fixture(scope="module")
def plain_install(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """The wheel of this checkout, unpacked by pip into a folder of its own."""
    listing = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=repository, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip(f"the wheel is built from the files that git lists, and git failed: {listed.stderr.strip()}")
    source = tmp_path_factory.mktemp("source")
    for name in filter(None, listed.stdout.split("\n")):
        if (repository / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((repository / name).read_bytes())
    left_over = source / "build" / "lib" / "mmpose_mix" / "left_over.py"
    left_over.parent.mkdir(parents=True)
    left_over.touch()
    target = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", target]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, source], check=True, timeout=300)
    return target


def test_the_wheel_holds_the_configs_and_the_tools(plain_install: Path, repository: Path) -> None:
    inside = plain_install / "mmpose_mix" / ".mim"
    for folder in ("configs", "tools"):
        expected = {path.relative_to(repository) for path in (repository / folder).rglob("*.py")}
        assert {path.relative_to(inside) for path in (inside / folder).rglob("*.py")} == expected


def test_the_wheel_holds_nothing_of_an_earlier_build(plain_install: Path) -> None:
    assert (plain_install / "mmpose_mix" / "registry.py").is_file()
    assert not (plain_install / "mmpose_mix" / "left_over.py").exists()


def test_mim_trains_tests_runs_and_searches(
    plain_install: Path, run_module: Command, experiment: Path, tmp_path: Path
) -> None:
    def mim(*arguments: object) -> str:
        done = run_module("mim", *arguments, path=plain_install)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    work, grid = tmp_path / "run", tmp_path / "grid"
    one_epoch = ("--cfg-options", "train_cfg.max_epochs=1")
    train = ("train", "mmpose_mix", experiment, "--gpus", 0, "--work-dir", work)
    every_four_steps = ("default_hooks.checkpoint.by_epoch=False", "default_hooks.checkpoint.interval=4")
    mim(*train, *one_epoch, *every_four_steps)
    said = mim(*train, "--resume", work / "iter_4.pth", *one_epoch)
    assert "Resume: MultiSourceSampler goes on after the 4 batches that were trained, in epoch 1 with batch 5" in said
    mim("test", "mmpose_mix", experiment, "--gpus", 0, "--checkpoint", work / "epoch_1.pth")
    mim("run", "mmpose_mix", "test", experiment, work / "epoch_1.pth")
    search = ("--search-args", "--optim_wrapper.optimizer.lr 1e-3 1e-4")
    mim("gridsearch", "mmpose_mix", experiment, "--gpus", 0, "--work-dir", grid, *search, *one_epoch)
    assert len(list(tmp_path.glob("grid_search_*/epoch_1.pth"))) == 2


def test_a_shipped_config_is_found_in_a_plain_install(plain_install: Path, tmp_path: Path) -> None:
    code = f"import mmpose_mix.engine.launch as launch; print(launch.find_config('{MERGE}'))"
    environment = {"PYTHONPATH": str(plain_install)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith(str(plain_install / "mmpose_mix" / ".mim" / "configs")), done.stderr
