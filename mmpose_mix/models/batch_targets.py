"""The targets of a batch, encoded on the device that trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import PixelData

from mmpose_mix.codecs import BaseKeypointCodec
from mmpose_mix.registry import KEYPOINT_CODECS
from mmpose_mix.structures import PoseDataSample


@torch.no_grad()
def encode_targets(data_samples: Iterable[PoseDataSample], device: torch.device) -> None:
    """Replace ``unencoded_targets`` of samples by ``gt_fields.heatmaps`` and ``gt_instance_labels.keypoint_weights``.

    Samples that have none stay as they are; those of one codec are encoded together.

    Raises:
        ValueError: samples with different numbers of instances or keypoints.
    """
    groups: list[tuple[Mapping[str, Any], list[PoseDataSample]]] = []
    for sample in data_samples:
        if "unencoded_targets" not in sample:
            continue
        encoder = sample.unencoded_targets.encoder
        for known, members in groups:
            if known is encoder or known == encoder:
                members.append(sample)
                break
        else:
            groups.append((encoder, [sample]))
    for encoder, members in groups:
        _encode_group(KEYPOINT_CODECS.build(dict(encoder)), members, device)


def _encode_group(codec: BaseKeypointCodec, samples: Sequence[PoseDataSample], device: torch.device) -> None:
    targets = [sample.unencoded_targets for sample in samples]
    shapes = sorted({target.keypoints_visible.shape for target in targets})
    if len(shapes) > 1:
        raise ValueError(
            f"GenerateTarget(on_device=True): samples of one batch have (instances, keypoints) {shapes}, must be "
            "alike. Convert all sources to one keypoint set, with one instance for each sample, or leave on_device out."
        )
    heatmaps, weights = codec.encode_batch(
        np.stack([target.keypoints for target in targets]),
        np.stack([target.keypoints_visible for target in targets]),
        device,
    )
    for row, target in zip(weights, targets):
        if target.keypoint_factors is not None:
            row *= target.keypoint_factors
    for sample, maps, row in zip(samples, heatmaps, torch.from_numpy(weights).to(device)):
        sample.gt_fields = PixelData(heatmaps=maps)
        sample.gt_instance_labels.keypoint_weights = row
        del sample.unencoded_targets
