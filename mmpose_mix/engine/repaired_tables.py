"""Index tables of MMPose's own configs that are known to be wrong, and what they should be."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mmengine.logging import print_log

# The eye points of COFW in MMPose 1.3.2's face6 configs: WFLW's numbers, which are nose and other eye in LaPa; one of
# them is the target of another point as well. Source: what is written, what is meant.
_COFW_TO_LAPA_EYES = {
    8: (60, 66),
    9: (72, 79),
    10: (64, 70),
    11: (68, 75),
    12: (62, 68),
    13: (66, 72),
    14: (70, 77),
    15: (74, 81),
}
_LAPA_KEYPOINTS = 106
_COFW_KEYPOINTS = 29


def repaired_table(num_keypoints: Any, table: Any) -> Any:
    """The table that is meant, where this is a known wrong one; else the table itself, the same object."""
    if num_keypoints != _LAPA_KEYPOINTS or not isinstance(table, (list, tuple)):
        return table
    pairs = [tuple(pair) if isinstance(pair, (list, tuple)) else pair for pair in table]
    wrong = {(source, target) for source, (target, _) in _COFW_TO_LAPA_EYES.items()}
    if not wrong <= set(map(_hashable, pairs)) or any(_source(pair) >= _COFW_KEYPOINTS for pair in pairs):
        return table
    return [(pair[0], _COFW_TO_LAPA_EYES[pair[0]][1]) if pair in wrong else pair for pair in pairs]


def repair_tables(config: Any) -> int:
    """Put right every known wrong table of a config's converters, in place, and say so in the log.

    Returns:
        How many there were.
    """
    count = 0
    if isinstance(config, Mapping):
        mapping = config.get("mapping")
        right = repaired_table(config.get("num_keypoints"), mapping)
        if right is not mapping:
            config["mapping"] = right  # type: ignore[index]
            print_log(
                "KeypointConverter: this is MMPose's index table from COFW to LaPa, whose eye points 8 to 15 are given "
                "WFLW's numbers; they go to LaPa's eyes here. Write mapping='auto', approximate=True in its place.",
                logger="current",
                level=logging.WARNING,
            )
            count += 1
    inner = config.values() if isinstance(config, Mapping) else config if isinstance(config, (list, tuple)) else ()
    return count + sum(map(repair_tables, list(inner)))


def _hashable(pair: Any) -> Any:
    return pair if isinstance(pair, tuple) and all(isinstance(part, int) for part in pair) else None


def _source(pair: Any) -> int:
    return pair[0] if _hashable(pair) is not None else _COFW_KEYPOINTS
