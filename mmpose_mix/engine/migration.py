"""From a config of MMPose to one of this package: what changes in its text, and that its mixtures stay the same."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmpose_mix.engine.checked_types import resolved_types
from mmpose_mix.engine.migrated_tables import UsedTable, bare, comparable, mixtures_of, used_tables, words_by_name
from mmpose_mix.engine.migrated_text import ConfigText, Edit, NamedPart, rebased, value_of
from mmpose_mix.engine.migration_notes import notes_on
from mmpose_mix.engine.repaired_tables import repair_tables, repaired_table
from mmpose_mix.keypoints.mapping import KeypointMapping
from mmpose_mix.metainfo import resolve_metainfo_paths
from mmpose_mix.registry import SCOPE

MIXING = ("CombinedDataset", "KeypointConverter", "MultiSourceSampler")
WAYS = ("scope", "prefix")
_WORDS_OF_TABLES = ("mapping", "points", "approximate", "drop")


@dataclass(frozen=True)
class Migration:
    """A config of MMPose as one of this package.

    Attributes:
        before, after: the texts.
        notes: what was done, what was left and why, and what the mixture does otherwise than in MMPose.
    """

    before: str
    after: str
    notes: tuple[str, ...]


def migrate(path: Path, way: str = "scope", out: Optional[Path] = None, keep_tables: bool = False) -> Migration:
    """Rewrite a config.

    Args:
        path: of the config.
        way: ``'scope'``: all of it runs on our parts; ``'prefix'``: only the three names that mix do.
        out: where the text will be written; ``_base_`` is relative to there. By default where it was.
        keep_tables: leave index tables that nothing in the file uses any more.

    Raises:
        ValueError: if the config cannot be migrated, with the reason.
        FileNotFoundError: if there is no such file.
    """
    if way not in WAYS:
        raise ValueError(f"way={way!r}, allowed are {', '.join(WAYS)}.")
    before = path.read_text(encoding="utf-8")
    text = ConfigText(before, path.name)
    config = _loaded(path, path.parent)
    tables = _refused_unless_mixed(config, path.name)
    if way == "scope":
        _refuse_absent_parts(config, path.name)
    named, notes, edits = _by_name(text, config, tables)
    edits += _of_scope(text) if way == "scope" else _prefixed(text, config)
    if not keep_tables:
        edits += _unused_tables(text, config, named)
    after = text.edited(edits + rebased(text, path.parent, (out or path).parent))
    migrated = _reloaded(text.edited(edits + rebased(text, path.parent, None)), path)
    _compare(config, migrated, path.name)
    if way == "prefix":
        _refuse_bare_names(migrated, path.name)
    return Migration(before, after, (*notes, *notes_on(migrated, tables, way)))


def _loaded(file: Path, folder: Path) -> dict[str, Any]:
    """The config of a file as plain dicts, known wrong tables put right; metainfo files are those from ``folder``."""
    config = Config.fromfile(file, import_custom_modules=False).to_dict()
    resolve_metainfo_paths(config, folder)
    repair_tables(config)
    return config


def _refused_unless_mixed(config: Mapping[str, Any], name: str) -> list[UsedTable]:
    mixtures = list(mixtures_of(config))
    if not mixtures:
        raise ValueError(
            f"{name} has no CombinedDataset, so it mixes nothing. To run it here as it is, use "
            f"`mmpose-mix train {name} --cfg-options default_scope=mmpose_mix`."
        )
    three = sorted({kind for kind in _kinds(mixtures) if bare(kind).endswith("3dDataset") or "H36M" in kind})
    if three:
        raise ValueError(f"{name} mixes {', '.join(three)}: 3-D poses are outside of this package.")
    try:
        return used_tables(config)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise ValueError(f"{name}: its mixture cannot be read: {error}") from error


def _kinds(value: Any) -> Iterator[str]:
    """Every ``type`` in a config."""
    if isinstance(value, Mapping):
        if "type" in value:
            yield str(value["type"])
        for inner in value.values():
            yield from _kinds(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _kinds(inner)


def _refuse_absent_parts(config: Mapping[str, Any], name: str) -> None:
    """Raises where the whole config should run on ours and a part is not there."""
    with DefaultScope.overwrite_default_scope(SCOPE):
        _, findings = resolved_types(config)
    absent = sorted({f"{each.place}: {each.text}" for each in findings if each.code == "CFG503"})
    if absent:
        listed = "\n  ".join(absent)
        raise ValueError(
            f"{name} cannot run wholly on this package, which lacks\n  {listed}\n"
            f"With --to prefix MMPose runs these, and this package mixes."
        )


def _by_name(
    text: ConfigText, config: Mapping[str, Any], tables: list[UsedTable]
) -> tuple[set[str], list[str], list[Edit]]:
    """Edits that write tables by name; with the variables that held them, and a note on each kind of converter."""
    named: set[str] = set()
    notes: dict[str, None] = {}
    edits = []
    for part in text.parts(config):
        mapping = part.arguments.get("mapping")
        if bare(part.kind) != "KeypointConverter" or mapping is None or isinstance(mapping, ast.Constant):
            continue
        words, note = _words_for(part, mapping, config, tables)
        notes[note] = None
        if words is not None:
            edits.append(text.replacing(mapping, f"'auto'{words}"))
            named |= {mapping.id} if isinstance(mapping, ast.Name) else set()
    return named, list(notes), edits


def _words_for(
    part: NamedPart, mapping: ast.expr, config: Mapping[str, Any], tables: list[UsedTable]
) -> tuple[Optional[str], str]:
    """The arguments that give a converter's table by name, or None; and a sentence on it."""
    around = [bare(each.kind) for each in part.around]
    kind = next((name for name in reversed(around) if name.endswith("Dataset")), "a data set")
    count = value_of(part.arguments["num_keypoints"], config) if "num_keypoints" in part.arguments else None
    given = value_of(mapping, config)
    if count is None or not isinstance(given, (list, tuple)):
        return None, f"{kind}: its index table stays, as its text does not tell which it is"
    pairs = comparable(KeypointMapping(count, [tuple(pair) for pair in repaired_table(count, given)]))
    same = [table for table in tables if table.kind == kind and table.pairs == pairs]
    if not same:
        return None, f"{kind}: its index table stays, as no mixture of the config uses it"
    found = {words_by_name(table) for table in same}
    names = {(table.source and table.source.name, table.target and table.target.name) for table in same}
    route = " and ".join(sorted(f"{source} -> {target}" for source, target in names))
    if len(found) > 1 or None in found:
        why = "which 'auto' does not give for any choice" if found == {None} else "which several routes share"
        return None, f"{kind}: its index table of {route} stays, {why}; see `mmpose-mix map {_of_map(same[0])} --why`"
    words = found.pop()
    return words, f"{kind}: mapping='auto'{words} is the index table of {route}"


def _of_map(table: UsedTable) -> str:
    return f"{table.source.name if table.source else '...'} {table.target.name if table.target else '...'}"


def _of_scope(text: ConfigText) -> list[Edit]:
    """The edit that sets the default scope."""
    assigned = text.assignments()
    if "default_scope" in assigned:
        return [text.replacing(assigned["default_scope"].value, repr(SCOPE))]
    return [_inserted(text, f"default_scope = {SCOPE!r}\n")]


def _prefixed(text: ConfigText, config: Mapping[str, Any]) -> list[Edit]:
    """The edits that import this package and put its name before the three names."""
    edits = [
        text.replacing(part.place, repr(f"{SCOPE}.{part.kind}")) for part in text.parts(config) if part.kind in MIXING
    ]
    imports = _arguments_of(text.assignments().get("custom_imports"), "imports")
    if isinstance(imports, (ast.List, ast.Tuple)):
        names = [value_of(name, {}) for name in imports.elts]
        if SCOPE not in names:
            first = text.span(imports)[0] + 1
            edits.append(Edit(first, first, f"{SCOPE!r}, " if names else f"{SCOPE!r}"))
    elif imports is None:
        line = f"custom_imports = dict(imports=[{SCOPE!r}], allow_failed_imports=False)\n"
        edits.append(_inserted(text, line))
    else:
        raise ValueError("custom_imports of the config is not dict(imports=[...]): add 'mmpose_mix' to it yourself.")
    return edits


def _arguments_of(statement: Optional[ast.Assign], name: str) -> Optional[ast.expr]:
    if statement is None or not isinstance(statement.value, ast.Call):
        return None if statement is None else statement.value
    return next((word.value for word in statement.value.keywords if word.arg == name), statement.value)


def _inserted(text: ConfigText, line: str) -> Edit:
    """A line of its own after ``_base_``, else before the first statement."""
    base = text.assignments().get("_base_")
    if base is not None:
        end = text.span(base)[1]
        return Edit(end, end, f"\n\n{line.rstrip()}")
    start = text.span(text.tree.body[0])[0] if text.tree.body else 0
    return Edit(start, start, f"{line}\n")


def _unused_tables(text: ConfigText, config: Mapping[str, Any], named: set[str]) -> list[Edit]:
    """Edits that remove the assignments of tables whose every use was written by name."""
    replaced = dict.fromkeys(named, 0)
    for part in text.parts(config):
        mapping = part.arguments.get("mapping")
        if isinstance(mapping, ast.Name) and mapping.id in named and bare(part.kind) == "KeypointConverter":
            replaced[mapping.id] += 1
    assigned = text.assignments()
    stores = [node.id for node in ast.walk(text.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return [
        text.removing(assigned[name])
        for name, count in replaced.items()
        if name in assigned and len(text.uses(name)) == count and stores.count(name) == 1
    ]


def _reloaded(after: str, path: Path) -> dict[str, Any]:
    """The config of a text whose ``_base_`` are absolute; its metainfo files are those beside ``path``."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_text(after, encoding="utf-8")
        return _loaded(copy, path.parent)


def _compare(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> None:
    """Raises unless the mixtures of both are the same but for the prefix and how tables are written."""
    one, other = ([_plain(mixture) for mixture in mixtures_of(config)] for config in (before, after))
    if one != other or used_tables(before) != used_tables(after):
        raise ValueError(
            f"{name}: the migrated text does not give the same mixture, so it is not used. Migrate by hand: set "
            f"default_scope='mmpose_mix', or write mmpose_mix. before CombinedDataset and KeypointConverter."
        )


def _refuse_bare_names(config: Mapping[str, Any], name: str) -> None:
    """Raises where a name that mixes is still MMPose's, because the text does not hold it."""
    left = sorted({kind for mixture in mixtures_of(config) for kind in _kinds(mixture)} & set(MIXING))
    if left:
        raise ValueError(
            f"{name}: {', '.join(left)} of its mixture come from a config in _base_: migrate that file, and name the "
            f"new one in _base_; or take --to scope."
        )


def _plain(value: Any) -> Any:
    """A config without our prefix, and without what a converter's table is written by."""
    if isinstance(value, Mapping):
        left_out = _WORDS_OF_TABLES if bare(value.get("type")) == "KeypointConverter" else ()
        return {
            key: bare(inner) if key == "type" and bare(inner) in MIXING else _plain(inner)
            for key, inner in value.items()
            if key not in left_out
        }
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value
