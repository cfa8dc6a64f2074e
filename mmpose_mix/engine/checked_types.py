"""Which class each ``type`` of a config names, told by the place where it stands."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Optional

from mmengine import registry as root
from mmengine.registry import Registry

from mmpose_mix.engine.config_finding import finding
from mmpose_mix.keypoints.findings import Finding
from mmpose_mix.registry import KEYPOINT_CODECS, SCOPE

LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
_TOP = {
    "model": root.MODELS,
    "model_wrapper_cfg": root.MODEL_WRAPPERS,
    "optim_wrapper": root.OPTIM_WRAPPERS,
    "param_scheduler": root.PARAM_SCHEDULERS,
    "train_cfg": root.LOOPS,
    "val_cfg": root.LOOPS,
    "test_cfg": root.LOOPS,
    "val_evaluator": root.METRICS,
    "test_evaluator": root.METRICS,
    "custom_hooks": root.HOOKS,
    "visualizer": root.VISUALIZERS,
    "log_processor": root.LOG_PROCESSORS,
}
_INSIDE = {
    "data_loader": {
        "dataset": root.DATASETS,
        "sampler": root.DATA_SAMPLERS,
        "batch_sampler": root.DATA_SAMPLERS,
        "collate_fn": root.FUNCTIONS,
    },
    root.DATASETS.name: {"datasets": root.DATASETS, "dataset": root.DATASETS, "pipeline": root.TRANSFORMS},
    root.TRANSFORMS.name: {"transforms": root.TRANSFORMS, "encoder": KEYPOINT_CODECS},
    root.HOOKS.name: {"switch_pipeline": root.TRANSFORMS},
    root.METRICS.name: {"metrics": root.METRICS},
    root.OPTIM_WRAPPERS.name: {"optimizer": root.OPTIMIZERS},
    root.VISUALIZERS.name: {"vis_backends": root.VISBACKENDS},
}
_IN_MODELS = {
    "decoder": KEYPOINT_CODECS,
    "init_cfg": root.WEIGHT_INITIALIZERS,
    "assigner": root.TASK_UTILS,
    "overlaps_calculator": root.TASK_UTILS,
    "prior_generator": root.TASK_UTILS,
}
# what MMEngine takes where a config names no class
_DEFAULTS = {
    "optim_wrapper": "OptimWrapper",
    "val_cfg": "ValLoop",
    "test_cfg": "TestLoop",
    "log_processor": "LogProcessor",
}
# taken out of a config before its class is called
_TAKEN_OUT = {"type", "_scope_", "priority", "convert_to_iter_based", "by_epoch"}
_COMPLETE = (root.DATASETS, root.TRANSFORMS, root.HOOKS, root.METRICS, KEYPOINT_CODECS)
_CHECKED = (*_COMPLETE, root.DATA_SAMPLERS, root.PARAM_SCHEDULERS, root.LOOPS)
# what a package that does not fit its dependencies raises while it is imported
_IMPORT_FAILURES = (ImportError, AssertionError, AttributeError)
# its transforms are of another library
_FOREIGN_TRANSFORMS = "Albumentation"


@dataclass(frozen=True)
class ResolvedType:
    """What a ``type`` of the config names.

    Args:
        where: its place in the config, such as ``model.head.loss``.
        registry: name of the registry that is asked at this place.
        name: the ``type`` as the config has it.
        module, class_name: of what was found.
        file: where its source lies; empty for what is no Python.
    """

    where: str
    registry: str
    name: str
    module: str
    class_name: str
    file: str


@dataclass(frozen=True)
class _Place:
    where: str
    registry: Registry
    config: Any
    default: Optional[str] = None


def resolved_types(config: Mapping[str, Any]) -> tuple[list[ResolvedType], list[Finding]]:
    """Resolve every ``type`` that a runner would build from a config, under the present default scope.

    Variables of the config that the runner does not read are left alone.

    Args:
        config: as the runner takes it.

    Returns:
        What was found, in the order of the config, and findings: names that are unknown, with close ones; arguments
        that a class does not take; arguments that it needs and did not get.
    """
    types: list[ResolvedType] = []
    findings: list[Finding] = []
    for place in _places(config):
        kind = _resolved(place, types, findings)
        if kind is not None:
            findings += _wrong_arguments(place, kind)
    return types, findings


def find_type(registry: Registry, name: Any, scope: Optional[str] = None) -> Any:
    """Return the class that a ``type`` names in the present default scope, or in another one; None where it is unknown.

    Args:
        registry: one of MMEngine's roots, or that of the codecs.
        name: a string, or the class itself.
        scope: ``_scope_`` of the config.
    """
    try:
        return _looked_up(registry, name, scope)
    except _IMPORT_FAILURES:
        return None


def _looked_up(registry: Registry, name: Any, scope: Optional[str]) -> Any:
    """As ``find_type``, but what importing the modules of a scope raises goes its own way."""
    if not isinstance(name, str):
        return name
    with registry.switch_scope_and_registry(scope) as scoped:
        try:
            return _codecs_of_scope(scope).get(name) if registry is KEYPOINT_CODECS else scoped.get(name)
        except RuntimeError:  # MMEngine's word for a name that is not there
            return None


def _codecs_of_scope(scope: Optional[str]) -> Registry:
    """MMEngine has no root of codecs that would lead to those of another scope."""
    current = root.DefaultScope.get_current_instance()
    name = scope or (current.scope_name if current else SCOPE)
    return KEYPOINT_CODECS if name == SCOPE else import_module(f"{name}.registry").KEYPOINT_CODECS


def _places(config: Mapping[str, Any]) -> Iterator[_Place]:
    for key, value in config.items():
        if key in LOADERS and isinstance(value, Mapping):
            yield from _children(key, value, _INSIDE["data_loader"])
        elif key == "default_hooks" and isinstance(value, Mapping):
            for name, hook in value.items():
                yield from _walk(f"{key}.{name}", hook, root.HOOKS)
        elif key in ("val_evaluator", "test_evaluator") and isinstance(value, Mapping) and "metrics" in value:
            yield _Place(key, root.EVALUATOR, value, "Evaluator")
            yield from _walk(f"{key}.metrics", value["metrics"], root.METRICS)
        elif key in _TOP:
            default = _train_loop(value) if key == "train_cfg" else _DEFAULTS.get(key)
            yield from _walk(key, value, _TOP[key], default)


def _train_loop(train_cfg: Any) -> Optional[str]:
    by_epoch = train_cfg.get("by_epoch", True) if isinstance(train_cfg, Mapping) else True
    return "EpochBasedTrainLoop" if by_epoch else "IterBasedTrainLoop"


def _walk(where: str, value: Any, registry: Registry, default: Optional[str] = None) -> Iterator[_Place]:
    if isinstance(value, (list, tuple)):
        for number, entry in enumerate(value):
            yield from _walk(f"{where}[{number}]", entry, registry, default)
    elif isinstance(value, Mapping):
        yield _Place(where, registry, value, default)
        if registry is root.MODELS:
            yield from _in_model(where, value)
        elif value.get("type") != _FOREIGN_TRANSFORMS:
            yield from _children(where, value, _INSIDE.get(registry.name, {}))


def _children(where: str, config: Mapping[str, Any], kinds: Mapping[str, Registry]) -> Iterator[_Place]:
    for key, registry in kinds.items():
        yield from _walk(f"{where}.{key}", config.get(key), registry)


def _in_model(where: str, config: Mapping[str, Any]) -> Iterator[_Place]:
    """Every part of a model that names a class, however deep."""
    for key, value in config.items():
        entries = enumerate(value) if isinstance(value, (list, tuple)) else [(None, value)]
        for number, entry in entries:
            inner = f"{where}.{key}" if number is None else f"{where}.{key}[{number}]"
            if not isinstance(entry, Mapping) or key == "metainfo":
                continue
            if "type" in entry:
                yield from _walk(inner, entry, _IN_MODELS.get(key, root.MODELS))
            else:
                yield from _in_model(inner, entry)


def _resolved(place: _Place, types: list[ResolvedType], findings: list[Finding]) -> Any:
    name = place.config.get("type", place.default)
    if name is None:
        findings.append(
            finding(
                "CFG502",
                place.where,
                f"names no class: {_short(place.config)}.",
                f"Give it the 'type' of a {place.registry.name}.",
            )
        )
        return None
    try:
        kind = _looked_up(place.registry, name, place.config.get("_scope_"))
    except _IMPORT_FAILURES as failure:
        text = f"the modules that {place.registry.name} {str(name)!r} may be in cannot be imported: {failure}"
        findings.append(
            finding("CFG503", place.where, text, "Install what is missing, or take a part of another scope")
        )
        return None
    if kind is None:
        findings.append(_unknown(place, str(name)))
        return None
    module, class_name = getattr(kind, "__module__", ""), getattr(kind, "__qualname__", repr(kind))
    shown = name if isinstance(name, str) else class_name
    types.append(ResolvedType(place.where, place.registry.name, shown, module, class_name, _file_of(kind)))
    return kind


def _unknown(place: _Place, name: str) -> Finding:
    registry = place.registry
    with registry.switch_scope_and_registry(place.config.get("_scope_")) as scoped:
        known = set(scoped.module_dict) | set(registry.module_dict)
        scope = scoped.scope
    close = get_close_matches(name.rpartition(".")[2], sorted(known))
    fix = f"Do you mean {' or '.join(map(repr, close))}? " if close else ""
    package = name.partition(".")[0] if "." in name else scope
    if package != scope and find_spec(package) is None:
        text = f"there is no {registry.name} {name!r}: the package {package} is not installed"
        return finding("CFG503", place.where, text, f"Install {package}, or take a part of another scope")
    return finding(
        "CFG503",
        place.where,
        f"there is no {registry.name} {name!r} in the scope {scope!r}.",
        f"{fix}{'Else import' if close else 'Correct the name, or import'} its module by custom_imports.",
    )


def _wrong_arguments(place: _Place, kind: Any) -> list[Finding]:
    own_model = place.registry is root.MODELS and not place.where.endswith("_cfg")
    if not (own_model or place.registry in _CHECKED) or not callable(kind):
        return []
    parameters = inspect.signature(kind).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return []
    unknown = [str(key) for key in place.config if key not in parameters and key not in _TAKEN_OUT]
    missing = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
        if name not in place.config and place.registry in _COMPLETE
    ]
    named = f"{kind.__name__} "
    findings = []
    if unknown:
        close = [match for name in unknown for match in get_close_matches(name, parameters, 1)]
        meant = f"Do you mean {', '.join(close)}? " if close else ""
        words = f"{named}takes no {', '.join(unknown)}."
        findings.append(finding("CFG504", place.where, words, f"{meant}Allowed are {', '.join(parameters)}."))
    if missing:
        words = f"{named}needs {', '.join(missing)}."
        findings.append(finding("CFG505", place.where, words, "Give it a value."))
    return findings


def _file_of(kind: Any) -> str:
    try:
        return str(Path(inspect.getsourcefile(inspect.unwrap(kind)) or ""))
    except TypeError:  # built in, or an object that is no class
        return ""


def _short(config: Any) -> str:
    text = repr(dict(config))
    return text if len(text) <= 60 else f"{text[:57]}..."
