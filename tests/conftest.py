"""Fixtures that more than one test file uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def pose_samples() -> Path:
    """The folder of real annotations and images; a test that needs it is skipped where it is absent."""
    default = REPOSITORY.parent / "shared" / "data" / "pose_samples"
    folder = Path(os.environ.get("MMPOSE_MIX_POSE_SAMPLES", default))
    if not folder.is_dir():
        pytest.skip(f"real samples are absent: {folder} is no folder; set MMPOSE_MIX_POSE_SAMPLES to where they lie")
    return folder
