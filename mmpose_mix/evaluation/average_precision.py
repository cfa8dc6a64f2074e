"""Keypoint statistics of COCO and CrowdPose, over all images and over those of each source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Optional

from mmpose_mix.evaluation.engines import Evaluation

STAT_NAMES = ("AP", "AP .5", "AP .75", "AP (M)", "AP (L)", "AR", "AR .5", "AR .75", "AR (M)", "AR (L)")
# The statistics of CrowdPose that do not depend on crowding.
_CROWD_STATS = ("AP", "AP .5", "AP .75", "AR", "AR .5", "AR .75")
# Bounds of the crowd index, from the CrowdPose evaluation (Li et al. 2018).
_EASY_BELOW, _MEDIUM_BELOW = 0.2, 0.8
_SIZES = {"(M)": "medium", "(L)": " large"}

Stats = dict[str, float]


def keypoint_precision(evaluation: Evaluation, images: Optional[Iterable[int]] = None) -> Stats:
    """COCO's ten keypoint statistics.

    Args:
        evaluation: the matches.
        images: ids of the images that count; all of them where it is not given.

    Returns:
        The statistics by name, in [0, 1], or -1 where no annotation falls into the class.
    """
    found = evaluation.statistics() if images is None else evaluation.statistics_of({"": list(images)})[""]
    return dict(zip(STAT_NAMES, map(float, found)))


def crowd_keypoint_precision(
    evaluation: Evaluation, crowding: Sequence[Mapping], images: Optional[Iterable[int]] = None
) -> Stats:
    """CrowdPose's nine statistics: AP and AR as COCO's, and AP over easy, medium and hard images.

    An image is easy below crowd index 0.2, hard from 0.8. The three are rounded to 4 digits, as the reference does.

    Args:
        evaluation: the matches.
        crowding: the data set's images, each with ``id`` and ``crowdIndex``.
        images: ids of the images that count; all of them where it is not given.
    """
    general = keypoint_precision(evaluation, images)
    counted = None if images is None else set(images)
    classes: dict[str, list[int]] = {"AP(E)": [], "AP(M)": [], "AP(H)": []}
    for image in crowding:
        if counted is None or image["id"] in counted:
            index = image["crowdIndex"]
            letter = "E" if index < _EASY_BELOW else "M" if index < _MEDIUM_BELOW else "H"
            classes[f"AP({letter})"].append(image["id"])
    found = evaluation.statistics_of(classes)
    return {
        **{name: general[name] for name in _CROWD_STATS},
        **{name: round(float(stats[0]), 4) for name, stats in found.items()},
    }


def table_of(stats: Stats) -> str:
    """The statistics as the COCO evaluation prints them, one a line; those of several parts one part a line."""
    if any("/" in name for name in stats):
        return table_of_rows(stats)
    return "\n".join(f" {_described(name)} = {value:0.3f}" for name, value in stats.items())


def table_of_rows(stats: Stats) -> str:
    """One line for each group of statistics, named by what stands before the last ``/``; one column for each name."""
    rows: dict[str, Stats] = {}
    for name, value in stats.items():
        group, _, which = name.rpartition("/")
        rows.setdefault(group or "all", {})[which] = value
    names = list(next(iter(rows.values())))
    width = max(map(len, rows))
    head = " " * (width + 1) + " ".join(f"{name:>7}" for name in names)
    return "\n".join([head, *(f"{row:<{width}} " + " ".join(f"{s[n]:7.3f}" for n in names) for row, s in rows.items())])


def _described(name: str) -> str:
    if name.startswith("AP("):
        return f"Average Precision  (AP) over images of crowding {name[3]}"
    kind, _, which = name.partition(" ")
    title = "Average Precision " if kind == "AP" else "Average Recall    "
    threshold = f"{float(which):<9.2f}" if which.startswith(".") else "0.50:0.95"
    return f"{title} ({kind}) @[ IoU={threshold} | area={_SIZES.get(which, '   all')} | maxDets= 20 ]"
