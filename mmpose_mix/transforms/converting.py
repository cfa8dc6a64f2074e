"""From the keypoints of a source to those of the mixture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS

from mmpose_mix.keypoints.mapping import KeypointMapping
from mmpose_mix.registry import TRANSFORMS


@ROOT_TRANSFORMS.register_module()
@TRANSFORMS.register_module()
class KeypointConverter(BaseTransform):
    """Computes the target keypoints of a sample from its source keypoints; for the pipeline of one source.

    The sample that comes in is left as it is, arrays and all. In the one that goes out these keys are new, each where
    it was present and not None; N instances, K target and Ks source keypoints:

    * ``keypoints`` (N, Ks, 2) -> (N, K, 2) float32. An image without instances has none; nothing else changes then.
    * ``keypoints_visible`` (N, Ks) or (N, Ks, 2) -> (N, K, 2) float32: visible, labelled weight. Where it is absent all
      source keypoints count as visible.
    * ``keypoints_3d`` (N, Ks, 3) -> (N, K, 3) float32; ``keypoints_3d_visible`` (N, Ks) -> (N, K) float32.
    * ``lifting_target`` and ``lifting_target_visible``: the rows ``target_idx`` of the converted 3-D keypoints.
    * ``flip_indices``: K ids, see :meth:`KeypointMapping.flip_indices`.
    * ``num_keypoints``: how many target keypoints are visible, as a number or per instance as it came in.

    The other keys that come from the keypoint set of the source (``upper_body_ids``, ``flip_pairs``,
    ``dataset_keypoint_weights``, ..) are replaced by ``CombinedDataset``, from its own.

    Args:
        num_keypoints: K.
        mapping: ``(source, target)`` pairs, or several sources for one target: see :class:`KeypointMapping`.

    Raises:
        ValueError: when built, with every pair that cannot be used; when called, if a pair reads a keypoint that the
            sample does not have.

    Example:
        >>> # the middle of the shoulders 1 and 2 becomes target 0
        >>> convert = KeypointConverter(num_keypoints=3, mapping=[((1, 2), 0), (1, 1), (2, 2)])
        >>> sample = dict(keypoints=np.arange(12).reshape(2, 3, 2), keypoints_visible=np.ones((2, 3)))
        >>> convert(sample)["keypoints"][0].tolist()
        [[3.0, 4.0], [2.0, 3.0], [4.0, 5.0]]
    """

    def __init__(self, num_keypoints: int, mapping: Iterable[Any]) -> None:
        self.keypoint_mapping = KeypointMapping(num_keypoints, mapping)
        self._flips: dict[tuple[int, ...], list[int]] = {}

    @property
    def num_keypoints(self) -> int:
        """K."""
        return self.keypoint_mapping.num_keypoints

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return a new sample that holds the target keypoints."""
        results = results.copy()
        if results.get("flip_indices") is not None:
            results["flip_indices"] = self._flip_indices(results["flip_indices"])
        keypoints = results.get("keypoints")
        if keypoints is None:
            return results
        visible = results.get("keypoints_visible")
        if visible is None:
            visible = np.ones(keypoints.shape[:2], dtype=np.float32)
        points, marks = self.keypoint_mapping.apply(keypoints, visible)
        results["keypoints"], results["keypoints_visible"] = points[..., :2], marks
        if results.get("num_keypoints") is not None:
            results["num_keypoints"] = _visible_like(results["num_keypoints"], marks)
        if results.get("keypoints_3d") is not None:
            self._convert_3d(results, visible)
        return results

    def _flip_indices(self, source_flip_indices: Iterable[int]) -> list[int]:
        source = tuple(source_flip_indices)
        if source not in self._flips:
            self._flips[source] = self.keypoint_mapping.flip_indices(source)
        return self._flips[source].copy()

    def _convert_3d(self, results: dict[str, Any], visible: np.ndarray) -> None:
        own = results.get("keypoints_3d_visible")
        points, marks = self.keypoint_mapping.apply(results["keypoints_3d"], visible if own is None else own)
        results["keypoints_3d"] = points
        if own is not None:
            results["keypoints_3d_visible"] = marks if own.ndim == 3 else marks[..., 0]
        rows = results.get("target_idx")
        if rows is not None:
            results["lifting_target"] = points[rows]
            results["lifting_target_visible"] = results["keypoints_visible"][rows, :, 0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_keypoints={self.num_keypoints}, mapping={list(self.keypoint_mapping.pairs)})"


def _visible_like(before: Any, marks: np.ndarray) -> Any:
    """How many keypoints of (N, K, 2) ``marks`` are visible, in the form that ``before`` has."""
    seen = marks[..., 0]
    if isinstance(before, np.ndarray) and before.ndim:
        return np.count_nonzero(seen, axis=1).astype(before.dtype)
    if isinstance(before, (list, tuple)):
        return np.count_nonzero(seen, axis=1).tolist()
    return int(np.count_nonzero(seen))
