"""The shipped experiment of RTMPose, made small, trains on drawn people: from its config to its evaluation."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmpose_mix.engine.launch import load_config
from mmpose_mix.toy import DrawnMixture, draw_tiny_mixture

CONFIGS = Path(__file__).parents[1] / "configs"
EXPERIMENT = CONFIGS / "body_2d_keypoint" / "rtmpose" / "coco" / "rtmpose-m_8xb256-420e_aic-coco-256x192.py"
SIZE = (64, 96)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Losses(Hook):
    """Writes down the loss of every iteration, and how many steps the pipeline has."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.steps: set[int] = set()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        self.losses.append(outputs["loss_kpt"].item())
        self.steps.add(len(runner.train_loop.dataloader.dataset.pipeline.transforms))


def _small(node: Any) -> Any:
    """The config with inputs of 64 x 96 pixels."""
    if isinstance(node, dict):
        size = {key: SIZE for key in ("input_size",) if key in node}
        return {key: size.get(key, _small(value)) for key, value in node.items()}
    return [_small(part) for part in node] if isinstance(node, (list, tuple)) else node


def small_experiment(drawn: DrawnMixture, work_dir: Path, epochs: int) -> Config:
    """The experiment with a tiny CSPNeXt, the drawn people for its data, and no outer files."""
    config = Config(_small(load_config(str(EXPERIMENT)).to_dict()))
    config.model.backbone.update(deepen_factor=0.34, widen_factor=0.125, init_cfg=None, norm_cfg={"type": "BN"})
    config.model.head.update(in_channels=128, in_featuremap_size=(2, 3))
    config.model.head.gau_cfg.update(hidden_dims=64, s=32)
    coco, aic = config.train_dataloader.dataset.datasets
    for source, domain in ((coco.dataset, "coco"), (aic, "aic"), (config.val_dataloader.dataset, "coco")):
        split = "val" if source is config.val_dataloader.dataset else "train"
        source.update(
            data_root="",
            ann_file=str(drawn.annotations(domain, split)),
            data_prefix={"img": str(drawn.images(domain, split))},
        )
        source.pop("bbox_file", None)
    for loader in (config.train_dataloader, config.val_dataloader):
        loader.update(batch_size=8, num_workers=0, persistent_workers=False)
    config.val_evaluator = [{"type": "PCKAccuracy", "thr": 0.2}, {"type": "AUC"}, {"type": "EPE"}]
    config.custom_hooks[1].switch_epoch = epochs - 2
    config.custom_hooks[1].switch_pipeline = config.custom_hooks[1].switch_pipeline[:1] + [
        step for step in config.custom_hooks[1].switch_pipeline[1:] if step["type"] != "RandomHalfBody"
    ]
    for step in [*config.train_dataloader.dataset.pipeline, *config.custom_hooks[1].switch_pipeline]:
        if step["type"] == "RandomBBoxTransform":  # so few iterations learn whole, upright people only
            step.update(shift_prob=0.0, scale_prob=0.0, rotate_prob=0.0)
    config.train_dataloader.drop_last = True
    config.train_cfg.update(max_epochs=epochs, val_interval=epochs)
    config.param_scheduler = [{"type": "LinearLR", "start_factor": 0.1, "by_epoch": False, "begin": 0, "end": 5}]
    config.default_hooks = {"checkpoint": None, "logger": None}
    config.test_dataloader = config.test_evaluator = config.test_cfg = None
    config.update(work_dir=str(work_dir), log_level="WARNING", experiment_name=work_dir.name)
    return config


def test_the_loss_falls_and_every_part_of_the_experiment_runs(tmp_path: Path) -> None:
    """Mixture, random pipelines and their switch, SimCC targets, the loss, EMA, flip test, decoding, PCK, AUC, EPE."""
    config = small_experiment(draw_tiny_mixture(tmp_path / "drawn"), tmp_path / "work", epochs=11)
    runner, diary = Runner.from_cfg(copy.deepcopy(config)), Losses()
    runner.register_hook(diary)
    figures: dict[str, float] = {}
    evaluate = runner.val_evaluator.evaluate
    runner.val_evaluator.evaluate = lambda size: figures.update(evaluate(size)) or figures
    runner.train()
    count = len(diary.losses) // 4
    first, last = (sum(losses) / count for losses in (diary.losses[:count], diary.losses[-count:]))
    assert last < 0.9 * first
    assert len(diary.steps) == 2
    assert set(figures) == {"PCK", "AUC", "EPE"}
    assert 0 < figures["EPE"] < 160
    averaged = next(hook for hook in runner.hooks if type(hook).__name__ == "EMAHook").ema_model
    assert type(averaged).__name__ == "ExpMomentumEMA"
    assert averaged.steps == len(diary.losses)
