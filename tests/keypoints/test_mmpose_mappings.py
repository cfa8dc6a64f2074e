"""Every index table of MMPose 1.3.2's mixtures of data sets, written by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mmpose_mix.keypoints.mapping import KeypointMapping
from mmpose_mix.keypoints.matching import match_keypoints
from mmpose_mix.metainfo import named_keypoint_set

TABLES = json.loads(Path(__file__).with_name("mmpose_mappings.json").read_text())
EYELIDS = ["kpt-68", "kpt-72", "kpt-77", "kpt-81"]

# what 'auto' has to be told, by (source, target); nothing where absent
TOLD = {
    ("mpii", "crowdpose"): {"points": {"neck": "thorax"}},
    ("jhmdb", "crowdpose"): {"approximate": ["top_head"]},
    ("jhmdb", "halpe26"): {"approximate": ["head"]},
    ("halpe", "crowdpose"): {"drop": ["top_head", "neck"]},
    ("posetrack18", "crowdpose"): {"approximate": ["neck"]},
    ("coco_wholebody_face", "lapa"): {"approximate": EYELIDS},
    ("300w", "lapa"): {"approximate": EYELIDS},
    ("halpe", "lapa"): {"approximate": EYELIDS},
    ("humanart21", "coco_wholebody"): {
        "approximate": ["left_forefinger4", "right_forefinger4", "left_big_toe", "right_big_toe"]
    },
    ("wflw", "coco_wholebody"): {"approximate": True},
    ("lapa", "coco_wholebody"): {"approximate": True},
    ("cofw", "coco_wholebody"): {"approximate": True},
}
# the eye points of COFW, which MMPose maps by WFLW's numbers instead of LaPa's: source to MMPose's target, right target
WRONG_EYES = {
    8: (60, 66),
    10: (64, 70),
    12: (62, 68),
    13: (66, 72),
    9: (72, 79),
    11: (68, 75),
    14: (70, 77),
    15: (74, 81),
}
PUPILS = {16: 104, 17: 105}


def _sets(row):
    return named_keypoint_set(row["source"]), named_keypoint_set(row["target"])


def _same_gather(one, other, num_source_keypoints):
    """Whether two mappings give the same numbers for the same keypoints, and the same is labelled."""
    random = np.random.default_rng(0)
    keypoints = random.uniform(1, 99, (3, num_source_keypoints, 2)).astype(np.float32)
    visible = random.integers(0, 2, (3, num_source_keypoints)).astype(np.float32)
    return all(map(np.array_equal, one.apply(keypoints, visible), other.apply(keypoints, visible)))


def test_the_file_holds_all_tables_of_mmpose():
    assert len(TABLES) == 43
    assert len({json.dumps(row["mapping"]) for row in TABLES}) == 31


@pytest.mark.parametrize(
    "row",
    [row for row in TABLES if row["source"] != "cofw" or row["target"] != "lapa"],
    ids=lambda row: f"{row['source']}-{row['target']}",
)
def test_auto_gives_mmposes_gather(row):
    source, target = _sets(row)
    pair = row["source"], row["target"]
    found = match_keypoints(source, target, **TOLD.get(pair, {})).mapping
    wanted = KeypointMapping(row["num_keypoints"], row["mapping"])
    assert sorted(map(repr, found.pairs)) == sorted(map(repr, wanted.pairs))
    assert _same_gather(found, wanted, source.num_keypoints)


@pytest.mark.parametrize("pair", TOLD, ids="-".join)
def test_what_auto_is_told_is_needed(pair):
    row = next(row for row in TABLES if (row["source"], row["target"]) == pair)
    found = match_keypoints(*_sets(row)).mapping
    assert set(map(repr, found.pairs)) != set(map(repr, KeypointMapping(row["num_keypoints"], row["mapping"]).pairs))


def test_the_eyes_of_cofw_go_to_the_eyes_of_lapa():
    row = next(row for row in TABLES if (row["source"], row["target"]) == ("cofw", "lapa"))
    wanted = dict(row["mapping"])
    assert {source: wanted[source] for source in WRONG_EYES} == {s: wrong for s, (wrong, _) in WRONG_EYES.items()}
    wanted |= {source: right for source, (_, right) in WRONG_EYES.items()} | PUPILS
    found = match_keypoints(*_sets(row), approximate=True).mapping
    assert dict(found.pairs) == wanted
