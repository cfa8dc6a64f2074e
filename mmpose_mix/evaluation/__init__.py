"""Metrics."""

from __future__ import annotations

from mmpose_mix.evaluation.auc import AUC
from mmpose_mix.evaluation.coco import CocoMetric
from mmpose_mix.evaluation.epe import EPE
from mmpose_mix.evaluation.nme import NME
from mmpose_mix.evaluation.oks import object_keypoint_similarity, oks_nms, soft_oks_nms
from mmpose_mix.evaluation.pck import JhmdbPCKAccuracy, MpiiPCKAccuracy, PCKAccuracy

__all__ = [
    "AUC",
    "EPE",
    "NME",
    "CocoMetric",
    "JhmdbPCKAccuracy",
    "MpiiPCKAccuracy",
    "PCKAccuracy",
    "object_keypoint_similarity",
    "oks_nms",
    "soft_oks_nms",
]
