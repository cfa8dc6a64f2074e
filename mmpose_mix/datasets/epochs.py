"""Which epoch it is, told to data sets across wrappers and worker processes."""

from __future__ import annotations

import operator
from typing import Any

import torch


class SharedEpoch:
    """The number of an epoch in shared memory: worker processes, forked or spawned, read what the main process writes.

    A deep copy and a plain unpickled copy are shared memory of their own.
    """

    def __init__(self, number: int = 0) -> None:
        self._number = torch.tensor(number, dtype=torch.int64).share_memory_()

    def get(self) -> int:
        """Return the number."""
        return self._number.item()

    def set(self, number: int) -> None:
        """Write the number.

        Raises:
            TypeError: if it is no integer.
            ValueError: if it is negative.
        """
        if operator.index(number) < 0:
            raise ValueError(f"epoch={number} must be at least 0.")
        self._number.fill_(operator.index(number))

    def __deepcopy__(self, memo: dict[int, Any]) -> SharedEpoch:
        return SharedEpoch(self.get())

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # A worker's pickle carries the handle of the shared memory, any other pickle only the value.
        if not self._number.is_shared():
            self._number.share_memory_()


def wrapped_datasets(dataset: Any) -> list[Any]:
    """Return what a wrapper (``RepeatDataset``, ``ConcatDataset``, ``Subset``, ..) wraps; of another object nothing."""
    inner = getattr(dataset, "datasets", None)
    if isinstance(inner, (list, tuple)):
        return list(inner)
    inner = getattr(dataset, "dataset", None)
    return [] if inner is None else [inner]


def tell_epoch(dataset: Any, epoch: int) -> None:
    """Call ``set_epoch`` of a data set, or else of those it wraps; one that has none is passed over."""
    set_epoch = getattr(dataset, "set_epoch", None)
    if callable(set_epoch):
        set_epoch(epoch)
        return
    for inner in wrapped_datasets(dataset):
        tell_epoch(inner, epoch)


def changes_with_epoch(dataset: Any) -> bool:
    """Whether other epochs of a data set hold other samples: a resampled mixture is in it."""
    own = getattr(dataset, "changes_with_epoch", None)
    return any(map(changes_with_epoch, wrapped_datasets(dataset))) if own is None else bool(own)
