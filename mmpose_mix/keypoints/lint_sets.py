"""Faults of keypoint sets: in one alone, and between several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from mmpose_mix.keypoints.findings import Finding, finding, listed
from mmpose_mix.keypoints.lint_symmetry import pair_in_words, symmetry_findings
from mmpose_mix.keypoints.outline import KeypointOutline, outline_of
from mmpose_mix.keypoints.sides import other_side, side_of


def lint_set(info: Any, origin: str = "", references: Sequence[KeypointOutline] = ()) -> list[Finding]:
    """Find every fault of one keypoint set at once.

    Args:
        info: MMPose's ``dataset_info``; it may be one that :class:`KeypointSet` refuses.
        origin: File or place that findings name; the data set's name by default.
        references: Other sets, whose orders explain numbers that are in the wrong one.

    >>> from mmpose_mix.keypoints.findings import ERROR
    >>> faulty = dict(
    ...     dataset_name="arms",
    ...     keypoint_info={
    ...         0: dict(name="left_hand", id=0, swap="right_hand"),
    ...         1: dict(name="right_hand", id=1, swap=""),
    ...     },
    ...     skeleton_info={},
    ...     joint_weights=[1.0],
    ...     sigmas=[],
    ... )
    >>> [found.code for found in lint_set(faulty) if found.severity == ERROR]
    ['KS102', 'KS131', 'KS133']
    """
    name = info.get("dataset_name", "") if isinstance(info, Mapping) else ""
    outline, found = outline_of(info, origin or f"metainfo of {name!r}")
    if outline is not None:
        found += _swap_findings(outline)
        found += symmetry_findings(outline, references)
        found += _link_findings(outline)
        found += _type_findings(outline)
    return found


def lint_sets(infos: Mapping[str, Any]) -> list[Finding]:
    """Find every fault of several keypoint sets, and what they contradict each other in.

    Args:
        infos: A ``dataset_info`` by the file or place that findings name.
    """
    outlines = {origin: outline_of(info, origin)[0] for origin, info in infos.items()}
    readable = [outline for outline in outlines.values() if outline is not None]
    found = []
    for origin, info in infos.items():
        found += lint_set(info, origin, [other for other in readable if other.origin != origin])
    return found + _reused_names(readable) + _contradicted_swaps(readable)


def _reused_names(outlines: Iterable[KeypointOutline]) -> list[Finding]:
    """Sets of one name with different keypoints; two files of the same keypoints are one set."""
    origins: dict[str, list[str]] = {}
    for outline in outlines:
        if outline.name:
            origins.setdefault(outline.name, []).append(outline.origin)
    return [
        finding("KS170", f"{name!r} in {listed(some)}", "they have one dataset_name", "give each set a name of its own")
        for name, some in origins.items()
        if len(some) > 1
    ]


def _contradicted_swaps(outlines: Sequence[KeypointOutline]) -> list[Finding]:
    """Sets without a swap beside sets of the same names that have them."""
    swapped = {outline.keypoint_names: outline for outline in reversed(outlines) if any(outline.swaps)}
    found = []
    for outline in outlines:
        other = swapped.get(outline.keypoint_names)
        if other is None or outline.partners == other.partners:
            continue
        differ = [
            name for name, one, two in zip(outline.keypoint_names, outline.partners, other.partners) if one != two
        ]
        text = f"{listed(differ)} do not have the partners that they have in {other.origin}"
        found.append(finding("KS171", f"{outline.origin}: keypoint_info", text, "take the swaps of the right one"))
    return found


def _swap_findings(outline: KeypointOutline) -> list[Finding]:
    names, found = outline.keypoint_names, []
    partners = outline.partners
    known = set(names)
    for i, (name, swap) in enumerate(zip(names, outline.swaps)):
        place = f"{outline.origin}: {name}"
        partner = partners[i]
        if swap and swap not in known:
            fix = "correct the name, or use an empty string"
            found.append(finding("KS130", place, f"it swaps with {swap!r}, which is no keypoint", fix))
        elif swap == name:
            found.append(finding("KS132", place, "it swaps with itself", "use an empty string"))
        elif partners[partner] != i:
            back = outline.swaps[partner]
            fix = f"set the swap of {swap!r} to {name!r}, or that of {name!r} to an empty string"
            found.append(finding("KS131", place, f"it swaps with {swap!r}, whose swap is {back!r}", fix))
    return found + _side_findings(outline)


def _side_findings(outline: KeypointOutline) -> list[Finding]:
    """What names say about sides, against what swaps say."""
    names, where = outline.keypoint_names, f"{outline.origin}: keypoint_info"
    known, sides = set(names), [side_of(name) for name in names]
    if not any(swap and swap != name for name, swap in zip(names, outline.swaps)):
        return _findings_without_swaps(outline, sides)
    found, partners = [], outline.partners
    for i, (name, side) in enumerate(zip(names, sides)):
        partner, wanted = names[partners[i]], other_side(name)
        if side and wanted not in known:
            fix = f"add {wanted}, or correct the name"
            found.append(finding("KS134", where, f"there is {name} and no {wanted}", fix))
        elif side and partner != wanted:
            text = f"{name} swaps with {partner if partner != name else 'nothing'}, not with {wanted}"
            found.append(finding("KS133", where, text, f"set its swap to {wanted!r}"))
        elif not side and any(sides) and name < partner and not side_of(partner) and not _is_numbered(name):
            text = f"{name} and {partner} swap, although their names say no side and others do"
            found.append(finding("KS138", where, text, "use empty swaps, or say the sides in the names"))
    return found


def _is_numbered(name: str) -> bool:
    return name[-1:].isdigit()


def _findings_without_swaps(outline: KeypointOutline, sides: Sequence[Optional[str]]) -> list[Finding]:
    names, where = outline.keypoint_names, f"{outline.origin}: keypoint_info"
    sided = [name for name, side in zip(names, sides) if side and other_side(name) in names]
    if sided:
        fix = "let each left keypoint swap with its right one, and the other way round"
        return [finding("KS135", where, f"no keypoint has a swap, but {listed(sided)} have sides", fix)]
    if all(map(_is_numbered, names)):
        fix = "give the swaps, unless this is one hand or one side of something"
        return [finding("KS136", where, "no keypoint has a swap, and the names only number them", fix)]
    return [finding("KS137", where, "no keypoint has a swap", "nothing, if this is one hand or one side of something")]


def _link_findings(outline: KeypointOutline) -> list[Finding]:
    where, found = f"{outline.origin}: skeleton_info", []
    counts = Counter(frozenset(link) for link in outline.links)
    mirror = dict(zip(outline.keypoint_names, (outline.keypoint_names[i] for i in outline.partners)))
    for link in dict.fromkeys(outline.links):
        one, two = link
        if counts[frozenset(link)] > 1 and outline.links.index(link) == _first_of(outline.links, link):
            text = f"{one}-{two} is given {counts[frozenset(link)]} times"
            found.append(finding("KS153", where, text, "keep one of them"))
        sides = {side_of(one), side_of(two)}
        if sides == {"left", "right"} and other_side(one) != two and _crosses(outline.links, link):
            text = f"{one}-{two} joins the left with another joint of the right"
            found.append(finding("KS154", where, text, f"perhaps {one}-{other_side(two)} is meant"))
        elif frozenset((mirror[one], mirror[two])) not in counts:
            text = f"{one}-{two} is there, and {mirror[one]}-{mirror[two]} is not"
            found.append(finding("KS155", where, text, f"add {mirror[one]}-{mirror[two]}, or take {one}-{two} out"))
    return found


def _first_of(links: Sequence[tuple[str, str]], link: tuple[str, str]) -> int:
    return next(i for i, other in enumerate(links) if set(other) == set(link))


def _crosses(links: Iterable[tuple[str, str]], link: tuple[str, str]) -> bool:
    """Whether the link is not one of two that cross on purpose."""
    mirrored = {other_side(link[0]), other_side(link[1])}
    return not any(set(other) == mirrored for other in links)


def _type_findings(outline: KeypointOutline) -> list[Finding]:
    if not any(outline.types):
        fix = "nothing, unless RandomHalfBody is wanted: then give each keypoint its type"
        return [finding("KS161", f"{outline.origin}: keypoint_info", "no keypoint is upper or lower", fix)]
    return [
        finding(
            "KS160",
            f"{outline.origin}: {pair_in_words(outline, (i, j))}",
            f"type is {outline.types[i]!r} and {outline.types[j]!r}",
            "give partners the same type",
        )
        for i, j in outline.pairs
        if outline.types[i] != outline.types[j]
    ]
