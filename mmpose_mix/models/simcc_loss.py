"""The loss on scores along x and y."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from mmpose_mix.models.losses import check_weights
from mmpose_mix.registry import MODELS


@MODELS.register_module()
class KLDiscretLoss(nn.Module):
    """Kullback-Leibler divergence of predicted from target distributions along each axis (SimCC, arXiv:2107.03332).

    For each keypoint and axis the mean over classes; summed over axes, keypoints and samples and divided by K: with
    twice the samples the loss is twice as high, as in the published trainings. Keypoints of weight 0 have no part in
    it.

    Args:
        beta: predicted scores are multiplied by it before the softmax.
        label_softmax: apply a softmax to the targets, too.
        label_beta: they are multiplied by it before.
        use_target_weight: weigh keypoints with ``target_weight``, which ``forward`` then needs.
        mask: indices of keypoints whose divergences are multiplied by ``mask_weight``.
        mask_weight: see ``mask``.
    """

    def __init__(
        self,
        beta: float = 1.0,
        label_softmax: bool = False,
        label_beta: float = 10.0,
        use_target_weight: bool = True,
        mask: Optional[Sequence[int]] = None,
        mask_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.beta = beta
        self.label_softmax = label_softmax
        self.label_beta = label_beta
        self.use_target_weight = use_target_weight
        self.mask = None if mask is None else list(mask)
        self.mask_weight = mask_weight

    def forward(
        self,
        pred_simcc: tuple[Tensor, Tensor],
        gt_simcc: tuple[Tensor, Tensor],
        target_weight: Optional[Tensor] = None,
    ) -> Tensor:
        """The loss, a float32 scalar whatever the arguments' types.

        Args:
            pred_simcc, gt_simcc: scores (B, K, Wx) along x and (B, K, Wy) along y.
            target_weight: (B, K); ignored unless ``use_target_weight``.

        Raises:
            ValueError: shapes that do not fit, or ``use_target_weight`` without ``target_weight``.
        """
        for axis, predicted, target in zip("xy", pred_simcc, gt_simcc):
            if predicted.shape != target.shape:
                raise ValueError(
                    f"KLDiscretLoss: predicted scores {tuple(predicted.shape)} and targets {tuple(target.shape)} along "
                    f"{axis} have to have the same (B, K, W). K is the head's out_channels, W the size of the input "
                    "times simcc_split_ratio, of the head as of the codec."
                )
        divergences = sum(self._divergence(*pair) for pair in zip(pred_simcc, gt_simcc))
        if self.use_target_weight:
            check_weights("KLDiscretLoss", target_weight, (divergences.shape,))
            divergences = divergences * target_weight.float()
        if self.mask is not None:
            factors = divergences.new_ones(divergences.shape[1])
            factors[self.mask] = self.mask_weight
            divergences = divergences * factors
        return divergences.sum() / divergences.shape[1]

    def _divergence(self, predicted: Tensor, target: Tensor) -> Tensor:
        """(B, K, W) twice -> (B, K)."""
        target = target.float()
        if self.label_softmax:
            target = F.softmax(target * self.label_beta, dim=-1)
        return F.kl_div(F.log_softmax(predicted.float() * self.beta, dim=-1), target, reduction="none").mean(dim=-1)
