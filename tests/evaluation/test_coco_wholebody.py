"""CocoWholeBodyMetric: MMPose's numbers of the whole and of each part, and what it says of wrong input."""

from __future__ import annotations

import copy
import json
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from golden_coco_wholebody import CASES, PARTS, metric_inputs
from whole_body_people import FIELDS, META, SIGMAS, joined, predictions, whole_bodies

from mmpose_mix.evaluation import CocoWholeBodyMetric
from mmpose_mix.evaluation.average_precision import STAT_NAMES
from mmpose_mix.evaluation.predictions import PoseTable, PredictedPoses
from mmpose_mix.evaluation.whole_body import BODY, joined_parts, split_parts
from mmpose_mix.metainfo import parse_pose_metainfo
from mmpose_mix.registry import DATASETS

GOLDEN = json.loads(Path(__file__).with_name("golden_coco_wholebody.json").read_text())
HERE = [
    "pycocotools",
    pytest.param("hotcoco", marks=pytest.mark.skipif(find_spec("hotcoco") is None, reason="hotcoco is not installed")),
]


def evaluate(samples: list, meta: dict = META, **arguments) -> dict:
    metric = CocoWholeBodyMetric(**arguments)
    metric.dataset_meta = meta
    metric.process([], samples)
    return metric.evaluate(len(samples))


def named(part: str) -> list[str]:
    return [f"coco-wholebody/{'' if part == 'whole' else f'{part}/'}{name}" for name in STAT_NAMES]


def exact(people: list) -> list[dict]:
    """One prediction of each person, exact and sure of everything."""
    samples = predictions({"annotations": people}, 0, copies=1)
    for one, person in zip(samples, people):
        one["pred_instances"]["keypoints"] = joined(person)[None, :, :2].astype(np.float32)
        one["pred_instances"]["keypoint_scores"] = np.ones((1, 133), dtype=np.float32)
    return samples


@pytest.mark.parametrize("engine", HERE)
@pytest.mark.parametrize("case", CASES)
def test_the_numbers_of_the_whole_and_of_each_part_are_those_of_mmpose(case, engine, tmp_path):
    samples, arguments = metric_inputs(case, tmp_path)
    found = evaluate(samples, engine=engine, **arguments)
    assert list(found)[:10] == GOLDEN["names"] == named("whole")
    assert list(found) == [name for part in ("whole", *PARTS[:-1]) for name in named(part)]
    for part in PARTS:
        np.testing.assert_allclose([found[name] for name in named(part)], GOLDEN[case][part], atol=1e-8, err_msg=part)


def test_the_parts_are_those_of_the_shipped_keypoint_set(repository):
    meta = parse_pose_metainfo({"from_file": str(repository / "configs/_base_/datasets/coco_wholebody.py")})
    names = [meta["keypoint_id2name"][place] for place in range(133)]
    starts = np.cumsum([0, *FIELDS.values()])
    body, foot, face, left, right = (names[start:stop] for start, stop in zip(starts, starts[1:]))
    assert (body[0], body[-1], foot[0], foot[-1]) == ("nose", "right_ankle", "left_big_toe", "right_heel")
    assert all(name.startswith("face-") for name in face)
    assert all(name.startswith("left_") for name in left)
    assert all(name.startswith("right_") for name in right)
    CocoWholeBodyMetric().dataset_meta = meta


@pytest.mark.parametrize("part", PARTS[:-1])
def test_a_part_that_is_moved_changes_its_own_statistics_and_those_of_the_whole(part):
    people = whole_bodies(3)["annotations"]
    before = evaluate(exact(people), nms_mode="none")
    place = PARTS.index(part)
    start, stop = np.cumsum([0, *FIELDS.values()])[place : place + 2]
    samples = exact(people)
    for one in samples:  # by a third of the box: the body's box, and so its size, stays
        one["pred_instances"]["keypoints"][:, start:stop] += np.float32(one["raw_ann_info"]["bbox"][2] / 3)
    after = evaluate(samples, nms_mode="none")
    changed = {name for name in before if name.endswith("AP") and after[name] < before[name] - 1e-6}
    assert changed == {f"coco-wholebody/{part}/AP", "coco-wholebody/AP"}


def test_a_pose_sure_of_nothing_in_a_part_counts_in_the_others():
    people = [one for one in whole_bodies(3)["annotations"] if not one["iscrowd"]]
    samples = exact(people)
    for one in samples:
        one["pred_instances"]["keypoint_scores"][:, 91:112] = 0
    found = evaluate(samples, nms_mode="none")
    assert {part: found[f"coco-wholebody/{part}/AR"] for part in PARTS[:-1]} == {
        "body": 1,
        "foot": 1,
        "face": 1,
        "lefthand": 0,
        "righthand": 1,
    }
    assert found["coco-wholebody/AR"] == 1


def test_a_person_without_a_labelled_keypoint_in_a_part_is_an_ignore_region_there():
    person = next(one for one in whole_bodies(3)["annotations"] if not one["iscrowd"])
    bare = {**person, "face_kpts": [0] * 68 * 3, "face_valid": True}
    found = evaluate(exact([bare]))
    assert found["coco-wholebody/face/AP"] == -1
    assert found["coco-wholebody/AP"] == found["coco-wholebody/foot/AP"] == pytest.approx(1)


@pytest.mark.parametrize("absent", [None, [], "no key"])
def test_a_part_that_an_annotation_lacks_has_no_labelled_keypoint(absent, annotation_file):
    """xtcocotools ends in a KeyError where the key is absent."""
    content = whole_bodies(3)
    zeros = copy.deepcopy(content)
    for one, other in zip(content["annotations"], zeros["annotations"]):
        one["foot_kpts"], other["foot_kpts"] = absent, [0] * 18
        if absent == "no key":
            del one["foot_kpts"]
    samples = predictions(zeros, 1)
    assert evaluate(samples, ann_file=annotation_file(content)) == (
        evaluate(samples, ann_file=annotation_file(zeros, "zeros.json"))
    )


def test_samples_of_a_mixture_are_evaluated_in_its_keypoints():
    """A source without hands in its file: what its converter made of it lies in gt_instances."""
    person = next(one for one in whole_bodies(3)["annotations"] if not one["iscrowd"])
    (converted,) = exact([person])
    raw = {key: value for key, value in person.items() if key in ("id", "image_id", "category_id", "bbox", "area")}
    converted["raw_ann_info"] = {**raw, "keypoints": [1, 1, 2] * 14}
    truth = joined(person)
    visible = (truth[None, :, 2] > 0).astype(np.float32)
    visible[:, 91:] = 0
    converted["gt_instances"].update(keypoints=truth[None, :, :2], keypoints_visible=visible)
    found = evaluate([converted])
    assert [found[f"coco-wholebody/{part}/AP"] for part in PARTS[:-1]] == pytest.approx([1, 1, 1, -1, -1])


@pytest.mark.parametrize("engine", HERE)
def test_each_source_of_a_mixture_has_the_statistics_that_it_has_alone(engine):
    sources = {}
    for place, name in enumerate(("coco_wholebody", "ubody2d", "face")):
        samples = predictions(whole_bodies(place), place + 50)
        sources[name] = [dict(one, source=place, dataset_name=name) for one in samples]
    found = evaluate([one for samples in sources.values() for one in samples], per_source=True, engine=engine)
    assert len(found) == 4 * 60
    for name, samples in sources.items():
        alone = evaluate(samples, engine=engine)
        place = "source face" if name == "face" else name
        assert alone == {
            key: pytest.approx(found[key.replace("coco-wholebody/", f"coco-wholebody/{place}/")], abs=1e-9)
            for key in alone
        }


def test_files_are_written_as_coco_wholebody_has_them(tmp_path):
    people = whole_bodies(3, people=2)["annotations"]
    evaluate(predictions({"annotations": people}, 1, copies=1), outfile_prefix=str(tmp_path / "out"))
    annotated = json.loads((tmp_path / "out.gt.json").read_text())["annotations"]
    assert [{field: one[field] for field in FIELDS} for one in annotated] == (
        [{field: one[field] for field in FIELDS} for one in people]
    )
    results = json.loads((tmp_path / "out.keypoints.json").read_text())
    assert [{field: len(one[field]) for field in FIELDS} for one in results] == (
        [{field: 3 * count for field, count in FIELDS.items()}] * len(results)
    )


def test_joining_and_splitting_are_inverse():
    for person in whole_bodies(1)["annotations"]:
        one = joined_parts(person)
        assert one["keypoints"].reshape(-1, 3).tolist() == joined(person).tolist()
        assert not set(FIELDS) - {"keypoints"} & set(one)
        assert split_parts(dict(one)) == person


def test_the_size_of_a_detection_is_that_of_its_body_whatever_box_was_predicted():
    (one,) = predictions(whole_bodies(1, people=1), 1, copies=1)
    one["pred_instances"]["keypoint_scores"][:] = 1
    table = PoseTable.of([[PredictedPoses.from_sample(one)]])
    (found,) = table.detections(np.ones(1), sized_by=BODY.keypoints)
    low, size = table.keypoints[0, :17, :2].min(axis=0), np.ptp(table.keypoints[0, :17, :2], axis=0)
    np.testing.assert_allclose(found["bbox"], [*low, *size])
    assert found["area"] == pytest.approx(size.prod())
    assert table.detections(np.ones(1))[0]["area"] != pytest.approx(size.prod())


def test_the_log_has_a_line_for_each_part(monkeypatch):
    from mmpose_mix.evaluation import coco

    said: list[str] = []
    monkeypatch.setattr(coco, "print_log", lambda words, **_: said.append(words))
    evaluate([dict(one, source=0) for one in predictions(whole_bodies(1), 1)], per_source=True)
    overall, each = said[-2].splitlines(), said[-1].splitlines()
    assert [line.split()[0] for line in overall[2:]] == ["all", *PARTS[:-1]]
    assert overall[1].split() == " ".join(STAT_NAMES).split()
    assert all(len(line.split()) == 11 for line in overall[2:])
    assert any(line.startswith("source 0/righthand ") for line in each)


def test_an_evaluation_runs_through_the_data_set(annotation_file, repository):
    """The raw annotations of CocoWholeBodyDataset are what the metric takes."""
    content = whole_bodies(3)
    data = DATASETS.build(
        {
            "type": "CocoWholeBodyDataset",
            "ann_file": annotation_file(content),
            "metainfo": {"from_file": str(repository / "configs/_base_/datasets/coco_wholebody.py")},
            "test_mode": True,
        }
    )
    data.full_init()
    items = [data.get_data_info(place) for place in range(len(data))]
    samples = [
        {
            "id": item["id"],
            "img_id": item["img_id"],
            "ori_shape": (640, 640),
            "raw_ann_info": item["raw_ann_info"],
            "pred_instances": {"keypoints": item["keypoints"], "keypoint_scores": np.ones((1, 133))},
        }
        for item in items
    ]
    found = evaluate(samples, {**data.metainfo, "ann_file": None}, nms_mode="none")
    assert [found[f"coco-wholebody/{part}AR"] for part in ("", "body/", "righthand/")] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("kind", ["keypoints_crowd", "keypoints_wholebody"])
def test_another_iou_type_is_refused(kind):
    words = f"CocoWholeBodyMetric: iou_type='{kind}', allowed: ('keypoints',)"
    with pytest.raises(ValueError, match=re.escape(words)):
        CocoWholeBodyMetric(iou_type=kind)


def test_a_keypoint_set_of_another_number_is_refused():
    with pytest.raises(
        ValueError, match=r"set of 'coco' has 17 keypoints, COCO-WholeBody 133: 17 body, 6 foot, .*use CocoMetric"
    ):
        CocoWholeBodyMetric().dataset_meta = {"dataset_name": "coco", "sigmas": SIGMAS[:17], "num_keypoints": 17}


def test_a_file_of_bodies_alone_is_refused(annotation_file):
    content = whole_bodies(3)
    for one in content["annotations"]:
        for field in tuple(FIELDS)[1:]:
            del one[field]
    path = annotation_file(content)
    with pytest.raises(ValueError, match=r"set has 133 keypoints, but annotations in .* have 17 \(annotation"):
        evaluate(predictions(whole_bodies(3), 1), ann_file=path)


def test_all_parts_of_a_wrong_length_are_named_at_once(annotation_file):
    content = whole_bodies(3)
    content["annotations"][4].update(foot_kpts=[0] * 15, face_kpts=[0] * 3)
    words = "annotation 5: foot_kpts has 15 numbers, expected 18; face_kpts has 3 numbers, expected 204"
    with pytest.raises(ValueError, match=re.escape(words)):
        CocoWholeBodyMetric(ann_file=annotation_file(content))
