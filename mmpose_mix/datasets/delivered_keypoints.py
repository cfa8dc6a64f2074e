"""How many keypoints the items of a data set have when they leave its pipeline, told without loading one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Optional

from mmpose_mix.datasets.epochs import wrapped_datasets


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
        if _converts_beyond_telling(transform):
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


def _is_converter(transform: Any) -> bool:
    return hasattr(transform, "num_keypoints") and (
        hasattr(transform, "keypoint_mapping") or isinstance(getattr(transform, "mapping", None), (list, tuple))
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
