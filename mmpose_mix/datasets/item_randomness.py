"""What is random in an item, as a function of the draw and of nothing else."""

from __future__ import annotations

import random
from typing import Any, Optional

import numpy as np
import torch
from torch.utils.data import get_worker_info


class ItemRandomness:
    """While it is open, the global generators start from the key of a draw.

    They are numpy's legacy one, from which mmcv's and this package's transforms draw, Python's ``random`` and torch's
    default one on the CPU. So an item does not depend on the process that makes it or on what it made before. An index
    without a key (any plain int) leaves the generators as they stand.

    Outside of the workers of a ``DataLoader`` the generators go on afterwards as if nothing had been drawn. In a worker
    nothing else draws from them, and putting them back would take most of the time.

    Args:
        index: the index that an item is asked for by.

    Example:
        >>> with ItemRandomness(DrawIndex(3, key=7)):
        ...     item = pipeline(data_info)  # doctest: +SKIP
    """

    __slots__ = ("_before", "_key")

    def __init__(self, index: Any) -> None:
        self._key: Optional[int] = getattr(index, "key", None)
        self._before: Optional[tuple[Any, Any, Any]] = None

    def __enter__(self) -> None:
        if self._key is None:
            return
        if get_worker_info() is None:
            self._before = np.random.get_state(legacy=False), random.getstate(), torch.default_generator.get_state()
        # numpy and torch take 32 bits into the same Mersenne twister: of the same bits it would make the same numbers.
        np.random.seed(self._key >> 32)
        torch.default_generator.manual_seed(self._key & 0xFFFFFFFF)
        random.seed(self._key)

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            of_numpy, of_python, of_torch = self._before
            np.random.set_state(of_numpy)
            random.setstate(of_python)
            torch.default_generator.set_state(of_torch)
