"""The keypoint sets and mappings of a config under the checks of ``keypoints/``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Optional

from mmpose_mix.engine.checked_coverage import mappings_of
from mmpose_mix.engine.checked_sources import Leaf
from mmpose_mix.keypoints.findings import Finding
from mmpose_mix.keypoints.lint_mappings import lint_mapping, lint_unconverted
from mmpose_mix.keypoints.lint_sets import lint_sets
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import keypoint_set


def findings_on_sets(leaves: Sequence[Leaf], target: Optional[KeypointSet]) -> list[Finding]:
    """Return what is wrong with the keypoint sets of the data, and of the mixture, by themselves.

    Args:
        leaves: data sets, their files read or not.
        target: what the training data deliver; None where unknown.
    """
    sets = [_set_of(leaf) for leaf in leaves] + [target]
    infos = {one.name: one.dataset_info() for one in sets if one is not None}
    return lint_sets(infos)


def findings_on_mappings(leaves: Sequence[Leaf], target: Optional[KeypointSet]) -> list[Finding]:
    """Return what is wrong with the mappings from the keypoint sets of data sets to that of their mixture.

    Args:
        leaves: data sets of the mixture whose numbers of keypoints fit, their conversions bound.
        target: keypoint set of the mixture.
    """
    findings = []
    for leaf in leaves:
        converters = list(_converters(leaf))
        arriving = _set_of(leaf)
        if mappings_of(leaf) == [] and arriving is not None and target is not None:
            findings += lint_unconverted(arriving, target, place=leaf.place)
        for place, converter in enumerate(converters):
            # between two conversions the names are known only where the converter tells them
            last = place == len(converters) - 1
            leaving = getattr(converter, "target", None) or (target if last else None)
            where = f"{leaf.place} (KeypointConverter)"
            findings += lint_mapping(
                converter.keypoint_mapping, arriving, leaving, place=where, dropped=_dropped(converter)
            )
            arriving = leaving
    return findings


def _set_of(leaf: Leaf) -> Optional[KeypointSet]:
    metainfo = getattr(leaf.dataset, "metainfo", None)
    return keypoint_set(metainfo) if metainfo and "keypoint_id2name" in metainfo else None


def _converters(leaf: Leaf) -> Iterator[Any]:
    """The conversions of a data set whose mapping is known."""
    for transform in leaf.transforms:
        if hasattr(type(transform), "keypoint_mapping") and getattr(transform, "is_bound", True):
            yield transform


def _dropped(converter: Any) -> list[str]:
    matching = getattr(converter, "matching", None)
    return [] if matching is None else [row.target for row in matching.keypoints if row.how == "dropped"]
