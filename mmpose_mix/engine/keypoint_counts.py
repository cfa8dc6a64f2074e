"""Before training: whether model, training data and evaluation have the same keypoints in mind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmpose_mix.datasets.delivered_keypoints import delivered_keypoints


def check_keypoint_counts(runner: Runner) -> None:
    """Refuse what would otherwise fail at the first training step, or after many epochs at the first evaluation.

    Models and metrics that do not tell how many keypoints they have are taken on trust.

    Raises:
        ValueError: with every finding.
    """
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if getattr(model, "num_keypoints", None) is None or not hasattr(model, "num_output_keypoints"):
        return
    findings = findings_on_training(model, runner.train_dataloader.dataset)
    if runner.val_loop is not None:
        findings += findings_on_evaluation(model, runner.val_dataloader.dataset, runner.val_evaluator.metrics)
    if findings:
        raise ValueError("The model does not fit its data. " + " ".join(findings))


def findings_on_training(model: Any, dataset: Any) -> list[str]:
    """Return why a model, which tells its ``num_keypoints``, cannot be trained on what a data set delivers."""
    wrong = delivered_keypoints(dataset) - {model.num_keypoints}
    return [
        f"train_dataloader.dataset delivers {count} keypoints, but the model's head is for {model.num_keypoints}. "
        "Change head.out_channels, or what the data set delivers (its metainfo, or its KeypointConverter)."
        for count in sorted(wrong)
    ]


def findings_on_evaluation(model: Any, dataset: Any, metrics: Sequence[Any]) -> list[str]:
    """Return why what a model, which tells its keypoints, predicts on a data set cannot be evaluated by the metrics."""
    telling = [metric for metric in metrics if hasattr(metric, "finding_on_predictions")]
    findings = [metric.finding_on_predictions(model.num_output_keypoints) for metric in telling]
    if model.test_cfg.get("flip_test") and model.metainfo is None:
        wrong = delivered_keypoints(dataset) - {model.num_keypoints}
        findings += [
            f"test_cfg.flip_test=True takes flip_indices from val_dataloader.dataset, which delivers {count} "
            f"keypoints, but the model predicts {model.num_keypoints}. Give the model the keypoint set it predicts, "
            "model=dict(metainfo=dict(from_file=...))."
            for count in sorted(wrong)
        ]
    return [finding for finding in findings if finding]
