"""Suppression in many images at once: the choice in each is that of one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.evaluation import object_keypoint_similarity, suppression
from mmpose_mix.evaluation.suppression import greedy, kept_poses, penalised

SIGMAS = np.array([0.05, 0.1, 0.2])


def one_by_one(keypoints, scores, areas, threshold, soft: bool) -> list[int]:
    """Non-maximum suppression of one image's poses, step by step."""
    left = np.argsort(scores, kind="stable")[::-1].tolist()
    worth = {pose: scores[pose] for pose in left}
    chosen = []
    while left and (not soft or len(chosen) < 20):
        best = left.pop(0)
        chosen.append(best)
        similarity = {
            pose: object_keypoint_similarity(
                keypoints[best][None], keypoints[pose][None], np.array([(areas[best] + areas[pose]) / 2]), SIGMAS
            )[0, 0]
            for pose in left
        }
        if soft:
            worth = {pose: worth[pose] * np.exp(-(similarity[pose] ** 2) / threshold) for pose in left}
            left.reverse()
            left.sort(key=worth.__getitem__, reverse=True)
        else:
            left = [pose for pose in left if similarity[pose] <= threshold]
    return chosen


def poses(seed: int, counts: list[int]):
    random = np.random.RandomState(seed)
    images = np.repeat(np.arange(len(counts)), counts)
    centres = random.uniform(0, 20, (len(images), 1, 2))
    keypoints = centres + random.normal(0, 4, (len(images), 3, 2))
    return images, keypoints, random.uniform(0, 1, len(images)), random.uniform(500, 4000, len(images))


@pytest.mark.parametrize("soft", [False, True])
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 30), max_size=8), st.floats(0.1, 0.95))
@settings(max_examples=40, deadline=None)
def test_each_image_keeps_what_it_keeps_alone(soft, seed, counts, threshold):
    images, keypoints, scores, areas = poses(seed, counts)
    kept = kept_poses(images, keypoints, scores, areas, SIGMAS, (penalised if soft else greedy)(threshold))
    expected = []
    for image in range(len(counts)):
        rows = np.flatnonzero(images == image)
        expected += rows[one_by_one(keypoints[rows], scores[rows], areas[rows], threshold, soft)].tolist()
    assert kept.tolist() == expected


@pytest.mark.parametrize("choose", [greedy(0.5), penalised(0.5)])
def test_portions_do_not_change_the_choice(choose, monkeypatch):
    data = poses(1, [4] * 30 + [7] * 5)
    whole = kept_poses(*data, SIGMAS, choose)
    monkeypatch.setattr(suppression, "_AT_ONCE", 32)
    assert kept_poses(*data, SIGMAS, choose).tolist() == whole.tolist()


def test_of_equal_scores_the_later_pose_is_the_better_one():
    same = np.zeros((2, 3, 2))
    kept = kept_poses(np.zeros(2, int), same, np.ones(2), np.full(2, 900.0), SIGMAS, greedy(0.9))
    assert kept.tolist() == [1]
