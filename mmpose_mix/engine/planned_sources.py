"""The sources that a config trains on, as names and numbers: read from their files, or taken from the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.registry import DefaultScope

from mmpose_mix.datasets.combined import CombinedDataset
from mmpose_mix.metainfo import keypoint_set
from mmpose_mix.mixing.forecast import Mixture
from mmpose_mix.mixing.ratio import sample_factors
from mmpose_mix.mixing.resampling import slots_per_epoch
from mmpose_mix.registry import DATASETS

PLACE = "train_dataloader.dataset"


@dataclass(frozen=True)
class PlannedSources:
    """The data set of a training.

    Args:
        mixture: its sources; a data set that is no mixture is the only one.
        kind: name of its class, without wrappers that repeat it.
        times: how often an epoch goes through it.
        combined: whether a sampler can ask it for its sources.
    """

    mixture: Mixture
    kind: str
    times: int
    combined: bool

    @property
    def lens(self) -> list[int]:
        """Items of each source, once."""
        return list(self.mixture.items)

    @property
    def source_names(self) -> list[str]:
        """Names of the sources."""
        return list(self.mixture.names)

    @property
    def items(self) -> int:
        """Items of an epoch that goes through all of it."""
        return self.times * len(self)

    def __len__(self) -> int:
        return sum(self.mixture.items)


def planned_sources(config: Mapping[str, Any], lengths: Optional[Mapping[str, int]] = None) -> PlannedSources:
    """Return the sources of a data set's config. Images are not read; annotations are, unless lengths are given.

    Args:
        config: of the data set, under the scope that resolves it.
        lengths: samples of each source by name.

    Raises:
        ValueError: if the lengths do not fit the sources, or what building the data set raises.
        FileNotFoundError: if annotation files are absent; it names the lengths to give instead.
    """
    inner, times, _, names = named_parts(config)
    combined = _is(inner, CombinedDataset)
    samples = _checked(lengths, names) if lengths is not None else _read_lengths(inner, names)
    items = samples
    words = inner.get("sample_ratio_factor") if combined and isinstance(inner, Mapping) else None
    if words is not None:
        where = "CombinedDataset.sample_ratio_factor"
        items = slots_per_epoch(samples, sample_factors(words, samples, names, where), where)
    if not sum(items):
        raise ValueError(f"{PLACE}: no item: the sources hold {samples}, of which an epoch takes {items}.")
    return PlannedSources(Mixture(tuple(names), tuple(samples), tuple(items)), _kind(inner).__name__, times, combined)


def named_parts(config: Mapping[str, Any]) -> tuple[Any, int, list[Any], list[str]]:
    """Return a data set without the wrappers that repeat it, how often they do, its sources and their names.

    Args:
        config: of the data set, under the scope that resolves it.

    Raises:
        ValueError: if a class cannot be found, or there is no source.
    """
    inner, times = config, 1
    while _is(inner, RepeatDataset):
        times *= _argument(inner, "times")
        inner = _argument(inner, "dataset")
    several = _is(inner, CombinedDataset) or _is(inner, ConcatDataset)
    parts = list(_argument(inner, "datasets")) if several else [inner]
    if not parts:
        raise ValueError(f"{PLACE}: {_kind(inner).__name__} has datasets=[], so no source. Give at least one.")
    return inner, times, parts, _distinct([_name_of(part) for part in parts])


def _kind(config: Any) -> type:
    """Return the class of a data set, or the one that its config names.

    Raises:
        ValueError: if it names none that can be found.
    """
    if not isinstance(config, Mapping):
        return type(config)
    name = config.get("type")
    found = DATASETS.get(name) if isinstance(name, str) else name
    if not isinstance(found, type):
        scope = DefaultScope.get_current_instance()
        raise ValueError(
            f"{PLACE}: there is no data set {name!r} in the scope {scope.scope_name if scope else None!r}. Correct its "
            f"type, or import its module by custom_imports."
        )
    return found


def _argument(config: Any, name: str) -> Any:
    if not isinstance(config, Mapping):
        return getattr(config, name)
    if name not in config:
        raise ValueError(f"{PLACE}: {_kind(config).__name__} has no {name}. Give it that argument.")
    return config[name]


def _is(config: Any, kind: type) -> bool:
    return issubclass(_kind(config), kind)


def _name_of(config: Any) -> str:
    """Return the name of the keypoint set that a source's config names; that of its class where it names none."""
    metainfo = (config.get("metainfo") if isinstance(config, Mapping) else config.metainfo) or {}
    if not metainfo and "dataset" in config:
        return _name_of(config["dataset"])
    if not metainfo and _is(config, ConcatDataset):
        return _name_of(_argument(config, "datasets")[0])
    metainfo = metainfo or getattr(_kind(config), "METAINFO", None) or {}
    if "from_file" in metainfo:
        return keypoint_set(metainfo).name
    return str(metainfo.get("dataset_name") or _kind(config).__name__)


def _distinct(names: Sequence[str]) -> list[str]:
    return [
        f"{name}[{names[:place].count(name)}]" if names.count(name) > 1 else name for place, name in enumerate(names)
    ]


def _checked(lengths: Mapping[str, int], names: Sequence[str]) -> list[int]:
    unknown = [name for name in lengths if name not in names]
    missing = [name for name in names if name not in lengths]
    negative = [f"{name}={lengths[name]}" for name in names if lengths.get(name, 0) < 0]
    wrong = (("unknown", unknown), ("missing", missing), ("negative", negative))
    words = [f"{word} {', '.join(found)}" for word, found in wrong if found]
    if words:
        raise ValueError(
            f"--lengths: {'; '.join(words)}. Give the number of samples of each source: "
            f"--lengths {' '.join(f'{name}=N' for name in names)}."
        )
    return [lengths[name] for name in names]


def _read_lengths(config: Any, names: Sequence[str]) -> list[int]:
    try:
        dataset = DATASETS.build(config) if isinstance(config, Mapping) else config
        if hasattr(dataset, "full_init"):
            dataset.full_init()
    except FileNotFoundError as error:
        given = " ".join(f"{name}=N" for name in names)
        raise FileNotFoundError(
            f"{error}\nWithout these files, give the number of samples of each source: --lengths {given}"
        ) from error
    if isinstance(dataset, (CombinedDataset, ConcatDataset)):
        return [len(source) for source in dataset.datasets]
    return [len(dataset)]
