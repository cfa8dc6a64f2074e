"""Annotation files that are read by several processes, and what comes of a process that fails."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mmpose_mix.datasets import AicDataset, CocoDataset
from mmpose_mix.engine import checked_reading
from mmpose_mix.engine.checked_reading import read_sources
from mmpose_mix.engine.checked_sources import OpenedSource, opened_source
from mmpose_mix.toy import draw_tiny_mixture


@pytest.fixture
def files(tmp_path: Path) -> list[tuple[type, Path]]:
    """Four annotation files, the last of which is absent."""
    draw_tiny_mixture(tmp_path)
    return [
        (CocoDataset, tmp_path / "coco/annotations/person_keypoints_train.json"),
        (CocoDataset, tmp_path / "coco/annotations/person_keypoints_val.json"),
        (AicDataset, tmp_path / "aic/annotations/aic_train.json"),
        (AicDataset, tmp_path / "aic/annotations/absent.json"),
    ]


def opened(files: Sequence[tuple[type, Path]]) -> list[OpenedSource]:
    return [
        opened_source(kind(ann_file=str(path), lazy_init=True), f"datasets[{place}]")
        for place, (kind, path) in enumerate(files)
    ]


@pytest.fixture
def alone(files: list[tuple[type, Path]]) -> list[OpenedSource]:
    """What one process reads."""
    sources = opened(files)
    read_sources(sources)
    return sources


@pytest.fixture
def three_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked_reading, "MUCH", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)


def same(one: OpenedSource, other: OpenedSource) -> bool:
    (leaf,), (twin,) = one.leaves, other.leaves
    seen = (leaf.visibility is None) == (twin.visibility is None)
    if leaf.visibility is not None and twin.visibility is not None:
        seen = np.array_equal(leaf.visibility, twin.visibility)
    if leaf.poses is not None and twin.poses is not None:
        seen = seen and all(map(np.array_equal, leaf.poses, twin.poses))
    return seen and (one.items, one.findings, leaf.content) == (other.items, other.findings, twin.content)


def test_one_process_reads_what_is_there(alone: list[OpenedSource]) -> None:
    assert [source.items for source in alone] == [7, 6, 5, None]
    assert [[each.code for each in source.findings] for source in alone] == [[], [], [], ["CFG510"]]
    content = alone[0].leaves[0].content
    assert content is not None
    assert (content.images, content.annotations, content.instances, content.discarded) == (4, 7, 7, {})


@pytest.mark.usefixtures("three_processes")
def test_several_processes_read_the_same(files: list[tuple[type, Path]], alone: list[OpenedSource]) -> None:
    sources = opened(files)
    read_sources(sources)
    assert all(map(same, sources, alone))


@pytest.mark.usefixtures("three_processes")
def test_the_share_of_a_process_that_dies_is_read_again(
    files: list[tuple[type, Path]], alone: list[OpenedSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked_reading, "_send", lambda sender, share: os._exit(1))
    sources = opened(files)
    read_sources(sources)
    assert all(map(same, sources, alone))


@pytest.mark.usefixtures("three_processes")
def test_no_process_is_started_for_files_that_are_cached(
    files: list[tuple[type, Path]], alone: list[OpenedSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked_reading, "MUCH", 1)

    def started(shares: object) -> None:
        pytest.fail(f"processes were started for {shares}")

    monkeypatch.setattr(checked_reading, "_read_in_processes", started)
    sources = opened(files)
    read_sources(sources)
    assert all(map(same, sources, alone))
