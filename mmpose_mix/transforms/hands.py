"""From one hand to the keypoints of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms.converting import KeypointConverter

RIGHT, LEFT = (1, 0), (0, 1)


@TRANSFORMS.register_module()
class SingleHandConverter(BaseTransform):
    """Puts the keypoints of a single hand to the left or the right hand of the target, as ``hand_type`` says.

    ``hand_type`` of a sample is (N, 2), or (1, 2) or (2,) for all N instances: ``[1, 0]`` is a right hand, ``[0, 1]`` a
    left one. The keys of :class:`KeypointConverter` are converted as there, each instance by the table of its hand. In
    a mirrored image the keypoints of one hand become those of the other, which ``flip_indices`` says.

    Args:
        num_keypoints: K of the target.
        left_hand_mapping: ``(source, target)`` pairs of ids for left hands; several sources as in
            :class:`KeypointConverter`.
        right_hand_mapping: the same for right hands.

    Raises:
        ValueError: when built, with every pair that cannot be used; when called, where ``hand_type`` is absent, has
            another shape, or is neither a left nor a right hand: both hands at once, or none.

    Example:
        >>> convert = SingleHandConverter(4, left_hand_mapping=[(0, 0), (1, 1)], right_hand_mapping=[(0, 2), (1, 3)])
        >>> hands = dict(keypoints=np.ones((2, 2, 2)), hand_type=np.array([[0, 1], [1, 0]]))
        >>> convert(hands)["keypoints_visible"][..., 1].tolist()
        [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]
    """

    def __init__(self, num_keypoints: int, left_hand_mapping: Sequence[Any], right_hand_mapping: Sequence[Any]) -> None:
        self.left_hand_converter = _converter(num_keypoints, left_hand_mapping, "left_hand_mapping")
        self.right_hand_converter = _converter(num_keypoints, right_hand_mapping, "right_hand_mapping")

    @property
    def num_keypoints(self) -> int:
        """K."""
        return self.left_hand_converter.keypoint_mapping.num_keypoints

    @property
    def mapping(self) -> list[Any]:
        """The pairs of both hands, for those who ask which source keypoints are read."""
        both = (self.left_hand_converter, self.right_hand_converter)
        return [pair for converter in both for pair in converter.keypoint_mapping.pairs]

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return a new sample that holds the target keypoints."""
        flip = results.get("flip_indices")
        keypoints = results.get("keypoints")
        right = None if keypoints is None else _is_right(results, len(keypoints))
        if right is None or not right.any():
            converted = self.left_hand_converter(results)
        elif right.all():
            converted = self.right_hand_converter(results)
        else:
            converted = _by_instance(right, self.right_hand_converter(results), self.left_hand_converter(results))
        if flip is not None:
            converted["flip_indices"] = self._flip_indices(flip)
        return converted

    def _flip_indices(self, source: Sequence[int]) -> list[int]:
        """A target of the left hand becomes that of the right one with the mirrored sources, and back."""
        left, right = (
            {pair[1]: pair for pair in converter.keypoint_mapping.pairs}
            for converter in (self.left_hand_converter, self.right_hand_converter)
        )
        flip = list(range(self.num_keypoints))
        for ours, theirs in ((left, right), (right, left)):
            partners = {_parts(pair, range(len(source))): target for target, pair in theirs.items()}
            for target, pair in ours.items():
                flip[target] = partners.get(_parts(pair, source), flip[target])
        return flip

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_keypoints={self.num_keypoints}, "
            f"left_hand_mapping={list(self.left_hand_converter.keypoint_mapping.pairs)}, "
            f"right_hand_mapping={list(self.right_hand_converter.keypoint_mapping.pairs)})"
        )


def _converter(num_keypoints: int, pairs: Sequence[Any], argument: str) -> KeypointConverter:
    try:
        converter = KeypointConverter(num_keypoints, pairs)
    except ValueError as error:
        raise ValueError(f"SingleHandConverter: {argument}: {error}") from error
    if not converter.is_bound:
        raise ValueError(f"SingleHandConverter: {argument}={pairs!r} holds names; give pairs of ids")
    return converter


def _is_right(results: dict[str, Any], num_instances: int) -> np.ndarray:
    """(N,) bool of each instance's hand."""
    where = f"SingleHandConverter: image {results.get('img_path', results.get('img_id', 'without a path'))!r}"
    if results.get("hand_type") is None:
        raise ValueError(
            f"{where}: there is no hand_type, which says the hand of each instance. Take a data set that labels it, or "
            f"a KeypointConverter where all hands are the same."
        )
    types = np.atleast_2d(np.asarray(results["hand_type"], dtype=np.float64))
    if types.ndim != 2 or types.shape[1] != 2 or len(types) not in (1, num_instances):
        raise ValueError(
            f"{where}: hand_type has the shape {np.shape(results['hand_type'])}; it must be ({num_instances}, 2) or "
            f"(1, 2)."
        )
    right, left = (np.isclose(types, hand).all(axis=1) for hand in (RIGHT, LEFT))
    if not (right | left).all():
        wrong = types[~(right | left)].tolist()
        raise ValueError(
            f"{where}: hand_type {wrong} is neither a right hand, [1, 0], nor a left one, [0, 1]. Leave images of both "
            f"hands to a KeypointConverter."
        )
    return np.broadcast_to(right, (num_instances,))


def _by_instance(right: np.ndarray, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The rows of ``one`` where ``right``, those of ``other`` elsewhere."""
    mixed = dict(one)
    for key in ("keypoints", "keypoints_visible", "keypoints_3d", "keypoints_3d_visible"):
        if one.get(key) is not None:
            rows = right.reshape(-1, *[1] * (one[key].ndim - 1))
            mixed[key] = np.where(rows, one[key], other[key])
    if isinstance(one.get("num_keypoints"), (list, tuple, np.ndarray)):
        counts = np.where(right, one["num_keypoints"], other["num_keypoints"])
        mixed["num_keypoints"] = counts if isinstance(one["num_keypoints"], np.ndarray) else counts.tolist()
    elif one.get("num_keypoints") is not None:
        mixed["num_keypoints"] = int(np.count_nonzero(mixed["keypoints_visible"][..., 0]))
    if one.get("lifting_target") is not None and one.get("target_idx") is not None:
        mixed["lifting_target"] = mixed["keypoints_3d"][one["target_idx"]]
        mixed["lifting_target_visible"] = mixed["keypoints_visible"][one["target_idx"], :, 0]
    return mixed


def _parts(pair: Any, mirrored: Sequence[int]) -> frozenset[tuple[int, float]]:
    """Source ids, as ``mirrored`` says, with their weights."""
    sources = pair[0] if isinstance(pair[0], tuple) else (pair[0],)
    weights = pair[2] if len(pair) == 3 else (1 / len(sources),) * len(sources)
    return frozenset((int(mirrored[source]), weight) for source, weight in zip(sources, weights))
