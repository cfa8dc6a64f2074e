"""What is wrong with the numbers that a transform is built with."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any


def findings_on_probabilities(**probabilities: Any) -> list[str]:
    """A sentence for each that is no number in [0, 1]."""
    return [
        f"{name}={value!r} must be a number in [0, 1]"
        for name, value in probabilities.items()
        if not is_number(value) or not 0 <= value <= 1
    ]


def findings_on_factors(**factors: Any) -> list[str]:
    """A sentence for each that is no finite number above 0."""
    return [
        f"{name}={value!r} must be a number above 0"
        for name, value in factors.items()
        if not is_number(value) or value <= 0
    ]


def is_number(value: Any) -> bool:
    """Whether a value is a finite real number; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
