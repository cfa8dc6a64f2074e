"""The demo's experiment: one model for COCO's and AI Challenger's keypoints, trained and evaluated on drawings."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.runner import Runner, set_random_seed
from torch.utils.data import DataLoader

from mmpose_mix.engine.launch import load_config
from mmpose_mix.engine.progress import TrainingHistory
from mmpose_mix.engine.threads import FastestThreads
from mmpose_mix.structures import PoseDataSample
from mmpose_mix.toy import ALL_KEYPOINTS, DrawnMixture

EXPERIMENT = "td-hm_res10-w32_1xb16-6e_drawn-coco-aic-128x96-combine"
#: A keypoint is found when it is nearer to its place than this share of the longer side of the person's box.
PCK_THRESHOLD = 0.025

StepListener = Callable[[int, int, float], None]
BatchListener = Callable[[int, int], None]


class _QuietRunner(Runner):
    """Logs to its files, and only errors to the terminal, from the first line on."""

    def build_logger(self, log_level: Union[int, str] = "INFO", log_file: Optional[str] = None, **kwargs) -> MMLogger:
        """MMEngine's logger with the terminal turned down."""
        logger = super().build_logger(log_level, log_file, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.setLevel(logging.ERROR)
        return logger


@dataclass(frozen=True)
class Evaluation:
    """Predictions on one set of drawings.

    Attributes:
        samples: with ``pred_instances`` in pixels of the drawings, in the order of the data set.
        metrics: of ``CocoMetric``; empty where none was asked for.
    """

    samples: list[PoseDataSample]
    metrics: dict[str, float]


@dataclass(frozen=True)
class KeypointAccuracy:
    """How often each of the 19 keypoints is found on COCO-style drawings.

    Attributes:
        names: K names, the 17 that COCO labels first.
        found: (K,) share in 0..1 of the keypoints whose place is known that lie within :data:`PCK_THRESHOLD`.
        counts: (K,) keypoints whose place is known.
    """

    names: tuple[str, ...]
    found: np.ndarray
    counts: np.ndarray


def experiment_config(mixture: DrawnMixture, work_dir: Path, seed: int, epochs: Optional[int] = None) -> Config:
    """The shipped config, on the drawings of a folder.

    Args:
        mixture: where the drawings are.
        work_dir: for logs and checkpoints.
        seed: of weights and samples.
        epochs: length of the training, the config's own by default.
    """
    config = load_config(EXPERIMENT)
    for source, domain in zip(config.train_dataloader.dataset.datasets, ("coco", "aic")):
        source.data_root = str(mixture.root / domain)
    config.val_dataloader.dataset.data_root = str(mixture.root / "coco")
    config.test_dataloader = copy.deepcopy(config.val_dataloader)
    config.work_dir = str(work_dir)
    config.randomness = {"seed": seed}
    if epochs is not None:
        warm_up, cosine = config.param_scheduler
        config.train_cfg.max_epochs = cosine.end = cosine.T_max = epochs
        config.train_cfg.val_interval = min(config.train_cfg.val_interval, epochs)
        warm_up.end = min(warm_up.end, 20 * epochs)
    return config


def train(config: Config, on_step: Optional[StepListener] = None) -> tuple[torch.nn.Module, TrainingHistory]:
    """Train silently: MMEngine's log goes to the work folder, not to the terminal.

    Returns:
        The model, and the losses and metrics on the way.
    """
    runner = _QuietRunner.from_cfg(config)
    history = TrainingHistory(on_step)
    runner.register_hook(history)
    if get_device() == "cpu":
        runner.register_hook(FastestThreads())
    runner.train()
    return runner.model, history


def evaluate(
    model: torch.nn.Module,
    config: Config,
    mixture: DrawnMixture,
    domain: str,
    keypoints: Optional[Sequence[int]],
    on_batch: Optional[BatchListener] = None,
) -> Evaluation:
    """Predict the unseen drawings of one domain.

    Args:
        model: as :func:`train` gives it.
        config: of the experiment.
        mixture: where the drawings are.
        domain: ``'coco'`` or ``'aic'``.
        keypoints: the model's keypoints that are put out, in the order of the data set's own, and measured by AP;
            None puts out all of them and measures nothing.
        on_batch: called with (batches done, batches in all).
    """
    loader = _unseen_drawings(config, mixture, domain)
    evaluator = Evaluator(config.val_evaluator)
    evaluator.dataset_meta = loader.dataset.metainfo
    former = model.test_cfg.get("output_keypoint_indices")
    model.test_cfg["output_keypoint_indices"] = None if keypoints is None else list(keypoints)
    model.eval()
    samples: list[PoseDataSample] = []
    try:
        for done, batch in enumerate(loader, start=1):
            with torch.no_grad():
                predicted = model.test_step(batch)
            samples += predicted
            if keypoints is not None:
                evaluator.process(data_samples=predicted, data_batch=batch)
            if on_batch is not None:
                on_batch(done, len(loader))
    finally:
        model.test_cfg["output_keypoint_indices"] = former
    return Evaluation(samples, {} if keypoints is None else evaluator.evaluate(len(loader.dataset)))


def _unseen_drawings(config: Config, mixture: DrawnMixture, domain: str) -> DataLoader:
    """The config's loader of validation samples, for the drawings of one domain."""
    loader_config = copy.deepcopy(config.val_dataloader)
    loader_config.dataset.update(
        type={"coco": "CocoDataset", "aic": "AicDataset"}[domain],
        data_root=str(mixture.root / domain),
        ann_file=str(mixture.annotations(domain, "val").resolve()),
    )
    return Runner.build_dataloader(loader_config, seed=0)


def keypoints_of_domain(config: Config, domain: str) -> list[int]:
    """The model's keypoints in the order of a domain's own, from the converter of its source."""
    place = ("coco", "aic").index(domain)
    mapping = config.train_dataloader.dataset.datasets[place].pipeline[0].mapping
    return [target for _, target in sorted((source, target) for source, target in mapping)]


def keypoint_accuracy(samples: Sequence[PoseDataSample], mixture: DrawnMixture) -> KeypointAccuracy:
    """Compare predictions of all 19 keypoints with the truth, which for head top and neck COCO's annotations lack.

    Args:
        samples: predictions on the COCO-style drawings that the model has not seen.
        mixture: knows the truth.
    """
    annotations = json.loads(mixture.annotations("coco", "val").read_text(encoding="utf-8"))["annotations"]
    side = json.loads(mixture.side_truth("val").read_text(encoding="utf-8"))
    truth = {
        annotation["id"]: np.array(
            [
                *np.reshape(annotation["keypoints"], (-1, 3)),
                side[str(annotation["id"])]["head_top"],
                side[str(annotation["id"])]["neck"],
            ]
        )
        for annotation in annotations
    }
    known = np.zeros(len(ALL_KEYPOINTS))
    found = np.zeros(len(ALL_KEYPOINTS))
    for sample in samples:
        true = truth[sample.metainfo["id"]]
        left, top, right, bottom = sample.gt_instances.bboxes[0]
        reach = PCK_THRESHOLD * max(right - left, bottom - top)
        apart = np.linalg.norm(sample.pred_instances.keypoints[0, :, :2] - true[:, :2], axis=1)
        known += true[:, 2] > 0
        found += (true[:, 2] > 0) & (apart <= reach)
    return KeypointAccuracy(tuple(ALL_KEYPOINTS), found / np.maximum(known, 1), known.astype(int))


def first_batch(config: Config) -> dict[str, Any]:
    """A training batch with the keypoints in input pixels, which a picture of it needs; chosen by the config's seed."""
    set_random_seed(config.randomness.seed)
    loader_config = copy.deepcopy(config.train_dataloader)
    loader_config.dataset.pipeline[-1].pack_transformed = True
    loader = Runner.build_dataloader(loader_config, seed=config.randomness.seed)
    return next(iter(loader))
