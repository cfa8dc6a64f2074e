"""Before training: model, training data and evaluation agree on the number of keypoints."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mmpose_mix.engine.keypoint_counts import check_keypoint_counts
from mmpose_mix.evaluation import CocoMetric
from mmpose_mix.transforms import KeypointConverter

FIRST_17 = [(index, index) for index in range(17)]


def dataset(num_keypoints: int, *transforms: Any) -> SimpleNamespace:
    metainfo = {"num_keypoints": num_keypoints, "sigmas": np.ones(num_keypoints), "dataset_name": "drawn"}
    return SimpleNamespace(metainfo=metainfo, pipeline=SimpleNamespace(transforms=list(transforms)))


def run(
    predicted: int = 19,
    put_out: int | None = None,
    train: Any = None,
    val: Any = None,
    metainfo: bool = True,
    **metric_arguments: Any,
) -> SimpleNamespace:
    """What the check reads of a runner."""
    model = SimpleNamespace(
        num_keypoints=predicted,
        num_output_keypoints=put_out or predicted,
        test_cfg={"flip_test": True},
        metainfo={} if metainfo else None,
    )
    runner = SimpleNamespace(model=model, val_loop=None)
    runner.train_dataloader = SimpleNamespace(dataset=train or dataset(predicted))
    if val is not None:
        metric = CocoMetric(**metric_arguments)
        metric.dataset_meta = val.metainfo
        runner.val_loop, runner.val_dataloader = "a loop", SimpleNamespace(dataset=val)
        runner.val_evaluator = SimpleNamespace(metrics=[SimpleNamespace(), metric])
    return runner


@pytest.mark.parametrize(
    "fitting",
    [
        {},
        {"train": dataset(14, KeypointConverter(19, [(0, 6)]))},
        {"val": dataset(17), "put_out": 17},
        {"val": dataset(17), "pred_converter": {"num_keypoints": 17, "mapping": FIRST_17}},
        {"predicted": 17, "val": dataset(17), "metainfo": False},
        {"val": dataset(14, KeypointConverter(19, [(0, 6)])), "put_out": 14, "metainfo": False},
    ],
)
def test_what_fits_passes(fitting: dict) -> None:
    check_keypoint_counts(run(**fitting))


@pytest.mark.parametrize(
    ("unfit", "words"),
    [
        ({"train": dataset(17)}, "train_dataloader.dataset delivers 17 keypoints, but the model's head is for 19"),
        ({"val": dataset(17)}, r"predicts 19 keypoints, the data set 'drawn' has 17.*output_keypoint_indices"),
        (
            {"val": dataset(17), "put_out": 17, "metainfo": False},
            r"flip_test=True takes flip_indices from .*, which delivers 17.*metainfo=dict\(from_file",
        ),
        (
            {"val": dataset(17), "put_out": 14, "pred_converter": {"num_keypoints": 17, "mapping": FIRST_17}},
            "CocoMetric.pred_converter: .*14",
        ),
    ],
)
def test_what_would_fail_later_is_refused(unfit: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_keypoint_counts(run(**unfit))


def test_all_findings_come_at_once() -> None:
    with pytest.raises(ValueError, match="delivers 14") as caught:
        check_keypoint_counts(run(train=dataset(14), val=dataset(17)))
    assert "'drawn' has 17" in str(caught.value)


def test_a_model_that_does_not_tell_is_taken_on_trust() -> None:
    runner = run(train=dataset(17))
    runner.model = SimpleNamespace()
    check_keypoint_counts(runner)
