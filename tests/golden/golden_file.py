"""Stores nested dicts and lists of arrays, numbers and words in one compressed ``.npz`` without pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

ARRAY = "array"


def write_tree(path: Path, tree: Any) -> int:
    """Write ``tree`` to ``path`` and return the file's size in bytes.

    Arrays go into one byte buffer (equal arrays once); what is left, a JSON tree with references, stands beside it.
    """
    buffer = bytearray()
    seen: dict[tuple[Any, ...], int] = {}

    def packed(node: Any) -> Any:
        if isinstance(node, (np.generic, np.ndarray)):
            array = np.asarray(node)
            if array.dtype.kind not in "biuf":
                raise TypeError(f"only numbers can be stored as an array, got dtype {array.dtype}")
            data = np.ascontiguousarray(array).tobytes()
            start = seen.setdefault((array.dtype.str, data), len(buffer))
            if start == len(buffer):
                buffer.extend(data)
            return {ARRAY: [array.dtype.str, list(array.shape), start]}
        if isinstance(node, dict):
            return {str(key): packed(value) for key, value in node.items()}
        if isinstance(node, (list, tuple)):
            return [packed(value) for value in node]
        if node is None or isinstance(node, (bool, int, float, str)):
            return node
        raise TypeError(f"cannot store a {type(node).__name__}: {node!r}")

    text = json.dumps(packed(tree), separators=(",", ":"))
    np.savez_compressed(
        path, tree=np.frombuffer(text.encode(), np.uint8), numbers=np.frombuffer(bytes(buffer), np.uint8)
    )
    return path.stat().st_size


def read_tree(path: Path) -> Any:
    """Read what ``write_tree`` wrote; tuples come back as lists, numpy scalars as 0-d arrays."""
    with np.load(path, allow_pickle=False) as stored:
        tree, numbers = json.loads(stored["tree"].tobytes()), stored["numbers"].tobytes()

    def unpacked(node: Any) -> Any:
        if isinstance(node, dict):
            if set(node) == {ARRAY}:
                dtype, shape, start = node[ARRAY]
                count = int(np.prod(shape, dtype=np.int64))
                return (
                    np.frombuffer(numbers, np.dtype(dtype), count, start).reshape(shape)
                    if count
                    else np.zeros(shape, dtype)
                )
            return {key: unpacked(value) for key, value in node.items()}
        if isinstance(node, list):
            return [unpacked(value) for value in node]
        return node

    return unpacked(tree)
