"""VisPredictHead and BCELoss: what is taught, and what is not. Their numbers stand in tests/golden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmpose_mix.models import BCELoss
from mmpose_mix.registry import MODELS
from mmpose_mix.structures import PoseDataSample

CODEC = {"type": "MSRAHeatmap", "input_size": (24, 32), "heatmap_size": (6, 8), "sigma": 1}
POSE = {"type": "HeatmapHead", "in_channels": 3, "out_channels": 4, "deconv_out_channels": None, "decoder": CODEC}


def head(use_sigmoid: bool = True, **loss: Any) -> Any:
    torch.manual_seed(0)
    of_visibility = {"type": "BCELoss", "use_target_weight": True, "use_sigmoid": use_sigmoid, **loss}
    return MODELS.build({"type": "VisPredictHead", "pose_cfg": POSE, "loss": of_visibility})


def sample(visible: Any, labelled: Any = (1, 1, 1, 1)) -> PoseDataSample:
    made = PoseDataSample(metainfo={"flip_indices": [0, 2, 1, 3]})
    made.gt_instance_labels = InstanceData(
        keypoint_weights=torch.tensor([visible], dtype=torch.float32),
        keypoints_visible_weights=torch.tensor([labelled], dtype=torch.float32),
    )
    made.gt_fields = PixelData(heatmaps=torch.zeros(4, 8, 6))
    return made


def features(count: int = 1) -> tuple[torch.Tensor, ...]:
    return (torch.from_numpy(np.random.RandomState(3).randn(count, 3, 8, 6).astype(np.float32)),)


@pytest.mark.parametrize("use_sigmoid", [True, False])
def test_3b_9_what_is_not_labelled_is_not_taught_as_invisible(use_sigmoid):
    """Row 3B-9: only the labelled keypoints get a gradient, and the others are not in the mean either."""
    model = head(use_sigmoid)
    loss = model.loss(features(), [sample([1, 0, 0, 0], [1, 1, 0, 0])])["loss_vis"]
    loss.backward()
    taught = model.vis_head[2].weight.grad.abs().sum(1) > 0
    assert taught.tolist() == [True, True, False, False]
    two = BCELoss(use_sigmoid=use_sigmoid)(model.vis_head(features()[0])[:, :2], torch.tensor([[1.0, 0.0]]))
    torch.testing.assert_close(loss, two)


def test_3b_9_the_label_weight_of_a_converted_source_comes_through_the_pipeline():
    """Row 3B-9, from the converter to the loss."""
    from tests.test_reference_rows import AIC_TO_COCO, Persons, converter, training_samples

    (packed,) = training_samples(Persons(converter(AIC_TO_COCO)))
    pose = {**POSE, "out_channels": 17}
    loss = {"type": "BCELoss", "use_target_weight": True, "use_sigmoid": True}
    model = MODELS.build({"type": "VisPredictHead", "pose_cfg": pose, "loss": loss})
    maps = (torch.rand(1, 3, 16, 12),)
    model.loss(maps, [packed])["loss_vis"].backward()
    taught = model.vis_head[2].weight.grad.abs().sum(1) > 0
    assert sorted(taught.nonzero().flatten().tolist()) == sorted(target for _, target in AIC_TO_COCO)


def test_a_weight_of_the_data_set_does_not_change_what_visible_is():
    model = head()
    one, other = (model.loss(features(), [sample([weight, 0, 0, 0])])["loss_vis"] for weight in (1.0, 1.5))
    assert torch.equal(one, other)


def test_the_accuracy_counts_what_is_labelled():
    model = head(use_sigmoid=False)
    with torch.no_grad():
        model.vis_head[2].weight.zero_()
        model.vis_head[2].bias.copy_(torch.tensor([1.0, 1.0, -1.0, -1.0]))
    samples = [sample([1, 0, 1, 1], [1, 1, 0, 0]), sample([0, 0, 0, 0], [0, 0, 0, 0])]
    assert model.loss(features(2), samples)["acc_vis"] == 0.5
    assert "acc_vis" not in model.loss(features(2), samples, {"compute_acc": False})


@pytest.mark.parametrize("use_sigmoid", [True, False])
def test_predictions_are_probabilities_beside_the_pose(use_sigmoid):
    model = head(use_sigmoid)
    (found,) = model.predict(features(), [sample([1] * 4)])
    assert found.keypoints.shape == (1, 4, 2)
    assert found.keypoints_visible.shape == (1, 4)
    assert ((found.keypoints_visible > 0) & (found.keypoints_visible < 1)).all()
    instances, fields = model.predict(features(), [sample([1] * 4)], {"output_heatmaps": True})
    assert "keypoints_visible" in instances[0]
    assert fields[0].heatmaps.shape == (4, 8, 6)


def test_an_estimator_takes_the_pose_head_s_keypoints_channels_and_options():
    config = {"type": "TopdownPoseEstimator", "backbone": {"type": "ResNet", "depth": 10, "base_channels": 4}}
    vis = {"type": "VisPredictHead", "pose_cfg": {**POSE, "in_channels": 32}}
    model = MODELS.build({**config, "head": vis, "test_cfg": {"flip_test": True, "shift_heatmap": True}})
    assert model.num_keypoints == 4
    with pytest.raises(ValueError, match=r"head\.in_channels=3, but ResNet gives 32 channels"):
        MODELS.build({**config, "head": {**vis, "pose_cfg": POSE}})
    with pytest.raises(ValueError, match="test_cfg has 'flip'"):
        MODELS.build({**config, "head": vis, "test_cfg": {"flip": True}})


def test_the_loss_reduces_as_it_is_told_and_runs_under_autocast():
    output, target = torch.tensor([[0.2, 0.9]]), torch.tensor([[0.0, 1.0]])
    weights = torch.tensor([[2.0, 0.0]])
    each = BCELoss(use_target_weight=True, reduction="none", use_sigmoid=True)(output, target, weights)
    torch.testing.assert_close(each, torch.tensor([[-2 * np.log(0.8), 0]], dtype=torch.float32))
    for reduction in ("sum", "mean"):
        loss = BCELoss(use_target_weight=True, loss_weight=3, reduction=reduction, use_sigmoid=True)
        with torch.autocast("cpu", torch.bfloat16):
            torch.testing.assert_close(loss(output, target, weights), 3 * each.sum())
    assert BCELoss(use_target_weight=True, use_sigmoid=True)(output, target, torch.zeros(1)) == 0


def test_the_loss_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="BCELoss: reduction='max', but"):
        BCELoss(reduction="max")
    with pytest.raises(ValueError, match=r"predictions \(1, 2\) and targets \(1, 3\) have to have the same"):
        BCELoss()(torch.zeros(1, 2), torch.zeros(1, 3))
    with pytest.raises(ValueError, match="use_target_weight=True, but no target_weights"):
        BCELoss(use_target_weight=True)(torch.zeros(1, 2), torch.zeros(1, 2))
