"""Keypoint mappings: how each target keypoint is computed from the keypoints of a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Optional, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

Source = Union[int, tuple[int, ...]]
Pair = Union[tuple[Source, int], tuple[tuple[int, ...], int, tuple[float, ...]]]

WEIGHT_TOLERANCE = 1e-6
RULES = ("min", "all", "any")


@dataclass(frozen=True)
class PointRule:
    """How the marks of a target with several sources follow from the marks of these.

    * ``min``: as visible (labelled) as the least of the sources; for marks of 0 and 1 the same as ``all``.
    * ``all``: 1 where every source has a mark above 0, else 0.
    * ``any``: as visible (labelled) as the most of the sources. With ``visible="any"`` the place is the weighted sum of
      the visible sources alone, their weights scaled to sum to 1.

    Attributes:
        visible: Rule of the visibility.
        labelled: Rule of the label weight.

    Raises:
        ValueError: if a rule is none of the three.
    """

    visible: str = "min"
    labelled: str = "min"

    def __post_init__(self) -> None:
        wrong = [f"{name}={rule!r}" for name, rule in vars(self).items() if rule not in RULES]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} is no rule of visibility; allowed are {', '.join(RULES)}")


LEAST = PointRule()

_FLOAT32 = np.dtype(np.float32)
_ZERO_AND_ONE = np.array([0, 1], dtype=np.float32)


class _Reading(NamedTuple):
    """Where each number of a result stands among the :func:`_laid_end_to_end` ones of an instance.

    Of K targets, C of which have up to A sources:

    Args:
        places: (1, K, D).
        marks: (1, K, 2).
        corners: (1, C, A, D).
        ends: (1, C, A, 2), the marks of the corners.
    """

    places: NDArray[np.intp]
    marks: NDArray[np.intp]
    corners: NDArray[np.intp]
    ends: NDArray[np.intp]


@dataclass(frozen=True, init=False)
class KeypointMapping:
    """Computes K target keypoints from Ks source keypoints.

    Each pair is one of

    * ``(source, target)``: the target is that source keypoint;
    * ``((source, source, ..), target)``: the mean of the sources, so the midpoint of two;
    * ``((source, source, ..), target, (weight, weight, ..))``: the weighted sum. Weights sum to 1, so that the point
      moves with the picture; a weight may be negative, which places the point beyond its sources.

    Targets that no pair names are *not labelled*.

    Args:
        num_keypoints: K, at least 1.
        pairs: The pairs, tuples or lists; each target at most once.
        rules: Of targets with several sources, by target id; ``LEAST``, that is ``PointRule()``, where absent.

    Attributes:
        num_source_keypoints_at_least: The fewest source keypoints that the pairs can be applied to.

    Raises:
        ValueError: with every pair that cannot be used.

    >>> neck = KeypointMapping(3, [(0, 1), (1, 2), ((0, 1), 0)])
    >>> points, marks = neck.apply([[[2, 4], [6, 8]]], [[1, 1]])
    >>> points[0].tolist()
    [[4.0, 6.0], [2.0, 4.0], [6.0, 8.0]]
    >>> neck.flip_indices([1, 0])
    [0, 2, 1]
    """

    num_keypoints: int
    pairs: tuple[Pair, ...]
    rules: tuple[tuple[int, PointRule], ...] = field(repr=False)
    num_source_keypoints_at_least: int = field(repr=False, compare=False)
    _gather: NDArray[np.intp] = field(repr=False, compare=False)
    _unlabelled: NDArray[np.intp] = field(repr=False, compare=False)
    _combined: NDArray[np.intp] = field(repr=False, compare=False)
    _corners: NDArray[np.intp] = field(repr=False, compare=False)
    _weights: NDArray[np.float32] = field(repr=False, compare=False)
    _rule_codes: Optional[NDArray[np.intp]] = field(repr=False, compare=False)
    _readings: dict[tuple[tuple[int, ...], tuple[int, ...]], _Reading] = field(repr=False, compare=False)

    def __init__(
        self, num_keypoints: int, pairs: Iterable[Any], rules: Optional[Mapping[int, PointRule]] = None
    ) -> None:
        terms = _checked_terms(num_keypoints, pairs)
        ruled = {target: rule for target, rule in sorted((rules or {}).items()) if rule != LEAST}
        _check_rules(ruled, terms)
        sources = {target: tuple(source for source, _ in parts) for target, parts in terms.items()}
        combined = [target for target, parts in sources.items() if len(parts) > 1]
        arity = max((len(sources[target]) for target in combined), default=0)
        gather = [sources[target][0] if target in sources else 0 for target in range(num_keypoints)]
        # a short row repeats its first source with weight 0: neither the sum nor the minimum sees it
        corners = [sources[target] + sources[target][:1] * (arity - len(sources[target])) for target in combined]
        weights = [[weight for _, weight in terms[t]] + [0.0] * (arity - len(terms[t])) for t in combined]
        compiled = {
            "num_keypoints": int(num_keypoints),
            "pairs": tuple(_canonical_pair(target, parts) for target, parts in terms.items()),
            "rules": tuple(ruled.items()),
            "_gather": np.array(gather, dtype=np.intp),
            "_unlabelled": np.array([t for t in range(num_keypoints) if t not in sources], dtype=np.intp),
            "_combined": np.array(combined, dtype=np.intp),
            "_corners": np.array(corners, dtype=np.intp).reshape(len(combined), arity),
            "_weights": np.array(weights, dtype=np.float32).reshape(len(combined), arity),
            "_rule_codes": _codes_of_rules(combined, ruled),
            "_readings": {},
            "num_source_keypoints_at_least": 1 + max((max(some) for some in sources.values()), default=-1),
        }
        for name, value in compiled.items():
            object.__setattr__(self, name, value)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(K,) bool: whether a pair names the target."""
        labelled = np.ones(self.num_keypoints, dtype=np.bool_)
        labelled[self._unlabelled] = False
        return labelled

    def check_source(self, num_source_keypoints: int) -> None:
        """Raise ``ValueError`` where a pair reads a keypoint that a source with that many keypoints does not have."""
        if num_source_keypoints >= self.num_source_keypoints_at_least:
            return
        beyond = [pair for pair in self.pairs if max(_sources_of(pair)) >= num_source_keypoints]
        raise ValueError(
            f"KeypointMapping: the source has {num_source_keypoints} keypoints, ids 0..{num_source_keypoints - 1}, "
            f"but these pairs read beyond them: {', '.join(map(str, beyond))}. "
            f"Change the pairs, or apply the mapping to a source with {self.num_source_keypoints_at_least} keypoints."
        )

    def apply(self, keypoints: ArrayLike, visible: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Compute the target keypoints.

        A copied keypoint keeps its visibility. A combined one is as visible as the least visible of its sources and
        labelled as the least labelled of them. Where one source is not visible its place is unknown (data sets write
        (0, 0) there), so the combined place is unknown as well: coordinates 0, visible 0. Another :class:`PointRule`
        says otherwise. A target that is not labelled has coordinates 0, visible 0, labelled 0.

        Args:
            keypoints: (N, Ks, D) coordinates, D 2 or 3, in any unit; N may be 0.
            visible: (N, Ks) visibility in 0..1, every keypoint then being labelled; or (N, Ks, 2) visible and labelled
                weight as this function returns them, so that mappings can be chained.

        Returns:
            Keypoints (N, K, D) float32 and (N, K, 2) float32: visible, labelled weight. New arrays.

        Raises:
            ValueError: if the shapes do not fit each other or the mapping.
        """
        points, marks = np.ascontiguousarray(keypoints, _FLOAT32), np.ascontiguousarray(visible, _FLOAT32)
        shapes = points.shape, marks.shape
        reading = self._readings.get((shapes[0][1:], shapes[1][1:]))
        if reading is None or shapes[0][0] != shapes[1][0]:
            reading = self._reading(*shapes)
        numbers = _laid_end_to_end(points, marks)
        placed, marked = _read(numbers, reading.places), _read(numbers, reading.marks)
        if reading.ends.size:
            sums, combined = self._combine(_read(numbers, reading.corners), _read(numbers, reading.ends))
            placed[:, self._combined], marked[:, self._combined] = sums, combined
        return placed, marked

    def _reading(self, points: tuple[int, ...], marks: tuple[int, ...]) -> _Reading:
        """Of arguments of these shapes."""
        self._check_shapes(points, marks)
        _, keypoints, dims = points
        per_keypoint = 2 if len(marks) == 3 else 1
        zero = keypoints * (dims + per_keypoint)
        place = np.arange(keypoints * dims).reshape(keypoints, dims)
        mark = keypoints * dims + np.arange(keypoints * per_keypoint).reshape(keypoints, per_keypoint)
        if per_keypoint == 1:
            mark = np.concatenate([mark, np.full_like(mark, zero + 1)], axis=1)
        # one more source keypoint, which is 0 in everything, for the targets that are not labelled
        place, mark = (np.pad(every, ((0, 1), (0, 0)), constant_values=zero) for every in (place, mark))
        gather = np.where(self.labelled, self._gather, keypoints)
        reading = _Reading(
            place[gather][None], mark[gather][None], place[self._corners][None], mark[self._corners][None]
        )
        return self._readings.setdefault((points[1:], marks[1:]), reading)

    def _combine(
        self, corners: NDArray[np.float32], ends: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Places (N, C, D) and marks (N, C, 2) of the targets with several sources, from their (N, C, A, ..)."""
        if self._rule_codes is None:
            combined = ends.min(axis=2)
            sums = (corners * self._weights[..., None]).sum(axis=2)
        else:
            least = ends.min(axis=2)
            combined = np.choose(self._rule_codes, [least, (least > 0).astype(np.float32), ends.max(axis=2)])
            of_any = self._rule_codes[:, 0] == RULES.index("any")
            seen = (ends[..., 0] > 0) | ~of_any[:, None]
            weights = self._weights * seen
            total = np.where(of_any, weights.sum(axis=2), np.float32(1))
            weights /= np.where(total > 0, total, np.float32(1))[..., None]
            sums = (np.where(seen[..., None], corners, np.float32(0)) * weights[..., None]).sum(axis=2)
        return np.where(combined[..., :1] > 0, sums, np.float32(0)), combined

    def flip_indices(self, source_flip_indices: Sequence[int]) -> list[int]:
        """What each target keypoint becomes in a mirrored image.

        Mirroring exchanges the sources of a target; its partner is the target computed from the exchanged sources with
        the same weights. A target that is not labelled, or whose partner is not, stays itself: a mapping knows nothing
        about it, the metainfo of the target keypoint set does.

        Args:
            source_flip_indices: The same of the Ks source keypoints.

        Returns:
            K ids.

        Raises:
            ValueError: if there are fewer source indices than the pairs read.
        """
        self.check_source(len(source_flip_indices))
        rules = dict(self.rules)
        targets: dict[tuple[Terms, Optional[PointRule]], list[int]] = {}
        for pair in self.pairs:
            targets.setdefault((_terms_of(pair), rules.get(pair[1])), []).append(pair[1])
        flip = list(range(self.num_keypoints))
        for (terms, rule), some in targets.items():
            mirrored = tuple(sorted((int(source_flip_indices[source]), weight) for source, weight in terms))
            for target, partner in zip(some, targets.get((mirrored, rule), ())):
                flip[target] = partner
        return flip

    def _check_shapes(self, points: tuple[int, ...], marks: tuple[int, ...]) -> None:
        if len(points) != 3 or points[2] not in (2, 3):
            raise ValueError(f"KeypointMapping: keypoints must have shape (N, Ks, 2) or (N, Ks, 3), got {points}")
        if marks not in (points[:2], points[:2] + (2,)):
            raise ValueError(
                f"KeypointMapping: visible must have shape {points[:2]} or {points[:2] + (2,)} "
                f"to fit keypoints of shape {points}, got {marks}"
            )
        if points[1] < self.num_source_keypoints_at_least:
            self.check_source(points[1])


Terms = tuple[tuple[int, float], ...]


def _laid_end_to_end(points: NDArray[np.float32], marks: NDArray[np.float32]) -> NDArray[np.float32]:
    """All numbers of each of N instances, (N, W): its points, its marks, 0 and 1. Of one instance (W,)."""
    instances = len(points)
    if instances == 1:  # nearly every item is of one, and np.concatenate takes thrice as long
        return np.frombuffer(b"".join((points.data, marks.data, _ZERO_AND_ONE.data)), _FLOAT32)
    ends = np.broadcast_to(_ZERO_AND_ONE, (instances, 2))
    width = points.shape[1] * points.shape[2]
    return np.concatenate(
        [points.reshape(instances, width), marks.reshape(instances, -1 if marks.size else 0), ends], 1
    )


def _read(numbers: NDArray[np.float32], places: NDArray[np.intp]) -> NDArray[np.float32]:
    """The numbers at (1, ..) places of each instance, (N, ..)."""
    return numbers.take(places) if numbers.ndim == 1 else numbers.take(places[0], 1)


def _sources_of(pair: Pair) -> tuple[int, ...]:
    return pair[0] if isinstance(pair[0], tuple) else (pair[0],)


def _terms_of(pair: Pair) -> Terms:
    """Source ids with their weights, in the order of the ids."""
    sources = _sources_of(pair)
    weights = pair[2] if len(pair) == 3 else (1 / len(sources),) * len(sources)
    return tuple(sorted(zip(sources, weights)))


def _canonical_pair(target: int, terms: Terms) -> Pair:
    sources, weights = tuple(source for source, _ in terms), tuple(weight for _, weight in terms)
    if len(sources) == 1:
        return sources[0], target
    if weights == (1 / len(sources),) * len(sources):
        return sources, target
    return sources, target, weights


def _codes_of_rules(combined: Sequence[int], rules: Mapping[int, PointRule]) -> Optional[NDArray[np.intp]]:
    """(C, 2) places in ``RULES`` of visible and labelled, None where all are ``min``."""
    if not rules:
        return None
    chosen = [rules.get(target, LEAST) for target in combined]
    return np.array([(RULES.index(rule.visible), RULES.index(rule.labelled)) for rule in chosen], dtype=np.intp)


def _check_rules(rules: Mapping[int, PointRule], terms: Mapping[int, Terms]) -> None:
    findings = []
    for target, rule in rules.items():
        parts = terms.get(target, ())
        if len(parts) < 2:
            findings.append(f"target {target}: a rule belongs to a target with several sources; leave it out")
        elif rule.visible == "any" and min(weight for _, weight in parts) <= 0:
            findings.append(
                f"target {target}: visible='any' scales the weights of the visible sources to sum to 1, which only "
                f"weights above 0 allow; give other weights, or 'min' or 'all'"
            )
    if findings:
        raise ValueError("KeypointMapping: these rules cannot be used:\n" + "\n".join(f"  - {f}" for f in findings))


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _checked_terms(num_keypoints: int, pairs: Iterable[Any]) -> dict[int, Terms]:
    """Source ids and weights of each target, or one error with everything wrong."""
    if not _is_int(num_keypoints) or num_keypoints < 1:
        raise ValueError(f"KeypointMapping: num_keypoints={num_keypoints!r}; give an integer of at least 1")
    if isinstance(pairs, (str, bytes)) or not isinstance(pairs, Iterable):
        raise ValueError(f"KeypointMapping: pairs is {pairs!r}; give a list of (source, target)")
    terms: dict[int, Terms] = {}
    first: dict[int, int] = {}
    findings: list[str] = []
    for i, pair in enumerate(pairs):
        faults = _faults(pair, num_keypoints)
        if not faults:
            target = int(pair[1])
            if target in first:
                faults = [f"target {target} is already given by pair {first[target]}; keep one of the two"]
            else:
                first[target] = i
                terms[target] = _terms(pair)
        findings += [f"pair {i} is {pair!r}: {fault}" for fault in faults]
    if findings:
        lines = "\n".join(f"  - {finding}" for finding in findings)
        raise ValueError(f"KeypointMapping(num_keypoints={num_keypoints}): these pairs cannot be used:\n{lines}")
    return terms


def _terms(pair: Sequence[Any]) -> Terms:
    sources = tuple(int(s) for s in pair[0]) if isinstance(pair[0], (list, tuple)) else (int(pair[0]),)
    weights = tuple(float(w) for w in pair[2]) if len(pair) == 3 else (1 / len(sources),) * len(sources)
    return tuple(zip(sources, weights))


def _faults(pair: Any, num_keypoints: int) -> list[str]:
    """What is wrong with one pair."""
    if not isinstance(pair, (list, tuple)) or len(pair) not in (2, 3):
        return ["give (source, target), ((source, source), target) or ((source, source), target, (weight, weight))"]
    sources, target = pair[:2]
    faults = []
    several = isinstance(sources, (list, tuple))
    listed = sources if several else [sources]
    if not listed:
        faults.append("no source is given; leave the pair out to leave the target not labelled")
    wrong = [source for source in listed if not _is_int(source) or source < 0]
    if wrong:
        faults.append(f"source {', '.join(map(repr, wrong))} is no id; give integers of at least 0")
    elif len(set(listed)) < len(listed):
        faults.append("a source is given twice; give different ones")
    if not _is_int(target) or not 0 <= target < num_keypoints:
        faults.append(f"target {target!r} is no id; num_keypoints={num_keypoints} allows 0..{num_keypoints - 1}")
    if len(pair) == 3:
        faults += _weight_faults(pair[2], len(listed) if several else 0)
    return faults


def _weight_faults(weights: Any, num_sources: int) -> list[str]:
    if num_sources == 0:
        return ["weights belong to several sources; write ((source, source), target, (weight, weight))"]
    if not isinstance(weights, (list, tuple)) or len(weights) != num_sources:
        return [f"weights must be {num_sources} numbers, one per source"]
    if not all(isinstance(w, (int, float, np.floating)) and not isinstance(w, bool) for w in weights):
        return ["weights must be numbers"]
    total = float(sum(weights))
    if not abs(total - 1) <= WEIGHT_TOLERANCE:
        return [f"weights sum to {total:g}; they must sum to 1, or the point would not move with the picture"]
    return []
