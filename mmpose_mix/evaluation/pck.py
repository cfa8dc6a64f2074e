"""The percentage of correct keypoints."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
from mmengine.logging import print_log

from mmpose_mix.evaluation.distances import mean_of_measured, normalized_distances, shares_within
from mmpose_mix.evaluation.keypoint_metric import (
    KeypointDistanceMetric,
    MeasuredPose,
    MeasuredPoses,
    findings_on_numbers_above_zero,
)
from mmpose_mix.evaluation.predictions import to_array
from mmpose_mix.registry import METRICS

_NAMES = {"bbox": "PCK", "head": "PCKh", "torso": "tPCK"}
#: Places of the two keypoints between which the torso is measured: a shoulder and a hip of JHMDB's fifteen.
_TORSO = (4, 5)


@METRICS.register_module()
class PCKAccuracy(KeypointDistanceMetric):
    """Share of keypoints that lie closer to the annotated one than a fraction of the person's size.

    First of each keypoint, then the mean over the keypoints that were measured at all.

    Args:
        thr: the fraction.
        norm_item: the size, or several: "bbox", the longer side of the annotated box, gives ``PCK``; "head", the data
            set's ``head_size``, ``PCKh``; "torso", the distance of the keypoints 4 and 5, as in JHMDB (the
            predicted distance where the annotated one is below a pixel), ``tPCK``.
        collect_device, prefix: see :class:`KeypointDistanceMetric`.

    Raises:
        ValueError: another ``norm_item``, or a ``thr`` that is not above 0.
    """

    def __init__(
        self,
        thr: float = 0.05,
        norm_item: Union[str, Sequence[str]] = "bbox",
        collect_device: str = "cpu",
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        items = (norm_item,) if isinstance(norm_item, str) else tuple(norm_item)
        findings = findings_on_numbers_above_zero(thr=thr)
        if not items or any(item not in _NAMES for item in items):
            findings.append(f"norm_item={norm_item!r}, allowed: {', '.join(map(repr, _NAMES))}, or several of them")
        if findings:
            raise ValueError(f"{type(self).__name__}: {'; '.join(findings)}.")
        self.thr = thr
        self.norm_item = items

    def sizes_of(self, annotated: Mapping[str, Any], pose: MeasuredPose) -> dict[str, float]:
        """The size of each ``norm_item``, pixels."""
        return {item: getattr(self, f"_{item}_size")(annotated, pose) for item in self.norm_item}

    def figures(self, poses: MeasuredPoses) -> dict[str, float]:
        """``PCK``, ``PCKh``, ``tPCK``, in 0..1."""
        found: dict[str, float] = {}
        for item in self.norm_item:
            distances = normalized_distances(poses.predicted, poses.annotated, poses.visible, poses.sizes[item])
            found |= self.figures_of_item(_NAMES[item], distances)
        return found

    def figures_of_item(self, name: str, distances: np.ndarray) -> dict[str, float]:
        """The figures of one size, whose mean is called ``name``, of distances (N, K)."""
        return {name: mean_of_measured(shares_within(distances, self.thr))}

    def _bbox_size(self, annotated: Mapping[str, Any], pose: MeasuredPose) -> float:
        return self.longer_side(annotated)

    def _head_size(self, annotated: Mapping[str, Any], pose: MeasuredPose) -> float:
        return float(to_array(self.item(annotated, "head_size")).reshape(-1)[0])

    def _torso_size(self, annotated: Mapping[str, Any], pose: MeasuredPose) -> float:
        if len(pose.annotated) <= max(_TORSO):
            raise ValueError(
                f"{type(self).__name__}: norm_item='torso' measures between the keypoints {_TORSO[0]} and {_TORSO[1]}, "
                f"but there are {len(pose.annotated)} only. Use norm_item='bbox'."
            )
        annotated_size, predicted_size = (
            float(np.linalg.norm(points[_TORSO[0]] - points[_TORSO[1]])) for points in (pose.annotated, pose.predicted)
        )
        if annotated_size >= 1:
            return annotated_size
        print_log(
            f"{type(self).__name__}: an annotated torso is shorter than a pixel; the predicted one counts instead.",
            logger="current",
            level=logging.WARNING,
        )
        return predicted_size


class _GroupedPCK(PCKAccuracy):
    """PCK of each joint of the body, a joint being the keypoints of both sides."""

    groups: Mapping[str, tuple[int, ...]]
    num_keypoints: int

    def group_means(self, shares: np.ndarray, suffix: str) -> dict[str, float]:
        """Means of the groups' shares (K,) by name; of one side where the other is not measured."""
        if len(shares) != self.num_keypoints:
            raise ValueError(
                f"{type(self).__name__}: its joints are those of {self.num_keypoints} keypoints, but there are "
                f"{len(shares)}. Use PCKAccuracy."
            )
        return {f"{name} {suffix}": mean_of_measured(shares[list(places)]) for name, places in self.groups.items()}


@METRICS.register_module()
class MpiiPCKAccuracy(_GroupedPCK):
    """PCKh as MPII reports it, in percent: of each joint, and the mean over persons at ``thr`` and at 0.1.

    Predictions are moved by one pixel right and down: MPII counts pixels from 1. Its pelvis and thorax (keypoints 6 and
    7) do not count.

    Args:
        thr, norm_item, collect_device, prefix: see :class:`PCKAccuracy`. Only "head" gives figures.

    Raises:
        ValueError: see :class:`PCKAccuracy`; a ``norm_item`` without "head".
    """

    num_keypoints = 16
    groups = {
        "Head": (9,),
        "Shoulder": (13, 12),
        "Elbow": (14, 11),
        "Wrist": (15, 10),
        "Hip": (3, 2),
        "Knee": (4, 1),
        "Ankle": (5, 0),
    }
    _LEFT_OUT = (6, 7)

    def __init__(
        self,
        thr: float = 0.5,
        norm_item: Union[str, Sequence[str]] = "head",
        collect_device: str = "cpu",
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(thr=thr, norm_item=norm_item, collect_device=collect_device, prefix=prefix)
        if self.norm_item != ("head",):
            raise ValueError(
                f"MpiiPCKAccuracy: norm_item={norm_item!r}, but MPII's figures are over the size of the head. Set "
                "norm_item='head', or use PCKAccuracy."
            )

    def figures(self, poses: MeasuredPoses) -> dict[str, float]:
        """``Head PCK``, ``Shoulder PCK`` and so on, ``PCK`` and ``PCK@0.1``, in 0..100."""
        moved = MeasuredPoses(poses.predicted + 1.0, poses.annotated, poses.visible, poses.sizes)
        return super().figures(moved)

    def figures_of_item(self, name: str, distances: np.ndarray) -> dict[str, float]:
        """MPII's figures of distances (N, 16)."""
        shares = 100 * shares_within(distances, self.thr)
        found = self.group_means(shares, "PCK")
        counts = np.isfinite(distances).sum(axis=0)
        counts[list(self._LEFT_OUT)] = 0
        found["PCK"] = mean_of_measured(shares, counts)
        found["PCK@0.1"] = mean_of_measured(100 * shares_within(distances, 0.1), counts)
        return found


@METRICS.register_module()
class JhmdbPCKAccuracy(_GroupedPCK):
    """PCK of JHMDB's joints and their mean; ``tPCK`` where ``norm_item`` has "torso".

    Args:
        thr, norm_item, collect_device, prefix: see :class:`PCKAccuracy`. Only "bbox" and "torso" give figures.

    Raises:
        ValueError: see :class:`PCKAccuracy`; a ``norm_item`` with "head", whose size JHMDB does not have.
    """

    num_keypoints = 15
    groups = {
        "Head": (2,),
        "Sho": (3, 4),
        "Elb": (7, 8),
        "Wri": (11, 12),
        "Hip": (5, 6),
        "Knee": (9, 10),
        "Ank": (13, 14),
    }

    def __init__(
        self,
        thr: float = 0.05,
        norm_item: Union[str, Sequence[str]] = "bbox",
        collect_device: str = "cpu",
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(thr=thr, norm_item=norm_item, collect_device=collect_device, prefix=prefix)
        if "head" in self.norm_item:
            raise ValueError(f"JhmdbPCKAccuracy: norm_item={norm_item!r}, but JHMDB has no head_size.")

    def figures_of_item(self, name: str, distances: np.ndarray) -> dict[str, float]:
        """JHMDB's figures of distances (N, 15)."""
        return {
            **self.group_means(shares_within(distances, self.thr), name),
            **super().figures_of_item(name, distances),
        }
