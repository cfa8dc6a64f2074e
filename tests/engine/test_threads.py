"""The number of threads is chosen by trying, and again when the machine has changed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mmpose_mix.engine import threads
from mmpose_mix.engine.threads import FastestThreads, halved


class Machine:
    """Takes a given time for a step with each number of threads; stands in for torch and the clock."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds, self.now, self.threads = seconds, 0.0, max(seconds)

    def get_num_threads(self) -> int:
        return self.threads

    def set_num_threads(self, number: int) -> None:
        self.threads = number

    def perf_counter(self) -> float:
        return self.now

    def train(self, hook: FastestThreads, steps: range) -> list[int]:
        used = []
        for step in steps:
            runner = SimpleNamespace(iter=step)
            hook.before_train_iter(runner, step)
            used.append(self.threads)
            self.now += self.seconds[self.threads]
            hook.after_train_iter(runner, step)
        return used


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    fake = Machine({4: 0.1, 2: 0.15, 1: 0.3})
    monkeypatch.setattr(threads, "torch", fake)
    monkeypatch.setattr(threads, "time", fake)
    return fake


def test_all_threads_stay_where_they_are_fastest(machine):
    assert machine.train(FastestThreads(interval=20), range(20)) == [4] * 3 + [2] * 3 + [1] * 3 + [4] * 11


def test_fewer_threads_are_taken_when_other_programs_hold_the_cores_and_given_back_later(machine):
    hook = FastestThreads(interval=20)
    machine.seconds = {4: 2.0, 2: 0.9, 1: 0.3}
    assert machine.train(hook, range(20))[9:] == [1] * 11
    machine.seconds = {4: 0.1, 2: 0.15, 1: 0.3}
    assert machine.train(hook, range(20, 40))[9:] == [4] * 11


def test_a_program_that_starts_in_between_is_noticed_at_once(machine):
    hook = FastestThreads(interval=100)
    assert machine.train(hook, range(20))[9:] == [4] * 11
    machine.seconds = {4: 2.0, 2: 0.9, 1: 0.3}
    used = machine.train(hook, range(20, 50))
    assert used == [4] * 3 + [4] * 3 + [2] * 3 + [1] * 21


def test_one_thread_needs_no_choice(machine):
    machine.threads = 1
    assert machine.train(FastestThreads(interval=5), range(10)) == [1] * 10


@pytest.mark.parametrize(("number", "numbers"), [(1, [1]), (2, [2, 1]), (6, [6, 3, 1]), (16, [16, 8, 4, 2, 1])])
def test_numbers_are_halved_down_to_one(number, numbers):
    assert halved(number) == numbers


def test_an_interval_without_room_for_the_trials_is_refused(machine):
    with pytest.raises(ValueError, match="interval=9 leaves no room for 9 trial steps"):
        FastestThreads(interval=9)
