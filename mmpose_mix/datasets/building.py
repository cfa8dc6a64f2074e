"""Parts of a data set from their configs, with everything that is wrong with them in one error."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from mmengine.dataset import Compose
from mmengine.registry import Registry

from mmpose_mix.registry import DATASETS, SCOPE, TRANSFORMS

# What constructors raise about their arguments; anything else is a fault of the code and goes its own way.
_REFUSALS = (AssertionError, AttributeError, LookupError, OSError, TypeError, ValueError)
_KEPT_KINDS = (FileNotFoundError, TypeError)


def built_sources(given: Sequence[Any], place: str) -> list[Any]:
    """Return data sets, fully initialized: configs are built, the others are taken as they are.

    Args:
        given: configs and data sets.
        place: the argument they were given as, such as ``'CombinedDataset.datasets'``.

    Raises:
        ValueError: with every one that cannot be built, its place and the reason. Where all failed alike it is a
            ``TypeError`` or a ``FileNotFoundError`` instead.
    """

    def source(part: Any) -> Any:
        dataset = DATASETS.build(part) if isinstance(part, Mapping) else part
        if hasattr(dataset, "full_init"):
            dataset.full_init()
        return dataset

    return _built(DATASETS, given, place, source)


def built_transforms(given: Any, place: str) -> list[Callable]:
    """Return the transforms of a pipeline: configs are built, callables are taken as they are.

    Args and errors are those of :func:`built_sources`.
    """
    if not isinstance(given, (list, tuple)):
        raise TypeError(f"{place}={given!r} must be a list of transforms, each a config dict or a callable.")

    def transform(part: Any) -> Callable:
        step = TRANSFORMS.build(part) if isinstance(part, Mapping) else part
        if not callable(step):
            raise TypeError(f"{step!r} must be a config dict or a callable")
        return step

    return _built(TRANSFORMS, given, place, transform)


def composed(transforms: Sequence[Callable]) -> Compose:
    """Return the pipeline of a data set: built transforms one after another, fused where nobody can tell."""
    return _fusing_compose()(transforms)


def calls_one_after_another(pipeline: Any) -> bool:
    """Return whether a pipeline is known to do nothing but to call its ``transforms`` in turn."""
    return type(pipeline) in (Compose, _fusing_compose())


@cache
def _fusing_compose() -> type:
    """Asked for once: it is looked at for every batch."""
    return TRANSFORMS.get(f"{SCOPE}.FusingCompose")


def _built(registry: Registry, given: Sequence[Any], place: str, build: Callable[[Any], Any]) -> list[Any]:
    parts, errors, findings = [], [], []
    for number, part in enumerate(given):
        try:
            parts.append(build(part))
        except _REFUSALS as error:
            errors.append(error)
            findings.append(f"{place}[{number}] ({_name(part)}): {_reason(registry, part, error)}")
    if errors:
        alike = (kind for kind in _KEPT_KINDS if all(isinstance(error, kind) for error in errors))
        raise next(alike, ValueError)("\n".join(findings)) from errors[0]
    return parts


def _name(part: Any) -> str:
    kind = part.get("type", "no type") if isinstance(part, Mapping) else type(part)
    return kind if isinstance(kind, str) else getattr(kind, "__name__", repr(kind))


def _reason(registry: Registry, part: Any, error: BaseException) -> str:
    if isinstance(part, Mapping):
        if "type" not in part:
            return f"the config names no class: {dict(part)!r}. Give it a 'type'."
        wrong = _wrong_name(registry, part) or _wrong_keywords(registry, part)
        if wrong:
            return wrong
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    for lead in (f"{_name(part)}: ", f"{_name(part)}."):  # the class that speaks is named already
        text = text[len(lead) :] if text.startswith(lead) else text
    return text or f"refused by {type(error).__name__}"


def _wrong_name(registry: Registry, config: Mapping[str, Any]) -> str:
    name = config["type"]
    with registry.switch_scope_and_registry(config.get("_scope_")) as scoped:
        if not isinstance(name, str) or scoped.get(name) is not None:
            return ""
        close = get_close_matches(name, scoped.module_dict)
        advice = f"Do you mean {' or '.join(map(repr, close))}? Else import" if close else "Correct the name, or import"
        return f"there is no {scoped.name} of that name in the scope {scoped.scope!r}. {advice} its module first."


def _wrong_keywords(registry: Registry, config: Mapping[str, Any]) -> str:
    """Which keywords the class does not take, or needs and did not get; empty if that is not what is wrong."""
    with registry.switch_scope_and_registry(config.get("_scope_")) as scoped:
        kind = scoped.get(config["type"]) if isinstance(config["type"], str) else config["type"]
    parameters = inspect.signature(kind).parameters.values() if callable(kind) else ()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return ""
    allowed = {parameter.name: parameter.default is parameter.empty for parameter in parameters}
    unknown = [str(key) for key in config if key not in allowed and key not in ("type", "_scope_")]
    missing = [name for name, needed in allowed.items() if needed and name not in config]
    words = [f"{word} {', '.join(names)}" for word, names in (("unknown", unknown), ("missing", missing)) if names]
    return f"{'; '.join(words)}; allowed are {', '.join(allowed)}." if words and allowed else ""
