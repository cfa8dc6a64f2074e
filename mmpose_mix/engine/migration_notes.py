"""What a mixture of MMPose does otherwise once it runs here, in sentences for the one whose config it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmpose_mix.engine.migrated_tables import UsedTable, bare, mixtures_of

_ALWAYS = (
    "items of converted sources are float32, and what a source does not label is told from what is invisible",
    "sources, index tables and target are compared when the mixture is built; what does not fit is refused there",
)
_OF_FACTORS = (
    "sample_ratio_factor takes every sample equally often, epoch after epoch, and the same ones for the same seed; "
    "MMPose draws anew at every access"
)
_OF_SAMPLER = (
    "MultiSourceSampler keeps source_ratio exactly, over all ranks, shuffles each source on its own and goes on where "
    "it stood after a resume"
)
_OF_SCOPE = (
    "everything runs on mmpose_mix's parts, without MMPose: docs/differences.md lists what they do otherwise; "
    "augmentation follows from (seed, draw) and not from the worker"
)
_HOOK_FOR_FACTORS = (
    "outside of default_scope='mmpose_mix' nobody tells the mixture which epoch it is: add "
    "dict(type='mmpose_mix.MixtureEpochHook') to custom_hooks"
)
_RUNS_NOW = {
    "HalpeHandDataset": "HalpeHandDataset, which MMPose does not have, is there: hands of Halpe in boxes of keypoints",
    "CocoWholeBodyDataset": "converted whole bodies of COCO give items; MMPose 1.3.2 stops at the first one",
}


def notes_on(config: Mapping[str, Any], tables: Sequence[UsedTable], way: str) -> list[str]:
    """The sentences that apply to a migrated config.

    Args:
        config: the migrated one.
        tables: its index tables.
        way: ``'scope'`` or ``'prefix'``.
    """
    notes = list(_ALWAYS)
    if any(mixture.get("sample_ratio_factor") is not None for mixture in mixtures_of(config)):
        notes.append(_OF_FACTORS)
        notes += [_HOOK_FOR_FACTORS] if way == "prefix" else []
    loader = config.get("train_dataloader") or {}
    if bare((loader.get("sampler") or {}).get("type")) == "MultiSourceSampler":
        notes.append(_OF_SAMPLER)
    kinds = {bare(source.get("type")) for mixture in mixtures_of(config) for source in mixture.get("datasets", ())}
    converted = {table.kind for table in tables}
    if "HalpeHandDataset" in kinds and way == "scope":
        notes.append(_RUNS_NOW["HalpeHandDataset"])
    if "CocoWholeBodyDataset" in converted:
        notes.append(_RUNS_NOW["CocoWholeBodyDataset"])
    if way == "scope":
        notes.append(_OF_SCOPE)
    return notes
