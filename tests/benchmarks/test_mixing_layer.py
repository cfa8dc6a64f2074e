"""The figures of an item are there for both ways to ask for it, whether or not MMPose is."""

from __future__ import annotations

from benchmarks.mixing_layer import growth, rows
from benchmarks.peers import mmpose_is_here


def test_every_way_to_ask_for_an_item_is_measured():
    measured = {row.key: row for row in rows(quick=True)}
    assert list(measured) == ["mixing_item", "mixing_item_alone", "mixing_item_nested"]
    assert all(row.ours > 0 and row.unit == "µs" for row in measured.values())
    assert all((row.theirs is not None) == mmpose_is_here() for row in measured.values())


def test_the_growth_is_told_for_each_number_of_sources():
    figures = growth([1, 3], quick=True)
    assert [figure["sources"] for figure in figures] == [1, 3]
    assert all(figure["batch"] > 0 and figure["alone"] > 0 for figure in figures)
