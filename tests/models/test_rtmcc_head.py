"""RTMCCHead: what it predicts, teaches and refuses. Its numbers stand in tests/golden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmpose_mix.codecs import SimCCLabel
from mmpose_mix.models.heads.gated_attention import RTMCCBlock
from mmpose_mix.registry import MODELS
from mmpose_mix.structures import PoseDataSample

CODEC: dict[str, Any] = {"type": "SimCCLabel", "input_size": (24, 32), "sigma": 2.0, "normalize": False}
LOSS = {"type": "KLDiscretLoss", "beta": 10.0, "label_softmax": True}


def head(**changes: Any) -> Any:
    config = {
        "type": "RTMCCHead",
        "in_channels": 6,
        "out_channels": 5,
        "input_size": (24, 32),
        "in_featuremap_size": (3, 4),
        "gau_cfg": {"hidden_dims": 8, "s": 4, "act_fn": "SiLU"},
        "loss": LOSS,
        "decoder": CODEC,
        **changes,
    }
    return MODELS.build(config)


def sample(visible: Any) -> PoseDataSample:
    points = np.random.RandomState(1).rand(1, 5, 2).astype(np.float32) * (23, 31)
    encoded = SimCCLabel(**{key: value for key, value in CODEC.items() if key != "type"}).encode(
        points, np.asarray(visible, np.float32)
    )
    labels = {key: torch.from_numpy(value) for key, value in encoded.items()}
    made = PoseDataSample(metainfo={"flip_indices": [0, 2, 1, 4, 3]})
    made.gt_instance_labels = InstanceData(**labels)
    return made


def features(count: int = 2) -> tuple[torch.Tensor, ...]:
    return (torch.from_numpy(np.random.RandomState(3).randn(count, 6, 4, 3).astype(np.float32)),)


def test_scores_have_a_class_for_each_half_pixel():
    x, y = head()(features())
    assert (x.shape, y.shape) == ((2, 5, 48), (2, 5, 64))


def test_what_is_not_labelled_is_not_taught():
    """Rows 3A-6 and 3B-9: neither its target nor its place in the mean has an influence."""
    torch.manual_seed(0)
    model = head()
    model.init_weights()
    unlabelled = sample([[1, 0, 1, 0, 1]])
    before = model.loss(features(1), [unlabelled])["loss_kpt"]
    unlabelled.gt_instance_labels.keypoint_x_labels[0, [1, 3]] = 7.0
    assert torch.equal(model.loss(features(1), [unlabelled])["loss_kpt"], before)
    scores = [axis.detach().requires_grad_() for axis in model(features(1))]
    labels = unlabelled.gt_instance_labels
    targets = (labels.keypoint_x_labels, labels.keypoint_y_labels)
    model.loss_module(tuple(scores), targets, labels.keypoint_weights).backward()
    for axis in scores:
        assert (axis.grad.abs().sum(-1)[0] > 0).tolist() == [True, False, True, False, True]


def test_the_weights_count_unless_they_are_not_wanted():
    model = head(loss={**LOSS, "use_target_weight": False})
    one, other = (model.loss(features(1), [sample([[1, 1, 1, 1, 1]])]) for _ in range(2))
    assert torch.equal(one["loss_kpt"], other["loss_kpt"])
    halved = sample([[1, 1, 1, 1, 1]])
    halved.gt_instance_labels.keypoint_weights *= 0.5
    assert torch.equal(model.loss(features(1), [halved])["loss_kpt"], one["loss_kpt"])
    weighted = head()
    weighted.load_state_dict(model.state_dict())
    assert weighted.loss(features(1), [halved])["loss_kpt"].item() == pytest.approx(one["loss_kpt"].item() / 2)


def test_the_accuracy_can_be_left_out():
    assert set(head().loss(features(1), [sample([[1] * 5])], {"compute_acc": False})) == {"loss_kpt"}


def test_the_decoder_s_targets_decode_to_the_keypoints():
    model, labels = head(), sample([[1] * 5]).gt_instance_labels
    found = model._decode(labels.keypoint_x_labels[0].numpy(), labels.keypoint_y_labels[0].numpy())
    points = np.random.RandomState(1).rand(1, 5, 2) * (23, 31)
    np.testing.assert_allclose(found.keypoints, points, atol=0.26)  # half a class


def test_a_flip_test_of_a_mirrored_prediction_changes_nothing():
    model = head().eval()
    x, y = model(features())
    partners = [0, 2, 1, 4, 3]
    calls = iter([(x, y), (x[:, partners].flip(-1), y[:, partners])])
    model.forward = lambda _: next(calls)
    flipped = model._flip_test([None, None], [sample([[1] * 5])] * 2)
    torch.testing.assert_close(flipped, (x, y))


def test_a_decoder_may_tell_visibility():
    model = head(decoder={**CODEC, "decode_visibility": True})
    (found,) = model.predict(features(1), [sample([[1] * 5])])
    assert found.keypoints_visible.shape == (1, 5)
    assert ((found.keypoints_visible > 0) & (found.keypoints_visible <= 1)).all()


def test_heatmaps_are_the_products_of_the_scores():
    instances, fields = head().predict(features(), [sample([[1] * 5])] * 2, {"output_heatmaps": True})
    assert fields[0].heatmaps.shape == (5, 64, 48)
    product = instances[1].keypoint_y_labels[0, 2][:, None] * instances[1].keypoint_x_labels[0, 2]
    np.testing.assert_allclose(fields[1].heatmaps[2], product, rtol=1e-6)


def test_a_map_of_another_size_is_refused():
    with pytest.raises(
        ValueError, match=r"in_featuremap_size=\(3, 4\) \(w, h\), but the last feature map has 6 .* \(4"
    ):
        head()((torch.rand(1, 6, 3, 4),))


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ValueError, match="RTMCCHead: out_channels=0 is no number from 1") as caught:
        head(
            out_channels=0, final_layer_kernel_size=4, gau_cfg={"heads": 8}, input_size=(32, 24), simcc_split_ratio=3.0
        )
    for words in (
        "final_layer_kernel_size=4 must be odd",
        "gau_cfg has 'heads'",
        "input_size=(32, 24), but the decoder has (24, 32)",
        "simcc_split_ratio=3.0, but the decoder has 2.0",
    ):
        assert words in str(caught.value)


def test_a_block_names_the_activations_it_knows():
    with pytest.raises(ValueError, match="act_fn='GELU', but 'SiLU' and 'ReLU' are allowed; s=3 must be even"):
        RTMCCBlock(5, 8, 8, s=3, act_fn="GELU", pos_enc=True)


def test_a_block_of_other_sizes_has_no_shortcut_and_skips_whole_samples():
    block = RTMCCBlock(5, 8, 6, s=4, drop_path=0.5, dropout_rate=0.1).train()
    torch.manual_seed(1)
    out = block(torch.rand(32, 5, 8))
    skipped = (out == 0).flatten(1).all(1)
    assert out.shape == (32, 5, 6)
    assert 4 < int(skipped.sum()) < 28


def test_the_loss_says_which_shapes_do_not_fit():
    model = head()
    wrong = sample([[1] * 5])
    wrong.gt_instance_labels.keypoint_x_labels = torch.zeros(1, 5, 24)
    with pytest.raises(ValueError, match=r"\(1, 5, 48\) and targets \(1, 5, 24\) along x"):
        model.loss(features(1), [wrong])
    with pytest.raises(ValueError, match="KLDiscretLoss: use_target_weight=True, but no target_weights"):
        model.loss_module((torch.zeros(1, 5, 4),) * 2, (torch.zeros(1, 5, 4),) * 2)
