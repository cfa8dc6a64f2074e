"""COCO's keypoint metric."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

import numpy as np
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.fileio import dump
from mmengine.logging import print_log

from mmpose_mix.evaluation.average_precision import crowd_keypoint_precision, indexed, keypoint_precision
from mmpose_mix.evaluation.ground_truth import annotations_of_sample, complete, gathered, read_annotation_file
from mmpose_mix.evaluation.oks import oks_nms, soft_oks_nms
from mmpose_mix.evaluation.predictions import SCORE_MODES, PredictedPoses, group_by_image
from mmpose_mix.keypoints.mapping import KeypointMapping
from mmpose_mix.registry import METRICS

_IOU_TYPES = ("keypoints", "keypoints_crowd")
_SUPPRESSIONS = {"oks_nms": oks_nms, "soft_oks_nms": soft_oks_nms}
_NMS_MODES = (*_SUPPRESSIONS, "none")


@dataclass(frozen=True)
class _SampleResult:
    """What one sample leaves behind for the evaluation: its poses and, without an annotation file, its annotations."""

    poses: PredictedPoses
    annotated: Optional[dict]


@METRICS.register_module()
class CocoMetric(BaseMetric):
    """Average precision and recall of keypoints after COCO's rules.

    The annotations are those of ``ann_file``; where that is not given, those of ``dataset_meta['ann_file']``, which our
    data sets name in test mode; where there is none either, as in a mixture, those that the samples carry, with the
    keypoints that their source's converter made of them.

    Args:
        ann_file: COCO keypoint file.
        use_area: use the annotated areas; otherwise ``0.53 * w * h`` of the annotated box.
        iou_type: ``keypoints``, or ``keypoints_crowd`` for CrowdPose's statistics.
        score_mode: how a pose is scored: ``bbox``, ``keypoint``, ``bbox_keypoint`` or ``bbox_rle``.
        keypoint_score_thr: for ``bbox_keypoint``: only keypoint scores above it enter the mean.
        nms_mode: ``oks_nms``, ``soft_oks_nms`` or ``none``.
        nms_thr: similarity above which the lesser of two poses goes; for ``soft_oks_nms`` the width of the penalty.
        format_only: only write the results.
        pred_converter: ``dict(num_keypoints=, mapping=)``, applied to the predicted keypoints.
        gt_converter: the same, applied to the annotated keypoints and to the data set's sigmas. A keypoint that nothing
            maps to has sigma 1, one computed from several the mean of theirs.
        outfile_prefix: write ``PREFIX.keypoints.json`` and, where the annotations are the samples', ``PREFIX.gt.json``.
        collect_device: ``cpu`` or ``gpu``.
        prefix: of the metric's names, ``coco`` where it is not given.

    Raises:
        ValueError: for a value out of the lists above, or an annotation file that cannot be read.
    """

    default_prefix = "coco"

    def __init__(
        self,
        ann_file: Optional[str] = None,
        use_area: bool = True,
        iou_type: str = "keypoints",
        score_mode: str = "bbox_keypoint",
        keypoint_score_thr: float = 0.2,
        nms_mode: str = "oks_nms",
        nms_thr: float = 0.9,
        format_only: bool = False,
        pred_converter: Optional[dict] = None,
        gt_converter: Optional[dict] = None,
        outfile_prefix: Optional[str] = None,
        collect_device: str = "cpu",
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        choices = (
            ("iou_type", iou_type, _IOU_TYPES),
            ("score_mode", score_mode, SCORE_MODES),
            ("nms_mode", nms_mode, _NMS_MODES),
            ("collect_device", collect_device, ("cpu", "gpu")),
        )
        findings = [f"{name}={value!r}, allowed: {allowed}" for name, value, allowed in choices if value not in allowed]
        if nms_mode != "none" and nms_thr <= 0:
            findings.append(f"nms_thr={nms_thr}, allowed: above 0")
        if format_only and outfile_prefix is None:
            findings.append("format_only=True without outfile_prefix, which says where to write the results")
        if findings:
            raise ValueError("CocoMetric: " + "; ".join(findings) + ".")

        self.use_area = use_area
        self.iou_type = iou_type
        self.score_mode = score_mode
        self.keypoint_score_thr = keypoint_score_thr
        self.nms_mode = nms_mode
        self.nms_thr = nms_thr
        self.format_only = format_only
        self.outfile_prefix = outfile_prefix
        self._pred_mapping = _mapping("pred_converter", pred_converter)
        self._gt_mapping = _mapping("gt_converter", gt_converter)
        self._given_ann_file = ann_file
        self._set_ann_file(ann_file)

    @property
    def dataset_meta(self) -> Optional[dict]:
        """The data set's metainfo, its sigmas and number of keypoints converted by ``gt_converter``."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        meta = dict(dataset_meta)
        meta["sigmas"] = _checked_sigmas(meta, self._gt_mapping)
        meta["num_keypoints"] = len(meta["sigmas"])
        self._dataset_meta = meta
        if self._given_ann_file is None and meta.get("ann_file") != self.ann_file:
            self._set_ann_file(meta.get("ann_file"))

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take the predictions of one batch.

        Args:
            data_batch: not used.
            data_samples: see :meth:`PredictedPoses.from_sample`; without an annotation file also ``ori_shape`` (h, w)
                and ``raw_ann_info``, a COCO annotation, a list of them, or None.

        Raises:
            ValueError: where a prediction has another number of keypoints than the data set, or its image is not in the
                annotation file.
        """
        for sample in data_samples:
            poses = self._converted(PredictedPoses.from_sample(sample))
            self._check_poses(poses)
            needs_annotations = self.ann_file is None and not self.format_only
            # a gt_converter wants the annotations as they are in the file
            wanted = self._dataset_meta["num_keypoints"] if self._gt_mapping is None else None
            annotated = annotations_of_sample(sample, wanted) if needs_annotations else None
            self.results.append(_SampleResult(poses, annotated))

    def finding_on_predictions(self, num_keypoints: int) -> str:
        """Why poses of so many keypoints, before ``pred_converter``, cannot be evaluated here; empty where they can."""
        if self._dataset_meta is None:
            return ""
        if self._pred_mapping is None:
            return self._unfit(num_keypoints)
        try:
            self._pred_mapping.check_source(num_keypoints)
        except ValueError as error:
            return f"CocoMetric.pred_converter: {error}"
        return self._unfit(self._pred_mapping.num_keypoints)

    def compute_metrics(self, results: list[_SampleResult]) -> dict[str, float]:
        """The statistics over all samples, and the result files.

        Args:
            results: what :meth:`process` left, of all ranks.

        Returns:
            The statistics by name, without the prefix; an empty dict with ``format_only``.

        Raises:
            ValueError: where annotations and the data set's keypoints do not fit together.
        """
        dataset, origin = self._dataset, str(self.ann_file)
        if self.ann_file is None and not self.format_only:
            results = _with_distinct_image_ids(results)
            dataset, origin = gathered([result.annotated for result in results]), "the samples"
            if self.outfile_prefix is not None:
                dump(dataset, f"{self.outfile_prefix}.gt.json")
        detections = self._detections([result.poses for result in results])
        if self.outfile_prefix is not None:
            dump(detections, f"{self.outfile_prefix}.keypoints.json")
        if self.format_only:
            print_log(f"CocoMetric: results are in {self.outfile_prefix}.keypoints.json", logger="current")
            return {}

        crowd = self.iou_type == "keypoints_crowd"
        convert = None if self._gt_mapping is None else self._convert_annotated
        meta = self._dataset_meta
        complete_dataset = complete(dataset, origin, meta["num_keypoints"], self.use_area, crowd, convert)
        measure = crowd_keypoint_precision if crowd else keypoint_precision
        stats, table = measure(indexed(complete_dataset), detections, meta["sigmas"])
        print_log(
            f"CocoMetric on {meta.get('dataset_name', origin)}, annotations from {origin}:\n{table}", logger="current"
        )
        return stats

    def _set_ann_file(self, ann_file: Optional[str]) -> None:
        self.ann_file = ann_file
        # Only the main process computes: the others need not hold the annotations.
        self._dataset = read_annotation_file(ann_file) if ann_file is not None and is_main_process() else None
        if self._dataset is None:
            self._image_ids = None
            return
        self._image_ids = {image["id"] for image in self._dataset["images"]}
        if not self._dataset["annotations"] and not self.format_only:
            raise ValueError(
                f"CocoMetric.ann_file: {ann_file} has no annotations to compare with. For a test split without them, "
                "set format_only=True and outfile_prefix."
            )

    def _converted(self, poses: PredictedPoses) -> PredictedPoses:
        if self._pred_mapping is None:
            return poses
        keypoints, scores = self._pred_mapping.apply(poses.keypoints, poses.keypoint_scores)
        return replace(poses, keypoints=keypoints, keypoint_scores=scores[..., 0])

    def _convert_annotated(self, pose: np.ndarray) -> np.ndarray:
        keypoints, visible = self._gt_mapping.apply(pose[None, :, :2], pose[None, :, 2])
        return np.concatenate([keypoints[0], visible[0, :, :1]], axis=1)

    def _unfit(self, predicted: int) -> str:
        expected = self._dataset_meta["num_keypoints"]
        if predicted == expected:
            return ""
        return (
            f"CocoMetric: the model predicts {predicted} keypoints, the data set "
            f"'{self._dataset_meta.get('dataset_name')}' has {expected}. Choose the data set's in the model's "
            "test_cfg, for instance output_keypoint_indices=list(range(17)), or convert with pred_converter."
        )

    def _check_poses(self, poses: PredictedPoses) -> None:
        if self._dataset_meta is None:
            raise ValueError("CocoMetric: dataset_meta is not set; set it to the data set's metainfo before process().")
        unfit = self._unfit(poses.keypoints.shape[1])
        if unfit:
            raise ValueError(unfit)
        if self._image_ids is not None and poses.image_id not in self._image_ids:
            raise ValueError(
                f"CocoMetric: image id {poses.image_id} is not among the {len(self._image_ids)} images of "
                f"{self.ann_file}. Is it the annotation file of the data set that is evaluated?"
            )

    def _detections(self, predictions: list[PredictedPoses]) -> list[dict]:
        """Score the poses, drop repeated ones, and put them into COCO's result format."""
        detections = []
        for samples in group_by_image(predictions).values():
            scores = [sample.scores(self.score_mode, self.keypoint_score_thr) for sample in samples]
            found = [result for sample, values in zip(samples, scores) for result in sample.coco_results(values)]
            if not found or self.nms_mode == "none":
                detections += found
                continue
            kept = _SUPPRESSIONS[self.nms_mode](
                np.concatenate([sample.keypoints for sample in samples]),
                np.concatenate(scores),
                np.concatenate([sample.areas for sample in samples]),
                self._dataset_meta["sigmas"],
                self.nms_thr,
            )
            detections += [found[index] for index in kept]
        return detections


def _mapping(argument: str, converter: Optional[Mapping]) -> Optional[KeypointMapping]:
    if converter is None:
        return None
    if set(converter) - {"type"} != {"num_keypoints", "mapping"}:
        raise ValueError(
            f"CocoMetric.{argument}: has {sorted(converter)}; expected dict(num_keypoints=..., mapping=[...])."
        )
    return KeypointMapping(converter["num_keypoints"], converter["mapping"])


def _checked_sigmas(meta: Mapping, mapping: Optional[KeypointMapping]) -> np.ndarray:
    sigmas, name = np.asarray(meta.get("sigmas", ())), meta.get("dataset_name")
    expected = meta.get("num_keypoints", len(sigmas))
    positive = (sigmas > 0).all()
    if len(sigmas) != expected or not len(sigmas) or not positive:
        raise ValueError(
            f"CocoMetric: the keypoint set of '{name}' has {expected} keypoints and {len(sigmas)} sigmas"
            f"{'' if positive else ', not all above 0'}. COCO's metric needs one positive sigma for each keypoint: add "
            "them to the metainfo file, or use a metric that needs none."
        )
    if mapping is None:
        return sigmas
    mapping.check_source(len(sigmas))
    converted = np.ones(mapping.num_keypoints, dtype=sigmas.dtype)
    for sources, target, *_ in mapping.pairs:
        converted[target] = sigmas[np.atleast_1d(sources)].mean()
    return converted


def _with_distinct_image_ids(results: Sequence[_SampleResult]) -> list[_SampleResult]:
    """Number the images anew where two sources of a mixture use the same id for images of their own."""
    sources = defaultdict(set)
    for result in results:
        sources[result.poses.image_id].add(result.poses.source)
    if all(len(owners) == 1 for owners in sources.values()):
        return list(results)
    print_log(
        "CocoMetric: sources of the mixture use the same image ids; images are numbered anew.",
        logger="current",
        level=logging.WARNING,
    )
    numbers: dict[tuple, int] = {}
    renumbered = []
    for result in results:
        number = numbers.setdefault((result.poses.source, result.poses.image_id), len(numbers) + 1)
        renumbered.append(
            _SampleResult(replace(result.poses, image_id=number), dict(result.annotated, image_id=number)),
        )
    return renumbered
