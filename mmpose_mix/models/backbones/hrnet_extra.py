"""HRNet's ``extra`` argument: what its four stages are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

_REQUIRED = ("num_modules", "num_branches", "block", "num_blocks", "num_channels")
_STAGES = ("stage1", "stage2", "stage3", "stage4")
_UPSAMPLE = {"mode": "nearest", "align_corners": None}


@dataclass(frozen=True)
class Stage:
    """One stage: ``num_modules`` modules of parallel branches; ``num_blocks`` and ``num_channels`` one per branch."""

    num_modules: int
    num_branches: int
    block: str
    num_blocks: tuple[int, ...]
    num_channels: tuple[int, ...]
    multiscale_output: bool

    def out_channels(self, expansion: int) -> list[int]:
        """Channels after each branch."""
        return [channels * expansion for channels in self.num_channels]


def parse_extra(extra: Mapping) -> tuple[list[Stage], dict[str, Any]]:
    """The four stages, and the arguments of the upsampling layers.

    Raises:
        TypeError: if ``extra`` is no dict.
        ValueError: with every finding.
    """
    if not isinstance(extra, Mapping):
        raise TypeError(f"HRNet.extra has to be a dict with {', '.join(_STAGES)}, but is {extra!r:.200}.")
    findings = [f"has no {name}" for name in _STAGES if name not in extra]
    findings += [f"has the unknown key {key!r}" for key in extra if key not in (*_STAGES, "upsample")]
    stages = [_parse_stage(name, extra[name], findings) for name in _STAGES if name in extra]
    upsample = _parse_upsample(extra.get("upsample", {}), findings)
    if not findings:
        _compare_stages(stages, findings)
    if findings:
        raise ValueError(
            f"HRNet.extra {'; '.join(findings)}. It takes {', '.join(_STAGES)}, each with {', '.join(_REQUIRED)} "
            "(stage4 also multiscale_output), and upsample=dict(mode=..., align_corners=...)."
        )
    return stages, upsample


def _parse_stage(name: str, given: Mapping, findings: list[str]) -> Optional[Stage]:
    if not isinstance(given, Mapping):
        findings.append(f"{name} is {given!r:.100}, not a dict")
        return None
    optional = ("multiscale_output",) if name == "stage4" else ()
    before = len(findings)
    findings += [f"{name} has no {key}" for key in _REQUIRED if key not in given]
    findings += [f"{name} has the unknown key {key!r}" for key in given if key not in (*_REQUIRED, *optional)]
    for key in ("num_modules", "num_branches"):
        if key in given and not _is_count(given[key]):
            findings.append(f"{name}.{key} is {given[key]!r}, not a number from 1")
    for key in ("num_blocks", "num_channels"):
        if key in given and not _are_counts(given[key], given.get("num_branches")):
            findings.append(
                f"{name}.{key} is {given[key]!r}, not one number from 1 for each of num_branches="
                f"{given.get('num_branches')}"
            )
    if given.get("block", "BASIC") not in ("BASIC", "BOTTLENECK"):
        findings.append(f"{name}.block is {given['block']!r}, but 'BASIC' and 'BOTTLENECK' are allowed")
    if len(findings) > before:
        return None
    return Stage(
        num_modules=given["num_modules"],
        num_branches=given["num_branches"],
        block=given["block"],
        num_blocks=tuple(given["num_blocks"]),
        num_channels=tuple(given["num_channels"]),
        multiscale_output=name != "stage4" or bool(given.get("multiscale_output", False)),
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _are_counts(values: object, length: object) -> bool:
    return (
        isinstance(values, Sequence)
        and not isinstance(values, str)
        and all(map(_is_count, values))
        and (length is None or len(values) == length)
    )


def _parse_upsample(given: object, findings: list[str]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        findings.append(f"upsample is {given!r:.100}, not a dict")
        return {}
    findings += [f"upsample has the unknown key {key!r}" for key in given if key not in _UPSAMPLE]
    return {**_UPSAMPLE, **given}


def _compare_stages(stages: list[Stage], findings: list[str]) -> None:
    first = stages[0]
    if first.num_branches != 1 or first.num_modules != 1:
        findings.append(
            f"stage1 has num_branches={first.num_branches} and num_modules={first.num_modules}, "
            "but it is a single branch in a single module"
        )
    for number, (before, after) in enumerate(zip(stages, stages[1:]), start=2):
        if after.num_branches < before.num_branches:
            findings.append(
                f"stage{number} has {after.num_branches} branches, fewer than the {before.num_branches} of "
                f"stage{number - 1}"
            )
