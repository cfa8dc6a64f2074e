"""What the annotation files of a data set hold: instances, images, what is discarded. No image is read."""

from __future__ import annotations

import os
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import Registry

from mmpose_mix.annotations.persons import PersonTable
from mmpose_mix.datasets.building import built_transforms
from mmpose_mix.datasets.combined import CombinedDataset
from mmpose_mix.datasets.epochs import wrapped_datasets
from mmpose_mix.engine.checked_types import find_type
from mmpose_mix.engine.config_finding import finding, finding_in_words
from mmpose_mix.keypoints.findings import ERROR, Finding

#: Persons of a data set whose poses are kept.
MOST_POSES = 2000

# what constructors raise about their arguments; anything else is a fault of the code
REFUSALS = (AssertionError, AttributeError, LookupError, OSError, TypeError, ValueError, ImportError)

_Columns = tuple[Optional["FileContent"], Optional[np.ndarray], Optional[tuple[np.ndarray, np.ndarray]]]


@dataclass(frozen=True)
class FileContent:
    """What one annotation file holds.

    Args:
        file: its path.
        images: of the file, with instances or without.
        annotations: of the file.
        instances: those with box and keypoints.
        discarded: why instances are no items, to how many; one with several reasons counts once.
    """

    file: str
    images: int
    annotations: int
    instances: int
    discarded: Mapping[str, int]


@dataclass(eq=False)
class Leaf:
    """A data set that reads files.

    Args:
        place: in the config.
        dataset: built, its files not read unless ``content`` or ``usable`` is there.
        transforms: its pipeline, then those of the mixtures inside of the one that is checked.
        content: what its file holds; None where it was not read.
        visibility: (M, Ks) of the instances that become items, 0 to 1; None where they are no columns.
        poses: (N, Ks, 2) keypoints and (N, Ks) visibility of some of them, evenly over all.
    """

    place: str
    dataset: Any
    transforms: tuple[Any, ...]
    content: Optional[FileContent] = None
    visibility: Optional[np.ndarray] = None
    poses: Optional[tuple[np.ndarray, np.ndarray]] = None

    @property
    def name(self) -> str:
        """Name of its class."""
        return type(self.dataset).__name__

    @property
    def ann_file(self) -> str:
        """The file that it reads; empty where it has none."""
        return str(getattr(self.dataset, "ann_file", "") or "")


@dataclass
class OpenedSource:
    """A source, as far as it could be built and read.

    Args:
        place: in the config.
        built: the data set, its files not read; None for a mixture, and where it was refused.
        config: of the source.
        leaves: the data sets in it that read files.
        items: how many items it has; None where that is unknown.
        findings: what is wrong with it.
    """

    place: str
    built: Any = None
    config: Any = None
    leaves: list[Leaf] = field(default_factory=list)
    items: Optional[int] = None
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class SourceReading:
    """What reading the files of a source gave, without its data sets: it may come from another process.

    Args:
        contents, visibilities, poses: as in :class:`Leaf`, of each leaf.
        items: as in :class:`OpenedSource`.
        findings: what is wrong with the files.
    """

    contents: tuple[Optional[FileContent], ...]
    visibilities: tuple[Optional[np.ndarray], ...]
    poses: tuple[Optional[tuple[np.ndarray, np.ndarray]], ...]
    items: Optional[int]
    findings: tuple[Finding, ...]


def opened_source(config: Any, place: str) -> OpenedSource:
    """Build a source, without reading its files.

    Args:
        config: of the source, under the scope that resolves it; or a data set that is built.
        place: in the config.
    """
    source = OpenedSource(place, config=config)
    try:
        if isinstance(config, Mapping) and is_kind(config, CombinedDataset):
            _open_mixture(source)
            return source
        source.built = ROOT_DATASETS.build(_lazy(config)) if isinstance(config, Mapping) else config
    except REFUSALS as refusal:
        source.findings.append(_refused(place, refusal))
        return source
    source.leaves = [Leaf(place, leaf, _transforms(leaf)) for leaf in _leaves(source.built)]
    return source


def read_source(source: OpenedSource) -> SourceReading:
    """Read the annotation files of a source that could be built."""
    findings: list[Finding] = []
    read = [_read(leaf, findings) for leaf in source.leaves]
    items = None
    if not any(each.severity == ERROR for each in (*source.findings, *findings)):
        try:
            items = len(source.built if source.built is not None else _built_mixture(source))
        except REFUSALS as refusal:
            findings.append(_refused(source.place, refusal))
    contents, visibilities, poses = zip(*read) if read else ((), (), ())
    return SourceReading(contents, visibilities, poses, items, tuple(findings))


def take_reading(source: OpenedSource, reading: SourceReading) -> None:
    """Put into a source what reading its files gave."""
    of_leaves = zip(source.leaves, reading.contents, reading.visibilities, reading.poses)
    for leaf, content, visibility, poses in of_leaves:
        leaf.content, leaf.visibility, leaf.poses = content, visibility, poses
    source.items = reading.items
    source.findings += reading.findings


def is_kind(config: Any, kind: type, registry: Registry = ROOT_DATASETS) -> bool:
    """Whether a config names a data set, or what else the registry holds, of this class, or it is one."""
    found = find_type(registry, config.get("type"), config.get("_scope_")) if isinstance(config, Mapping) else None
    return issubclass(found, kind) if isinstance(found, type) else isinstance(config, kind)


def _open_mixture(source: OpenedSource) -> None:
    """A mixture inside of a mixture: its sources, and its pipeline behind theirs."""
    given = source.config.get("datasets") or ()
    parts = [opened_source(part, f"{source.place}.datasets[{number}]") for number, part in enumerate(given)]
    source.findings += [each for part in parts for each in part.findings]
    behind = tuple(built_transforms(source.config.get("pipeline", ()), f"{source.place}.pipeline"))
    source.leaves = [Leaf(leaf.place, leaf.dataset, leaf.transforms + behind) for part in parts for leaf in part.leaves]


def _built_mixture(source: OpenedSource) -> Any:
    """The mixture, of its sources as they are read already where nothing wraps them."""
    given = source.config["datasets"]
    plain = len(given) == len(source.leaves)
    datasets = {"datasets": [leaf.dataset for leaf in source.leaves]} if plain else {}
    return ROOT_DATASETS.build({**source.config, **datasets})


def _lazy(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config with the reading of files put off, in all data sets inside of it."""
    lazy: dict[str, Any] = dict(config)
    if "datasets" in lazy:
        lazy["datasets"] = [_lazy(part) if isinstance(part, Mapping) else part for part in lazy["datasets"]]
    if isinstance(lazy.get("dataset"), Mapping):
        lazy["dataset"] = _lazy(lazy["dataset"])
    return {**lazy, "lazy_init": True}


def _leaves(dataset: Any) -> Iterator[Any]:
    if hasattr(dataset, "pipeline"):
        yield dataset
        return
    for inner in wrapped_datasets(dataset):
        yield from _leaves(inner)


def _transforms(dataset: Any) -> tuple[Any, ...]:
    return tuple(getattr(getattr(dataset, "pipeline", None), "transforms", ()))


def _read(leaf: Leaf, findings: list[Finding]) -> _Columns:
    """Read the files of a leaf, and keep the columns on the way to its items."""
    dataset = leaf.dataset
    try:
        if hasattr(dataset, "full_init"):
            dataset.full_init()
    except FileNotFoundError as absent:
        findings.append(_absent(leaf, absent))
        return None, None, None
    except REFUSALS as refusal:
        findings.append(_refused(leaf.place, refusal, "CFG521"))
        return None, None, None
    findings += _absent_images(leaf)
    persons = getattr(dataset, "persons", None)
    return (None, None, None) if persons is None else _content(leaf, persons)


def _content(leaf: Leaf, table: PersonTable) -> _Columns:
    """Count the persons of an annotation file, and drop what is discarded."""
    dataset = leaf.dataset
    discarded: dict[str, int] = {}
    if len(getattr(dataset, "INSTANCE_FIELDS", (0,))) == 1:
        discarded["without box or keypoints"] = table.num_annotations - len(table)
    left = np.ones(len(table), dtype=np.bool_)
    for words, images in dataset.image_filters(table.images).items():
        left = _without(left, ~images[table.image_row], words, discarded)
    if dataset.data_mode == "topdown":
        for reason, mask in table.faults().items():
            left = _without(left, mask, reason, discarded)
        chosen = int(left.sum()) - len(dataset)
        if chosen > 0:
            discarded["left out by filter_cfg or indices"] = chosen
    content = FileContent(
        leaf.ann_file,
        len(table.images),
        table.num_annotations,
        len(table),
        {reason: number for reason, number in discarded.items() if number},
    )
    rows = np.flatnonzero(left)
    some = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_POSES)).astype(np.int64))]
    poses = table.keypoints[some], table.keypoints_visible[some].astype(np.float32)
    return content, table.keypoints_visible[left], poses


def _without(left: np.ndarray, mask: np.ndarray, reason: str, discarded: dict[str, int]) -> np.ndarray:
    discarded[reason] = int((left & mask).sum())
    return left & ~mask


def _absent(leaf: Leaf, absent: FileNotFoundError) -> Finding:
    """An annotation file that is not there, or another file that the data set reads."""
    given = leaf.ann_file
    if not given or os.path.exists(given):
        return finding("CFG510", leaf.place, _without_name(str(absent), leaf.name), "Put it there, or change its path")
    relative = "" if os.path.isabs(given) else f". Paths are relative to the working directory {os.getcwd()}"
    root = getattr(leaf.dataset, "data_root", None)
    fix = f"Put it there, or change {f'data_root={root!r} or ' if root else ''}ann_file{relative}"
    return finding("CFG510", leaf.place, f"there is no annotation file {given}", fix)


def _absent_images(leaf: Leaf) -> list[Finding]:
    """A folder of images that is not there: nothing is read from it here, but a training would."""
    prefix = getattr(leaf.dataset, "data_prefix", None)
    folder = prefix.get("img", "") if isinstance(prefix, Mapping) else ""
    if not folder or "://" in folder or os.path.isdir(folder):
        return []
    words = f"the annotations are there, but the folder of their images is not: {folder}."
    return [finding("CFG511", leaf.place, words, "Put the images there, or change data_prefix=dict(img=...).")]


def _refused(place: str, refusal: BaseException, code: str = "CFG520") -> Finding:
    return finding_in_words(code, place, str(refusal) or type(refusal).__name__, "Correct its config")


def _without_name(words: str, name: str) -> str:
    lead = f"{name}: "
    return words[len(lead) :] if words.startswith(lead) else words


def namespace_of(transforms: Sequence[Any], num_keypoints: Optional[int]) -> Any:
    """What ``delivered_keypoints`` reads of a data set that is not built: its keypoints, and its pipeline."""
    return types.SimpleNamespace(
        metainfo={"num_keypoints": num_keypoints},
        pipeline=types.SimpleNamespace(transforms=list(transforms)),
    )
