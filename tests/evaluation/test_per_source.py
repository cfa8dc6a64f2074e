"""A mixture as validation set: the statistics of each source beside those of all."""

from __future__ import annotations

import re

import pytest
from tiny_people import META, annotation, sample

from mmpose_mix.evaluation import CocoMetric
from mmpose_mix.evaluation.predictions import PredictedPoses
from mmpose_mix.evaluation.sources import images_of_sources


def evaluate(samples: list, meta: dict = META, **arguments) -> dict:
    metric = CocoMetric(**arguments)
    metric.dataset_meta = meta
    metric.process([], samples)
    return metric.evaluate(len(samples))


def mixture(names: tuple = ("coco", "aic"), offsets: tuple = (0.0, 6.0)) -> list[dict]:
    """Of each source two images with one person each; the sources use the same ids, as files of their own do."""
    return [
        sample(annotation(number, number), offset=offset * number, source=source, dataset_name=name)
        for source, (name, offset) in enumerate(zip(names, offsets))
        for number in (1, 2)
    ]


@pytest.mark.parametrize("nms_mode", ["none", "oks_nms", "soft_oks_nms"])
def test_each_source_has_the_statistics_that_it_has_alone(nms_mode):
    """Reference row 3A-8: ids of two sources collide; row 3A-9: no statistics per source."""
    samples = mixture()
    found = evaluate(samples, per_source=True, nms_mode=nms_mode)
    for source, name in enumerate(("coco", "aic")):
        alone = evaluate([s for s in samples if s["source"] == source], nms_mode=nms_mode)
        assert {key.replace(f"coco/{name}/", "coco/"): v for key, v in found.items() if f"/{name}/" in key} == (
            pytest.approx(alone, abs=1e-9)
        )
    overall = {key: value for key, value in found.items() if key.count("/") == 1}
    assert overall == pytest.approx(evaluate(samples, nms_mode=nms_mode), abs=1e-9)
    assert found["coco/aic/AP"] < found["coco/AP"] < found["coco/coco/AP"] == pytest.approx(1)


def test_sources_of_one_name_are_told_apart():
    found = evaluate(mixture(names=("coco", "coco")), per_source=True, prefix="val")
    assert found["val/coco[0]/AP"] == pytest.approx(1)
    assert found["val/coco[1]/AP"] < 1


def test_crowding_is_counted_within_each_source():
    samples = [dict(one, crowd_index=one["id"] / 2) for one in mixture()]
    found = evaluate(samples, per_source=True, iou_type="keypoints_crowd")
    assert (found["coco/coco/AP(M)"], found["coco/coco/AP(H)"], found["coco/coco/AP(E)"]) == (1, 1, -1)
    assert found["coco/aic/AP(H)"] < 1


def test_a_file_in_the_metainfo_does_not_hide_the_sources():
    found = evaluate(mixture(), {**META, "ann_file": "/nowhere/else.json"}, per_source=True)
    assert found["coco/coco/AP"] == pytest.approx(1)


def test_names_follow_the_mixture_and_nested_names_are_joined():
    def pose(image: int, source, name) -> PredictedPoses:
        return PredictedPoses.from_sample(sample(annotation(1, image), source=source, dataset_name=name))

    nested = [pose(1, 1, "mpii"), pose(2, 1, "aic"), pose(3, 0, "coco"), pose(4, 2, "coco"), pose(5, 3, None)]
    assert images_of_sources(nested) == {"coco[0]": [3], "aic+mpii": [1, 2], "coco[1]": [4], "source 3": [5]}
    assert images_of_sources([pose(1, None, "b"), pose(2, None, "a")]) == {"a": [2], "b": [1]}


def test_per_source_with_a_file_is_refused():
    with pytest.raises(ValueError, match=re.escape("per_source=True with ann_file") + ".*MultiDatasetEvaluator"):
        CocoMetric(ann_file="some.json", per_source=True)
