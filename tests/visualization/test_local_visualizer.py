"""The visualizer: what is where in the picture, and what it refuses."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from tiny_samples import BLUE, GREEN, META, PLACES, RED, changed, color_at, is_near, sample

from mmpose_mix.registry import VISUALIZERS
from mmpose_mix.visualization import PoseLocalVisualizer


def draw(image: np.ndarray, packed, meta=META, arguments=None, **options) -> np.ndarray:
    visualizer = PoseLocalVisualizer(**(arguments or {}))
    visualizer.set_dataset_meta(meta)
    return visualizer.add_datasample("test", image, packed, **options)


def test_keypoints_and_links_have_the_colours_of_the_keypoint_set(image):
    drawn = draw(image, sample(), draw_gt=False)
    for (x, y), color in zip(PLACES[0], (RED, GREEN, BLUE)):
        assert color_at(drawn, x, y) == color
    assert is_near(color_at(drawn, 200, 120), (255, 255, 0))
    assert is_near(color_at(drawn, 300, 260), (0, 255, 255))


def test_nothing_is_drawn_elsewhere_and_the_image_given_is_kept(image):
    before = image.copy()
    drawn = draw(image, sample(), draw_gt=False)
    near = np.zeros(image.shape[:2], dtype=np.uint8)
    cv2.polylines(near, [PLACES[0].astype(np.int32)], False, 1, thickness=24)
    assert not (changed(drawn) & (near == 0)).any()
    assert (image == before).all()


def test_annotations_are_left_and_the_prediction_right(image):
    packed = sample()
    packed.pred_instances.keypoints = packed.pred_instances.keypoints + np.float32([0, 30])
    drawn = draw(image, packed)
    assert drawn.shape == (480, 1280, 3)
    assert color_at(drawn, 100, 120) == RED
    assert color_at(drawn, 640 + 100, 150) == RED


def test_keypoints_below_the_threshold_are_absent_with_their_links(image):
    drawn = draw(image, sample(scores=(0.9, 0.29, 0.9)), draw_gt=False, kpt_thr=0.3)
    assert color_at(drawn, 100, 120) == RED
    assert not changed(drawn)[100:140, 130:340].any()
    assert not changed(drawn)[150:370, 290:310].any()


def test_an_annotated_keypoint_that_is_not_visible_is_a_ring(image):
    drawn = draw(image, sample(visible=(1, 0, 1)), draw_pred=False)
    assert not changed(drawn)[120, 300]
    around = drawn[112:129, 292:309].astype(int)
    assert (around[..., 1] - around[..., 0]).max() > 150


@pytest.mark.parametrize("where", ["labels", "visibility"])
def test_an_annotated_keypoint_that_is_not_labelled_is_absent(where, image):
    packed = sample(visible=(1, 0, 1))
    if where == "labels":
        packed.gt_instance_labels = InstanceData(keypoints_visible_weights=torch.tensor([[1.0, 0.0, 1.0]]))
    else:
        packed.gt_instances.keypoints_visible = np.array([[[1, 1], [0, 0], [1, 1]]], dtype=np.float32)
    drawn = draw(image, packed, draw_pred=False)
    assert not changed(drawn)[90:150, 270:330].any()


def test_an_annotated_keypoint_without_a_place_is_absent(image):
    places = PLACES.copy()
    places[0, 1] = 0
    drawn = draw(image, sample(visible=(1, 0, 1), keypoints=places), draw_pred=False)
    assert not changed(drawn)[:40, :40].any()


def test_marks_grow_with_the_image():
    sizes = []
    for factor in (1, 3):
        large = np.full((480 * factor, 640 * factor, 3), 128, dtype=np.uint8)
        drawn = draw(large, sample(keypoints=PLACES * factor), draw_gt=False)
        sizes.append((drawn == RED).all(axis=-1).sum())
    assert sizes[1] == pytest.approx(9 * sizes[0], rel=0.5)


def test_marks_shrink_with_small_people(image):
    small = sample(keypoints=PLACES / 10)
    assert (draw(image, small, draw_gt=False) == RED).all(axis=-1).sum() < 20


def test_boxes_are_drawn_in_their_colour(image):
    drawn = draw(image, sample(), draw_gt=False, draw_bbox=True, arguments={"bbox_color": "magenta"})
    assert is_near(color_at(drawn, 60, 250), (255, 0, 255))
    assert is_near(color_at(drawn, 200, 440), (255, 0, 255))
    assert not changed(draw(image, sample(), draw_gt=False))[250, 40:80].any()


def test_given_colours_and_links_go_before_those_of_the_keypoint_set(image):
    arguments = {"kpt_color": "white", "link_color": (1, 2, 3), "skeleton": [(0, 2)]}
    drawn = draw(image, sample(), draw_gt=False, arguments=arguments)
    assert color_at(drawn, 100, 120) == color_at(drawn, 300, 400) == (255, 255, 255)
    assert is_near(color_at(drawn, 200, 260), (1, 2, 3))
    assert not changed(drawn)[120, 180:220].any()


def test_without_metainfo_keypoints_are_red(image):
    drawn = draw(image, sample(), meta=None, draw_gt=False)
    assert color_at(drawn, 300, 400) == RED


def test_alpha_and_keypoint_weights_make_marks_fainter(image):
    faint = draw(image, sample(), draw_gt=False, arguments={"alpha": 0.5})
    assert 128 < color_at(faint, 100, 120)[0] < 255
    weighted = draw(image, sample(scores=(0.4, 0.9, 0.9)), draw_gt=False, arguments={"show_keypoint_weight": True})
    assert color_at(weighted, 100, 120)[0] < color_at(weighted, 300, 120)[1]


def test_indices_are_written_in_the_colour_of_texts(image):
    drawn = draw(image, sample(), draw_gt=False, show_kpt_idx=True, arguments={"text_color": (250, 200, 0)})
    assert (np.abs(drawn[90:130, 302:330].astype(int) - (250, 200, 0)).max(axis=-1) < 60).any()


def test_a_predicted_heatmap_lies_on_its_part_of_the_image(image):
    packed = sample(ori_shape=(480, 640), input_center=np.array([400.0, 200.0]), input_scale=np.array([100.0, 200.0]))
    heatmaps = torch.zeros(3, 8, 4)
    heatmaps[1, 2, 1] = 1
    packed.pred_fields = PixelData(heatmaps=heatmaps)
    drawn = draw(image, packed, draw_heatmap=True)
    assert drawn.shape == (960, 1280, 3)
    below = drawn[480:, 640:]
    hottest = np.unravel_index((below[..., 0].astype(int) - below[..., 2]).argmax(), below.shape[:2])
    assert hottest == pytest.approx((100 + 2 * 25, 350 + 1 * 25), abs=4)
    assert not changed(below)[:, :300].any()
    assert not changed(drawn[480:, :640]).any()


def test_tensors_empty_predictions_and_points_out_of_the_image_are_drawn(image):
    packed = sample(keypoints=torch.tensor([[[-50.0, 20.0], [float("nan"), 3.0], [1e9, 1e9]]]))
    draw(image, packed, draw_gt=False)
    packed.pred_instances = InstanceData(keypoints=np.zeros((0, 3, 2)), keypoint_scores=np.zeros((0, 3)))
    assert not changed(draw(image, packed, draw_gt=False)).any()


def test_a_subset_of_the_keypoints_keeps_its_colours(image):
    chosen = sample(keypoints=PLACES[:, 1:], visible=(1, 1), scores=(1, 1), output_keypoint_indices=[1, 2])
    drawn = draw(image, chosen, draw_gt=False)
    assert color_at(drawn, 300, 120) == GREEN
    assert color_at(drawn, 300, 400) == BLUE
    assert is_near(color_at(drawn, 300, 260), (0, 255, 255))


def test_the_metainfo_of_the_sample_serves_where_that_of_the_visualizer_does_not_fit(image):
    other = {key: value for key, value in META.items() if key != "dataset_name"}
    meta = {"dataset_name": "larger", "keypoint_colors": np.zeros((5, 3), dtype=np.uint8)}
    assert color_at(draw(image, sample(**other), meta=meta, draw_gt=False), 100, 120) == RED


def test_another_number_of_keypoints_is_refused(image):
    two = sample(keypoints=PLACES[:, :2], visible=(1, 1), scores=(1, 1))
    with pytest.raises(ValueError, match=r"has 2 keypoints, the metainfo of 'tiny' 3.*set_dataset_meta"):
        draw(image, two)


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8), [[1]]]
)
def test_what_is_no_rgb_image_is_refused(wrong):
    with pytest.raises(ValueError, match=r"image: expected a numpy array \(h, w, 3\) of uint8, got"):
        draw(wrong, sample())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"backend": "matplotlib"}, "backend='matplotlib', allowed: 'opencv'"),
        ({"radius": 0, "alpha": 2}, "line_width=1, radius=0, allowed: above 0; alpha=2, allowed: 0 to 1"),
        ({"bbox_color": (1, 2)}, "a colour is a name or three numbers of 0..255 (RGB), got (1, 2)"),
    ],
)
def test_a_wrong_argument_is_refused(arguments, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        PoseLocalVisualizer(**arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kpt_color": [RED, GREEN]}, "kpt_color: 2 colours are given for 3"),
        ({"skeleton": [(0, 3)]}, "links [(0, 3)] name keypoints that are not among 0..2"),
    ],
)
def test_colours_and_links_that_do_not_fit_are_refused(arguments, words, image):
    with pytest.raises(ValueError, match=re.escape(words)):
        draw(image, sample(), arguments=arguments)


def test_images_go_to_the_file_or_to_the_backends(image, tmp_path):
    config = {"type": "PoseLocalVisualizer", "name": str(tmp_path), "save_dir": str(tmp_path)}
    visualizer = VISUALIZERS.build({**config, "vis_backends": [{"type": "LocalVisBackend"}]})
    visualizer.set_dataset_meta(META)
    drawn = visualizer.add_datasample("stored", image, sample(), step=3)
    (stored,) = tmp_path.rglob("stored_3.png")
    np.testing.assert_array_equal(cv2.imread(str(stored))[..., ::-1], drawn)
    visualizer.add_datasample("other", image, sample(), out_file=str(tmp_path / "new" / "out.png"))
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "new" / "out.png"))[..., ::-1], drawn)
    assert not list(tmp_path.rglob("other*"))
