"""The pairs of a mapping that may be wrong: what can be read of them, and findings on what cannot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Optional, Union

import numpy as np

from mmpose_mix.keypoints.findings import Finding, finding, listed
from mmpose_mix.keypoints.mapping import WEIGHT_TOLERANCE, KeypointMapping
from mmpose_mix.keypoints.outline import KeypointOutline

# source id to weight, for each target id
Points = dict[int, dict[int, float]]
FORMS = "give (source, target), ((source, source), target) or ((source, source), target, (weight, weight))"


def points_of(
    mapping: Union[KeypointMapping, Iterable[Any]],
    source: Optional[KeypointOutline],
    target: Optional[KeypointOutline],
    num_keypoints: Optional[int],
    place: str,
) -> tuple[Points, list[Finding]]:
    """Read what can be read of a mapping.

    Args:
        mapping: Compiled, or pairs of ids or names.
        source: Keypoint set of the source; None where it is not known.
        target: That of the target.
        num_keypoints: K of the converter; None where it names none.
        place: Where findings are.

    Returns:
        The sources of each target, with their weights; and the findings on form and range.
    """
    pairs = mapping.pairs if isinstance(mapping, KeypointMapping) else mapping
    if isinstance(pairs, (str, bytes)) or not isinstance(pairs, Iterable):
        return {}, [finding("MAP201", place, f"it is {pairs!r}", f"{FORMS}, several of them in a list")]
    limits = (
        len(source.keypoint_names) if source else None,
        num_keypoints if num_keypoints is not None else len(target.keypoint_names) if target else None,
    )
    points: Points = {}
    found: list[Finding] = []
    given = 0
    for number, pair in enumerate(pairs):
        given += 1
        where = f"{place}[{number}] {pair!r}"
        read = _terms_of(pair, source, target, where, found)
        if read is None or not _in_range(*read, *limits, where, found):
            continue
        goal, terms = read
        if goal in points:
            text = f"target {_named(goal, target)} is given by an earlier pair as well"
            found.append(finding("MAP204", where, text, "keep one of the two"))
        else:
            points[goal] = terms
    if not given:
        found.append(finding("MAP207", place, "it has no pair", "give pairs, or leave the source out of the mixture"))
    return points, found


def _terms_of(
    pair: Any,
    source: Optional[KeypointOutline],
    target: Optional[KeypointOutline],
    where: str,
    found: list[Finding],
) -> Optional[tuple[int, dict[int, float]]]:
    """Target id, and source ids with weights; None where a pair cannot be read."""
    if not isinstance(pair, (list, tuple)) or len(pair) not in (2, 3):
        found.append(finding("MAP201", where, "it is no pair", FORMS))
        return None
    several = isinstance(pair[0], (list, tuple))
    wanted = list(pair[0]) if several else [pair[0]]
    sources = [_id_of(one, source) for one in wanted]
    goal = _id_of(pair[1], target)
    unknown = [repr(one) for one, number in zip([*wanted, pair[1]], [*sources, goal]) if number is None]
    if unknown or not sources or len(set(sources)) < len(sources) or goal is None:
        text = f"{listed(unknown)} is no keypoint" if unknown else "its sources are none, or one twice"
        found.append(finding("MAP201", where, text, FORMS))
        return None
    weights = _weights_of(pair, len(sources), several)
    if weights is None:
        fix = f"give {len(sources)} numbers that sum to 1"
        found.append(finding("MAP205", where, f"weights are {pair[2]!r}", fix))
        return None
    return goal, {number: weight for number, weight in zip(sources, weights) if number is not None}


def _weights_of(pair: Sequence[Any], count: int, several: bool) -> Optional[list[float]]:
    if len(pair) == 2:
        return [1 / count] * count
    weights = pair[2]
    numbers = (int, float, np.integer, np.floating)
    if not several or not isinstance(weights, (list, tuple)) or len(weights) != count:
        return None
    if not all(isinstance(weight, numbers) and not isinstance(weight, bool) for weight in weights):
        return None
    return [float(weight) for weight in weights] if abs(sum(weights) - 1) <= WEIGHT_TOLERANCE else None


def _id_of(value: Any, keypoints: Optional[KeypointOutline]) -> Optional[int]:
    if isinstance(value, str) and keypoints is not None and value in keypoints.keypoint_names:
        return keypoints.keypoint_names.index(value)
    return int(value) if isinstance(value, (int, np.integer)) and not isinstance(value, bool) else None


def _in_range(
    goal: int,
    terms: dict[int, float],
    num_source: Optional[int],
    num_target: Optional[int],
    where: str,
    found: list[Finding],
) -> bool:
    before = len(found)
    if goal < 0 or (num_target is not None and goal >= num_target):
        text = f"there is no target {goal}" + ("" if num_target is None else f" among {num_target}")
        fix = "give an id of at least 0" if num_target is None else f"give 0 to {num_target - 1}"
        found.append(finding("MAP202", where, text, fix))
    outside = [number for number in terms if number < 0 or (num_source is not None and number >= num_source)]
    if outside:
        text = f"there is no source {listed(outside)}" + ("" if num_source is None else f" among {num_source}")
        fix = "give ids of at least 0" if num_source is None else f"give 0 to {num_source - 1}"
        found.append(finding("MAP203", where, text, fix))
    return len(found) == before


def _named(number: int, keypoints: Optional[KeypointOutline]) -> str:
    return f"{number} ({keypoints.keypoint_names[number]})" if keypoints else str(number)
