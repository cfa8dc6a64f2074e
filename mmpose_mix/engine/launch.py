"""From a config on the command line to a running MMEngine runner: what the tools and the commands share."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner
from torch.utils.data import DataLoader

from mmpose_mix.engine.repaired_tables import repair_tables
from mmpose_mix.metainfo import resolve_metainfo_paths, shipped_configs
from mmpose_mix.registry import RUNNERS, SCOPE

LAUNCHERS = ("none", "pytorch", "slurm", "mpi")


def find_config(name: str | Path) -> Path:
    """The config file that a user means by a path, or by the name of a shipped config.

    Args:
        name: A path, absolute or relative to the working directory; or the file name of one config under the shipped
            ``configs/``, with or without ``.py``; or its path below that folder.

    Raises:
        FileNotFoundError: Nothing has that name; the message lists where it was looked for and similar names.
        ValueError: More than one shipped config has that name.
    """
    path = Path(name)
    if path.is_file():
        return path.resolve()
    shipped = shipped_configs()
    wanted = path.name if path.suffix == ".py" else f"{path.name}.py"
    below = shipped / path.parent / wanted
    if below.is_file():
        return below
    matches = sorted(shipped.rglob(wanted)) if path.parent == Path(".") else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        places = "\n  ".join(str(match.relative_to(shipped)) for match in matches)
        raise ValueError(f"{name}: {len(matches)} shipped configs have this name, give the path of one:\n  {places}")
    experiments = sorted(str(found.relative_to(shipped)) for found in (shipped / "body_2d_keypoint").rglob("*.py"))
    listed = "\n  ".join(experiments) if experiments else "(none)"
    raise FileNotFoundError(
        f"Config {name} is neither a file (looked at {path.resolve()}) nor a shipped config (below {shipped}). "
        f"Shipped experiments:\n  {listed}"
    )


def load_config(name: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Reads a config as the runner will see it.

    The scope defaults to ``mmpose_mix``, which also stands in for ``mmpose`` where MMPose is not installed, so that its
    configs run here as they are; a ``from_file`` beside the config is found there, since a data set cannot know
    which config built it. ``train_cfg=dict(by_epoch=False, ..)`` takes this package's loop, which resumes at once.

    Args:
        name: See :func:`find_config`.
        overrides: ``--cfg-options``: dotted keys to values.
    """
    path = find_config(name)
    config = Config.fromfile(path)
    if overrides:
        config.merge_from_dict(dict(overrides))
    if config.get("default_scope") == "mmpose" and find_spec("mmpose") is None:
        print_log(
            f"{path.name}: MMPose is not installed, so its default_scope='mmpose' is run as default_scope={SCOPE!r}.",
            logger="current",
            level=logging.WARNING,
        )
        config.default_scope = SCOPE
    config.setdefault("default_scope", SCOPE)
    resolve_metainfo_paths(config, path.parent)
    repair_tables(dict(config.items()))
    train_cfg = config.get("train_cfg") or {}
    if train_cfg.get("by_epoch") is False and "type" not in train_cfg:
        train_cfg.type = f"{SCOPE}.IterBasedTrainLoop"
        del train_cfg["by_epoch"]
    return config


def set_work_dir(config: Config, work_dir: str | Path | None) -> None:
    """Puts the work folder into the config: the argument, else its own, else ``work_dirs/<config name>``."""
    if work_dir is not None:
        config.work_dir = str(work_dir)
    elif config.get("work_dir") is None:
        config.work_dir = str(Path("work_dirs") / Path(config.filename).stem)


def use_amp(config: Config) -> None:
    """Turns automatic mixed precision on.

    Raises:
        ValueError: The machine has no accelerator, or the config's optimizer wrapper is not one that AMP can replace.
    """
    if get_device() == "cpu":
        raise ValueError("--amp needs an accelerator, and none is visible here: leave --amp out to train on the CPU.")
    wrapper = config.optim_wrapper.get("type", "OptimWrapper")
    if wrapper not in ("OptimWrapper", "AmpOptimWrapper"):
        raise ValueError(f"--amp replaces an OptimWrapper, but optim_wrapper.type is {wrapper}: set AMP in the config.")
    config.optim_wrapper.type = "AmpOptimWrapper"
    config.optim_wrapper.setdefault("loss_scale", "dynamic")


def fit_head_by_name(config: Config) -> None:
    """Adds the hook that fits the head of ``load_from`` to the model's keypoints, unless the config has it already."""
    hooks = list(config.get("custom_hooks") or [])
    named = (hook.get("type") for hook in hooks if isinstance(hook, Mapping))
    if config.get("load_from") and not any(str(name).endswith("KeypointWeightsHook") for name in named):
        config.custom_hooks = [*hooks, {"type": f"{SCOPE}.KeypointWeightsHook"}]


@contextmanager
def process_group(config: Config, launcher: str) -> Iterator[None]:
    """Holds the process group of a run: joins with gloo where there is no accelerator, and always leaves it.

    MMEngine 0.10 sets a CUDA device and wraps the model onto it whenever a launcher is given, so CPU ranks have to join
    before the runner does. Leaving matters too: a rank that exits with the group alive may abort after its training.

    Args:
        config: Its ``launcher`` and, on the CPU, ``model_wrapper_cfg`` are set.
        launcher: One of ``LAUNCHERS``.

    Raises:
        RuntimeError: The launcher's environment variables are missing.
    """
    config.launcher = launcher
    if launcher == "pytorch" and get_device() == "cpu":
        missing = [key for key in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT") if key not in os.environ]
        if missing:
            raise RuntimeError(
                f"--launcher pytorch expects {', '.join(missing)} in the environment: start with "
                "`torchrun --nproc_per_node=N -m mmpose_mix train CONFIG --launcher pytorch`."
            )
        torch.distributed.init_process_group("gloo")
        wrapper = config.get("model_wrapper_cfg") or {"type": "MMDistributedDataParallel", "broadcast_buffers": False}
        wrapper["device_ids"] = None
        config.model_wrapper_cfg = wrapper
    try:
        yield
    finally:
        gc.collect()  # a DDP model that still lives holds the group's threads
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def loaders_of(*loops: BaseLoop | None) -> list[DataLoader]:
    """The data loaders of a runner's loops, to be held until the runner is gone.

    A runner and its loops refer to each other, so the garbage collector ends them, and a loader among them: torch then
    waits five seconds for each worker that still lives, because the queue that it would be told by has ended before. A
    loader that is let go by itself ends its workers at once.
    """
    return [loop.dataloader for loop in loops if loop is not None]


def build_runner(config: Config) -> Runner:
    """The runner that the config asks for: MMEngine's, or the class named by ``runner_type``."""
    if "runner_type" not in config:
        return Runner.from_cfg(config)
    return RUNNERS.build(config)
