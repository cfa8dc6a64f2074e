"""What a check costs: the rows, and a check that breaks off."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import check_start


def test_the_rows_are_medians_with_the_processor_time_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(root: Path, cache: Path, *options: str) -> tuple[float, float]:
        seen.append((cache, options))
        return (5.0, 7.0) if len(seen) % 2 else (3.0, 2.96)

    seen: list[tuple[Path, tuple[str, ...]]] = []
    monkeypatch.setattr(check_start, "check_seconds", seconds)
    monkeypatch.setattr(check_start, "write_body8", lambda root: 0)
    first, again = check_start.rows()
    assert (first.key, first.ours, first.asked) == ("check_body8_first", 5.0, "at most 5 s")
    assert (again.key, again.ours, again.theirs) == ("check_body8_again", 3.0, None)
    assert again.note == "wall time of a fresh process; 3.0 s of CPU"
    assert len({cache for cache, _ in seen}) == len(seen) / 2, "each first check has an empty cache"


def test_a_check_that_breaks_off_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="unrecognized arguments"):
        check_start.check_seconds(tmp_path, tmp_path / "cache", "--no-such-option")
