"""Indices that carry which draw of the training they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any, Optional

import numpy as np


class DrawIndex(int):
    """An index of a data set that knows which draw of the training it is.

    It equals, sorts and hashes as its int. ``%``, ``+`` and ``-`` with an integer keep the marks, because wrappers
    shift indices so (``RepeatDataset``, ``ConcatDataset``); any other arithmetic gives a plain int.

    Args:
        index: the index, which may be negative.
        key: what the random numbers of the item are drawn from, 0..2**64-1, see
            :func:`~mmpose_mix.mixing.draw_keys.augmentation_keys`. ``None``: from the global generators as they stand.
        pass_number: how often the data set, or the source of a mixture, was walked through before. ``None``: unknown.

    Example:
        >>> index = DrawIndex(7, key=11, pass_number=2) % 5
        >>> index, index.key, index.pass_number
        (2, 11, 2)
    """

    key: Optional[int] = None
    pass_number: Optional[int] = None

    def __new__(cls, index: int, key: Optional[int] = None, pass_number: Optional[int] = None) -> DrawIndex:
        made = int.__new__(cls, index)
        made.key = key
        made.pass_number = pass_number
        return made

    def __reduce__(self) -> tuple[type, tuple[int, Optional[int], Optional[int]]]:
        return DrawIndex, (int(self), self.key, self.pass_number)

    def __mod__(self, other: Any) -> Any:
        return self._moved_to(int.__mod__(self, int(other))) if _is_integer(other) else NotImplemented

    def __add__(self, other: Any) -> Any:
        return self._moved_to(int.__add__(self, int(other))) if _is_integer(other) else NotImplemented

    def __sub__(self, other: Any) -> Any:
        return self._moved_to(int.__sub__(self, int(other))) if _is_integer(other) else NotImplemented

    __radd__ = __add__

    def _moved_to(self, index: int) -> DrawIndex:
        return DrawIndex(index, self.key, self.pass_number)


def draw_indices(
    indices: Sequence[int], keys: Optional[Sequence[int]] = None, passes: Optional[Sequence[int]] = None
) -> list[DrawIndex]:
    """Return a :class:`DrawIndex` for each index, much faster than one by one.

    Args:
        indices: N Python ints (``array.tolist()``).
        keys: N keys, or None for none.
        passes: N numbers of passes, or None for none.

    Raises:
        ValueError: if the lengths differ.

    Example:
        >>> [(index, index.key, index.pass_number) for index in draw_indices([4, 2], passes=[0, 1])]
        [(4, None, 0), (2, None, 1)]
    """
    counts = {name: len(marks) for name, marks in (("keys", keys), ("passes", passes)) if marks is not None}
    if any(count != len(indices) for count in counts.values()):
        raise ValueError(f"{len(indices)} indices, but {counts}. Give one key and one pass for each index, or None.")
    made: list[DrawIndex] = list(map(int.__new__, repeat(DrawIndex), indices))
    if keys is not None:
        for index, key in zip(made, keys):
            index.key = key
    if passes is not None:
        for index, number in zip(made, passes):
            index.pass_number = number
    return made


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer))
