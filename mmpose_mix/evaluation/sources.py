"""Samples of a mixture told apart by where they come from."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Optional

from mmengine.logging import print_log

from mmpose_mix.evaluation.predictions import PredictedPoses


@dataclass(frozen=True)
class SampleResult:
    """What one sample leaves behind for the evaluation: its poses and, without an annotation file, its annotations."""

    poses: PredictedPoses
    annotated: Optional[dict]


def with_distinct_image_ids(results: Sequence[SampleResult]) -> list[SampleResult]:
    """Number the images anew where two sources of a mixture use the same id for images of their own."""
    origins = defaultdict(set)
    for result in results:
        origins[result.poses.image_id].add(result.poses.origin)
    if all(len(owners) == 1 for owners in origins.values()):
        return list(results)
    print_log(
        "CocoMetric: sources of the mixture use the same image ids; images are numbered anew.",
        logger="current",
        level=logging.WARNING,
    )
    numbers: dict[tuple, int] = {}
    renumbered = []
    for result in results:
        number = numbers.setdefault((result.poses.origin, result.poses.image_id), len(numbers) + 1)
        annotated = None if result.annotated is None else dict(result.annotated, image_id=number)
        renumbered.append(SampleResult(replace(result.poses, image_id=number), annotated))
    return renumbered


def images_of_sources(predictions: Sequence[PredictedPoses]) -> dict[str, list[int]]:
    """The images of each source, by the source's name, in the order of the mixture.

    A source is called by the ``dataset_name`` of its samples; a source that is a mixture itself by those of its parts,
    joined by ``+``; sources of one name by their place among them, ``coco[0]`` and ``coco[1]``, as in
    ``CombinedDataset.source_names``. Samples of no mixture are told apart by their ``dataset_name`` alone.
    """
    images: dict[tuple, set[int]] = defaultdict(set)
    parts: dict[tuple, set[str]] = defaultdict(set)
    for prediction in predictions:
        source, name = prediction.origin
        key = (-1, name or "") if source is None else (source, "")
        images[key].add(prediction.image_id)
        parts[key].add(name or ("unnamed" if source is None else f"source {source}"))
    keys = sorted(images)
    names = ["+".join(sorted(parts[key])) for key in keys]
    distinct = [
        f"{name}[{names[:place].count(name)}]" if names.count(name) > 1 else name for place, name in enumerate(names)
    ]
    return {name: sorted(images[key]) for name, key in zip(distinct, keys)}
