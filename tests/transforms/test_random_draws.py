"""Random draws that mmcv can make a transform repeat."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from mmcv.transforms.utils import cache_random_params

from mmpose_mix.transforms import GetBBoxCenterScale, RandomBBoxTransform, RandomFlip, RandomHalfBody

DRAWING = {
    "flip": RandomFlip(prob=0.5),
    "half body": RandomHalfBody(prob=0.5),
    "box": RandomBBoxTransform(),
}


def outcomes(transform: Any, sample: dict[str, Any], count: int = 12) -> list[bytes]:
    """What the transform makes of the same sample, again and again."""
    made = (transform(copy.deepcopy(sample)) for _ in range(count))
    keys = ("bbox_center", "bbox_scale", "bbox_rotation", "keypoints")
    return [b"".join(one[key].tobytes() for key in keys if key in one) for one in made]


@pytest.mark.parametrize("name", sorted(DRAWING))
def test_a_draw_is_repeated_where_mmcv_shares_it_and_only_there(name: str, person: Any) -> None:
    transform, sample = copy.deepcopy(DRAWING[name]), GetBBoxCenterScale()(person())
    np.random.seed(3)
    assert len(set(outcomes(transform, sample))) > 1
    first = set()
    for _ in range(8):
        with cache_random_params([transform]):
            (outcome,) = set(outcomes(transform, sample))
        first.add(outcome)
    assert len(first) > 1
    assert len(set(outcomes(transform, sample))) > 1


@pytest.mark.parametrize("name", sorted(DRAWING))
def test_sharing_finds_the_method_that_draws(name: str) -> None:
    transform = DRAWING[name]
    (method,) = transform._methods_with_randomness
    assert getattr(transform, method).__self__ is transform
    assert pickle.loads(pickle.dumps(transform))._methods_with_randomness == [method]


def test_two_transforms_do_not_share_their_draws(person: Any) -> None:
    one, other = RandomBBoxTransform(), RandomBBoxTransform()
    sample = GetBBoxCenterScale()(person())
    np.random.seed(0)
    with cache_random_params([one, other]):
        (of_one,), (of_other,) = set(outcomes(one, sample)), set(outcomes(other, sample))
    assert of_one != of_other
