"""The parts of COCO-WholeBody's 133 keypoints, and poses taken apart into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Optional

import numpy as np

from mmpose_mix.evaluation.ground_truth import CocoAnnotation


@dataclass(frozen=True)
class Part:
    """A part of the body.

    Attributes:
        name: as the statistics are named.
        field: where annotations and results have its keypoints, x, y and visibility or score each.
        keypoints: its places among the 133.
    """

    name: str
    field: str
    keypoints: slice

    @property
    def num_keypoints(self) -> int:
        """How many keypoints it has."""
        return self.keypoints.stop - self.keypoints.start

    @property
    def numbers(self) -> slice:
        """Its places in a flat list of three numbers for each keypoint."""
        return slice(3 * self.keypoints.start, 3 * self.keypoints.stop)


# Jin et al., Whole-Body Human Pose Estimation in the Wild, ECCV 2020, https://github.com/jin-s13/COCO-WholeBody
PARTS = (
    Part("body", "keypoints", slice(0, 17)),
    Part("foot", "foot_kpts", slice(17, 23)),
    Part("face", "face_kpts", slice(23, 91)),
    Part("lefthand", "lefthand_kpts", slice(91, 112)),
    Part("righthand", "righthand_kpts", slice(112, 133)),
)
BODY, NUM_KEYPOINTS = PARTS[0], PARTS[-1].keypoints.stop


class WholeBodyAnnotation(CocoAnnotation, total=False):
    """What is read of an annotation of COCO-WholeBody."""

    foot_kpts: Optional[list[float]]
    face_kpts: Optional[list[float]]
    lefthand_kpts: Optional[list[float]]
    righthand_kpts: Optional[list[float]]


def joined_parts(annotation: Mapping) -> Mapping:
    """The annotation with the 133 keypoints of all parts in ``keypoints``, (399,) float64.

    A part that is absent, null or empty has no labelled keypoint. An annotation with nothing but ``keypoints`` stays
    as it is.

    Raises:
        ValueError: where a part has another number of keypoints.
    """
    given = [(part, annotation.get(part.field)) for part in PARTS]
    if all(values is None for part, values in given if part is not BODY):
        return annotation
    pose, wrong = np.zeros(3 * NUM_KEYPOINTS), []
    for part, values in given:
        if values is None or not len(values):
            continue
        if len(values) != 3 * part.num_keypoints:
            wrong.append(f"{part.field} has {len(values)} numbers, expected {3 * part.num_keypoints}")
            continue
        pose[part.numbers] = values
    if wrong:
        raise ValueError(
            f"CocoWholeBodyMetric: annotation {annotation['id']}: {'; '.join(wrong)} (x, y, visibility of each "
            "keypoint). Correct the file."
        )
    others = {part.field for part in PARTS}
    return {**{key: value for key, value in annotation.items() if key not in others}, "keypoints": pose}


def split_parts(entry: Mapping) -> dict:
    """An annotation or a result of 133 keypoints as COCO-WholeBody's files have it, a list for each part."""
    flat = np.asarray(entry.get("keypoints", ()), dtype=np.float64)
    if len(flat) != 3 * NUM_KEYPOINTS:
        return dict(entry)
    return {**entry, **{part.field: flat[part.numbers].tolist() for part in PARTS}}


def annotations_of_part(dataset: Mapping, part: Part) -> dict:
    """A complete data set of 133 keypoints, with the part's alone.

    The person's box, area and crowd flag stay. A person without a labelled keypoint in the part is an ignore region.
    """
    poses = [annotation["keypoints"][part.numbers] for annotation in dataset["annotations"]]
    annotations = [
        {**annotation, "keypoints": pose, "num_keypoints": int(np.count_nonzero(pose[2::3] > 0))}
        for annotation, pose in zip(dataset["annotations"], poses)
    ]
    return {**dataset, "annotations": annotations}


def detections_of_part(detections: Iterable[Mapping], part: Part) -> list[dict]:
    """Detections of 133 keypoints, with the part's alone, those left out without any score above 0 in it.

    The pose's score, box and area stay.
    """
    poses = [{**detection, "keypoints": detection["keypoints"][part.numbers]} for detection in detections]
    return [pose for pose in poses if (pose["keypoints"][2::3] > 0).any()]
