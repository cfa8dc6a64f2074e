"""The demo's page: what one model learnt from two data sets that label different keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmpose_mix.visualization import report


@dataclass(frozen=True)
class DemoResults:
    """What the page shows.

    Attributes:
        coco_ap, aic_ap: AP on unseen drawings.
        names: K keypoints of the model.
        found: (K,) share of each found on unseen COCO-style drawings.
        threshold: of ``found``, as a share of the longer side of the person's box.
        only_aic: those of ``names`` that only the AIC-style set labels.
        coco_tiles, aic_tiles: predictions, (h, w, 3) uint8 RGB.
        batch: picture of a training batch, (h, w, 3) uint8 RGB.
        losses: of each training step.
        ap_over_time: (steps done, AP on COCO-style drawings).
        facts: names and values for the table at the end.
    """

    coco_ap: float
    aic_ap: float
    names: Sequence[str]
    found: np.ndarray
    threshold: float
    only_aic: Sequence[str]
    coco_tiles: Sequence[np.ndarray]
    aic_tiles: Sequence[np.ndarray]
    batch: np.ndarray
    losses: Sequence[float]
    ap_over_time: Sequence[tuple[int, float]]
    facts: Sequence[tuple[str, str]]


def demo_page(results: DemoResults) -> str:
    """The page as one HTML document."""
    lead = (
        "One set of drawings is annotated as COCO is, with 17 keypoints; the other as AI Challenger (AIC) is, with 14. "
        "Twelve joints are in both. A single model with the union of <b>19 keypoints</b> was trained on a mixture of "
        "the two, and evaluated on drawings that it has never seen."
    )
    return report.page(
        "Two data sets, one pose model",
        lead,
        [_cards(results), _predictions(results), _batch(results), _learning(results), _facts(results)],
    )


def _share(results: DemoResults, name: str) -> float:
    return float(results.found[list(results.names).index(name)])


def _cards(results: DemoResults) -> str:
    items = [
        (f"{results.coco_ap:.3f}", "AP, COCO-style", "17 keypoints, COCO's sigmas", False),
        (f"{results.aic_ap:.3f}", "AP, AIC-style", "14 keypoints, AIC's own strict sigmas", False),
    ]
    items += [
        (f"{100 * _share(results, name):.0f} %", f"{name} found", "on COCO-style drawings, which never label it", True)
        for name in results.only_aic
    ]
    return report.cards(items)


def _predictions(results: DemoResults) -> str:
    names = " and ".join(f'<span class="special">{name}</span>' for name in results.only_aic)
    text = (
        f"The first drawings of each unseen set, not hand-picked. On COCO-style drawings the model puts {names} "
        "although no COCO-style annotation has them; on AIC-style drawings it puts "
        '<span class="special">nose</span>, eyes and ears, which AIC lacks.'
    )
    coco = [report.figure(tile, "", "Predicted poses on a COCO-style drawing") for tile in results.coco_tiles]
    aic = [report.figure(tile, "", "Predicted poses on an AIC-style drawing") for tile in results.aic_tiles]
    return report.section(
        "What it predicts",
        text,
        f"<p><b>COCO-style</b></p>{report.grid(coco)}<p><b>AIC-style</b></p>{report.grid(aic)}",
    )


def _batch(results: DemoResults) -> str:
    text = (
        "A training batch as the network sees it; every batch is half COCO-style, half AIC-style. What a source does "
        "not label is not trained on its samples: head top and neck in the upper row, the face in the lower one. "
        "Hidden joints are labelled and trained, as in the real data sets."
    )
    picture = report.figure(
        results.batch, "", "Sixteen training samples with the keypoints that are trained", wide=True
    )
    return report.section("What it is taught", text, picture)


def _learning(results: DemoResults) -> str:
    threshold = f"{100 * results.threshold:g} %"
    text = (
        f"A keypoint counts as found when it lies within {threshold} of the longer side of the person's box. The truth "
        "for head top and neck comes from the drawing program: COCO-style annotations do not hold it."
    )
    items = [(name, share, name in results.only_aic) for name, share in zip(results.names, results.found.tolist())]
    charts = [
        ("Keypoints found on unseen COCO-style drawings", report.bars(items)),
        ("While it learnt", _curves(results)),
    ]
    return report.section("Keypoint by keypoint", text, report.panels(charts))


def _curves(results: DemoResults) -> str:
    smooth = _moving_mean(results.losses, max(1, len(results.losses) // 60))
    floor = max(min(loss for _, loss in smooth) * 0.8, 1e-6)
    ceiling = max(max(loss for _, loss in smooth) * 1.2, floor * 10)
    loss = report.curve(smooth, "training step", (floor, ceiling), logarithmic=True)
    ap = report.curve([(0, 0.0), *results.ap_over_time], "training step", (0.0, 1.0), color="#0f9d76", marks=True)
    return f"<p>Loss</p>{loss}<p>AP on unseen COCO-style drawings</p>{ap}"


def _moving_mean(values: Sequence[float], window: int) -> list[tuple[float, float]]:
    """(position, mean of the window that ends there) of each window."""
    ends = range(window, len(values) + 1, window)
    return [(float(end), float(np.mean(values[end - window : end]))) for end in ends]


def _facts(results: DemoResults) -> str:
    return report.section("How it was made", "", f'<div class="panel">{report.table(results.facts)}</div>')
