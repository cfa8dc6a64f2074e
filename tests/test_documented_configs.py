"""The configs that users of MMPose's guide on mixed data sets know run here unchanged, under our default scope."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmpose_mix.toy import draw_tiny_mixture

PIPELINE = """
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine', input_size=(48, 64)),
    dict(type='GenerateTarget', encoder=dict(
        type='MSRAHeatmap', input_size=(48, 64), heatmap_size=(12, 16), sigma=2)),
    dict(type='PackPoseInputs'),
]
"""
SOURCES = """
dataset_coco = dict(
    type='CocoDataset',
    data_root='data/coco/',
    ann_file='annotations/person_keypoints_train2017.json',
    data_prefix=dict(img='train2017/'),
    pipeline={coco_pipeline})
dataset_aic = dict(
    type='AicDataset',
    data_root='data/aic/',
    ann_file='annotations/aic_train.json',
    data_prefix=dict(img='ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints={num_keypoints}, mapping={aic_mapping})])
"""
AIC_TO_COCO = [(0, 6), (1, 8), (2, 10), (3, 5), (4, 7), (5, 9), (6, 12), (7, 14), (8, 16), (9, 11), (10, 13), (11, 15)]
MERGE = SOURCES.format(coco_pipeline=[], num_keypoints=17, aic_mapping=AIC_TO_COCO)
COMBINE = SOURCES.format(
    coco_pipeline=f"[dict(type='KeypointConverter', num_keypoints=19, mapping={[(i, i) for i in range(17)]})]",
    num_keypoints=19,
    aic_mapping=[*AIC_TO_COCO, (12, 17), (13, 18)],
)
LOADER = """
train_dataloader = dict(
    batch_size=6,
    num_workers=2,
    persistent_workers=True,
    sampler={sampler},
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/{metainfo}.py'),
        datasets=[dataset_coco, dataset_aic],
        pipeline=train_pipeline,
        {factor}
        test_mode=False))
"""
EVERY_SAMPLE = "dict(type='DefaultSampler', shuffle=True)"
TWO_TO_ONE = "dict(type='MultiSourceSampler', batch_size=6, source_ratio=[1.0, 0.5], shuffle=True, round_up=True)"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Drawn images where the guide has COCO and AI Challenger, and the working directory beside them."""
    drawn = draw_tiny_mixture(tmp_path / "drawn")
    coco, aic = tmp_path / "data" / "coco", tmp_path / "data" / "aic"
    shutil.copytree(drawn.images("coco", "train"), coco / "train2017")
    images = aic / "ai_challenger_keypoint_train_20170902" / "keypoint_train_images_20170902"
    shutil.copytree(drawn.images("aic", "train"), images)
    for target, source in (
        (coco / "annotations" / "person_keypoints_train2017.json", drawn.annotations("coco", "train")),
        (aic / "annotations" / "aic_train.json", drawn.annotations("aic", "train")),
    ):
        target.parent.mkdir()
        shutil.copy(source, target)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("sources", "metainfo", "num_keypoints", "sampler", "factor"),
    [
        pytest.param(MERGE, "coco", 17, EVERY_SAMPLE, "sample_ratio_factor=[1.0, 0.5],", id="merge"),
        pytest.param(COMBINE, "coco_aic", 19, EVERY_SAMPLE, "", id="combine"),
        pytest.param(MERGE, "coco", 17, TWO_TO_ONE, "", id="source_ratio"),
    ],
)
def test_a_config_of_the_guide_gives_batches(
    sources: str, metainfo: str, num_keypoints: int, sampler: str, factor: str, data: Path
) -> None:
    text = PIPELINE + sources + LOADER.format(metainfo=metainfo, sampler=sampler, factor=factor)
    config = Config.fromstring(text, ".py")
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        loader = Runner.build_dataloader(config.train_dataloader, seed=0)
        batches = list(loader)
    samples = [sample for batch in batches for sample in batch["data_samples"]]
    dataset = loader.dataset
    coco, aic = (len(source) for source in dataset.datasets)
    if factor:
        assert dataset.lens == [coco, round(0.5 * aic)]
    assert len(samples) == len(loader.sampler) >= len(dataset)
    assert {sample.gt_fields.heatmaps.shape for sample in samples} == {(num_keypoints, 16, 12)}
    if sampler == TWO_TO_ONE:
        for batch in batches:
            counts = Counter(sample.dataset_name for sample in batch["data_samples"])
            assert counts == {"coco": 4, "aic": 2}
    unlabelled = {"coco": range(17, num_keypoints), "aic": range(5)}
    for sample in samples:
        weights = sample.gt_instance_labels.keypoint_weights[0]
        assert not weights[list(unlabelled[sample.dataset_name])].any()
        assert weights.any()
