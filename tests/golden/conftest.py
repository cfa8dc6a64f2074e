"""Fixtures of the parity tests. The recorder's files are not tests and need MMPose: they are not collected."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from mmengine.registry import DefaultScope

FOLDER = Path(__file__).parent
collect_ignore = ["generate.py"]
# The shared modules are read by the recorder, a plain script beside them, too.
sys.path.insert(0, str(FOLDER))


@pytest.fixture(scope="session")
def recorded() -> Any:
    """A function: name of a file of numbers -> the tree that MMPose gave."""
    import golden_file

    def read(name: str) -> Any:
        return golden_file.read_tree(FOLDER / "numbers" / f"{name}.npz")

    return read


@pytest.fixture
def house_scope() -> Iterator[None]:
    """Bare type names mean this package's classes, as under ``default_scope='mmpose_mix'``."""
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        yield


@pytest.fixture(scope="session")
def recorded_warp() -> None:
    """Pixels of warped images are those of OpenCV 5; a test that compares them is skipped with an older one."""
    if int(cv2.__version__.split(".")[0]) < 5:
        pytest.skip("recorded with OpenCV 5; OpenCV 4 rounds the coordinates of a warp to 1/32 pixel")
