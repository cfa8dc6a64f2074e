"""Heatmaps and decoded keypoints equal MMPose's at borders, outside and between pixels."""

from __future__ import annotations

from typing import Any

import golden_inputs as given
import numpy as np
import observations as look
import pytest
from golden_compare import unequal

from mmpose_mix import registry

FRACTIONAL = ("msra_fractional_window", "udp_fractional_window")
WHOLE = tuple(name for name in given.codec_cases() if name not in FRACTIONAL)


@pytest.fixture(scope="module")
def expected(recorded: Any) -> Any:
    return recorded("codecs")["numbers"]


@pytest.fixture(scope="module")
def actual() -> Any:
    return look.observe_codecs(registry)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("what", ["heatmaps", "keypoint_weights"])
def test_encoding_gives_mmposes_numbers(name: str, what: str, expected: Any, actual: Any) -> None:
    assert not unequal(expected[name][what], actual[name][what], where=name, atol=1e-6)


@pytest.mark.parametrize("name", given.codec_cases())
def test_decoding_gives_mmposes_numbers_where_a_map_has_a_peak(name: str, expected: Any, actual: Any) -> None:
    peaks = slice(0, -2) if name != "udp_combined" else slice(0, None)
    for what in ("keypoints", "scores"):
        assert not unequal(expected[name][what][:, peaks], actual[name][what][:, peaks], where=name, atol=2e-4)
    assert not unequal(expected[name]["scale_factor"], actual[name]["scale_factor"])


@pytest.mark.parametrize("name", given.codec_cases())
def test_a_map_without_a_peak_never_decodes_to_nan(name: str, expected: Any, actual: Any) -> None:
    """docs/differences.md, codecs: MMPose's DARK refinement divides by the maximum 0 of an empty map."""
    assert np.isfinite(actual[name]["keypoints"]).all()
    assert not unequal(expected[name]["scores"], actual[name]["scores"])
    reference, found = (numbers[name]["keypoints"][0, -2:] for numbers in (expected, actual))
    finite = np.isfinite(reference)
    np.testing.assert_allclose(found[finite], reference[finite], rtol=1e-5)


@pytest.mark.parametrize("name", FRACTIONAL)
def test_a_window_of_a_fractional_radius_is_centred_on_its_keypoint(name: str, expected: Any, actual: Any) -> None:
    """docs/differences.md, codecs: where three sigma is no whole number, MMPose's window is cut towards zero.

    Near the left and top border its peak then stands a pixel away from the keypoint; elsewhere the last pixel of the
    window, a hundredth of the peak, is there on one side only.
    """
    reference, found = expected[name]["heatmaps"], actual[name]["heatmaps"]
    origin = 0  # the keypoint at (0, 0)
    assert reference[origin].argmax() != 0
    assert found[origin].argmax() == 0
    inside = [3, 4, 22, 23]
    assert np.abs(reference[inside] - found[inside]).max() < 0.02


@pytest.mark.parametrize("name", given.codec_cases())
def test_a_codec_gives_float32(name: str, actual: Any) -> None:
    assert {actual[name][what].dtype for what in ("heatmaps", "keypoint_weights")} == {np.dtype(np.float32)}
