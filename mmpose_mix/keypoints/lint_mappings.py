"""Faults of keypoint mappings: pairs, names, sides, and what a flip makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Optional, Union

from mmpose_mix.keypoints.aliases import NUMBERED_NAME, AliasTable
from mmpose_mix.keypoints.findings import Finding, finding, listed
from mmpose_mix.keypoints.mapping import KeypointMapping
from mmpose_mix.keypoints.mapping_pairs import Points, points_of
from mmpose_mix.keypoints.outline import KeypointOutline
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.keypoints.sides import side_of

AnySet = Union[KeypointSet, KeypointOutline]


def lint_mapping(
    mapping: Union[KeypointMapping, Iterable[Any]],
    source: Optional[AnySet] = None,
    target: Optional[AnySet] = None,
    *,
    place: str = "mapping",
    num_keypoints: Optional[int] = None,
    dropped: Sequence[str] = (),
    aliases: Optional[AliasTable] = None,
) -> list[Finding]:
    """Find every fault of a mapping at once.

    Args:
        mapping: Compiled, or pairs of ids or names, which may be wrong.
        source: Keypoint set of the source; without it only form and range are checked.
        target: Keypoint set of the target.
        place: Where findings are, such as ``train_dataloader.dataset.datasets[1]``.
        num_keypoints: ``num_keypoints`` of the converter; the target's number by default.
        dropped: Names of targets that stay not labelled on purpose.
        aliases: The shipped ones by default.

    >>> from mmpose_mix.keypoints.schema import KeypointSet
    >>> def hips(*names):
    ...     swap = {"left_hip": "right_hip", "right_hip": "left_hip"}
    ...     info = {i: dict(name=name, id=i, swap=swap.get(name, "")) for i, name in enumerate(names)}
    ...     ones = [1] * len(names)
    ...     return KeypointSet.from_dataset_info(
    ...         dict(dataset_name="hips", keypoint_info=info, skeleton_info={}, joint_weights=ones, sigmas=[])
    ...     )
    >>> found = lint_mapping([(0, 0), (1, 1)], hips("left_hip", "right_hip"), hips("right_hip", "left_hip"))
    >>> [each.code for each in found]
    ['MAP210']
    """
    one, other = _outline(source), _outline(target)
    points, found = points_of(mapping, one, other, num_keypoints, place)
    if num_keypoints is not None and other is not None and num_keypoints != len(other.keypoint_names):
        text = f"num_keypoints={num_keypoints}, but {other.name!r} has {len(other.keypoint_names)} keypoints"
        found.append(finding("MAP208", place, text, f"set num_keypoints={len(other.keypoint_names)}"))
    if one is None or other is None:
        return found
    points = {goal: terms for goal, terms in points.items() if goal < len(other.keypoint_names)}
    table = aliases or AliasTable.shipped()
    found += _Names(one, other, table, place).findings(points)
    found += _repeated_sources(points, one, other, place)
    found += _flip_findings(points, one, other, place)
    return found + _unfilled(points, one, other, table, set(dropped), place)


def lint_unconverted(
    source: AnySet, target: AnySet, *, place: str = "source", aliases: Optional[AliasTable] = None
) -> list[Finding]:
    """Find every fault of using a source's keypoints as they are.

    Args:
        source: Keypoint set of the source.
        target: Keypoint set that its items are taught as.
        place: Where findings are.
        aliases: The shipped ones by default.
    """
    one, other = _outline(source), _outline(target)
    count = len(one.keypoint_names) if one else 0
    both = range(min(count, len(other.keypoint_names) if other else 0))
    found = lint_mapping([(i, i) for i in both], one, other, place=place, num_keypoints=count, aliases=aliases)
    return [replace(each, fix=f"convert by a KeypointConverter; or {each.fix}") for each in found]


def _outline(keypoints: Optional[AnySet]) -> Optional[KeypointOutline]:
    return KeypointOutline.of(keypoints) if isinstance(keypoints, KeypointSet) else keypoints


class _Names:
    """Compares what the names of both ends of a pair stand for."""

    def __init__(self, source: KeypointOutline, target: KeypointOutline, aliases: AliasTable, place: str) -> None:
        self.source, self.target, self.aliases, self.place = source, target, aliases, place
        self.source_joints = [aliases.joint(source.name, name) for name in source.keypoint_names]
        self.target_joints = [aliases.joint(target.name, name) for name in target.keypoint_names]
        self.in_source = {aliases.same(joint): i for i, joint in reversed(list(enumerate(self.source_joints)))}
        self.in_target = {aliases.same(joint): i for i, joint in reversed(list(enumerate(self.target_joints)))}

    def findings(self, points: Points) -> list[Finding]:
        by_code: dict[tuple[str, str], list[str]] = {}
        for goal, terms in points.items():
            said = self._on_sides(goal, terms) or (
                self._on_copy(goal, next(iter(terms))) if len(terms) == 1 else self._on_sum(goal, terms)
            )
            if said is not None:
                code, words, fix = said
                by_code.setdefault((code, fix), []).append(words)
        return [finding(code, self.place, listed(words), fix) for (code, fix), words in by_code.items()]

    def _on_sides(self, goal: int, terms: dict[int, float]) -> Optional[tuple[str, str, str]]:
        side = side_of(self.target.keypoint_names[goal])
        sides = {side_of(self.source.keypoint_names[i]) for i in terms}
        if side and len(sides) == 1 and sides <= {"left", "right"} and side not in sides:
            return "MAP210", self._pair(goal, terms), "map left to left and right to right"
        return None

    def _on_copy(self, goal: int, origin: int) -> Optional[tuple[str, str, str]]:
        one, other = self.source_joints[origin], self.target_joints[goal]
        here, there = self.in_source.get(self.aliases.same(other)), self.in_target.get(self.aliases.same(one))
        if self.aliases.same(one) == self.aliases.same(other):
            return None
        words = self._pair(goal, {origin: 1.0})
        if self.aliases.note_on_near(one, other):
            if here is None:
                return "MAP213", words, "nothing, if near is good enough; else leave the target not labelled"
            exact = f"{words}, where {self.source.keypoint_names[here]} is the joint itself"
            return "MAP214", exact, "map the joint itself"
        if here is not None or there is not None:
            right = f"{self.source.keypoint_names[here]} is that target" if here is not None else ""
            right = right or f"that source is {self.target.keypoint_names[there or 0]}"
            return "MAP211", f"{words}, but {right}", "map joints to themselves"
        if self._says_nothing(one) or self._says_nothing(other):
            return None
        return "MAP212", words, "say in an alias file that they are one joint, or take the pair out"

    def _on_sum(self, goal: int, terms: dict[int, float]) -> Optional[tuple[str, str, str]]:
        words = self._pair(goal, terms)
        joint = self.target_joints[goal]
        here = self.in_source.get(self.aliases.same(joint))
        if here is not None:
            exact = f"{words}, where {self.source.keypoint_names[here]} is the joint itself"
            return "MAP214", exact, "map the joint itself"
        given = {self.aliases.same(self.source_joints[i]) for i in terms}
        for derivation in self.aliases.derivations(joint):
            exact_parts = {self.aliases.same(part) for part, _ in derivation.parts} == given
            if exact_parts and derivation.mark == "same joint":
                return None
        return "MAP213", words, "nothing, if near is good enough; else leave the target not labelled"

    def _pair(self, goal: int, terms: dict[int, float]) -> str:
        sources = " and ".join(self.source.keypoint_names[i] for i in terms)
        return f"{sources} -> {self.target.keypoint_names[goal]}"

    @staticmethod
    def _says_nothing(joint: str) -> bool:
        """Whether a joint is a mere number of a data set that no numbering of the aliases knows."""
        return ":" in joint and NUMBERED_NAME.fullmatch(joint.partition(":")[2]) is not None


def _repeated_sources(points: Points, source: KeypointOutline, target: KeypointOutline, place: str) -> list[Finding]:
    targets: dict[int, list[int]] = {}
    for goal, terms in points.items():
        if len(terms) == 1:
            targets.setdefault(next(iter(terms)), []).append(goal)
    words = [
        f"{source.keypoint_names[i]} -> {' and '.join(target.keypoint_names[goal] for goal in some)}"
        for i, some in targets.items()
        if len(some) > 1
    ]
    return [finding("MAP206", place, listed(words), "map each source keypoint to one target")] if words else []


def _flip_findings(points: Points, source: KeypointOutline, target: KeypointOutline, place: str) -> list[Finding]:
    source_partners, target_partners = source.partners, target.partners
    wrong, alone = [], []
    for goal, terms in points.items():
        partner = target_partners[goal]
        mirrored = {source_partners[i]: weight for i, weight in terms.items()}
        names = f"{' and '.join(source.keypoint_names[i] for i in terms)} -> {target.keypoint_names[goal]}"
        if partner not in points:
            alone.append(names)
        elif points[partner] != mirrored:
            wrong.append(names)
    found = []
    if wrong:
        fix = "let the partner of each target be computed from the partners of its sources"
        text = f"{len(wrong)} targets become others when the image is flipped first: {listed(wrong)}"
        found.append(finding("MAP220", place, text, fix))
    if alone:
        fix = "map the partner as well, or neither"
        found.append(finding("MAP221", place, f"the partner of the target is not mapped: {listed(alone)}", fix))
    return found


def _unfilled(
    points: Points,
    source: KeypointOutline,
    target: KeypointOutline,
    aliases: AliasTable,
    dropped: set[str],
    place: str,
) -> list[Finding]:
    own = {aliases.same(aliases.joint(source.name, name)): name for name in source.keypoint_names}
    used = {i for terms in points.values() for i in terms}
    words = []
    for goal, name in enumerate(target.keypoint_names):
        there = own.get(aliases.same(aliases.joint(target.name, name)))
        if goal in points or name in dropped or there is None or source.keypoint_names.index(there) in used:
            continue
        words.append(f"{there} -> {name}")
    fix = "add these pairs, or drop the targets by name"
    return [finding("MAP230", place, listed(words), fix)] if words else []
