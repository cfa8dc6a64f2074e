"""RTMPose's parts compute what MMPose's compute, with weights that follow from their names."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import rtmpose_observations as look
import torch
from golden_compare import unequal

from mmpose_mix import registry
from mmpose_mix.structures import PoseDataSample


@pytest.fixture(scope="module")
def expected(recorded: Any) -> Any:
    return recorded("rtmpose")["numbers"]


def test_cspnext_computes_mmposes_features_with_mmposes_tensors(expected: Any) -> None:
    assert not unequal(expected["cspnext"], look.observe_cspnext(registry), rtol=1e-4, atol=2e-4)


def test_heads_compute_mmposes_scores_losses_and_flip_tested_keypoints(expected: Any) -> None:
    assert not unequal(expected["heads"], look.observe_rtmcc(registry, PoseDataSample), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", look.SIMCC)
def test_simcc_labels_encode_and_decode_mmposes_numbers(name: str, expected: Any) -> None:
    found = look.observe_simcc(registry)[name]
    assert not unequal(expected["codecs"][name], found, where=name, rtol=2e-5, atol=2e-5)
    assert found["weights"].dtype == np.float32


@pytest.mark.parametrize("name", look.kl_cases())
def test_the_loss_equals_mmposes(name: str, expected: Any) -> None:
    assert look.observe_kl_losses(registry)[name] == pytest.approx(expected["losses"][name], rel=1e-5)


def test_visibility_heads_compute_mmposes_losses_and_predictions(expected: Any) -> None:
    found = look.observe_visibility(registry, PoseDataSample)
    assert not unequal(expected["visibility"], found, rtol=1e-4, atol=1e-5)


def test_the_tensors_of_rtmpose_m_have_mmposes_names_shapes_and_order(expected: Any, house_scope: None) -> None:
    # a device is a context from torch 2.0 on
    with torch.device("meta") if hasattr(torch.device, "__enter__") else nullcontext():
        found = look.observe_full_tensors(registry)
    assert found["parameters"] == expected["full"]["parameters"]
    assert found["tensors"] == expected["full"]["tensors"]
