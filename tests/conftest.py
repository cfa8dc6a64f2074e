"""Fixtures that more than one test file uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

from mmpose_mix.visualization import PoseLocalVisualizer

REPOSITORY = Path(__file__).resolve().parents[1]

# more threads than that only wait for each other on arrays as small as these
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_scope_is_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner makes its scope, its messages and its visualizer the process's own; the next test has to find none."""
    for manager in (DefaultScope, MessageHub, Visualizer, PoseLocalVisualizer):
        monkeypatch.setattr(manager, "_instance_dict", manager._instance_dict.copy())


@pytest.fixture(scope="session", autouse=True)
def _no_test_writes_into_the_users_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Annotations are cached in a folder of the session; processes that tests start inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMPOSE_MIX_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("MMPOSE_MIX_CACHE_KEY", raising=False)
        yield


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
