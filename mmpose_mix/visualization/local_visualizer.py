"""The visualizer that draws data samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import mmcv
import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.structures import InstanceData
from mmengine.visualization import Visualizer

from mmpose_mix.registry import VISUALIZERS
from mmpose_mix.structures import PoseDataSample
from mmpose_mix.visualization.heatmaps import heatmap_overlay
from mmpose_mix.visualization.poses import Brush, ColorArgument, PoseLook, draw_pose, rgb
from mmpose_mix.visualization.primitives import check_image, draw_box, draw_text

_PLATE = (24, 24, 24)


@VISUALIZERS.register_module()
class PoseLocalVisualizer(Visualizer):
    """Draws poses, boxes and heatmaps of a data sample. Needs no display unless an image is to be shown.

    Colours are names or three numbers of 0..255 in the order red, green, blue. Sizes are in pixels of an image of about
    640 x 480 and grow with the image; small people get smaller keypoints.

    Args:
        name: of the instance.
        image: RGB.
        vis_backends: where images go, a list of configs.
        save_dir: folder for the backends.
        bbox_color: of boxes.
        kpt_color: one colour, or one for each keypoint; those of the keypoint set where it is not given.
        link_color: the same for links.
        text_color: of texts.
        skeleton: pairs of keypoint indices; the links of the keypoint set where it is not given.
        line_width: of links and boxes.
        radius: of keypoints.
        show_keypoint_weight: draw a keypoint the fainter, the lower its score.
        backend: only ``opencv``.
        alpha: opacity of keypoints, links and boxes, 0..1.

    Raises:
        ValueError: for another backend, a size below 0, an alpha out of 0..1, or what is no colour.
    """

    def __init__(
        self,
        name: str = "visualizer",
        image: Optional[np.ndarray] = None,
        vis_backends: Union[dict, list, None] = None,
        save_dir: Optional[str] = None,
        bbox_color: Union[str, Sequence[int]] = "green",
        kpt_color: ColorArgument = None,
        link_color: ColorArgument = None,
        text_color: Union[str, Sequence[int]] = (255, 255, 255),
        skeleton: Optional[Sequence] = None,
        line_width: float = 1,
        radius: float = 3,
        show_keypoint_weight: bool = False,
        backend: str = "opencv",
        alpha: float = 1.0,
    ) -> None:
        findings = []
        if backend != "opencv":
            findings.append(f"backend={backend!r}, allowed: 'opencv'")
        if not (line_width > 0 and radius > 0):
            findings.append(f"line_width={line_width}, radius={radius}, allowed: above 0")
        if not 0 <= alpha <= 1:
            findings.append(f"alpha={alpha}, allowed: 0 to 1")
        if findings:
            raise ValueError("PoseLocalVisualizer: " + "; ".join(findings) + ".")
        super().__init__(name=name, image=image, vis_backends=vis_backends, save_dir=save_dir)
        self.bbox_color = rgb(bbox_color)
        self.text_color = rgb(text_color)
        self.kpt_color = kpt_color
        self.link_color = link_color
        self.skeleton = skeleton
        self.show_keypoint_weight = show_keypoint_weight
        self.brush = Brush(radius=radius, line_width=line_width, alpha=alpha)
        self.dataset_meta = {}

    def set_dataset_meta(self, dataset_meta: Optional[Mapping]) -> None:
        """Tell which keypoint set the samples have.

        Args:
            dataset_meta: a parsed metainfo (see :func:`mmpose_mix.metainfo.parse_pose_metainfo`). Colours and links
                that were given to the visualizer itself go before its own.
        """
        self.dataset_meta = dict(dataset_meta or {})

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: PoseDataSample,
        draw_gt: bool = True,
        draw_pred: bool = True,
        draw_heatmap: bool = False,
        draw_bbox: bool = False,
        show_kpt_idx: bool = False,
        show: bool = False,
        wait_time: float = 0,
        out_file: Optional[str] = None,
        kpt_thr: float = 0.3,
        step: int = 0,
    ) -> np.ndarray:
        """Draw a sample: annotations on the left, prediction on the right, heatmaps below.

        Predicted keypoints with a score from ``kpt_thr`` are drawn. Of the annotated keypoints, visible ones are discs;
        those that are labelled and have a place, but are not visible, are rings.

        Args:
            name: under which the backends store the image, title of the window.
            image: (h, w, 3) uint8 RGB, not changed.
            data_sample: the sample.
            draw_gt: draw the annotations.
            draw_pred: draw the prediction.
            draw_heatmap: draw heatmaps where the sample has some.
            draw_bbox: draw boxes.
            show_kpt_idx: write each keypoint's index beside it.
            show: open a window; nothing is stored then, unless ``out_file`` says where.
            wait_time: how long the window stays, seconds; 0 until a key is pressed.
            out_file: write the image there instead of to the backends.
            kpt_thr: lowest score, or visibility, of a keypoint that is drawn.
            step: of the training, for the backends.

        Returns:
            (H, W, 3) uint8 RGB.

        Raises:
            ValueError: where the image is no RGB image, or the sample has not as many keypoints as the metainfo.
        """
        check_image(image, "PoseLocalVisualizer.add_datasample: image")
        panels = []
        for wanted, side, title in ((draw_gt, "gt", "ground truth"), (draw_pred, "pred", "prediction")):
            if not wanted:
                continue
            panel = self._panel(image, data_sample, side, kpt_thr, draw_bbox, show_kpt_idx)
            if draw_gt and draw_pred:
                draw_text(panel, title, (0, 0), self.brush.text_height(image), self.text_color, _PLATE)
            panels.append([panel, self._heat(image, data_sample, side) if draw_heatmap else None])
        drawn = _stitched(image, panels)
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(drawn[..., ::-1], out_file)
        elif not show:
            self.add_image(name, drawn, step)
        return drawn

    def _panel(
        self, image: np.ndarray, sample: PoseDataSample, side: str, kpt_thr: float, draw_bbox: bool, show_kpt_idx: bool
    ) -> np.ndarray:
        panel = np.ascontiguousarray(image).copy()
        if f"{side}_instances" not in sample:
            return panel
        instances = sample.get(f"{side}_instances")
        if draw_bbox and "bboxes" in instances:
            width = max(1, round(self.brush.line_width * self.brush.scale(image)))
            for bbox in _array(instances.bboxes):
                draw_box(panel, bbox, self.bbox_color, width, self.brush.alpha)
        if "keypoints" in instances:
            self._draw_poses(panel, instances, sample, side == "gt", kpt_thr, show_kpt_idx)
        return panel

    def _draw_poses(
        self,
        panel: np.ndarray,
        instances: InstanceData,
        sample: PoseDataSample,
        annotated: bool,
        kpt_thr: float,
        show_kpt_idx: bool,
    ) -> None:
        keypoints = _array(instances.get("transformed_keypoints", instances.keypoints))[..., :2]
        visible = _visibility(instances, keypoints.shape[:2])
        placed = (_array(instances.keypoints)[..., :2] != 0).any(axis=-1)
        look = self._look(keypoints.shape[1], sample)
        indices = [str(index) for index in range(keypoints.shape[1])] if show_kpt_idx else None
        for number, pose in enumerate(keypoints):
            filled = visible[number] >= kpt_thr
            hollow = placed[number] & ~filled & _labelled(sample, number, len(filled)) if annotated else None
            opacity = visible[number] if self.show_keypoint_weight else None
            draw_pose(panel, pose, filled, look, self.brush, hollow, opacity, indices, self.text_color)

    def _look(self, num_keypoints: int, sample: PoseDataSample) -> PoseLook:
        """Colours and links for that many keypoints: of the visualizer's metainfo, or of the sample's own."""
        given = {"kpt_color": self.kpt_color, "link_color": self.link_color, "skeleton": self.skeleton}
        meta, own = self.dataset_meta or {}, sample.metainfo
        for candidate in (meta, own):
            colors = candidate.get("keypoint_colors")
            if colors is not None and len(colors) == num_keypoints:
                return PoseLook.from_metainfo(candidate, num_keypoints, **given)
        chosen = own.get("output_keypoint_indices")
        predicted = own if "keypoint_colors" in own else meta
        if chosen is not None and len(chosen) == num_keypoints and "keypoint_colors" in predicted:
            return PoseLook.from_metainfo(predicted, len(predicted["keypoint_colors"]), **given).subset(chosen)
        if "keypoint_colors" not in meta:
            return PoseLook.from_metainfo({}, num_keypoints, **given)
        raise ValueError(
            f"PoseLocalVisualizer: the sample has {num_keypoints} keypoints, the metainfo of "
            f"'{meta.get('dataset_name')}' {len(meta['keypoint_colors'])}. Call set_dataset_meta with the metainfo of "
            "the keypoints that the model gives out, or put output_keypoint_indices into the sample's metainfo."
        )

    def _heat(self, image: np.ndarray, sample: PoseDataSample, side: str) -> Optional[np.ndarray]:
        fields = sample.get(f"{side}_fields", None)
        if fields is None or "heatmaps" not in fields:
            return None
        whole = sample.get("ori_shape", None)
        if whole is not None and tuple(whole[:2]) == image.shape[:2] and "input_scale" in sample:
            return heatmap_overlay(image, fields.heatmaps, sample.get("input_center"), sample.get("input_scale"))
        return heatmap_overlay(image, fields.heatmaps)


def _stitched(image: np.ndarray, panels: list) -> np.ndarray:
    """Panels side by side, each over its heatmap; a panel without one, beside one with, is over the bare image."""
    if not panels:
        return image.copy()
    if any(heat is not None for _, heat in panels):
        columns = [np.concatenate([panel, image if heat is None else heat]) for panel, heat in panels]
    else:
        columns = [panel for panel, _ in panels]
    return np.concatenate(columns, axis=1)


def _visibility(instances: InstanceData, shape: tuple[int, int]) -> np.ndarray:
    """(N, K): how visible, or how sure, each keypoint is."""
    for name in ("keypoints_visible", "keypoint_scores"):
        if name in instances:
            values = _array(instances.get(name))
            return values[..., 0] if values.ndim == 3 else values
    return np.ones(shape)


def _labelled(sample: PoseDataSample, number: int, num_keypoints: int) -> np.ndarray:
    """(K,) bool: whether the sample's source defines the keypoint; all, where nothing is said."""
    labels = sample.get("gt_instance_labels", None)
    if labels is not None and "keypoints_visible_weights" in labels:
        return _array(labels.keypoints_visible_weights)[number] > 0
    visible = _array(sample.gt_instances.get("keypoints_visible", np.ones((number + 1, num_keypoints))))
    return visible[number, :, 1] > 0 if visible.ndim == 3 else np.ones(num_keypoints, dtype=bool)


def _array(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
