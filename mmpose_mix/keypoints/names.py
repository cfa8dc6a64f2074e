"""Points by name: what a user writes about a target keypoint, as source ids with weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Optional, Union

import numpy as np

from mmpose_mix.keypoints.mapping import LEAST, WEIGHT_TOLERANCE, PointRule
from mmpose_mix.keypoints.schema import KeypointSet

POINT_KEYS = ("of", "visible", "labelled")
POINT_FORMS = (
    "a name, a list of names (their mean), a list of (name, weight), or dict(of=..., visible='min', labelled='min')"
)


@dataclass(frozen=True)
class Point:
    """A target as the weighted sum of source keypoints.

    Attributes:
        sources: Ids in the source, different ones.
        weights: One per source; they sum to 1.
        rule: How visible and labelled it is; of no account with one source.
    """

    sources: tuple[int, ...]
    weights: tuple[float, ...]
    rule: PointRule = LEAST


def points_by_target(
    given: Mapping[Any, Any], source: KeypointSet, target: KeypointSet, rule: PointRule, findings: list[str]
) -> dict[int, Point]:
    """The points of a dict from target keypoint to point; what is wrong is added to ``findings``.

    Args:
        given: Target names or ids, each with one of: a source name or id; a list of them, for their mean; a list of
            ``(name, weight)``, weights summing to 1; ``dict(of=<one of these>, visible=..., labelled=...)``.
        source: Keypoint set that the points are computed from.
        target: Keypoint set that they belong to.
        rule: Of points that name none.
        findings: Sentences, one per fault.

    Returns:
        Points by target id, in the order given.
    """
    points: dict[int, Point] = {}
    for key, written in given.items():
        place = keypoint_id(key, target, "target", findings)
        point = _point(written, source, rule, f"the point of {key!r}", findings)
        if place in points:
            findings.append(f"target {key!r} is given twice; keep one of the two")
        elif place is not None and point is not None:
            points[place] = point
    return points


def points_of_pairs(
    pairs: Iterable[Any], source: KeypointSet, target: KeypointSet, rule: PointRule, findings: list[str]
) -> dict[int, Point]:
    """The points of ``(source, target)`` pairs, in which names and ids may stand; else :func:`points_by_target`.

    A third entry holds the weights of several sources, as in :class:`KeypointMapping`.
    """
    points: dict[int, Point] = {}
    for i, pair in enumerate(pairs):
        if not isinstance(pair, (list, tuple)) or len(pair) not in (2, 3):
            findings.append(f"pair {i} is {pair!r}; give (source, target), ((source, source), target) or with weights")
            continue
        sources = pair[0]
        if len(pair) == 3 and isinstance(sources, (list, tuple)) and isinstance(pair[2], (list, tuple)):
            if len(sources) != len(pair[2]):
                findings.append(f"pair {i} is {pair!r}: weights must be {len(sources)} numbers, one per source")
                continue
            sources = list(zip(sources, pair[2]))
        elif len(pair) == 3:
            findings.append(f"pair {i} is {pair!r}: weights belong to several sources, a list of them to a list")
            continue
        found = points_by_target({_hashable(pair[1]): sources}, source, target, rule, findings)
        for place, point in found.items():
            if place in points:
                findings.append(f"pair {i} gives {target.keypoint_names[place]!r} again; keep one of the two")
            points.setdefault(place, point)
    return points


def keypoint_id(named: Any, keypoints: KeypointSet, what: str, findings: list[str]) -> Optional[int]:
    """The id that a name or an id means; None, with a finding, where it means none."""
    if isinstance(named, (int, np.integer)) and not isinstance(named, bool):
        if 0 <= named < keypoints.num_keypoints:
            return int(named)
        findings.append(f"{what} {named} is no id of {keypoints.name!r}, which has 0..{keypoints.num_keypoints - 1}")
        return None
    ids = keypoints.keypoint_ids
    if isinstance(named, str) and named in ids:
        return ids[named]
    close = get_close_matches(named, ids, n=3) if isinstance(named, str) else []
    advice = f"do you mean {' or '.join(map(repr, close))}?" if close else f"it has {_listed(keypoints.keypoint_names)}"
    findings.append(f"{what} {named!r} is no keypoint of {keypoints.name!r}; {advice}")
    return None


def target_ids(names: Any, target: KeypointSet, argument: str, findings: list[str]) -> dict[int, None]:
    """The targets that a list of names or ids means, each once and in its order."""
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        findings.append(f"{argument} is {names!r}; give a list of target names")
        return {}
    places = [keypoint_id(name, target, f"{argument}:", findings) for name in names]
    return {place: None for place in places if place is not None}


def _point(written: Any, source: KeypointSet, rule: PointRule, where: str, findings: list[str]) -> Optional[Point]:
    if isinstance(written, Mapping):
        unknown = [str(key) for key in written if key not in POINT_KEYS]
        if unknown or "of" not in written:
            findings.append(
                f"{where} has the keys {', '.join(map(str, written)) or 'none'}; give dict(of=...), with visible and "
                f"labelled where they are not {rule.visible!r} and {rule.labelled!r}"
            )
            return None
        try:
            rule = PointRule(written.get("visible", rule.visible), written.get("labelled", rule.labelled))
        except ValueError as error:
            findings.append(f"{where}: {error}")
            return None
        written = written["of"]
    terms = _terms(written)
    if terms is None:
        findings.append(f"{where} is {written!r}; give {POINT_FORMS}")
        return None
    before = len(findings)
    ids = [keypoint_id(name, source, f"{where}: source", findings) for name, _ in terms]
    weights = tuple(weight for _, weight in terms)
    if not abs(sum(weights) - 1) <= WEIGHT_TOLERANCE:
        findings.append(
            f"{where}: weights sum to {sum(weights):g}; they must sum to 1, or it would not move with the picture"
        )
    if len(findings) == before and len(set(ids)) < len(ids):
        findings.append(f"{where}: a source is given twice; give different ones")
    if len(ids) > 1 and rule.visible == "any" and min(weights) <= 0:
        findings.append(f"{where}: visible='any' needs weights above 0; give other weights, or 'min' or 'all'")
    if len(findings) > before:
        return None
    return Point(tuple(i for i in ids if i is not None), weights, rule)


def _terms(written: Any) -> Optional[list[tuple[Any, float]]]:
    """Names or ids with weights; None where it is no point."""
    if _is_name(written):
        return [(written, 1.0)]
    if not isinstance(written, Sequence) or not written:
        return None
    if all(map(_is_name, written)):
        return [(name, 1 / len(written)) for name in written]
    good = all(
        isinstance(part, (list, tuple)) and len(part) == 2 and _is_name(part[0]) and _is_weight(part[1])
        for part in written
    )
    return [(name, float(weight)) for name, weight in written] if good else None


def _is_name(value: Any) -> bool:
    return isinstance(value, (str, int, np.integer)) and not isinstance(value, bool)


def _is_weight(value: Any) -> bool:
    return isinstance(value, (int, float, np.floating)) and not isinstance(value, bool)


def _hashable(value: Any) -> Union[str, int]:
    return value if _is_name(value) else repr(value)


def _listed(names: Sequence[str], most: int = 30) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
