"""Which keypoints of different data sets are one joint: the shipped ``aliases.json``, and what users add to it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional, Union

from mmpose_mix.keypoints.alias_entries import Derivation, Note, checked_entries, numbers_of_runs

SHIPPED = Path(__file__).with_name("aliases.json")
# names that only number the keypoints of their own data set
NUMBERED_NAME = re.compile(r"(?:kpt|keypoint|point|landmark|face|joint)?[-_ ]?\d+")


class AliasTable:
    """Joints by the names that data sets give them.

    Every keypoint, a name in a data set, is one joint. A name without an entry is the joint of that name, so equal
    names are one joint; names that are mere numbers (``kpt-7``) are joints of their own data set unless a numbering
    says which. ``SET:NAME`` in a file is about that data set alone (its ``dataset_name``), ``NAME`` about all others.

    Args:
        tables: What alias files hold, see ``aliases.json`` beside this module; later ones replace what earlier ones say
            about the same name, and add to the rest.
        origins: Files that errors name, one per table.

    Raises:
        ValueError: with all that is wrong with a table.

    >>> table = AliasTable.shipped()
    >>> table.joint("crowdpose", "top_head"), table.joint("jhmdb", "head"), table.joint("aflw", "kpt-3")
    ('head_top', 'head', 'aflw:kpt-3')
    """

    def __init__(self, *tables: Mapping[str, Any], origins: tuple[str, ...] = ()) -> None:
        self._of_set: dict[tuple[str, str], str] = {}
        self._of_name: dict[str, str] = {}
        self._notes: dict[str, Note] = {}
        self._joined: dict[str, str] = {}
        self._joined_notes: dict[frozenset[str], Note] = {}
        self._near: dict[frozenset[str], Note] = {}
        self._derivations: dict[str, list[Derivation]] = {}
        for i, table in enumerate(tables):
            for kind, entry, note in checked_entries(table, origins[i] if i < len(origins) else f"alias table {i}"):
                self._add(kind, entry, note)

    @classmethod
    def shipped(cls) -> AliasTable:
        """The table that comes with the package."""
        return _table_of_files((str(SHIPPED),), (SHIPPED.stat().st_mtime_ns,))

    @classmethod
    def extended_by(cls, *paths: Union[str, os.PathLike[str]]) -> AliasTable:
        """The shipped table with files of the same format on top.

        Raises:
            FileNotFoundError: if a file does not exist.
            ValueError: if a file is no JSON, or with all that is wrong with its entries.
        """
        files = [SHIPPED] + [Path(path) for path in paths]
        absent = [str(file) for file in files if not file.is_file()]
        if absent:
            raise FileNotFoundError(
                f"The alias file {', '.join(absent)} does not exist in {Path.cwd()}. Give a path from there or an "
                f"absolute one."
            )
        return _table_of_files(tuple(map(str, files)), tuple(file.stat().st_mtime_ns for file in files))

    def joint(self, set_name: str, name: str) -> str:
        """The joint that a data set calls so; the joint's own name is always one of its names."""
        joint = self._of_set.get((set_name, name)) or self._of_name.get(name)
        if joint is None:
            joint = f"{set_name}:{name}" if NUMBERED_NAME.fullmatch(name) else name
        return joint

    def same(self, joint: str) -> str:
        """One name for all joints that are the same as this one."""
        while joint in self._joined:
            joint = self._joined[joint]
        return joint

    def note_on_same(self, joint: str, other: str) -> Optional[Note]:
        """Who says that two joints are the same, or that the names of one joint are; None where no entry does."""
        direct = self._joined_notes.get(frozenset((joint, other)))
        return direct or self._notes.get(joint) or self._notes.get(other)

    def note_on_near(self, joint: str, other: str) -> Optional[Note]:
        """Who says that two joints lie close to each other; None where nobody does."""
        return self._near.get(frozenset((joint, other)))

    def rank_of_near(self, joint: str, other: str) -> int:
        """Place of the entry that says so, the first being the one to prefer."""
        return list(self._near).index(frozenset((joint, other)))

    def derivations(self, joint: str) -> list[Derivation]:
        """How others give the joint, in the order of the files."""
        wanted = self.same(joint)
        return [each for other, some in self._derivations.items() if self.same(other) == wanted for each in some]

    def _add(self, kind: str, entry: Mapping[str, Any], note: Note) -> None:
        if kind == "same_joint":
            self._notes[entry["joint"]] = note
            for name in [entry["joint"], *entry["names"]]:
                self._name(name, entry["joint"])
        elif kind == "numberings":
            for i in range(entry["size"]):
                joint = f"{entry['numbering']}-{i}"
                self._notes[joint] = note
                for name in [joint, *entry["names"]]:
                    self._name(name.replace("{}", str(i)), joint)
        elif kind == "derived":
            parts = tuple((self._joint_named(name), float(weight)) for name, weight in entry["of"].items())
            derivation = Derivation(parts, entry["mark"], note)
            self._derivations.setdefault(self._joint_named(entry["joint"]), []).append(derivation)
        else:
            for one, other in _pairs_of(entry):
                pair = frozenset((self._joint_named(one), self._joint_named(other)))
                if kind == "approximate":
                    self._near[pair] = note
                else:
                    self._join(one, other)
                    self._joined_notes[pair] = note

    def _name(self, name: str, joint: str) -> None:
        of_set, colon, bare = name.partition(":")
        if colon:
            self._of_set[of_set, bare] = joint
        else:
            self._of_name[name] = joint

    def _joint_named(self, name: str) -> str:
        of_set, colon, bare = name.partition(":")
        return self.joint(of_set, bare) if colon else self._of_name.get(name, name)

    def _join(self, one: str, other: str) -> None:
        first, second = self.same(one), self.same(other)
        if first != second:
            self._joined[second] = first


def _pairs_of(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "joints" in entry:
        return [(entry["joints"][0], entry["joints"][1])]
    one, other = entry["between"]
    return [(f"{one}-{i}", f"{other}-{j}") for i, j in numbers_of_runs(entry["runs"])]


@lru_cache(maxsize=32)
def _table_of_files(paths: tuple[str, ...], stamps: tuple[int, ...]) -> AliasTable:
    """The table of some files; ``stamps``, their times of change, are there to forget older versions."""
    tables = []
    for path in paths:
        try:
            tables.append(json.loads(Path(path).read_text(encoding="utf-8")))
        except ValueError as error:
            raise ValueError(f"{path} is no JSON: {error}") from error
    return AliasTable(*tables, origins=paths)
