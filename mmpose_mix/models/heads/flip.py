"""Flip test: predictions for the mirrored image, brought back to the image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

#: How many heatmap channels belong to one keypoint in each flip mode.
CHANNELS_PER_KEYPOINT = {"heatmap": 1, "udp_combined": 3}


def flip_indices_of_batch(data_samples: Sequence[BaseDataElement], num_keypoints: int) -> list[int]:
    """The one list of ``flip_indices`` (K,) that all samples of a batch carry in their metainfo.

    Raises:
        ValueError: if it is missing, of another length than ``num_keypoints``, or not the same in all samples.
    """
    found = {}
    for sample in data_samples:
        indices = sample.metainfo.get("flip_indices")
        found.setdefault(None if indices is None else tuple(map(int, indices)), sample.metainfo.get("dataset_name"))
    if len(found) == 1 and None not in found:
        (indices,) = found
        if len(indices) == num_keypoints:
            return list(indices)
    listed = "; ".join(
        f"dataset_name={name!r} has {'no flip_indices' if indices is None else f'{len(indices)} flip_indices'}"
        for indices, name in found.items()
    )
    raise ValueError(
        f"The flip test needs one list of flip_indices for the batch, one index for each of the "
        f"{num_keypoints} keypoints that the head predicts, but in the batch {listed}"
        f"{' (of other values)' if len(found) > 1 and len(set(map(_length, found))) == 1 else ''}. Give the model the "
        "keypoint set it predicts, model=dict(metainfo=dict(from_file=...)), or convert the test data to it, or set "
        "test_cfg=dict(flip_test=False)."
    )


def _length(indices: Sequence[int] | None) -> int:
    return -1 if indices is None else len(indices)


def unflip_heatmaps(heatmaps: Tensor, flip_indices: Sequence[int], flip_mode: str, shift_heatmap: bool) -> Tensor:
    """Heatmaps of the mirrored image as heatmaps of the image.

    Args:
        heatmaps: (B, C, H, W).
        flip_indices: (K,) the swap partner of each keypoint, itself where it has none.
        flip_mode: "heatmap": one channel per keypoint, C = K; "udp_combined": three, C = 3 K, the second of them
            offsets in x, which change their sign.
        shift_heatmap: move by one pixel to the right, for maps whose pixels do not mirror onto each other.

    Returns:
        (B, C, H, W), a new tensor.
    """
    batch, channels, height, width = heatmaps.shape
    grouped = heatmaps.reshape(batch, len(flip_indices), -1, height, width).flip(-1)[:, list(flip_indices)]
    if flip_mode == "udp_combined":
        signs = grouped.new_tensor((1, -1, 1)).view(1, 1, 3, 1, 1)
        grouped = grouped * signs
    flipped = grouped.reshape(batch, channels, height, width)
    if shift_heatmap:
        flipped = torch.cat((flipped[..., :1], flipped[..., :-1]), dim=-1)
    return flipped
