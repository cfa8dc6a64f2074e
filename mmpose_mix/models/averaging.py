"""Averages of a model's weights over the training."""

from __future__ import annotations

import math
from typing import Optional, Union

import torch
from mmengine.model import ExponentialMovingAverage
from torch import Tensor, nn

from mmpose_mix.registry import MODELS


@MODELS.register_module()
class ExpMomentumEMA(ExponentialMovingAverage):
    """A moving average that follows the model closely at first (YOLOX, Ge et al., arXiv:2107.08430).

    The momentum at update t is ``(1 - momentum) * exp(-(1 + t) / gamma) + momentum``: it falls from about 1.

    Args:
        model: to be averaged; a deep copy is made.
        momentum: that of a long training.
        gamma: after so many updates the rest of the first momentum is 1 / e.
        interval: steps from one update to the next.
        device: where the average is kept; None: with the model.
        update_buffers: average buffers such as the statistics of norm layers, too.

    Raises:
        ValueError: a ``gamma`` or a ``momentum`` out of range.
    """

    def __init__(
        self,
        model: nn.Module,
        momentum: float = 0.0002,
        gamma: float = 2000,
        interval: int = 1,
        device: Optional[torch.device] = None,
        update_buffers: bool = False,
    ) -> None:
        findings = [] if 0 < momentum < 1 else [f"momentum={momentum!r} must be in (0, 1)"]
        if not gamma > 0:
            findings.append(f"gamma={gamma!r} must be above 0")
        if findings:
            raise ValueError(f"ExpMomentumEMA: {'; '.join(findings)}.")
        super().__init__(model, momentum, interval, device, update_buffers)
        self.gamma = gamma

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: Union[int, Tensor]) -> None:
        """Move ``averaged_param`` towards ``source_param`` in place; ``steps``: updates so far."""
        momentum = (1 - self.momentum) * math.exp(-(1.0 + float(steps)) / self.gamma) + self.momentum
        averaged_param.lerp_(source_param, momentum)
