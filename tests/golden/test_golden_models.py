"""Models with weights that follow from their names compute what MMPose's compute with the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import golden_inputs as given
import model_observations as look
import pytest
import torch
from golden_compare import unequal

from mmpose_mix import registry
from mmpose_mix.metainfo import shipped_configs
from mmpose_mix.structures import PoseDataSample

METAINFO = shipped_configs() / "_base_" / "datasets"


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Models of a few channels are slower on several threads than on one, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def expected(recorded: Any) -> Any:
    return recorded("models")["numbers"]


@pytest.fixture(scope="module")
def estimators(pose_samples: Path) -> Any:
    return look.observe_estimators(registry, pose_samples, METAINFO)


def test_backbones_compute_mmposes_features(expected: Any) -> None:
    assert not unequal(expected["backbones"], look.observe_backbones(registry), rtol=1e-4, atol=5e-4)


def test_heads_compute_mmposes_heatmaps_losses_and_accuracy(expected: Any) -> None:
    assert not unequal(expected["heads"], look.observe_heads(registry, PoseDataSample), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [*look.loss_cases(), "combined_weighted", "combined_plain"])
def test_the_loss_equals_mmposes(name: str, expected: Any) -> None:
    """docs/differences.md, models: with `use_target_weight=False` MMPose weighs all the same."""
    found = look.observe_losses(registry)
    if name == "weights_not_wanted":
        assert expected["losses"][name] == pytest.approx(expected["losses"]["weighted"])
        assert found[name] == pytest.approx(found["plain"])
    else:
        assert found[name] == pytest.approx(expected["losses"][name], rel=1e-5)


@pytest.mark.parametrize("name", look.estimator_cases(Path()))
def test_an_estimator_predicts_what_mmposes_predicts(
    name: str, expected: Any, estimators: Any, recorded_warp: None
) -> None:
    assert not unequal(expected["estimators"][name], estimators[name], where=name, rtol=1e-4, atol=2e-3)


def test_the_tensors_of_full_models_have_mmposes_names_and_shapes(expected: Any, house_scope: None) -> None:
    found = look.observe_state_dicts(registry, METAINFO)
    for name, model in found.items():
        assert model["tensors"] == expected["state_dicts"][name]["tensors"]
        assert model["parameters"] == expected["state_dicts"][name]["parameters"]
    assert found["hrnet_w32_17"]["parameters"] == 28_536_113
    assert found["hrnet_w32_19"]["parameters"] == 28_536_179


def test_a_weight_is_a_function_of_its_name_and_shape() -> None:
    assert (given.weight("head.weight", (2, 3)) == given.weight("head.weight", (2, 3))).all()
    assert (given.weight("head.weight", (2, 3)) != given.weight("head.bias", (2, 3))).any()
