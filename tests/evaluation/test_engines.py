"""The engines of the keypoint evaluation: one choice, the numbers of pycocotools."""

from __future__ import annotations

import contextlib
import copy
import io
import re
from importlib.util import find_spec

import numpy as np
import pytest
from crowded_scenes import Scene, scene
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.cocoeval import COCOeval
from tiny_people import META, annotation, dataset, sample

from mmpose_mix.evaluation import CocoMetric, coco, engines
from mmpose_mix.evaluation.average_precision import crowd_keypoint_precision
from mmpose_mix.evaluation.engines import engine_for, evaluated, indexed

HERE = [
    "pycocotools",
    pytest.param("hotcoco", marks=pytest.mark.skipif(find_spec("hotcoco") is None, reason="hotcoco is not installed")),
]
STRICT = {"rtol": 0, "atol": 1e-9}

scenes = st.builds(
    scene,
    seed=st.integers(0, 2**32 - 1),
    num_keypoints=st.sampled_from([1, 14, 17, 19, 26, 133]),
    images=st.integers(1, 8),
    people=st.integers(0, 30),
    found=st.integers(0, 60),
    categories=st.sampled_from([1, 1, 2]),
)


def by_pycocotools_alone(given: Scene, image_ids: list | None = None) -> np.ndarray:
    """The ten statistics by pycocotools' own steps, matched anew."""
    given = copy.deepcopy(given)
    found = {**given.dataset, "annotations": given.detections}
    evaluation = COCOeval(indexed(given.dataset), indexed(found), "keypoints")
    evaluation.params.kpt_oks_sigmas = given.sigmas
    if image_ids is not None:
        evaluation.params.imgIds = image_ids
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


@pytest.mark.parametrize("engine", HERE)
@given(scenes)
@settings(max_examples=120, deadline=None)
def test_the_statistics_are_those_of_pycocotools(engine, given):
    found = evaluated(engine, given.dataset, given.detections, given.sigmas).statistics()
    np.testing.assert_allclose(found, by_pycocotools_alone(given), **STRICT)


@pytest.mark.parametrize("engine", HERE)
@given(scenes, st.data())
@settings(max_examples=60, deadline=None)
def test_statistics_of_some_images_are_those_of_these_images_matched_alone(engine, given, data):
    ids = [image["id"] for image in given.dataset["images"]]
    chosen = data.draw(st.lists(st.sampled_from(ids), unique=True, min_size=1))
    groups = {"_overall": chosen, "none": [], "all": ids}
    found = evaluated(engine, given.dataset, given.detections, given.sigmas).statistics_of(groups)
    assert list(found) == list(groups)
    assert found["none"].tolist() == [-1] * 10
    np.testing.assert_allclose(found["_overall"], by_pycocotools_alone(given, chosen), **STRICT)
    np.testing.assert_allclose(found["all"], by_pycocotools_alone(given), **STRICT)


@pytest.mark.parametrize("engine", HERE)
@pytest.mark.parametrize(
    "sizes",
    [
        {"found": 0},
        {"people": 0},
        {"people": 0, "found": 0},
        {"images": 0},
        {"images": 1, "people": 3, "found": 300},
        {"images": 40, "people": 3, "found": 3},
    ],
    ids=str,
)
def test_there_may_be_nothing_or_more_than_20_detections(engine, sizes):
    given = scene(3, **sizes)
    found = evaluated(engine, given.dataset, given.detections, given.sigmas).statistics()
    expected = by_pycocotools_alone(given) if given.dataset["images"] else np.full(10, -1.0)
    np.testing.assert_allclose(found, expected, **STRICT)


@pytest.mark.parametrize("engine", HERE)
def test_nothing_is_printed(engine, capfd, recwarn):
    given = scene(0)
    evaluation = evaluated(engine, given.dataset, given.detections, given.sigmas)
    evaluation.statistics()
    evaluation.statistics_of({"one": [given.dataset["images"][0]["id"]]})
    assert capfd.readouterr() == ("", "")
    assert not list(recwarn)


@pytest.mark.parametrize("engine", HERE)
def test_classes_of_crowding_are_those_matched_alone(engine):
    given = scene(5, images=9, people=40, found=80)
    images = [{**image, "crowdIndex": place / 9} for place, image in enumerate(given.dataset["images"])]
    evaluation = evaluated(engine, given.dataset, given.detections, given.sigmas)
    found = crowd_keypoint_precision(evaluation, images)
    for name, low, high in (("AP(E)", 0, 0.2), ("AP(M)", 0.2, 0.8), ("AP(H)", 0.8, 1)):
        ids = [image["id"] for image in images if low <= image["crowdIndex"] < high]
        assert found[name] == pytest.approx(by_pycocotools_alone(given, ids)[0], abs=5.1e-5)
    assert crowd_keypoint_precision(evaluation, images, [])["AP(E)"] == -1


def test_auto_takes_hotcoco_where_it_is_installed(monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: object())
    assert [engine_for(engine) for engine in ("auto", "pycocotools", "hotcoco")] == [
        "hotcoco",
        "pycocotools",
        "hotcoco",
    ]
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert engine_for("auto") == "pycocotools"


def test_an_engine_that_cannot_be_had_is_refused_at_build(monkeypatch):
    with pytest.raises(
        ValueError, match=re.escape("engine='xtcocotools', allowed: ('auto', 'hotcoco', 'pycocotools')")
    ):
        CocoMetric(engine="xtcocotools")
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"hotcoco is not installed: run `pip install mmpose_mix\[fast-eval\]`"):
        CocoMetric(engine="hotcoco")


@pytest.mark.parametrize("engine", HERE)
def test_a_pose_at_nan_does_not_count_and_the_log_says_once_which_engine_ran(engine, annotation_file, monkeypatch):
    """pycocotools, and with it MMPose, takes a pose at NaN for a perfect one."""
    said: list[str] = []
    monkeypatch.setattr(coco, "print_log", lambda words, **_: said.append(words))
    people = [annotation(1, 7), annotation(2, 8)]
    metric = CocoMetric(ann_file=annotation_file(dataset(people)), engine=engine)
    metric.dataset_meta = META
    for _ in range(2):
        metric.process([], [sample(people[0]), sample(people[1], offset=np.nan)])
        found = metric.evaluate(2)
        assert found["coco/AR"] == pytest.approx(0.5)
    assert re.findall(r"statistics by (\w+) \d", "\n".join(said)) == [engine]
    assert sum("1 of 2 predicted poses have numbers that are NaN or infinite" in words for words in said) == 2
