"""What every item of a data set says about its keypoint set."""

from __future__ import annotations

from typing import Any

from mmpose_mix.keypoints.schema import KeypointSet


def item_metainfo(keypoints: KeypointSet) -> dict[str, Any]:
    """The keys that MMPose's transforms look for beside the annotation of an item.

    The values are the keypoint set's own tuples and read-only arrays, the same objects in every item.

    Args:
        keypoints: Keypoint set that the item's keypoints are in.

    Returns:
        ``dataset_name`` str; ``upper_body_ids``, ``lower_body_ids``, ``flip_indices`` tuples of ids; ``flip_pairs``,
        ``skeleton_links`` tuples of pairs of ids; ``dataset_keypoint_weights`` (K,) float32.
    """
    return {
        "dataset_name": keypoints.name,
        "upper_body_ids": keypoints.upper_body_ids,
        "lower_body_ids": keypoints.lower_body_ids,
        "flip_pairs": keypoints.flip_pairs,
        "dataset_keypoint_weights": keypoints.weights,
        "flip_indices": keypoints.flip_indices,
        "skeleton_links": keypoints.links,
    }
