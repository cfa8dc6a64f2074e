"""COCO's keypoint metric."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Optional

import numpy as np
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.fileio import dump
from mmengine.logging import print_log

from mmpose_mix.evaluation.average_precision import (
    Stats,
    crowd_keypoint_precision,
    keypoint_precision,
    table_of,
    table_of_rows,
)
from mmpose_mix.evaluation.engines import AUTO, described, engine_for, evaluated, finding_on_engine
from mmpose_mix.evaluation.ground_truth import (
    CocoAnnotation,
    annotations_of_sample,
    complete,
    gathered,
    read_annotation_file,
)
from mmpose_mix.evaluation.predictions import SCORE_MODES, PoseTable, PredictedPoses, group_by_image
from mmpose_mix.evaluation.sources import SampleResult, images_of_sources, with_distinct_image_ids
from mmpose_mix.evaluation.suppression import greedy, kept_poses, penalised
from mmpose_mix.keypoints.mapping import KeypointMapping
from mmpose_mix.registry import METRICS

_SUPPRESSIONS = {"oks_nms": greedy, "soft_oks_nms": penalised}
_NMS_MODES = (*_SUPPRESSIONS, "none")

# statistics over some images, or over all where it is given None
Measure = Callable[[Optional[Iterable[int]]], Stats]


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
        engine: the library that matches poses and counts: ``pycocotools``, ``hotcoco`` (the same numbers in a fraction
            of the time, with the extra ``fast-eval``), or ``auto``, hotcoco where it is installed.
        per_source: of a mixture, also the statistics of each source, as ``SOURCE/AP`` after the prefix, from the same
            matches. The annotations are those that the samples carry, also where the metainfo names a file.

    Raises:
        ValueError: for a value out of the lists above, an engine that is not installed, or an annotation file that
            cannot be read.
    """

    default_prefix = "coco"
    IOU_TYPES: tuple[str, ...] = ("keypoints", "keypoints_crowd")
    ANNOTATION: type = CocoAnnotation

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
        engine: str = AUTO,
        per_source: bool = False,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        choices = (
            ("iou_type", iou_type, self.IOU_TYPES),
            ("score_mode", score_mode, SCORE_MODES),
            ("nms_mode", nms_mode, _NMS_MODES),
            ("collect_device", collect_device, ("cpu", "gpu")),
        )
        findings = [f"{name}={value!r}, allowed: {allowed}" for name, value, allowed in choices if value not in allowed]
        if nms_mode != "none" and nms_thr <= 0:
            findings.append(f"nms_thr={nms_thr}, allowed: above 0")
        if format_only and outfile_prefix is None:
            findings.append("format_only=True without outfile_prefix, which says where to write the results")
        if per_source and ann_file is not None:
            findings.append(
                "per_source=True with ann_file, which does not say which source an image is of: leave ann_file out, or "
                "give each source a metric of its own with MultiDatasetEvaluator"
            )
        if finding_on_engine(engine):
            findings.append(finding_on_engine(engine))
        if findings:
            raise ValueError(f"{type(self).__name__}: {'; '.join(findings)}.")

        self.use_area = use_area
        self.iou_type = iou_type
        self.score_mode = score_mode
        self.keypoint_score_thr = keypoint_score_thr
        self.nms_mode = nms_mode
        self.nms_thr = nms_thr
        self.format_only = format_only
        self.outfile_prefix = outfile_prefix
        self.engine = engine
        self.per_source = per_source
        self._announced = False
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
        meta["sigmas"] = self.evaluated_sigmas(meta)
        meta["num_keypoints"] = len(meta["sigmas"])
        self._dataset_meta = meta
        self._complete = None
        ann_file = None if self.per_source else meta.get("ann_file")
        if self._given_ann_file is None and ann_file != self.ann_file:
            self._set_ann_file(ann_file)

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
            annotated = annotations_of_sample(sample, wanted, self.joined) if needs_annotations else None
            self.results.append(SampleResult(poses, annotated))

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

    def compute_metrics(self, results: list[SampleResult]) -> dict[str, float]:
        """The statistics over all samples, and the result files.

        Args:
            results: what :meth:`process` left, of all ranks.

        Returns:
            The statistics by name, without the prefix; an empty dict with ``format_only``.

        Raises:
            ValueError: where annotations and the data set's keypoints do not fit together.
        """
        from_samples = self.ann_file is None and not self.format_only
        if from_samples:
            results = with_distinct_image_ids(results)
        poses = [result.poses for result in results]
        table, scores = self._kept(poses)
        if self.outfile_prefix is not None:
            dump(list(map(self.split, table.coco_results(scores))), f"{self.outfile_prefix}.keypoints.json")
        if self.format_only:
            print_log(f"CocoMetric: results are in {self.outfile_prefix}.keypoints.json", logger="current")
            return {}

        dataset, origin = self._annotations(results)
        measure = self.measure(self._chosen_engine(), dataset, table, scores)
        stats = measure(None)
        name = self._dataset_meta.get("dataset_name", origin)
        print_log(f"CocoMetric on {name}, annotations from {origin}:\n{table_of(stats)}", logger="current")
        if not self.per_source:
            return stats
        sources = {source: measure(images) for source, images in images_of_sources(poses).items()}
        return {**stats, **_named_by_source(sources, stats)}

    def evaluated_sigmas(self, meta: Mapping) -> np.ndarray:
        """(K,) the sigmas of a data set's keypoints, after ``gt_converter``.

        Raises:
            ValueError: where the data set lacks some, or has keypoints that are not evaluated here.
        """
        return _checked_sigmas(meta, self._gt_mapping)

    def joined(self, annotation: Mapping) -> Mapping:
        """An annotation as a file has it, with all its keypoints in ``keypoints``."""
        return annotation

    def split(self, entry: dict) -> dict:
        """An annotation or result with all its keypoints in ``keypoints``, as a file has it."""
        return entry

    def measure(self, engine: str, dataset: dict, table: PoseTable, scores: np.ndarray) -> Measure:
        """Match poses to annotations.

        Args:
            engine: see :func:`evaluated`.
            dataset: complete annotations.
            table, scores: the poses that count.
        """
        evaluation = evaluated(engine, dataset, table.detections(scores), self._dataset_meta["sigmas"])
        if self.iou_type == "keypoints_crowd":
            return partial(crowd_keypoint_precision, evaluation, dataset["images"])
        return partial(keypoint_precision, evaluation)

    def _annotations(self, results: Sequence[SampleResult]) -> tuple[dict, str]:
        """The annotations, complete, and where they are from; those of a file are completed once."""
        origin = "the samples" if self.ann_file is None else str(self.ann_file)
        if self.ann_file is not None and self._complete is not None:
            return self._complete, origin
        dataset = self._dataset
        if self.ann_file is None:
            dataset = gathered([result.annotated for result in results])
            if self.outfile_prefix is not None:
                written = {**dataset, "annotations": list(map(self.split, dataset["annotations"]))}
                dump(written, f"{self.outfile_prefix}.gt.json")
        crowd = self.iou_type == "keypoints_crowd"
        convert = None if self._gt_mapping is None else self._convert_annotated
        self._complete = complete(dataset, origin, self._dataset_meta["num_keypoints"], self.use_area, crowd, convert)
        return self._complete, origin

    def _chosen_engine(self) -> str:
        """The engine that runs; the log says it once."""
        engine = engine_for(self.engine)
        if not self._announced:
            print_log(f"CocoMetric: keypoint statistics by {described(engine)}", logger="current")
            self._announced = True
        return engine

    def _set_ann_file(self, ann_file: Optional[str]) -> None:
        self.ann_file = ann_file
        self._complete: Optional[dict] = None
        # Only the main process computes: the others need not hold the annotations.
        is_read = ann_file is not None and is_main_process()
        self._dataset = read_annotation_file(ann_file, self.ANNOTATION, self.joined) if is_read else None
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

    def _convert_annotated(self, poses: np.ndarray) -> np.ndarray:
        keypoints, visible = self._gt_mapping.apply(poses[..., :2], poses[..., 2])
        return np.concatenate([keypoints, visible[..., :1]], axis=-1)

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

    def _kept(self, predictions: Sequence[PredictedPoses]) -> tuple[PoseTable, np.ndarray]:
        """The poses that stay after suppression, and their scores."""
        table = PoseTable.of(group_by_image(predictions).values())
        finite = table.is_finite()
        if not finite.all():
            print_log(
                f"CocoMetric: {np.count_nonzero(~finite)} of {len(table)} predicted poses have numbers that are NaN or "
                "infinite; they do not count. Has the model diverged?",
                logger="current",
                level=logging.WARNING,
            )
            table = table.take(np.flatnonzero(finite))
        scores = table.scores(self.score_mode, self.keypoint_score_thr)
        if self.nms_mode == "none":
            return table, scores
        choose, sigmas = _SUPPRESSIONS[self.nms_mode](self.nms_thr), self._dataset_meta["sigmas"]
        kept = kept_poses(table.images, table.keypoints, scores, table.areas, sigmas, choose)
        return table.take(kept), scores[kept]


def _named_by_source(sources: Mapping[str, Stats], overall: Stats) -> Stats:
    """The statistics of each source by name; a source called like a part of the whole is ``source NAME``."""
    taken = {name.rpartition("/")[0] for name in overall}
    named = {
        f"{f'source {source}' if source in taken else source}/{name}": value
        for source, stats in sources.items()
        for name, value in stats.items()
    }
    if named:
        print_log(f"CocoMetric, each source alone:\n{table_of_rows(named)}", logger="current")
    return named


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
