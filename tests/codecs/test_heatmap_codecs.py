"""MSRAHeatmap and UDPHeatmap: keypoints to maps and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.codecs import MSRAHeatmap, UDPHeatmap
from mmpose_mix.registry import KEYPOINT_CODECS

SMALL = {"input_size": (24, 32), "heatmap_size": (6, 8)}
USUAL = {"input_size": (192, 256), "heatmap_size": (48, 64)}
KEYPOINTS = np.array([[[10.2, 17.9], [0.0, 0.0], [23.4, 40.0], [31.0, 6.0]]], np.float32)
VISIBLE = np.array([[1, 1, 1, 0.3]], np.float32)

# What MMPose 1.3.2 gives for KEYPOINTS and VISIBLE: row 4 of the first map, the sum of each map, and the keypoints and
# scores it decodes from 0.7 * heatmaps + 0.3 * RandomState(0).rand(*heatmaps.shape).
GOLDEN = {
    "msra": (
        {"type": "MSRAHeatmap", "sigma": 1},
        [0.011109, 0.135335, 0.606531, 1.0, 0.606531, 0.135335],
        [6.25195, 3.07292, 0.00836, 0.0],
        [[13.0, 15.0], [0.0, 0.0], [4.0, 4.0], [20.0, 0.0]],
        [0.9834, 0.79463, 0.28866, 0.29965],
    ),
    "dark": (
        {"type": "MSRAHeatmap", "sigma": 1, "unbiased": True, "blur_kernel_size": 3},
        [0.034594, 0.268726, 0.767926, 0.807298, 0.312215, 0.04442],
        [6.26675, 3.07411, 0.01025, 0.0],
        [[9.95, 17.9208], [0.0, 0.0], [4.0, 4.0], [20.0, 0.0]],
        [0.84851, 0.79463, 0.28866, 0.29965],
    ),
    "udp": (
        {"type": "UDPHeatmap", "sigma": 1, "blur_kernel_size": 3},
        [0.085496, 0.476208, 0.975789, 0.735564, 0.203981, 0.02081],
        [6.26497, 3.07292, 0.22888, 0.0],
        [[10.6611, 18.2803], [0.8798, -2.0761], [25.9386, 32.1139], [26.4, -2.2857]],
        [0.7983, 0.79463, 0.35601, 0.29965],
    ),
    "udp_combined": (
        {"type": "UDPHeatmap", "heatmap_type": "combined", "radius_factor": 0.25, "blur_kernel_size": 3},
        [0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        [11.0, -6.78261, 13.00645, 6.0, -60.0, -84.0, 0.0, 62.08696, 132.77419, 0.0, 0.0, 0.0],
        [[12.4595, 21.0423], [0.5362, 2.3694], [24.8597, 29.9961], [26.6557, 32.8229]],
        [0.59415, 0.61794, 0.18272, 0.19926],
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_maps_weights_and_decoded_keypoints_are_those_of_mmpose(name):
    config, row, sums, keypoints, scores = GOLDEN[name]
    codec = KEYPOINT_CODECS.build({**config, **SMALL})
    encoded = codec.encode(KEYPOINTS, VISIBLE)
    heatmaps = encoded["heatmaps"]
    np.testing.assert_allclose(heatmaps[0, 4], row, atol=1e-6)
    np.testing.assert_allclose(heatmaps.sum(axis=(1, 2), dtype=np.float64), sums, atol=2e-5)
    np.testing.assert_array_equal(encoded["keypoint_weights"], VISIBLE)

    noise = np.random.RandomState(0).rand(*heatmaps.shape).astype(np.float32)
    mixed = heatmaps * np.float32(0.7) + noise * np.float32(0.3)
    before = mixed.copy()
    decoded, maxima = codec.decode(mixed)
    np.testing.assert_allclose(decoded[0], keypoints, atol=2e-4)
    np.testing.assert_allclose(maxima[0], scores, atol=1e-5)
    np.testing.assert_array_equal(mixed, before)
    assert {part.dtype for part in (heatmaps, encoded["keypoint_weights"], decoded, maxima)} == {np.dtype(np.float32)}


def test_a_keypoint_is_weighted_down_only_when_its_three_sigma_box_lies_outside():
    codec = MSRAHeatmap(**USUAL, sigma=2)
    x = np.array([-38, -33, -26, 0, 191, 213, 215], np.float32)
    encoded = codec.encode(np.stack((x, np.full_like(x, 100)), axis=-1)[None])
    np.testing.assert_array_equal(encoded["keypoint_weights"], [[0, 1, 1, 1, 1, 1, 0]])
    # At -33 the box ends one pixel before the map: MMPose, and the models trained with it, still count that as inside.
    np.testing.assert_array_equal(
        encoded["heatmaps"].max(axis=(1, 2)) > 0, [False, False, True, True, True, True, False]
    )


@pytest.mark.parametrize("sigma", [1, 1.5, 2, 2.1, 2.25, 3])
def test_a_gaussian_is_symmetric_around_its_keypoint_whatever_sigma(sigma):
    # MMPose cuts 3 sigma to a whole number in several ways: with 3 * sigma = 6.3 its peak lies a pixel off.
    heatmap = MSRAHeatmap(**USUAL, sigma=sigma).encode(np.array([[[80.0, 120.0]]]))["heatmaps"][0]
    assert np.unravel_index(heatmap.argmax(), heatmap.shape) == (30, 20)
    np.testing.assert_array_equal(heatmap[20:41, 10:31], heatmap[20:41, 10:31][::-1, ::-1])
    assert heatmap[30, 20] == 1
    assert (heatmap[30] > 0).sum() == 2 * int(3 * sigma) + 1


def test_instances_meet_by_their_maximum_and_keep_their_own_weights():
    codec = MSRAHeatmap(**USUAL, sigma=2)
    keypoints = np.random.RandomState(1).uniform(0, 190, (3, 5, 2)).astype(np.float32)
    visible = np.array([[1, 0, 1, 1, 1], [1, 1, 0, 0, 1], [0, 0, 1, 0, 1]], np.float32)
    together = codec.encode(keypoints, visible)
    alone = [codec.encode(keypoints[n : n + 1], visible[n : n + 1]) for n in range(3)]
    np.testing.assert_array_equal(together["heatmaps"], np.max([one["heatmaps"] for one in alone], axis=0))
    np.testing.assert_array_equal(together["keypoint_weights"], visible)
    nobody = codec.encode(np.zeros((0, 5, 2), np.float32))
    assert nobody["heatmaps"].shape == (5, 64, 48)
    assert not nobody["heatmaps"].any()


@pytest.mark.parametrize("name", GOLDEN)
def test_maps_without_a_positive_value_decode_to_minus_one_pixel_and_score_as_they_are(name):
    codec = KEYPOINT_CODECS.build({**GOLDEN[name][0], **USUAL})
    channels = 6 if name == "udp_combined" else 2
    for heatmaps, score in ((np.zeros((channels, 64, 48)), 0), (np.full((channels, 64, 48), -0.5), -0.5)):
        keypoints, scores = codec.decode(heatmaps)
        step = codec.scale_factor if name in ("msra", "dark") else np.array([192, 256]) / [47, 63]
        np.testing.assert_allclose(keypoints, np.broadcast_to(-step, (1, 2, 2)), rtol=1e-6)
        np.testing.assert_allclose(scores, score, atol=1e-6)


@pytest.mark.parametrize("name", GOLDEN)
def test_maps_of_a_channels_last_model_decode_as_any_others(name):
    codec = KEYPOINT_CODECS.build({**GOLDEN[name][0], **USUAL})
    maps = np.random.default_rng(0).random((6, 64, 48), dtype=np.float32)
    channels_last = np.ascontiguousarray(maps.transpose(1, 2, 0)).transpose(2, 0, 1)
    assert not channels_last.flags.c_contiguous
    for expected, found in zip(codec.decode(maps), codec.decode(channels_last)):
        np.testing.assert_array_equal(expected, found)


def test_keypoints_that_are_no_numbers_are_left_out():
    for codec in (MSRAHeatmap(**USUAL, sigma=2), UDPHeatmap(**USUAL)):
        encoded = codec.encode(np.full((1, 2, 2), np.nan, np.float32))
        assert not encoded["heatmaps"].any()
        assert not encoded["keypoint_weights"].any()


# away from the border, where the blur before decoding sees zeros
inside = st.tuples(st.floats(32, 159), st.floats(32, 223))


@settings(max_examples=30, deadline=None)
@given(points=st.lists(inside, min_size=1, max_size=5))
def test_decoding_gives_back_what_was_encoded(points):
    keypoints = np.array([points], np.float32)
    # Half a heatmap pixel for a peak on a pixel, next to nothing for a peak where the keypoint is. (input pixels)
    for name, bound in {"msra": 2.001, "dark": 0.1, "udp": 0.1, "udp_combined": 0.02}.items():
        config = {key: GOLDEN[name][0][key] for key in ("type", "unbiased", "heatmap_type") if key in GOLDEN[name][0]}
        if name != "udp_combined":
            config["sigma"] = 2
        codec = KEYPOINT_CODECS.build({**config, **USUAL})
        decoded, scores = codec.decode(codec.encode(keypoints)["heatmaps"])
        if name.startswith("udp"):
            decoded = decoded * (np.array([191, 255]) / [192, 256])
        assert np.abs(decoded - keypoints).max() <= bound, name
        assert (scores > 0).all()


def test_what_heads_and_transforms_ask_of_a_codec():
    for codec in (MSRAHeatmap(**USUAL, sigma=2), UDPHeatmap(**USUAL)):
        assert codec.field_mapping_table == {"heatmaps": "heatmaps"}
        assert codec.label_mapping_table == {"keypoint_weights": "keypoint_weights"}
        assert not codec.instance_mapping_table
        assert not codec.auxiliary_encode_keys
        assert not codec.support_batch_decoding
        assert codec.scale_factor.dtype == np.float32


@pytest.mark.parametrize(
    ("codec", "arguments", "words"),
    [
        (
            MSRAHeatmap,
            {"input_size": (192, 25.6), "heatmap_size": (48,), "sigma": 0, "blur_kernel_size": 4},
            ["input_size=(192, 25.6)", "heatmap_size=(48,)", "sigma=0", "blur_kernel_size=4", "must be an odd"],
        ),
        (MSRAHeatmap, {**USUAL, "sigma": "2"}, ["sigma='2' must be a number above 0"]),
        (
            UDPHeatmap,
            {**USUAL, "heatmap_type": "Gaussian", "radius_factor": 0},
            ["heatmap_type='Gaussian' must be one of ('gaussian', 'combined')", "radius_factor=0"],
        ),
        (UDPHeatmap, {"input_size": (192, 256), "heatmap_size": (1, 64)}, ["heatmap_size=(1, 64)", "at least 2"]),
    ],
)
def test_every_argument_that_is_out_of_range_is_named(codec, arguments, words):
    with pytest.raises(ValueError, match=codec.__name__) as caught:
        codec(**arguments)
    for word in words:
        assert word in str(caught.value)


def test_shapes_that_do_not_fit_are_named():
    codec = MSRAHeatmap(**USUAL, sigma=2)
    with pytest.raises(ValueError, match=r"keypoints have shape \(17, 2\), must be \(N, K, 2\)"):
        codec.encode(np.zeros((17, 2)))
    with pytest.raises(ValueError, match=r"keypoints_visible has shape \(1, 17, 2\), must be \(1, 17\).*first channel"):
        codec.encode(np.zeros((1, 17, 2)), np.ones((1, 17, 2)))
    with pytest.raises(ValueError, match="takes one instance, but 2 were given"):
        UDPHeatmap(**USUAL, heatmap_type="combined").encode(np.zeros((2, 17, 2)))
