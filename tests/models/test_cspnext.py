"""CSPNeXt: shapes, what is frozen, gradients, which configs are refused. Its numbers stand in tests/golden."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mmpose_mix.models import CSPNeXt

TINY = {"widen_factor": 0.125, "deepen_factor": 0.34}


def test_each_stage_halves_the_map_and_tells_its_channels():
    model = CSPNeXt(**TINY, out_indices=(0, 1, 2, 3, 4))
    maps = model(torch.rand(1, 3, 64, 96))
    assert [tuple(one.shape[1:]) for one in maps] == [
        (8, 32, 48),
        (16, 16, 24),
        (32, 8, 12),
        (64, 4, 6),
        (128, 2, 3),
    ]
    assert model.out_channels == (8, 16, 32, 64, 128)


def test_every_parameter_gets_a_gradient():
    model = CSPNeXt(**TINY, out_indices=(4,))
    model(torch.rand(2, 3, 64, 64))[0].square().sum().backward()
    assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]


@pytest.mark.parametrize("frozen", [-1, 0, 2])
def test_frozen_stages_stay_in_eval_mode_without_gradients(frozen):
    model = CSPNeXt(**TINY, frozen_stages=frozen).train()
    parts = [model.stem, *(getattr(model, f"stage{place}") for place in range(1, 5))]
    assert [not part.training for part in parts] == [place <= frozen for place in range(5)]
    assert [not any(p.requires_grad for p in part.parameters()) for part in parts] == [p <= frozen for p in range(5)]


def test_norm_eval_keeps_the_statistics():
    model = CSPNeXt(**TINY, norm_eval=True).train()
    assert not any(module.training for module in model.modules() if isinstance(module, nn.BatchNorm2d))


@pytest.mark.skipif(torch.__version__.startswith("1."), reason="torch 1 has SyncBatchNorm on GPUs alone")
def test_sync_bn_of_one_process_runs_without_a_gpu():
    model = CSPNeXt(**TINY, out_indices=(4,), norm_cfg={"type": "SyncBN"})
    assert any(isinstance(module, nn.SyncBatchNorm) for module in model.modules())
    assert model(torch.rand(2, 3, 64, 64))[0].shape == (2, 128, 2, 2)


def test_its_rows_can_be_overwritten():
    model = CSPNeXt(arch_ovewrite=[[8, 16, 1, True, False], [16, 24, 1, False, True]], out_indices=(1, 2))
    assert model.out_channels == (16, 24)
    assert [one.shape[1] for one in model(torch.rand(1, 3, 32, 32))] == [16, 24]


def test_a_pretrained_backbone_is_taken_out_of_an_estimator(tmp_path):
    """As the published configs do: ``prefix='backbone.'``."""
    source = CSPNeXt(**TINY)
    state = {f"backbone.{key}": value + 1 for key, value in source.state_dict().items()}
    torch.save({"state_dict": {**state, "head.weight": torch.zeros(1)}}, tmp_path / "model.pth")
    init_cfg = {"type": "Pretrained", "prefix": "backbone.", "checkpoint": str(tmp_path / "model.pth")}
    model = CSPNeXt(**TINY, init_cfg=init_cfg)
    model.init_weights()
    assert all(torch.equal(value, state[f"backbone.{key}"]) for key, value in model.state_dict().items())


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ValueError, match="CSPNeXt: arch='P7', but 'P5' and 'P6' are allowed") as caught:
        CSPNeXt(arch="P7", widen_factor=0, out_indices=(4, 7), spp_kernel_sizes=(4,))
    for words in (
        "widen_factor=0 must be above 0",
        r"out_indices=(4, 7), but 0 (stem) to 4 are allowed",
        "spp_kernel_sizes=(4,) must be odd",
    ):
        assert words in str(caught.value)


def test_maps_come_in_the_order_of_the_stages_only():
    with pytest.raises(ValueError, match=r"out_indices=\(4, 2\) do not rise"):
        CSPNeXt(out_indices=(4, 2))
