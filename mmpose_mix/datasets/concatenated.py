"""Data sets of one keypoint set, one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Union

from mmengine.dataset import ConcatDataset as RootConcatDataset

from mmpose_mix.registry import DATASETS


@DATASETS.register_module()
class ConcatDataset(RootConcatDataset):
    """MMEngine's ``ConcatDataset``, for test data as well.

    MMEngine's wants the same metainfo of all, but each test data set names its own ``ann_file`` there. Where they name
    different ones this class names none, and a metric takes the annotations that the samples carry.

    Args:
        datasets: configs or data sets, all of one keypoint set; others belong into a ``CombinedDataset``.
        lazy_init: read the files at first use.
        ignore_keys: keys of the metainfo that may differ; that of the first is taken.

    Raises:
        ValueError: if another key of the metainfo differs.
    """

    def __init__(
        self,
        datasets: Sequence[Union[Mapping[str, Any], Any]],
        lazy_init: bool = False,
        ignore_keys: Union[str, Sequence[str], None] = None,
    ) -> None:
        ignored = [ignore_keys] if isinstance(ignore_keys, str) else list(ignore_keys or ())
        super().__init__(datasets, lazy_init, [*ignored, "ann_file"])
        if len({dataset.metainfo.get("ann_file") for dataset in self.datasets}) > 1:
            self._metainfo.pop("ann_file", None)
