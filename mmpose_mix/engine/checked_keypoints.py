"""The keypoint sets of a config under the checks of ``keypoints/``: what is wrong with them by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from mmpose_mix.engine.checked_sources import Leaf
from mmpose_mix.keypoints.findings import Finding
from mmpose_mix.keypoints.lint_sets import lint_sets
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import keypoint_set


def findings_on_keypoints(leaves: Sequence[Leaf], target: Optional[KeypointSet]) -> list[Finding]:
    """Return what the checks find in the keypoint sets of the data, and of the mixture.

    Args:
        leaves: data sets, their files read or not.
        target: what the training data deliver; None where unknown.
    """
    sets = [keypoint_set(leaf.dataset.metainfo) for leaf in leaves if getattr(leaf.dataset, "metainfo", None)]
    sets += [] if target is None else [target]
    infos = {one.name: one.dataset_info() for one in sets}
    return lint_sets(infos)
