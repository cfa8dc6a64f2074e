"""The loss on visibility."""

from __future__ import annotations

from typing import Optional

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from mmpose_mix.models.losses import check_weights
from mmpose_mix.registry import MODELS


@MODELS.register_module()
class BCELoss(nn.Module):
    """Binary cross-entropy.

    Args:
        use_target_weight: multiply by ``target_weight``, which ``forward`` then needs. What has weight 0 does not count
            at all: the mean runs over the rest.
        loss_weight: factor on the result.
        reduction: "mean", "sum" or "none".
        use_sigmoid: predictions have gone through a sigmoid; otherwise they are logits.

    Raises:
        ValueError: another ``reduction``.
    """

    def __init__(
        self,
        use_target_weight: bool = False,
        loss_weight: float = 1.0,
        reduction: str = "mean",
        use_sigmoid: bool = False,
    ) -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"BCELoss: reduction={reduction!r}, but 'mean', 'sum' and 'none' are allowed.")
        self.use_target_weight = use_target_weight
        self.loss_weight = loss_weight
        self.reduction = reduction
        self.use_sigmoid = use_sigmoid

    def forward(self, output: Tensor, target: Tensor, target_weight: Optional[Tensor] = None) -> Tensor:
        """The loss, float32 whatever the arguments' types: a scalar, or (B, K) for ``reduction="none"``.

        Args:
            output: (B, K) predictions.
            target: (B, K) in 0..1.
            target_weight: (B, K), or (B,); ignored unless ``use_target_weight``.

        Raises:
            ValueError: shapes that do not fit, or ``use_target_weight`` without ``target_weight``.
        """
        if output.shape != target.shape:
            raise ValueError(
                f"BCELoss: predictions {tuple(output.shape)} and targets {tuple(target.shape)} have to have the same "
                "(B, K), K being the head's out_channels and the number of keypoints in the data."
            )
        entropy = F.binary_cross_entropy if self.use_sigmoid else F.binary_cross_entropy_with_logits
        # torch refuses the first one under autocast, although it is given float32
        with torch.autocast(output.device.type, enabled=False):
            losses = entropy(output.float(), target.float(), reduction="none")
        counted = losses.numel()
        if self.use_target_weight:
            check_weights("BCELoss", target_weight, (target.shape, target.shape[:1]))
            weights = target_weight.float().reshape(target_weight.shape + (1,) * (target.ndim - target_weight.ndim))
            weights = weights.expand_as(losses)
            losses = losses * weights
            counted = (weights > 0).sum().clamp(min=1)
        if self.reduction == "none":
            return losses * self.loss_weight
        total = losses.sum() * self.loss_weight
        return total / counted if self.reduction == "mean" else total
