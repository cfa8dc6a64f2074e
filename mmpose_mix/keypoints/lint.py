"""All checks of keypoint sets, mappings, numbers of keypoints and annotations, and what they find."""

from mmpose_mix.keypoints.findings import CODES, ERROR, NOTE, WARNING, Code, Finding, in_order_of_severity
from mmpose_mix.keypoints.lint_counts import lint_annotated, lint_head, lint_metric, lint_output_indices
from mmpose_mix.keypoints.lint_mappings import lint_mapping, lint_unconverted
from mmpose_mix.keypoints.lint_poses import PoseColumns, lint_poses
from mmpose_mix.keypoints.lint_sets import lint_set, lint_sets
from mmpose_mix.keypoints.outline import KeypointOutline, outline_of

__all__ = [
    "CODES",
    "ERROR",
    "NOTE",
    "WARNING",
    "Code",
    "Finding",
    "KeypointOutline",
    "PoseColumns",
    "in_order_of_severity",
    "lint_annotated",
    "lint_head",
    "lint_mapping",
    "lint_metric",
    "lint_output_indices",
    "lint_poses",
    "lint_set",
    "lint_sets",
    "lint_unconverted",
    "outline_of",
]
