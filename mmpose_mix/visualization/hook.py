"""The hook that draws predictions during validation and test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional

import mmcv
import numpy as np
from mmengine.fileio import get
from mmengine.hooks import Hook
from mmengine.visualization import Visualizer

from mmpose_mix.registry import HOOKS
from mmpose_mix.structures import PoseDataSample
from mmpose_mix.visualization.local_visualizer import PoseLocalVisualizer


@HOOKS.register_module()
class PoseVisualizationHook(Hook):
    """Draw predictions: in validation one sample every ``interval`` iterations, in a test every sample.

    The images go to the visualizer's backends, or to ``out_dir`` where that is given, and with ``show`` to a window
    instead.

    Args:
        enable: whether anything is drawn.
        interval: iterations between two samples of a validation.
        kpt_thr: lowest score of a keypoint that is drawn.
        show: open a window for each image.
        wait_time: how long it stays, seconds; 0 until a key is pressed.
        out_dir: folder for the images, inside ``work_dir/timestamp`` unless it is absolute.
        backend_args: of MMEngine's file backend that reads the images.
        test_interval: a test draws the first sample, and then each so many.

    Raises:
        ValueError: if an interval is not at least 1.
    """

    def __init__(
        self,
        enable: bool = False,
        interval: int = 50,
        kpt_thr: float = 0.3,
        show: bool = False,
        wait_time: float = 0.0,
        out_dir: Optional[str] = None,
        backend_args: Optional[dict] = None,
        test_interval: int = 1,
    ) -> None:
        intervals = {"interval": interval, "test_interval": test_interval}
        findings = [f"{name}={value}" for name, value in intervals.items() if value < 1]
        if findings:
            raise ValueError(f"PoseVisualizationHook: {', '.join(findings)}, allowed: 1 and above.")
        self.enable = enable
        self.interval = interval
        self.kpt_thr = kpt_thr
        self.show = show
        self.wait_time = wait_time
        self.out_dir = out_dir
        self.backend_args = backend_args
        self.test_interval = test_interval
        self._samples_of_name: Counter = Counter()

    def after_val_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Optional[Sequence[PoseDataSample]] = None
    ) -> None:
        """Draw the first sample of the batch, if it is its turn."""
        step = runner.iter + batch_idx
        if self.enable and step % self.interval == 0 and outputs:
            out_file = self._out_file(runner, outputs[0].img_path, step)
            self._draw("val_img", outputs[0], runner.val_evaluator.dataset_meta, step, out_file)

    def after_test_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Optional[Sequence[PoseDataSample]] = None
    ) -> None:
        """Draw the samples of the batch whose turn it is."""
        if not self.enable:
            return
        for sample in outputs or ():
            # in top-down mode a sample is one person, so that an image comes several times
            name = Path(sample.img_path).name
            out_file = self._out_file(runner, sample.img_path, self._samples_of_name[name])
            self._samples_of_name[name] += 1
            step = sum(self._samples_of_name.values())
            if (step - 1) % self.test_interval == 0:
                self._draw("test_img", sample, runner.test_evaluator.dataset_meta, step, out_file)

    def _draw(
        self, name: str, sample: PoseDataSample, dataset_meta: dict, step: int, out_file: Optional[str] = None
    ) -> None:
        visualizer = Visualizer.get_current_instance()
        if not isinstance(visualizer, PoseLocalVisualizer):
            raise ValueError(
                f"PoseVisualizationHook: the runner's visualizer is a {type(visualizer).__name__}, which cannot draw "
                "poses. Set visualizer=dict(type='PoseLocalVisualizer') in the config, or enable=False."
            )
        visualizer.set_dataset_meta(dataset_meta)
        visualizer.add_datasample(
            Path(sample.img_path).name if self.show else name,
            self._read(sample.img_path),
            sample,
            draw_gt=False,
            draw_bbox=True,
            draw_heatmap=True,
            show=self.show,
            wait_time=self.wait_time,
            kpt_thr=self.kpt_thr,
            out_file=out_file,
            step=step,
        )

    def _out_file(self, runner: Any, img_path: str, number: int) -> Optional[str]:
        if self.out_dir is None:
            return None
        path = Path(img_path)
        return str(Path(runner.work_dir, runner.timestamp, self.out_dir, f"{path.stem}_{number}{path.suffix}"))

    def _read(self, path: str) -> np.ndarray:
        return mmcv.imfrombytes(get(path, backend_args=self.backend_args), channel_order="rgb")
