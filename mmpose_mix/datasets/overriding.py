"""Whether a subclass has a say in how the items of a data set are made."""

from __future__ import annotations

from typing import Any

from mmengine.dataset import Compose


def makes_items_as(dataset: Any, base: type) -> bool:
    """Whether a data set makes its items by the methods of ``base`` and calls its transforms one after another.

    Args:
        dataset: an instance of ``base`` or of a subclass, which may override what it likes.
        base: the class whose ways are known.
    """
    methods = ("__getitem__", "prepare_data", "get_data_info", "__len__")
    same = all(getattr(type(dataset), method) is getattr(base, method) for method in methods)
    return same and type(dataset.pipeline) is Compose
