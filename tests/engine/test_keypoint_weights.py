"""Weights of a head for other keypoints: rows by name, and what the log says of them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, DefaultScope
from mmengine.runner import load_state_dict

from mmpose_mix.engine.keypoint_weights import KeypointWeightsHook, adapt_keypoint_rows
from mmpose_mix.engine.launch import fit_head_by_name
from mmpose_mix.metainfo import named_keypoint_set, parse_pose_metainfo
from mmpose_mix.models import HeatmapHead, TopdownPoseEstimator
from mmpose_mix.registry import MODELS

COCO, COCO_AIC, AIC, CROWDPOSE = map(named_keypoint_set, ("coco", "coco_aic", "aic", "crowdpose"))
UDP = {"type": "mmpose_mix.UDPHeatmap", "input_size": (24, 32), "heatmap_size": (6, 8), "heatmap_type": "combined"}


def model(num_keypoints: int, named: str = "", kernel_size: int = 1, **head) -> TopdownPoseEstimator:
    """A small network with a head of so many heatmaps."""
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        return TopdownPoseEstimator(
            backbone={"type": "ResNet", "depth": 18, "base_channels": 4, "stem_channels": 4},
            head={
                "type": "HeatmapHead",
                "in_channels": 32,
                "out_channels": num_keypoints,
                "deconv_out_channels": None,
                "final_layer": {"kernel_size": kernel_size},
                **head,
            },
            metainfo={"from_file": f"configs/_base_/datasets/{named}.py"} if named else None,
        )


def checkpoint(of: TopdownPoseEstimator, named: str = "") -> dict:
    meta = {}
    if named:
        meta = {"dataset_meta": parse_pose_metainfo({"from_file": f"configs/_base_/datasets/{named}.py"})}
    return {"meta": meta, "state_dict": {name: tensor.clone() for name, tensor in of.state_dict().items()}}


def runner(of: TopdownPoseEstimator, resume: bool = False) -> SimpleNamespace:
    return SimpleNamespace(model=of, _resume=resume, _train_loop=None, _val_loop=None, _test_loop=None)


def loaded(into: TopdownPoseEstimator, given: dict, **options) -> TopdownPoseEstimator:
    KeypointWeightsHook(**options).after_load_checkpoint(runner(into), given)
    load_state_dict(into, given["state_dict"], strict=True)
    return into


@pytest.fixture
def said(monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr("mmpose_mix.engine.keypoint_weights.print_log", lambda words, **_: lines.append(words))
    return lines


@pytest.mark.parametrize("kernel_size", [1, 7])
def test_seventeen_of_nineteen_keypoints_come_from_the_checkpoint_and_two_are_new(kernel_size, said):
    old, new = model(17, kernel_size=kernel_size), model(19, "coco_aic", kernel_size=kernel_size)
    fresh = {name: tensor.clone() for name, tensor in new.head.final_layer.state_dict().items()}
    loaded(new, checkpoint(old, "coco"))
    for name, tensor in new.head.final_layer.state_dict().items():
        assert torch.equal(tensor[:17], old.head.final_layer.state_dict()[name])
        assert torch.equal(tensor[17:], fresh[name][17:])
    assert torch.equal(new.backbone.conv1.weight, old.backbone.conv1.weight)
    assert len(said) == 1
    assert (
        "from coco to coco_aic, the rows of 17 keypoints in head.final_layer.weight, head.final_layer.bias" in said[0]
    )
    assert said[0].endswith("new, as initialised: head_top, neck.")


def test_the_head_of_rtmpose_is_fitted_too():
    options = {"input_size": (64, 64), "in_featuremap_size": (2, 2), "final_layer_kernel_size": 7}
    loss = {"type": "KLDiscretLoss", "use_target_weight": True}
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        old, new = (
            MODELS.build({"type": "RTMCCHead", "in_channels": 32, "out_channels": count, "loss": loss, **options})
            for count in (17, 19)
        )
    given, wanted = ({f"head.{name}": v for name, v in head.state_dict().items()} for head in (old, new))
    done = adapt_keypoint_rows(given, wanted, COCO, COCO_AIC)
    assert done.layers == ("head.final_layer.weight", "head.final_layer.bias")
    assert given["head.final_layer.weight"].shape == (19, 32, 7, 7)
    assert torch.equal(given["head.final_layer.weight"][:17], old.final_layer.weight)
    new.load_state_dict({name[len("head.") :]: v for name, v in given.items()})


def test_the_same_number_of_other_keypoints_is_taken_by_name_too(said):
    """Both have 14, in another order: plain loading would take the rows of other joints without a word."""
    old, new = model(14), model(14, "crowdpose")
    loaded(new, checkpoint(old, "aic"))
    rows = new.head.final_layer.weight
    for place, name in enumerate(CROWDPOSE.keypoint_names):
        if name in AIC.keypoint_names:
            assert torch.equal(rows[place], old.head.final_layer.weight[AIC.keypoint_names.index(name)])
    assert len(said) == 1


def test_the_same_keypoints_are_left_alone(said):
    old, new = model(17), model(17, "coco")
    given = checkpoint(old, "coco")
    before = dict(given["state_dict"])
    KeypointWeightsHook().after_load_checkpoint(runner(new), given)
    assert all(given["state_dict"][name] is tensor for name, tensor in before.items())
    assert said == []


def test_three_maps_of_each_keypoint_stay_together():
    old, new = model(17 * 3, decoder=UDP), model(19 * 3, decoder=UDP)
    given = checkpoint(old)["state_dict"]
    adapt_keypoint_rows(given, new.state_dict(), COCO, COCO_AIC)
    assert torch.equal(given["head.final_layer.weight"][: 17 * 3], old.head.final_layer.weight)
    assert torch.equal(given["head.final_layer.weight"][17 * 3 :], new.head.final_layer.weight[17 * 3 :])


def test_a_checkpoint_without_metainfo_needs_the_source(said):
    new = model(19, "coco_aic")
    KeypointWeightsHook().after_load_checkpoint(runner(new), checkpoint(model(17)))
    assert "head.final_layer.weight has 17 rows, the model 19" in said[0]
    assert "KeypointWeightsHook', source='coco'" in said[0]
    old = model(17)
    assert torch.equal(
        loaded(new, checkpoint(old), source="coco").head.final_layer.bias[:17], old.head.final_layer.bias
    )


def test_weights_of_mmpose_0_are_found_under_their_old_name():
    old, new = model(17), model(19, "coco_aic")
    given = checkpoint(old)
    given["state_dict"] = {name.replace("head.", "keypoint_head."): v for name, v in given["state_dict"].items()}
    assert torch.equal(loaded(new, given, source="coco").head.final_layer.weight[:17], old.head.final_layer.weight)


def test_mmposes_own_faulty_metainfo_is_read_for_its_names():
    """coco_aic.py of MMPose 1.3.2 has 18 weights for 19 keypoints; its checkpoints carry that."""
    given = checkpoint(model(19), "coco_aic")
    given["meta"]["dataset_meta"]["dataset_keypoint_weights"] = [1.0] * 18
    new = model(17, "coco")
    weights = given["state_dict"]["head.final_layer.weight"].clone()
    assert torch.equal(loaded(new, given).head.final_layer.weight, weights[:17])


@pytest.mark.parametrize("options", [{"enable": False}, {}], ids=["switched off", "a run that is resumed"])
def test_it_does_nothing(options):
    given = checkpoint(model(17), "coco")
    before = given["state_dict"]["head.final_layer.weight"]
    target = runner(model(19, "coco_aic"), resume=not options)
    KeypointWeightsHook(**options).after_load_checkpoint(target, given)
    assert given["state_dict"]["head.final_layer.weight"] is before


def test_layers_that_differ_otherwise_are_left_to_mmengine():
    old, new = model(17, kernel_size=3), model(19, "coco_aic")
    given = checkpoint(old)["state_dict"]
    done = adapt_keypoint_rows(given, new.state_dict(), COCO, COCO_AIC)
    assert done.layers == ("head.final_layer.bias",)
    assert given["head.final_layer.weight"].shape == (17, 32, 3, 3)


def test_the_hook_comes_before_those_that_copy_weights():
    assert Hook.priority == "NORMAL"
    assert HOOKS.build({"type": "mmpose_mix.KeypointWeightsHook"}).priority == "VERY_HIGH"


def test_an_unknown_source_is_refused_when_built():
    with pytest.raises(FileNotFoundError, match="There is no metainfo of a data set 'koko'"):
        KeypointWeightsHook(source="koko")


def test_a_head_alone_has_no_metainfo_to_go_by():
    head = HeatmapHead(4, 19, deconv_out_channels=None, loss={"type": "mmpose_mix.KeypointMSELoss"})
    assert adapt_keypoint_rows({}, head.state_dict(), COCO, COCO_AIC) is None


def test_the_command_adds_the_hook_to_a_run_from_weights_unless_the_config_has_it():
    config = Config({"load_from": "hrnet.pth", "custom_hooks": [{"type": "SyncBuffersHook"}]})
    fit_head_by_name(config)
    fit_head_by_name(config)
    assert [hook["type"] for hook in config.custom_hooks] == ["SyncBuffersHook", "mmpose_mix.KeypointWeightsHook"]
    without = Config({"load_from": None})
    fit_head_by_name(without)
    assert "custom_hooks" not in without
