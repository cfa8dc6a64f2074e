"""Draw two small data sets of people, train one model on both, and write a page with what it learnt."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config

from mmpose_mix import __version__
from mmpose_mix.cli.terminal import progress
from mmpose_mix.engine import drawn_experiment as experiment
from mmpose_mix.engine.drawn_experiment import Evaluation, KeypointAccuracy
from mmpose_mix.engine.progress import TrainingHistory
from mmpose_mix.metainfo import parse_pose_metainfo
from mmpose_mix.toy import DrawnMixture, draw_mixture
from mmpose_mix.visualization import draw_batch, report
from mmpose_mix.visualization import prediction_tiles as tiles
from mmpose_mix.visualization.demo_page import DemoResults, demo_page

# keypoints that only one of the two sets labels; of COCO's face the nose stands for the rest
ONLY_AIC, ONLY_COCO = ("head_top", "neck"), ("nose",)
# images of each of the two sets: to train, to evaluate
_IMAGES, _QUICK_IMAGES = (1100, 120), (20, 6)
_COCO_TILES, _AIC_TILES, _PICTURE_TILES = 6, 3, 4
_SPACE = 150_000_000  # bytes
_INTERRUPTED = 130


@dataclass(frozen=True)
class _Outcome:
    """What the steps of the demo leave for the page and the summary."""

    batch: np.ndarray
    metainfo: Mapping[str, Any]
    history: TrainingHistory
    coco: Evaluation
    aic: Evaluation
    coco_all: Evaluation
    aic_all: Evaluation
    accuracy: KeypointAccuracy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument(
        "--work-dir",
        type=Path,
        default=Path("mixdemo"),
        metavar="DIR",
        help="drawings, logs and page (default: mixdemo)",
    )
    parser.add_argument("--epochs", type=_positive, metavar="N", help="length of the training (default: 6)")
    parser.add_argument("--seed", type=_natural, default=0, help="of drawings, weights and samples (default: 0)")
    parser.add_argument(
        "--quick", action="store_true", help="a few drawings and steps: shows that it runs, learns nothing"
    )
    parser.add_argument("--picture", type=Path, metavar="FILE.png", help="also write the README's picture to this file")


def run(options: argparse.Namespace) -> int:
    """Runs the demo, and returns the exit status."""
    try:
        _demo(options)
    except KeyboardInterrupt:
        print(f"\nStopped. Finished drawings stay in {options.work_dir} and are used again.", file=sys.stderr)
        return _INTERRUPTED
    except (OSError, ValueError) as error:
        print(f"mmpose-mix demo: {error}", file=sys.stderr)
        return 1
    return 0


def _demo(options: argparse.Namespace) -> None:
    started = time.monotonic()
    page = options.work_dir / "index.html"
    _check_output(options, page)
    mixture = _draw(options)
    config = experiment.experiment_config(
        mixture,
        options.work_dir / "training",
        options.seed,
        1 if options.quick and not options.epochs else options.epochs,
    )
    outcome = _train_and_evaluate(config, mixture)
    page.write_text(demo_page(_results(outcome, config, options, time.monotonic() - started)), encoding="utf-8")
    if options.picture is not None:
        tiles.write_small_png(options.picture, _readme_picture(outcome))
    _print_summary(outcome, page, options, time.monotonic() - started)


def _check_output(options: argparse.Namespace, page: Path) -> None:
    """Refuse early what could not be written in the end.

    Raises:
        OSError: the work folder cannot be written to, is too small, or holds a page of somebody else.
        ValueError: the picture's name does not end in .png.
    """
    if options.picture is not None and options.picture.suffix.lower() != ".png":
        raise ValueError(f"--picture writes a PNG; give a name that ends in .png, not {options.picture}.")
    options.work_dir.mkdir(parents=True, exist_ok=True)
    if not os.access(options.work_dir, os.W_OK):
        raise PermissionError(f"{options.work_dir} cannot be written to. Choose another folder with --work-dir.")
    free = shutil.disk_usage(options.work_dir).free
    if free < _SPACE and not options.quick:
        raise OSError(
            f"{options.work_dir} has {free / 1e6:.0f} MB free, and the demo needs {_SPACE / 1e6:.0f} MB. Make room, or "
            "choose another folder with --work-dir."
        )
    if page.exists() and not report.is_own_page(page.read_text(encoding="utf-8", errors="replace")):
        raise FileExistsError(f"{page} was not written by the demo and is left as it is. Choose another --work-dir.")


def _draw(options: argparse.Namespace) -> DrawnMixture:
    train, val = _QUICK_IMAGES if options.quick else _IMAGES
    counts = {"coco_train": train, "coco_val": val, "aic_train": train, "aic_val": val}
    with progress("drawing") as update:
        mixture = draw_mixture(
            options.work_dir / "drawings",
            counts,
            options.seed,
            progress=lambda done, total: update(done, total, f"{done}/{total} images"),
        )
    if mixture.replaced:
        print(f"drawing     put in the place of other drawings in {mixture.root}")
    if mixture.reused:
        print(f"drawing     using the {sum(counts.values())} drawings that lie in {mixture.root}")
    return mixture


def _train_and_evaluate(config: Config, mixture: DrawnMixture) -> _Outcome:
    metainfo = parse_pose_metainfo(config.model.metainfo)
    picture = draw_batch(experiment.first_batch(config), metainfo, columns=8, max_samples=16, tile_height=192)
    with progress("training") as update:
        model, history = experiment.train(
            config, lambda done, total, loss: update(done, total, f"step {done}/{total}  loss {loss:.5f}")
        )
    evaluations = {}
    with progress("evaluating") as update:
        for place, (domain, everything) in enumerate((d, e) for d in ("coco", "aic") for e in (False, True)):
            evaluations[domain, everything] = experiment.evaluate(
                model,
                config,
                mixture,
                domain,
                keypoints=None if everything else experiment.keypoints_of_domain(config, domain),
                on_batch=lambda done, total, place=place: update(place * total + done, 4 * total, ""),
            )
    return _Outcome(
        batch=picture,
        metainfo=metainfo,
        history=history,
        coco=evaluations["coco", False],
        aic=evaluations["aic", False],
        coco_all=evaluations["coco", True],
        aic_all=evaluations["aic", True],
        accuracy=experiment.keypoint_accuracy(evaluations["coco", True].samples, mixture),
    )


def _tiles(
    evaluation: Evaluation, outcome: _Outcome, count: int, highlight: Sequence[str], smooth: bool = False
) -> list[np.ndarray]:
    groups = tiles.samples_by_image(evaluation.samples)[:count]
    return [tiles.prediction_tile(people, outcome.metainfo, highlight, smooth=smooth) for people in groups]


def _results(outcome: _Outcome, config: Config, options: argparse.Namespace, seconds: float) -> DemoResults:
    return DemoResults(
        coco_ap=outcome.coco.metrics["coco/AP"],
        aic_ap=outcome.aic.metrics["coco/AP"],
        names=outcome.accuracy.names,
        found=outcome.accuracy.found,
        threshold=experiment.PCK_THRESHOLD,
        only_aic=ONLY_AIC,
        coco_tiles=_tiles(outcome.coco_all, outcome, _COCO_TILES, ONLY_AIC),
        aic_tiles=_tiles(outcome.aic_all, outcome, _AIC_TILES, ONLY_COCO),
        batch=outcome.batch,
        losses=outcome.history.losses,
        ap_over_time=[(step, metrics["coco/AP"]) for step, metrics in outcome.history.metrics],
        facts=_facts(outcome, config, options, seconds),
    )


def _facts(outcome: _Outcome, config: Config, options: argparse.Namespace, seconds: float) -> list[tuple[str, str]]:
    steps, size = len(outcome.history.losses), config.train_dataloader.batch_size
    versions = {"mmpose_mix": __version__, "torch": torch.__version__, "OpenCV": cv2.__version__}
    versions["Python"] = platform.python_version()
    return [
        ("Command", f"mmpose-mix demo --seed {options.seed}" + (" --quick" if options.quick else "")),
        ("Experiment", f"{experiment.EXPERIMENT}.py"),
        ("Training", f"{config.train_cfg.max_epochs} epochs, {steps} steps of {size} people"),
        ("Unseen people", f"{len(outcome.coco.samples)} COCO-style, {len(outcome.aic.samples)} AIC-style"),
        ("Time", f"{seconds:.0f} s on a machine of {os.cpu_count()} cores, drawing included"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]


def _readme_picture(outcome: _Outcome) -> np.ndarray:
    """A row of predictions over a row of training samples of both sources."""
    row = tiles.row_of_pictures(_tiles(outcome.coco_all, outcome, _PICTURE_TILES, ONLY_AIC, smooth=True))
    return tiles.column_of_pictures([row, outcome.batch], width=1200)


def _print_summary(outcome: _Outcome, page: Path, options: argparse.Namespace, seconds: float) -> None:
    found = dict(zip(outcome.accuracy.names, outcome.accuracy.found.tolist()))
    print()
    for style, evaluation, count in (("COCO", outcome.coco, 17), ("AIC", outcome.aic, 14)):
        people, ap = len(evaluation.samples), evaluation.metrics["coco/AP"]
        print(f"{style + '-style':<10} AP {ap:.3f}  ({count} keypoints, {people} unseen people)")
    for name in ONLY_AIC:
        print(f"{name:<10} {100 * found[name]:5.0f} %  found on COCO-style drawings, which never label it")
    if options.quick:
        print("(--quick trains a handful of steps only: these numbers mean nothing)")
    print(f"\nDone in {seconds:.0f} s. Open {page.resolve().as_uri()}")
    if options.picture is not None:
        print(f"Picture for the README: {options.picture}")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is not 0 or more")
    return number
