"""The demo's experiment: its keypoints, its measure, its evaluation on both sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mmengine.structures import InstanceData

from mmpose_mix.engine import drawn_experiment as experiment
from mmpose_mix.metainfo import parse_pose_metainfo
from mmpose_mix.structures import PoseDataSample
from mmpose_mix.toy import AIC_KEYPOINTS, ALL_KEYPOINTS, COCO_KEYPOINTS, DrawnMixture, draw_tiny_mixture


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> DrawnMixture:
    return draw_tiny_mixture(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def config(mixture: DrawnMixture, tmp_path: Path):
    return experiment.experiment_config(mixture, tmp_path / "training", seed=3, epochs=2)


def truth(mixture: DrawnMixture) -> list[tuple[int, np.ndarray, list]]:
    side = json.loads(mixture.side_truth("val").read_text())
    people = json.loads(mixture.annotations("coco", "val").read_text())["annotations"]
    return [
        (
            person["id"],
            np.array(
                [*np.reshape(person["keypoints"], (-1, 3)), *(side[str(person["id"])][n] for n in ("head_top", "neck"))]
            ),
            person["bbox"],
        )
        for person in people
    ]


def predictions(mixture: DrawnMixture, offset: float) -> list[PoseDataSample]:
    """The truth, every keypoint moved along x by a share of the longer side of its person's box."""
    samples = []
    for identity, points, (x, y, width, height) in truth(mixture):
        sample = PoseDataSample(metainfo={"id": identity})
        places = points[None, :, :2] + np.array([offset * max(width, height), 0])
        sample.pred_instances = InstanceData(keypoints=places)
        sample.gt_instances = InstanceData(bboxes=np.array([[x, y, x + width, y + height]]))
        samples.append(sample)
    return samples


def test_the_drawn_names_are_those_of_the_keypoint_sets():
    for names, file in ((COCO_KEYPOINTS, "coco"), (AIC_KEYPOINTS, "aic"), (ALL_KEYPOINTS, "coco_aic")):
        metainfo = parse_pose_metainfo({"from_file": f"configs/_base_/datasets/{file}.py"})
        assert tuple(metainfo["keypoint_id2name"].values()) == names


def test_each_set_takes_its_own_keypoints_in_its_own_order(config):
    for domain, names in (("coco", COCO_KEYPOINTS), ("aic", AIC_KEYPOINTS)):
        indices = experiment.keypoints_of_domain(config, domain)
        assert tuple(ALL_KEYPOINTS[index] for index in indices) == names


def test_a_keypoint_is_found_within_a_fortieth_of_the_box(mixture):
    inside = experiment.keypoint_accuracy(predictions(mixture, 0.024), mixture)
    assert inside.names == ALL_KEYPOINTS
    assert (inside.found[inside.counts > 0] == 1).all()
    assert inside.counts[ALL_KEYPOINTS.index("neck")] > 0
    outside = experiment.keypoint_accuracy(predictions(mixture, 0.026), mixture)
    assert (outside.found == 0).all()


def test_a_shorter_training_ends_its_schedule_in_time(config):
    assert config.train_cfg.max_epochs == 2
    assert config.train_cfg.val_interval <= 2
    _, cosine = config.param_scheduler
    assert (cosine.end, cosine.T_max) == (2, 2)


def test_both_sets_are_evaluated_by_one_model_and_its_options_stay(config, mixture, capsys):
    model, history = experiment.train(config)
    assert len(history.losses) >= 2
    assert [sorted(metrics)[0] for _, metrics in history.metrics] == ["coco/AP"] * 2
    before = list(model.test_cfg["output_keypoint_indices"])
    for domain, count in (("coco", 17), ("aic", 14)):
        keypoints = experiment.keypoints_of_domain(config, domain)
        people = json.loads(mixture.annotations(domain, "val").read_text())["annotations"]
        evaluation = experiment.evaluate(model, config, mixture, domain, keypoints)
        assert len(evaluation.samples) == len(people)
        assert {sample.pred_instances.keypoints.shape[1] for sample in evaluation.samples} == {count}
        assert 0 <= evaluation.metrics["coco/AP"] <= 1
    everything = experiment.evaluate(model, config, mixture, "coco", None)
    assert everything.metrics == {}
    assert everything.samples[0].pred_instances.keypoints.shape[1] == 19
    assert model.test_cfg["output_keypoint_indices"] == before
    assert "mmengine" not in capsys.readouterr().out


def test_the_first_batch_holds_both_sources_in_equal_parts(config):
    batch = experiment.first_batch(config)
    names = [sample.metainfo["dataset_name"] for sample in batch["data_samples"]]
    assert (names.count("coco"), names.count("aic")) == (8, 8)
    assert "transformed_keypoints" in batch["data_samples"][0].gt_instances
    again = experiment.first_batch(config)
    assert all((one == other).all() for one, other in zip(batch["inputs"], again["inputs"]))
