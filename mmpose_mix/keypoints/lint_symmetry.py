"""Numbers per keypoint that are not the same for left and right, and why: published so, wrong, or in a wrong order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from mmpose_mix.keypoints.findings import Finding, finding, listed
from mmpose_mix.keypoints.outline import KeypointOutline
from mmpose_mix.keypoints.published_sigmas import is_published

# Fewer pairs may differ by one wrong number each; a list in another order moves more of them.
FEWEST_MOVED_PAIRS = 2
FEWEST_EQUAL_NUMBERS = 8


def symmetry_findings(outline: KeypointOutline, references: Sequence[KeypointOutline]) -> list[Finding]:
    """Find where sigmas or weights of partners differ.

    Args:
        outline: The keypoint set.
        references: Other sets, whose orders explain numbers that are in the wrong one.
    """
    return [*_of_list(outline, outline.sigmas, "sigmas", references)] + [
        *_of_list(outline, outline.weights, "joint_weights", references)
    ]


def pair_in_words(outline: KeypointOutline, pair: tuple[int, int]) -> str:
    """The names of two partners."""
    return "-".join(outline.keypoint_names[i] for i in pair)


def _of_list(
    outline: KeypointOutline, values: Optional[NDArray[np.float64]], key: str, references: Sequence[KeypointOutline]
) -> list[Finding]:
    if values is None or len(values) != len(outline.keypoint_names):
        return []
    unequal = [(i, j) for i, j in outline.pairs if values[i] != values[j]]
    if not unequal:
        return []
    words = listed(f"{pair_in_words(outline, (i, j))} {values[i]:g}/{values[j]:g}" for i, j in unequal)
    place, text = f"{outline.origin}: {key}", f"left and right differ in {len(unequal)} pairs: {words}"
    moved = sum(key != "sigmas" or not is_published(outline.name, values[i], values[j]) for i, j in unequal)
    if not moved:
        return [finding("KS144", place, text, "nothing; the data set publishes them so")]
    reason = _order_of(outline, values, references, key) or _could_be_equal(outline, values)
    if reason and moved >= FEWEST_MOVED_PAIRS:
        code = "KS142" if key == "sigmas" else "KS143"
        return [finding(code, place, f"{text}; {reason}", "write the numbers in the order of the ids of this set")]
    code, fix = "KS140" if key == "sigmas" else "KS141", "give both of a pair the same number"
    return [finding(code, place, text, fix)]


def _could_be_equal(outline: KeypointOutline, values: NDArray[np.float64]) -> str:
    """In words, that the numbers would be the same for left and right in some order; empty where they would not.

    They would where every number occurs an even number of times but for those that the keypoints of the middle have.
    Sigmas that were measured for each side do not do that; a list that was copied from a set of another order does.
    """
    middle = len(values) - 2 * len(outline.pairs)
    odd = sum(count % 2 for count in Counter(values.tolist()).values())
    return "in another order every left keypoint would have the number of its right one" if odd <= middle else ""


def _order_of(
    outline: KeypointOutline, values: NDArray[np.float64], references: Sequence[KeypointOutline], key: str
) -> str:
    """In words, the set in whose order the numbers are; empty where none explains the differences."""
    for other in references:
        shared = np.array([name in other.keypoint_names for name in outline.keypoint_names])
        # keypoints that only this set has may have got their numbers in their place, or at the end
        for numbers in (values, values[shared]):
            reason = _reason_of_order(outline, values, numbers, other, key)
            if reason:
                return reason
    return ""


def _reason_of_order(
    outline: KeypointOutline,
    values: NDArray[np.float64],
    numbers: NDArray[np.float64],
    other: KeypointOutline,
    key: str,
) -> str:
    """In words, why ``numbers`` are in the order of another set; empty where they are not."""
    names = outline.keypoint_names
    places = {name: i for i, name in enumerate(other.keypoint_names) if i < len(numbers)}
    both = [(i, j) for i, j in outline.pairs if names[i] in places and names[j] in places]
    here = sum(values[i] != values[j] for i, j in both)
    there = sum(numbers[places[names[i]]] != numbers[places[names[j]]] for i, j in both)
    if here - there < FEWEST_MOVED_PAIRS:
        return ""
    if len(both) == len(outline.pairs) and there == 0:
        return f"in the order of {other.origin} they would be the same"
    theirs = other.sigmas if key == "sigmas" else other.weights
    length = min(len(numbers), len(other.keypoint_names))
    copied = theirs is not None and np.array_equal(numbers[:length], theirs[:length])
    if copied and length >= FEWEST_EQUAL_NUMBERS:
        return f"place for place they are those of {other.origin}, whose keypoints are in another order"
    return ""
