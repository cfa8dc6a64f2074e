"""Training in bfloat16 where it can be had, on CPUs too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmpose_mix.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class Bfloat16OptimWrapper(OptimWrapper):
    """Computes forward and backward in bfloat16 under autocast; weights, their updates and the losses stay float32.

    MMEngine's ``AmpOptimWrapper(dtype='bfloat16')`` does the same on an accelerator and refuses to on a CPU. The range
    of bfloat16 is that of float32, so losses need no scaling.

    Args:
        optimizer: updates the weights.
        accumulative_counts: so many steps' gradients are summed up before an update.
        clip_grad: see MMEngine's ``OptimWrapper``.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, accumulative_counts: int = 1, clip_grad: Optional[dict[str, Any]] = None
    ) -> None:
        super().__init__(optimizer, accumulative_counts=accumulative_counts, clip_grad=clip_grad)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast on the device of the model's weights, around what MMEngine does at each step."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, torch.bfloat16):
            yield
