"""What a training item costs: the rows that the table is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import training_item
from benchmarks.peers import mmpose_is_here


def test_rows_give_the_item_and_its_multiple_of_the_bound(pose_samples: Path) -> None:
    found = {row.key: row for row in training_item.rows(quick=True, samples=pose_samples)}
    ways = ("", "_on_device")
    assert list(found) == [
        f"training_item{key}{way}_{place}"
        for place in ("flipped", "not_flipped")
        for way in ways
        for key in ("", "_bound")
    ]
    for place in ("flipped", "not_flipped"):
        for way in ways:
            item, multiple = found[f"training_item{way}_{place}"], found[f"training_item_bound{way}_{place}"]
            assert multiple.ours > 1
            bound = float(multiple.note.split()[-2])
            assert item.ours / multiple.ours == pytest.approx(bound, abs=0.51)
            assert item.note == f"{multiple.note}; {multiple.ours:.2f} times this"
            assert (item.theirs is None, multiple.theirs is None) == (not mmpose_is_here(),) * 2


def test_targets_for_the_device_are_left_out_of_the_item(pose_samples: Path) -> None:
    left = training_item.mixture(pose_samples, "mmpose_mix", 0.5, on_device=True)[0]["data_samples"]
    made = training_item.mixture(pose_samples, "mmpose_mix", 0.5)[0]["data_samples"]
    assert "unencoded_targets" in left
    assert "gt_fields" not in left
    assert made.gt_fields.heatmaps.shape == (17, 64, 48)
