"""Which keypoints of a mixture its sources label, and how often they are visible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from mmpose_mix.engine.checked_sources import Leaf
from mmpose_mix.engine.config_finding import finding
from mmpose_mix.keypoints.findings import Finding
from mmpose_mix.keypoints.schema import KeypointSet

_ROWS_AT_ONCE = 1 << 14
_LISTED = 8


@dataclass(frozen=True)
class Coverage:
    """The target keypoints that one source labels.

    Args:
        labelled: of each target keypoint; None where the source's conversion cannot be followed.
        visible: share in 0 to 1 of the source's instances in which the keypoint is visible; None where the keypoint is
            not labelled. None as a whole where no annotations were read.
    """

    labelled: Optional[tuple[bool, ...]]
    visible: Optional[tuple[Optional[float], ...]]


def coverage_of(leaves: Sequence[Leaf], num_keypoints: int) -> Coverage:
    """Return which of the mixture's keypoints a source labels, and how often they are visible.

    Args:
        leaves: the data sets of the source.
        num_keypoints: K of the mixture.
    """
    labelled, counts, instances = np.zeros(num_keypoints, dtype=np.bool_), np.zeros(num_keypoints, dtype=np.int64), 0
    known, read = bool(leaves), bool(leaves)
    for leaf in leaves:
        mappings = mappings_of(leaf)
        own = None if mappings is None else _labelled(leaf, mappings)
        if mappings is None or own is None or len(own) != num_keypoints:
            known = False
            continue
        labelled |= own
        read = read and leaf.visibility is not None
        if leaf.visibility is not None:
            counts += _visible(leaf.visibility, mappings, num_keypoints)
            instances += len(leaf.visibility)
    if not known:
        return Coverage(None, None)
    marks = tuple(labelled.tolist())
    if not read or not instances:
        return Coverage(marks, None)
    return Coverage(marks, tuple(int(n) / instances if mark else None for n, mark in zip(counts, marks)))


def findings_on_coverage(place: str, keypoints: KeypointSet, coverages: Sequence[Coverage]) -> list[Finding]:
    """Return which keypoints the mixture would learn from nothing."""
    if not coverages or any(coverage.labelled is None for coverage in coverages):
        return []
    names, findings = keypoints.keypoint_names, []
    rows = list(zip(*(coverage.labelled or () for coverage in coverages)))
    unlabelled = [name for name, row in zip(names, rows) if not any(row)]
    if unlabelled:
        text = f"no source labels {_listed(unlabelled)} of {keypoints.name!r}: the model would learn nothing of it"
        fix = "Map a source keypoint to it, add a source that has it, or take a keypoint set without it"
        findings.append(finding("CFG523", place, text, fix))
    if all(coverage.visible is not None for coverage in coverages):
        shares = list(zip(*(coverage.visible or () for coverage in coverages)))
        unseen = [name for name, row, marks in zip(names, shares, rows) if any(marks) and not any(row)]
        if unseen:
            text = f"{_listed(unseen)} of {keypoints.name!r} is labelled, but visible in no instance of any source"
            fix = "Look whether the mapping reads the right source keypoint and whether the files are the right ones"
            findings.append(finding("CFG524", place, text, fix))
    return findings


def explanations(leaf: Leaf) -> Iterator[str]:
    """Yield how each conversion by name came about, a text of several lines each."""
    for transform in leaf.transforms:
        matching = getattr(transform, "matching", None)
        if matching is not None:
            yield str(matching)


def mappings_of(leaf: Leaf) -> Optional[list[Any]]:
    """Return the conversions on the way to the mixture; None if one of them hides what it does."""
    mappings = []
    for transform in leaf.transforms:
        if not hasattr(transform, "num_keypoints"):
            continue
        if not hasattr(type(transform), "keypoint_mapping") and not hasattr(transform, "keypoint_mapping"):
            return None
        try:
            mappings.append(transform.keypoint_mapping)
        except ValueError:  # by name, and its keypoint sets are unknown: that is a finding of its own
            return None
    return mappings


def _labelled(leaf: Leaf, mappings: Sequence[Any]) -> Optional[np.ndarray]:
    count = (getattr(leaf.dataset, "metainfo", None) or {}).get("num_keypoints")
    if count is None:
        return None
    points, marks = np.zeros((1, count, 2), dtype=np.float32), np.ones((1, count), dtype=np.float32)
    for mapping in mappings:
        if mapping.num_source_keypoints_at_least > points.shape[1]:
            return None
        points, marks = mapping.apply(points, marks)
    labels = marks[0] if marks.ndim == 2 else marks[0, :, 1]
    return np.asarray(labels > 0)


def _visible(visibility: np.ndarray, mappings: Sequence[Any], num_keypoints: int) -> np.ndarray:
    """(K,) int64: in how many instances, of which (M, Ks) marks are given, each target keypoint is visible."""
    counts = np.zeros(num_keypoints, dtype=np.int64)
    for first in range(0, len(visibility), _ROWS_AT_ONCE):
        marks = visibility[first : first + _ROWS_AT_ONCE]
        points = np.zeros((*marks.shape, 2), dtype=np.float32)  # where they are is of no importance
        for mapping in mappings:
            points, marks = mapping.apply(points, marks)
        counts += np.count_nonzero(marks if marks.ndim == 2 else marks[..., 0], axis=0)
    return counts


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names) if rest <= 0 else f"{', '.join(names[:_LISTED])} and {rest} more"
