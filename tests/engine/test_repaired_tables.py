"""Index tables of MMPose that are known to be wrong."""

from __future__ import annotations

from mmpose_mix.engine.repaired_tables import repair_tables, repaired_table
from mmpose_mix.keypoints.matching import match_keypoints
from mmpose_mix.metainfo import named_keypoint_set

WRONG_EYES = {8: 60, 9: 72, 10: 64, 11: 68, 12: 62, 13: 66, 14: 70, 15: 74}
RIGHT = dict(match_keypoints(named_keypoint_set("cofw"), named_keypoint_set("lapa"), approximate=True).mapping.pairs)


# section 2b, face6
def test_eye_points_of_cofw_go_to_the_eyes_of_lapa() -> None:
    wrong = [(source, WRONG_EYES.get(source, target)) for source, target in RIGHT.items()]
    config = {"datasets": [{"pipeline": [{"num_keypoints": 106, "mapping": wrong}]}]}
    assert repair_tables(config) == 1
    assert dict(config["datasets"][0]["pipeline"][0]["mapping"]) == RIGHT
    assert repair_tables(config) == 0


def test_other_tables_are_left_alone() -> None:
    wflw = [(i, i) for i in range(98)]
    for count, table in ((106, list(RIGHT.items())), (106, wflw), (17, [(0, 0)]), (106, "auto"), (None, None)):
        assert repaired_table(count, table) is table
