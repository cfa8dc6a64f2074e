"""From the keypoints of a source to those of the mixture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS

from mmpose_mix.keypoints.aliases import AliasTable
from mmpose_mix.keypoints.mapping import LEAST, KeypointMapping, PointRule
from mmpose_mix.keypoints.matching import Matching, match_keypoints
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import named_keypoint_set
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

    Which source keypoint becomes which target is written by ids or by names. Names need the two keypoint sets: the
    ``source`` that the data set labels and the ``target``. Inside of a ``CombinedDataset`` both may be left out: they
    are then the keypoint sets of the data set and of the mixture, as :meth:`bind` says.

    Args:
        num_keypoints: K; by default that of ``target``.
        mapping: one of

            * ``(source, target)`` pairs of ids, or several sources for one target: see :class:`KeypointMapping`;
            * the same pairs with names in the place of ids: ``('left_hip', 'left_hip')``;
            * a dict from target to point: ``dict(neck=[('left_shoulder', 0.5), ('right_shoulder', 0.5)])``, where a
              point is a source, a list of sources for their mean, a list of (source, weight) with weights that sum to
              1, or ``dict(of=<these>, visible=..., labelled=...)``;
            * ``'auto'``: the source keypoint that is the same joint, by name or alias; see :func:`match_keypoints`.
        source: the data set's keypoint set: ``'aic'``, a metainfo file or a metainfo dict.
        target: the same of the target.
        points: such a dict beside ``'auto'`` or pairs, for the targets that it names.
        drop: targets that stay not labelled.
        require: targets that must be labelled.
        approximate: whether joints that only lie close to each other may stand in for each other: True, or a list of
            the targets for which.
        aliases: file, or files, that extend the shipped aliases.
        visible: how visible a point of several sources is: ``'min'``, as the least visible of them, ``'all'`` or
            ``'any'``, see :class:`PointRule`.
        labelled: the same of its label weight.

    Raises:
        TypeError: if there is no mapping.
        ValueError: when built or bound, with every pair, name or point that cannot be used; when called, if a pair
            reads a keypoint that the sample does not have, or if the keypoint sets are still unknown.
        FileNotFoundError: if a metainfo or alias file does not exist.

    Example:
        >>> # the middle of the shoulders 1 and 2 becomes target 0
        >>> convert = KeypointConverter(num_keypoints=3, mapping=[((1, 2), 0), (1, 1), (2, 2)])
        >>> sample = dict(keypoints=np.arange(12).reshape(2, 3, 2), keypoints_visible=np.ones((2, 3)))
        >>> convert(sample)["keypoints"][0].tolist()
        [[3.0, 4.0], [2.0, 3.0], [4.0, 5.0]]
        >>> KeypointConverter(mapping="auto", source="aic", target="coco_aic", drop=["neck"]).matching.keypoints[17].how
        'same name'
    """

    def __init__(
        self,
        num_keypoints: Optional[int] = None,
        mapping: Any = None,
        *,
        source: Any = None,
        target: Any = None,
        points: Optional[Mapping[Any, Any]] = None,
        drop: Sequence[Any] = (),
        require: Sequence[Any] = (),
        approximate: Union[bool, Sequence[Any]] = False,
        aliases: Any = None,
        visible: str = "min",
        labelled: str = "min",
    ) -> None:
        if mapping is None:
            raise TypeError("KeypointConverter: mapping is missing; give pairs, a dict of points, or 'auto'")
        self._rule = PointRule(visible, labelled)
        self._aliases = _alias_table(aliases)
        self._given = mapping if isinstance(mapping, (str, Mapping)) else list(mapping)
        self._choices = {"points": points, "drop": drop, "require": require, "approximate": approximate}
        self._num_keypoints = num_keypoints
        self._flips: dict[tuple[int, ...], list[int]] = {}
        self._mapping: Optional[KeypointMapping] = None
        self.source = None if source is None else named_keypoint_set(source)
        self.target = None if target is None else named_keypoint_set(target)
        self.matching: Optional[Matching] = None
        needs_no_names = num_keypoints is not None and _is_of_ids(self._given) and not any(self._choices.values())
        if self.source is not None and self.target is not None:
            self._match(self.source, self.target)
        elif needs_no_names:
            self._check_num_keypoints()
            self._mapping = _mapping_of_ids(num_keypoints, self._given, self._rule)

    @property
    def is_bound(self) -> bool:
        """Whether the mapping is known; without names it always is, with names once both keypoint sets are."""
        return self._mapping is not None

    @property
    def keypoint_mapping(self) -> KeypointMapping:
        """The mapping. Raises ``ValueError`` while a keypoint set that it needs is unknown."""
        if self._mapping is None:
            unknown = [name for name in ("source", "target") if getattr(self, name) is None]
            raise ValueError(
                f"KeypointConverter: mapping={self._given!r} speaks of names, but {' and '.join(unknown)} "
                f"{'is' if len(unknown) == 1 else 'are'} unknown. Give {', '.join(f'{name}=...' for name in unknown)}, "
                f"such as 'coco' or a metainfo file; only in the pipeline of a source of CombinedDataset may they be "
                f"left out."
            )
        return self._mapping

    @property
    def num_keypoints(self) -> Optional[int]:
        """K; None while neither it nor the target is known."""
        if self._mapping is not None:
            return self._mapping.num_keypoints
        return self._num_keypoints if self.target is None else self.target.num_keypoints

    @property
    def converts_instances_alike(self) -> bool:
        """Whether a sample of many instances is converted as each of them alone: where no subclass does it its way."""
        own = type(self)
        return own.transform is KeypointConverter.transform and own.__call__ is KeypointConverter.__call__

    def bind(self, source: KeypointSet, target: KeypointSet) -> None:
        """Take keypoint sets for those that are not given; without effect where the mapping is known.

        Raises:
            ValueError: what the constructor does about names.
        """
        if self.is_bound:
            return
        self._match(self.source or source, self.target or target)

    def _match(self, source: KeypointSet, target: KeypointSet) -> None:
        self._check_num_keypoints(target)
        try:
            self.matching = match_keypoints(
                source, target, self._given, aliases=self._aliases, rule=self._rule, **self._choices
            )
        except ValueError as error:
            raise ValueError(f"KeypointConverter: {error}") from error
        self.source, self.target, self._mapping = source, target, self.matching.mapping

    def _check_num_keypoints(self, target: Optional[KeypointSet] = None) -> None:
        target = target or self.target
        if target is not None and self._num_keypoints not in (None, target.num_keypoints):
            raise ValueError(
                f"KeypointConverter: num_keypoints={self._num_keypoints}, but the target {target.name!r} has "
                f"{target.num_keypoints}. Leave num_keypoints out, or name another target."
            )

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return a new sample that holds the target keypoints."""
        results = results.copy()
        flip_indices = results.get("flip_indices")
        if flip_indices is not None:
            results["flip_indices"] = self._flip_indices(flip_indices)
        keypoints = results.get("keypoints")
        if keypoints is None:
            return results
        visible = results.get("keypoints_visible")
        if visible is None:
            visible = np.ones(keypoints.shape[:2], dtype=np.float32)
        points, marks = (self._mapping or self.keypoint_mapping).apply(keypoints, visible)
        results["keypoints"] = points if points.shape[2] == 2 else points[..., :2]
        results["keypoints_visible"] = marks
        num_keypoints = results.get("num_keypoints")
        if num_keypoints is not None:
            results["num_keypoints"] = _visible_like(num_keypoints, marks)
        if results.get("keypoints_3d") is not None:
            self._convert_3d(results, visible)
        return results

    def _flip_indices(self, source_flip_indices: Iterable[int]) -> list[int]:
        source = tuple(source_flip_indices)
        flip_indices = self._flips.get(source)
        if flip_indices is None:
            flip_indices = self._flips[source] = self.keypoint_mapping.flip_indices(source)
        return flip_indices.copy()

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
        if self._mapping is None:
            return f"{type(self).__name__}(mapping={self._given!r}, unbound)"
        return f"{type(self).__name__}(num_keypoints={self.num_keypoints}, mapping={list(self._mapping.pairs)})"


def _alias_table(files: Any) -> Optional[AliasTable]:
    if files is None:
        return None
    return AliasTable.extended_by(*(files if isinstance(files, (list, tuple)) else [files]))


def _is_of_ids(mapping: Any) -> bool:
    """Whether a mapping is a list in which no name stands, so that no keypoint set is needed to read it."""
    return isinstance(mapping, list) and not any(map(_holds_text, mapping))


def _holds_text(value: Any) -> bool:
    return any(map(_holds_text, value)) if isinstance(value, (list, tuple)) else isinstance(value, str)


def _mapping_of_ids(num_keypoints: Any, pairs: list[Any], rule: PointRule) -> KeypointMapping:
    mapping = KeypointMapping(num_keypoints, pairs)
    if rule == LEAST:
        return mapping
    return KeypointMapping(
        num_keypoints, mapping.pairs, {pair[1]: rule for pair in mapping.pairs if isinstance(pair[0], tuple)}
    )


def _visible_like(before: Any, marks: np.ndarray) -> Any:
    """How many keypoints of (N, K, 2) ``marks`` are visible, in the form that ``before`` has."""
    seen = marks[..., 0]
    if type(before) is int:
        return int(np.count_nonzero(seen.copy()))  # of numbers that lie together: in half the time
    if isinstance(before, np.ndarray) and before.ndim:
        return np.count_nonzero(seen, axis=1).astype(before.dtype)
    if isinstance(before, (list, tuple)):
        return np.count_nonzero(seen, axis=1).tolist()
    return int(np.count_nonzero(seen))
