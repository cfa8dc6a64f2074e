"""Keys of draws: what augmentations are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.mixing import permutation, plan, resampling
from mmpose_mix.mixing.draw_keys import STREAM, augmentation_keys
from mmpose_mix.mixing.permutation import hash_of, hashes_of

PARTS = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("seed", "first"),
    [
        (0, [9338170624117407428, 8683729376976184503]),
        (2**63, [9189652586612391549, 2553025847672784375]),
    ],
)
def test_golden_keys(seed, first):
    """A key is part of what a seed means: it must not change between releases."""
    assert augmentation_keys(seed, [0, 1]).tolist() == first


@settings(max_examples=60, deadline=None)
@given(key=st.lists(st.integers(-(2**63), 2**64 - 1), max_size=4), parts=st.lists(PARTS, max_size=5))
def test_many_hashes_equal_one_at_a_time(key, parts):
    assert hashes_of(key, parts).tolist() == [hash_of(*key, part) for part in parts]


@settings(max_examples=60, deadline=None)
@given(seed=PARTS, position=st.integers(0, 2**62))
def test_a_key_is_the_hash_of_stream_seed_and_position(seed, position):
    assert augmentation_keys(seed, [position]).tolist() == [hash_of(STREAM, seed, position)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_keys_have_the_shape_of_the_positions(shape):
    keys = augmentation_keys(1, np.zeros(shape, dtype=np.int64))
    assert keys.shape == shape
    assert keys.dtype == np.uint64


def test_no_two_draws_share_a_key_and_seeds_are_unrelated():
    positions = np.arange(10**6)
    keys = np.concatenate([augmentation_keys(seed, positions) for seed in (0, 1)])
    assert len(np.unique(keys)) == 2 * 10**6
    ones = np.unpackbits(keys.view(np.uint8)).mean()
    assert abs(ones - 0.5) < 1e-3
    low = np.bincount((keys[: 10**6] & np.uint64(255)).astype(np.int64), minlength=256)
    assert ((low - 10**6 / 256) ** 2 / (10**6 / 256)).sum() < 255 + 6 * np.sqrt(2 * 255)


def test_augmentations_repeat_no_shuffle():
    assert len({STREAM, plan.STREAM, resampling.STREAM}) == 3
    assert hash_of(STREAM, 0, 0) not in {hash_of(plan.STREAM, 0, 0), hash_of(resampling.STREAM, 0, 0)}
    assert permutation.hash_of is hash_of
