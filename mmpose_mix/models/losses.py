"""Losses on heatmaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import torch.nn as nn
from torch import Tensor

from mmpose_mix.registry import MODELS


@MODELS.register_module()
class KeypointMSELoss(nn.Module):
    """Mean squared error between predicted and target heatmaps.

    The mean runs over all B * K * H * W values, those of weight 0 included: a sample with few labelled keypoints counts
    less than one with many.

    Args:
        use_target_weight: weigh the squared errors with ``target_weights``, which ``forward`` then needs.
        skip_empty_channel: weight 0 for target heatmaps that are zero everywhere.
        loss_weight: factor on the result.
    """

    def __init__(
        self, use_target_weight: bool = False, skip_empty_channel: bool = False, loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.use_target_weight = use_target_weight
        self.skip_empty_channel = skip_empty_channel
        self.loss_weight = loss_weight

    def forward(
        self,
        output: Tensor,
        target: Tensor,
        target_weights: Optional[Tensor] = None,
        mask: Optional[Tensor] = None,
    ) -> Tensor:
        """The loss, a float32 scalar whatever the arguments' types.

        Args:
            output, target: (B, K, H, W) heatmaps.
            target_weights: (B, K) or (B, K, H, W); ignored unless ``use_target_weight``.
            mask: (B, K, H, W) or (B, 1, H, W) weights of the heatmaps' pixels.

        Raises:
            ValueError: shapes that do not fit, or ``use_target_weight`` without ``target_weights``.
        """
        self._check_shapes(output, target, target_weights, mask)
        target = target.float()
        errors = (output.float() - target).square()
        if mask is not None:
            errors = errors * mask.float()
        if self.use_target_weight:
            weights = target_weights.float()
            errors = errors * weights.reshape(weights.shape + (1,) * (target.ndim - weights.ndim))
        if self.skip_empty_channel:
            errors = errors * (target != 0).any(-1).any(-1)[..., None, None]
        return errors.mean() * self.loss_weight

    def _check_shapes(
        self, output: Tensor, target: Tensor, target_weights: Optional[Tensor], mask: Optional[Tensor]
    ) -> None:
        _check_heatmaps("KeypointMSELoss", output, target)
        if self.use_target_weight:
            check_weights("KeypointMSELoss", target_weights, (target.shape[:2], target.shape))
        if mask is not None and mask.shape not in (target.shape, (target.shape[0], 1, *target.shape[2:])):
            raise ValueError(
                f"KeypointMSELoss: mask {tuple(mask.shape)} fits neither the heatmaps {tuple(target.shape)} nor "
                "(B, 1, H, W)."
            )


@MODELS.register_module()
class CombinedTargetMSELoss(nn.Module):
    """Mean squared errors of UDP's combined maps (Huang et al., CVPR 2020): a disk and two offset maps per keypoint.

    Half the sum of the errors of the disk and of both offsets, the latter where the target's disk is, averaged over
    keypoints.

    Args:
        use_target_weight: multiply disks by ``target_weights``, which ``forward`` then needs.
        loss_weight: factor on the result.
    """

    def __init__(self, use_target_weight: bool = False, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.use_target_weight = use_target_weight
        self.loss_weight = loss_weight

    def forward(self, output: Tensor, target: Tensor, target_weights: Optional[Tensor] = None) -> Tensor:
        """The loss, a float32 scalar whatever the arguments' types.

        Args:
            output, target: (B, 3 K, H, W): disk, offset in x, offset in y of each keypoint in turn.
            target_weights: (B, K); ignored unless ``use_target_weight``.

        Raises:
            ValueError: shapes that do not fit, or ``use_target_weight`` without ``target_weights``.
        """
        _check_heatmaps("CombinedTargetMSELoss", output, target)
        batch, channels, *size = output.shape
        if channels % 3:
            raise ValueError(
                f"CombinedTargetMSELoss: {channels} maps are no multiple of 3. Set head.out_channels to three times "
                "the number of keypoints, and heatmap_type='combined' in the codec."
            )
        predicted, wanted = (maps.float().reshape(batch, channels // 3, 3, *size) for maps in (output, target))
        factors = wanted[:, :, :1].expand(-1, -1, 3, -1, -1).clone()
        factors[:, :, 0] = 1
        if self.use_target_weight:
            check_weights("CombinedTargetMSELoss", target_weights, ((batch, channels // 3),))
            factors = factors * target_weights.float()[:, :, None, None, None]
        errors = (factors * (predicted - wanted)).square()
        return errors.mean() * 1.5 * self.loss_weight


def _check_heatmaps(name: str, output: Tensor, target: Tensor) -> None:
    if output.shape != target.shape or output.ndim != 4:
        raise ValueError(
            f"{name}: predicted heatmaps {tuple(output.shape)} and target heatmaps {tuple(target.shape)} have to have "
            "the same (B, C, H, W). C is the head's out_channels, and the number of keypoints in the data (three times "
            "that for combined maps); (H, W) comes from the backbone's stride, and from the codec's heatmap_size."
        )


def check_weights(name: str, weights: Optional[Tensor], allowed: Sequence[Sequence[int]]) -> None:
    """Refuse weights that are not there, or have none of the allowed shapes, with a ``ValueError`` of the loss's."""
    if weights is None:
        raise ValueError(
            f"{name}: use_target_weight=True, but no target_weights were given. Set use_target_weight=False to count "
            "every keypoint alike."
        )
    if tuple(weights.shape) not in [tuple(shape) for shape in allowed]:
        raise ValueError(
            f"{name}: target_weights have the shape {tuple(weights.shape)}, but "
            f"{' or '.join(str(tuple(shape)) for shape in allowed)} is needed."
        )
