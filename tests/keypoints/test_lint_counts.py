from __future__ import annotations

import pytest

from mmpose_mix.keypoints.lint_counts import lint_annotated, lint_head, lint_metric, lint_output_indices


@pytest.mark.parametrize(
    "found",
    [
        lint_annotated("a.json", 17, 17),
        lint_head("head", 17, 17),
        lint_head("head", 51, 17, 3),
        lint_output_indices("model", range(17), 19),
        lint_metric("metric", 17, 17),
        lint_metric("metric", 17, 17, 17),
    ],
)
def test_numbers_that_agree_are_no_finding(found):
    assert found == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            lint_annotated("a.json", 133, 136),
            (
                "error DATA306 a.json: 133 keypoints per person, but the keypoint set has 136. Fix: give the metainfo "
                "of this file, or the file of this metainfo"
            ),
        ),
        (
            lint_head("model.head", 17, 19),
            "error NUM401 model.head: out_channels=17 predicts 17 keypoints, but 19 arrive. Fix: set out_channels=19",
        ),
        (
            lint_head("model.head", 17, 19, 3),
            (
                "error NUM401 model.head: out_channels=17 predicts 5.66667 keypoints of 3 maps each, but 19 arrive. "
                "Fix: set out_channels=57"
            ),
        ),
        (
            lint_output_indices("model.test_cfg", [0, 0, 19, -1, "2", True], 19),
            (
                "error NUM402 model.test_cfg: output_keypoint_indices: no integers: '2', True; out of range: -1, 19; "
                "twice: 0. Fix: give different integers 0 to 18"
            ),
        ),
        (
            lint_metric("val_evaluator", 19, 17),
            (
                "error NUM403 val_evaluator: predictions have 19 keypoints, the annotations 17. Fix: choose by "
                "output_keypoint_indices, or evaluate on the keypoint set of the predictions"
            ),
        ),
        (
            lint_metric("val_evaluator", 17, 17, 0),
            (
                "error NUM404 val_evaluator: OKS needs 17 sigmas, the keypoint set has 0. Fix: give the sigmas in the "
                "metainfo, or use PCK or NME"
            ),
        ),
    ],
)
def test_numbers_that_disagree_are_said_in_these_words(found, words):
    assert [str(each) for each in found] == [words]
