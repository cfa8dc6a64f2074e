"""PCK, AUC, EPE and NME: invariants, what is not measured, what is refused. MMPose's figures stand in tests/golden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.evaluation import AUC, EPE, NME, JhmdbPCKAccuracy, MpiiPCKAccuracy, PCKAccuracy
from mmpose_mix.evaluation.distances import area_under_curve, mean_of_measured, normalized_distances, shares_within


def sample(off: Any = 0.0, visible: Any = 1.0, count: int = 16, **truth: Any) -> dict[str, Any]:
    points = np.random.RandomState(0).rand(1, count, 2).astype(np.float32) * 80
    return {
        "id": 7,
        "dataset_name": "coco",
        "pred_instances": {"keypoints": points + np.asarray(off, np.float32)},
        "gt_instances": {
            "keypoints": points,
            "keypoints_visible": np.broadcast_to(np.asarray(visible, np.float32), (1, count)),
            "bboxes": np.array([[0, 0, 50, 100]], np.float32),
            "head_size": np.array([20], np.float32),
            **truth,
        },
    }


def evaluate(metric: Any, *samples: dict[str, Any], **meta: Any) -> dict[str, float]:
    metric.dataset_meta = {"dataset_name": "300w", **meta}
    metric.process(None, list(samples))
    return metric.evaluate(len(samples))


EVERY = {
    "pck": lambda: PCKAccuracy(norm_item=["bbox", "head", "torso"]),
    "mpii": MpiiPCKAccuracy,
    "jhmdb": lambda: JhmdbPCKAccuracy(norm_item=["bbox", "torso"]),
    "auc": AUC,
    "epe": EPE,
    "nme": lambda: NME("keypoint_distance", keypoint_indices=(0, 1)),
    "nme_of_box": lambda: NME("use_norm_item", "bbox_size"),
}


@pytest.mark.parametrize("name", EVERY)
def test_where_nothing_is_visible_the_figures_are_zero_and_a_warning_says_so(name, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr("mmpose_mix.evaluation.keypoint_metric.print_log", lambda text, **_: said.append(text))
    count = 15 if name == "jhmdb" else 16
    found = evaluate(EVERY[name](), sample(3, 0, count), sample(5, 0, count))
    assert set(found.values()) == {0.0}
    assert "no keypoint of the 2 samples is visible, so nothing was measured" in said[0]


@pytest.mark.parametrize("name", EVERY)
def test_a_keypoint_that_is_not_visible_has_no_influence(name):
    count = 15 if name == "jhmdb" else 16
    visible = np.ones((1, count))
    visible[0, [6, 14]] = 0
    far = np.zeros((1, count, 2))
    far[0, [6, 14]] = 1000
    near = evaluate(EVERY[name](), sample(0.5, visible, count))
    assert evaluate(EVERY[name](), sample(0.5 + far, visible, count)) == pytest.approx(near)


def test_of_pairs_of_visibility_and_label_weight_the_first_counts():
    pairs = np.ones((1, 16, 2), np.float32)
    pairs[0, 3, 0] = 0
    off = np.zeros((1, 16, 2))
    off[0, 3] = 1000
    one = sample(off)
    one["gt_instances"]["keypoints_visible"] = pairs
    assert evaluate(EPE(), one) == {"EPE": 0}


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), threshold=st.floats(0.01, 2))
def test_shares_grow_with_the_threshold_and_do_not_depend_on_the_scale(seed, threshold):
    random = np.random.RandomState(seed)
    predicted, annotated = random.rand(2, 5, 7, 2)
    visible = random.rand(5, 7) > 0.4
    sizes = random.rand(5) + 0.1
    distances = normalized_distances(predicted, annotated, visible, sizes)
    assert (np.isfinite(distances) == visible).all()
    shares, more = shares_within(distances, threshold), shares_within(distances, 1.5 * threshold)
    measured = visible.any(0)
    assert (np.isfinite(shares) == measured).all()
    assert (more[measured] >= shares[measured]).all()
    scaled = normalized_distances(8 * predicted, 8 * annotated, visible, 8 * sizes)
    np.testing.assert_allclose(scaled, distances, rtol=1e-5)
    assert 0 <= area_under_curve(distances, 10) <= 1


def test_the_mean_of_nothing_is_zero():
    assert mean_of_measured(np.full(3, np.nan)) == 0
    assert mean_of_measured(np.array([1.0, np.nan, 3.0]), np.array([3, 5, 1])) == 1.5


def test_pck_is_divided_by_the_longer_side_of_the_box():
    assert evaluate(PCKAccuracy(thr=0.1), sample([9.9, 0])) == {"PCK": 1}
    assert evaluate(PCKAccuracy(thr=0.1), sample([10.1, 0])) == {"PCK": 0}


def test_an_annotated_torso_below_a_pixel_is_replaced_by_the_predicted_one():
    points = np.zeros((1, 16, 2), np.float32)
    off = np.zeros((1, 16, 2), np.float32)
    off[0, 4] = [0, 10]
    one = sample()
    one["gt_instances"]["keypoints"], one["pred_instances"]["keypoints"] = points, points + off
    assert evaluate(PCKAccuracy(thr=0.5, norm_item="torso"), one) == {"tPCK": 15 / 16}


def test_mpii_leaves_pelvis_and_thorax_out_and_moves_by_a_pixel():
    off = np.full((1, 16, 2), -1.0)
    off[0, [6, 7]] = 1000
    assert evaluate(MpiiPCKAccuracy(), sample(off))["PCK@0.1"] == 100


def test_one_measured_side_of_a_joint_is_enough():
    """MMPose takes -1 for the other side, which is measured nowhere, into the mean."""
    visible = np.ones((1, 16))
    visible[0, 13] = 0
    assert evaluate(MpiiPCKAccuracy(), sample(-1, visible))["Shoulder PCK"] == 100


def test_a_face_whose_reference_is_not_visible_does_not_count():
    visible = np.ones((1, 68))
    visible[0, 45] = 0
    good, bad = sample(1, 1, 68), sample(1000, visible, 68)
    expected = evaluate(NME("keypoint_distance"), good)
    assert evaluate(NME("keypoint_distance"), good, bad) == pytest.approx(expected)


REFUSED = {
    r"PCKAccuracy: thr=0 must be above 0; norm_item='hand', allowed: 'bbox', 'head', 'torso'": lambda: PCKAccuracy(
        0, "hand"
    ),
    "MpiiPCKAccuracy: norm_item='bbox', but MPII's figures are over the size of the head": lambda: MpiiPCKAccuracy(
        norm_item="bbox"
    ),
    "JhmdbPCKAccuracy: norm_item='head', but JHMDB has no head_size": lambda: JhmdbPCKAccuracy(norm_item="head"),
    "AUC: norm_factor=0 must be above 0; num_thrs=-1 must be above 0": lambda: AUC(0, -1),
    "NME: norm_mode='box', allowed": lambda: NME("box"),
    "needs a norm_item, such as 'bbox_size'": lambda: NME("use_norm_item"),
    "norm_item='bbox_size' is for norm_mode='use_norm_item' only": lambda: NME("keypoint_distance", "bbox_size"),
    r"keypoint_indices=\(1, 2, 3\) must be two numbers": lambda: NME("keypoint_distance", keypoint_indices=(1, 2, 3)),
    "NME: .* knows no two keypoints of data set 'coco' .* Give keypoint_indices": lambda: evaluate(
        NME("keypoint_distance"), sample(), dataset_name="coco"
    ),
    r"keypoint_indices=\(36, 45\), but data set '300w' has the keypoints 0 to 15": lambda: evaluate(
        NME("keypoint_distance"), sample(), num_keypoints=16
    ),
    "PCKAccuracy: gt_instances has no 'head_size' to divide by, but keypoints": lambda: PCKAccuracy(
        norm_item="head"
    ).process(
        None,
        [
            {
                "pred_instances": {"keypoints": np.zeros((1, 2, 2))},
                "gt_instances": {"keypoints": np.zeros((1, 2, 2)), "keypoints_visible": np.ones((1, 2))},
            }
        ],
    ),
    "norm_item='torso' measures between the keypoints 4 and 5, but there are 3 only": lambda: evaluate(
        PCKAccuracy(norm_item="torso"), sample(count=3)
    ),
    "its joints are those of 16 keypoints, but there are 17. Use PCKAccuracy": lambda: evaluate(
        MpiiPCKAccuracy(), sample(count=17)
    ),
    r"sample 7 of data set 'coco' has predicted keypoints of shape \(1, 3, 2\)": lambda: EPE().process(
        None, [{**sample(), "pred_instances": {"keypoints": np.zeros((1, 3, 2))}}]
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_measured_is_refused_in_words(words):
    with pytest.raises(ValueError, match=words):
        REFUSED[words]()


def test_a_model_of_other_keypoints_is_found_before_the_training():
    metric = EPE()
    assert metric.finding_on_predictions(26) == ""
    metric.dataset_meta = {"dataset_name": "coco", "num_keypoints": 17}
    assert metric.finding_on_predictions(17) == ""
    assert "EPE: the model predicts 26 keypoints, the data set 'coco' has 17" in metric.finding_on_predictions(26)
