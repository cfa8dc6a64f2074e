"""Metrics of distances between keypoints give MMPose's figures on random poses."""

from __future__ import annotations

from typing import Any

import distance_observations as look
import pytest

from mmpose_mix import registry


@pytest.mark.parametrize("name", look.metric_cases())
def test_a_metric_gives_mmposes_figures(name: str, recorded: Any) -> None:
    expected = recorded("distances")["numbers"][name]
    found = look.observe_distances(registry)[name]
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert all(value > 0 for value in found.values())
