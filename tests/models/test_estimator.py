"""TopdownPoseEstimator: its modes, predictions in original pixels, weights of older releases, refused configs."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.runner.checkpoint import load_state_dict
from mmengine.structures import InstanceData
from torch import nn

from mmpose_mix.models import TopdownPoseEstimator
from mmpose_mix.registry import MODELS

MSRA = {"type": "MSRAHeatmap", "input_size": (24, 32), "heatmap_size": (6, 8), "sigma": 1.0}
TINY = {"type": "ResNet", "depth": 10, "base_channels": 4, "stem_channels": 4}
FLIP = {"flip_test": True, "flip_mode": "heatmap", "shift_heatmap": True}
NAMES = ("nose", "left_eye", "right_eye", "neck")
SWAPS = {"left_eye": "right_eye", "right_eye": "left_eye"}
METAINFO = {
    "dataset_name": "four",
    "keypoint_info": {
        place: {"name": name, "id": place, "color": [1, 2, 3], "type": "upper", "swap": SWAPS.get(name, "")}
        for place, name in enumerate(NAMES)
    },
    "skeleton_info": {},
    "joint_weights": [1.0] * 4,
    "sigmas": [0.1] * 4,
}


@pytest.fixture(autouse=True)
def _house_scope():
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        yield


def _config(**changes: Any) -> dict[str, Any]:
    return {
        "backbone": {**TINY, "num_stages": 1, "strides": (1,), "dilations": (1,), "out_indices": (0,)},
        "head": {
            "type": "HeatmapHead",
            "in_channels": 4,
            "out_channels": 4,
            "deconv_out_channels": None,
            "decoder": MSRA,
        },
        **changes,
    }


COMBINED = {
    **_config()["head"],
    "out_channels": 12,
    "loss": {"type": "CombinedTargetMSELoss"},
    "decoder": {"type": "UDPHeatmap", "input_size": (24, 32), "heatmap_size": (6, 8), "heatmap_type": "combined"},
}


def _estimator(**changes: Any) -> TopdownPoseEstimator:
    torch.manual_seed(0)
    return TopdownPoseEstimator(**_config(**changes)).eval()


@pytest.fixture
def images():
    return torch.rand(2, 3, 32, 24, generator=torch.Generator().manual_seed(0))


def test_without_samples_the_heatmaps_come_out_and_without_a_head_the_features(images):
    assert _estimator()(images).shape == (2, 4, 8, 6)
    assert _estimator()(list(images), mode="tensor").shape == (2, 4, 8, 6)
    (feature,) = _estimator(head=None)(images)
    assert feature.shape == (2, 4, 8, 6)


def test_losses_reach_every_parameter(images, make_samples):
    model = _estimator().train()
    losses = model(images, make_samples(2), mode="loss")
    assert set(losses) == {"loss_kpt", "acc_pose"}
    losses["loss_kpt"].backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_a_training_step_normalises_computes_and_updates(make_samples):
    from mmengine.optim import OptimWrapper

    model = _estimator(data_preprocessor={"type": "PoseDataPreprocessor", "mean": [127.0], "std": [50.0]}).train()
    before = model.head.final_layer.weight.clone()
    batch = {"inputs": [torch.zeros(3, 32, 24, dtype=torch.uint8)] * 2, "data_samples": make_samples(2)}
    logged = model.train_step(batch, OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0)))
    assert {"loss", "loss_kpt", "acc_pose"} == set(logged)
    assert not model.head.final_layer.weight.equal(before)


def test_predictions_are_in_pixels_of_the_original_image(images, make_samples):
    model, samples = _estimator(), make_samples(2)
    in_input = model.head.predict(model.extract_feat(images), samples)
    results = model(images, samples, mode="predict")
    assert results is samples
    for sample, before in zip(results, in_input):
        # input 24 x 32 shows 48 x 64 pixels around (100, 200)
        expected = before.keypoints * 2 + np.array([100 - 24, 200 - 32])
        np.testing.assert_allclose(sample.pred_instances.keypoints, expected)
        assert sample.pred_instances.keypoints.dtype == np.float32
        np.testing.assert_array_equal(sample.pred_instances.keypoints_visible, before.keypoint_scores)
        np.testing.assert_array_equal(sample.pred_instances.bboxes, sample.gt_instances.bboxes)
        np.testing.assert_array_equal(sample.pred_instances.bbox_scores, [1.0])
        assert "pred_fields" not in sample


def test_a_visibility_that_the_head_predicts_is_kept(make_samples):
    (sample,) = make_samples(1)
    scores = np.ones((1, 4), np.float32)
    instances = InstanceData(keypoints=np.zeros((1, 4, 2), np.float32), keypoint_scores=scores)
    instances.keypoints_visible = scores / 4
    _estimator().add_pred_to_datasample([instances], None, [sample])
    np.testing.assert_array_equal(sample.pred_instances.keypoints_visible, scores / 4)


def test_the_flip_test_looks_at_the_mirrored_image(images, make_samples):
    model = _estimator(test_cfg={**FLIP, "output_heatmaps": True})
    results = model(images, make_samples(2), mode="predict")
    mirrored = model(images.flip(-1)).detach().flip(-1)[:, [0, 2, 1, 3]]
    mirrored = torch.cat((mirrored[..., :1], mirrored[..., :-1]), -1)
    expected = (model(images).detach() + mirrored) / 2
    torch.testing.assert_close(torch.stack([each.pred_fields.heatmaps for each in results]), expected)


def test_output_keypoint_indices_select_every_prediction_in_their_order(images, make_samples):
    every = _estimator(test_cfg={"output_heatmaps": True})(images, make_samples(2), mode="predict")
    test_cfg = {"output_heatmaps": True, "output_keypoint_indices": [3, 1]}
    chosen = _estimator(test_cfg=test_cfg)(images, make_samples(2), mode="predict")
    for ours, all_of_them in zip(chosen, every):
        for key in ("keypoints", "keypoint_scores", "keypoints_visible"):
            np.testing.assert_array_equal(ours.pred_instances[key], all_of_them.pred_instances[key][:, [3, 1]])
        torch.testing.assert_close(ours.pred_fields.heatmaps, all_of_them.pred_fields.heatmaps[[3, 1]])
        assert ours.metainfo["output_keypoint_indices"] == (3, 1)
        assert "output_keypoint_indices" not in all_of_them.metainfo


def test_metainfo_of_the_model_replaces_all_but_the_samples_data_set_name(images, make_samples):
    """Reference row 3C-12: the model's metainfo renamed every sample's data set, so all went to one evaluator."""
    samples = make_samples(2)
    samples[1].set_metainfo({"dataset_name": "aic", "flip_indices": [0, 1, 2]})
    _estimator(metainfo=METAINFO, test_cfg=FLIP)(images, samples, mode="predict")
    assert [sample.metainfo["dataset_name"] for sample in samples] == ["coco", "aic"]
    assert all(sample.metainfo["flip_indices"] == [0, 2, 1, 3] for sample in samples)
    assert all(sample.metainfo["num_keypoints"] == 4 for sample in samples)


def test_a_sample_without_a_data_set_name_gets_the_models(images, make_samples):
    samples = make_samples(2)
    samples[0].pop("dataset_name")
    _estimator(metainfo=METAINFO)(images, samples, mode="predict")
    assert samples[0].metainfo["dataset_name"] == "four"


def test_a_neck_stands_between_backbone_and_head(images):
    @MODELS.register_module(name="HalvingNeckForTest", force=True)
    class HalvingNeck(nn.Module):
        def forward(self, feats):
            return tuple(feature[:, ::2] for feature in feats)

    try:
        model = _estimator(neck={"type": "HalvingNeckForTest"}, head={**_config()["head"], "in_channels": 2})
        assert model(images).shape == (2, 4, 8, 6)
    finally:
        MODELS.module_dict.pop("HalvingNeckForTest")


def _loaded(model: nn.Module, state: dict, capsys: pytest.CaptureFixture) -> str:
    """What MMEngine prints about keys that do not match."""
    capsys.readouterr()
    load_state_dict(model, state)
    return capsys.readouterr().out


@pytest.mark.parametrize("loader", ["torch", "mmengine"])
def test_weights_of_older_releases_load(loader, capsys):
    model, source = _estimator(), _estimator()
    source.head.final_layer.weight.data += 1
    old = OrderedDict((key.replace("head.", "keypoint_head."), value) for key, value in source.state_dict().items())
    old["data_preprocessor.mean"] = old["data_preprocessor.std"] = torch.ones(3, 1, 1)
    if loader == "torch":
        model.load_state_dict(old)
    else:
        assert _loaded(model, old, capsys) == ""
    torch.testing.assert_close(model.head.final_layer.weight, source.head.final_layer.weight)


def test_older_weights_load_into_a_wrapped_model():
    model = nn.ModuleDict({"module": _estimator()})
    state = {key.replace(".head.", ".keypoint_head."): value for key, value in model.state_dict().items()}
    assert any("keypoint_head" in key for key in state)
    model.load_state_dict(state)


def test_weights_of_this_release_load_as_they_are():
    model = _estimator()
    state = model.state_dict()
    assert state._metadata[""]["version"] == state._metadata["head"]["version"] == 2
    model.load_state_dict(state)


def test_modes_that_lack_what_they_need_say_so(images, make_samples):
    with pytest.raises(ValueError, match="'tensor', 'loss' and 'predict' are allowed"):
        _estimator()(images, mode="train")
    with pytest.raises(ValueError, match="mode='loss' needs data_samples"):
        _estimator()(images, mode="loss")
    with pytest.raises(ValueError, match="mode='predict' needs a head"):
        _estimator(head=None)(images, make_samples(2), mode="predict")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"test_cfg": {"flip_tset": True}}, "test_cfg has 'flip_tset', but HeatmapHead honours 'flip_mode'"),
        ({"test_cfg": {"shift_coords": True}}, "test_cfg has 'shift_coords'"),
        ({"train_cfg": {"max_epochs": 1}}, "train_cfg has 'max_epochs', but HeatmapHead honours 'compute_acc' only"),
        ({"test_cfg": {"flip_mode": "offset"}}, "flip_mode='offset', but 'heatmap', 'udp_combined' are allowed"),
        (
            {"test_cfg": {"output_keypoint_indices": [0, 4, -1]}},
            r"has \[4, -1\], but head.out_channels=4 allows 0 to 3",
        ),
        ({"test_cfg": {"output_keypoint_indices": []}}, "output_keypoint_indices has no index"),
        ({"test_cfg": {"output_keypoint_indices": [0.5]}}, r"has \[0.5\]"),
        ({"test_cfg": {"output_keypoint_indices": 17}}, "output_keypoint_indices=17 is no list of numbers"),
        ({"head": {**_config()["head"], "in_channels": 5}}, "head.in_channels=5, but ResNet gives 4 channels"),
        (
            {"head": {**_config()["head"], "out_channels": 5}, "metainfo": METAINFO},
            "metainfo has 4 keypoints, but head.out_channels=5 is for 5",
        ),
        (
            {"head": COMBINED, "test_cfg": {"flip_test": True}},
            "flip_mode='heatmap', but head.decoder has 3 heatmaps for each keypoint",
        ),
        (
            {"head": COMBINED, "test_cfg": {"output_keypoint_indices": [4]}},
            r"has \[4\], but head.out_channels=12 allows 0 to 3",
        ),
    ],
)
def test_a_config_that_does_not_fit_is_refused_when_the_model_is_built(changes, words):
    with pytest.raises(ValueError, match=words):
        _estimator(**changes)


def test_all_findings_about_a_config_come_at_once():
    with pytest.raises(ValueError, match="flip_tset") as caught:
        _estimator(test_cfg={"flip_tset": True, "output_keypoint_indices": [9]}, train_cfg={"lr": 1})
    assert "output_keypoint_indices has [9]" in str(caught.value)
    assert "train_cfg has 'lr'" in str(caught.value)


def test_low_precision_gives_a_float32_loss_and_float32_keypoints(images, make_samples):
    model, samples = _estimator(test_cfg=FLIP), make_samples(2)
    with torch.autocast("cpu", torch.bfloat16):
        losses = model(images, samples, mode="loss")
        results = model(images, samples, mode="predict")
    assert losses["loss_kpt"].dtype == losses["acc_pose"].dtype == torch.float32
    assert results[0].pred_instances.keypoints.dtype == np.float32


def test_channels_last_changes_the_memory_and_not_the_numbers(images, make_samples):
    plain, lasting = (_estimator(channels_last=flag, test_cfg=FLIP) for flag in (False, True))
    lasting.load_state_dict(plain.state_dict())
    (features,), (expected,) = lasting.extract_feat(images), plain.extract_feat(images)
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-4)
    for tensor in (features, lasting.backbone.conv1.weight, lasting(images)):
        assert tensor.is_contiguous(memory_format=torch.channels_last)
        assert not tensor.is_contiguous()
    assert expected.is_contiguous()
    predicted = [model(images, make_samples(2), mode="predict") for model in (plain, lasting)]
    for ours, theirs in zip(*predicted):
        np.testing.assert_allclose(ours.pred_instances.keypoints, theirs.pred_instances.keypoints, atol=1e-4)


def test_weights_stay_channels_last_when_they_are_drawn_and_loaded_and_a_seed_draws_the_same():
    drawn = []
    for flag in (False, True):
        torch.manual_seed(0)
        drawn.append(_estimator(channels_last=flag))
        drawn[-1].init_weights()
    for weight, expected in zip(drawn[1].parameters(), drawn[0].parameters()):
        torch.testing.assert_close(weight, expected, rtol=0, atol=0)
    drawn[1].load_state_dict(_estimator().state_dict())
    kernels = [weight for weight in drawn[1].parameters() if weight.dim() == 4]
    assert kernels
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in kernels)
