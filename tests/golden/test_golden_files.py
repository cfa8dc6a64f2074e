"""The recorded files themselves: small, readable without pickle, made with the release that they claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import golden_file
import numpy as np
import pytest

FILES = sorted((Path(__file__).parent / "numbers").glob("*.npz"))


def test_all_files_together_stay_below_one_megabyte() -> None:
    assert {path.stem for path in FILES} == {
        "datasets",
        "body",
        "transforms",
        "codecs",
        "models",
        "evaluation",
        "rtmpose",
        "distances",
        "colours",
    }
    assert sum(path.stat().st_size for path in FILES) < 1_000_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_names_the_releases_it_was_made_with(path: Path) -> None:
    made_with = golden_file.read_tree(path)["made_with"]
    assert made_with["mmpose"] == "1.3.2"
    assert {"numpy", "opencv", "torch", "xtcocotools"} <= set(made_with)


def test_a_tree_comes_back_as_it_was_written(tmp_path: Path) -> None:
    tree: dict[str, Any] = {
        "array": np.arange(6, dtype=np.float32).reshape(2, 3),
        "same": [np.arange(6, dtype=np.float32), None, True, "word", 1.5],
        "empty": np.zeros((0, 2), np.int64),
        "scalar": np.float32(2.5),
    }
    golden_file.write_tree(tmp_path / "tree.npz", tree)
    back = golden_file.read_tree(tmp_path / "tree.npz")
    assert back["array"].dtype == np.float32
    np.testing.assert_array_equal(back["array"], tree["array"])
    np.testing.assert_array_equal(back["same"][0], tree["same"][0])
    assert back["same"][1:] == [None, True, "word", 1.5]
    assert back["empty"].shape == (0, 2)
    assert back["scalar"] == 2.5


def test_the_recorded_chains_cover_both_flips_and_half_bodies(recorded: Any) -> None:
    chains = recorded("transforms")["numbers"]["chains"]
    flips = {
        str(stage.get("flip_direction"))
        for chain in chains.values()
        for name, stage in chain[:-1]
        if name == "RandomFlip"
    }
    assert flips >= {"None", "horizontal", "vertical", "diagonal"}
    halves = [
        "bbox_center" in stage for chain in chains.values() for name, stage in chain[:-1] if name == "RandomHalfBody"
    ]
    assert any(halves)
    assert not all(halves)
