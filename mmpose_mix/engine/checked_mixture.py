"""The shares of the sources in a training: what a config asks for and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Optional

from mmengine import registry as root
from mmengine.config import Config

from mmpose_mix.datasets.samplers import MultiSourceSampler
from mmpose_mix.engine.checked_types import find_type
from mmpose_mix.engine.config_finding import finding, finding_in_words
from mmpose_mix.engine.planned_mixture import planned_mixture
from mmpose_mix.keypoints.findings import Finding
from mmpose_mix.mixing.forecast import forecast_of_chance, forecast_of_quotas
from mmpose_mix.mixing.ratio import ratio_weights

_COUNTED_STEPS = 1000
Shares = list[tuple[Optional[Fraction], Optional[Fraction]]]


def findings_on_batch(config: Mapping[str, Any]) -> list[Finding]:
    """Return whether the training's data loader and its sampler cut batches of another size."""
    loader, kind = _loader_and_sampler(config)
    if kind is None:
        return []
    size, own = loader.get("batch_size"), loader["sampler"].get("batch_size")
    if own is None or own == size:
        return []
    text = f"batch_size={size}, but its MultiSourceSampler has batch_size={own}: batches would not hold the ratio"
    return [finding("CFG540", "train_dataloader", text, "Set both to the same number")]


def mixture_shares(
    config: Config, scope: str, names: Sequence[str], lengths: Sequence[Optional[int]]
) -> tuple[Shares, list[Finding]]:
    """Return the share of each source that is asked for and that which comes of it over the training.

    Args:
        config: as ``load_config`` gives it.
        scope: in which it is resolved.
        names: S names of the sources.
        lengths: S numbers of items; None where unknown, and then only a ratio of numbers is known.
    """
    unknown: Shares = [(None, None)] * len(names)
    if not names:
        return unknown, []
    loader, kind = _loader_and_sampler(config)
    if any(length is None for length in lengths):
        return _asked(loader, kind, names, unknown)
    sizes = {name: length for name, length in zip(names, lengths) if length is not None}
    size = loader.get("batch_size") if findings_on_batch(config) else None
    scoped = config if config.get("default_scope") == scope else _in_scope(config, scope)
    try:
        planned = planned_mixture(scoped, batch_size=size, lengths=sizes)
        mixture, training = planned.mixture, planned.training
        if planned.quotas is None:
            forecast = forecast_of_chance(mixture, training, planned.times, planned.endless)
        else:
            steps = min(_COUNTED_STEPS, training.steps)
            forecast = forecast_of_quotas(mixture, training, planned.quotas, planned.stages, steps)
    except (TypeError, ValueError) as refusal:
        return unknown, [
            finding_in_words("CFG541", "train_dataloader", str(refusal), "Correct it; `mmpose-mix plan` says more")
        ]
    draws = [source.draws for source in forecast.sources]
    whole = sum(draws) or Fraction(1)
    return [(source.shares[0], drawn / whole) for source, drawn in zip(forecast.sources, draws)], []


def _asked(
    loader: Mapping[str, Any], kind: Optional[type], names: Sequence[str], unknown: Shares
) -> tuple[Shares, list[Finding]]:
    """The shares that a ratio of numbers asks for, whatever the sources hold."""
    words = loader["sampler"].get("source_ratio") if kind is not None else None
    numbers = isinstance(words, (list, tuple)) or (isinstance(words, Mapping) and set(words) == set(names))
    if not numbers:
        return unknown, []
    try:
        shares = ratio_weights(words, [1] * len(names), list(names))
    except (TypeError, ValueError) as refusal:
        where = "train_dataloader.sampler.source_ratio"
        return unknown, [finding_in_words("CFG541", where, str(refusal), "Correct the ratio")]
    return [(share, None) for share in shares], []


def _loader_and_sampler(config: Mapping[str, Any]) -> tuple[Mapping[str, Any], Optional[type]]:
    """The training's loader, and the class of its sampler where that draws by ratio."""
    loader = config.get("train_dataloader") or {}
    sampler = loader.get("sampler")
    kind = find_type(root.DATA_SAMPLERS, sampler.get("type")) if isinstance(sampler, Mapping) else None
    return loader, kind if isinstance(kind, type) and issubclass(kind, MultiSourceSampler) else None


def _in_scope(config: Config, scope: str) -> Config:
    copied = config.copy()
    copied.default_scope = scope
    return copied
