"""Before training: whether model, training data and evaluation have the same keypoints in mind."""

from __future__ import annotations

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
    findings = _findings_on_training(model, runner) + _findings_on_evaluation(model, runner)
    if findings:
        raise ValueError("The model does not fit its data. " + " ".join(findings))


def _findings_on_training(model: Any, runner: Runner) -> list[str]:
    wrong = delivered_keypoints(runner.train_dataloader.dataset) - {model.num_keypoints}
    return [
        f"train_dataloader.dataset delivers {count} keypoints, but the model's head is for {model.num_keypoints}. "
        "Change head.out_channels, or what the data set delivers (its metainfo, or its KeypointConverter)."
        for count in sorted(wrong)
    ]


def _findings_on_evaluation(model: Any, runner: Runner) -> list[str]:
    if runner.val_loop is None:
        return []
    metrics = [metric for metric in runner.val_evaluator.metrics if hasattr(metric, "finding_on_predictions")]
    findings = [metric.finding_on_predictions(model.num_output_keypoints) for metric in metrics]
    if model.test_cfg.get("flip_test") and model.metainfo is None:
        wrong = delivered_keypoints(runner.val_dataloader.dataset) - {model.num_keypoints}
        findings += [
            f"test_cfg.flip_test=True takes flip_indices from val_dataloader.dataset, which delivers {count} "
            f"keypoints, but the model predicts {model.num_keypoints}. Give the model the keypoint set it predicts, "
            "model=dict(metainfo=dict(from_file=...))."
            for count in sorted(wrong)
        ]
    return [finding for finding in findings if finding]
