"""Object keypoint similarity and the suppression built on it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools.cocoeval import COCOeval

from mmpose_mix.evaluation import object_keypoint_similarity, oks_nms, soft_oks_nms
from mmpose_mix.evaluation.engines import indexed

SIGMAS = np.array([0.05, 0.1, 0.2, 0.079])


@st.composite
def poses(draw, most: int = 8):
    number = draw(st.integers(1, most))
    keypoints = draw(hnp.arrays(np.float64, (number, 4, 2), elements=st.floats(0, 200, width=32)))
    scores = draw(hnp.arrays(np.float64, number, elements=st.floats(0, 1, width=32), unique=True))
    return keypoints, scores, draw(hnp.arrays(np.float64, number, elements=st.floats(1, 1e4, width=32)))


def test_one_keypoint_off_by_its_spread_counts_exp_minus_a_half():
    truth = np.zeros((1, 4, 2))
    moved = truth.copy()
    moved[0, 1, 0] = 2 * SIGMAS[1] * np.sqrt(900)
    similarity = object_keypoint_similarity(truth, moved, np.array([900.0]), SIGMAS)
    assert similarity[0, 0] == pytest.approx((3 + np.exp(-0.5)) / 4)


def test_only_counted_keypoints_enter_the_mean():
    truth = np.zeros((2, 4, 2))
    far = np.array([[[0, 0], [0, 0], [1e6, 0], [1e6, 0]]])
    counted = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    similarity = object_keypoint_similarity(truth, far, np.array([900.0, 900.0]), SIGMAS, counted)
    assert similarity[:, 0].tolist() == [1.0, 0.0]


def test_it_is_the_similarity_that_pycocotools_computes():
    random = np.random.RandomState(0)
    truth, found = random.uniform(0, 60, (3, 4, 2)), random.uniform(0, 60, (5, 4, 2))
    visible, areas = random.randint(0, 3, (3, 4)), random.uniform(500, 3000, 3)
    visible[:, 0] = 2
    common = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 0, "num_keypoints": 1}

    def index(points, marks, sizes):
        triples = np.concatenate([points, marks[..., None]], axis=-1).reshape(len(points), -1).tolist()
        people = [
            {**common, "id": i + 1, "keypoints": triple, "area": sizes[i], "score": -i}
            for i, triple in enumerate(triples)
        ]
        return indexed({"images": [{"id": 1}], "annotations": people, "categories": [{"id": 1}]})

    evaluation = COCOeval(index(truth, visible, areas), index(found, np.ones((5, 4)), np.ones(5)), "keypoints")
    evaluation.params.kpt_oks_sigmas = SIGMAS
    evaluation._prepare()
    expected = evaluation.computeOks(1, 1)
    np.testing.assert_allclose(object_keypoint_similarity(truth, found, areas, SIGMAS, visible > 0).T, expected)


@given(poses())
@settings(max_examples=50, deadline=None)
def test_similarity_lies_in_0_to_1_and_is_1_to_oneself(drawn):
    keypoints, _, areas = drawn
    similarity = object_keypoint_similarity(keypoints, keypoints, areas, SIGMAS)
    assert ((similarity >= 0) & (similarity <= 1)).all()
    assert np.diag(similarity).tolist() == [1] * len(keypoints)


@given(poses(), st.randoms(use_true_random=False), st.floats(0.05, 0.95))
@settings(max_examples=50, deadline=None)
@pytest.mark.parametrize("suppress", [oks_nms, soft_oks_nms])
def test_the_order_of_the_poses_does_not_matter(suppress, drawn, random, threshold):
    keypoints, scores, areas = drawn
    shuffled = list(range(len(scores)))
    random.shuffle(shuffled)
    kept = suppress(keypoints, scores, areas, SIGMAS, threshold)
    again = suppress(keypoints[shuffled], scores[shuffled], areas[shuffled], SIGMAS, threshold)
    if suppress is oks_nms:
        assert kept.tolist() == [shuffled[i] for i in again]
    else:
        assert sorted(kept) == sorted(shuffled[i] for i in again)


@given(poses(), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_nms_keeps_the_best_pose_and_no_two_similar_ones(drawn, threshold):
    keypoints, scores, areas = drawn
    kept = oks_nms(keypoints, scores, areas, SIGMAS, threshold)
    assert kept[0] == scores.argmax()
    assert (np.diff(scores[kept]) <= 0).all()
    mean_areas = (areas[kept][:, None] + areas[kept]) / 2
    similarity = object_keypoint_similarity(keypoints[kept], keypoints[kept], mean_areas, SIGMAS)
    np.fill_diagonal(similarity, 0)
    assert (similarity <= threshold).all()


@given(poses())
@settings(max_examples=25, deadline=None)
def test_threshold_1_keeps_every_pose(drawn):
    keypoints, scores, areas = drawn
    assert sorted(oks_nms(keypoints, scores, areas, SIGMAS, 1.0)) == list(range(len(scores)))


@given(poses(), st.integers(1, 10))
@settings(max_examples=50, deadline=None)
def test_soft_nms_keeps_as_many_as_it_may(drawn, most):
    keypoints, scores, areas = drawn
    chosen = soft_oks_nms(keypoints, scores, areas, SIGMAS, 0.5, max_poses=most)
    assert chosen[0] == scores.argmax()
    assert len(set(chosen.tolist())) == len(chosen) == min(most, len(scores))


def test_soft_nms_with_a_wide_penalty_is_the_order_of_scores():
    keypoints, scores, areas = np.zeros((4, 4, 2)), np.array([0.1, 0.9, 0.5, 0.3]), np.ones(4)
    assert soft_oks_nms(keypoints, scores, areas, SIGMAS, 1e9).tolist() == [1, 2, 3, 0]


def test_soft_nms_puts_a_repeated_pose_behind_a_lesser_one_elsewhere():
    keypoints = np.zeros((3, 4, 2))
    keypoints[2] = 1000
    areas = np.full(3, 900.0)
    assert soft_oks_nms(keypoints, np.array([0.9, 0.8, 0.5]), areas, SIGMAS, 0.5).tolist() == [0, 2, 1]


def test_no_poses_leave_no_poses():
    nothing = (np.zeros((0, 4, 2)), np.zeros(0), np.zeros(0), SIGMAS, 0.9)
    assert oks_nms(*nothing).tolist() == soft_oks_nms(*nothing).tolist() == []


def test_all_misfits_are_named_at_once():
    findings = (
        r"poses have 4 keypoints, others 5; sigmas has shape \(3,\), expected \(4,\); areas has shape \(4,\), expected"
    )
    with pytest.raises(ValueError, match=findings):
        object_keypoint_similarity(np.zeros((2, 4, 2)), np.zeros((3, 5, 2)), np.zeros(4), np.zeros(3))
