"""CocoMetric gives the figures that MMPose's gives (through xtcocotools) on the COCO and AIC samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import observations as look
import pytest
from golden_compare import unequal

from mmpose_mix import registry
from mmpose_mix.metainfo import parse_pose_metainfo, shipped_configs

CASES = look.evaluation_cases(Path())


@pytest.fixture(scope="module")
def expected(recorded: Any) -> Any:
    return recorded("evaluation")["numbers"]


@pytest.fixture(scope="module")
def actual(pose_samples: Path) -> Any:
    files = {name: str(shipped_configs() / "_base_" / "datasets" / f"{name}.py") for name in ("coco", "aic")}
    metas = {name: parse_pose_metainfo({"from_file": path}) for name, path in files.items()}
    return look.observe_evaluation(registry, metas, pose_samples)


@pytest.mark.parametrize("name", CASES)
def test_figures_and_kept_detections_equal_mmposes(name: str, expected: Any, actual: Any) -> None:
    assert not unequal(expected[name], actual[name], where=name, rtol=1e-6, atol=1e-6)
