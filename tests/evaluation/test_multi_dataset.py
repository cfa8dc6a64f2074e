"""MultiDatasetEvaluator: every data set by a metric of its own, no sample lost. Reference row 3C-12."""

from __future__ import annotations

import numpy as np
import pytest
from mmengine.evaluator import BaseMetric
from mmengine.registry import EVALUATOR, DefaultScope
from mmengine.structures import InstanceData

from mmpose_mix.evaluation import MultiDatasetEvaluator
from mmpose_mix.registry import METRICS
from mmpose_mix.structures import PoseDataSample

COCO, AIC = {"type": "CocoDataset"}, {"type": "mmpose_mix.AicDataset"}
UNION = {"from_file": "configs/_base_/datasets/coco_aic.py"}


class Counting(BaseMetric):
    """Says how many samples it got, by their ids, and with how many inputs."""

    def process(self, data_batch, data_samples):
        inputs = [None] * len(data_samples) if data_batch is None else data_batch["inputs"]
        self.results += [(sample["id"], one) for sample, one in zip(data_samples, inputs)]

    def compute_metrics(self, results):
        return {"ids": [number for number, _ in results], "inputs": [one for _, one in results]}


def evaluator(*datasets: dict) -> MultiDatasetEvaluator:
    built = MultiDatasetEvaluator([Counting(prefix=f"m{place}") for place in range(len(datasets))], datasets)
    built.dataset_meta = {"dataset_name": "coco_aic"}
    return built


def of(name: str, number: int, **more) -> dict:
    return {"id": number, "dataset_name": name, **more}


def test_samples_go_to_the_metric_of_their_data_set_with_their_inputs():
    both = evaluator(COCO, AIC)
    samples = [of("aic", 1), of("coco", 2), of("aic", 3)]
    both.process(samples, {"inputs": ["a", "b", "c"], "data_samples": samples})
    found = both.evaluate(3)
    assert (found["m0/ids"], found["m1/ids"]) == ([2], [1, 3])
    assert (found["m0/inputs"], found["m1/inputs"]) == (["b"], ["a", "c"])


def test_two_entries_of_one_class_do_not_collapse():
    """Reference row 3C-12: MMPose keys by the class's name, so the last entry takes the samples of both."""
    three = evaluator(COCO, AIC, COCO)
    three.process([of("coco", 1, source=0), of("coco", 2, source=2), of("aic", 3, source=1), of("coco", 4, source=2)])
    found = three.evaluate(4)
    assert [found[f"m{place}/ids"] for place in range(3)] == [[1], [3], [2, 4]]


def test_entries_of_one_class_may_have_names_of_their_own():
    named = {**COCO, "metainfo": {"from_file": "configs/_base_/datasets/coco.py", "dataset_name": "studio"}}
    both = evaluator(COCO, named)
    both.process([of("studio", 1), of("coco", 2)])
    found = both.evaluate(2)
    assert (found["m0/ids"], found["m1/ids"]) == ([2], [1])


def test_metainfo_of_an_entry_goes_before_that_of_its_class():
    """Reference row 3C-12: MMPose gives the metric the class's 17 keypoints, not the 19 of ``metainfo=``."""
    both = evaluator({**COCO, "metainfo": UNION}, AIC)
    assert [metric.dataset_meta["num_keypoints"] for metric in both.metrics] == [19, 14]
    both.dataset_meta = {"dataset_name": "other", "num_keypoints": 3}
    assert [metric.dataset_meta["num_keypoints"] for metric in both.metrics] == [19, 14]


def test_samples_of_a_name_that_is_not_listed_are_an_error():
    """Reference row 3C-12: MMPose drops them silently."""
    with pytest.raises(ValueError, match=r"2 of 3 samples belong to none.*\['coco', 'aic'\].*'mpii'.*'jhmdb'"):
        evaluator(COCO, AIC).process([of("mpii", 1), of("coco", 2), of("jhmdb", 3)])


@pytest.mark.parametrize("source", [None, 1, 5])
def test_a_name_that_stands_twice_needs_the_place_in_the_mixture(source):
    sample = of("coco", 1) if source is None else of("coco", 1, source=source)
    with pytest.raises(
        ValueError, match=rf"source={source}, but that name stands at the places \[0, 2\].*dataset_name="
    ):
        evaluator(COCO, AIC, COCO).process([sample])


def test_a_sample_without_a_name_is_of_the_data_set_that_is_evaluated():
    one = evaluator(COCO)
    one.dataset_meta = {"dataset_name": "coco"}
    one.process([{"id": 1}])
    assert one.evaluate(1)["m0/ids"] == [1]


@pytest.mark.parametrize(
    ("metrics", "datasets", "words"),
    [
        ([Counting()], [COCO, AIC], "1 metrics for 2 data sets"),
        ([], [], "0 metrics for 0 data sets"),
        ([Counting()], [{"metainfo": UNION}], r"datasets\[0\]: expected the config of a data set"),
        ([Counting()], [{"type": "NoDataset"}], r"datasets\[0\]: no data set 'NoDataset' is registered"),
        ([Counting()], [{"type": "ConcatDataset"}], r"datasets\[0\]: ConcatDataset has no keypoint set of its own"),
    ],
)
def test_wrong_arguments_are_refused(metrics, datasets, words):
    with pytest.raises(ValueError, match=words):
        MultiDatasetEvaluator(metrics, datasets)


def test_a_config_builds_it_and_each_data_set_gets_its_own_precision():
    """Two keypoint sets in one run: 17 of COCO and 14 of AIC, each against what its samples carry."""
    config = {
        "type": "MultiDatasetEvaluator",
        "metrics": [{"type": "CocoMetric", "prefix": name} for name in ("coco", "aic")],
        "datasets": [COCO, AIC],
    }
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        built = EVALUATOR.build(config)
    built.dataset_meta = {"dataset_name": "coco_aic"}
    for name, count, shift in (("coco", 17, 0), ("aic", 14, 500)):
        keypoints = np.random.RandomState(count).uniform(10, 90, (1, count, 2))
        triples = np.concatenate([keypoints, np.full((1, count, 1), 2)], axis=-1).ravel().tolist()
        raw = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 100, 100], "keypoints": triples}
        meta = {"id": 1, "img_id": 1, "dataset_name": name, "ori_shape": (100, 100), "raw_ann_info": raw}
        sample = PoseDataSample(metainfo=meta)
        sample.pred_instances = InstanceData(keypoints=keypoints + shift, keypoint_scores=np.ones((1, count)))
        built.process([sample])
    found = built.evaluate(2)
    assert found["coco/AP"] == pytest.approx(1)
    assert found["aic/AP"] == 0
    assert all(isinstance(metric, METRICS.get("CocoMetric")) for metric in built.metrics)
