"""Boxes, flips, half bodies and the warp to the model's input, together and each alone."""

from __future__ import annotations

import copy

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.registry import DefaultScope

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms import (
    GetBBoxCenterScale,
    RandomBBoxTransform,
    RandomFlip,
    RandomHalfBody,
    TopdownAffine,
)
from mmpose_mix.transforms.boxes import truncated_normal
from mmpose_mix.transforms.flipping import mirrored_boxes

AUGMENTATION = (
    {"type": "GetBBoxCenterScale"},
    {"type": "RandomFlip"},
    {"type": "RandomHalfBody", "prob": 0.5},
    {"type": "RandomBBoxTransform"},
)
# What MMPose 1.3.2 gives for the drawn person after AUGMENTATION, with numpy.random.seed(row number); odd rows have a
# label weight: flip, bbox_center, bbox_scale, bbox_rotation, and the number that numpy.random.rand gives next.
AUGMENTED = (
    (0, 60.5, 47.0, 52.5651, 91.1128, 0.0, 0.3834),
    (1, 49.5029, 41.6183, 38.0556, 65.963, -61.3188, 0.5388),
    (1, 58.0535, 32.5444, 34.9741, 55.001, -42.3283, 0.6211),
    (0, 57.2077, 47.2891, 76.8693, 133.2401, 59.2515, 0.4408),
    (0, 60.5, 47.0, 65.9557, 114.3232, -40.5372, 0.4348),
    (1, 58.5, 47.0, 55.6922, 96.5332, 15.3922, 0.1877),
)
# After TopdownAffine((24, 32)) without and with UDP: bbox_scale, keypoints 0 and 16, pixel (16, 12).
WARPED = {
    False: (
        (68.3346, 91.1128, 11.8244, 3.7075, 16.1478, 27.871, 156, 99, 123),
        (49.4722, 65.963, 26.8167, 13.146, -1.8048, 26.0239, 66, 85, 38),
        (41.2507, 55.001, 20.456, 7.534, -6.9758, 33.308, 110, 156, 143),
    ),
    True: (
        (68.3346, 91.1128, 11.3317, 3.5917, 15.4749, 27.0, 70, 103, 102),
        (49.4722, 65.963, 1.5388, 4.9039, 26.7245, 21.5245, 104, 150, 46),
        (41.2507, 55.001, 4.1767, 6.5801, 26.3213, 35.3644, 17, 202, 114),
    ),
}


def augmented(sample, seed):
    np.random.seed(seed)
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        for config in AUGMENTATION:
            sample = TRANSFORMS.build(config)(sample)
    return sample


@pytest.mark.parametrize("seed", range(len(AUGMENTED)))
def test_the_same_seed_gives_the_box_that_mmpose_gives(person, seed):
    sample = augmented(person(label_weight=seed % 2 == 1), seed)
    box = np.concatenate((sample["bbox_center"][0], sample["bbox_scale"][0], sample["bbox_rotation"]))
    np.testing.assert_allclose([sample["flip"], *box, np.random.rand()], AUGMENTED[seed], atol=1e-4)
    assert {sample[key].dtype for key in ("bbox_center", "bbox_scale", "bbox_rotation")} == {np.dtype(np.float32)}


@pytest.mark.parametrize("use_udp", WARPED)
@pytest.mark.parametrize("seed", range(3))
def test_the_input_is_cut_out_as_mmpose_does(person, seed, use_udp):
    sample = augmented(person(label_weight=seed % 2 == 1), seed)
    sample = TopdownAffine(input_size=(24, 32), use_udp=use_udp)(sample)
    points = sample["transformed_keypoints"][0, [0, 16]].ravel()
    expected = WARPED[use_udp][seed]
    np.testing.assert_allclose([*sample["bbox_scale"][0], *points], expected[:6], atol=2e-4)
    # other builds of OpenCV round the last bit of the interpolation differently, and OpenCV 4 its coordinates too
    rounded = 2 if int(cv2.__version__.split(".")[0]) >= 5 else 4
    np.testing.assert_allclose(sample["img"][16, 12], expected[6:], atol=rounded)
    assert sample["img"].shape == (32, 24, 3)
    assert (sample["input_size"], sample["transformed_keypoints"].dtype) == ((24, 32), np.float32)
    np.testing.assert_array_equal(sample["input_center"], sample["bbox_center"][0])
    np.testing.assert_array_equal(sample["input_scale"], sample["bbox_scale"][0])


def test_truncated_normal_draws_what_scipy_draws():
    np.random.seed(0)
    # scipy.stats.truncnorm.rvs(-1, 1, size=8) of scipy 1.16 with the same seed
    expected = [0.08362943, 0.37698472, 0.17677002, 0.07688197, -0.13101952, 0.25231287, -0.10700767, 0.73050529]
    np.testing.assert_allclose(truncated_normal(np.random.random_sample(8).tolist()), expected, atol=1e-7)
    assert truncated_normal([]).shape == (0,)


def test_no_step_changes_an_array_that_it_was_given(person):
    given_sample = person(label_weight=True)
    before = copy.deepcopy(given_sample)
    sample = dict(given_sample)
    np.random.seed(1)  # a row of AUGMENTED that flips, shifts and rotates
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        for config in (*AUGMENTATION, {"type": "TopdownAffine", "input_size": (24, 32)}):
            sample = TRANSFORMS.build(config)(sample)
    for key, value in before.items():
        np.testing.assert_array_equal(given_sample[key], value)


def test_a_box_that_has_its_center_already_keeps_it_without_a_warning(person):
    center, scale = np.array([[50, 40]], np.float32), np.array([[20, 30]], np.float32)
    sample = GetBBoxCenterScale(padding=1.5)(person(bbox_center=center, bbox_scale=scale))
    assert sample["bbox_center"] is center
    np.testing.assert_array_equal(sample["bbox_scale"], [[30, 45]])


class TestFlip:
    @pytest.mark.parametrize("direction", ["horizontal", "vertical", "diagonal"])
    @pytest.mark.parametrize("label_weight", [False, True])
    def test_a_second_flip_undoes_the_first(self, person, direction, label_weight):
        flip = RandomFlip(prob=1.0, direction=direction)
        sample = GetBBoxCenterScale()(person(label_weight))
        once = flip(dict(sample))
        assert (once["flip"], once["flip_direction"]) == (True, direction)
        assert not np.array_equal(once["img"], sample["img"])
        twice = flip(dict(once))
        for key in ("img", "bbox", "bbox_center", "keypoints", "keypoints_visible"):
            np.testing.assert_allclose(twice[key], sample[key], atol=1e-4, err_msg=key)
            assert twice[key].dtype == sample[key].dtype

    def test_every_keypoint_moves_with_its_pixel_and_takes_its_partners_place(self, person):
        sample = person(
            label_weight=True, keypoints=np.random.RandomState(2).randint(0, 90, (1, 17, 2)).astype(np.float32)
        )
        for direction in ("horizontal", "vertical", "diagonal"):
            flipped = RandomFlip(prob=1.0, direction=direction)(dict(sample))
            order = range(17) if direction == "diagonal" else sample["flip_indices"]
            for k, partner in enumerate(order):
                (x, y), (old_x, old_y) = (
                    flipped["keypoints"][0, k].astype(int),
                    sample["keypoints"][0, partner].astype(int),
                )
                np.testing.assert_array_equal(flipped["img"][y, x], sample["img"][old_y, old_x])
                np.testing.assert_array_equal(
                    flipped["keypoints_visible"][0, k], sample["keypoints_visible"][0, partner]
                )

    def test_a_box_keeps_its_upper_left_corner_first(self):
        box = np.array([[1, 2, 5, 9]], np.float32)
        np.testing.assert_array_equal(mirrored_boxes(box, (20, 10), "horizontal"), [[14, 2, 18, 9]])
        np.testing.assert_array_equal(mirrored_boxes(box, (20, 10), "vertical"), [[1, 0, 5, 7]])
        np.testing.assert_array_equal(mirrored_boxes(box, (20, 10), "diagonal"), [[14, 0, 18, 7]])

    def test_after_the_warp_it_mirrors_within_the_input(self, person):
        # MMPose reads input_size (w, h) as (h, w) here, and leaves transformed_keypoints where they were.
        sample = TopdownAffine(input_size=(24, 32))(GetBBoxCenterScale()(person()))
        flipped = RandomFlip(prob=1.0)(dict(sample))
        order = sample["flip_indices"]
        np.testing.assert_array_equal(flipped["img"], sample["img"][:, ::-1])
        x, y = sample["transformed_keypoints"][0, order].T
        np.testing.assert_allclose(flipped["transformed_keypoints"][0].T, [23 - x, y], atol=1e-5)
        np.testing.assert_allclose(flipped["keypoints"][0, :, 0], 119 - sample["keypoints"][0, order, 0], atol=1e-5)
        np.testing.assert_allclose(flipped["bbox"], mirrored_boxes(sample["bbox"], (120, 90), "horizontal"))
        np.testing.assert_allclose(flipped["input_center"][0], 119 - sample["input_center"][0])
        np.testing.assert_array_equal(flipped["keypoints_visible"], sample["keypoints_visible"][:, order])

    def test_directions_are_drawn_as_numpy_choice_draws_them(self):
        flip = RandomFlip(prob=[0.25, 0.1, 0.3], direction=["diagonal", "horizontal", "vertical"])
        np.random.seed(5)
        drawn = [flip._choose_direction() for _ in range(300)]
        np.random.seed(5)
        outcomes = np.array(["diagonal", "horizontal", "vertical", None])
        assert drawn == [np.random.choice(outcomes, p=[0.25, 0.1, 0.3, 0.35]) for _ in range(300)]
        assert not any(RandomFlip(prob=0)(person_without_image)["flip"] for person_without_image in ({},) * 20)

    @pytest.mark.parametrize("length", [14, 19])
    def test_flip_indices_of_another_keypoint_set_are_refused(self, person, length):
        # reference rows 3A-5 and 3B-2: fewer shrink the keypoints without a word, more are an IndexError
        words = rf"'aic' has 17 keypoints but flip_indices of length {length}.*KeypointConverter.*metainfo"
        with pytest.raises(ValueError, match=words):
            RandomFlip(prob=1.0)(person(dataset_name="aic", flip_indices=list(range(length))))
        with pytest.raises(ValueError, match="has 17 keypoints but no flip_indices"):
            RandomFlip(prob=1.0)(person(flip_indices=None))

    def test_an_image_without_instances_is_mirrored(self, person):
        sample = person(keypoints=None, keypoints_visible=None, bbox=None, flip_indices=None)
        np.testing.assert_array_equal(RandomFlip(prob=1.0)(dict(sample))["img"], sample["img"][:, ::-1])

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"direction": "Horizontal"}, "direction='Horizontal' must be one or several of"),
            ({"direction": []}, r"direction=\[\]"),
            ({"direction": 1}, "direction=1 must be one or several of"),
            ({"prob": 1.5}, "prob=1.5 must be one number in"),
            ({"prob": "half"}, "prob='half' must be one number in"),
            ({"prob": ["a"]}, r"prob=\['a'\] must be one number in"),
            (
                {"prob": [0.5], "direction": ["horizontal", "vertical"]},
                r"one per direction of \['horizontal', 'vertical'\]",
            ),
            ({"prob": [0.7, 0.7], "direction": ["horizontal", "vertical"]}, "a sum of at most 1"),
        ],
    )
    def test_probabilities_and_directions_out_of_range_are_named(self, arguments, words):
        with pytest.raises(ValueError, match=words):
            RandomFlip(**arguments)


class TestHalfBody:
    @pytest.mark.parametrize(
        ("arguments", "half"),
        [
            ({"upper_prioritized_prob": 1.0}, range(11)),
            ({"upper_prioritized_prob": 0.0}, range(11, 17)),
            ({"upper_prioritized_prob": 1.0, "min_upper_keypoints": 12}, range(11, 17)),
            ({"upper_prioritized_prob": 0.0, "min_lower_keypoints": 7}, range(11)),
            ({"min_upper_keypoints": 12, "min_lower_keypoints": 7}, None),
            ({"min_total_keypoints": 15}, None),
        ],
    )
    @pytest.mark.parametrize("label_weight", [False, True])
    def test_the_box_surrounds_the_visible_keypoints_of_the_half(self, person, arguments, half, label_weight):
        sample = GetBBoxCenterScale()(person(label_weight))
        cut = RandomHalfBody(prob=1.0, padding=1.2, **{"min_total_keypoints": 8, **arguments})(dict(sample))
        if half is None:
            np.testing.assert_array_equal(cut["bbox_scale"], sample["bbox_scale"])
            return
        visible = sample["keypoints_visible"].reshape(1, 17, -1)[0, :, 0]
        points = sample["keypoints"][0, [k for k in half if visible[k] > 0]]
        np.testing.assert_allclose(cut["bbox_center"], [points.mean(axis=0)], rtol=1e-6)
        np.testing.assert_allclose(cut["bbox_scale"], [np.ptp(points, axis=0) * 1.2], rtol=1e-6)
        assert cut["bbox_scale"].dtype == np.float32

    def test_a_keypoint_set_without_halves_is_left_alone(self, person):
        sample = GetBBoxCenterScale()(person(upper_body_ids=[], lower_body_ids=[]))
        cut = RandomHalfBody(prob=1.0, min_upper_keypoints=0)(dict(sample))
        np.testing.assert_array_equal(cut["bbox_center"], sample["bbox_center"])

    def test_probabilities_out_of_range_are_named_together(self):
        with pytest.raises(ValueError, match=r"prob=2 must be a number in \[0, 1\]; upper_prioritized_prob=-1"):
            RandomHalfBody(prob=2, upper_prioritized_prob=-1)

    def test_what_is_no_number_is_named_together(self):
        words = r"prob='a' must be a number in .*; padding=0 must be a number above 0; min_lower_keypoints=None must be"
        with pytest.raises(ValueError, match=words):
            RandomHalfBody(prob="a", padding=0, min_lower_keypoints=None)


class TestBBoxTransform:
    def test_amounts_stay_within_their_factors_and_are_drawn_per_box(self):
        np.random.seed(0)
        scale = np.full((4000, 2), (10, 20), np.float32)
        sample = {"bbox_center": np.zeros((4000, 2), np.float32), "bbox_scale": scale}
        out = RandomBBoxTransform(shift_prob=0.5, scale_factor=(0.8, 1.4), scale_prob=0.7, rotate_factor=30)(
            dict(sample)
        )
        shift, factor = out["bbox_center"] / scale, out["bbox_scale"] / scale
        assert np.abs(shift).max() <= 0.16
        assert 0.8 <= factor.min() <= 0.81
        assert 1.39 <= factor.max() <= 1.4 + 1e-6
        np.testing.assert_allclose(factor[:, 0], factor[:, 1], rtol=1e-6)
        assert 29 < np.abs(out["bbox_rotation"]).max() <= 30
        for amount, prob in ((shift[:, 0], 0.5), (factor[:, 0] - 1, 0.7), (out["bbox_rotation"], 0.6)):
            assert abs((amount != 0).mean() - prob) < 0.03

    def test_arguments_out_of_range_are_named_together(self):
        with pytest.raises(ValueError, match=r"rotate_prob=2 must be a .*; scale_factor=\(1.5, 0.5\) must be"):
            RandomBBoxTransform(rotate_prob=2, scale_factor=(1.5, 0.5))

    def test_what_is_no_number_is_named_together(self):
        words = r"shift_prob=None must .*; shift_factor='a' must be a number; scale_factor=0.5 must be \(smallest"
        with pytest.raises(ValueError, match=words):
            RandomBBoxTransform(shift_prob=None, shift_factor="a", scale_factor=0.5)

    @pytest.mark.parametrize("padding", ["1.25", 0, -1, True, float("nan"), None])
    def test_a_padding_that_leaves_no_box_is_refused(self, padding):
        """It was found in a worker, as a singular matrix or not at all."""
        with pytest.raises(ValueError, match=r"GetBBoxCenterScale: padding=.* must be a number above 0"):
            GetBBoxCenterScale(padding=padding)


class TestAffine:
    @settings(max_examples=40, deadline=None)
    @given(
        x=st.integers(20, 99),
        y=st.integers(20, 69),
        rotation=st.floats(-180, 180),
        zoom=st.floats(1, 2),
        use_udp=st.booleans(),
    )
    def test_a_keypoint_lands_on_the_pixel_that_it_marks(self, x, y, rotation, zoom, use_udp):
        image = np.zeros((90, 120, 3), np.uint8)
        image[y - 2 : y + 3, x - 2 : x + 3] = 255
        sample = {
            "img": image,
            "keypoints": np.array([[[x, y]]], np.float32),
            "bbox_center": np.array([[x + 3, y - 5]], np.float32),
            "bbox_scale": np.array([[60, 40]], np.float32) / np.float32(zoom),
            "bbox_rotation": np.array([rotation], np.float32),
        }
        sample = TopdownAffine(input_size=(60, 60), use_udp=use_udp)(sample)
        weights = sample["img"][..., 0].astype(np.float64)
        rows, columns = np.indices(weights.shape)
        centroid = (columns * weights).sum() / weights.sum(), (rows * weights).sum() / weights.sum()
        np.testing.assert_allclose(sample["transformed_keypoints"][0, 0], centroid, atol=0.15)

    def test_the_shorter_side_grows_to_the_aspect_ratio(self, person):
        for scale, grown in (((30, 30), (30, 40)), ((30, 60), (45, 60)), ((30, 40), (30, 40))):
            sample = person(bbox_center=np.array([[60, 45]], np.float32), bbox_scale=np.array([scale], np.float32))
            out = TopdownAffine(input_size=(24, 32))(sample)
            np.testing.assert_allclose(out["bbox_scale"], [grown])
            assert out["bbox_scale"].dtype == np.float32

    def test_a_sample_without_keypoints_gets_none(self, person):
        # MMPose invents keypoints_visible (1, 1, 1) and keypoints without a shape here.
        sample = GetBBoxCenterScale()(person(keypoints=None, keypoints_visible=None))
        out = TopdownAffine(input_size=(24, 32))(sample)
        assert out["img"].shape == (32, 24, 3)
        assert not {"transformed_keypoints", "keypoints_visible"} & set(out)

    def test_several_boxes_and_odd_sizes_are_refused(self, person):
        crowd = {key: np.ones((2, 2), np.float32) for key in ("bbox_center", "bbox_scale")}
        with pytest.raises(
            ValueError, match=r"'coco' has 2 boxes, and top-down models take one. Set data_mode='topdown'"
        ):
            TopdownAffine(input_size=(24, 32))(person(**crowd))
        for size in ((24,), (24, 32.5), 24, (0, 32)):
            with pytest.raises(ValueError, match="must be two whole numbers"):
                TopdownAffine(input_size=size)
