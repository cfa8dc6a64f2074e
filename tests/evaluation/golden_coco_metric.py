"""Make golden_coco_metric.json: what MMPose 1.3.2's CocoMetric (on xtcocotools 1.14.3) says about noisy predictions.

Run with a Python that has MMPose: ``python tests/evaluation/golden_coco_metric.py POSE_SAMPLES_FOLDER``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from noisy_predictions import predicted_samples

HERE = Path(__file__).resolve().parent
SCORE_MODES = ("bbox", "bbox_keypoint", "bbox_rle", "keypoint")
NMS_MODES = ("none", "oks_nms", "soft_oks_nms")

# fmt: off
COCO_SIGMAS = [
    .026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089,
]
AIC_SIGMAS = [
    .01388152, .01515228, .01057665, .01417709, .01497891, .01402144, .03909642, .03686941, .01981803, .03843971,
    .03412318, .02415081, .01291456, .01236173,
]
CROWDPOSE_SIGMAS = [.079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089, .079, .079]
# fmt: on

# name: sigmas, annotation file, how the predictions are made from it, arguments of CocoMetric
DATA = {
    "coco": (COCO_SIGMAS, "coco/test_coco.json", {"copies": 2}, {}),
    "coco_detections": (COCO_SIGMAS, "coco/test_coco.json", {"detections": "coco/test_coco_det_AP_H_56.json"}, {}),
    "coco_once": (COCO_SIGMAS, "coco/test_coco.json", {}, {}),
    "aic": (
        AIC_SIGMAS,
        "aic/test_aic.json",
        {"copies": 4, "noise": 0.02, "lowest_box_score": 0.2},
        {"use_area": False},
    ),
    "aic_once": (AIC_SIGMAS, "aic/test_aic.json", {"noise": 0.02}, {}),
    "crowdpose": (
        CROWDPOSE_SIGMAS,
        "crowdpose/test_crowdpose.json",
        {"copies": 4, "lowest_box_score": 0.2},
        {"use_area": False, "iou_type": "keypoints_crowd"},
    ),
}
IN_GRID = ("coco", "coco_detections", "aic", "crowdpose")
FACELESS = {"num_keypoints": 12, "mapping": [(k, k - 5) for k in range(5, 17)]}
ARMS = {"num_keypoints": 14, "mapping": [(6, 0), (8, 1), (10, 2), (5, 3), (7, 4), (9, 5)]}
# name: data, further arguments, whether the annotation file is given
VARIANTS = {
    "coco without areas": ("coco_detections", {"use_area": False, "nms_thr": 0.5}, True),
    "coco from the samples": ("coco_once", {}, False),
    "aic from the samples, with areas": ("aic_once", {}, False),
    "coco without its face": ("coco_detections", {"pred_converter": FACELESS, "gt_converter": FACELESS}, True),
    "coco's arms among 14 keypoints": ("coco", {"pred_converter": ARMS, "gt_converter": ARMS}, True),
}


def cases() -> dict[str, tuple[str, dict, bool]]:
    """Every golden case: its data, the arguments of CocoMetric, whether the annotation file is given."""
    grid = {
        f"{data} {score_mode} {nms_mode}": (data, {**arguments, "score_mode": score_mode, "nms_mode": nms_mode}, True)
        for data, arguments in ((data, DATA[data][3]) for data in IN_GRID)
        for score_mode in SCORE_MODES
        for nms_mode in NMS_MODES
        # All box scores are 1 there. MMPose ranks what ties after a penalty with numpy's default sort, which orders
        # equal numbers differently from machine to machine.
        if (data, score_mode, nms_mode) != ("coco", "bbox", "soft_oks_nms")
    }
    return {
        **grid,
        **{name: (d, {**DATA[d][3], **arguments}, given) for name, (d, arguments, given) in VARIANTS.items()},
    }


def metric_inputs(name: str, folder: Path) -> tuple[list[dict], dict, dict]:
    """The samples, the metainfo and the arguments of CocoMetric of a case.

    Args:
        name: one of :func:`cases`.
        folder: the sample data.
    """
    data, arguments, from_file = cases()[name]
    sigmas, annotation_file, recipe, _ = DATA[data]
    annotation_file = folder / annotation_file
    detections = recipe.get("detections")
    options = {key: value for key, value in recipe.items() if key != "detections"}
    samples = predicted_samples(annotation_file, folder / detections if detections else None, **options)
    meta = {
        "dataset_name": data.split("_")[0],
        "num_keypoints": len(sigmas),
        "sigmas": np.array(sigmas, dtype=np.float32),
        "CLASSES": [{"id": 1, "name": "person"}],
    }
    return samples, meta, {**arguments, **({"ann_file": str(annotation_file)} if from_file else {})}


def _statistics(name: str, folder: Path) -> list[float]:
    from mmpose.evaluation.metrics import CocoMetric

    samples, meta, arguments = metric_inputs(name, folder)
    with tempfile.TemporaryDirectory() as output:
        metric = CocoMetric(**arguments, outfile_prefix=f"{output}/out")
        metric.dataset_meta = meta
        metric.process([], samples)
        return [round(float(value), 9) for value in metric.evaluate(len(samples)).values()]


def main() -> None:
    golden = {name: _statistics(name, Path(sys.argv[1])) for name in cases()}
    lines = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in golden.items()]
    (HERE / "golden_coco_metric.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
