"""From a source's keypoint set to a target's: which keypoint becomes which, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from mmpose_mix.keypoints.alias_entries import SAME
from mmpose_mix.keypoints.aliases import AliasTable
from mmpose_mix.keypoints.mapping import LEAST, KeypointMapping, PointRule
from mmpose_mix.keypoints.names import Point, points_by_target, points_of_pairs, target_ids
from mmpose_mix.keypoints.schema import KeypointSet

AUTO = "auto"


@dataclass(frozen=True)
class MatchedKeypoint:
    """Where a target keypoint comes from.

    Attributes:
        target: Its name.
        how: ``same name``, ``alias``, ``derived``, ``given``, ``dropped`` or ``missing``.
        sources: Names of the source keypoints that it is computed from; none where it is dropped or missing.
        weights: One per source.
        why: What makes them one joint and who says so, or what stands in the way.
        approximate: Whether the joints only lie close to each other.
    """

    target: str
    how: str
    sources: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    why: str = ""
    approximate: bool = False


@dataclass(frozen=True)
class Matching:
    """A keypoint mapping between two named sets, with the reason of each of its pairs.

    Attributes:
        source: Name of the source's keypoint set.
        target: Name of the target's.
        mapping: The mapping.
        keypoints: One row per target keypoint, in the target's order.
        unused: Source keypoints that nothing is computed from, each with the reason.
    """

    source: str
    target: str
    mapping: KeypointMapping
    keypoints: tuple[MatchedKeypoint, ...]
    unused: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        rows = [
            (row.target, row.how + (" (approximate)" if row.approximate else ""), _sum_of(row), row.why)
            for row in self.keypoints
        ]
        rows += [("-", "unused", name, why) for name, why in self.unused]
        widths = [max([len(row[i]) for row in rows] + [0]) for i in range(3)]
        filled = sum(1 for row in self.keypoints if row.sources)
        head = f"{self.source} -> {self.target}: {filled} of {len(self.keypoints)} target keypoints are labelled"
        lines = ["  ".join([cell.ljust(width) for cell, width in zip(row, widths)] + [row[3]]).rstrip() for row in rows]
        return "\n".join([head, *lines])


def match_keypoints(
    source: KeypointSet,
    target: KeypointSet,
    mapping: Union[str, Mapping[Any, Any], Iterable[Any]] = AUTO,
    *,
    points: Optional[Mapping[Any, Any]] = None,
    drop: Sequence[Any] = (),
    require: Sequence[Any] = (),
    approximate: Union[bool, Sequence[Any]] = False,
    aliases: Optional[AliasTable] = None,
    rule: PointRule = LEAST,
) -> Matching:
    """Find out how the keypoints of a target are computed from those of a source.

    With ``'auto'`` a target keypoint comes, in this order, from ``points``; from the source keypoint that is the same
    joint, of the same name or by an alias; from a derivation that is the same joint; and, where ``approximate`` allows
    it, from an alias or a derivation that is near. Nothing else is guessed.

    Args:
        source: Keypoint set of the source.
        target: Keypoint set of the target.
        mapping: ``'auto'``; pairs ``(source, target)`` or ``((source, ..), target[, weights])`` of names or ids; or a
            dict from target to point, see ``points_by_target``.
        points: Such a dict beside ``'auto'`` or pairs; it goes before them.
        drop: Targets that stay not labelled.
        require: Targets that must be labelled.
        approximate: Whether near joints may stand in for each other: all, none, or for a list of targets.
        aliases: The shipped ones by default.
        rule: How visible and labelled points of several sources are, where they do not say so themselves.

    Raises:
        ValueError: with every name that is unknown and every point that cannot be computed; or with the required
            targets that stay without a source, each with the reason.

    >>> def arms(name, *names):
    ...     info = {i: dict(name=one, id=i, type="", swap="") for i, one in enumerate(names)}
    ...     return KeypointSet.from_dataset_info(
    ...         dict(dataset_name=name, keypoint_info=info, skeleton_info={}, joint_weights=[1] * len(names), sigmas=[])
    ...     )
    >>> found = match_keypoints(arms("aic", "neck", "head_top"), arms("crowdpose", "top_head", "neck", "nose"))
    >>> found.mapping.pairs, [row.how for row in found.keypoints]
    (((1, 0), (0, 1)), ['alias', 'same name', 'missing'])
    """
    where = f"mapping of {source.name!r} to {target.name!r}"
    findings: list[str] = []
    dropped = target_ids(drop, target, "drop", findings)
    required = target_ids(require, target, "require", findings)
    near = _near_targets(approximate, target, findings)
    given = _given_points(mapping, points, source, target, rule, findings)
    both = [target.keypoint_names[i] for i in dropped if i in given or i in required]
    if both:
        findings.append(f"drop names {', '.join(both)}, which a point or require names as well; keep one of the two")
    if findings:
        raise ValueError(f"{where}:\n" + "\n".join(f"  - {finding}" for finding in findings))
    search = _Search(source, target, aliases or AliasTable.shipped(), rule) if mapping == AUTO else None
    rows: list[MatchedKeypoint] = []
    found: dict[int, Point] = {}
    for place, name in enumerate(target.keypoint_names):
        if place in dropped:
            row, point = MatchedKeypoint(name, "dropped", why="drop names it"), None
        elif place in given:
            row, point = _row_of_given(given[place], name, source), given[place]
        elif search is None:
            row, point = MatchedKeypoint(name, "missing", why="the mapping does not name it"), None
        else:
            row, point = search.of(place, place in near)
        rows.append(row)
        if point is not None:
            found[place] = point
    lacking = [f"{rows[i].target} ({rows[i].why})" for i in required if not rows[i].sources]
    if lacking:
        raise ValueError(
            f"{where}: require names targets that stay without a source: {', '.join(lacking)}. Give them points, allow "
            f"approximate aliases, or take them out of require."
        )
    return Matching(source.name, target.name, _compiled(found, target), tuple(rows), _unused(source, found, search))


class _Search:
    """The joints of two keypoint sets, and what of one is in the other."""

    def __init__(self, source: KeypointSet, target: KeypointSet, aliases: AliasTable, rule: PointRule) -> None:
        self.source, self.target, self.aliases, self.rule = source, target, aliases, rule
        self.source_joints = [aliases.joint(source.name, name) for name in source.keypoint_names]
        self.target_joints = [aliases.joint(target.name, name) for name in target.keypoint_names]
        self.same: dict[str, list[int]] = {}
        for i, joint in enumerate(self.source_joints):
            self.same.setdefault(aliases.same(joint), []).append(i)

    def of(self, place: int, may_be_near: bool) -> tuple[MatchedKeypoint, Optional[Point]]:
        """Where a target keypoint comes from."""
        name, joint = self.target.keypoint_names[place], self.target_joints[place]
        same = self.same.get(self.aliases.same(joint), [])
        named_alike = [i for i in same if self.source.keypoint_names[i] == name]
        if named_alike or len(same) == 1:
            return self._alias(name, (named_alike or same)[0], joint, near=False)
        if same:
            names = ", ".join(self.source.keypoint_names[i] for i in same)
            return MatchedKeypoint(name, "missing", why=f"{names} are all this joint; say by points which one"), None
        derived = self._derived(name, joint)
        nearby = sorted(
            (self.aliases.rank_of_near(joint, other), i)
            for i, other in enumerate(self.source_joints)
            if self.aliases.note_on_near(joint, other)
        )
        if derived and not derived[0].approximate:
            return derived
        if may_be_near and nearby:
            return self._alias(name, nearby[0][1], joint, near=True)
        if may_be_near and derived:
            return derived
        return MatchedKeypoint(name, "missing", why=self._obstacle(name, joint, nearby, derived)), None

    def _alias(self, name: str, i: int, joint: str, *, near: bool) -> tuple[MatchedKeypoint, Point]:
        own, other = self.source.keypoint_names[i], self.source_joints[i]
        note = self.aliases.note_on_near(joint, other) if near else self.aliases.note_on_same(joint, other)
        if own == name and not near:
            row = MatchedKeypoint(name, "same name", (own,), (1.0,))
        else:
            row = MatchedKeypoint(name, "alias", (own,), (1.0,), str(note or ""), near)
        return row, Point((i,), (1.0,))

    def _derived(self, name: str, joint: str) -> Optional[tuple[MatchedKeypoint, Point]]:
        """The first derivation whose parts the source has, those that are the same joint before the near ones."""
        derivations = self.aliases.derivations(joint)
        for derivation in sorted(derivations, key=lambda each: each.mark != SAME):
            ids = [self.same.get(self.aliases.same(part), []) for part, _ in derivation.parts]
            if all(len(some) == 1 for some in ids):
                sources, weights = tuple(some[0] for some in ids), tuple(weight for _, weight in derivation.parts)
                names = tuple(self.source.keypoint_names[i] for i in sources)
                near = derivation.mark != SAME
                row = MatchedKeypoint(name, "derived", names, weights, str(derivation.note), near)
                return row, Point(sources, weights, self.rule)
        return None

    def _obstacle(
        self,
        name: str,
        joint: str,
        nearby: Sequence[tuple[int, int]],
        derived: Optional[tuple[MatchedKeypoint, Point]],
    ) -> str:
        """Why a target has no source."""
        words = []
        if name in self.source.keypoint_ids:
            other = self.source_joints[self.source.keypoint_ids[name]]
            words.append(f"{name} of {self.source.name} is the joint {other}, that of {self.target.name} is {joint}")
        if nearby or derived:
            near = self.source.keypoint_names[nearby[0][1]] if nearby else _sum_of(derived[0]) if derived else ""
            words.append(f"{near} is near it; allow that by approximate")
        return "; ".join(words) or f"no keypoint of {self.source.name} is this joint"


def _given_points(
    mapping: Any,
    points: Optional[Mapping[Any, Any]],
    source: KeypointSet,
    target: KeypointSet,
    rule: PointRule,
    findings: list[str],
) -> dict[int, Point]:
    given: dict[int, Point] = {}
    if isinstance(mapping, str):
        if mapping != AUTO:
            findings.append(f"mapping={mapping!r}; allowed are 'auto', a list of pairs, or a dict of points")
    elif isinstance(mapping, Mapping):
        given = points_by_target(mapping, source, target, rule, findings)
    elif isinstance(mapping, Iterable):
        given = points_of_pairs(mapping, source, target, rule, findings)
    else:
        findings.append(f"mapping is {mapping!r}; give 'auto', a list of pairs, or a dict of points")
    if points is not None and not isinstance(points, Mapping):
        findings.append(f"points is {points!r}; give a dict from target to point")
    elif points is not None:
        given.update(points_by_target(points, source, target, rule, findings))
    return given


def _near_targets(approximate: Any, target: KeypointSet, findings: list[str]) -> Iterable[int]:
    if isinstance(approximate, bool):
        return range(target.num_keypoints) if approximate else ()
    return target_ids(approximate, target, "approximate", findings)


def _row_of_given(point: Point, name: str, source: KeypointSet) -> MatchedKeypoint:
    names = tuple(source.keypoint_names[i] for i in point.sources)
    if len(names) > 1:
        why = f"given; visible: {point.rule.visible}, labelled: {point.rule.labelled}"
        return MatchedKeypoint(name, "derived", names, point.weights, why)
    return MatchedKeypoint(name, "same name" if names == (name,) else "given", names, point.weights, "given")


def _compiled(found: Mapping[int, Point], target: KeypointSet) -> KeypointMapping:
    pairs = [
        (point.sources[0], place) if len(point.sources) == 1 else (point.sources, place, point.weights)
        for place, point in found.items()
    ]
    rules = {place: point.rule for place, point in found.items() if len(point.sources) > 1}
    return KeypointMapping(target.num_keypoints, pairs, rules)


def _unused(source: KeypointSet, found: Mapping[int, Point], search: Optional[_Search]) -> tuple[tuple[str, str], ...]:
    used = {i for point in found.values() for i in point.sources}
    unused = []
    for i, name in enumerate(source.keypoint_names):
        if i in used:
            continue
        why = "the mapping does not name it"
        if search is not None:
            joints = {search.aliases.same(joint) for joint in search.target_joints}
            there = search.aliases.same(search.source_joints[i]) in joints
            why = "its target is dropped or comes from another" if there else "no target keypoint is this joint"
        unused.append((name, why))
    return tuple(unused)


def _sum_of(row: MatchedKeypoint) -> str:
    """The sources in words: ``left_hip``, or ``0.5 left_hip + 0.5 right_hip``."""
    if len(row.sources) == 1 and row.weights[0] == 1:
        return row.sources[0]
    return " + ".join(f"{weight:.4g} {name}" for name, weight in zip(row.sources, row.weights))
