"""Metrics and evaluators."""

from __future__ import annotations

from mmpose_mix.evaluation.coco import CocoMetric
from mmpose_mix.evaluation.coco_wholebody import CocoWholeBodyMetric
from mmpose_mix.evaluation.multi_dataset import MultiDatasetEvaluator
from mmpose_mix.evaluation.oks import object_keypoint_similarity, oks_nms, soft_oks_nms

__all__ = [
    "CocoMetric",
    "CocoWholeBodyMetric",
    "MultiDatasetEvaluator",
    "object_keypoint_similarity",
    "oks_nms",
    "soft_oks_nms",
]
