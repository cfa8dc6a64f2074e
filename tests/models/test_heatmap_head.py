"""HeatmapHead: layers, losses, prediction with and without the flip test, weights of older releases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mmpose_mix.models import HeatmapHead
from mmpose_mix.models.heads.flip import unflip_heatmaps

MSRA = {"type": "mmpose_mix.MSRAHeatmap", "input_size": (24, 32), "heatmap_size": (6, 8), "sigma": 1.0}
PLAIN = {"in_channels": 3, "out_channels": 4, "deconv_out_channels": None}


@pytest.fixture
def head():
    return HeatmapHead(**PLAIN, loss={"type": "mmpose_mix.KeypointMSELoss", "use_target_weight": True}, decoder=MSRA)


def _passing_on(head: HeatmapHead) -> HeatmapHead:
    """A head without layers, whose heatmaps are the features."""
    head.final_layer = nn.Identity()
    head.in_channels = head.out_channels
    return head


def _peaks(*places: tuple[int, int]) -> torch.Tensor:
    """Heatmaps (1, K, 8, 6) that are highest at the given (x, y)."""
    maps = torch.zeros(1, len(places), 8, 6)
    for k, (x, y) in enumerate(places):
        maps[0, k, y, x] = 1.0
    return maps


def test_each_deconvolution_doubles_the_size_whatever_its_kernel():
    head = HeatmapHead(8, 5, deconv_out_channels=(6, 7, 8), deconv_kernel_sizes=(4, 3, 2))
    assert head((torch.rand(2, 8, 4, 3),)).shape == (2, 5, 32, 24)
    assert [key for key in head.state_dict() if key.endswith("weight")] == [
        *(f"deconv_layers.{place}.weight" for place in (0, 1, 3, 4, 6, 7)),
        "final_layer.weight",
    ]


def test_convolutions_keep_the_size_and_the_final_layer_takes_its_arguments():
    head = HeatmapHead(8, 5, None, None, (6, 7), (3, 1), {"kernel_size": 3, "padding": 1})
    assert head((torch.rand(2, 9, 2, 2), torch.rand(2, 8, 4, 3))).shape == (2, 5, 4, 3)
    assert head.final_layer.weight.shape == (5, 7, 3, 3)
    assert "conv_layers.3.weight" in head.state_dict()


def test_without_final_layer_the_last_layers_channels_come_out():
    head = HeatmapHead(8, 6, None, None, (6,), (1,), None)
    assert head((torch.rand(1, 8, 4, 3),)).shape == (1, 6, 4, 3)


def test_weights_start_from_a_narrow_normal_distribution(monkeypatch):
    monkeypatch.setattr("mmengine.model.base_module.BaseModule._dump_init_info", lambda *_: None)
    torch.manual_seed(0)
    head = HeatmapHead(16, 17, deconv_out_channels=(32, 32), deconv_kernel_sizes=(4, 4))
    head.init_weights()
    assert head.deconv_layers[0].weight.std().item() == pytest.approx(0.001, rel=0.03)
    assert not head.final_layer.bias.any()
    assert (head.deconv_layers[1].weight == 1).all()


def test_the_loss_is_that_of_the_loss_module_with_all_weights_of_the_batch(head, make_samples):
    samples = make_samples(3)
    samples[1].gt_instance_labels.keypoint_weights = torch.tensor([[1.0, 0.0, 0.0, 1.0]])
    feats = (torch.rand(3, 3, 8, 6),)
    losses = head.loss(feats, samples)
    targets = torch.stack([sample.gt_fields.heatmaps for sample in samples])
    weights = torch.tensor([[1.0, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1]])
    expected = ((head(feats) - targets) ** 2 * weights[:, :, None, None]).mean()
    torch.testing.assert_close(losses["loss_kpt"], expected)
    assert set(losses) == {"loss_kpt", "acc_pose"}
    assert losses["loss_kpt"].requires_grad
    assert not losses["acc_pose"].requires_grad


def test_float64_weights_of_a_converted_sample_leave_the_loss_float32(head, make_samples):
    """Reference row 3B-1: one converted sample made the whole batch's loss float64."""
    samples = make_samples(2)
    samples[1].gt_instance_labels.keypoint_weights = torch.ones(1, 4, dtype=torch.float64)
    assert head.loss((torch.rand(2, 3, 8, 6),), samples)["loss_kpt"].dtype == torch.float32


def test_the_accuracy_can_be_left_out(head, make_samples):
    losses = head.loss((torch.rand(2, 3, 8, 6),), make_samples(2), train_cfg={"compute_acc": False})
    assert set(losses) == {"loss_kpt"}


def test_combined_maps_have_an_accuracy_of_their_disks(make_samples):
    head = HeatmapHead(3, 6, None, loss={"type": "mmpose_mix.CombinedTargetMSELoss", "use_target_weight": True})
    samples = make_samples(2, num_keypoints=6)
    for sample in samples:
        sample.gt_instance_labels.keypoint_weights = torch.ones(1, 2)
    losses = _passing_on(head).loss((torch.stack([s.gt_fields.heatmaps for s in samples]),), samples)
    assert losses["loss_kpt"] == 0
    assert losses["acc_pose"] == 1


def test_keypoints_are_decoded_to_input_pixels(head, make_samples):
    (instances,) = _passing_on(head).predict((_peaks((2, 3), (0, 0), (5, 7), (1, 6)),), make_samples(1))
    assert instances.keypoints.shape == (1, 4, 2)
    assert instances.keypoints.dtype == np.float32
    np.testing.assert_allclose(instances.keypoints[0] / 4, [[2, 3], [0, 0], [5, 7], [1, 6]], atol=0.25)
    assert instances.keypoint_scores.tolist() == [[1.0, 1.0, 1.0, 1.0]]


def test_heatmaps_come_along_if_wanted(head, make_samples):
    feats = (torch.rand(2, 3, 8, 6),)
    instances, fields = head.predict(feats, make_samples(2), {"output_heatmaps": True})
    assert len(instances) == len(fields) == 2
    torch.testing.assert_close(fields[1].heatmaps, head(feats)[1].detach())


def test_the_flip_test_is_the_mean_with_mirrored_and_swapped_heatmaps(head, make_samples):
    feats, mirrored = (torch.rand(2, 3, 8, 6),), (torch.rand(2, 3, 8, 6),)
    test_cfg = {"flip_test": True, "output_heatmaps": True}
    _, fields = head.predict([feats, mirrored], make_samples(2), test_cfg)
    expected = (head(feats) + head(mirrored)[:, [0, 2, 1, 3]].flip(-1)) / 2
    torch.testing.assert_close(torch.stack([field.heatmaps for field in fields]), expected.detach())


def test_shifted_maps_move_to_the_right_and_keep_their_first_column():
    maps = torch.arange(12.0).view(1, 1, 2, 6)
    shifted = unflip_heatmaps(maps, [0], "heatmap", shift_heatmap=True)
    assert shifted[0, 0].tolist() == [[5.0, 5, 4, 3, 2, 1], [11.0, 11, 10, 9, 8, 7]]
    assert maps[0, 0, 0].tolist() == [0.0, 1, 2, 3, 4, 5]


def test_unflipping_twice_is_the_identity_for_both_modes():
    maps = torch.rand(2, 6, 3, 4)
    for mode, flip_indices in (("heatmap", [1, 0, 2, 4, 3, 5]), ("udp_combined", [1, 0])):
        once = unflip_heatmaps(maps, flip_indices, mode, shift_heatmap=False)
        torch.testing.assert_close(unflip_heatmaps(once, flip_indices, mode, shift_heatmap=False), maps)


def test_offsets_in_x_change_their_sign_with_the_direction():
    maps = torch.rand(1, 6, 1, 2)
    flipped = unflip_heatmaps(maps, [1, 0], "udp_combined", shift_heatmap=False)
    expected = maps.flip(-1)[:, [3, 4, 5, 0, 1, 2]] * torch.tensor([1.0, -1, 1, 1, -1, 1]).view(1, 6, 1, 1)
    torch.testing.assert_close(flipped, expected)


def test_convolutions_of_older_weights_find_their_names():
    head = HeatmapHead(8, 5, None, None, (6, 7), (3, 1))
    new = head.state_dict()
    old = {key.replace("conv_layers.", "final_layer."): value for key, value in new.items() if "conv_layers" in key}
    old.update({f"final_layer.6.{name}": new[f"final_layer.{name}"] + 1 for name in ("weight", "bias")})
    assert head.load_state_dict(old).missing_keys == []
    torch.testing.assert_close(head.final_layer.weight, old["final_layer.6.weight"])


def test_a_single_old_final_layer_and_new_weights_load_as_they_are(head):
    plain = {key: value.clone() for key, value in head.state_dict().items()}
    assert set(plain) == {"final_layer.weight", "final_layer.bias"}
    assert head.load_state_dict(plain).unexpected_keys == []
    assert head.load_state_dict(head.state_dict()).unexpected_keys == []


def test_a_wrong_number_of_flip_indices_names_lengths_data_set_and_remedy(head, make_samples):
    """mmpose#3158: an assertion without words was the only guard."""
    samples = make_samples(2, num_keypoints=3)
    feats = (torch.rand(2, 3, 8, 6),)
    with pytest.raises(ValueError, match="one index for each of the 4 keypoints") as caught:
        head.predict([feats, feats], samples, {"flip_test": True})
    for words in ("dataset_name='coco' has 3 flip_indices", "metainfo=dict(from_file=...)", "flip_test=False"):
        assert words in str(caught.value)


def test_samples_of_different_keypoint_sets_cannot_share_a_flip_test(head, make_samples):
    samples = make_samples(2)
    samples[1].set_metainfo({"dataset_name": "aic", "flip_indices": [1, 0, 2, 3]})
    feats = (torch.rand(2, 3, 8, 6),)
    with pytest.raises(ValueError, match=r"'coco' has 4 flip_indices; dataset_name='aic' has 4 .*of other values"):
        head.predict([feats, feats], samples, {"flip_test": True})
    samples[1].pop("flip_indices")
    with pytest.raises(ValueError, match="dataset_name='aic' has no flip_indices"):
        head.predict([feats, feats], samples, {"flip_test": True})


def test_prediction_needs_a_decoder(make_samples):
    with pytest.raises(ValueError, match="prediction needs a decoder"):
        HeatmapHead(**PLAIN).predict((torch.rand(1, 3, 8, 6),), make_samples(1))


def test_features_of_other_channels_are_refused_with_both_numbers(head):
    with pytest.raises(ValueError, match=r"in_channels=3, but the last feature map has 5 channels"):
        head((torch.rand(1, 5, 8, 6),))


def test_layers_that_do_not_fit_are_refused_together():
    with pytest.raises(ValueError, match="HeatmapHead:") as caught:
        HeatmapHead(0, 4, (8, 8), (5,), (8,), None)
    for words in (
        "in_channels=0 is no number from 1",
        "deconv_out_channels=(8, 8) and deconv_kernel_sizes=(5,) have to have the same length",
        "conv_out_channels=(8,) and conv_kernel_sizes=None have to have the same length",
        "deconv_kernel_sizes has [5], but 2, 3 and 4 are allowed",
    ):
        assert words in str(caught.value)


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match="input_transform"):
        HeatmapHead(**PLAIN, input_transform="select")
