"""What a ratio is recognised by in a checkpoint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmpose_mix.mixing.allocation import exact_number, exact_shares, is_number

_LONGEST = 60


def ratio_fingerprint(words: Any, sources: Sequence[str]) -> str:
    """Return a text that two ratios share if, and hardly unless, they ask for the same of the same sources.

    Numbers count by their proportions and by source name, so neither their scale nor the order of the sources matters.

    Args:
        words: of a ratio or of a schedule of ratios.
        sources: S names.

    >>> ratio_fingerprint([2, 1], ["coco", "aic"])
    'aic=1/3 coco=2/3'
    >>> ratio_fingerprint({"aic": 2, "coco": 4}, ["aic", "coco"])
    'aic=1/3 coco=2/3'
    """
    plain = _plain(words, tuple(sources))
    text = plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True)
    return text if len(text) <= _LONGEST else "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:24]


def _plain(words: Any, sources: tuple[str, ...]) -> Any:
    if isinstance(words, np.ndarray):
        words = words.tolist()
    if isinstance(words, (list, tuple)) and len(words) == len(sources) and all(map(is_number, words)):
        words = dict(zip(sources, words))
    if isinstance(words, Mapping) and set(words) == set(sources) and all(map(is_number, words.values())):
        return " ".join(sorted(f"{name}={share}" for name, share in zip(words, exact_shares(list(words.values())))))
    if isinstance(words, Mapping):
        return {str(name): _plain(value, sources) for name, value in words.items()}
    if isinstance(words, (list, tuple)):
        return [_plain(value, sources) for value in words]
    return str(exact_number(words)) if is_number(words) else str(words)
