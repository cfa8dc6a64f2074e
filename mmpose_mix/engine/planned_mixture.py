"""The mixture and the training that a config describes, as numbers: what a forecast is made from."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from mmengine.config import Config
from mmengine.dataset import DefaultSampler, InfiniteSampler, RepeatDataset
from mmengine.registry import DefaultScope

from mmpose_mix.datasets.samplers import MultiSourceSampler
from mmpose_mix.engine.planned_sources import PlannedSources, planned_sources
from mmpose_mix.mixing.allocation import Quotas
from mmpose_mix.mixing.forecast import Mixture, Training
from mmpose_mix.mixing.ratio import items_per_epoch
from mmpose_mix.mixing.schedule import is_schedule
from mmpose_mix.mixing.simulation import Stage
from mmpose_mix.registry import DATA_SAMPLERS, SCOPE


@dataclass(frozen=True)
class PlannedMixture:
    """What a config trains on.

    Args:
        mixture, training: its numbers.
        dataset, sampler: names of the classes.
        ratio: ``source_ratio`` as the config has it; None for a sampler that knows no sources.
        items: those that an epoch asks for, before it is cut into batches.
        quotas: of the global batches; None where nothing promises any.
        stages: those of a schedule that the training reaches.
        times: how often an epoch goes through the data set.
        shuffle: whether the sampler shuffles.
        endless: whether the sampler knows no epochs.
    """

    mixture: Mixture
    training: Training
    dataset: str
    sampler: str
    ratio: Any
    items: int
    quotas: Optional[Quotas]
    stages: tuple[Stage, ...]
    times: int
    shuffle: bool
    endless: bool


@dataclass(frozen=True)
class _Draw:
    """How a sampler cuts the items of an epoch into steps: how many steps, items in them, and items asked for."""

    steps: int
    items: int
    asked: int
    quotas: Optional[Quotas] = None
    endless: bool = False


class _Repeated(RepeatDataset):
    """Numbers in the place of a data set that is repeated: a sampler asks for them alone."""

    def __init__(self, dataset: PlannedSources, times: int) -> None:
        self.dataset, self.times = dataset, times

    def __len__(self) -> int:
        return self.times * len(self.dataset)


def planned_mixture(
    config: Config,
    world_size: int = 1,
    batch_size: Optional[int] = None,
    epochs: Optional[int] = None,
    lengths: Optional[Mapping[str, int]] = None,
) -> PlannedMixture:
    """Return what a config trains on, without reading an image.

    Args:
        config: as the runner takes it.
        world_size: number of ranks.
        batch_size: of one rank, in the place of the config's.
        epochs: length of the training, in the place of the config's.
        lengths: samples of each source by name; without them the data set is built, which reads its annotations.

    Raises:
        ValueError, TypeError: if the config describes no training that can be forecast, saying what to change.
        FileNotFoundError: if annotation files are absent.
    """
    loader = config.get("train_dataloader")
    if not isinstance(loader, Mapping) or "dataset" not in loader:
        raise ValueError("the config has no train_dataloader with a dataset, so there is no training to forecast.")
    with DefaultScope.overwrite_default_scope(config.get("default_scope", SCOPE)):
        sampler, kind = _sampler_of(loader)
        sources = planned_sources(loader["dataset"], lengths)
        rank_batch = _batch_size(loader, sampler, kind, batch_size)
        if issubclass(kind, MultiSourceSampler):
            draw = _drawn_by_ratio({**sampler, "batch_size": rank_batch}, sources, world_size)
        elif issubclass(kind, InfiniteSampler):
            steps = -(-sources.items // (rank_batch * world_size))
            draw = _Draw(steps, sources.items, sources.items, endless=True)
        else:
            draw = _drawn_in_turn(loader, sampler, sources, rank_batch, world_size)
    steps = _training_steps(config.get("train_cfg") or {}, epochs, draw.steps)
    ratio = sampler["source_ratio"] if draw.quotas else None
    return PlannedMixture(
        mixture=sources.mixture,
        training=Training(rank_batch, world_size, draw.steps, draw.items, steps),
        dataset=sources.kind,
        sampler=kind.__name__,
        ratio=ratio,
        items=draw.asked,
        quotas=draw.quotas,
        stages=_stages(ratio, draw.steps, steps),
        times=sources.times,
        shuffle=sampler.get("shuffle", True),
        endless=draw.endless,
    )


def _sampler_of(loader: Mapping[str, Any]) -> tuple[Mapping[str, Any], type]:
    """Return the sampler's config and class.

    Raises:
        ValueError: if it is none whose draws are known.
    """
    if loader.get("batch_sampler") is not None:
        raise ValueError(
            "train_dataloader.batch_sampler composes batches in its own way, which cannot be forecast. "
            "Leave it out, and the sampler decides."
        )
    sampler = loader.get("sampler")
    kind = sampler.get("type") if isinstance(sampler, Mapping) else None
    found = DATA_SAMPLERS.get(kind) if isinstance(kind, str) else kind
    if not (isinstance(found, type) and issubclass(found, (MultiSourceSampler, DefaultSampler, InfiniteSampler))):
        scope = DefaultScope.get_current_instance()
        raise ValueError(
            f"train_dataloader.sampler: {sampler!r} cannot be forecast in the scope "
            f"{scope.scope_name if scope else None!r}. Known are MultiSourceSampler, DefaultSampler and "
            f"InfiniteSampler of {SCOPE} (under another default_scope: type='{SCOPE}.MultiSourceSampler')."
        )
    _check_arguments(sampler, found)
    return sampler, found


def _check_arguments(sampler: Mapping[str, Any], kind: type) -> None:
    parameters = inspect.signature(kind).parameters.values()
    allowed = {parameter.name: parameter for parameter in parameters if parameter.name != "dataset"}
    unknown = [name for name in sampler if name not in allowed and name not in ("type", "_scope_")]
    # a batch size may also come from the command line
    missing = [
        name
        for name, parameter in allowed.items()
        if parameter.default is parameter.empty and name not in sampler and name != "batch_size"
    ]
    if unknown or missing:
        words = [f"{word} {', '.join(names)}" for word, names in (("unknown", unknown), ("missing", missing)) if names]
        raise ValueError(
            f"train_dataloader.sampler: {kind.__name__}: {'; '.join(words)}; allowed are {', '.join(allowed)}."
        )


def _batch_size(loader: Mapping[str, Any], sampler: Mapping[str, Any], kind: type, given: Optional[int]) -> int:
    if given is not None:
        return given
    size = loader.get("batch_size")
    own = sampler.get("batch_size", size) if issubclass(kind, MultiSourceSampler) else size
    if isinstance(size, bool) or not isinstance(size, int) or size < 1 or own != size:
        raise ValueError(
            f"train_dataloader: batch_size={size!r}"
            + (f", but its {kind.__name__} has batch_size={own!r}. Set both to the same number" if own != size else "")
            + " of at least 1, or give --batch-size."
        )
    return size


def _drawn_by_ratio(sampler: Mapping[str, Any], sources: PlannedSources, world_size: int) -> _Draw:
    if not sources.combined:
        raise ValueError(
            f"train_dataloader.sampler: MultiSourceSampler draws the sources of a CombinedDataset, but the data set is "
            f"{sources.kind}. Put it into CombinedDataset(datasets=[...]) or take DefaultSampler."
        )
    arguments = {key: value for key, value in sampler.items() if key not in ("type", "_scope_")}
    arguments.update(seed=0, rank=0, world_size=world_size)  # no figure depends on the seed
    dataset = _Repeated(sources, sources.times) if sources.times > 1 else sources
    built = MultiSourceSampler(dataset, **arguments)
    lens = [sources.times * length for length in sources.lens]
    asked = items_per_epoch(built.epoch_length, lens, built.quotas.shares_at(0))
    return _Draw(len(built) // built.batch_size, len(built) * world_size, asked, quotas=built.quotas)


def _drawn_in_turn(
    loader: Mapping[str, Any], sampler: Mapping[str, Any], sources: PlannedSources, rank_batch: int, world_size: int
) -> _Draw:
    """Every item once in an epoch: MMEngine's ``DefaultSampler``."""
    per_rank = -(-sources.items // world_size)
    items = per_rank * world_size if sampler.get("round_up", True) else sources.items
    if not loader.get("drop_last", False):
        return _Draw(-(-per_rank // rank_batch), items, sources.items)
    # the last rank may have an item less, and a batch less with it
    steps = (items // world_size) // rank_batch
    if not steps:
        raise ValueError(
            f"train_dataloader: {items} items give no batch of {rank_batch} on each of {world_size} ranks, and "
            f"drop_last=True drops what there is. Set drop_last=False or a smaller batch_size."
        )
    return _Draw(steps, steps * rank_batch * world_size, sources.items)


def _training_steps(train_cfg: Mapping[str, Any], epochs: Optional[int], steps_per_epoch: int) -> int:
    """Return the steps of a training."""
    if epochs is not None:
        return epochs * steps_per_epoch
    kind = str(train_cfg.get("type", ""))
    by_epoch = "IterBased" not in kind and train_cfg.get("by_epoch", True)
    name = "max_epochs" if by_epoch else "max_iters"
    length = train_cfg.get(name)
    if isinstance(length, bool) or not isinstance(length, int) or length < 1:
        raise ValueError(
            f"train_cfg: {name}={length!r} tells no length of the training. Set {name} to a number of at least 1, or "
            f"give --epochs."
        )
    return length * steps_per_epoch if by_epoch else length


def _stages(ratio: Any, steps_per_epoch: int, steps: int) -> tuple[Stage, ...]:
    """Return the stages of a schedule that a training of so many steps reaches; none of a ratio that holds."""
    if not is_schedule(ratio):
        return ()
    unit = steps_per_epoch if ratio.get("by_epoch", True) else 1
    begins = [unit * stage["begin"] for stage in ratio["stages"]]
    stages = []
    for given, begin, following in zip(ratio["stages"], begins, [*begins[1:], steps]):
        if given.get("end") is not None:
            stages.append(Stage(begin, unit * given["end"], moving=True))
            begin = unit * given["end"]
        stages.append(Stage(begin, following))
    cut = (Stage(stage.begin, min(stage.end, steps), stage.moving) for stage in stages)
    return tuple(stage for stage in cut if stage.begin < stage.end)
