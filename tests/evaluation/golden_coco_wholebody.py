"""Make golden_coco_wholebody.json: what MMPose 1.3.2's CocoWholeBodyMetric (on xtcocotools 1.14.3) says.

Of the parts it prints three digits and returns nothing: their statistics are taken where they are printed.
Run with a Python that has MMPose: ``python tests/evaluation/golden_coco_wholebody.py``.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from whole_body_people import META, predictions, whole_bodies

HERE = Path(__file__).resolve().parent
PARTS = ("body", "foot", "face", "lefthand", "righthand", "whole")
# name: seed, arguments of CocoWholeBodyMetric, whether the annotation file is given
CASES: dict[str, tuple[int, dict, bool]] = {
    "as shipped": (0, {}, True),
    "other people": (1, {}, True),
    "no suppression": (2, {"nms_mode": "none"}, True),
    "soft suppression": (3, {"nms_mode": "soft_oks_nms", "nms_thr": 0.5}, True),
    "by box score, without areas": (4, {"score_mode": "bbox", "use_area": False}, True),
    "by highest score": (5, {"score_mode": "bbox_rle", "nms_thr": 0.5}, True),
    "from the samples": (6, {}, False),
}


def metric_inputs(name: str, folder: Path) -> tuple[list[dict], dict]:
    """The samples and the arguments of CocoWholeBodyMetric of a case.

    Args:
        name: one of ``CASES``.
        folder: where the annotation file is written.
    """
    seed, arguments, from_file = CASES[name]
    content = whole_bodies(seed)
    path = folder / f"{seed}.json"
    path.write_text(json.dumps(content))
    # MMPose counts an annotation as often as a sample carries it
    samples = predictions(content, seed + 100, copies=3 if from_file else 1)
    return samples, {**arguments, **({"ann_file": str(path)} if from_file else {})}


def _statistics(name: str, folder: Path) -> dict[str, list[float]]:
    from mmpose.evaluation.metrics import coco_wholebody_metric as theirs

    found: list[list[float]] = []

    class Recorded(theirs.COCOeval):
        def summarize(self) -> None:
            super().summarize()
            found.append([round(float(value), 9) for value in self.stats])

    original, theirs.COCOeval = theirs.COCOeval, Recorded
    try:
        samples, arguments = metric_inputs(name, folder)
        metric = theirs.CocoWholeBodyMetric(**arguments, outfile_prefix=f"{folder}/out")
        metric.dataset_meta = META
        metric.process([], samples)
        returned = metric.evaluate(len(samples))
    finally:
        theirs.COCOeval = original
    named = dict(zip(PARTS, found))
    if [round(float(value), 9) for value in returned.values()] != named["whole"]:
        raise RuntimeError(f"{name}: what is returned is not what is printed last.")
    return {"names": list(returned), **named}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        golden = {name: _statistics(name, Path(folder)) for name in CASES}
    names = {tuple(case.pop("names")) for case in golden.values()}
    if len(names) != 1:
        raise RuntimeError(f"MMPose names the statistics in several ways: {names}.")
    lines = [f'"names": {json.dumps(names.pop())}']
    for name, parts in golden.items():
        rows = ",\n".join(f"  {json.dumps(part)}: {json.dumps(values)}" for part, values in parts.items())
        lines.append(f"{json.dumps(name)}: {{\n{rows}\n}}")
    (HERE / "golden_coco_wholebody.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
