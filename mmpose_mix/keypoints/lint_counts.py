"""Numbers of keypoints that must agree from the annotations to the metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Optional

from mmpose_mix.keypoints.findings import Finding, finding, listed


def lint_annotated(place: str, annotated: int, num_keypoints: int) -> list[Finding]:
    """Compare the keypoints of an annotation file with those of its keypoint set.

    >>> print(lint_annotated("halpe_train_133kpt.json", 133, 136)[0].text)
    133 keypoints per person, but the keypoint set has 136
    """
    if annotated == num_keypoints:
        return []
    text = f"{annotated} keypoints per person, but the keypoint set has {num_keypoints}"
    return [finding("DATA306", place, text, "give the metainfo of this file, or the file of this metainfo")]


def lint_head(place: str, out_channels: int, num_keypoints: int, maps_per_keypoint: int = 1) -> list[Finding]:
    """Compare the channels of a head with the keypoints that it is taught.

    >>> print(lint_head("model.head", 17, 19)[0].text)
    out_channels=17 predicts 17 keypoints, but 19 arrive
    """
    if out_channels == num_keypoints * maps_per_keypoint:
        return []
    each = "" if maps_per_keypoint == 1 else f" of {maps_per_keypoint} maps each"
    predicted = out_channels / maps_per_keypoint
    text = f"out_channels={out_channels} predicts {predicted:g} keypoints{each}, but {num_keypoints} arrive"
    return [finding("NUM401", place, text, f"set out_channels={num_keypoints * maps_per_keypoint}")]


def lint_output_indices(place: str, indices: Iterable[Any], num_keypoints: int) -> list[Finding]:
    """Check which keypoints of a model's predictions are kept.

    Args:
        place: Where findings are.
        indices: ``output_keypoint_indices``.
        num_keypoints: Keypoints that the model predicts.

    >>> print(lint_output_indices("model.test_cfg", [0, 1, 1, 19], 19)[0].text)
    out of range: 19; twice: 1
    """
    given = list(indices)
    whole = [index for index in given if isinstance(index, int) and not isinstance(index, bool)]
    parts: dict[str, list[Any]] = {
        "no integers": [repr(index) for index in given if index not in whole or isinstance(index, bool)],
        "out of range": sorted({index for index in whole if not 0 <= index < num_keypoints}),
        "twice": sorted(index for index, count in Counter(whole).items() if count > 1),
    }
    words = "; ".join(f"{word}: {listed(some)}" for word, some in parts.items() if some)
    if not words:
        return []
    fix = f"give different integers 0 to {num_keypoints - 1}"
    return [finding("NUM402", f"{place}: output_keypoint_indices", words, fix)]


def lint_metric(place: str, num_predicted: int, num_keypoints: int, num_sigmas: Optional[int] = None) -> list[Finding]:
    """Compare the keypoints that a metric gets with those that it judges by.

    Args:
        place: Where findings are.
        num_predicted: Keypoints of a prediction, after ``output_keypoint_indices``.
        num_keypoints: Keypoints of the annotations that predictions are compared with.
        num_sigmas: Sigmas of the metric's keypoint set where it computes OKS, else None.

    >>> print(lint_metric("val_evaluator", 19, 17)[0].text)
    predictions have 19 keypoints, the annotations 17
    """
    found = []
    if num_predicted != num_keypoints:
        text = f"predictions have {num_predicted} keypoints, the annotations {num_keypoints}"
        fix = "choose by output_keypoint_indices, or evaluate on the keypoint set of the predictions"
        found.append(finding("NUM403", place, text, fix))
    if num_sigmas is not None and num_sigmas != num_keypoints:
        text = f"OKS needs {num_keypoints} sigmas, the keypoint set has {num_sigmas}"
        fix = "give the sigmas in the metainfo, or use PCK or NME"
        found.append(finding("NUM404", place, text, fix))
    return found
