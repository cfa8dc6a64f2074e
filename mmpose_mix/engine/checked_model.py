"""Whether model, head, data and evaluation of a config have the same keypoints and the same input in mind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional

import torch
from mmengine import registry as root

from mmpose_mix.engine.checked_sources import REFUSALS, is_kind
from mmpose_mix.engine.config_finding import finding, finding_in_words
from mmpose_mix.engine.keypoint_counts import findings_on_evaluation, findings_on_training
from mmpose_mix.evaluation.multi_dataset import MultiDatasetEvaluator, metainfo_of_each
from mmpose_mix.keypoints.findings import Finding
from mmpose_mix.keypoints.mapping import KeypointMapping
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import keypoint_set


def built_model(config: Mapping[str, Any]) -> tuple[Any, list[Finding]]:
    """Build a model, without memory for its weights where torch can; None, and why, where it is refused."""
    try:
        if hasattr(torch.device, "__enter__"):  # not before torch 2.0
            try:
                with torch.device("meta"):
                    return root.MODELS.build(config), []
            except RuntimeError:  # a constructor that reads what it has made
                pass
        return root.MODELS.build(config), []
    except (*REFUSALS, RuntimeError) as refusal:
        return None, [finding_in_words("CFG530", "model", str(refusal), "Correct it")]


def built_metrics(config: Any, place: str, metainfo: Optional[Mapping[str, Any]]) -> tuple[list[Any], list[Finding]]:
    """Build metrics without reading annotations, and say what is wrong with them.

    Args:
        config: of an evaluator.
        place: where it stands.
        metainfo: of the data set that is evaluated; None where unknown.
    """
    metrics: list[Any] = []
    _, refused = _metainfo_by_dataset(config)
    findings = [finding_in_words("CFG535", place, refused, "Correct it")] if refused else []
    for where, one, own in metric_configs(config, place, metainfo):
        try:
            metric = root.METRICS.build({key: value for key, value in one.items() if key != "ann_file"})
            if own is not None:
                metric.dataset_meta = {key: value for key, value in own.items() if key != "ann_file"}
            metrics.append(metric)
        except FileNotFoundError:  # a metric that reads at once; absent files are found by themselves
            continue
        except REFUSALS as refusal:
            findings.append(finding_in_words("CFG535", where, str(refusal), "Correct it"))
    return metrics, findings


def metric_configs(
    config: Any, place: str, metainfo: Optional[Mapping[str, Any]] = None
) -> Iterator[tuple[str, Mapping[str, Any], Optional[Mapping[str, Any]]]]:
    """Yield the metrics of an evaluator's config with their places, and the metainfo that the evaluator gives each.

    Args:
        config: of an evaluator.
        place: where it stands.
        metainfo: of the data set that is evaluated. A :class:`MultiDatasetEvaluator` gives each metric that of its own
            data set instead; None where it cannot be told.
    """
    if isinstance(config, Mapping) and "metrics" in config:
        given, inner = config["metrics"], f"{place}.metrics"
        own, refused = _metainfo_by_dataset(config)
        if own is None:
            yield from metric_configs(given, inner, None if refused else metainfo)
        elif isinstance(given, (list, tuple)):
            for number, (one, meta) in enumerate(zip(given, own)):
                yield from metric_configs(one, f"{inner}[{number}]", meta)
        else:
            yield from metric_configs(given, inner, own[0])
    elif isinstance(config, (list, tuple)):
        for number, one in enumerate(config):
            yield from metric_configs(one, f"{place}[{number}]", metainfo)
    elif isinstance(config, Mapping):
        yield place, config, metainfo


def findings_on_counts(model: Any, training: Any, evaluated: Any, metrics: Sequence[Any]) -> list[Finding]:
    """Return where the numbers of keypoints differ; a model that does not tell its own is taken on trust.

    Args:
        model: built.
        training, evaluated: data sets; None where there is none.
        metrics: built, with the metainfo of the evaluated data set.
    """
    if getattr(model, "num_keypoints", None) is None or not hasattr(model, "num_output_keypoints"):
        return []
    words = [] if training is None else findings_on_training(model, training)
    words += [] if evaluated is None else findings_on_evaluation(model, evaluated, metrics)
    return [finding_in_words("CFG531", "model", sentence, "Make the numbers of keypoints equal") for sentence in words]


def findings_on_names(
    model: Any,
    target: Optional[KeypointSet],
    evaluated: Optional[KeypointSet],
    metrics: Iterable[tuple[str, Mapping[str, Any], Optional[Mapping[str, Any]]]],
) -> list[Finding]:
    """Return where keypoints of the same place in an array have other names, or other partners when flipped.

    Args:
        model: built.
        target: what the training data deliver; None where unknown.
        evaluated: keypoint set of the evaluated data; None where there is none.
        metrics: configs of metrics with their places and metainfo, see :func:`metric_configs`.
    """
    metainfo = getattr(model, "metainfo", None)
    predicted = keypoint_set(metainfo) if metainfo else target
    if predicted is None:
        return []
    findings = []
    if metainfo and target is not None and target.num_keypoints == predicted.num_keypoints:
        findings += _against_training(predicted, target)
    test_cfg = getattr(model, "test_cfg", None) or {}
    flipped_as = evaluated if not metainfo and test_cfg.get("flip_test") else None
    if flipped_as is not None and flipped_as.num_keypoints == predicted.num_keypoints:
        findings += _flips(flipped_as, predicted, "val_dataloader.dataset", "Give model=dict(metainfo=...) that set")
    indices = test_cfg.get("output_keypoint_indices")
    names = predicted.keypoint_names
    in_range = indices is not None and all(index in range(len(names)) for index in indices)
    put_out: list[Optional[str]] = [names[i] for i in indices or ()] if in_range else list(names)
    for where, metric, own in metrics:
        if own and metric.get("gt_converter") is None:
            findings += _put_out(put_out, names, keypoint_set(own), where, metric.get("pred_converter"))
    return findings


def findings_on_sizes(pipelines: Mapping[str, Sequence[Any]], model: Any) -> list[Finding]:
    """Return whether all that crops, encodes and decodes agrees on the size of the network's input.

    Args:
        pipelines: built transforms by their place in the config.
        model: built, or None.
    """
    sizes: dict[tuple[int, ...], list[str]] = {}
    for place, transforms in pipelines.items():
        for number, transform in enumerate(transforms):
            encoder = getattr(transform, "encoder", None)
            parts = encoder if isinstance(encoder, (list, tuple)) else [encoder]
            for part, name in [(transform, ""), *((part, ".encoder") for part in parts)]:
                _note(sizes, part, f"{place}[{number}]{name} ({type(part).__name__})")
    decoder = getattr(getattr(model, "head", None), "decoder", None)
    _note(sizes, decoder, f"model.head.decoder ({type(decoder).__name__})")
    if len(sizes) < 2:
        return []
    text = "input_size (w, h) is " + "; ".join(
        f"{' x '.join(map(str, size))} in {', '.join(dict.fromkeys(places))}" for size, places in sizes.items()
    )
    fix = (
        "Keypoints would be cropped for one size and encoded or decoded for another: use one, such as codec.input_size"
    )
    return [finding("CFG534", "codec", text, fix)]


def _metainfo_by_dataset(config: Any) -> tuple[Optional[list[dict[str, Any]]], str]:
    """What a MultiDatasetEvaluator gives its metrics, or why it cannot; None and no words of another evaluator."""
    if not is_kind(config, MultiDatasetEvaluator, root.EVALUATOR):
        return None, ""
    try:
        return metainfo_of_each(config.get("metrics"), config.get("datasets") or ()), ""
    except REFUSALS as refusal:
        return None, str(refusal)


def _note(sizes: dict[tuple[int, ...], list[str]], part: Any, where: str) -> None:
    size = getattr(part, "input_size", None)
    if isinstance(size, (list, tuple)) and len(size) == 2:
        sizes.setdefault(tuple(int(side) for side in size), []).append(where)


def _against_training(predicted: KeypointSet, target: KeypointSet) -> list[Finding]:
    slips = _slips(list(predicted.keypoint_names), target.keypoint_names, set(target.keypoint_names))
    if slips:
        text = f"keypoints of {predicted.name!r} are not in the order of {target.name!r}, which is trained: {slips}"
        return [finding("CFG533", "model.metainfo", text, "Give the model the metainfo of the training data")]
    return _flips(predicted, target, "model.metainfo", "Give the model the metainfo of the training data")


def _flips(one: KeypointSet, trained: KeypointSet, place: str, fix: str) -> list[Finding]:
    pairs = zip(trained.keypoint_names, one.flip_indices, trained.flip_indices)
    wrong = [f"{name} with {mine}, not {theirs}" for name, mine, theirs in pairs if mine != theirs]
    if not wrong:
        return []
    text = f"the flip test would swap otherwise than the training data {trained.name!r}: {_some(wrong)}"
    return [finding("CFG533", place, text, fix)]


def _put_out(
    put_out: Sequence[Optional[str]], predicted: Sequence[str], evaluated: KeypointSet, where: str, converter: Any
) -> list[Finding]:
    if converter is not None:
        try:
            pairs = KeypointMapping(converter["num_keypoints"], converter["mapping"]).pairs
        except (KeyError, TypeError, ValueError):  # said when the metric is built
            return []
        names: list[Optional[str]] = [None] * converter["num_keypoints"]
        for pair in pairs:
            if isinstance(pair[0], int) and pair[0] < len(put_out):
                names[pair[1]] = put_out[pair[0]]
    else:
        names = list(put_out)
    if len(names) != evaluated.num_keypoints:  # said by the counts
        return []
    slips = _slips(names, evaluated.keypoint_names, set(predicted))
    if not slips:
        return []
    text = f"the model's keypoints are not in the order of {evaluated.name!r}, which is evaluated: {slips}"
    return [finding("CFG532", where, text, "Correct test_cfg.output_keypoint_indices or the metric's pred_converter")]


def _slips(given: Sequence[Optional[str]], wanted: Sequence[str], known: set[str]) -> str:
    """The places whose name is another one, although the right one is known; without those of two vocabularies."""
    return _some(
        [
            f"{place} is {mine}, not {theirs}"
            for place, (mine, theirs) in enumerate(zip(given, wanted))
            if mine is not None and mine != theirs and theirs in known
        ]
    )


def _some(words: Sequence[str], most: int = 4) -> str:
    rest = len(words) - most
    return ", ".join(words) if rest <= 0 else f"{', '.join(words[:most])} and {rest} more"
