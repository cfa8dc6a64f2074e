"""Which side of the body a keypoint's name says, and the name of its partner."""

from __future__ import annotations

import re
from typing import Optional

_WORD = r"(?<![A-Za-z])(?:left|right|Left|Right|LEFT|RIGHT|[LR])(?![A-Za-z])"
_PREFIX = r"^[lr](?=_)"
_SUFFIX = r"(?<=[a-z])[LR](?=\d*$)"
_SIDE = re.compile(f"{_WORD}|{_PREFIX}|{_SUFFIX}")
_OTHER = {"left": "right", "Left": "Right", "LEFT": "RIGHT", "L": "R", "l": "r"}
_OTHER.update({right: left for left, right in list(_OTHER.items())})


def side_of(name: str) -> Optional[str]:
    """``'left'``, ``'right'``, or None where the name says no side.

    >>> [side_of(name) for name in ("left_hip", "Eye_Right", "L_F_Paw", "forelegR2", "medial_left_bow", "nose")]
    ['left', 'right', 'left', 'right', 'left', None]
    """
    found = _SIDE.search(name)
    return None if found is None else "left" if found[0][0] in "lL" else "right"


def other_side(name: str) -> str:
    """The name with its sides exchanged; the name itself where it says none.

    >>> other_side("left_hip"), other_side("forelegR2"), other_side("upper_neck")
    ('right_hip', 'forelegL2', 'upper_neck')
    """
    return _SIDE.sub(lambda found: _OTHER[found[0]], name)
