"""What a training says while it runs: each step's loss, each evaluation's metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from mmengine.hooks import Hook
from mmengine.runner import Runner


class TrainingHistory(Hook):
    """Keeps the loss of every step and the metrics of every evaluation, and tells a listener after each step.

    Args:
        on_step: called with (steps done, steps in all, loss).

    Attributes:
        losses: loss of each step.
        metrics: (steps done, metrics) of each evaluation.
    """

    priority = "LOW"

    def __init__(self, on_step: Optional[Callable[[int, int, float], None]] = None) -> None:
        self._on_step = on_step
        self.losses: list[float] = []
        self.metrics: list[tuple[int, dict[str, float]]] = []

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Optional[dict] = None
    ) -> None:
        """Note the loss of the step."""
        loss = float((outputs or {})["loss"].detach())
        self.losses.append(loss)
        if self._on_step is not None:
            self._on_step(runner.iter + 1, runner.max_iters, loss)

    def after_val_epoch(self, runner: Runner, metrics: Optional[dict[str, float]] = None) -> None:
        """Note the metrics of the evaluation."""
        self.metrics.append((runner.iter, dict(metrics or {})))
