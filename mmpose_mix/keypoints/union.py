"""The union of keypoint sets: every joint that one of them has, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

import numpy as np

from mmpose_mix.keypoints.aliases import AliasTable
from mmpose_mix.keypoints.schema import KeypointSet

# How far the sigmas of one set may be from those of another on the joints that both have (median of the ratios) to
# count as measured in the same way. AI Challenger's are a quarter of COCO's.
SAME_SCALE = 1.25
# Joints that take the sigma of another one where the set that has them measures in another way: COCO has neither, and
# MMPose's coco_aic.py and halpe26.py give both that of COCO's nose.
SIGMA_LIKE = {"head_top": "nose", "neck": "nose"}


@dataclass(frozen=True)
class JoinedKeypoint:
    """Where a keypoint of a union comes from.

    Attributes:
        name: Its name in the union.
        of: Set and name of each set that has the joint, in the order of the sets; the first one gives name, colour,
            type and weight.
        sigma: Where the sigma is taken from; empty where the union has none.
        other_weights: Set and weight of the others, where it differs.
        other_sigmas: Set and sigma of those that publish another one.
    """

    name: str
    of: tuple[tuple[str, str], ...]
    sigma: str = ""
    other_weights: tuple[tuple[str, float], ...] = ()
    other_sigmas: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class KeypointUnion:
    """A union of keypoint sets.

    Attributes:
        keypoints: The union as a keypoint set.
        sources: Names of the sets that it was made of.
        rows: Where each of its keypoints comes from, in order.
    """

    keypoints: KeypointSet
    sources: tuple[str, ...]
    rows: tuple[JoinedKeypoint, ...]


def union(
    sets: Sequence[KeypointSet], *, name: Optional[str] = None, aliases: Optional[AliasTable] = None
) -> KeypointUnion:
    """Join keypoint sets: the keypoints of the first, then those that the second adds, and so on.

    * Keypoints are one where they are the same joint, by name or by an alias that says so; approximate aliases join
      nothing. A new keypoint keeps its name, unless that means another joint in the union; then it takes the joint's.
    * Name, colour, type and weight are those of the first set that has the joint.
    * Sigmas are those of the first set that has any. A joint that it lacks takes the sigma of the first set that has
      one, if that set measures on the same scale: the median ratio of the sigmas on the joints that it shares with the
      sets before it is within ``SAME_SCALE``. Else it takes that of the joint that ``SIGMA_LIKE`` names, else its own
      times that ratio. Where a joint has no sigma at all, the union has none.
    * A link is taken from a set if both of its ends are new with that set. A new keypoint that would have no link takes
      those that it has to earlier ones.

    Args:
        sets: At least one.
        name: Name of the union; by default those of the sets, each once, joined by ``_``.
        aliases: The shipped ones by default.

    Raises:
        ValueError: if there is no set, if a set has one joint twice, or if sets disagree about swap partners.
    """
    if not sets:
        raise ValueError("union: no keypoint set is given; give at least one")
    table = aliases or AliasTable.shipped()
    title = name or "_".join(dict.fromkeys(one.name for one in sets))
    joints = _Joints(sets, title, table)
    order = {joint: i for i, joint in enumerate(joints.first)}
    sigmas, whose = _sigmas(sets, joints)
    links, link_colors = _links(sets, joints)
    info: dict[str, Any] = {
        "dataset_name": title,
        "keypoint_info": {
            i: {
                "name": joints.names[joint],
                "id": i,
                "color": sets[place].colors[k].tolist(),
                "type": _type(joint, sets, joints),
                "swap": _swap(joint, sets, joints),
            }
            for i, (joint, (place, k)) in enumerate(joints.first.items())
        },
        "skeleton_info": {
            i: {"link": tuple(joints.names[end] for end in link), "id": i, "color": color}
            for i, (link, color) in enumerate(zip(links, link_colors))
        },
        "joint_weights": [sets[place].weights[k] for place, k in joints.first.values()],
        "sigmas": [sigmas[joint] for joint in order] if len(sigmas) == len(order) else [],
    }
    origin = f"union of {', '.join(one.name for one in sets)}"
    keypoints = KeypointSet.from_dataset_info(info, origin)
    rows = tuple(_row(joint, sets, joints, keypoints, whose) for joint in order)
    return KeypointUnion(keypoints, tuple(one.name for one in sets), rows)


class _Joints:
    """The joints of several sets: where each occurs, first of all, and its name in the union."""

    def __init__(self, sets: Sequence[KeypointSet], title: str, table: AliasTable) -> None:
        self.of_set = [[table.same(table.joint(one.name, name)) for name in one.keypoint_names] for one in sets]
        self.places: dict[str, list[tuple[int, int]]] = {}
        for place, joints in enumerate(self.of_set):
            twice = sorted({joint for joint in joints if joints.count(joint) > 1})
            if twice:
                names = [name for name, joint in zip(sets[place].keypoint_names, joints) if joint in twice]
                raise ValueError(
                    f"union: {', '.join(names)} of {sets[place].name!r} are the same joint by the aliases. Change the "
                    f"aliases, or rename the keypoints."
                )
            for k, joint in enumerate(joints):
                self.places.setdefault(joint, []).append((place, k))
        self.first = {joint: places[0] for joint, places in self.places.items()}
        self.names: dict[str, str] = {}
        for joint, (place, k) in self.first.items():
            own = sets[place].keypoint_names[k]
            means = table.same(table.joint(title, own))
            self.names[joint] = own if means == joint else table.joint(sets[place].name, own)


def _type(joint: str, sets: Sequence[KeypointSet], joints: _Joints) -> str:
    for place, k in joints.places[joint]:
        if k in sets[place].upper_body_ids:
            return "upper"
        if k in sets[place].lower_body_ids:
            return "lower"
    return ""


def _swap(joint: str, sets: Sequence[KeypointSet], joints: _Joints) -> str:
    """Name of the partner in a mirrored image; sets that know of none are outvoted by those that do."""
    partners: dict[str, str] = {}
    for place, k in joints.places[joint]:
        other = joints.of_set[place][sets[place].flip_indices[k]]
        if other != joint:
            partners.setdefault(other, sets[place].name)
    if len(partners) > 1:
        words = " and ".join(f"{joints.names[other]} in {origin}" for other, origin in partners.items())
        raise ValueError(f"union: the swap partner of {joints.names[joint]} is {words}. Correct one of the sets.")
    return next((joints.names[other] for other in partners), "")


def _sigmas(sets: Sequence[KeypointSet], joints: _Joints) -> tuple[dict[str, float], dict[str, str]]:
    """Sigma of each joint that gets one, and where it is from."""
    chosen: dict[str, float] = {}
    whose: dict[str, str] = {}
    for one, names in zip(sets, joints.of_set):
        if not len(one.sigmas):
            continue
        own = dict(zip(names, (float(sigma) for sigma in one.sigmas)))
        ratios = [chosen[joint] / own[joint] for joint in names if joint in chosen]
        ratio = float(np.median(ratios)) if ratios else 1.0
        fits = 1 / SAME_SCALE <= ratio <= SAME_SCALE
        for joint in [joint for joint in names if joint not in chosen]:
            if fits:
                chosen[joint], whose[joint] = own[joint], one.name
            elif SIGMA_LIKE.get(joint) in chosen:
                like = SIGMA_LIKE[joint]
                chosen[joint], whose[joint] = chosen[like], f"that of {like}"
            else:
                chosen[joint] = float(np.float32(own[joint] * ratio))
                whose[joint] = f"{one.name}, times {ratio:.3g} to fit the scale of the sets before"
    return chosen, whose


def _links(sets: Sequence[KeypointSet], joints: _Joints) -> tuple[list[tuple[str, str]], list[list[int]]]:
    links: dict[frozenset[str], tuple[tuple[str, str], list[int]]] = {}
    for place, one in enumerate(sets):
        of = joints.of_set[place]
        new = {joint for joint in of if joints.first[joint][0] == place}
        own = [((of[a], of[b]), color.tolist()) for (a, b), color in zip(one.links, one.link_colors)]
        taken = [each for each in own if set(each[0]) <= new]
        linked = {end for link, _ in taken for end in link}
        alone = [joint for joint in of if joint in new and joint not in linked]
        taken += [each for each in own if any(end in alone for end in each[0]) and each not in taken]
        for link, color in taken:
            links.setdefault(frozenset(link), (link, color))
    return [link for link, _ in links.values()], [color for _, color in links.values()]


def _row(
    joint: str, sets: Sequence[KeypointSet], joints: _Joints, keypoints: KeypointSet, whose: dict[str, str]
) -> JoinedKeypoint:
    places = joints.places[joint]
    row = JoinedKeypoint(
        joints.names[joint], tuple((sets[place].name, sets[place].keypoint_names[k]) for place, k in places)
    )
    i = keypoints.keypoint_ids[row.name]
    weights = [(sets[place].name, sets[place].weights[k]) for place, k in places]
    row = replace(row, other_weights=_others(weights, keypoints.weights[i]))
    if len(keypoints.sigmas):
        sigmas = [(sets[place].name, sets[place].sigmas[k]) for place, k in places if len(sets[place].sigmas)]
        row = replace(row, sigma=whose[joint], other_sigmas=_others(sigmas, keypoints.sigmas[i]))
    return row


def _others(values: Iterable[tuple[str, np.float32]], chosen: np.float32) -> tuple[tuple[str, float], ...]:
    return tuple((name, float(f"{value:.7g}")) for name, value in values if value != chosen)
