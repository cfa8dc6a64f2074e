"""`mmpose-mix migrate`: the diff, the notes, the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmpose_mix.cli import main
from mmpose_mix.metainfo import shipped_configs

PLAIN = shipped_configs() / "in_mmpose" / "td-hm_hrnet-w32_coco-aic-merge.py"


def test_the_diff_and_the_notes_are_printed_and_the_file_is_written(tmp_path: Path, capsys) -> None:
    out = tmp_path / "new" / "ours.py"
    assert main(["migrate", str(PLAIN), "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "-default_scope = 'mmpose'\n+default_scope = 'mmpose_mix'\n" in said
    assert "\n+            mapping='auto')" in said
    assert "- AicDataset: mapping='auto' is the index table of aic -> coco\n" in said
    assert "mapping='auto'" in out.read_text()
    assert "(0, 6)" not in out.read_text()


def test_without_out_nothing_is_written(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["migrate", str(PLAIN), "--to", "prefix"]) == 0
    assert "+            type='mmpose_mix.KeypointConverter'," in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_left_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "mine.py"
    out.write_text("x = 1\n")
    with pytest.raises(SystemExit, match=r"mine\.py exists: name another file, or write over it by --force"):
        main(["migrate", str(PLAIN), "-o", str(out)])
    assert main(["migrate", str(PLAIN), "-o", str(out), "--force"]) == 0
    assert "mmpose_mix" in out.read_text()


def test_a_config_that_is_no_file_ends_with_one_message() -> None:
    with pytest.raises(SystemExit, match=r"mmpose-mix migrate: nowhere\.py is no file"):
        main(["migrate", "nowhere.py"])
