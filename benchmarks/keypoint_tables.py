"""Puts the tables of the data files into docs/keypoints.md: ``python -m benchmarks.keypoint_tables``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmpose_mix import datasets
from mmpose_mix.keypoints.aliases import SHIPPED
from mmpose_mix.metainfo import named_keypoint_set, shipped_configs

PAGE = Path(__file__).parents[1] / "docs" / "keypoints.md"
# What was wrong with MMPose 1.3.2's file, in short; docs/differences.md has the reasons.
REPAIRED = {
    "ap10k": "weights in COCO's order, right front paw of type `lower`, a link id twice",
    "coco_aic": "18 weights for 19 keypoints, the name of `coco`, a link id twice",
    "coco_wholebody_face": "place 51 with id 52",
    "crowdpose": "weights in another order than the keypoints",
    "exlpose": "weights in another order than the keypoints",
    "humanart21": "the name of `humanart`, fingers of type `lower`",
}


def set_table() -> str:
    """One row per metainfo file."""
    rows = []
    for file in sorted((shipped_configs() / "_base_" / "datasets").glob("*.py")):
        keypoints = named_keypoint_set(file.stem)
        classes = ", ".join(f"`{name}`" for name in _classes_of(file.name)) or "–"
        sigmas = "yes" if len(keypoints.sigmas) else "no"
        picture = f"[picture](images/keypoints/{file.stem}.png)"
        rows.append(
            (f"`{file.stem}`", classes, f"{keypoints.num_keypoints}", sigmas, REPAIRED.get(file.stem, ""), picture)
        )
    return _table(("name", "data set class", "K", "sigmas", "repaired", "look"), rows)


def alias_table() -> str:
    """One row per entry of the alias file."""
    table = json.loads(SHIPPED.read_text(encoding="utf-8"))
    rows = [
        (_listed([entry["joint"], *entry["names"]]), "same joint", entry) for entry in _entries(table, "same_joint")
    ]
    rows += [
        (
            f"{_listed(entry['names'])}: `{entry['numbering']}-{{}}`, {{}} from 0 to {entry['size'] - 1}",
            "same joint",
            entry,
        )
        for entry in _entries(table, "numberings")
    ]
    rows += [(_words_of_runs(entry), "same joint", entry) for entry in _entries(table, "same_numbers")]
    rows += [
        (_listed(entry["joints"]) if "joints" in entry else _words_of_runs(entry), "approximate", entry)
        for entry in _entries(table, "approximate")
    ]
    rows += [
        (f"`{entry['joint']}` = {' + '.join(f'{weight:g} `{name}`' for name, weight in entry['of'].items())}",
         entry["mark"], entry)
        for entry in _entries(table, "derived")
    ]  # fmt: skip
    cells = [(names, mark, entry["why"], ", ".join(entry["from"])) for names, mark, entry in rows]
    return _table(("keypoints", "mark", "why", "from"), cells)


def citations() -> str:
    """What the last column of the alias table stands for."""
    table = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return "\n".join(f"* {key}: {text}" for key, text in table["citations"].items())


def _classes_of(file_name: str) -> list[str]:
    """Data sets whose keypoints are those of the file."""
    found = []
    for name in sorted(datasets.__all__):
        metainfo = getattr(getattr(datasets, name), "METAINFO", None)
        if isinstance(metainfo, Mapping) and str(metainfo.get("from_file", "")).endswith(f"/{file_name}"):
            found.append(name)
    return found


def _entries(table: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return list(table.get(kind, ()))


def _words_of_runs(entry: Mapping[str, Any]) -> str:
    """The runs of two numberings: ``0-16 = 0-32 by 2``."""
    one, other = entry["between"]
    return f"`{one}` and `{other}`: {', '.join(_words_of_run(*run) for run in entry['runs'])}"


def _words_of_run(first: int, second: int, length: int = 1, step: int = 1, other_step: int = 1) -> str:
    if length == 1:
        return f"{first} = {second}"
    ends = [(first, step), (second, other_step)]
    return " = ".join(f"{a}–{a + (length - 1) * by}{f' by {by}' if by != 1 else ''}" for a, by in ends)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ("---",) * len(head), *rows])


def page_with_tables(page: str) -> str:
    """The text of the page with present tables between its ``begin`` and ``end`` comments."""
    for name, table in (("aliases", alias_table()), ("citations", citations()), ("sets", set_table())):
        pattern = re.compile(rf"(<!-- begin {name}\b[^>]*-->\n).*?(\n<!-- end {name} -->)", re.DOTALL)
        page, found = pattern.subn(lambda match, table=table: match[1] + table + match[2], page)
        if found != 1:
            raise ValueError(f"docs/keypoints.md has {found} times the comment '<!-- begin {name} -->'; give it once")
    return page


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
