"""Time the keypoint AP of 5,000 images with 15,000 detections, in this package and in MMPose.

Run: ``python -m benchmarks.evaluation``, in an environment with MMPose 1.3.2 and xtcocotools for the comparison, and
with hotcoco for the fast engine. The data is made up, from a seed; both packages get the same samples, and their ten
statistics are compared to 1e-9 before anything is timed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import installed, machine, markdown_table
from benchmarks.peers import mmpose_is_here
from benchmarks.rows import Row

K = 17
TOLERANCE = 1e-9
ASKED = "10 times as fast, the same numbers to 1e-9"


def annotated_images(images: int, people: int, seed: int = 0) -> dict[str, Any]:
    """A COCO data set of that many images and annotated persons."""
    random = np.random.RandomState(seed)
    sizes = random.uniform(20, 250, (people, 2))
    corners = random.uniform(0, 300, (people, 2))
    points = random.uniform(0, 1, (people, K, 2)) * sizes[:, None] + corners[:, None]
    visible = random.choice(3, (people, K), p=(0.3, 0.2, 0.5))
    visible[random.uniform(size=people) < 0.3] = 0  # as in COCO, small persons have boxes alone
    triples = np.concatenate([points, visible[..., None]], axis=-1).round(2).reshape(people, -1)
    annotations = [
        {
            "id": number + 1,
            "image_id": int(random.randint(1, images + 1)),
            "category_id": 1,
            "bbox": [*corners[number].round(2).tolist(), *sizes[number].round(2).tolist()],
            "area": round(float(sizes[number].prod() * random.uniform(0.4, 0.8)), 3),
            "iscrowd": int(random.uniform() < 0.02),
            "keypoints": triples[number].tolist(),
            "num_keypoints": int(np.count_nonzero(visible[number])),
            "segmentation": [random.uniform(0, 500, 40).round(2).tolist()],
        }
        for number in range(people)
    ]
    pictures = [
        {"id": number, "file_name": f"{number:012}.jpg", "width": 640, "height": 480} for number in range(1, images + 1)
    ]
    return {"images": pictures, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}


def predicted_samples(dataset: dict[str, Any], detections: int, seed: int = 1) -> list[dict[str, Any]]:
    """Top-down samples, one detection each: annotated persons in turn, off by noise, with scores of their own."""
    random = np.random.RandomState(seed)
    people = dataset["annotations"]
    samples = []
    for number in range(detections):
        person = people[number % len(people)]
        x, y, w, h = person["bbox"]
        truth = np.array(person["keypoints"]).reshape(1, K, 3)[..., :2]
        noise = random.normal(0, random.choice([0.01, 0.03, 0.1]), truth.shape) * np.sqrt(w * h)
        predicted = {
            "keypoints": (truth + noise).astype(np.float32),
            "keypoint_scores": random.uniform(0, 1, (1, K)).astype(np.float32),
            "bboxes": np.array([[x, y, x + w, y + h]], dtype=np.float32),
            "bbox_scores": random.uniform(0.1, 1, 1).astype(np.float32),
        }
        annotated = {"bbox_scores": predicted["bbox_scores"], "bbox_scales": np.array([[w, h]], dtype=np.float32)}
        common = {"id": number, "img_id": person["image_id"], "category_id": 1, "ori_shape": (480, 640)}
        samples.append({**common, "pred_instances": predicted, "gt_instances": annotated})
    return samples


class Measured:
    """One package's ``CocoMetric``: seconds of loading, taking the samples and computing, in rounds."""

    def __init__(self, build: Callable[[], Any], samples: Sequence[dict[str, Any]]) -> None:
        self._build, self._samples = build, samples
        self.statistics: dict[str, float] = {}
        self._seconds: list[tuple[float, float, float]] = []

    def run(self) -> None:
        """One round, in CPU time: other processes of the machine do not count."""
        with contextlib.redirect_stdout(io.StringIO()):
            start = time.process_time()
            metric = self._build()
            loaded = time.process_time()
            metric.process({}, self._samples)
            taken = time.process_time()
            self.statistics = metric.evaluate(len(self._samples))
            self._seconds.append((loaded - start, taken - loaded, time.process_time() - taken))

    def seconds(self) -> tuple[float, float, float]:
        """Medians of loading, taking and computing."""
        load, take, compute = (statistics.median(column) for column in zip(*self._seconds))
        return load, take, compute


def ours(ann_file: str, engine: str) -> Any:
    """This package's metric."""
    from mmpose_mix.evaluation import CocoMetric

    metric = CocoMetric(ann_file=ann_file, engine=engine)
    metric.dataset_meta = _meta()
    return metric


def theirs(ann_file: str) -> Any:
    """MMPose's metric."""
    from mmpose.evaluation.metrics import CocoMetric

    metric = CocoMetric(ann_file=ann_file)
    metric.dataset_meta = _meta()
    return metric


def measured(images: int, people: int, detections: int, rounds: int) -> dict[str, Measured]:
    """The metrics by name, measured in turns so that all see the same machine; their statistics agree.

    Raises:
        RuntimeError: where two of them differ by more than ``TOLERANCE``.
    """
    dataset = annotated_images(images, people)
    samples = predicted_samples(dataset, detections)
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        ann_file = str(Path(folder) / "annotations.json")
        Path(ann_file).write_text(json.dumps(dataset))
        runs = {"pycocotools": Measured(lambda: ours(ann_file, "pycocotools"), samples)}
        if find_spec("hotcoco") is not None:
            runs["hotcoco"] = Measured(lambda: ours(ann_file, "hotcoco"), samples)
        if mmpose_is_here():
            runs["mmpose"] = Measured(lambda: theirs(ann_file), samples)
        for _ in range(rounds + 1):
            for run in runs.values():
                run.run()
            _check_agreement(runs)
    for run in runs.values():
        del run._seconds[0]  # imports and caches
    logging.disable(logging.NOTSET)
    return runs


def _check_agreement(runs: dict[str, Measured]) -> None:
    first = runs["pycocotools"].statistics
    for name, run in runs.items():
        if list(run.statistics) != list(first):
            raise RuntimeError(f"{name} gives {list(run.statistics)}, pycocotools {list(first)}")
        differences = {key: abs(value - first[key]) for key, value in run.statistics.items()}
        worst = max(differences, key=lambda key: differences[key])
        if differences[worst] > TOLERANCE:
            raise RuntimeError(f"{name} differs from pycocotools in {worst} by {differences[worst]:.2e}")


def _meta() -> dict[str, Any]:
    sigmas = np.array([0.026] + [0.025] * 2 + [0.035] * 2 + [0.079] * 2 + [0.072] * 2 + [0.062] * 2, dtype=np.float32)
    sigmas = np.concatenate([sigmas, np.array([0.107] * 2 + [0.087] * 2 + [0.089] * 2, dtype=np.float32)])
    return {"dataset_name": "made_up", "num_keypoints": K, "sigmas": sigmas, "CLASSES": [{"id": 1, "name": "person"}]}


def rows(quick: bool = False) -> list[Row]:
    """The figures; ``quick`` measures a tenth of the images, once."""
    sizes = (500, 1100, 1500, 1) if quick else (5000, 11000, 15000, 5)
    runs = measured(*sizes)
    best = "hotcoco" if "hotcoco" in runs else "pycocotools"
    load, take, compute = runs[best].seconds()
    _, _, reference = runs["pycocotools"].seconds()
    other = runs["mmpose"].seconds() if "mmpose" in runs else (None, None, None)
    size = f"{sizes[0]:,} images, {sizes[2]:,} detections"
    note = f"CPU seconds; the statistics of all agree to {TOLERANCE:.0e}; "
    whole = None if other[0] is None else sum(other)
    return [
        Row(
            "keypoint_ap",
            f"`CocoMetric.evaluate` of {size}, by {best}",
            "s",
            compute,
            other[2],
            ASKED,
            f"{note}by pycocotools {reference:.2f} s",
        ),
        Row("keypoint_ap_load", f"`CocoMetric` built, annotations of {sizes[0]:,} images", "s", load, other[0], ASKED),
        Row("keypoint_ap_process", f"`CocoMetric.process` of {sizes[2]:,} samples", "s", take, other[1], "–"),
        Row("keypoint_ap_all", "the three together", "s", load + take + compute, whole, ASKED),
    ]


def main() -> None:
    """Print the machine and the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, one round")
    found = rows(parser.parse_args().quick)
    engines = ", ".join(f"{name} {installed(name)}" for name in ("hotcoco", "pycocotools", "xtcocotools"))
    print(f"{machine()}, {engines}\n")
    cells = [
        [
            row.what,
            f"{row.ours:.3f} {row.unit}",
            "–" if row.theirs is None else f"{row.theirs:.3f} {row.unit}",
            "–" if row.ratio is None else f"{row.ratio:.1f}",
            row.asked,
            row.note,
        ]
        for row in found
    ]
    print(markdown_table(["what", "ours", "MMPose", "times", "asked", "note"], cells))


if __name__ == "__main__":
    main()
