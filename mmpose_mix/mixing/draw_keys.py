"""What the random numbers of an item are drawn from: a key for each draw of the training."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmpose_mix.mixing.permutation import hashes_of

STREAM = 3
"""First number of every key here, so that no augmentation repeats what a shuffle is made of."""


def augmentation_keys(seed: int, positions: ArrayLike) -> NDArray[np.uint64]:
    """Return a key for each draw: different ones for all draws of a training, unrelated ones for other seeds.

    Args:
        seed: the sampler's seed.
        positions: places among all draws of the training, over all ranks, int64 of any shape, at least 0.

    Returns:
        uint64 of that shape; key ``i`` is ``hash_of(STREAM, seed, positions[i])``.

    >>> augmentation_keys(0, [0, 1]).tolist()
    [9338170624117407428, 8683729376976184503]
    """
    return hashes_of((STREAM, seed), positions)
