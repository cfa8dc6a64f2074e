"""Compares two trees and says where they differ."""

from __future__ import annotations

from typing import Any

import numpy as np


def unequal(expected: Any, actual: Any, where: str = "", rtol: float = 1e-5, atol: float = 1e-4) -> list[str]:
    """Every place where ``actual`` differs from ``expected``, in words; numbers may differ by rounding.

    Lists, tuples and arrays of numbers count as the same kind; a missing or an extra key is a difference.
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = [f"{where}/{key}: missing" for key in expected if key not in actual]
        found += [f"{where}/{key}: not in MMPose's" for key in actual if key not in expected]
        for key in expected:
            if key in actual:
                found += unequal(expected[key], actual[key], f"{where}/{key}", rtol, atol)
        return found
    if _is_sequence(expected) and _is_sequence(actual) and not (_is_numbers(expected) and _is_numbers(actual)):
        if len(expected) != len(actual):
            return [f"{where}: {len(actual)} entries instead of {len(expected)}"]
        return [
            line
            for place, (one, other) in enumerate(zip(expected, actual))
            for line in unequal(one, other, f"{where}[{place}]", rtol, atol)
        ]
    if _is_numbers(expected) and _is_numbers(actual):
        return _unequal_numbers(np.asarray(expected), np.asarray(actual), where, rtol, atol)
    return (
        []
        if type(expected) is type(actual) and expected == actual
        else [f"{where}: {actual!r} instead of {expected!r}"]
    )


def without(tree: Any, *names: str) -> Any:
    """A copy of ``tree`` in which no dict has one of the keys ``names``."""
    if isinstance(tree, dict):
        return {key: without(value, *names) for key, value in tree.items() if key not in names}
    if isinstance(tree, (list, tuple)):
        return [without(value, *names) for value in tree]
    return tree


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value) > 0 if not isinstance(value, list) else True


def _is_numbers(value: Any) -> bool:
    if isinstance(value, (str, dict)) or value is None:
        return False
    try:
        return np.asarray(value).dtype.kind in "biuf"
    except ValueError:  # ragged
        return False


def _unequal_numbers(expected: np.ndarray, actual: np.ndarray, where: str, rtol: float, atol: float) -> list[str]:
    if expected.shape != actual.shape:
        return [f"{where}: shape {actual.shape} instead of {expected.shape}"]
    apart = ~np.isclose(actual.astype(np.float64), expected.astype(np.float64), rtol=rtol, atol=atol, equal_nan=True)
    if not apart.any():
        return []
    place = tuple(int(axis[0]) for axis in np.nonzero(np.atleast_1d(apart)))
    one, other = np.atleast_1d(actual)[place], np.atleast_1d(expected)[place]
    return [f"{where}: {int(apart.sum())} of {apart.size} numbers differ, first at {place}: {one} instead of {other}"]
