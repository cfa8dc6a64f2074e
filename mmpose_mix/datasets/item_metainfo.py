"""What every item of a data set says about its keypoint set."""

from __future__ import annotations

from typing import Any, Optional

from mmpose_mix.keypoints.schema import KeypointSet


class ItemMetainfo(dict):
    """The keys that MMPose's transforms look for beside the annotation of an item, to be put into each item.

    ``upper_body_ids``, ``lower_body_ids``, ``flip_indices`` are tuples of ids; ``flip_pairs``, ``skeleton_links`` are
    tuples of pairs of ids; ``dataset_keypoint_weights`` is (K,) float32. The values are the keypoint set's own tuples
    and read-only arrays, the same objects in every item. A deep copy is the instance itself.

    Args:
        keypoints: Keypoint set that the item's keypoints are in.
        dataset_name: What the item says of its data set; ``None``: nothing.
    """

    def __init__(self, keypoints: KeypointSet, dataset_name: Optional[str]) -> None:
        self._given = keypoints, dataset_name
        super().__init__(
            upper_body_ids=keypoints.upper_body_ids,
            lower_body_ids=keypoints.lower_body_ids,
            flip_pairs=keypoints.flip_pairs,
            dataset_keypoint_weights=keypoints.weights,
            flip_indices=keypoints.flip_indices,
            skeleton_links=keypoints.links,
        )
        if dataset_name is not None:
            self["dataset_name"] = dataset_name

    def __deepcopy__(self, memo: dict[int, Any]) -> ItemMetainfo:
        return self

    def __reduce__(self) -> tuple[type, tuple[KeypointSet, Optional[str]]]:
        return type(self), self._given
