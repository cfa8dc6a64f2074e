from __future__ import annotations

import copy
from typing import Any

import pytest

PERSON = {
    "dataset_name": "person",
    "paper_info": {"title": "A paper"},
    "keypoint_info": {
        0: {"name": "nose", "id": 0, "color": [1, 2, 3], "type": "upper", "swap": ""},
        1: {"name": "left_hand", "id": 1, "color": [4, 5, 6], "type": "upper", "swap": "right_hand"},
        2: {"name": "right_hand", "id": 2, "type": "upper", "swap": "left_hand"},
        3: {"name": "left_foot", "id": 3, "type": "lower", "swap": "right_foot"},
        4: {"name": "right_foot", "id": 4, "type": "lower", "swap": "left_foot"},
        5: {"name": "bag", "id": 5},
    },
    "skeleton_info": {
        0: {"link": ("nose", "left_hand"), "id": 0, "color": [7, 8, 9]},
        1: {"link": ("left_foot", "right_foot"), "id": 1},
    },
    "joint_weights": [1.0, 1.5, 1.5, 2, 2, 0],
    "sigmas": [0.1, 0.2, 0.2, 0.3, 0.3, 0.4],
}


@pytest.fixture
def person() -> dict[str, Any]:
    """A `dataset_info` of six keypoints, the test's own copy."""
    return copy.deepcopy(PERSON)
