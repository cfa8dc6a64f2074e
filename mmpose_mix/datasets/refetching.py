"""What comes in the place of an item that a pipeline drops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def item_after_dropped(
    prepare: Callable[[int], Any], index: int, size: int, *, test_mode: bool, max_refetch: int, place: str
) -> Any:
    """Return, in training, the next item in a circle that the pipeline does not drop.

    No random generator is asked, so the same item comes in its place every time.

    Args:
        prepare: gives item ``i`` of 0..size-1, or None where the pipeline drops it.
        index: the item that the pipeline dropped, 0..size-1.
        size: number of items.
        test_mode: whether a dropped item is an error.
        max_refetch: how many next items are tried.
        place: whose items they are, for the error.

    Raises:
        RuntimeError: in test mode, and if ``max_refetch`` more are dropped in training.
    """
    tries = 1 if test_mode else max_refetch + 1
    for extra in range(1, tries):
        item = prepare((index + extra) % size)
        if item is not None:
            return item
    raise RuntimeError(
        f"{place}: the pipeline dropped (returned None for) {tries} of {tries} items from item "
        f"{index} on, {'and test_mode allows none' if test_mode else f'max_refetch={max_refetch}'}. "
        f"Check the image paths and what in the pipeline returns None."
    )
