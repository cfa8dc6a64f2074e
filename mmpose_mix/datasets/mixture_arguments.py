"""Which arguments a mixture takes, and what is said about others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from mmpose_mix.mixing.ratio import RATIO_WORDS

ARGUMENTS = (
    "metainfo",
    "datasets",
    "pipeline",
    "sample_ratio_factor",
    "seed",
    "test_mode",
    "lazy_init",
    "max_refetch",
)
ARGUMENTS_OF_SOURCES = frozenset(
    {
        "ann_file",
        "bbox_file",
        "data_mode",
        "data_prefix",
        "data_root",
        "filter_cfg",
        "indices",
        "sample_interval",
        "serialize_data",
    }
)


def refuse_arguments(names: Mapping[str, Any]) -> NoReturn:
    """Raise ``TypeError`` for arguments that a mixture does not have."""
    of_sources = [name for name in names if name in ARGUMENTS_OF_SOURCES]
    unknown = [name for name in names if name not in ARGUMENTS_OF_SOURCES]
    words = []
    if of_sources:
        words.append(
            f"{', '.join(of_sources)} would select nothing here, as a mixture reads no file of its own. "
            f"Give it to the sources, in the configs of datasets=[...]."
        )
    if unknown:
        words.append(f"unknown {', '.join(unknown)}; allowed are {', '.join(ARGUMENTS)}.")
    raise TypeError(f"CombinedDataset: {' And '.join(words)}")


def check_sources_given(datasets: Any) -> None:
    """Raise ``TypeError`` or ``ValueError`` unless ``datasets`` lists configs or data sets."""
    if not isinstance(datasets, (list, tuple)):
        raise TypeError(f"CombinedDataset: datasets must be a list of data sets, got {type(datasets).__name__}.")
    if not datasets:
        raise ValueError("CombinedDataset: datasets=[] has no source. Give at least one.")
    wrong = [
        f"datasets[{place}]={given!r}"
        for place, given in enumerate(datasets)
        if not (isinstance(given, Mapping) or (hasattr(given, "__getitem__") and hasattr(given, "__len__")))
        or isinstance(given, (str, bytes))
    ]
    if wrong:
        raise TypeError(f"CombinedDataset: {', '.join(wrong)}: each must be a config dict or a data set.")


def check_numbers(sample_ratio_factor: Any, seed: Any, max_refetch: Any) -> None:
    """Raise ``TypeError`` for those that are not of the right type."""
    found = []
    if not isinstance(sample_ratio_factor, (type(None), list, tuple, np.ndarray, Mapping, str)):
        found.append(f"sample_ratio_factor={sample_ratio_factor!r}; give {RATIO_WORDS}")
    if not isinstance(seed, (int, np.integer)):
        found.append(f"seed={seed!r}; give an integer")
    if not isinstance(max_refetch, (int, np.integer)) or max_refetch < 0:
        found.append(f"max_refetch={max_refetch!r}; give an integer from 0")
    if found:
        raise TypeError(f"CombinedDataset: {'; '.join(found)}.")
