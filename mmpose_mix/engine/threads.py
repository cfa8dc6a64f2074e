"""How many threads a training on a CPU should use, found by trying."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Optional

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

_TRIAL_STEPS = 3


class FastestThreads(Hook):
    """Trains with as many threads as are fastest at the time.

    The threads of a step wait for each other. As soon as another program holds one of the cores, a step on all cores
    may take ten times as long as one on a single core. So every ``interval`` steps the next few are timed: with all
    threads, with half of them, and so on down to one; the fastest number is kept for the steps that follow and after
    the training. A different number of threads changes results by rounding only.

    Args:
        interval: steps between two trials.

    Attributes:
        candidates: the numbers that are tried.
    """

    priority = "VERY_LOW"

    def __init__(self, interval: int = 150) -> None:
        self.candidates = halved(torch.get_num_threads())
        trials = _TRIAL_STEPS * len(self.candidates)
        if interval <= trials:
            raise ValueError(f"FastestThreads: interval={interval} leaves no room for {trials} trial steps; raise it.")
        self.interval = interval
        self._seconds: dict[int, float] = {}
        self._start = 0.0

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Optional[Any] = None) -> None:
        """Set the number of threads where a trial begins or the trials are over."""
        trial, first = divmod(runner.iter % self.interval, _TRIAL_STEPS)
        if first == 0 and trial < len(self.candidates):
            torch.set_num_threads(self.candidates[trial])
        elif first == 0 and trial == len(self.candidates):
            torch.set_num_threads(min(self._seconds, key=self._seconds.__getitem__))
            self._seconds.clear()
        self._start = time.perf_counter()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Optional[Any] = None, outputs: Optional[dict] = None
    ) -> None:
        """Note the shortest step of a trial: the first one after a change also starts the threads."""
        if runner.iter % self.interval < _TRIAL_STEPS * len(self.candidates):
            seconds = time.perf_counter() - self._start
            threads = torch.get_num_threads()
            self._seconds[threads] = min(seconds, self._seconds.get(threads, seconds))


def halved(number: int) -> Sequence[int]:
    """A number, its half, and so on down to 1.

    >>> halved(6)
    [6, 3, 1]
    """
    numbers = [number]
    while numbers[-1] > 1:
        numbers.append(numbers[-1] // 2)
    return numbers
