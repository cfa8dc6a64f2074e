"""The demo, as a user starts it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

from mmpose_mix.cli import main

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_quick_demo_draws_trains_and_writes_its_page(run_module: Command, tmp_path: Path) -> None:
    work_dir, picture = tmp_path / "demo", tmp_path / "pictures" / "demo.png"
    result = run_module("mmpose_mix", "demo", "--quick", "--work-dir", work_dir, "--picture", picture)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    for words in (
        "drawing     100 %",
        "training    100 %",
        "COCO-style AP 0.",
        "AIC-style  AP 0.",
        "head_top",
        "Done in",
    ):
        assert words in result.stdout
    assert "mmengine" not in result.stdout  # its log is in the work folder
    assert "<img" in (work_dir / "index.html").read_text(encoding="utf-8")
    assert cv2.imread(str(picture)).shape[1] == 1200
    log = next((work_dir / "training").glob("*/*.log")).read_text()
    assert "loss" in log


def test_drawings_of_a_stopped_demo_are_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mmpose_mix.cli.demo._train_and_evaluate", interrupt)
    command = ["demo", "--quick", "--work-dir", str(tmp_path)]
    assert main(command) == 130
    assert "Stopped. Finished drawings stay in" in capsys.readouterr().err
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jpg")}
    assert len(before) == 52
    assert main(command) == 130
    assert "using the 52 drawings that lie in" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jpg")} == before
    assert main([*command, "--seed", "1"]) == 130
    assert "put in the place of other drawings in" in capsys.readouterr().out


def test_too_little_room_is_told_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mmpose_mix.cli.demo.shutil.disk_usage", lambda path: SimpleNamespace(free=2_000_000))
    assert main(["demo", "--work-dir", str(tmp_path)]) == 1
    assert "has 2 MB free, and the demo needs 150 MB" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_page_of_somebody_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "index.html"
    page.write_text("<html>my own</html>")
    assert main(["demo", "--quick", "--work-dir", str(tmp_path)]) == 1
    assert "was not written by the demo and is left as it is" in capsys.readouterr().err
    assert page.read_text() == "<html>my own</html>"
    assert list(tmp_path.iterdir()) == [page]


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["demo", "--quick", "--work-dir", str(tmp_path / "file")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("mmpose-mix demo: ")
    assert "file" in error
    assert "Traceback" not in error


def test_a_picture_that_is_no_png_is_refused_before_anything_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work_dir = tmp_path / "demo"
    assert main(["demo", "--work-dir", str(work_dir), "--picture", "demo.gif"]) == 1
    assert "give a name that ends in .png, not demo.gif" in capsys.readouterr().err
    assert not work_dir.exists()


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--seed", "-1"], ["--epochs", "many"]])
def test_numbers_out_of_range_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["demo", *arguments])
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err
