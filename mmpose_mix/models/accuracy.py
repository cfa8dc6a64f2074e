"""How well predicted and target poses agree, as a number for the training log."""

from __future__ import annotations

import torch
from torch import Tensor


def heatmap_peaks(heatmaps: Tensor) -> Tensor:
    """Where heatmaps (..., H, W) are highest: (..., 2), x before y; (-1, -1) where no value exceeds 0."""
    width = heatmaps.shape[-1]
    values, places = heatmaps.flatten(-2).max(dim=-1)
    peaks = torch.stack((places % width, torch.div(places, width, rounding_mode="floor")), dim=-1).float()
    return torch.where((values > 0)[..., None], peaks, -1.0)


@torch.no_grad()
def heatmap_pck(output: Tensor, target: Tensor, weights: Tensor, threshold: float = 0.05) -> Tensor:
    """Share of keypoints whose peaks lie closer than ``threshold``, first per keypoint, then the mean over keypoints.

    Distances are divided by (H, W) in x and y: MMPose's convention, kept so that logs compare, although x would want W.
    Everything stays on the tensors' device.

    Args:
        output, target: (B, K, H, W) heatmaps.
        weights: (B, K); keypoints of weight 0 do not count.
        threshold: fraction of the heatmap's size.

    Returns:
        A float32 scalar in 0..1; 0 when no keypoint counts.
    """
    size = output.new_tensor(output.shape[-2:], dtype=torch.float32)
    return _pck((heatmap_peaks(output) - heatmap_peaks(target)) / size, weights, threshold)


def simcc_peaks(x: Tensor, y: Tensor) -> Tensor:
    """Where scores (..., Wx) and (..., Wy) are highest: (..., 2); (-1, -1) where one of them never exceeds 0."""
    (of_x, at_x), (of_y, at_y) = x.max(dim=-1), y.max(dim=-1)
    peaks = torch.stack((at_x, at_y), dim=-1).float()
    return torch.where((torch.minimum(of_x, of_y) > 0)[..., None], peaks, -1.0)


@torch.no_grad()
def simcc_pck(
    output: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor], weights: Tensor, threshold: float = 0.05
) -> Tensor:
    """The same as :func:`heatmap_pck` for scores along x (B, K, Wx) and y (B, K, Wy), over (Wy, Wx) in x and y."""
    size = weights.new_tensor((output[1].shape[-1], output[0].shape[-1]), dtype=torch.float32)
    return _pck((simcc_peaks(*output) - simcc_peaks(*target)) / size, weights, threshold)


def _pck(offsets: Tensor, weights: Tensor, threshold: float) -> Tensor:
    counted = weights > 0
    hits = ((torch.linalg.vector_norm(offsets, dim=-1) < threshold) & counted).sum(dim=0)
    totals = counted.sum(dim=0)
    per_keypoint = hits / totals.clamp(min=1)
    return per_keypoint.sum() / (totals > 0).sum().clamp(min=1)
