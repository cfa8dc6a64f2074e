"""What the switches of a training step bring: channels_last, bfloat16 and torch.compile, alone and together.

    python -m benchmarks.training_step                                   # the demo's network on a CPU
    python -m benchmarks.training_step --device cuda --config td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-merge

Each step is what MMEngine's runner does with a batch: preprocessing, forward, losses, backward, update. Batches of
drawn-by-dice images and targets, which lie in memory already. The variants take turns, step by step; medians of
``--steps`` after two that compile and warm up. The samples a second say how many a loader has to give.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData, PixelData

from benchmarks.measure import machine, markdown_table
from mmpose_mix.engine.launch import load_config
from mmpose_mix.registry import MODELS
from mmpose_mix.structures import PoseDataSample

SMALL = "td-hm_res10-w32_1xb16-6e_drawn-coco-aic-128x96-combine"
SWITCHES = ("channels_last", "bfloat16", "compile")
Step = Callable[[], Any]


def batch_for(config: Config, size: int) -> dict[str, Any]:
    """A batch as the loader gives it for the config's model, of random images and heatmaps."""
    (width, height), (columns, lines) = config.codec.input_size, config.codec.heatmap_size
    keypoints = config.model.head.out_channels
    samples = []
    for _ in range(size):
        sample = PoseDataSample()
        sample.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, keypoints))
        sample.gt_fields = PixelData(heatmaps=torch.rand(keypoints, lines, columns))
        samples.append(sample)
    images = [torch.randint(0, 256, (3, height, width), dtype=torch.uint8) for _ in range(size)]
    return {"inputs": images, "data_samples": samples}


def step_of(config: Config, switches: set[str], device: str, batch: dict[str, Any]) -> Step:
    """A training step with the switches as a config sets them.

    ``compile`` is what MMEngine's runner makes of ``compile=True``.
    """
    model_config = config.model.copy()
    model_config.backbone = {**model_config.backbone, "init_cfg": None}
    model_config.channels_last = "channels_last" in switches
    wrapper = config.optim_wrapper.copy()
    if "bfloat16" in switches:
        wrapper.type = "Bfloat16OptimWrapper"
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        torch.manual_seed(0)
        model = MODELS.build(model_config)
        model.init_weights()
        model.to(device).train()
        optim_wrapper = build_optim_wrapper(model, wrapper)
    train_step = torch.compile(model.train_step) if "compile" in switches else model.train_step
    return lambda: train_step(batch, optim_wrapper)


def seconds_of(step: Step, device: str) -> float:
    """Wall seconds of a step, with what the device has still to do for it."""
    start = time.perf_counter()
    step()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def step_seconds(config: Config, size: int, device: str, steps: int, compiled: bool) -> dict[tuple[str, ...], float]:
    """Median seconds of a step for every combination of the switches."""
    names = SWITCHES if compiled else SWITCHES[:2]
    variants = [
        tuple(name for name, on in zip(names, chosen) if on) for chosen in product((False, True), repeat=len(names))
    ]
    batch = batch_for(config, size)
    running = {variant: step_of(config, set(variant), device, batch) for variant in variants}
    for step in running.values():
        for _ in range(2):
            seconds_of(step, device)
    taken: dict[tuple[str, ...], list[float]] = {variant: [] for variant in variants}
    for _ in range(steps):
        for variant, step in running.items():
            taken[variant].append(seconds_of(step, device))
    return {variant: statistics.median(seconds) for variant, seconds in taken.items()}


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default=SMALL, help="a config file, or the name of a shipped one")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, help="the config's own by default")
    parser.add_argument("--steps", type=int, default=11)
    parser.add_argument(
        "--threads", type=int, default=1, help="of a CPU; more of them wait for each other when it is busy"
    )
    parser.add_argument(
        "--no-compile", action="store_true", help="leaves torch.compile out, which needs a C++ compiler"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    MMLogger.get_current_instance().setLevel("WARNING")  # else it tells every weight that is drawn
    config = load_config(options.config)
    size = options.batch_size or config.train_dataloader.batch_size
    seconds = step_seconds(config, size, options.device, options.steps, not options.no_compile)
    where = torch.cuda.get_device_name() if options.device != "cpu" else f"CPU, {options.threads} threads"
    print(f"{machine()}; {where}; load {os.getloadavg()[0]:.1f}; {options.config}, batches of {size}\n")
    plain = seconds[()]
    rows = [
        [" + ".join(variant) or "none", f"{taken * 1e3:.3g} ms", f"{size / taken:.3g}", f"{plain / taken:.2f}x"]
        for variant, taken in seconds.items()
    ]
    print(markdown_table(["switches", "step", "samples a second", "faster"], rows))


if __name__ == "__main__":
    main()
