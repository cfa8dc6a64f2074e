"""A drawn mixture and a small experiment on it, trained by real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmpose_mix.toy import draw_tiny_mixture

EXPERIMENT = """
_base_ = ['{configs}/_base_/default_runtime.py', '{configs}/_base_/mappings/coco_aic.py']

train_cfg = dict(max_epochs=2, val_interval=2)
optim_wrapper = dict(optimizer=dict(type='Adam', lr=5e-4))
param_scheduler = [dict(type='MultiStepLR', begin=0, end=4, milestones=[1, 3], gamma=0.5, by_epoch=True)]
default_hooks = dict(checkpoint=dict(interval=1), logger=dict(interval=1))
randomness = dict(seed=5)

codec = dict(type='MSRAHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    metainfo=dict(from_file='configs/_base_/datasets/coco_aic.py'),
    backbone=dict(type='ResNet', depth=18, base_channels=4, stem_channels=4),
    head=dict(
        type='HeatmapHead', in_channels=32, out_channels=19, deconv_out_channels=(8, 8, 8),
        deconv_kernel_sizes=(4, 4, 4), loss=dict(type='KeypointMSELoss', use_target_weight=True), decoder=codec),
    test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=True, output_keypoint_indices=list(range(17))))

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]
coco = dict(
    type='CocoDataset', data_root='{data}/coco', ann_file='annotations/person_keypoints_train.json',
    data_prefix=dict(img='train/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=19, mapping={{{{_base_.coco_to_coco_aic}}}})])
aic = dict(
    type='AicDataset', data_root='{data}/aic', ann_file='annotations/aic_train.json', data_prefix=dict(img='train/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=19, mapping={{{{_base_.aic_to_coco_aic}}}})])
train_dataloader = dict(
    batch_size=2, num_workers=2, persistent_workers=False,
    sampler=dict(type='MultiSourceSampler', batch_size=2, source_ratio=[1, 1], shuffle=True, round_up=True),
    dataset=dict(
        type='CombinedDataset', metainfo=dict(from_file='configs/_base_/datasets/coco_aic.py'),
        datasets=[coco, aic], pipeline=train_pipeline, test_mode=False))
val_dataloader = dict(
    batch_size=4, num_workers=0, drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='CocoDataset', data_root='{data}/coco', ann_file='annotations/person_keypoints_val.json',
        data_prefix=dict(img='val/'), test_mode=True, pipeline=val_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='CocoMetric', ann_file='{data}/coco/annotations/person_keypoints_val.json')
test_evaluator = val_evaluator
"""

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def experiment(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """The config file of an experiment that trains in a few seconds."""
    folder = tmp_path_factory.mktemp("experiment")
    draw_tiny_mixture(folder / "data")
    path = folder / "tiny.py"
    path.write_text(EXPERIMENT.format(data=folder / "data", configs=repository / "configs"))
    return path


@pytest.fixture
def run_module(tmp_path: Path, repository: Path) -> Command:
    """Runs ``python -m MODULE ARGUMENTS`` in a folder that is not the checkout."""

    def run(module: str, *arguments: object, path: Path = repository) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(path), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", module, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)

    return run
