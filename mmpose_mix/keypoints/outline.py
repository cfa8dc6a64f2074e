"""The outline of a keypoint set that may be wrong: what can be read of it, and findings on what cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from mmpose_mix.keypoints.findings import Finding, finding, listed
from mmpose_mix.keypoints.schema import KEYPOINT_TYPES, OPTIONAL_KEYS, REQUIRED_KEYS, KeypointSet

_ENTRY_KEYS = {"keypoint_info": ("name", "id", "color", "type", "swap"), "skeleton_info": ("link", "id", "color")}
_LIST_CODES = {"joint_weights": ("KS102", "KS106"), "sigmas": ("KS103", "KS107")}


@dataclass(frozen=True, eq=False)
class KeypointOutline:
    """What a keypoint set says, right or wrong.

    Attributes:
        origin: File or place that findings name.
        name: ``dataset_name``.
        keypoint_names: K names, in the order of the ids where these are 0 to K-1, else of the dict.
        swaps: K names of partners as written; empty where there is none.
        types: ``upper``, ``lower`` or empty, K of them.
        weights: Loss weights; None where they are no list of numbers.
        sigmas: The same.
        links: Pairs of names of keypoints that are there.
    """

    origin: str
    name: str
    keypoint_names: tuple[str, ...]
    swaps: tuple[str, ...]
    types: tuple[str, ...]
    weights: Optional[NDArray[np.float64]]
    sigmas: Optional[NDArray[np.float64]]
    links: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, keypoints: KeypointSet) -> KeypointOutline:
        """The outline of a set without faults."""
        names = keypoints.keypoint_names
        halves = dict.fromkeys(keypoints.upper_body_ids, "upper")
        halves.update(dict.fromkeys(keypoints.lower_body_ids, "lower"))
        return cls(
            origin=keypoints.origin,
            name=keypoints.name,
            keypoint_names=names,
            swaps=tuple(names[partner] if partner != i else "" for i, partner in enumerate(keypoints.flip_indices)),
            types=tuple(halves.get(i, "") for i in range(len(names))),
            weights=keypoints.weights.astype(np.float64),
            sigmas=keypoints.sigmas.astype(np.float64),
            links=tuple((names[start], names[end]) for start, end in keypoints.links),
        )

    @property
    def partners(self) -> tuple[int, ...]:
        """K ids: the partner of each keypoint, itself where it has none or one that is not there."""
        ids = {name: i for i, name in reversed(list(enumerate(self.keypoint_names)))}
        return tuple(ids.get(swap, i) if swap else i for i, swap in enumerate(self.swaps))

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Mutual partners, each pair once."""
        partners = self.partners
        return [(i, partner) for i, partner in enumerate(partners) if i < partner and partners[partner] == i]


def outline_of(info: Any, origin: str) -> tuple[Optional[KeypointOutline], list[Finding]]:
    """Read what can be read of a ``dataset_info``.

    Args:
        info: MMPose's ``dataset_info``, see :meth:`KeypointSet.from_dataset_info`; may be wrong in every way.
        origin: File or place that findings name.

    Returns:
        The outline, None where there is no dict of keypoints; and the findings on form, numbers, ids and names.
    """
    found: list[Finding] = []
    if not isinstance(info, Mapping):
        text = f"dataset_info is a {type(info).__name__}"
        return None, [finding("KS101", origin, text, "give a dict with keypoint_info and the rest")]
    _check_keys(info, origin, found)
    keypoints = _entries(info, "keypoint_info", origin, found)
    skeleton = _entries(info, "skeleton_info", origin, found)
    names = _names(keypoints, origin, found)
    count = len(keypoints)
    outline = KeypointOutline(
        origin=origin,
        name=str(info.get("dataset_name", "")),
        keypoint_names=names,
        swaps=_words(keypoints, "swap"),
        types=_types(keypoints, names, origin, found),
        weights=_numbers(info, "joint_weights", count, origin, found),
        sigmas=_numbers(info, "sigmas", count, origin, found),
        links=_links(skeleton, set(names), origin, found),
    )
    return (outline if count else None), found


def _check_keys(info: Mapping[str, Any], origin: str, found: list[Finding]) -> None:
    missing = [key for key in REQUIRED_KEYS if key not in info]
    unknown = [key for key in info if key not in REQUIRED_KEYS + OPTIONAL_KEYS]
    name = info.get("dataset_name", "-")
    if missing:
        fix = "add them; an unknown sigmas is an empty list"
        found.append(finding("KS101", origin, f"{listed(missing)} missing", fix))
    if unknown:
        fix = f"leave them out; allowed are {', '.join(REQUIRED_KEYS + OPTIONAL_KEYS)}"
        found.append(finding("KS101", origin, f"unknown keys {listed(unknown)}", fix))
    if not isinstance(name, str) or not name:
        found.append(finding("KS101", f"{origin}: dataset_name", f"it is {name!r}", "give a string that is not empty"))


def _entries(info: Mapping[str, Any], part: str, origin: str, found: list[Finding]) -> list[Mapping[str, Any]]:
    """The entries of ``keypoint_info`` or ``skeleton_info`` in the order of their ids, or of the dict."""
    where = f"{origin}: {part}"
    entries = info.get(part, {})
    if not isinstance(entries, Mapping) or (part == "keypoint_info" and part in info and not entries):
        text = f"a {type(entries).__name__} of {len(entries) if hasattr(entries, '__len__') else 'no'} entries"
        found.append(finding("KS101", where, text, "give a dict of dicts, one per entry"))
        return []
    good: list[tuple[Any, Mapping[str, Any]]] = []
    for key, entry in entries.items():
        if not isinstance(entry, Mapping):
            text = f"entry {key!r} is a {type(entry).__name__}"
            found.append(finding("KS101", where, text, f"give a dict of {', '.join(_ENTRY_KEYS[part])}"))
            continue
        unknown = [word for word in entry if word not in _ENTRY_KEYS[part]]
        if unknown:
            text = f"entry {key!r} has unknown keys {listed(unknown)}"
            found.append(finding("KS101", where, text, f"allowed are {', '.join(_ENTRY_KEYS[part])}"))
        good.append((entry.get("id", key), entry))
    _check_colors(entries, where, found)
    return _in_order(good, part, where, found)


def _check_colors(entries: Mapping[Any, Any], where: str, found: list[Finding]) -> None:
    for key, entry in entries.items():
        color = entry.get("color", (0, 0, 0)) if isinstance(entry, Mapping) else (0, 0, 0)
        three = isinstance(color, (list, tuple)) and len(color) == 3
        if not three or not all(_is_int(value) and 0 <= value <= 255 for value in color):
            found.append(finding("KS105", where, f"entry {key!r} has color {color!r}", "give three integers 0 to 255"))


def _in_order(
    numbered: Sequence[tuple[Any, Mapping[str, Any]]], part: str, where: str, found: list[Finding]
) -> list[Mapping[str, Any]]:
    ids, last = [number for number, _ in numbered], len(numbered) - 1
    wrong_code, order_code = ("KS110", "KS111") if part == "keypoint_info" else ("KS112", "KS113")
    if all(map(_is_int, ids)) and sorted(ids) == list(range(len(ids))):
        if ids != sorted(ids):
            moved = [place for place, number in enumerate(ids) if place != number]
            text = f"the ids are not in the order of the dict from place {moved[0]} on ({len(moved)} places)"
            found.append(finding(order_code, where, text, "write the entries in the order of their ids"))
        return [entry for _, entry in sorted(numbered, key=lambda pair: int(pair[0]))]
    whole = [number for number in ids if _is_int(number)]
    parts = {
        "no integers": [repr(number) for number in ids if not _is_int(number)],
        "twice": sorted(number for number, count in Counter(whole).items() if count > 1),
        "out of range": sorted({number for number in whole if not 0 <= number <= last}),
        "absent": sorted(set(range(last + 1)) - set(whole)),
    }
    words = "; ".join(f"{word}: {listed(some)}" for word, some in parts.items() if some)
    found.append(finding(wrong_code, where, f"ids are not 0 to {last}, each once ({words})", "renumber them"))
    return [entry for _, entry in numbered]


def _names(keypoints: Sequence[Mapping[str, Any]], origin: str, found: list[Finding]) -> tuple[str, ...]:
    names = []
    for i, keypoint in enumerate(keypoints):
        name = keypoint.get("name")
        if not isinstance(name, str) or not name:
            text = f"keypoint {i} has name {name!r}"
            found.append(finding("KS120", f"{origin}: keypoint_info", text, "give a string that is not empty"))
            name = f"keypoint {i} without a name"
        names.append(name)
    for name, count in Counter(names).items():
        if count > 1:
            ids = listed(i for i, other in enumerate(names) if other == name)
            text = f"keypoints {ids} are all named {name!r}"
            found.append(finding("KS121", f"{origin}: keypoint_info", text, "give each its own name"))
    return tuple(names)


def _words(entries: Sequence[Mapping[str, Any]], key: str) -> tuple[str, ...]:
    return tuple(str(entry.get(key, "") or "") for entry in entries)


def _types(
    keypoints: Sequence[Mapping[str, Any]], names: Sequence[str], origin: str, found: list[Finding]
) -> tuple[str, ...]:
    types = _words(keypoints, "type")
    for name, kind in zip(names, types):
        if kind not in KEYPOINT_TYPES:
            found.append(
                finding("KS122", f"{origin}: {name}", f"type is {kind!r}", "give 'upper', 'lower' or an empty string")
            )
    return tuple(kind if kind in KEYPOINT_TYPES else "" for kind in types)


def _numbers(
    info: Mapping[str, Any], key: str, count: int, origin: str, found: list[Finding]
) -> Optional[NDArray[np.float64]]:
    """The list where it is one of numbers and has one per keypoint, or none at all."""
    where, (length_code, value_code) = f"{origin}: {key}", _LIST_CODES[key]
    if key not in info:
        return None
    try:
        array = np.array(info[key], dtype=np.float64)
    except (TypeError, ValueError):
        array = np.full((1, 1), np.nan)
    if array.ndim != 1:
        found.append(finding(value_code, where, "no flat list of numbers", f"give {count} numbers, one per keypoint"))
        return None
    low, bad = ("at least 0", ~(array >= 0)) if key == "joint_weights" else ("above 0", ~(array > 0))
    bad |= ~np.isfinite(array)
    if bad.any():
        text = f"entries {listed(np.flatnonzero(bad))} are not finite and {low}"
        found.append(finding(value_code, where, text, f"give finite numbers {low}"))
    if key == "joint_weights" and len(array) and not array.any():
        found.append(finding("KS108", where, "all are 0", "give 1 to each keypoint that is to be learnt"))
    if key == "sigmas" and not len(array):
        found.append(finding("KS104", where, "the list is empty", "nothing, unless OKS is wanted: then give sigmas"))
    elif len(array) != count:
        fix = "give one per keypoint, in the order of the ids"
        found.append(finding(length_code, where, f"{len(array)} values for {count} keypoints", fix))
    return array


def _links(
    skeleton: Sequence[Mapping[str, Any]], names: set[str], origin: str, found: list[Finding]
) -> tuple[tuple[str, str], ...]:
    links = []
    where = f"{origin}: skeleton_info"
    for i, entry in enumerate(skeleton):
        ends = entry.get("link")
        if not isinstance(ends, (list, tuple)) or len(ends) != 2:
            found.append(finding("KS151", where, f"link {i} is {ends!r}", "give the names of two keypoints"))
            continue
        unknown = [repr(end) for end in ends if not isinstance(end, str) or end not in names]
        if unknown:
            text = f"link {i} {tuple(ends)!r} ends at {listed(unknown)}, which is no keypoint"
            found.append(finding("KS150", where, text, "correct the name or take the link out"))
        elif ends[0] == ends[1]:
            found.append(finding("KS152", where, f"link {i} joins {ends[0]!r} with itself", "name two keypoints"))
        else:
            links.append((ends[0], ends[1]))
    return tuple(links)


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
