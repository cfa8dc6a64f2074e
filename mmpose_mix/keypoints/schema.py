"""Keypoint sets: what the keypoints of one data set are called and how they belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

REQUIRED_KEYS = ("dataset_name", "keypoint_info", "skeleton_info", "joint_weights", "sigmas")
OPTIONAL_KEYS = ("paper_info", "stats_info")
KEYPOINT_TYPES = ("", "upper", "lower")
DEFAULT_KEYPOINT_COLOR = (255, 128, 0)
DEFAULT_LINK_COLOR = (96, 96, 255)


@dataclass(frozen=True, eq=False)
class KeypointSet:
    """The keypoints of one data set: names, order, swap partners, links, loss weights and sigmas.

    A keypoint's id is its place in every array of K rows. Nothing of an instance can be changed, so one instance serves
    every data set, transform and metric that reads the same metainfo; a deep copy is the instance itself.

    Attributes:
        name: Name of the data set.
        keypoint_names: K unique names.
        flip_indices: K ids; entry i is what keypoint i becomes in a mirrored image (itself where it has no partner).
        flip_pairs: ``(partner, id)`` for each keypoint with a partner, so both directions of each pair.
        upper_body_ids: Ids of type ``upper``, ascending.
        lower_body_ids: Ids of type ``lower``, ascending.
        colors: (K, 3) uint8, one colour per keypoint as the metainfo gives it.
        links: L pairs of ids, the limbs to draw.
        link_colors: (L, 3) uint8.
        weights: (K,) float32, loss weight of each keypoint.
        sigmas: (K,) float32, per-keypoint spread of OKS; empty where the data set publishes none.
        stats_info: Named float32 arrays of data set statistics, or None.
        origin: Where the set was read from, for messages.
    """

    name: str
    keypoint_names: tuple[str, ...]
    flip_indices: tuple[int, ...]
    flip_pairs: tuple[tuple[int, int], ...]
    upper_body_ids: tuple[int, ...]
    lower_body_ids: tuple[int, ...]
    colors: NDArray[np.uint8]
    links: tuple[tuple[int, int], ...]
    link_colors: NDArray[np.uint8]
    weights: NDArray[np.float32]
    sigmas: NDArray[np.float32]
    stats_info: Optional[dict[str, NDArray[np.float32]]] = None
    origin: str = "metainfo"

    def __post_init__(self) -> None:
        self._freeze_arrays()

    @classmethod
    def from_dataset_info(cls, info: Mapping[str, Any], origin: str = "metainfo") -> KeypointSet:
        """Read MMPose's ``dataset_info`` format and check it.

        Args:
            info: ``dataset_name``; ``keypoint_info`` ``{key: dict(name, id, color, type, swap)}``; ``skeleton_info``
                ``{key: dict(link, id, color)}``; ``joint_weights`` (K numbers); ``sigmas`` (K numbers, or none);
                optionally ``stats_info`` and ``paper_info``. Order follows ``id``, or the key where ``id`` is absent.
            origin: File or place that the error names.

        Raises:
            ValueError: with every finding and what to change.

        >>> people = KeypointSet.from_dataset_info(
        ...     dict(
        ...         dataset_name="arms",
        ...         keypoint_info={
        ...             0: dict(name="nose", id=0, type="upper", swap=""),
        ...             1: dict(name="left_hand", id=1, type="upper", swap="right_hand"),
        ...             2: dict(name="right_hand", id=2, type="upper", swap="left_hand"),
        ...         },
        ...         skeleton_info={0: dict(link=("nose", "left_hand"), id=0)},
        ...         joint_weights=[1.0, 1.5, 1.5],
        ...         sigmas=[],
        ...     )
        ... )
        >>> people.flip_indices, people.flip_pairs, people.links
        ((0, 2, 1), ((2, 1), (1, 2)), ((0, 1),))
        """
        findings = _Findings(origin)
        _check_keys(info, findings)
        keypoints = _in_order_of_id(info.get("keypoint_info", {}), "keypoint_info", findings)
        skeleton = _in_order_of_id(info.get("skeleton_info", {}), "skeleton_info", findings)
        if not keypoints and not findings.found:
            findings.add("keypoint_info has no keypoint; give at least one")
        names = _names(keypoints, findings)
        types = _types(keypoints, findings)
        flip_indices = _flip_indices(keypoints, names, findings)
        parsed = cls(
            name=_dataset_name(info, findings),
            keypoint_names=names,
            flip_indices=flip_indices,
            flip_pairs=tuple((partner, i) for i, partner in enumerate(flip_indices) if partner != i),
            upper_body_ids=tuple(i for i, kind in enumerate(types) if kind == "upper"),
            lower_body_ids=tuple(i for i, kind in enumerate(types) if kind == "lower"),
            colors=_colors(keypoints, "keypoint_info", DEFAULT_KEYPOINT_COLOR, findings),
            links=_links(skeleton, names, findings),
            link_colors=_colors(skeleton, "skeleton_info", DEFAULT_LINK_COLOR, findings),
            weights=_numbers(info, "joint_weights", len(names), findings, may_be_zero=True),
            sigmas=_numbers(info, "sigmas", len(names), findings, may_be_empty=True),
            stats_info=_stats(info.get("stats_info"), findings),
            origin=origin,
        )
        findings.raise_if_any()
        return parsed

    @property
    def num_keypoints(self) -> int:
        """K, the number of keypoints."""
        return len(self.keypoint_names)

    @property
    def keypoint_ids(self) -> dict[str, int]:
        """Id of each keypoint name."""
        return {name: i for i, name in enumerate(self.keypoint_names)}

    def dataset_info(self) -> dict[str, Any]:
        """The set in MMPose's ``dataset_info`` format, of plain numbers; :meth:`from_dataset_info` reads it back."""
        upper, lower = set(self.upper_body_ids), set(self.lower_body_ids)
        names = self.keypoint_names
        info: dict[str, Any] = {
            "dataset_name": self.name,
            "keypoint_info": {
                i: {
                    "name": name,
                    "id": i,
                    "color": self.colors[i].tolist(),
                    "type": "upper" if i in upper else "lower" if i in lower else "",
                    "swap": "" if self.flip_indices[i] == i else names[self.flip_indices[i]],
                }
                for i, name in enumerate(names)
            },
            "skeleton_info": {
                i: {"link": (names[start], names[end]), "id": i, "color": self.link_colors[i].tolist()}
                for i, (start, end) in enumerate(self.links)
            },
            "joint_weights": _short_numbers(self.weights),
            "sigmas": _short_numbers(self.sigmas),
        }
        if self.stats_info is not None:
            info["stats_info"] = {key: value.tolist() for key, value in self.stats_info.items()}
        return info

    def _freeze_arrays(self) -> None:
        arrays = [getattr(self, field.name) for field in fields(self)] + list((self.stats_info or {}).values())
        for array in arrays:
            if isinstance(array, np.ndarray):
                array.setflags(write=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> KeypointSet:
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._freeze_arrays()  # pickle does not keep the flag


def _short_numbers(array: NDArray[np.float32]) -> list[float]:
    """The shortest decimals that are these float32 numbers."""
    return [float(np.format_float_positional(value, unique=True)) for value in array]


class _Findings:
    """Everything wrong with one keypoint set, raised together."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.found: list[str] = []

    def add(self, text: str) -> None:
        self.found.append(text)

    def raise_if_any(self) -> None:
        if self.found:
            lines = "\n".join(f"  - {text}" for text in self.found)
            raise ValueError(f"{self.origin}: this keypoint set cannot be used ({len(self.found)} found):\n{lines}")


def _check_keys(info: Mapping[str, Any], findings: _Findings) -> None:
    if not isinstance(info, Mapping):
        raise TypeError(f"{findings.origin}: dataset_info must be a dict, got {type(info).__name__}")
    missing = [key for key in REQUIRED_KEYS if key not in info]
    unknown = [str(key) for key in info if key not in REQUIRED_KEYS + OPTIONAL_KEYS]
    if missing:
        findings.add(f"missing: {', '.join(missing)}; add them (an unknown sigmas is an empty list)")
    if unknown:
        findings.add(f"unknown: {', '.join(unknown)}; allowed are {', '.join(REQUIRED_KEYS + OPTIONAL_KEYS)}")


def _dataset_name(info: Mapping[str, Any], findings: _Findings) -> str:
    name = info.get("dataset_name", "-")
    if not isinstance(name, str) or not name:
        findings.add(f"dataset_name is {name!r}; give a non-empty string")
    return str(name)


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _in_order_of_id(entries: Any, where: str, findings: _Findings) -> list[Mapping[str, Any]]:
    """The entries of ``keypoint_info`` or ``skeleton_info``, sorted by id."""
    if not isinstance(entries, Mapping):
        findings.add(f"{where} is a {type(entries).__name__}; give a dict of dicts")
        return []
    allowed = ("name", "id", "color", "type", "swap") if where == "keypoint_info" else ("link", "id", "color")
    numbered: list[tuple[int, Mapping[str, Any]]] = []
    for key, entry in entries.items():
        if not isinstance(entry, Mapping):
            findings.add(f"{where}[{key!r}] is a {type(entry).__name__}; give a dict")
            continue
        unknown = [str(word) for word in entry if word not in allowed]
        if unknown:
            findings.add(f"{where}[{key!r}] has unknown keys {', '.join(unknown)}; allowed are {', '.join(allowed)}")
        number = entry.get("id", key)
        if not _is_int(number):
            findings.add(f"{where}[{key!r}] has id {number!r}; give an integer")
            continue
        numbered.append((int(number), entry))
    _check_contiguous([number for number, _ in numbered], where, findings)
    return [entry for _, entry in sorted(numbered, key=lambda pair: pair[0])]


def _check_contiguous(ids: Sequence[int], where: str, findings: _Findings) -> None:
    wanted = set(range(len(ids)))
    twice = sorted(i for i, count in Counter(ids).items() if count > 1)
    outside = sorted(set(ids) - wanted)
    absent = sorted(wanted - set(ids))
    if twice or outside:
        parts = [("twice", twice), ("out of range", outside), ("absent", absent)]
        words = "; ".join(f"{word}: {', '.join(map(str, some))}" for word, some in parts if some)
        findings.add(f"{where} ids must be 0..{len(ids) - 1}, each once ({words}); renumber them")


def _names(keypoints: Iterable[Mapping[str, Any]], findings: _Findings) -> tuple[str, ...]:
    names = []
    for i, keypoint in enumerate(keypoints):
        name = keypoint.get("name")
        if not isinstance(name, str) or not name:
            findings.add(f"keypoint {i} has name {name!r}; give a non-empty string")
        names.append(str(name))
    for name, count in Counter(names).items():
        if count > 1:
            ids = ", ".join(str(i) for i, other in enumerate(names) if other == name)
            findings.add(f"keypoints {ids} are all named {name!r}; give each its own name")
    return tuple(names)


def _types(keypoints: Sequence[Mapping[str, Any]], findings: _Findings) -> list[str]:
    types = [keypoint.get("type", "") for keypoint in keypoints]
    for i, kind in enumerate(types):
        if kind not in KEYPOINT_TYPES:
            findings.add(f"keypoint {i} ({keypoints[i].get('name')}) has type {kind!r}; allowed are {KEYPOINT_TYPES}")
    return types


def _flip_indices(keypoints: Sequence[Mapping[str, Any]], names: Sequence[str], findings: _Findings) -> tuple[int, ...]:
    ids = {name: i for i, name in enumerate(names)}
    flip = list(range(len(names)))
    for i, (keypoint, name) in enumerate(zip(keypoints, names)):
        swap = keypoint.get("swap", "") or name
        if not isinstance(swap, str) or swap not in ids:
            findings.add(f"keypoint {i} ({name}) swaps with {swap!r}, which is no keypoint; correct the name or use ''")
        else:
            flip[i] = ids[swap]
    for i, partner in enumerate(flip):
        if flip[partner] != i:
            back = names[flip[partner]] if flip[partner] != partner else ""
            findings.add(
                f"keypoint {i} ({names[i]}) swaps with {names[partner]!r}, whose swap is {back!r}; "
                f"set the swap of {names[partner]!r} to {names[i]!r}, or that of {names[i]!r} to ''"
            )
    return tuple(flip)


def _links(
    skeleton: Iterable[Mapping[str, Any]], names: Sequence[str], findings: _Findings
) -> tuple[tuple[int, int], ...]:
    ids = {name: i for i, name in enumerate(names)}
    links = []
    for i, entry in enumerate(skeleton):
        ends = entry.get("link")
        if not isinstance(ends, (list, tuple)) or len(ends) != 2:
            findings.add(f"link {i} is {ends!r}; give two keypoint names")
            continue
        unknown = [repr(end) for end in ends if not isinstance(end, str) or end not in ids]
        if unknown:
            findings.add(f"link {i} {tuple(ends)} names no keypoint: {', '.join(unknown)}; correct the name")
        elif ends[0] == ends[1]:
            findings.add(f"link {i} joins {ends[0]!r} with itself; give two different keypoints")
        else:
            links.append((ids[ends[0]], ids[ends[1]]))
    return tuple(links)


def _colors(
    entries: Iterable[Mapping[str, Any]], where: str, default: tuple[int, int, int], findings: _Findings
) -> NDArray[np.uint8]:
    colors = []
    for i, entry in enumerate(entries):
        color = entry.get("color", default)
        good = isinstance(color, (list, tuple)) and len(color) == 3
        if not good or not all(_is_int(value) and 0 <= value <= 255 for value in color):
            findings.add(f"{where} {i} has color {color!r}; give three integers 0..255")
            color = default
        colors.append(tuple(color))
    return np.array(colors, dtype=np.uint8).reshape(-1, 3)


def _numbers(
    info: Mapping[str, Any],
    key: str,
    num_keypoints: int,
    findings: _Findings,
    *,
    may_be_zero: bool = False,
    may_be_empty: bool = False,
) -> NDArray[np.float32]:
    """One number per keypoint, e.g. ``sigmas``."""
    if key not in info:
        return np.zeros(0, dtype=np.float32)
    try:
        array = np.array(info[key], dtype=np.float32)
    except (TypeError, ValueError):
        array = np.full((1, 1), np.nan, dtype=np.float32)
    if array.ndim != 1:
        findings.add(f"{key} is {info[key]!r}; give a flat list of {num_keypoints} numbers")
        return array
    if len(array) != num_keypoints and not (may_be_empty and len(array) == 0):
        findings.add(f"{key} has {len(array)} values for {num_keypoints} keypoints; give one per keypoint, in id order")
    low = "at least 0" if may_be_zero else "above 0"
    bad = ~np.isfinite(array) | (array < 0 if may_be_zero else array <= 0)
    if bad.any():
        findings.add(f"{key} must be finite and {low}; correct entries {', '.join(map(str, np.flatnonzero(bad)))}")
    return array


def _stats(stats: Any, findings: _Findings) -> Optional[dict[str, NDArray[np.float32]]]:
    if stats is None:
        return None
    if not isinstance(stats, Mapping):
        findings.add(f"stats_info is a {type(stats).__name__}; give a dict of arrays")
        return None
    arrays = {}
    for name, value in stats.items():
        try:
            arrays[str(name)] = np.array(value, dtype=np.float32)
        except (TypeError, ValueError):
            findings.add(f"stats_info[{name!r}] is {value!r}; give numbers")
    return arrays
