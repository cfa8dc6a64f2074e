"""Annotated persons of a data set as columns, in the keypoints of a mixture, without reading an image."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from mmpose_mix.keypoints.lint_poses import PoseColumns
from mmpose_mix.keypoints.mapping import KeypointMapping

MOST_ITEMS = 2000


def pose_columns(dataset: Any, mapping: Optional[KeypointMapping] = None, most: int = MOST_ITEMS) -> PoseColumns:
    """Read the annotated persons of a data set.

    Args:
        dataset: Has ``get_data_info``, as the data sets of this project and of MMPose; its files are read.
        mapping: To the target's keypoints; None where the data set has them.
        most: Items that are read, evenly over the data set.

    Returns:
        The persons; of items without any there is nothing.

    Raises:
        TypeError: if ``dataset`` has no ``get_data_info``.
    """
    if not hasattr(dataset, "get_data_info"):
        raise TypeError(
            f"pose_columns: a {type(dataset).__name__} has no get_data_info; give the data set that it wraps"
        )
    size = len(dataset)
    places = np.unique(np.linspace(0, size - 1, min(size, most)).astype(np.int64)) if size else []
    infos = [dataset.get_data_info(int(place)) for place in places]
    infos = [info for info in infos if "keypoints" in info]
    count = dataset.metainfo["num_keypoints"]
    points = np.concatenate([np.zeros((0, count, 2), np.float32), *(info["keypoints"][..., :2] for info in infos)])
    marks = [np.asarray(info["keypoints_visible"], dtype=np.float32) for info in infos]
    visible = np.concatenate([np.zeros((0, count), np.float32), *(m[..., 0] if m.ndim == 3 else m for m in marks)])
    labelled = np.ones(count, dtype=np.bool_)
    if mapping is not None:
        points, both = mapping.apply(points, visible)
        visible, labelled = both[..., 0], mapping.labelled
    return PoseColumns(points, visible > 0, labelled)
