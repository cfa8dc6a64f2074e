"""SimCCLabel beyond MMPose's numbers, which stand in tests/golden."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.codecs import SimCCLabel
from mmpose_mix.transforms import GenerateTarget


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(0, 47, width=32),
    y=st.floats(0, 63, width=32),
    dark=st.booleans(),
    smoothing=st.sampled_from(["gaussian", "standard"]),
)
def test_what_is_encoded_decodes_to_the_nearest_class(x, y, dark, smoothing):
    codec = SimCCLabel((48, 64), smoothing, sigma=(3.0, 4.0), use_dark=dark and smoothing == "gaussian")
    encoded = codec.encode(np.array([[[x, y]]], np.float32))
    keypoints, scores = codec.decode(encoded["keypoint_x_labels"], encoded["keypoint_y_labels"])
    assert keypoints.shape == (1, 1, 2)
    assert keypoints.dtype == scores.dtype == np.float32
    # DARK's blur leans on zeros outside, so near a border it moves by more
    near = dark and min(x, y, 47 - x, 63 - y) < 10
    np.testing.assert_allclose(keypoints[0, 0], (x, y), atol=3.0 if near else 0.26)


def test_scores_without_instances_decode_like_one_instance():
    codec = SimCCLabel((48, 64), use_dark=True)
    encoded = codec.encode(np.random.RandomState(0).rand(1, 7, 2).astype(np.float32) * 40)
    x, y = encoded["keypoint_x_labels"], encoded["keypoint_y_labels"]
    for one, other in zip(codec.decode(x, y), codec.decode(x[0], y[0])):
        np.testing.assert_array_equal(one, other)


def test_the_scores_that_are_decoded_are_left_as_they_are():
    codec = SimCCLabel((48, 64), use_dark=True)
    x, y = np.random.RandomState(0).rand(2, 1, 3, 96).astype(np.float32)
    before = x.copy(), y.copy()
    codec.decode(x, y)
    assert (x == before[0]).all()
    assert (y == before[1]).all()


def test_scores_without_a_peak_decode_to_numbers():
    keypoints, scores = SimCCLabel((48, 64), use_dark=True).decode(np.zeros((3, 96)), -np.ones((3, 128)))
    np.testing.assert_array_equal(keypoints, np.full((1, 3, 2), -0.5))
    assert (scores <= 0).all()


def test_a_normalized_gaussian_sums_up_to_one():
    labels = SimCCLabel((48, 64), sigma=4.0).encode(np.array([[[24, 32]]], np.float32))
    assert labels["keypoint_x_labels"].sum() == pytest.approx(1, abs=1e-4)


def test_a_smoothed_class_sums_up_to_one():
    labels = SimCCLabel((48, 64), "standard", label_smooth_weight=0.2).encode(np.array([[[24, 32]]], np.float32))
    assert labels["keypoint_y_labels"].sum() == pytest.approx(1, abs=1e-4)
    assert labels["keypoint_y_labels"].max() == pytest.approx(0.8)


def test_targets_are_generated_and_packed_with_the_label_weight():
    transform = GenerateTarget({"type": "SimCCLabel", "input_size": (48, 64), "sigma": 2.0})
    visible = np.stack([[[1, 1, 0, 0]], [[1, 0, 1, 0]]], axis=-1).astype(np.float32)
    results = transform({"keypoints": np.full((1, 4, 2), 20, np.float32), "keypoints_visible": visible})
    assert results["keypoint_x_labels"].shape == (1, 4, 96)
    assert set(results["label_mapping_table"]) == {"keypoint_x_labels", "keypoint_y_labels", "keypoint_weights"}
    np.testing.assert_array_equal(results["keypoint_weights"], [[1, 1, 0, 0]])
    np.testing.assert_array_equal(results["keypoints_visible_weights"], [[1, 0, 1, 0]])


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ValueError, match=r"SimCCLabel: input_size=\(48.5, 64\) must be two whole numbers") as caught:
        SimCCLabel((48.5, 64), "boxes", sigma=(1, 2, 3), label_smooth_weight=2)
    for words in ("smoothing_type='boxes'", "sigma=(1, 2, 3) must be one", "label_smooth_weight=2 must be in [0, 1]"):
        assert words in str(caught.value)
    with pytest.raises(ValueError, match=r"label_smooth_weight=0.1 is for smoothing_type='standard' only"):
        SimCCLabel((48, 64), label_smooth_weight=0.1)
    with pytest.raises(ValueError, match="simcc_split_ratio=0 must be a number that gives at least 2 classes"):
        SimCCLabel((48, 64), simcc_split_ratio=0)
