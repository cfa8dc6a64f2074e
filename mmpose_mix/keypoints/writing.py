"""Metainfo files as text that people read and change."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmpose_mix.keypoints.union import JoinedKeypoint, KeypointUnion

WIDTH = 118
NUMBERS_PER_LINE = 7


def text_of_metainfo(info: Mapping[str, Any], head: Sequence[str] = (), notes: Mapping[str, Sequence[str]] = {}) -> str:
    """A metainfo file, which defines ``dataset_info``.

    Args:
        info: In MMPose's ``dataset_info`` format, of strings, numbers, lists, tuples and dicts.
        head: Comments at the top, one per paragraph.
        notes: Comments before a key of ``info``.

    Returns:
        Python source of at most 118 columns, where words allow it.

    >>> print(text_of_metainfo(dict(dataset_name="arms", sigmas=[0.1]), ["Two arms."], dict(sigmas=["guessed"])))
    # Two arms.
    dataset_info = dict(
        dataset_name="arms",
        # guessed
        sigmas=[
            0.1,
        ],
    )
    <BLANKLINE>
    """
    lines = _comment(head, "")
    lines.append("dataset_info = dict(")
    for key, value in info.items():
        lines += _comment(notes.get(key, ()), "    ")
        if key in ("keypoint_info", "skeleton_info"):
            entries = [f"{number}: {_call(entry)}" for number, entry in value.items()]
            lines += [f"    {key}={{", *(f"        {entry}," for entry in entries), "    },"]
        elif key in ("joint_weights", "sigmas") and value:
            rows = [value[i : i + NUMBERS_PER_LINE] for i in range(0, len(value), NUMBERS_PER_LINE)]
            lines += [f"    {key}=[", *(f"        {', '.join(map(repr, row))}," for row in rows), "    ],"]
        else:
            lines += _assigned(key, value, "    ")
    return "\n".join([*lines, ")", ""])


def text_of_union(union: KeypointUnion, papers: Sequence[Mapping[str, Any]] = (), command: str = "") -> str:
    """The metainfo file of a union, with comments on where each choice comes from.

    Args:
        union: What :func:`mmpose_mix.keypoints.union.union` returned.
        papers: ``paper_info`` of its sets.
        command: What wrote it, for the first comment.
    """
    info = union.keypoints.dataset_info()
    info = {"dataset_name": info.pop("dataset_name"), **({"paper_info": list(papers)} if papers else {}), **info}
    head = [f"The union of {_listed(union.sources)}{f', as `{command}` writes it' if command else ''}."]
    for source, rows in _grouped(union.rows, lambda row: row.of[0][0]).items():
        head.append(f"{len(rows)} keypoints of {source}: {_named(rows, union)}.")
    aliases = [
        f"{row.name} is {', '.join(f'{name} of {one}' for one, name in row.of if name != row.name)}"
        for row in union.rows
        if any(name != row.name for _, name in row.of)
    ]
    if aliases:
        head.append(f"By aliases: {'; '.join(aliases)}.")
    notes = {"joint_weights": ["Of the first set that has the keypoint." + _others(union.rows, "other_weights")]}
    if info["sigmas"]:
        said = [f"{_named(rows, union)}: {whose}" for whose, rows in _grouped(union.rows, lambda r: r.sigma).items()]
        notes["sigmas"] = [f"{'; '.join(said)}.{_others(union.rows, 'other_sigmas')}"]
    return text_of_metainfo(info, head, notes)


def _grouped(rows: Iterable[JoinedKeypoint], key: Any) -> dict[str, list[JoinedKeypoint]]:
    groups: dict[str, list[JoinedKeypoint]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _named(rows: Sequence[JoinedKeypoint], union: KeypointUnion) -> str:
    """Names; of more than four in a row, the first and the last."""
    ids = [union.keypoints.keypoint_ids[row.name] for row in rows]
    if len(rows) > 4 and ids == list(range(ids[0], ids[0] + len(ids))):
        return f"{rows[0].name} to {rows[-1].name}"
    return ", ".join(row.name for row in rows)


def _others(rows: Iterable[JoinedKeypoint], field: str) -> str:
    words: dict[str, list[str]] = {}
    for row in rows:
        for of, value in getattr(row, field):
            words.setdefault(of, []).append(f"{row.name} {value:.4g}")
    return "".join(f" In {of}: {', '.join(some)}." for of, some in words.items())


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _comment(paragraphs: Iterable[str], indent: str) -> list[str]:
    return [
        f"{indent}# {line}"
        for paragraph in paragraphs
        for line in textwrap.wrap(paragraph, WIDTH - len(indent) - 2, break_on_hyphens=False)
    ]


def _call(entry: Mapping[str, Any]) -> str:
    return f"dict({', '.join(f'{key}={_literal(value)}' for key, value in entry.items())})"


def _assigned(key: str, value: Any, indent: str) -> list[str]:
    """``key=value,`` on as many lines as it takes."""
    if isinstance(value, Mapping):
        return [f"{indent}{key}=dict(", *_body(value, indent), f"{indent}),"]
    if isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
        inner = indent + "    "
        calls = [[f"{inner}dict(", *_body(entry, inner), f"{inner}),"] for entry in value]
        return [f"{indent}{key}=[", *(line for call in calls for line in call), f"{indent}],"]
    line = f"{indent}{key}={_literal(value)},"
    if len(line) <= WIDTH or not isinstance(value, str):
        return [line]
    parts = textwrap.wrap(value, WIDTH - len(indent) - 8, drop_whitespace=False, break_on_hyphens=False)
    return [f"{indent}{key}=(", *(f"{indent}    {_literal(part)}" for part in parts), f"{indent}),"]


def _body(entry: Mapping[str, Any], indent: str) -> list[str]:
    return [line for key, value in entry.items() for line in _assigned(str(key), value, indent + "    ")]


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)
