"""What the check of a config says of evaluators: each metric is held against the keypoints that it will get."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest
from mmengine.registry import DefaultScope

from mmpose_mix.engine.checked_config import check_config
from mmpose_mix.engine.checked_model import built_metrics, metric_configs
from mmpose_mix.engine.launch import load_config
from mmpose_mix.evaluation import MultiDatasetEvaluator
from mmpose_mix.metainfo import parse_pose_metainfo, shipped_configs
from mmpose_mix.registry import EVALUATORS

COMBINE = "body_2d_keypoint/topdown_heatmap/coco/td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-combine.py"
UNION = {"from_file": "configs/_base_/datasets/coco_aic.py"}
COCO, AIC = {"type": "CocoDataset"}, {"type": "AicDataset"}
# of the 17 that the model puts out, the joints of AI Challenger
TO_AIC = {"num_keypoints": 14, "mapping": [(6, 0), (8, 1), (10, 2), (5, 3), (7, 4), (9, 5)]}


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        yield


def multi(*datasets: dict, of: tuple = ({}, {})) -> dict[str, Any]:
    metrics = [{"type": "CocoMetric", "prefix": f"m{number}", **more} for number, more in enumerate(of)]
    return {"type": "MultiDatasetEvaluator", "metrics": metrics, "datasets": list(datasets)}


def checked(tmp_path: Path, **changed: Any) -> list[tuple[str, str, str]]:
    """Code, place and text of what is wrong with the shipped mixture of COCO and AI Challenger after changes."""
    lines = [f"_base_ = [{str(shipped_configs() / COMBINE)!r}]"]
    lines += [f"{key} = {value!r}" for key, value in changed.items()]
    path = tmp_path / "changed.py"
    path.write_text("\n".join(lines) + "\n")
    found = check_config(load_config(str(path)), read=False).findings
    return [(each.code, each.place, each.text) for each in found if each.severity != "note"]


def evaluated_by(evaluator: Optional[dict]) -> dict[str, Any]:
    return {"val_evaluator": {"_delete_": True, **evaluator}} if evaluator else {}


def test_each_metric_of_several_data_sets_gets_the_metainfo_that_the_evaluator_gives_it():
    union = {**UNION, "dataset_name": "united"}
    for datasets in ([COCO, AIC], [{**COCO, "metainfo": union}, AIC]):
        config = multi(*datasets)
        metrics, found = built_metrics(config, "val_evaluator", parse_pose_metainfo(UNION))
        assert found == []
        built = EVALUATORS.build(config)
        assert isinstance(built, MultiDatasetEvaluator)
        given = [metric.dataset_meta for metric in built.metrics]
        assert [metric.dataset_meta["dataset_name"] for metric in metrics] == [meta["dataset_name"] for meta in given]
        assert [metric.dataset_meta["num_keypoints"] for metric in metrics] == [meta["num_keypoints"] for meta in given]
    assert [meta["num_keypoints"] for meta in given] == [19, 14]


def test_metrics_of_another_evaluator_get_the_metainfo_of_what_is_evaluated():
    union = parse_pose_metainfo(UNION)
    plain = {"type": "CocoMetric"}
    for config in (plain, [plain, plain], {"type": "mmengine.Evaluator", "metrics": [plain]}):
        metrics, found = built_metrics(config, "val_evaluator", union)
        assert found == []
        assert {metric.dataset_meta["num_keypoints"] for metric in metrics} == {19}


def test_places_of_metrics_are_those_in_the_config():
    one = {"type": "CocoMetric"}
    single = {"type": "MultiDatasetEvaluator", "metrics": one, "datasets": COCO}
    for config, places in (
        (multi(COCO, AIC), ["val_evaluator.metrics[0]", "val_evaluator.metrics[1]"]),
        (single, ["val_evaluator.metrics"]),
        ([one], ["val_evaluator[0]"]),
        (one, ["val_evaluator"]),
        (None, []),
    ):
        assert [where for where, _, _ in metric_configs(config, "val_evaluator")] == places


@pytest.mark.parametrize(
    ("datasets", "words"),
    [([COCO], "2 metrics for 1 data sets"), ([COCO, {"type": "ConcatDataset"}], "no keypoint set of its own")],
)
def test_data_sets_that_do_not_fit_the_metrics_are_said_once(datasets, words):
    metrics, found = built_metrics(multi(*datasets), "val_evaluator", parse_pose_metainfo(UNION))
    assert [(each.code, each.place) for each in found] == [("CFG535", "val_evaluator")]
    assert words in found[0].text
    assert [metric.dataset_meta for metric in metrics] == [None, None]


def test_the_shipped_mixture_with_a_metric_for_each_source_is_clean(tmp_path):
    """The mixture has 19 keypoints, the model puts out 17: neither is held against the 14 of AI Challenger."""
    assert checked(tmp_path, **evaluated_by(multi(COCO, AIC, of=({}, {"pred_converter": TO_AIC})))) == []


def test_a_metric_of_one_source_that_the_predictions_do_not_fit_is_found(tmp_path):
    ((code, place, text),) = checked(tmp_path, **evaluated_by(multi(COCO, AIC)))
    assert (code, place) == ("CFG531", "model")
    assert "the model predicts 17 keypoints, the data set 'aic' has 14" in text


def test_a_converter_to_the_wrong_keypoints_of_one_source_is_found(tmp_path):
    swapped = {**TO_AIC, "mapping": [(5, 0), (6, 3)]}
    config = multi(COCO, AIC, of=({}, {"pred_converter": swapped}))
    ((code, place, text),) = checked(tmp_path, **evaluated_by(config))
    assert (code, place) == ("CFG532", "val_evaluator.metrics[1]")
    assert "not in the order of 'aic', which is evaluated: 0 is left_shoulder, not right_shoulder" in text


def test_a_metric_of_whole_bodies_on_bodies_is_found(tmp_path):
    ((code, place, text),) = checked(tmp_path, **evaluated_by({"type": "CocoWholeBodyMetric"}))
    assert (code, place) == ("CFG535", "val_evaluator")
    assert "the keypoint set of 'coco' has 17 keypoints, COCO-WholeBody 133" in text


def test_a_mixture_is_evaluated_in_its_own_keypoints_not_in_those_of_its_first_source(tmp_path):
    to_19 = [{"type": "KeypointConverter", "num_keypoints": 19, "mapping": "auto"}]
    source = {"data_mode": "topdown", "test_mode": True, "pipeline": to_19}
    pipeline = load_config(str(shipped_configs() / COMBINE)).val_dataloader.dataset.pipeline
    mixture = {
        "_delete_": True,
        "type": "CombinedDataset",
        "metainfo": UNION,
        "datasets": [{**COCO, **source, "ann_file": "a.json"}, {**AIC, **source, "ann_file": "b.json"}],
        "pipeline": [dict(one) for one in pipeline],
        "test_mode": True,
    }
    changed = {
        "val_dataloader": {"dataset": mixture},
        "model": {"test_cfg": {"output_keypoint_indices": None}},
        **evaluated_by({"type": "CocoMetric"}),
    }
    assert checked(tmp_path, **changed) == []
    ((code, _, text),) = checked(tmp_path, **{**changed, "model": {}})
    assert code == "CFG531"
    assert "the model predicts 17 keypoints, the data set 'coco_aic' has 19" in text
