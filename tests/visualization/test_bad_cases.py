"""The hook on bad cases: which samples are bad, what is drawn, what is listed."""

from __future__ import annotations

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from tiny_samples import META, PLACES, sample

from mmpose_mix.registry import HOOKS
from mmpose_mix.visualization import BadCaseAnalysisHook, PoseLocalVisualizer


@pytest.fixture
def runner(tmp_path):
    PoseLocalVisualizer.get_instance(
        f"visualizer of {tmp_path}", vis_backends=[{"type": "LocalVisBackend"}], save_dir=str(tmp_path)
    )
    evaluator = SimpleNamespace(dataset_meta=META)
    return SimpleNamespace(work_dir=str(tmp_path), timestamp="now", test_evaluator=evaluator)


@pytest.fixture
def samples(image, tmp_path):
    """A prediction that is right, one that is 3 pixels off in x and y, and one off where nothing is visible."""
    found = []
    for name, shift, visible in (("right", 0, (1, 1, 1)), ("off", 3, (1, 1, 1)), ("hidden", 3, (0, 0, 0))):
        path = tmp_path / f"{name}.png"
        cv2.imwrite(str(path), image)
        one = sample(visible=visible, img_path=str(path))
        one.pred_instances.keypoints = PLACES + np.float32(shift)
        found.append(one)
    return found


def run(hook, runner, samples):
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        hook.before_test_epoch(runner)
        hook.after_test_iter(runner, 0, outputs=samples)
        hook.after_test_epoch(runner)


def test_a_sample_beyond_the_threshold_is_listed_and_drawn(runner, samples, tmp_path):
    run(BadCaseAnalysisHook(enable=True, out_dir="bad", badcase_thr=5), runner, samples)
    folder = tmp_path / "now" / "bad"
    listed = json.loads((folder / "results.json").read_text())
    assert listed == [{"img": "off", "bbox": [[60, 80, 340, 440]], "KeypointMSELoss": 9.0}]
    assert [path.name for path in folder.glob("*.png")] == ["off_bbox[[60, 80, 340, 440]]_KeypointMSELoss9.00.png"]


def test_mmposes_default_config_builds_it_and_it_does_nothing(runner, samples, tmp_path):
    hook = HOOKS.build(
        {"type": "BadCaseAnalysisHook", "enable": False, "out_dir": "badcase", "metric_type": "loss", "badcase_thr": 5}
    )
    run(hook, runner, samples)
    assert not (tmp_path / "now").exists()


def test_every_second_bad_case_is_drawn_and_all_are_listed(runner, samples, tmp_path):
    run(BadCaseAnalysisHook(enable=True, out_dir="bad", interval=2), runner, [samples[1]] * 3)
    assert len(json.loads((tmp_path / "now" / "bad" / "results.json").read_text())) == 3


def test_an_accuracy_is_bad_up_to_the_threshold(runner, samples, tmp_path):
    metric = {"type": "PCKAccuracy", "thr": 0.005, "norm_item": "bbox"}
    for one in samples:
        one.gt_instances.bbox_scales = np.float32([[280, 360]])
    hook = BadCaseAnalysisHook(
        enable=True, out_dir="bad", metric_type="accuracy", metric=metric, metric_key="PCK", badcase_thr=0.5
    )
    run(hook, runner, samples[:2])
    listed = json.loads((tmp_path / "now" / "bad" / "results.json").read_text())
    assert [(each["img"], each["PCK"]) for each in listed] == [("off", 0.0)]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="metric_type='score', allowed: loss, accuracy; interval=0, allowed: 1"):
        BadCaseAnalysisHook(metric_type="score", interval=0)
