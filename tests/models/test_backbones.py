"""HRNet and ResNet: MMPose's parameters, what is frozen, which gradients flow, which configs are refused."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext

import pytest
import torch
from mmengine.registry import DefaultScope
from torch import nn

from mmpose_mix.models import HRNet, ResNet
from mmpose_mix.models.backbones.residual import ResidualBlock
from mmpose_mix.registry import MODELS

# a device is a context from torch 2.0 on
WITHOUT_MEMORY = torch.device("meta") if hasattr(torch.device, "__enter__") else nullcontext()


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.setattr("mmengine.model.base_module.BaseModule._dump_init_info", lambda *_: None)


# From MMPose 1.3.2: all lines "NAME SHAPE" of the estimator's state dict, sorted, joined by line feeds, SHA-256.
# Neither the count nor the digest holds the data preprocessor's mean and std, which state dicts leave out.
RECORDED = {
    17: (28_536_113, 1754, "3c3a94e00a1fdf73b6e8e512937c5f5d20afa2ce5e8d9173726802bf3a8a43a6"),
    19: (28_536_179, 1754, "0dbf444c84af637598c84692addac24f416504807828e25e81edec59323da798"),
}


@pytest.mark.parametrize("num_keypoints", RECORDED)
def test_hrnet_w32_with_a_heatmap_head_has_the_parameters_of_mmpose(num_keypoints, hrnet_extra):
    config = {
        "type": "TopdownPoseEstimator",
        "data_preprocessor": {"type": "PoseDataPreprocessor", "mean": [1, 2, 3], "std": [1, 1, 1]},
        "backbone": {"type": "HRNet", "extra": hrnet_extra(32)},
        "head": {
            "type": "HeatmapHead",
            "in_channels": 32,
            "out_channels": num_keypoints,
            "deconv_out_channels": None,
        },
    }
    with WITHOUT_MEMORY, DefaultScope.overwrite_default_scope("mmpose_mix"):
        model = MODELS.build(config)
    state = model.state_dict()
    lines = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in state.items())
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert (sum(p.numel() for p in model.parameters()), len(state), digest) == RECORDED[num_keypoints]


def test_hrnet_has_the_names_of_the_published_pretrained_backbone(tiny_extra):
    names = {key.split(".")[0] for key in HRNet(tiny_extra).state_dict()}
    stem = {"conv1", "bn1", "conv2", "bn2", "layer1"}
    assert names == stem | {"transition1", "transition2", "transition3", "stage2", "stage3", "stage4"}


def test_hrnet_gives_the_branch_of_the_highest_resolution(tiny_extra):
    model = HRNet(tiny_extra)
    (feature,) = model(torch.rand(2, 3, 64, 96))
    assert feature.shape == (2, 8, 16, 24)
    assert model.out_channels == (8,)


@pytest.mark.parametrize("upsample", [{}, {"mode": "bilinear", "align_corners": False}])
def test_hrnet_gives_all_branches_with_multiscale_output(upsample, tiny_extra):
    tiny_extra["stage4"]["multiscale_output"] = True
    model = HRNet({**tiny_extra, "upsample": upsample})
    features = model(torch.rand(1, 3, 64, 96))
    assert [tuple(feature.shape[1:]) for feature in features] == [(8, 16, 24), (16, 8, 12), (32, 4, 6), (64, 2, 3)]
    assert model.out_channels == (8, 16, 32, 64)


def test_hrnet_may_change_the_width_of_a_branch_between_stages(tiny_extra):
    tiny_extra["stage3"]["num_channels"] = (12, 16, 32)
    tiny_extra["stage4"]["num_channels"] = (12, 16, 32, 64)
    (feature,) = HRNet(tiny_extra)(torch.rand(2, 3, 64, 64))
    assert feature.shape == (2, 12, 16, 16)


@pytest.mark.parametrize("depth", [10, 18, 34, 50])
def test_resnet_gives_the_maps_of_out_indices(depth):
    model = ResNet(depth, base_channels=4, stem_channels=4, out_indices=(0, 2, 3))
    features = model(torch.rand(2, 3, 64, 32))
    strides = [4, 16, 32]
    assert [tuple(feature.shape[2:]) for feature in features] == [(64 // s, 32 // s) for s in strides]
    assert tuple(feature.shape[1] for feature in features) == model.out_channels


def test_resnet_variants_keep_their_strides():
    options = [{"style": "caffe"}, {"deep_stem": True, "avg_down": True}, {"strides": (1, 2, 2, 1)}]
    shapes = [tuple(ResNet(50, base_channels=2, **each)(torch.rand(2, 3, 64, 64))[0].shape[2:]) for each in options]
    assert shapes == [(2, 2), (2, 2), (4, 4)]


@pytest.mark.parametrize("depth", [101, 152])
def test_deep_resnets_have_torchvisions_number_of_parameters(depth):
    with WITHOUT_MEMORY:
        model = ResNet(depth)
    classifier = 2048 * 1000 + 1000
    assert sum(p.numel() for p in model.parameters()) + classifier == {101: 44_549_160, 152: 60_192_808}[depth]


def _backbones(tiny_extra, **options):
    return [HRNet(tiny_extra, **options), ResNet(10, base_channels=4, stem_channels=4, **options)]


def test_every_parameter_gets_a_gradient(tiny_extra):
    for model in _backbones(tiny_extra):
        model(torch.rand(2, 3, 64, 64))[0].square().sum().backward()
        assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_recomputing_activations_changes_neither_outputs_nor_gradients(tiny_extra):
    for plain, recomputed in zip(_backbones(tiny_extra), _backbones(tiny_extra, with_cp=True)):
        recomputed.load_state_dict(plain.state_dict())
        image = torch.rand(2, 3, 64, 64)
        outputs = [model(image)[0] for model in (plain, recomputed)]
        torch.testing.assert_close(outputs[0], outputs[1], rtol=0, atol=0)
        for output in outputs:
            output.square().sum().backward()
        for ours, theirs in zip(plain.parameters(), recomputed.parameters()):
            torch.testing.assert_close(ours.grad, theirs.grad)


def _frozen_parts(model: nn.Module) -> set[str]:
    return {name.split(".")[0] for name, p in model.named_parameters() if not p.requires_grad}


@pytest.mark.parametrize(
    ("frozen_stages", "hrnet_parts", "resnet_parts"),
    [
        (-1, set(), set()),
        (0, {"conv1", "bn1", "conv2", "bn2"}, {"conv1", "bn1"}),
        (
            2,
            {"conv1", "bn1", "conv2", "bn2", "layer1", "transition1", "stage2", "transition2"},
            {"conv1", "bn1", "layer1", "layer2"},
        ),
    ],
)
def test_frozen_stages_neither_train_nor_update_their_statistics(frozen_stages, hrnet_parts, resnet_parts, tiny_extra):
    models = _backbones(tiny_extra, frozen_stages=frozen_stages)
    for model, parts in zip(models, (hrnet_parts, resnet_parts)):
        model.train()
        assert _frozen_parts(model) == parts
        before = {name: tensor.clone() for name, tensor in model.state_dict().items() if "running" in name}
        model(torch.rand(2, 3, 64, 64))
        changed = {name.split(".")[0] for name, value in before.items() if not value.equal(model.state_dict()[name])}
        assert changed.isdisjoint(parts)
        assert "layer4" in changed or "stage4" in changed


def test_all_four_stages_of_hrnet_can_be_frozen(tiny_extra):
    model = HRNet(tiny_extra, frozen_stages=4)
    assert all(not p.requires_grad for p in model.parameters())


def test_norm_eval_keeps_batch_norms_in_eval_mode_while_training(tiny_extra):
    for model in _backbones(tiny_extra, norm_eval=True):
        model.train()
        norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
        assert norms
        assert not any(norm.training for norm in norms)
        assert model.training


def test_other_norms_and_their_names_come_from_norm_cfg(tiny_extra):
    for model in _backbones(tiny_extra, norm_cfg={"type": "GN", "num_groups": 2}):
        model(torch.rand(1, 3, 64, 64))
        assert "gn1.weight" in model.state_dict()
        assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def test_hrnet_is_initialised_from_a_narrow_normal_distribution(tiny_extra):
    torch.manual_seed(0)
    model = HRNet(tiny_extra)
    model.init_weights()
    weights = torch.cat([m.weight.flatten() for m in model.modules() if isinstance(m, nn.Conv2d)])
    assert weights.std().item() == pytest.approx(0.001, rel=0.02)
    assert all(bool((m.weight == 1).all()) for m in model.modules() if isinstance(m, nn.BatchNorm2d))


def test_zero_init_residual_makes_blocks_pass_their_input_on(tiny_extra):
    for model in (HRNet(tiny_extra, zero_init_residual=True), ResNet(50, base_channels=2)):
        model.init_weights()
        blocks = [module for module in model.modules() if isinstance(module, ResidualBlock)]
        assert blocks
        assert all(not block.last_norm.weight.any() for block in blocks)


def test_zero_init_residual_leaves_pretrained_weights_alone(tmp_path):
    source = ResNet(10, base_channels=4)
    torch.save(source.state_dict(), tmp_path / "weights.pth")
    model = ResNet(10, base_channels=4, init_cfg={"type": "Pretrained", "checkpoint": str(tmp_path / "weights.pth")})
    model.init_weights()
    assert all(bool((m.weight == 1).all()) for m in model.modules() if isinstance(m, nn.BatchNorm2d))


def test_a_wrong_extra_is_refused_with_every_finding(tiny_extra):
    del tiny_extra["stage3"]
    tiny_extra["stage2"]["num_blocks"] = (1, 1, 1)
    tiny_extra["stage2"]["block"] = "RESIDUAL"
    tiny_extra["stage4"]["num_modul"] = 1
    tiny_extra["final_conv_kernel"] = 1
    with pytest.raises(ValueError, match=r"HRNet\.extra") as caught:
        HRNet(tiny_extra)
    for words in (
        "has no stage3",
        "stage2.num_blocks is (1, 1, 1), not one number from 1 for each of num_branches=2",
        "stage2.block is 'RESIDUAL', but 'BASIC' and 'BOTTLENECK' are allowed",
        "stage4 has the unknown key 'num_modul'",
        "has the unknown key 'final_conv_kernel'",
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stage1": None}, "stage1 is None, not a dict"),
        ({"upsample": "nearest"}, "upsample is 'nearest', not a dict"),
        ({"upsample": {"scale": 2}}, "upsample has the unknown key 'scale'"),
    ],
)
def test_parts_of_extra_are_refused_by_name(change, words, tiny_extra):
    with pytest.raises(ValueError, match=words):
        HRNet({**tiny_extra, **change})


def test_stages_have_to_fit_each_other(tiny_extra):
    tiny_extra["stage1"]["num_modules"] = 2
    tiny_extra["stage4"] = dict(tiny_extra["stage2"])
    with pytest.raises(ValueError, match="stage4 has 2 branches, fewer than the 3 of stage3") as caught:
        HRNet(tiny_extra)
    assert "stage1 has num_branches=1 and num_modules=2" in str(caught.value)


def test_extra_has_to_be_a_dict():
    with pytest.raises(TypeError, match=r"HRNet\.extra has to be a dict"):
        HRNet([1, 2])


def test_a_branch_outside_the_last_stage_cannot_be_left_out(tiny_extra):
    tiny_extra["stage2"]["multiscale_output"] = False
    with pytest.raises(ValueError, match="stage2 has the unknown key 'multiscale_output'"):
        HRNet(tiny_extra)


def test_wrong_arguments_of_resnet_are_named_together():
    with pytest.raises(ValueError, match="depth=51") as caught:
        ResNet(51, num_stages=3, strides=(1, 2, 2), out_indices=(3,), style="torch")
    for words in (
        "the depths are 10, 18, 34, 50, 101, 152",
        "dilations=(1, 1, 1, 1) has 4 numbers for num_stages=3",
        "out_indices=(3,), but 0 to 2 are allowed",
        "style='torch', but 'pytorch' and 'caffe' are allowed",
    ):
        assert words in str(caught.value)


def test_maps_come_in_the_order_of_the_stages():
    with pytest.raises(ValueError, match=r"out_indices=\(3, 1\) do not rise"):
        ResNet(10, out_indices=(3, 1))


def test_more_frozen_stages_than_there_are_is_an_error(tiny_extra):
    with pytest.raises(ValueError, match=r"HRNet: frozen_stages=5, but -1 \(nothing\)"):
        HRNet(tiny_extra, frozen_stages=5)
    with pytest.raises(ValueError, match="to 2 "):
        ResNet(10, num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(1,), frozen_stages=3)
