"""A mixture of which only the lengths exist, and MMPose's and MMEngine's samplers over it, as rank 0 of any world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import accumulate
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray


class Lengths:
    """What a sampler asks of a mixture: the number of samples of every source, and their sum."""

    metainfo = {"dataset_name": "lengths"}

    def __init__(self, lens: Sequence[int]) -> None:
        self.lens = list(lens)
        self.source_names = [f"source{i}" for i in range(len(self.lens))]

    def __len__(self) -> int:
        return sum(self.lens)


def delivered_by(sampler: Iterable[int], lens: Sequence[int]) -> NDArray[np.int64]:
    """How many samples of each source one epoch of a sampler holds, (S,)."""
    bounds = [0, *accumulate(lens)]
    return np.histogram(np.array(list(sampler), dtype=np.int64), bounds)[0]


def mmpose_is_here() -> bool:
    """Whether MMPose can be measured in this environment."""
    return find_spec("mmpose") is not None


def mmpose_sampler(lens: Sequence[int], batch_size: int, source_ratio: Sequence[float], world_size: int = 1) -> Any:
    """MMPose's ``MultiSourceSampler`` as rank 0 builds it.

    It wants a ``CombinedDataset`` and reads its ``datasets``, for their lengths, and ``_lens``; it asks MMEngine for
    rank and world size. Nothing else of it is touched.
    """
    from mmpose.datasets import CombinedDataset
    from mmpose.datasets.samplers import MultiSourceSampler

    class LengthsForMMPose(CombinedDataset):
        def __init__(self) -> None:
            self.datasets = [range(length) for length in lens]
            self._lens = list(lens)
            self._len = sum(lens)

    with rank_0_of(world_size, "mmpose.datasets.samplers"):
        return MultiSourceSampler(LengthsForMMPose(), batch_size, list(source_ratio), seed=0)


def mmengine_sampler(lens: Sequence[int], world_size: int = 1) -> Any:
    """MMEngine's ``DefaultSampler`` as rank 0 builds it; it knows no sources."""
    from mmengine.dataset import DefaultSampler

    with rank_0_of(world_size, "mmengine.dataset.sampler"):
        return DefaultSampler(Lengths(lens), seed=0)


@contextmanager
def rank_0_of(world_size: int, module: str) -> Iterator[None]:
    """Let a sampler that asks MMEngine where it is, in ``module``, hear that it is rank 0 of ``world_size``."""
    with mock.patch(f"{module}.get_dist_info", return_value=(0, world_size)):
        yield
