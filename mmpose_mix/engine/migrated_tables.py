"""Index tables of a config, and the words that give the same table by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from mmengine.registry import DATASETS as ROOT_DATASETS

from mmpose_mix.engine.checked_types import find_type
from mmpose_mix.keypoints.mapping import KeypointMapping
from mmpose_mix.keypoints.matching import match_keypoints
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import keypoint_set
from mmpose_mix.registry import SCOPE

#: Target ids with the whole pair as text, in the order of the targets.
Pairs = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class UsedTable:
    """An index table where a mixture uses it.

    Attributes:
        kind: class name of the data set that it converts, without a scope.
        num_keypoints: of its target.
        pairs: of ids; None where the converter speaks of names that cannot be resolved.
        source, target: the keypoint sets; None where one is not known.
    """

    kind: str
    num_keypoints: int
    pairs: Optional[Pairs]
    source: Optional[KeypointSet]
    target: Optional[KeypointSet]


def comparable(mapping: KeypointMapping) -> Pairs:
    """The pairs of a mapping in a form that can be compared."""
    return tuple(sorted((int(pair[1]), repr(pair)) for pair in mapping.pairs))


def used_tables(config: Mapping[str, Any]) -> list[UsedTable]:
    """The table of every converter in the pipelines of a config's mixtures, in order."""
    tables: list[UsedTable] = []
    for mixture in mixtures_of(config):
        target = _set_of(mixture)
        for source in mixture.get("datasets", ()):
            tables += _tables_of_source(source, target)
    return tables


def mixtures_of(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every ``CombinedDataset`` of a config, nested ones after those that they stand in."""
    if isinstance(value, Mapping):
        if bare(value.get("type")) == "CombinedDataset":
            yield value
        for inner in value.values():
            yield from mixtures_of(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from mixtures_of(inner)


def bare(kind: Any) -> str:
    """The name of a class without its scope."""
    return str(kind).rpartition(".")[2]


def words_by_name(table: UsedTable) -> Optional[str]:
    """The arguments after ``mapping`` with which ``'auto'`` gives exactly this table; None where none do.

    Returns:
        ``''``, or something like ``", approximate=['neck']"``.
    """
    if table.source is None or table.target is None or table.pairs is None:
        return None
    names = table.target.keypoint_names
    if len(names) != table.num_keypoints:
        return None
    wanted, found = dict(table.pairs), _auto(table)
    choices = {
        "points": {names[i]: _source_name(table, wanted[i]) for i in wanted if i in found and wanted[i] != found[i]},
        "approximate": [names[i] for i in sorted(wanted) if i not in found],
        "drop": [names[i] for i in sorted(found) if i not in wanted],
    }
    if None in choices["points"].values() or _auto(table, **choices) != wanted:
        return None
    return "".join(f", {key}={value!r}" for key, value in choices.items() if value)


def _source_name(table: UsedTable, pair: str) -> Optional[str]:
    """The name of the one source keypoint of a pair; None where there are several."""
    place = ast.literal_eval(pair)[0]
    return table.source.keypoint_names[place] if isinstance(place, int) else None  # type: ignore[union-attr]


def _auto(table: UsedTable, **choices: Any) -> dict[int, str]:
    """The pairs of ``'auto'`` by target id."""
    return dict(comparable(match_keypoints(table.source, table.target, **choices).mapping))


def _tables_of_source(source: Any, target: Optional[KeypointSet]) -> Iterator[UsedTable]:
    kind = bare(source.get("type"))
    if kind in ("RepeatDataset", "ClassBalancedDataset"):
        yield from _tables_of_source(source["dataset"], target)
        return
    arriving = _set_of(source)
    for transform in source.get("pipeline", ()):
        if bare(transform.get("type")) != "KeypointConverter":
            continue
        yield _table(kind, transform, arriving, target)
        arriving = target


def _table(kind: str, converter: Any, source: Optional[KeypointSet], target: Optional[KeypointSet]) -> UsedTable:
    count, given = converter.get("num_keypoints"), converter.get("mapping")
    if isinstance(given, str):
        choices = {key: converter[key] for key in ("points", "drop", "require", "approximate") if key in converter}
        if source is None or target is None:
            return UsedTable(kind, count, None, source, target)
        matching = match_keypoints(source, target, given, **choices)
        return UsedTable(kind, matching.mapping.num_keypoints, comparable(matching.mapping), source, target)
    return UsedTable(kind, count, comparable(KeypointMapping(count, [tuple(pair) for pair in given])), source, target)


def _set_of(dataset: Mapping[str, Any]) -> Optional[KeypointSet]:
    """The keypoint set of a data set's config, by its metainfo, or by our class of that name."""
    metainfo = dataset.get("metainfo")
    if metainfo is None:
        kind = find_type(ROOT_DATASETS, f"{SCOPE}.{bare(dataset.get('type'))}")
        metainfo = getattr(kind, "METAINFO", None)
    return keypoint_set(metainfo) if metainfo else None
