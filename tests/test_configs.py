"""The shipped experiments: MMPose's hyper-parameters, index lists from one place, every part builds."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmpose_mix.registry import HOOKS, METRICS, MODELS, TRANSFORMS

EXPERIMENTS = "configs/body_2d_keypoint/topdown_heatmap/coco"
HRNET = "td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-{}.py"


def experiment(repository: Path, kind: str) -> Config:
    return Config.fromfile(repository / EXPERIMENTS / HRNET.format(kind))


def experiments() -> list[Path]:
    return sorted((Path(__file__).parents[1] / "configs").glob("*_2d_keypoint/**/*.py"))


def test_merge_maps_twelve_joints_of_aic_to_the_right_names(repository: Path) -> None:
    config = experiment(repository, "merge")
    mapping = config.train_dataloader.dataset.datasets[1].pipeline[0].mapping
    aic = Config.fromfile(repository / "configs/_base_/datasets/aic.py").dataset_info.keypoint_info
    coco = Config.fromfile(repository / "configs/_base_/datasets/coco.py").dataset_info.keypoint_info
    assert len(mapping) == 12
    assert all(aic[source].name == coco[target].name for source, target in mapping)


def test_combine_covers_nineteen_keypoints_by_name(repository: Path) -> None:
    config = experiment(repository, "combine")
    union = Config.fromfile(repository / "configs/_base_/datasets/coco_aic.py").dataset_info.keypoint_info
    reached = set()
    for source, name in zip(config.train_dataloader.dataset.datasets, ("coco", "aic")):
        own = Config.fromfile(repository / f"configs/_base_/datasets/{name}.py").dataset_info.keypoint_info
        mapping = source.pipeline[0].mapping
        assert all(own[index].name == union[target].name for index, target in mapping)
        reached |= {target for _, target in mapping}
    assert reached == set(range(19))
    assert config.model.head.out_channels == 19
    assert list(config.model.test_cfg.output_keypoint_indices) == list(range(17))


@pytest.mark.parametrize("kind", ["merge", "combine", "combine-2to1"])
def test_the_hyper_parameters_are_those_of_mmpose(kind: str, repository: Path) -> None:
    config = experiment(repository, kind)
    assert config.optim_wrapper.optimizer == {"type": "Adam", "lr": 5e-4}
    assert (config.train_cfg.max_epochs, config.train_dataloader.batch_size) == (210, 64)
    warm_up, steps = config.param_scheduler
    assert (warm_up.end, warm_up.start_factor, warm_up.by_epoch) == (500, 0.001, False)
    assert (steps.milestones, steps.gamma) == ([170, 200], 0.1)
    assert config.codec == {"type": "MSRAHeatmap", "input_size": (192, 256), "heatmap_size": (48, 64), "sigma": 2}
    assert config.auto_scale_lr.base_batch_size == 512


@pytest.mark.parametrize("path", experiments(), ids=lambda path: path.stem)
def test_every_part_of_an_experiment_builds(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # from_file must not depend on the working directory
    config = Config.fromfile(path)
    assert config.default_scope == "mmpose_mix"
    config.model.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        model = MODELS.build(config.model)
        assert [TRANSFORMS.build(transform) for transform in config.train_dataloader.dataset.pipeline]
        assert [TRANSFORMS.build(transform) for transform in config.val_dataloader.dataset.pipeline]
        evaluators = config.val_evaluator if isinstance(config.val_evaluator, list) else [config.val_evaluator]
        for evaluator in evaluators:
            METRICS.build({**evaluator, "ann_file": None} if "ann_file" in evaluator else evaluator)  # the user's file
        for hook in [*config.default_hooks.values(), *config.custom_hooks]:
            HOOKS.build(hook)
    assert model.head.out_channels == config.model.head.out_channels
