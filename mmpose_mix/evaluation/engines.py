"""The libraries that match poses and count precision and recall: one choice, one result."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Protocol

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

AUTO = "auto"
REFERENCE, FAST = "pycocotools", "hotcoco"
ENGINES = (AUTO, FAST, REFERENCE)
# hotcoco's names of the ten keypoint statistics, in pycocotools' order
_HOTCOCO_STATS = ("AP", "AP50", "AP75", "APm", "APl", "AR", "AR50", "AR75", "ARm", "ARl")

Groups = Mapping[str, Sequence[int]]


class Evaluation(Protocol):
    """Detections matched to annotations, once; statistics over any images follow from the matches."""

    def statistics(self) -> np.ndarray:
        """(10,) float64: AP, AP .5, AP .75, AP (M), AP (L), AR and its four, in [0, 1]; -1 where nothing counts."""
        ...

    def statistics_of(self, groups: Groups) -> dict[str, np.ndarray]:
        """The ten statistics over the images of each group alone, from the same matches."""
        ...


def finding_on_engine(engine: str) -> str:
    """Why that engine cannot be had; empty where it can."""
    if engine not in ENGINES:
        return f"engine={engine!r}, allowed: {ENGINES}"
    if engine == FAST and find_spec(FAST) is None:
        return (
            f"engine={FAST!r}, but {FAST} is not installed: run `pip install mmpose_mix[fast-eval]`, "
            f"or take engine={REFERENCE!r}, which gives the same numbers, or engine={AUTO!r}"
        )
    return ""


def engine_for(engine: str) -> str:
    """The engine that runs: what is asked for, and with ``auto`` hotcoco where it is installed."""
    if engine == AUTO:
        return REFERENCE if find_spec(FAST) is None else FAST
    return engine


def described(engine: str) -> str:
    """The engine's name and version."""
    return f"{engine} {version(engine)}"


def evaluated(engine: str, dataset: Mapping, detections: Sequence[Mapping], sigmas: np.ndarray) -> Evaluation:
    """Match detections to annotations.

    Args:
        engine: ``hotcoco`` or ``pycocotools``.
        dataset: ``images`` with id; ``annotations`` of which each has id (from 1), image_id, category_id, bbox, area,
            iscrowd, keypoints and num_keypoints, those with ``num_keypoints`` 0 being ignore regions; ``categories``
            with id and name.
        detections: dicts of id (from 1), image_id, category_id, keypoints (3K numbers: x, y, score), score, bbox
            (xywh), area and iscrowd 0. All numbers are finite: pycocotools takes a pose at NaN for a perfect one.
        sigmas: (K,).
    """
    found = {"images": dataset["images"], "annotations": detections, "categories": dataset["categories"]}
    return (_HotcocoEvaluation if engine == FAST else _PycocotoolsEvaluation)(dataset, found, sigmas)


def indexed(dataset: Mapping) -> COCO:
    """pycocotools' index over a data set of images, annotations and categories, without its printing."""
    coco = COCO()
    coco.dataset = dataset
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


class _HotcocoEvaluation:
    """By hotcoco (MIT licence), in Rust."""

    def __init__(self, dataset: Mapping, found: Mapping, sigmas: np.ndarray) -> None:
        import hotcoco

        self._has_images = bool(dataset["images"])
        if not self._has_images:
            return
        self._evaluation = hotcoco.COCOeval(hotcoco.COCO(dict(dataset)), hotcoco.COCO(dict(found)), "keypoints")
        self._evaluation.params.kpt_oks_sigmas = [float(sigma) for sigma in sigmas]
        self._evaluation.evaluate()

    def statistics(self) -> np.ndarray:
        return self._by_name({})["_overall"] if self._has_images else -np.ones(len(_HOTCOCO_STATS))

    def statistics_of(self, groups: Groups) -> dict[str, np.ndarray]:
        # numbers in the place of names: its own entries begin with "_"
        slices = {str(number): list(images) for number, images in enumerate(groups.values()) if len(images)}
        found = self._by_name(slices) if slices and self._has_images else {}
        nothing = -np.ones(len(_HOTCOCO_STATS))
        return {name: found.get(str(number), nothing) for number, name in enumerate(groups)}

    def _by_name(self, slices: Groups) -> dict[str, np.ndarray]:
        sliced = self._evaluation.slice_by(slices)
        return {name: np.array([stats[key] for key in _HOTCOCO_STATS]) for name, stats in sliced.items()}


class _PycocotoolsEvaluation:
    """By pycocotools, the reference."""

    def __init__(self, dataset: Mapping, found: Mapping, sigmas: np.ndarray) -> None:
        self._evaluation = COCOeval(indexed(dataset), indexed(found), "keypoints")
        self._evaluation.params.kpt_oks_sigmas = np.asarray(sigmas, dtype=np.float64)
        # pycocotools takes an empty list of images for all of them
        if self._evaluation.params.imgIds:
            with contextlib.redirect_stdout(io.StringIO()):
                self._evaluation.evaluate()

    def statistics(self) -> np.ndarray:
        return self._over(self._evaluation.params.imgIds)

    def statistics_of(self, groups: Groups) -> dict[str, np.ndarray]:
        return {name: self._over(images) for name, images in groups.items()}

    def _over(self, image_ids: Sequence[int]) -> np.ndarray:
        """Accumulate over some images: pycocotools keeps the matches of each category, area range and image."""
        all_ids, wanted = list(self._evaluation.params.imgIds), set(image_ids)
        places = [place for place, image_id in enumerate(all_ids) if image_id in wanted]
        if not places:
            return -np.ones(len(_HOTCOCO_STATS))
        part = copy.copy(self._evaluation)
        matches, step = self._evaluation.evalImgs, len(all_ids)
        part.evalImgs = [matches[block + place] for block in range(0, len(matches), step) for place in places]
        part.params = copy.copy(part.params)
        part.params.imgIds = [all_ids[place] for place in places]
        part._paramsEval = part.params
        with contextlib.redirect_stdout(io.StringIO()):
            part.accumulate()
            part.summarize()
        return np.asarray(part.stats, dtype=np.float64)
