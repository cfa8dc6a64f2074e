"""The hook that collects and draws the persons of a test on whom the model is wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import mmcv
import torch
from mmengine.fileio import get
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.visualization import Visualizer
from torch import Tensor

from mmpose_mix.registry import HOOKS, METRICS, MODELS
from mmpose_mix.structures import PoseDataSample
from mmpose_mix.visualization.local_visualizer import PoseLocalVisualizer

_KINDS = ("loss", "accuracy")


@HOOKS.register_module()
class BadCaseAnalysisHook(Hook):
    """Find the bad cases of a test, draw annotation and prediction side by side, and list them in ``results.json``.

    The value of a sample is a loss between annotated and predicted keypoints, in pixels of the original image, of those
    that are visible; or a metric of that sample alone. ``results.json`` holds image, boxes and value of each bad case,
    by the name of the loss or the ``metric_key``.

    Args:
        enable: whether anything is done.
        show: open a window for each bad case.
        wait_time: how long it stays, seconds; 0 until a key is pressed.
        interval: of the bad cases, the first and then each so many is drawn; all are listed.
        kpt_thr: lowest score of a keypoint that is drawn.
        out_dir: folder for pictures and list, inside ``work_dir/timestamp`` unless it is absolute. None: the pictures
            go to the visualizer's backends, and the list into ``work_dir/timestamp``.
        backend_args: of MMEngine's file backend that reads the images.
        metric_type: ``'loss'`` or ``'accuracy'``.
        metric: config of the loss (called as on heatmaps of 1 x 2 values), or of the metric.
        metric_key: which of the metric's results counts.
        badcase_thr: a loss from here on, or an accuracy up to here, is a bad case.

    Raises:
        ValueError: another ``metric_type``, or an ``interval`` below 1.
    """

    def __init__(
        self,
        enable: bool = False,
        show: bool = False,
        wait_time: float = 0.0,
        interval: int = 1,
        kpt_thr: float = 0.3,
        out_dir: Optional[str] = None,
        backend_args: Optional[dict] = None,
        metric_type: str = "loss",
        metric: Mapping[str, Any] = {"type": "KeypointMSELoss"},
        metric_key: str = "PCK",
        badcase_thr: float = 5,
    ) -> None:
        found = [] if metric_type in _KINDS else [f"metric_type={metric_type!r}, allowed: {', '.join(_KINDS)}"]
        found += [f"interval={interval}, allowed: 1 and above"] if interval < 1 else []
        if found:
            raise ValueError(f"BadCaseAnalysisHook: {'; '.join(found)}.")
        self.enable = enable
        self.show = show
        self.wait_time = wait_time
        self.interval = interval
        self.kpt_thr = kpt_thr
        self.out_dir = out_dir
        self.backend_args = backend_args
        self.metric_key = metric_key
        self.badcase_thr = badcase_thr
        self.is_loss = metric_type == "loss"
        self.value_name = str(metric["type"]).split(".")[-1] if self.is_loss else metric_key
        self._metric = dict(metric)
        self.results: list[dict[str, Any]] = []

    def before_test_epoch(self, runner: Any) -> None:
        """Begin a list; build the loss or the metric."""
        self.results = []
        if self.enable:
            self.measure = MODELS.build(_weighted(self._metric)) if self.is_loss else METRICS.build(self._metric)

    def after_test_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Optional[Sequence[PoseDataSample]] = None
    ) -> None:
        """Judge every sample of the batch, list and draw the bad ones."""
        if not self.enable:
            return
        for sample in outputs or ():
            value = self._value(runner, data_batch, sample)
            if value >= self.badcase_thr if self.is_loss else value <= self.badcase_thr:
                boxes = torch.as_tensor(sample.gt_instances.bboxes).int().tolist()
                path = Path(sample.img_path)
                self.results.append({"img": path.stem, "bbox": boxes, self.value_name: value})
                if (len(self.results) - 1) % self.interval == 0:
                    self._draw(runner, sample, f"{path.stem}_bbox{boxes}_{self.value_name}{value:.2f}{path.suffix}")

    def after_test_epoch(self, runner: Any, metrics: Optional[dict[str, float]] = None) -> None:
        """Write the list."""
        if not self.enable:
            return
        path = self._folder(runner) / "results.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.results), encoding="utf-8")
        print_log(f"{len(self.results)} bad cases are listed in {path}", logger="current", level=logging.INFO)

    def _value(self, runner: Any, data_batch: Any, sample: PoseDataSample) -> float:
        if self.is_loss:
            truth, found = sample.gt_instances, sample.pred_instances
            with torch.no_grad():
                loss = self.measure(_as_maps(found.keypoints), _as_maps(truth.keypoints), _weights(truth))
            return float(loss)
        self.measure.dataset_meta = runner.test_evaluator.dataset_meta
        self.measure.process([data_batch], [sample.to_dict()])
        return float(self.measure.evaluate(1)[self._key()])

    def _key(self) -> str:
        prefix = getattr(self.measure, "prefix", None)
        has_prefix = not prefix or self.metric_key.startswith(f"{prefix}/")
        return self.metric_key if has_prefix else f"{prefix}/{self.metric_key}"

    def _draw(self, runner: Any, sample: PoseDataSample, name: str) -> None:
        visualizer = Visualizer.get_current_instance()
        if not isinstance(visualizer, PoseLocalVisualizer):
            raise ValueError(
                f"BadCaseAnalysisHook: the runner's visualizer is a {type(visualizer).__name__}, which cannot draw "
                "poses. Set visualizer=dict(type='PoseLocalVisualizer') in the config, or enable=False."
            )
        visualizer.set_dataset_meta(runner.test_evaluator.dataset_meta)
        image = mmcv.imfrombytes(get(sample.img_path, backend_args=self.backend_args), channel_order="rgb")
        visualizer.add_datasample(
            name if self.show else "bad_case",
            image,
            sample,
            draw_bbox=True,
            show=self.show,
            wait_time=self.wait_time,
            kpt_thr=self.kpt_thr,
            out_file=None if self.out_dir is None else str(self._folder(runner) / name),
            step=len(self.results),
        )

    def _folder(self, runner: Any) -> Path:
        return Path(runner.work_dir, runner.timestamp, self.out_dir or "")


def _weighted(loss: dict[str, Any]) -> dict[str, Any]:
    """The loss on visible keypoints only, which its own default may not be."""
    return {"use_target_weight": True, **loss}


def _as_maps(keypoints: Any) -> Tensor:
    """(N, K, 2) -> (N, K, 1, 2), as losses on heatmaps want it."""
    return torch.as_tensor(keypoints).float().unsqueeze(2)


def _weights(truth: Any) -> Tensor:
    return torch.as_tensor(truth.keypoints_visible).float()
