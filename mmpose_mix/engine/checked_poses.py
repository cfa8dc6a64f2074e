"""Whether the joints of a source lie where the other sources of its mixture have them, by their annotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from mmpose_mix.engine.checked_coverage import mappings_of
from mmpose_mix.engine.checked_sources import Leaf
from mmpose_mix.keypoints.findings import Finding
from mmpose_mix.keypoints.lint_poses import FEWEST_PERSONS, PoseColumns, lint_poses
from mmpose_mix.keypoints.schema import KeypointSet

# That a joint is never annotated is said of the mixture as a whole; that persons are too few helps nobody here.
_SAID_ELSEWHERE = ("DATA304", "DATA305")


def findings_on_poses(leaves: Sequence[Leaf], target: KeypointSet) -> list[Finding]:
    """Compare the mapped joints of data sets with those of the data set that labels most of the target's keypoints.

    Args:
        leaves: data sets of a mixture; those whose files were not read, or hold few persons, are passed over.
        target: keypoint set of the mixture.
    """
    columns = [(leaf, _columns(leaf, target)) for leaf in leaves]
    known = [(leaf, poses) for leaf, poses in columns if poses is not None and len(poses.keypoints) >= FEWEST_PERSONS]
    if not known:
        return []
    reference_leaf, reference = max(known, key=lambda pair: int(pair[1].labelled.sum()))
    return [
        found
        for leaf, poses in known
        if leaf is not reference_leaf
        for found in lint_poses(poses, reference, target, place=f"{leaf.place}, beside {reference_leaf.place}")
        if found.code not in _SAID_ELSEWHERE
    ]


def _columns(leaf: Leaf, target: KeypointSet) -> Optional[PoseColumns]:
    mappings = mappings_of(leaf)
    if leaf.poses is None or mappings is None:
        return None
    points, marks = leaf.poses
    for mapping in mappings:
        if mapping.num_source_keypoints_at_least > points.shape[1]:
            return None
        points, marks = mapping.apply(points, marks)
    if points.shape[1] != target.num_keypoints:
        return None
    if marks.ndim == 2:
        return PoseColumns(points, marks > 0, (marks >= 0).any(axis=0))
    return PoseColumns(points, marks[..., 0] > 0, (marks[..., 1] > 0).any(axis=0))
