"""Edits of a config's text that leave everything else of it, comments and layout too, as it is."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional


@dataclass(frozen=True)
class Edit:
    """``text[start:end]`` becomes ``words``; offsets count characters."""

    start: int
    end: int
    words: str


@dataclass(frozen=True)
class NamedPart:
    """A ``dict(type='...')`` of a config's text.

    Attributes:
        kind: what its ``type`` stands for.
        place: node of its ``type``: a string, or a variable that holds one.
        arguments: name of each argument to the node of its value.
        around: the parts that it stands in, the innermost last.
    """

    kind: str
    place: ast.expr
    arguments: Mapping[str, ast.expr]
    around: tuple[NamedPart, ...]


class ConfigText:
    """The text of a config file, with what stands where.

    Args:
        text: of the file.

    Raises:
        ValueError: if it is no Python, or a config of MMEngine's new style, whose parts are imported classes.
    """

    def __init__(self, text: str, origin: str) -> None:
        self.text = text
        try:
            # the names of a base config stand in double braces, which are a set within a set to Python
            self.tree = ast.parse(text)
        except SyntaxError as error:
            raise ValueError(f"{origin} is no config that can be read: {error}") from error
        if any(isinstance(node, (ast.Import, ast.ImportFrom, ast.With)) for node in ast.walk(self.tree)):
            raise ValueError(
                f"{origin} imports: configs of MMEngine's new style name classes, not strings, and are not migrated. "
                f"Import mmpose_mix's classes in the place of MMPose's: from mmpose_mix.datasets import "
                f"CombinedDataset, MultiSourceSampler and from mmpose_mix.transforms import KeypointConverter."
            )
        self._lines = [0]
        for line in text.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node begins and ends in the text."""
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def words_of(self, node: ast.AST) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def replacing(self, node: ast.AST, words: str) -> Edit:
        """The edit that puts words in the place of a node."""
        return Edit(*self.span(node), words)

    def parts(self, names: Mapping[str, Any]) -> Iterator[NamedPart]:
        """Every ``dict(type='...', ...)`` or ``{'type': '...', ...}``, the outer ones first.

        Args:
            names: the variables of the config, of which a ``type`` may be one.
        """
        yield from self._parts(self.tree, (), names)

    def assignments(self) -> dict[str, ast.Assign]:
        """The top-level assignments to one name each; of several to one name the last."""
        return {
            node.targets[0].id: node
            for node in self.tree.body
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        }

    def removing(self, statement: ast.stmt) -> Edit:
        """The edit that takes out a statement with its lines, and one of the empty lines around it."""
        start, end = self._lines[statement.lineno - 1], self._lines[statement.end_lineno]
        if self.text[end : end + 1] == "\n" and (start == 0 or self.text[:start].endswith("\n\n")):
            end += 1
        return Edit(start, end, "")

    def uses(self, name: str) -> list[ast.Name]:
        """Where a variable is read."""
        return [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        ]

    def edited(self, edits: Iterable[Edit]) -> str:
        """The text after edits, which must not overlap."""
        words = self.text
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
            words = words[: edit.start] + edit.words + words[edit.end :]
        return words

    def _parts(self, node: ast.AST, around: tuple[NamedPart, ...], names: Mapping[str, Any]) -> Iterator[NamedPart]:
        arguments = _arguments(node)
        place = arguments.get("type")
        kind = value_of(place, names) if isinstance(place, (ast.Constant, ast.Name)) else None
        if isinstance(kind, str):
            part = NamedPart(kind, place, arguments, around)
            yield part
            around = (*around, part)
        for child in ast.iter_child_nodes(node):
            yield from self._parts(child, around, names)

    def _offset(self, line: int, column: int) -> int:
        start = self._lines[line - 1]
        # ast counts bytes of UTF-8
        row = self.text[start : self._lines[line]].encode()[:column]
        return start + len(row.decode())


def rebased(config: ConfigText, source: Path, target: Optional[Path]) -> list[Edit]:
    """Edits that let ``_base_`` of a config in the folder ``source`` find its files from the folder ``target``.

    Paths become absolute where there is no target; ``mmpose::...`` stays.
    """
    base = config.assignments().get("_base_")
    edits = []
    for node in ast.walk(base.value) if base is not None else ():
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "::" not in node.value:
            path = (source / node.value).resolve()
            words = str(path) if target is None else Path(os.path.relpath(path, target.resolve())).as_posix()
            edits.append(config.replacing(node, repr(words)))
    return edits


def _arguments(node: ast.AST) -> dict[str, ast.expr]:
    """The keyword arguments of a call of ``dict``, or the entries of a display."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return {word.arg: word.value for word in node.keywords if word.arg}
    if isinstance(node, ast.Dict):
        return {
            key.value: value
            for key, value in zip(node.keys, node.values)
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        }
    return {}


def value_of(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """What an expression of a config stands for, given the config's variables; None where that cannot be told."""
    code = compile(ast.Expression(node), "<config>", "eval")
    try:
        return eval(code, {"__builtins__": {"range": range, "list": list, "tuple": tuple, "len": len}}, dict(names))
    except (NameError, TypeError, ValueError, LookupError, AttributeError):
        return None
