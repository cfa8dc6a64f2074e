"""Fixtures of the metrics' tests, and the way to their shared modules."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def annotation_file(tmp_path):
    """Writes a data set to a file and returns the path."""

    def write(content, name: str = "annotations.json") -> str:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return write
