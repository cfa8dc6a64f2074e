"""What annotations show of a mapping: whether mapped joints lie where the target's own data have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from mmpose_mix.keypoints.findings import Finding, finding, listed
from mmpose_mix.keypoints.outline import KeypointOutline
from mmpose_mix.keypoints.schema import KeypointSet

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
FEWEST_PERSONS = 20
# A joint is elsewhere if its median is that far off, in torsos or boxes, ...
LEAST_OFFSET = 0.06
# ... further than the joint itself moves among persons of the target's data (robust standard deviations: hands and feet
# of other activities lie up to one away, MPII's thorax is more than one from the neck of others), ...
LEAST_OFFSET_IN_SPREADS = 1.25
# ... and further than chance moves a median (standard errors).
LEAST_OFFSET_IN_ERRORS = 4.0
LEAST_LIMB_RATIO = 1.25
# Another joint is in its place if that one is this much nearer.
NEARER = 3.0
FEWEST_VISIBLE_OF_BOX = 0.8
_SD_OF_MAD = 1.4826
_ERROR_OF_MEDIAN = 1.2533


@dataclass(frozen=True, eq=False)
class PoseColumns:
    """Annotated persons of one source in the keypoints of the target.

    Attributes:
        keypoints: (N, K, 2) pixels.
        visible: (N, K) bool: whether the place is annotated.
        labelled: (K,) bool: whether the source is to give the keypoint at all.

    Raises:
        ValueError: if the shapes do not fit each other.
    """

    keypoints: NDArray[Any]
    visible: Bools
    labelled: Bools

    def __post_init__(self) -> None:
        shape = self.keypoints.shape
        fits = len(shape) == 3 and shape[2] == 2 and self.visible.shape == shape[:2]
        if not fits or self.labelled.shape != shape[1:2]:
            raise ValueError(
                f"PoseColumns: keypoints must be (N, K, 2), visible (N, K) and labelled (K,), got {shape}, "
                f"{self.visible.shape} and {self.labelled.shape}"
            )


@dataclass(frozen=True, eq=False)
class _Placed:
    """Medians, spreads and counts of the joints of one source, in units of the frame."""

    points: Floats  # (N, K, 2), NaN where not visible
    median: Floats  # (K, 2)
    spread: Floats  # (K, 2)
    count: NDArray[np.int64]  # (K,)

    @classmethod
    def of(cls, points: Floats) -> _Placed:
        median, spread = _median_and_spread(points)
        return cls(points, median, spread, (~np.isnan(points[..., 0])).sum(axis=0))


def lint_poses(
    source: PoseColumns,
    reference: PoseColumns,
    target: Union[KeypointSet, KeypointOutline],
    *,
    place: str = "source",
    fewest: int = FEWEST_PERSONS,
) -> list[Finding]:
    """Compare the mapped joints of a source with those of the target's own data.

    Where the target has shoulders and hips, persons are measured in their torso: its upper end is the origin, its
    length the unit, the left shoulder on one side. Elsewhere the box around the common keypoints of a
    person gives centre and unit. Medians are compared, so that single wrong annotations do not count.

    Args:
        source: Persons of the source, mapped to the target's keypoints.
        reference: Persons annotated in the target's keypoints.
        target: The target's keypoint set.
        place: Where findings are.
        fewest: Persons that each side must have for a joint to be compared.

    Raises:
        ValueError: if the columns do not have the target's number of keypoints.
    """
    outline = KeypointOutline.of(target) if isinstance(target, KeypointSet) else target
    names = outline.keypoint_names
    wrong = [side.keypoints.shape[1] for side in (source, reference) if side.keypoints.shape[1] != len(names)]
    if wrong:
        raise ValueError(f"lint_poses: {place}: columns have {wrong[0]} keypoints, the target has {len(names)}")
    found = _never_annotated(source, names, place, fewest)
    common = source.labelled & reference.labelled & source.visible.any(axis=0) & reference.visible.any(axis=0)
    unit, frames = _frames(outline, source, reference, common)
    one, other = (_Placed.of(points) for points in frames)
    enough = common & (one.count >= fewest) & (other.count >= fewest)
    few = [f"{names[i]} {one.count[i]}/{other.count[i]}" for i in np.flatnonzero(common & ~enough).tolist()]
    if few or not common.any():
        text = f"fewer than {fewest} persons here or in the target's data can be measured by their {unit}"
        fix = "nothing; with more annotations they are compared"
        found.append(finding("DATA304", place, f"{text}: {listed(few) or 'no joint in common'}", fix))
    return found + _offsets(one, other, enough, names, unit, place) + _limbs(one, other, enough, outline, unit, place)


def _never_annotated(source: PoseColumns, names: Sequence[str], place: str, fewest: int) -> list[Finding]:
    absent = source.labelled & ~source.visible.any(axis=0)
    count = len(source.keypoints)
    if count < fewest or not absent.any():
        return []
    text = f"none of {count} persons has {listed(names[i] for i in np.flatnonzero(absent).tolist())}"
    fix = "take the pair out, so that the joint is not labelled, or map the right one"
    return [finding("DATA305", place, text, fix)]


def _frames(
    outline: KeypointOutline, source: PoseColumns, reference: PoseColumns, common: Bools
) -> tuple[str, tuple[Floats, Floats]]:
    """The unit's name, and the points of both in it: (N, K, 2), NaN where not visible or not to be measured."""
    ids = {name: i for i, name in enumerate(outline.keypoint_names)}
    torso = [ids[name] for name in TORSO if name in ids]
    if len(torso) == len(TORSO) and common[torso].all():
        return "torso", (_in_torso(source, torso), _in_torso(reference, torso))
    return "box", (_in_box(source, common), _in_box(reference, common))


def _masked(poses: PoseColumns) -> Floats:
    return np.where(poses.visible[..., None], poses.keypoints.astype(np.float64), np.nan)


def _in_torso(poses: PoseColumns, torso: Sequence[int]) -> Floats:
    points = _masked(poses)
    left_shoulder, right_shoulder, left_hip, right_hip = (points[:, i] for i in torso)
    top = (left_shoulder + right_shoulder) / 2
    down = (left_hip + right_hip) / 2 - top
    length = np.linalg.norm(down, axis=1)
    down = down / np.where(length > 0, length, np.nan)[:, None]
    across = np.stack([-down[:, 1], down[:, 0]], axis=1)
    # who is seen from behind has the left shoulder on the other side
    facing = np.where(((left_shoulder - right_shoulder) * across).sum(axis=1) < 0, -1.0, 1.0)
    centred = points - top[:, None]
    x = (centred * across[:, None]).sum(axis=2) * facing[:, None]
    y = (centred * down[:, None]).sum(axis=2)
    placed: Floats = np.stack([x, y], axis=2) / np.where(length > 0, length, np.nan)[:, None, None]
    return placed


def _in_box(poses: PoseColumns, common: Bools) -> Floats:
    points = _masked(poses)
    whole = (
        poses.visible[:, common].mean(axis=1) >= FEWEST_VISIBLE_OF_BOX if common.any() else np.zeros(len(points), bool)
    )
    points = points[whole]
    if not len(points):
        return np.zeros((0, *poses.keypoints.shape[1:]))
    low, high = np.nanmin(points[:, common], axis=1), np.nanmax(points[:, common], axis=1)
    size = np.sqrt(np.prod(high - low, axis=1))
    placed: Floats = (points - (low + high)[:, None] / 2) / np.where(size > 0, size, np.nan)[:, None, None]
    return placed


def _median_and_spread(points: Floats) -> tuple[Floats, Floats]:
    """Median and robust standard deviation over persons; NaN where there are none."""
    median = _median(points)
    return median, _SD_OF_MAD * _median(np.abs(points - median))


def _median(values: Floats) -> Floats:
    """Over the first axis, without NaN; NaN where nothing is left."""
    if not len(values):
        return np.full(values.shape[1:], np.nan)
    ordered = np.sort(values, axis=0)  # NaN last
    count = (~np.isnan(values)).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    both = [np.take_along_axis(ordered, np.minimum(i, len(values) - 1)[None], axis=0)[0] for i in (low, high)]
    median: Floats = np.where(count > 0, (both[0] + both[1]) / 2, np.nan)
    return median


def _offsets(one: _Placed, other: _Placed, enough: Bools, names: Sequence[str], unit: str, place: str) -> list[Finding]:
    found = []
    errors = _ERROR_OF_MEDIAN * np.hypot(
        one.spread / np.maximum(one.count, 1)[:, None] ** 0.5, other.spread / np.maximum(other.count, 1)[:, None] ** 0.5
    )
    for i in np.flatnonzero(enough).tolist():
        offset = one.median[i] - other.median[i]
        distance = float(np.linalg.norm(offset))
        _ERROR_OF_MEDIAN * np.hypot(one.spread[i] / one.count[i] ** 0.5, other.spread[i] / other.count[i] ** 0.5)
        axis = int(np.abs(offset).argmax())
        in_spreads = abs(offset[axis]) >= LEAST_OFFSET_IN_SPREADS * other.spread[i, axis]
        certain = abs(offset[axis]) >= LEAST_OFFSET_IN_ERRORS * errors[i, axis]
        if distance < LEAST_OFFSET or not in_spreads or not certain:
            continue
        text = (
            f"{names[i]} lies {distance:.2f} {unit} away from where the target's data have it ({offset[0]:+.2f} "
            f"across, {offset[1]:+.2f} down; {one.count[i]} and {other.count[i]} persons)"
        )
        nearest = _nearest(one.median[i], other, i, enough, distance)
        if nearest is None:
            fix = "compare the definitions of both data sets; map another joint, or leave the target not labelled"
            found.append(finding("DATA301", place, text, fix))
        else:
            text = f"{text}, and {nearest[1]:.2f} from {names[nearest[0]]}"
            found.append(finding("DATA303", place, text, f"map it to {names[nearest[0]]}, or correct the order"))
    return found


def _nearest(median: Floats, other: _Placed, own: int, enough: Bools, distance: float) -> Optional[tuple[int, float]]:
    """The joint of the target's data in whose place a joint lies, and how far from it."""
    distances = np.where(enough, np.linalg.norm(other.median - median, axis=1), np.inf)
    distances[own] = np.inf
    nearest = int(np.nanargmin(distances))
    return (nearest, float(distances[nearest])) if distances[nearest] * NEARER <= distance else None


def _limbs(
    one: _Placed, other: _Placed, enough: Bools, outline: KeypointOutline, unit: str, place: str
) -> list[Finding]:
    ids = {name: i for i, name in enumerate(outline.keypoint_names)}
    found = []
    for start, end in outline.links:
        i, j = ids[start], ids[end]
        if not (enough[i] and enough[j]):
            continue
        lengths = [np.linalg.norm(side.points[:, i] - side.points[:, j], axis=1) for side in (one, other)]
        lengths = [values[np.isfinite(values) & (values > 0)] for values in lengths]
        if min(map(len, lengths)) == 0:
            continue
        logs = [_median_and_spread(np.log(values)) for values in lengths]
        error = _ERROR_OF_MEDIAN * np.hypot(
            *(spread / len(values) ** 0.5 for (_, spread), values in zip(logs, lengths))
        )
        change = float(logs[0][0] - logs[1][0])
        if abs(change) < np.log(LEAST_LIMB_RATIO) or abs(change) < LEAST_OFFSET_IN_ERRORS * error:
            continue
        text = (
            f"{start}-{end} is {np.exp(change):.2f} times as long as in the target's data, measured by the {unit} "
            f"({len(lengths[0])} and {len(lengths[1])} persons)"
        )
        fix = "look at both ends: one of them is probably another joint"
        found.append(finding("DATA302", place, text, fix))
    return found
