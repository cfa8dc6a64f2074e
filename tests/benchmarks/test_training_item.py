"""What a training item costs: the rows that the table is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import training_item
from benchmarks.peers import mmpose_is_here


def test_rows_give_the_item_and_its_multiple_of_the_bound(pose_samples: Path) -> None:
    found = {row.key: row for row in training_item.rows(quick=True, samples=pose_samples)}
    assert list(found) == [
        f"training_item_{key}{place}" for place in ("flipped", "not_flipped") for key in ("", "bound_")
    ]
    for place in ("flipped", "not_flipped"):
        item, ratio = found[f"training_item_{place}"], found[f"training_item_bound_{place}"]
        assert ratio.ours > 1
        bound = float(item.note.split()[-2])
        assert item.ours / ratio.ours == pytest.approx(bound, abs=0.51)
        assert (item.theirs is None, ratio.theirs is None) == (not mmpose_is_here(),) * 2
