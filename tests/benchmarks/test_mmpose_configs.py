"""The check of a folder of MMPose's configs: its data, its words, its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import mmpose_configs
from mmpose_mix.metainfo import shipped_configs

PLAIN = shipped_configs() / "in_mmpose" / "td-hm_hrnet-w32_coco-aic-merge.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Configs of which the first runs, the second names a data set that is not there; the third mixes nothing."""
    (tmp_path / "configs").mkdir()
    text = PLAIN.read_text()
    for name, words in (("runs", text), ("lacks", text.replace("AicDataset", "NoDataset")), ("alone", "x = 1\n")):
        (tmp_path / "configs" / f"{name}.py").write_text(words)
    return tmp_path / "configs"


def test_a_config_that_runs_gives_a_batch_from_every_loader_and_one_that_does_not_says_why(folder: Path) -> None:
    found = mmpose_configs.outcomes(folder, ["scope"])
    assert found["runs.py"]["scope"] == mmpose_configs.Outcome("train val test", "")
    assert found["lacks.py"]["scope"].failure == "ValueError: there is no data set NoDataset"
    assert mmpose_configs.counts(found) == {"scope": 1}
    table = mmpose_configs.table_of(found)
    assert "| `runs.py` | train val test |  |" in table
    assert "| `lacks.py` | **no**: ValueError: there is no data set NoDataset |" in table


def test_the_table_of_a_page_is_replaced_and_its_words_stay(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n<!-- table: begin -->\nold\n<!-- table: end -->\nwords\n")
    page.write_text(mmpose_configs.written(page, "| new |"))
    assert page.read_text() == "# Title\n<!-- table: begin -->\n| new |\n<!-- table: end -->\nwords\n"
