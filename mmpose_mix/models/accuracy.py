"""How well heatmaps agree, as a number for the training log."""

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
    counted = weights > 0
    size = output.new_tensor(output.shape[-2:], dtype=torch.float32)
    distances = torch.linalg.vector_norm((heatmap_peaks(output) - heatmap_peaks(target)) / size, dim=-1)
    hits = ((distances < threshold) & counted).sum(dim=0)
    totals = counted.sum(dim=0)
    per_keypoint = hits / totals.clamp(min=1)
    return per_keypoint.sum() / (totals > 0).sum().clamp(min=1)
