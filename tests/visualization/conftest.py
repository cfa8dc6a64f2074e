"""Fixtures of the drawing tests, and the way to their shared module."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def image() -> np.ndarray:
    """A grey image to draw on."""
    return np.full((480, 640, 3), 128, dtype=np.uint8)
