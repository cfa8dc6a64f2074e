"""The benchmark of the evaluation: both engines agree on its data, and a difference stops it."""

from __future__ import annotations

import pytest

from benchmarks import evaluation


def test_a_small_run_gives_seconds_and_statistics_that_are_neither_0_nor_1():
    runs = evaluation.measured(images=40, people=90, detections=120, rounds=1)
    assert "pycocotools" in runs
    for run in runs.values():
        assert len(run.seconds()) == 3
        assert 0.05 < run.statistics["coco/AP"] < 0.95


def test_a_difference_stops_the_benchmark():
    runs = {name: evaluation.Measured(lambda: None, []) for name in ("pycocotools", "other")}
    runs["pycocotools"].statistics, runs["other"].statistics = {"coco/AP": 0.5}, {"coco/AP": 0.5 + 2e-9}
    with pytest.raises(RuntimeError, match=r"other differs from pycocotools in coco/AP by 2\.00e-09"):
        evaluation._check_agreement(runs)
