"""How many keypoints the items of a data set have when they leave its pipeline, told without loading one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Optional

from mmpose_mix.datasets.epochs import wrapped_datasets
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import keypoint_set


def findings_of_source(place: str, source: Any, wanted: int, mixture: str) -> list[str]:
    """Return what is wrong with the keypoints that a source delivers to a mixture.

    A source's items start with the ``num_keypoints`` of its metainfo; each ``KeypointConverter`` of its pipeline turns
    them into its own number. A source without metainfo, or with conversions that hide their mapping, is taken on trust.

    Args:
        place: the source in the mixture, such as ``'CombinedDataset.datasets[1]'``.
        source: a data set, or a wrapper of some.
        wanted: keypoints of the mixture.
        mixture: name of the mixture's keypoint set.

    Returns:
        Sentences, each with what to do; empty if all fits.
    """
    findings = []
    for name, leaf in _leaves(source):
        where = f"{place} ({name})"
        delivered, faults = _through_pipeline(leaf, where)
        findings += faults
        if delivered is not None and delivered != wanted and not faults:
            findings.append(
                f"{where}: delivers {delivered} keypoints, but the metainfo of the mixture ({mixture}) has {wanted}. "
                f"Let a KeypointConverter with num_keypoints={wanted} end its conversion, or change that metainfo."
            )
    return findings


def bind_converters(place: str, source: Any, mixture: KeypointSet) -> list[str]:
    """Tell the converters of a source which keypoints arrive, where they do not know, and which the mixture has.

    Args:
        place: as in :func:`findings_of_source`.
        source: a data set, or a wrapper of some.
        mixture: the mixture's keypoint set.

    Returns:
        Sentences on converters that cannot use them, or that claim to read other keypoints than those that arrive or
        to end in others than the mixture's.
    """
    findings = []
    for name, leaf in _leaves(source):
        where = f"{place} ({name})"
        arriving: Any = getattr(leaf, "metainfo", None)
        for transform in _converters_by_name(leaf):
            try:
                _bind(transform, arriving, mixture)
                findings += _claims(where, transform, arriving)
            except ValueError as error:
                findings.append(f"{where}: {error}")
                break
            arriving = transform.target
        else:
            findings += _end(where, arriving, mixture)
    return findings


def delivered_keypoints(dataset: Any) -> set[int]:
    """Return the numbers of keypoints that the items of a data set, or of what it wraps, have; without untold ones."""
    counts = {_through_pipeline(leaf, name)[0] for name, leaf in _leaves(dataset)}
    return {count for count in counts if count is not None}


def findings_of_pipeline(place: str, dataset: Any) -> list[str]:
    """Return which converters in a data set's own pipeline read keypoints that do not arrive there."""
    return _through_pipeline(dataset, place)[1]


def _leaves(dataset: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the data sets that have a pipeline, each with the names of what wraps it."""
    name = f"{path}{type(dataset).__name__}"
    if hasattr(dataset, "pipeline"):
        yield name, dataset
        return
    for inner in wrapped_datasets(dataset):
        yield from _leaves(inner, f"{name} of ")


def _through_pipeline(dataset: Any, where: str) -> tuple[Optional[int], list[str]]:
    """Return the keypoints after the pipeline, None where that cannot be told, and the findings on the way."""
    count = (getattr(dataset, "metainfo", None) or {}).get("num_keypoints")
    findings = []
    for transform in getattr(dataset.pipeline, "transforms", ()):
        if not getattr(transform, "is_bound", True) or _converts_beyond_telling(transform):
            return None, findings
        if not _is_converter(transform):
            continue
        beyond = [] if count is None else sorted({i for i in _sources_read(transform) if not 0 <= i < count})
        if beyond:
            findings.append(
                f"{where}: the mapping of its {type(transform).__name__} reads source keypoints "
                f"{', '.join(map(str, beyond))}, but {count} arrive there, which allows 0..{count - 1}. "
                f"Change those pairs or the metainfo of the source."
            )
        count = transform.num_keypoints
    return count, findings


def _converters_by_name(dataset: Any) -> list[Any]:
    """The converters of a pipeline that can be told keypoint sets, those inside of compound transforms too."""
    transforms = getattr(dataset.pipeline, "transforms", ())
    every = [part for transform in transforms for part in (transform, *_inner_transforms(transform))]
    return [part for part in every if hasattr(type(part), "bind") and hasattr(type(part), "is_bound")]


def _keypoint_set(metainfo: Any) -> Optional[KeypointSet]:
    """The keypoint set of a data set's metainfo, or of a converter; None where there is none."""
    if metainfo is None or isinstance(metainfo, KeypointSet):
        return metainfo
    return keypoint_set(metainfo) if "keypoint_id2name" in metainfo else None


def _bind(converter: Any, arriving: Any, mixture: KeypointSet) -> None:
    if converter.is_bound:
        return
    source = converter.source or _keypoint_set(arriving)
    if source is None:
        raise ValueError(
            f"its {type(converter).__name__} speaks of names, but which keypoints arrive there is unknown. Give it "
            f"source=..., such as 'coco' or a metainfo file."
        )
    converter.bind(source, mixture)


def _claims(where: str, converter: Any, arriving: Any) -> list[str]:
    claimed = converter.source
    actual = None if claimed is None else _keypoint_set(arriving)
    if claimed is None or actual is None or claimed.keypoint_names == actual.keypoint_names:
        return []
    text = (
        f"{where}: its {type(converter).__name__} reads the keypoints of {claimed.name!r}, but those of "
        f"{actual.name!r} arrive there. Name that source, or leave source out."
    )
    return [text]


def _end(where: str, leaving: Any, mixture: KeypointSet) -> list[str]:
    """What is wrong with the names that a converter gives to what leaves; numbers are compared elsewhere."""
    known = isinstance(leaving, KeypointSet) and leaving.num_keypoints == mixture.num_keypoints
    if not known or leaving.keypoint_names == mixture.keypoint_names:
        return []
    text = (
        f"{where}: its KeypointConverter ends in the keypoints of {leaving.name!r}, but the mixture has those of "
        f"{mixture.name!r}. Name that target, or leave target out."
    )
    return [text]


def _is_converter(transform: Any) -> bool:
    # of the class first: the property of a converter that waits for its keypoint sets raises
    has_mapping = hasattr(type(transform), "keypoint_mapping") or hasattr(transform, "keypoint_mapping")
    return hasattr(transform, "num_keypoints") and (
        has_mapping or isinstance(getattr(transform, "mapping", None), (list, tuple))
    )


def _converts_beyond_telling(transform: Any) -> bool:
    """Whether a transform changes the keypoints, or holds one that does, in a way that cannot be followed from here."""
    one_of_several = any(_is_converter(inner) for inner in _inner_transforms(transform))
    return one_of_several or (hasattr(transform, "num_keypoints") and not _is_converter(transform))


def _sources_read(converter: Any) -> Iterator[int]:
    """Yield the source keypoints that a converter, MMPose's included, reads."""
    mapping = getattr(converter, "keypoint_mapping", None)
    for pair in converter.mapping if mapping is None else mapping.pairs:
        source = pair[0]
        yield from source if isinstance(source, (list, tuple)) else (source,)


def _inner_transforms(transform: Any) -> Iterator[Any]:
    """Yield the transforms inside of a compound one, however deep."""
    inner = getattr(transform, "transforms", None)
    parts = getattr(inner, "transforms", inner)
    for part in parts if isinstance(parts, Iterable) else ():
        yield part
        yield from _inner_transforms(part)
