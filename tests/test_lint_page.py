"""The page of the linter's codes says what the linter does."""

from __future__ import annotations

import re
from pathlib import Path

from mmpose_mix.keypoints import lint_poses
from mmpose_mix.keypoints.lint import CODES

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "lint.md").read_text(encoding="utf-8")


def test_the_table_of_codes_is_that_of_the_linter():
    rows = re.findall(r"^\| ([A-Z]+\d+) \| (\w+) \| (.+?) \| (.+) \|$", PAGE, flags=re.MULTILINE)
    assert rows == [(name, code.severity, code.title, code.why) for name, code in CODES.items()]


def test_the_thresholds_are_those_of_the_linter():
    text = " ".join(PAGE.split())
    for words in (
        f"at least {lint_poses.FEWEST_PERSONS} persons on each side",
        f"at least {lint_poses.LEAST_OFFSET} units, {lint_poses.LEAST_OFFSET_IN_SPREADS} robust standard deviations",
        f"{lint_poses.LEAST_OFFSET_IN_ERRORS:g} standard errors away",
        f"{lint_poses.LEAST_LIMB_RATIO} times as large or as small",
    ):
        assert words in text
