"""Losses on heatmaps and the accuracy of the training log."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.models.accuracy import heatmap_pck, heatmap_peaks
from mmpose_mix.models.losses import CombinedTargetMSELoss, KeypointMSELoss


@pytest.fixture
def maps():
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(3, 6, 5, 4, generator=generator) for _ in range(2)]


@pytest.fixture
def weights():
    return torch.tensor([[1.0, 0.0, 0.5, 1.0, 1.0, 0.0]] * 3)


def test_weighted_errors_are_averaged_over_all_keypoints_the_unlabelled_included(maps, weights):
    loss = KeypointMSELoss(use_target_weight=True)(*maps, weights)
    expected = ((maps[0] - maps[1]) ** 2 * weights[:, :, None, None]).mean()
    torch.testing.assert_close(loss, expected)


def test_target_weights_count_only_if_wanted(maps, weights):
    """Reference 1a, KeypointMSELoss: ``use_target_weight=False`` was not honoured, weights applied whenever given."""
    ones, zeros = torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
    weight = torch.full((1, 1), 0.5)
    assert KeypointMSELoss(use_target_weight=False)(ones, zeros, weight) == 1.0
    assert KeypointMSELoss(use_target_weight=True)(ones, zeros, weight) == 0.5


def test_float64_weights_of_a_converted_sample_leave_the_loss_float32(maps, weights):
    """Reference row 3B-1: float64 weights made the loss of every batch with a converted sample float64."""
    loss = KeypointMSELoss(use_target_weight=True)(maps[0], maps[1].double(), weights.double())
    assert loss.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_loss_is_float32_whatever_the_heatmaps_are(dtype, maps, weights):
    for loss in (KeypointMSELoss(use_target_weight=True), CombinedTargetMSELoss()):
        assert loss(maps[0].to(dtype), maps[1].to(dtype), weights).dtype == torch.float32


def test_pixel_weights_masks_and_empty_channels_multiply(maps, weights):
    output, target = maps
    target[1, 2] = 0
    mask = (torch.arange(20).view(1, 1, 5, 4) % 3 > 0).expand(3, 1, 5, 4).float()
    pixels = torch.linspace(0, 1, output.numel()).view_as(output)
    loss = KeypointMSELoss(use_target_weight=True, skip_empty_channel=True, loss_weight=2.0)
    filled = torch.ones(3, 6, 1, 1)
    filled[1, 2] = 0
    expected = 2 * ((output - target) ** 2 * mask * pixels * filled).mean()
    torch.testing.assert_close(loss(output, target, pixels, mask), expected)


def test_weightless_keypoints_get_no_gradient(maps, weights):
    output = maps[0].requires_grad_()
    KeypointMSELoss(use_target_weight=True)(output, maps[1], weights).backward()
    assert not output.grad[:, weights[0] == 0].any()
    assert output.grad[:, weights[0] > 0].abs().min() > 0


def test_combined_targets_count_offsets_where_the_disk_is(maps):
    """The values are MMPose 1.3.2's for the same maps."""
    weights = torch.rand(3, 2, generator=torch.Generator().manual_seed(0))
    output, target = (each.double().view(3, 2, 3, 20) for each in maps)
    difference = (output - target) * torch.cat((torch.ones(3, 2, 1, 20), target[:, :, :1], target[:, :, :1]), dim=2)
    by_hand = 0.5 * difference.square().mean(dim=(0, 3)).sum(dim=1).mean()
    assert CombinedTargetMSELoss()(*maps).item() == pytest.approx(by_hand.item(), rel=1e-5)
    weighted = CombinedTargetMSELoss(use_target_weight=True, loss_weight=0.5)(*maps, weights)
    by_hand = 0.5 * (difference * weights[:, :, None, None]).square().mean(dim=(0, 3)).sum(dim=1).mean()
    assert weighted.item() == pytest.approx(0.5 * by_hand.item(), rel=1e-5)


def test_peaks_are_positions_x_before_y_and_minus_one_on_empty_maps():
    heatmaps = torch.zeros(2, 4, 3)
    heatmaps[0, 3, 1] = 0.2
    assert heatmap_peaks(heatmaps).tolist() == [[1.0, 3.0], [-1.0, -1.0]]


def test_accuracy_is_the_mean_over_keypoints_that_count():
    target = torch.zeros(2, 3, 20, 20)
    output = torch.zeros(2, 3, 20, 20)
    target[:, :, 10, 10] = 1
    output[0, 0, 10, 10] = output[1, 0, 10, 13] = output[:, 1, 10, 10] = 1
    weights = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    # keypoint 0: one of two within 0.05; keypoint 1: one of one; keypoint 2 does not count
    assert heatmap_pck(output, target, weights).item() == pytest.approx(0.75)
    assert heatmap_pck(output, target, torch.zeros(2, 3)).item() == 0.0


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 5))
def test_accuracy_equals_the_definition_in_numpy(seed, batch, num_keypoints):
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(2, 9, 2))
    output, target = rng.random((2, batch, num_keypoints, height, width), dtype=np.float32)
    weights = rng.integers(0, 2, (batch, num_keypoints)).astype(np.float32)
    shares = []
    for k in range(num_keypoints):
        hits = []
        for b in np.flatnonzero(weights[:, k]):
            (y, x), (v, u) = (np.unravel_index(maps[b, k].argmax(), (height, width)) for maps in (output, target))
            hits.append(np.hypot((x - u) / height, (y - v) / width) < 0.05)
        if hits:
            shares.append(np.mean(hits))
    expected = np.mean(shares) if shares else 0.0
    seen = heatmap_pck(*map(torch.from_numpy, (output, target, weights)))
    assert seen.dtype == torch.float32
    assert seen.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("loss", [KeypointMSELoss(), CombinedTargetMSELoss()])
def test_heatmaps_of_different_shapes_are_refused_with_both_shapes(loss):
    with pytest.raises(ValueError, match=r"\(1, 17, 8, 6\) and target heatmaps \(1, 19, 8, 6\).*out_channels"):
        loss(torch.zeros(1, 17, 8, 6), torch.zeros(1, 19, 8, 6))


def test_missing_or_misshapen_weights_and_masks_are_refused(maps):
    loss = KeypointMSELoss(use_target_weight=True)
    with pytest.raises(ValueError, match="use_target_weight=True, but no target_weights were given"):
        loss(*maps)
    with pytest.raises(ValueError, match=r"shape \(3, 5\), but \(3, 6\) or \(3, 6, 5, 4\) is needed"):
        loss(*maps, torch.ones(3, 5))
    with pytest.raises(ValueError, match=r"mask \(3, 2, 5, 4\)"):
        loss(*maps, torch.ones(3, 6), torch.ones(3, 2, 5, 4))
    with pytest.raises(ValueError, match="4 maps are no multiple of 3"):
        CombinedTargetMSELoss()(torch.zeros(1, 4, 2, 2), torch.zeros(1, 4, 2, 2))
