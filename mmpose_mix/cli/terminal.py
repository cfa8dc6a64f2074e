"""Progress in words: a bar on a terminal, plain lines where the output goes to a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Update = Callable[[int, int, str], None]


@contextmanager
def progress(title: str) -> Iterator[Update]:
    """Shows how far a step is.

    Yields:
        A function of (done, total, note), to be called as often as one likes.
    """
    console = Console(file=sys.stdout)
    with _bar(title, console) if console.is_terminal else _lines(title) as update:
        yield update


@contextmanager
def _bar(title: str, console: Console) -> Iterator[Update]:
    columns = (
        TextColumn("{task.description:<11}"),
        BarColumn(bar_width=32),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None, note="")
        yield lambda done, total, note: bar.update(task, completed=done, total=total, note=note)


@contextmanager
def _lines(title: str) -> Iterator[Update]:
    """A line at every tenth of the way."""
    start, told = time.monotonic(), -1

    def update(done: int, total: int, note: str) -> None:
        nonlocal told
        tenth = 10 * done // max(total, 1)
        if tenth > told:
            told = tenth
            print(f"{title:<11} {10 * tenth:3d} %  {time.monotonic() - start:5.0f} s  {note}".rstrip(), flush=True)

    yield update
