"""CocoMetric: MMPose's numbers, its faults not repeated, and what it says of wrong input."""

from __future__ import annotations

import json
import logging
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_coco_metric import cases, metric_inputs
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from tiny_people import META, annotation, dataset, sample

from mmpose_mix.evaluation import CocoMetric
from mmpose_mix.evaluation.predictions import PoseTable, PredictedPoses
from mmpose_mix.registry import DATASETS
from mmpose_mix.structures import PoseDataSample

GOLDEN = json.loads(Path(__file__).with_name("golden_coco_metric.json").read_text())
STAT_NAMES = ["AP", "AP .5", "AP .75", "AP (M)", "AP (L)", "AR", "AR .5", "AR .75", "AR (M)", "AR (L)"]
CROWD_STAT_NAMES = ["AP", "AP .5", "AP .75", "AR", "AR .5", "AR .75", "AP(E)", "AP(M)", "AP(H)"]


def evaluate(samples: list, meta: dict = META, **arguments) -> dict:
    metric = CocoMetric(**arguments)
    metric.dataset_meta = meta
    metric.process([], samples)
    return metric.evaluate(len(samples))


@pytest.mark.parametrize("case", sorted(cases()))
def test_numbers_equal_those_of_mmpose_on_xtcocotools(case, pose_samples):
    samples, meta, arguments = metric_inputs(case, pose_samples)
    found = evaluate(samples, meta, **arguments)
    names = CROWD_STAT_NAMES if case.startswith("crowdpose") else STAT_NAMES
    assert list(found) == [f"coco/{name}" for name in names]
    assert all(type(value) is float for value in found.values())
    np.testing.assert_allclose(list(found.values()), GOLDEN[case], atol=1e-8)


def test_a_keypoint_score_at_the_threshold_does_not_enter_the_mean():
    predicted = sample(annotation(1, 1))
    predicted["pred_instances"]["keypoint_scores"] = np.float32([[0.5, 0.25, 0.75]])
    assert PoseTable.of([[PredictedPoses.from_sample(predicted)]]).scores("bbox_keypoint", 0.25).tolist() == [0.625]


def test_the_converters_may_be_used_epoch_after_epoch(pose_samples):
    """MMPose converts the annotations, and the caller's sigmas, once more at each evaluation."""
    case = "coco's arms among 14 keypoints"
    samples, meta, arguments = metric_inputs(case, pose_samples)
    metric = CocoMetric(**arguments)
    for _ in range(2):
        metric.dataset_meta = meta
        metric.process([], samples)
        np.testing.assert_allclose(list(metric.evaluate(len(samples)).values()), GOLDEN[case], atol=1e-8)
    assert len(meta["sigmas"]) == 17


def test_exact_predictions_score_one(annotation_file):
    people = [annotation(1, 7), annotation(2, 7, left=100), annotation(3, 8)]
    found = evaluate([sample(person) for person in people], ann_file=annotation_file(dataset(people)))
    assert found["coco/AP"] == pytest.approx(1)
    assert found["coco/AR"] == pytest.approx(1)
    assert found["coco/AP (L)"] == -1


def test_annotation_id_0_can_be_matched(annotation_file):
    people = [annotation(0, 7), annotation(1, 7, left=100)]
    found = evaluate([sample(person) for person in people], ann_file=annotation_file(dataset(people)))
    assert found["coco/AP"] == pytest.approx(1)


def test_missing_areas_and_crowd_flags_are_filled(annotation_file):
    people = [annotation(1, 7), annotation(2, 7, left=100)]
    for person in people:
        del person["area"], person["iscrowd"], person["num_keypoints"]
    path = annotation_file(dataset(people))
    samples = [sample(person, offset=4) for person in people]
    found = evaluate(samples, ann_file=path)
    assert found == evaluate(samples, ann_file=path, use_area=False)
    assert 0 < found["coco/AP"] < 1


def test_an_annotation_without_labelled_keypoints_is_an_ignore_region(annotation_file):
    unlabelled = annotation(2, 7, left=100, keypoints=[0] * 9, num_keypoints=3)
    boxed_only = annotation(3, 8)
    del boxed_only["keypoints"]
    found = evaluate(
        [sample(annotation(1, 7)), sample(annotation(2, 7, left=100)), sample(annotation(3, 8))],
        ann_file=annotation_file(dataset([annotation(1, 7), unlabelled, boxed_only])),
    )
    assert found["coco/AP"] == pytest.approx(1)


def test_no_prediction_at_all_gives_zeros(annotation_file):
    empty = {"keypoints": np.zeros((0, 3, 2)), "keypoint_scores": np.zeros((0, 3))}
    path = annotation_file(dataset([annotation(1, 7)]))
    found = evaluate([sample(annotation(1, 7), pred_instances=empty)], ann_file=path)
    assert found["coco/AP"] == found["coco/AR"] == 0


def test_a_pose_without_any_keypoint_score_is_dropped(annotation_file):
    path = annotation_file(dataset([annotation(1, 7)]))
    sure_of_nothing = sample(annotation(1, 7), score=0)
    assert evaluate([sure_of_nothing], ann_file=path, score_mode="bbox")["coco/AR"] == 0


def test_a_sample_that_came_twice_counts_once(annotation_file):
    path = annotation_file(dataset([annotation(1, 7)]))
    twice = [sample(annotation(1, 7))] * 2
    assert evaluate(twice, ann_file=path, nms_mode="none") == evaluate(twice[:1], ann_file=path)


def test_several_poses_of_one_sample_all_count(annotation_file):
    """As bottom-up models predict them; MMPose keeps one of them where the sample's id is a number."""
    people = [annotation(1, 7), annotation(2, 7, left=100)]
    both = sample(people[0], id=[1, 2], category_id=[1, 1])
    for key in ("keypoints", "keypoint_scores", "bboxes"):
        both["pred_instances"][key] = np.concatenate([sample(person)["pred_instances"][key] for person in people])
    path = annotation_file(dataset(people))
    for number in ([1, 2], 5):
        assert evaluate([dict(both, id=number)], ann_file=path)["coco/AP"] == pytest.approx(1)


@pytest.mark.parametrize(("crowding", "name"), [(0.1, "AP(E)"), (0.2, "AP(M)"), (0.79, "AP(M)"), (0.8, "AP(H)")])
def test_crowdpose_splits_images_by_crowd_index(crowding, name, annotation_file):
    path = annotation_file(dataset([annotation(1, 7)], crowdIndex=crowding))
    found = evaluate([sample(annotation(1, 7))], ann_file=path, iou_type="keypoints_crowd")
    classes = {key: found[f"coco/{key}"] for key in ("AP(E)", "AP(M)", "AP(H)")}
    assert classes == {**dict.fromkeys(classes, -1.0), name: 1.0}


def test_the_annotation_file_of_the_metainfo_is_used(annotation_file):
    """Reference row 3A-8: no message hub, so nothing can take another data set's file."""
    path = annotation_file(dataset([annotation(1, 7), annotation(2, 8)]))
    found = evaluate([sample(annotation(1, 7), raw_ann_info=None)], {**META, "ann_file": path})
    assert found["coco/AR"] == pytest.approx(0.5)


def test_a_given_file_goes_before_that_of_the_metainfo(annotation_file):
    given = annotation_file(dataset([annotation(1, 7)]))
    other = annotation_file(dataset([annotation(1, 7), annotation(2, 8)]), "other.json")
    found = evaluate([sample(annotation(1, 7))], {**META, "ann_file": other}, ann_file=given)
    assert found["coco/AR"] == pytest.approx(1)


def test_a_mixture_is_evaluated_from_its_samples(tmp_path):
    """Reference row 3A-8: no CLASSES in the metainfo, no areas, and ids that two sources share."""
    first = annotation(1, 7)
    second = annotation(1, 7, left=100)
    for person in (first, second):
        del person["area"], person["iscrowd"]
    samples = [sample(first, source=0), sample(second, source=1)]
    assert evaluate(samples, outfile_prefix=str(tmp_path / "out"))["coco/AP"] == pytest.approx(1)
    written = json.loads((tmp_path / "out.gt.json").read_text())
    assert [image["id"] for image in written["images"]] == [1, 2]
    assert [person["image_id"] for person in written["annotations"]] == [1, 2]


def test_a_mixture_is_evaluated_in_the_target_keypoints():
    """Reference row 3A-7: the raw annotation stays in the source's keypoints, here two of the target's three."""
    target = annotation(1, 7, keypoints=[15, 15, 2, 0, 0, 0, 40, 80, 2])
    converted = sample(target, raw_ann_info={**target, "keypoints": [40, 80, 2, 15, 15, 2]})
    keypoints = converted["pred_instances"]["keypoints"].copy()
    converted["pred_instances"]["keypoints"][0, 1] = 999
    marks = np.array([[[1, 1], [0, 0], [1, 1]]], dtype=np.float32)
    for visible in (marks, marks[..., 0]):
        converted["gt_instances"].update(keypoints=keypoints, keypoints_visible=visible)
        assert evaluate([converted])["coco/AP"] == pytest.approx(1)


def test_a_converter_that_only_reorders_is_followed_too():
    target = annotation(1, 7)
    reordered = sample(
        target, raw_ann_info={**target, "keypoints": [*target["keypoints"][3:], *target["keypoints"][:3]]}
    )
    assert evaluate([reordered])["coco/AP"] == 0
    reordered["gt_instances"].update(
        keypoints=reordered["pred_instances"]["keypoints"], keypoints_visible=np.ones((1, 3))
    )
    assert evaluate([reordered])["coco/AP"] == pytest.approx(1)


def test_results_can_be_sent_between_processes():
    metric = CocoMetric()
    metric.dataset_meta = META
    metric.process([], [sample(annotation(1, 7))])
    sent = pickle.loads(pickle.dumps(metric.results))
    assert metric.compute_metrics(sent) == metric.compute_metrics(metric.results)


def test_an_image_without_people_counts_against_false_poses():
    person = annotation(1, 7)
    empty_image = sample(annotation(2, 8), score=0.95, raw_ann_info=None)
    found = evaluate([sample(person), empty_image])
    assert found["coco/AP"] == pytest.approx(0.5, abs=0.01)
    assert found["coco/AR"] == pytest.approx(1)


def test_results_are_written_in_coco_format(tmp_path):
    prefix = str(tmp_path / "results" / "out")
    person = annotation(1, 7)
    assert evaluate([sample(person, score=0.5)], format_only=True, outfile_prefix=prefix) == {}
    (written,) = json.loads(Path(f"{prefix}.keypoints.json").read_text())
    assert written == {
        "image_id": 7,
        "category_id": 1,
        "keypoints": [15, 15, 0.5, 30, 40, 0.5, 40, 80, 0.5],
        "score": 0.5,
        "bbox": [10, 10, 40, 80],
    }


def test_an_evaluator_hands_over_pose_data_samples_with_tensors(annotation_file):
    person = sample(annotation(1, 7))
    predicted = InstanceData(**{key: torch.as_tensor(value) for key, value in person["pred_instances"].items()})
    packed = PoseDataSample(metainfo={"id": 1, "img_id": 7}, pred_instances=predicted)
    packed.gt_instances = InstanceData(bbox_scores=np.ones(1, dtype=np.float32))
    evaluator = Evaluator([CocoMetric(ann_file=annotation_file(dataset([annotation(1, 7)])), prefix="mine")])
    evaluator.dataset_meta = META
    evaluator.process([packed])
    assert evaluator.evaluate(1)["mine/AP"] == pytest.approx(1)


def test_the_table_goes_to_the_log_and_nothing_to_stdout(annotation_file, capfd, caplog):
    path = annotation_file(dataset([annotation(1, 7)]))
    with caplog.at_level(logging.INFO):
        evaluate([sample(annotation(1, 7))], ann_file=path)
    printed = capfd.readouterr().out
    assert "creating index" not in printed
    assert "DONE" not in printed
    assert printed.count("Average Precision") in (0, 5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"iou_type": "keypoints_wholebody"},
            "iou_type='keypoints_wholebody', allowed: ('keypoints', 'keypoints_crowd')",
        ),
        ({"score_mode": "box"}, "score_mode='box', allowed"),
        ({"nms_mode": "soft"}, "nms_mode='soft', allowed: ('oks_nms', 'soft_oks_nms', 'none')"),
        ({"nms_thr": 0}, "nms_thr=0, allowed: above 0"),
        ({"format_only": True}, "format_only=True without outfile_prefix"),
        ({"ann_file": "/nowhere/else.json"}, "CocoMetric.ann_file: /nowhere/else.json does not exist"),
        ({"pred_converter": {"num_keypoints": 2}}, "CocoMetric.pred_converter: has ['num_keypoints']; expected"),
        ({"gt_converter": {"num_keypoints": 2, "mapping": [(0, 2)]}}, "target 2"),
    ],
)
def test_a_wrong_argument_is_refused_at_build(arguments, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        CocoMetric(**arguments)


def test_all_wrong_arguments_are_named_at_once():
    with pytest.raises(ValueError, match=r"iou_type='a'.*score_mode='b'.*nms_mode='c'"):
        CocoMetric(iou_type="a", score_mode="b", nms_mode="c")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is no JSON"),
        ([], r"Expected `object`, got `array`. A COCO file has a list 'images'"),
        ({"images": []}, "has no annotations to compare with"),
    ],
)
def test_a_wrong_annotation_file_is_refused_at_build(content, words, annotation_file):
    with pytest.raises(ValueError, match=words):
        CocoMetric(ann_file=annotation_file(content))


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ({"num_keypoints": 3, "sigmas": []}, "'tiny' has 3 keypoints and 0 sigmas"),
        ({"num_keypoints": 3, "sigmas": [0.1, 0.1]}, "'tiny' has 3 keypoints and 2 sigmas"),
        ({"num_keypoints": 2, "sigmas": [0.1, 0.0]}, "2 sigmas, not all above 0"),
    ],
)
def test_sigmas_that_do_not_fit_are_refused(meta, words):
    with pytest.raises(ValueError, match=words):
        CocoMetric().dataset_meta = {"dataset_name": "tiny", **meta}


def test_too_many_predicted_keypoints_name_the_remedy():
    four = annotation(1, 7, keypoints=[1, 1, 2] * 4)
    with pytest.raises(ValueError, match=r"predicts 4 keypoints.*'tiny' has 3.*output_keypoint_indices"):
        evaluate([sample(four)])


def test_annotations_of_another_keypoint_set_name_the_remedy(annotation_file):
    path = annotation_file(dataset([annotation(11, 7, keypoints=[1, 1, 2] * 4)]))
    with pytest.raises(
        ValueError, match=r"has 3 keypoints, but annotations in .* have 4 \(annotation 11\).*gt_converter"
    ):
        evaluate([sample(annotation(1, 7))], ann_file=path)


def test_an_image_out_of_the_annotation_file_is_refused_at_once(annotation_file):
    metric = CocoMetric(ann_file=annotation_file(dataset([annotation(1, 7)])))
    metric.dataset_meta = META
    with pytest.raises(ValueError, match="image id 9 is not among the 1 images of"):
        metric.process([], [sample(annotation(1, 9))])


def test_two_sources_in_one_annotation_file_are_refused(annotation_file):
    samples = [sample(annotation(1, 7), source=source) for source in (0, 2)]
    with pytest.raises(ValueError, match="sources 0 and 2 both have image 7"):
        evaluate(samples, ann_file=annotation_file(dataset([annotation(1, 7)])))


def test_samples_without_annotations_and_file_are_refused():
    bare = sample(annotation(1, 7))
    del bare["raw_ann_info"]
    with pytest.raises(ValueError, match=r"lacks raw_ann_info.*test_mode=True"):
        evaluate([bare])


def test_crowd_statistics_need_the_crowd_index(annotation_file):
    path = annotation_file(dataset([annotation(1, 7)]))
    with pytest.raises(ValueError, match=r"1 of 1 images .* have none \(first id: 7\)"):
        evaluate([sample(annotation(1, 7))], ann_file=path, iou_type="keypoints_crowd")


def test_predictions_are_required():
    with pytest.raises(ValueError, match="lacks pred_instances; it has id, img_id"):
        evaluate([{"id": 1, "img_id": 7}])


def test_a_real_mixture_predicted_exactly_scores_one(pose_samples, repository):
    """Reference rows 3A-7 and 3A-8: COCO's 17 and AIC's 14 keypoints among 19, AIC without areas."""
    to_19 = {"coco": [(i, i) for i in range(17)], "aic": [(3, 5), (0, 6), (6, 12), (12, 17), (13, 18)]}
    sources = [
        {
            "type": f"mmpose_mix.{name.capitalize()}Dataset",
            "ann_file": str(pose_samples / name / f"test_{name}.json"),
            "data_prefix": {"img": str(pose_samples / name)},
            "pipeline": [{"type": "mmpose_mix.KeypointConverter", "num_keypoints": 19, "mapping": pairs}],
        }
        for name, pairs in to_19.items()
    ]
    mixture = DATASETS.build(
        {
            "type": "CombinedDataset",
            "metainfo": {"from_file": str(repository / "configs/_base_/datasets/coco_aic.py")},
            "datasets": [{**source, "test_mode": True} for source in sources],
            "pipeline": [
                {"type": "mmpose_mix.LoadImage"},
                {"type": "mmpose_mix.GetBBoxCenterScale"},
                {"type": "mmpose_mix.TopdownAffine", "input_size": (48, 64)},
                {"type": "mmpose_mix.PackPoseInputs"},
            ],
            "test_mode": True,
        }
    )
    evaluator = Evaluator([CocoMetric(per_source=True)])
    evaluator.dataset_meta = mixture.metainfo
    for item in mixture:
        packed = item["data_samples"]
        keypoints = packed.gt_instances.keypoints
        packed.pred_instances = InstanceData(keypoints=keypoints, keypoint_scores=np.ones(keypoints.shape[:2]))
        evaluator.process([packed])
    found = evaluator.evaluate(len(mixture))
    assert [found[f"coco/{name}AP"] for name in ("", "coco/", "aic/")] == pytest.approx([1, 1, 1])
