"""The types of a data set's arguments, and the refusal of others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

_TYPES: dict[str, tuple[tuple[Any, ...], str]] = {
    "ann_file": ((str, os.PathLike), "a path"),
    "bbox_file": ((str, os.PathLike, type(None)), "a path or None"),
    "data_root": ((str, os.PathLike, type(None)), "a path or None"),
    "data_prefix": ((Mapping,), "dict(img=FOLDER)"),
    "filter_cfg": ((Mapping, type(None)), "dict(bbox_score_thr=...) or None"),
    "max_refetch": ((int, np.integer), "an integer from 0"),
}


def refuse_wrong_types(place: str, **arguments: Any) -> None:
    """Refuse arguments of another type than their name stands for.

    Raises:
        TypeError: naming all such arguments; it begins with ``place``.
    """
    found = []
    for name, value in arguments.items():
        kinds, words = _TYPES[name]
        if not isinstance(value, kinds) or (name == "max_refetch" and value < 0):
            found.append(f"{name}={value!r}; give {words}")
    if found:
        raise TypeError(f"{place}: {'; '.join(found)}")
