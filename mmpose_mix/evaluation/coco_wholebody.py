"""COCO-WholeBody's keypoint metric."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional

import numpy as np

from mmpose_mix.evaluation.average_precision import Stats, keypoint_precision
from mmpose_mix.evaluation.coco import CocoMetric, Measure
from mmpose_mix.evaluation.engines import evaluated
from mmpose_mix.evaluation.predictions import PoseTable
from mmpose_mix.evaluation.whole_body import (
    BODY,
    NUM_KEYPOINTS,
    PARTS,
    WholeBodyAnnotation,
    annotations_of_part,
    detections_of_part,
    joined_parts,
    split_parts,
)
from mmpose_mix.registry import METRICS


@METRICS.register_module()
class CocoWholeBodyMetric(CocoMetric):
    """Average precision and recall of COCO-WholeBody's 133 keypoints, and of body, foot, face and each hand.

    ``AP``, ``AR`` and their like are those of all 133; those of a part are called ``body/AP``, ``foot/AP``,
    ``face/AP``, ``lefthand/AP`` and ``righthand/AP``. A part is matched on its own keypoints and sigmas. What does not
    differ between parts is the person: box, area (which every distance is measured against, and which the area ranges
    select by), and the score of the pose. Whoever has no labelled keypoint in a part is an ignore region there. A
    prediction's area, by which those unmatched count in an area range, is that of the box around its body's keypoints.

    See :class:`CocoMetric` for the arguments, with ``coco-wholebody`` as prefix, and ``keypoints`` as the only
    ``iou_type``. The annotations have COCO-WholeBody's lists: ``keypoints``, ``foot_kpts``, ``face_kpts``,
    ``lefthand_kpts`` and ``righthand_kpts``; result files as well.

    Raises:
        ValueError: as :class:`CocoMetric`, and for a keypoint set of another number of keypoints.
    """

    default_prefix = "coco-wholebody"
    IOU_TYPES = ("keypoints",)
    ANNOTATION = WholeBodyAnnotation

    def evaluated_sigmas(self, meta: Mapping) -> np.ndarray:
        """(133,) the sigmas of the data set's keypoints."""
        sigmas = super().evaluated_sigmas(meta)
        if len(sigmas) != NUM_KEYPOINTS:
            raise ValueError(
                f"CocoWholeBodyMetric: the keypoint set of '{meta.get('dataset_name')}' has {len(sigmas)} keypoints, "
                f"COCO-WholeBody {NUM_KEYPOINTS}: {', '.join(f'{part.num_keypoints} {part.name}' for part in PARTS)}. "
                "Evaluate data in the keypoints of COCO-WholeBody, or use CocoMetric."
            )
        return sigmas

    def joined(self, annotation: Mapping) -> Mapping:
        """An annotation with the keypoints of all parts in ``keypoints``."""
        return joined_parts(annotation)

    def split(self, entry: dict) -> dict:
        """An annotation or result with the keypoints of each part in its own list."""
        return split_parts(entry)

    def measure(self, engine: str, dataset: dict, table: PoseTable, scores: np.ndarray) -> Measure:
        """Match poses to annotations, all keypoints and those of each part."""
        sigmas, detections = self._dataset_meta["sigmas"], table.detections(scores, sized_by=BODY.keypoints)
        evaluations = {"": evaluated(engine, dataset, detections, sigmas)}
        for part in PARTS:
            annotated, found = annotations_of_part(dataset, part), detections_of_part(detections, part)
            evaluations[f"{part.name}/"] = evaluated(engine, annotated, found, sigmas[part.keypoints])

        def statistics(images: Optional[Iterable[int]]) -> Stats:
            chosen = None if images is None else list(images)
            return {
                f"{part}{name}": value
                for part, evaluation in evaluations.items()
                for name, value in keypoint_precision(evaluation, chosen).items()
            }

        return statistics
