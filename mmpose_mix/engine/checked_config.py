"""All that can be said of a config before a training: what it names, what it reads, and what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Optional

from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmpose_mix.datasets.building import built_transforms
from mmpose_mix.datasets.combined import CombinedDataset
from mmpose_mix.datasets.delivered_keypoints import (
    bind_converters,
    delivered_keypoints,
    findings_of_pipeline,
    findings_of_source,
)
from mmpose_mix.engine.checked_coverage import Coverage, coverage_of, explanations, findings_on_coverage
from mmpose_mix.engine.checked_keypoints import findings_on_mappings, findings_on_sets
from mmpose_mix.engine.checked_mixture import findings_on_batch, mixture_shares
from mmpose_mix.engine.checked_model import (
    built_metrics,
    built_model,
    findings_on_counts,
    findings_on_names,
    findings_on_sizes,
    metric_configs,
)
from mmpose_mix.engine.checked_poses import findings_on_poses
from mmpose_mix.engine.checked_reading import read_sources
from mmpose_mix.engine.checked_sources import (
    REFUSALS,
    FileContent,
    Leaf,
    OpenedSource,
    is_kind,
    namespace_of,
    opened_source,
)
from mmpose_mix.engine.checked_types import ResolvedType, resolved_types
from mmpose_mix.engine.config_finding import finding, finding_in_words, sorted_findings
from mmpose_mix.engine.planned_sources import PLACE, named_parts
from mmpose_mix.keypoints.findings import Finding
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import keypoint_set, parse_pose_metainfo
from mmpose_mix.registry import SCOPE

VAL_PLACE = "val_dataloader.dataset"
# MMEngine's runner wants all of them or none
_TOGETHER = (
    ("train_dataloader", "train_cfg", "optim_wrapper"),
    ("val_dataloader", "val_cfg", "val_evaluator"),
    ("test_dataloader", "test_cfg", "test_evaluator"),
)


@dataclass(frozen=True)
class CheckedSource:
    """A source of the training data, or a data set that is evaluated.

    Args:
        name: of its keypoint set; equal ones are told apart by a number.
        place: in the config.
        classes: of the data sets in it that read files.
        ann_files: their annotation files.
        files: what those hold that were read.
        items: of the source; None where unknown.
        asked: share of the draws that the config asks for, at the start; None where unknown.
        realised: share of the draws over the training; None where unknown.
        coverage: of the target keypoints.
        explanations: how its conversions by name came about.
    """

    name: str
    place: str
    classes: tuple[str, ...]
    ann_files: tuple[str, ...]
    files: tuple[FileContent, ...]
    items: Optional[int]
    asked: Optional[Fraction]
    realised: Optional[Fraction]
    coverage: Coverage
    explanations: tuple[str, ...]


@dataclass(frozen=True)
class CheckedConfig:
    """What a check says.

    Args:
        name, file: of the config.
        scope: in which its types were resolved.
        read: whether annotation files were read.
        types: which class each ``type`` is.
        sources: of the training data.
        evaluated: what ``val_dataloader`` reads.
        keypoints: the target keypoint set of the training; None where it cannot be told.
        sampler: the ``type`` of the training's sampler, and its ratio in the config's words.
        model: name of its class, its keypoints, and those that it puts out; None where unknown.
        findings: errors first.
    """

    name: str
    file: str
    scope: str
    read: bool
    types: tuple[ResolvedType, ...]
    sources: tuple[CheckedSource, ...]
    evaluated: tuple[CheckedSource, ...]
    keypoints: Optional[KeypointSet]
    sampler: tuple[str, Any]
    model: tuple[str, Optional[int], Optional[int]]
    findings: tuple[Any, ...]


@dataclass
class _Data:
    """The data set of a loader, as far as it could be opened."""

    names: list[str]
    opened: list[OpenedSource]
    keypoints: Optional[KeypointSet]
    transforms: tuple[Any, ...]
    mixture: bool
    findings: list[Finding]
    of_mixture: Optional[Mapping[str, Any]] = None  # its metainfo

    @property
    def all_findings(self) -> list[Finding]:
        return [each for source in self.opened for each in source.findings] + self.findings

    @property
    def leaves(self) -> list[Leaf]:
        return [leaf for source in self.opened for leaf in source.leaves]

    @property
    def delivering(self) -> Any:
        """What tells how many keypoints the items have; None where nothing does."""
        if self.mixture:
            return None if self.keypoints is None else namespace_of(self.transforms, self.keypoints.num_keypoints)
        return SimpleNamespace(datasets=[leaf.dataset for leaf in self.leaves]) if self.leaves else None

    @property
    def metainfo(self) -> Optional[Mapping[str, Any]]:
        """What a metric gets: that of the mixture where it is one, None where that is unknown."""
        if self.mixture:
            return self.of_mixture
        return getattr(self.leaves[0].dataset, "metainfo", None) if self.leaves else None


def check_config(config: Config, read: bool = True) -> CheckedConfig:
    """Check a config as the runner would take it. Annotation files are read, images are not.

    Args:
        config: as ``load_config`` gives it.
        read: whether to read annotation files; otherwise none is looked for.
    """
    scope, findings = _scope_of(config)
    with DefaultScope.overwrite_default_scope(scope):
        types, wrong_types = resolved_types(config)
        findings += wrong_types + _incomplete(config)
        training = _opened(config, "train_dataloader", PLACE, wrong_types)
        evaluated = _opened(config, "val_dataloader", VAL_PLACE, wrong_types)
        if read:
            read_sources(training.opened + evaluated.opened)
            if training.mixture and training.keypoints is not None:
                findings += findings_on_poses(training.leaves, training.keypoints)
        model, wrong_model = _model(config, wrong_types)
        findings += findings_on_sets(training.leaves + evaluated.leaves, training.keypoints)
        findings += training.all_findings + evaluated.all_findings + wrong_model + findings_on_batch(config)
        findings += _fit(config, model, training, evaluated, wrong_types)
        findings += _absent_files(config) if read else []
        shares, wrong_ratio = mixture_shares(config, scope, training.names, [one.items for one in training.opened])
        findings += wrong_ratio
        sources = _sources(training, shares)
        if training.keypoints is not None:
            coverages = [source.coverage for source in sources]
            findings += findings_on_coverage(f"{PLACE}.metainfo", training.keypoints, coverages)
    sampler = (config.get("train_dataloader") or {}).get("sampler") or {}
    return CheckedConfig(
        name=Path(config.filename).stem,
        file=str(config.filename),
        scope=scope,
        read=read,
        types=tuple(types),
        sources=tuple(sources),
        evaluated=tuple(_sources(evaluated, [])),
        keypoints=training.keypoints,
        sampler=(str(sampler.get("type", "")), sampler.get("source_ratio")),
        model=(_class_name(model, config), *_counts(model)),
        findings=sorted_findings(findings),
    )


def _scope_of(config: Config) -> tuple[str, list[Finding]]:
    """The scope to resolve types in: this package's where that of the config is no package here."""
    scope = str(config.get("default_scope") or SCOPE)
    try:
        if scope != "mmengine":
            import_module(f"{scope}.registry")
    except ImportError as missing:
        text = f"default_scope={scope!r} cannot be imported ({missing}); the rest was checked in {SCOPE!r}"
        fix = f"Take default_scope={SCOPE!r} (--cfg-options default_scope={SCOPE}), or install {scope}"
        return SCOPE, [finding("CFG501", "default_scope", text, fix)]
    return scope, []


def _incomplete(config: Mapping[str, Any]) -> list[Finding]:
    findings = []
    for names in _TOGETHER:
        lacking = [name for name in names if config.get(name) is None]
        if 0 < len(lacking) < len(names):
            there = ", ".join(name for name in names if name not in lacking)
            text = f"there is {there}, but no {', '.join(lacking)}; a runner takes all of them or none"
            findings.append(finding("CFG506", names[0], text, f"Add {', '.join(lacking)}, or set {there} to None"))
    return findings


def _opened(config: Mapping[str, Any], loader: str, place: str, wrong: Sequence[Finding]) -> _Data:
    """Build the sources of a loader; those whose types are wrong are left out."""
    data = _Data([], [], None, (), False, [])
    given = (config.get(loader) or {}).get("dataset")
    if not isinstance(given, Mapping) or _said(wrong, place, deep=False):
        return data
    try:
        inner, _, parts, data.names = named_parts(given)
    except (*REFUSALS, ValueError) as refusal:
        if not _said(wrong, place):
            data.findings.append(finding_in_words("CFG520", place, str(refusal), "Correct its config"))
        return data
    data.mixture = is_kind(inner, CombinedDataset)
    depth = place + ".dataset" * _wrappers(given, inner)
    for number, part in enumerate(parts):
        where = f"{depth}.datasets[{number}]" if part is not inner else depth
        data.opened.append(OpenedSource(where) if _said(wrong, where) else opened_source(part, where))
    _take_keypoints(data, inner, depth, wrong)
    return data


def _take_keypoints(data: _Data, inner: Mapping[str, Any], place: str, wrong: Sequence[Finding]) -> None:
    """The keypoint set that the data set delivers, and whether its sources do."""
    try:
        if not data.mixture:
            counts = {count for leaf in data.leaves for count in delivered_keypoints(leaf.dataset)}
            own = keypoint_set(data.metainfo) if data.metainfo else None
            data.keypoints = own if own is not None and counts == {own.num_keypoints} else None
            data.transforms = data.leaves[0].transforms if data.leaves else ()
            return
        data.keypoints = keypoint_set(inner.get("metainfo") or {})
        data.of_mixture = parse_pose_metainfo(inner["metainfo"])
        if not _said(wrong, f"{place}.pipeline"):
            data.transforms = tuple(built_transforms(inner.get("pipeline", ()), f"{place}.pipeline"))
    except REFUSALS as refusal:
        data.findings.append(finding_in_words("CFG520", place, str(refusal), "Correct its config"))
    if data.keypoints is not None:
        data.findings += _conversions(data, place)


def _conversions(data: _Data, place: str) -> list[Finding]:
    """Tell the conversions by name the two keypoint sets, and say what of all conversions does not fit."""
    keypoints = data.keypoints
    if keypoints is None:
        return []
    words = findings_of_pipeline(f"{place}.pipeline", data.delivering)
    for leaf in data.leaves:
        named = type(leaf.name, (SimpleNamespace,), {})  # it is named in the sentences
        pipeline = SimpleNamespace(transforms=leaf.transforms)
        delivering = named(metainfo=getattr(leaf.dataset, "metainfo", None), pipeline=pipeline)
        words += bind_converters(leaf.place, delivering, keypoints)
        words += findings_of_source(leaf.place, delivering, keypoints.num_keypoints, repr(keypoints.name))
    found = []
    for sentence in words:
        where, _, rest = sentence.partition(": ")
        found.append(finding_in_words("CFG522", where, rest, "Correct the mapping or the metainfo"))
    fitting = [leaf for leaf in data.leaves if not any(each.place.startswith(f"{leaf.place} (") for each in found)]
    return found + findings_on_mappings(fitting, keypoints)


def _model(config: Mapping[str, Any], wrong: Sequence[Finding]) -> tuple[Any, list[Finding]]:
    given = config.get("model")
    if not isinstance(given, Mapping) or _said(wrong, "model"):
        return None, []
    return built_model(given)


def _fit(
    config: Mapping[str, Any], model: Any, training: _Data, evaluated: _Data, wrong: Sequence[Finding]
) -> list[Finding]:
    """Whether model, data and evaluation fit."""
    evaluator = config.get("val_evaluator")
    metrics: list[Any] = []
    findings: list[Finding] = []
    if not _said(wrong, "val_evaluator"):
        metrics, findings = built_metrics(evaluator, "val_evaluator", evaluated.metainfo)
    if model is not None:
        findings += findings_on_counts(model, training.delivering, evaluated.delivering, metrics)
        given = metric_configs(evaluator, "val_evaluator", evaluated.metainfo)
        findings += findings_on_names(model, training.keypoints, evaluated.keypoints, given)
    pipelines = {f"{PLACE}.pipeline": training.transforms, f"{VAL_PLACE}.pipeline": evaluated.transforms}
    return findings + findings_on_sizes(pipelines, model)


def _absent_files(config: Mapping[str, Any]) -> list[Finding]:
    """Files that are named beside the training data and are not there."""
    named = [
        (f"{where}.ann_file", one.get("ann_file"))
        for where, one, _ in metric_configs(config.get("val_evaluator"), "val_evaluator")
    ]
    named.append(("load_from", config.get("load_from")))
    return [
        finding("CFG510", where, f"there is no file {path}", "Put it there, or change the path")
        for where, path in named
        if isinstance(path, str) and "://" not in path and not os.path.exists(path)
    ]


def _sources(data: _Data, shares: Sequence[tuple[Optional[Fraction], Optional[Fraction]]]) -> list[CheckedSource]:
    sources = []
    for number, (name, opened) in enumerate(zip(data.names, data.opened)):
        asked, realised = shares[number] if shares else (None, None)
        target = data.keypoints.num_keypoints if data.keypoints else 0
        sources.append(
            CheckedSource(
                name=name,
                place=opened.place,
                classes=tuple(leaf.name for leaf in opened.leaves),
                ann_files=tuple(leaf.ann_file for leaf in opened.leaves),
                files=tuple(leaf.content for leaf in opened.leaves if leaf.content is not None),
                items=opened.items,
                asked=asked,
                realised=realised,
                coverage=coverage_of(opened.leaves, target) if target else Coverage(None, None),
                explanations=tuple(text for leaf in opened.leaves for text in explanations(leaf)),
            )
        )
    return sources


def _said(wrong: Sequence[Finding], place: str, deep: bool = True) -> bool:
    """Whether something is said of this place already, or of a part of it."""
    return any(each.place == place or (deep and each.place.startswith((f"{place}.", f"{place}["))) for each in wrong)


def _wrappers(outer: Mapping[str, Any], inner: Any) -> int:
    depth = 0
    while outer is not inner and isinstance(outer, Mapping) and "dataset" in outer:
        outer, depth = outer["dataset"], depth + 1
    return depth


def _class_name(model: Any, config: Mapping[str, Any]) -> str:
    return type(model).__name__ if model is not None else str((config.get("model") or {}).get("type", ""))


def _counts(model: Any) -> tuple[Optional[int], Optional[int]]:
    return getattr(model, "num_keypoints", None), getattr(model, "num_output_keypoints", None)
