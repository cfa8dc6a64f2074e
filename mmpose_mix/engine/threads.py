"""How many threads a training on a CPU should use, found by trying."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Optional

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

_TRIAL_STEPS = 3
_SLOW, _SLOW_STEPS = 3.0, 3


class FastestThreads(Hook):
    """Trains with as many threads as are fastest at the time.

    The threads of a step wait for each other. As soon as another program holds one of the cores, a step on all cores
    may take ten times as long as one on a single core. So every ``interval`` steps, and as soon as three steps in a row
    took three times as long as they should, the next few are timed: with all threads, with half of them, and so on down
    to one; the fastest number is kept for the steps that follow and after the training. A different number of threads
    changes results by rounding only.

    Args:
        interval: steps from one trial to the next.

    Attributes:
        candidates: the numbers that are tried.
    """

    priority = "VERY_LOW"

    def __init__(self, interval: int = 150) -> None:
        self.candidates = halved(torch.get_num_threads())
        self._trial_steps = _TRIAL_STEPS * len(self.candidates)
        if interval <= self._trial_steps:
            raise ValueError(
                f"FastestThreads: interval={interval} leaves no room for {self._trial_steps} trial steps; raise it."
            )
        self.interval = interval
        self._begin_trial()

    def _begin_trial(self) -> None:
        self._step = 0  # since the trial began
        self._slow_steps = 0  # in a row
        self._seconds: dict[int, float] = {}  # shortest step of each candidate: the first one also starts threads

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Optional[Any] = None) -> None:
        """Set the number of threads where a candidate's turn begins or the trial is over."""
        turn, step_of_turn = divmod(self._step, _TRIAL_STEPS)
        if step_of_turn == 0 and turn < len(self.candidates):
            torch.set_num_threads(self.candidates[turn])
        elif self._step == self._trial_steps:
            torch.set_num_threads(min(self._seconds, key=self._seconds.__getitem__))
        self._start = time.perf_counter()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[Any] = None, outputs: Optional[dict] = None
    ) -> None:
        """Note how long the step took, and begin a trial when it is time."""
        seconds, threads = time.perf_counter() - self._start, torch.get_num_threads()
        if self._step < self._trial_steps:
            self._seconds[threads] = min(seconds, self._seconds.get(threads, seconds))
        elif seconds > _SLOW * self._seconds[threads]:
            self._slow_steps += 1
        else:
            self._slow_steps = 0
        self._step += 1
        if self._step >= self.interval or self._slow_steps >= _SLOW_STEPS:
            self._begin_trial()


def halved(number: int) -> Sequence[int]:
    """A number, its half, and so on down to 1.

    >>> halved(6)
    [6, 3, 1]
    """
    numbers = [number]
    while numbers[-1] > 1:
        numbers.append(numbers[-1] // 2)
    return numbers
