"""The picture of ``benchmarks.sampler``: time to the first batch and memory, over the number of samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

if TYPE_CHECKING:
    from benchmarks.sampler import Cost, Costs

LABELS = {  # colour, name as written, beside which point (None: above all), how far away, which corner of it is there
    "mmpose_mix MultiSourceSampler": ("#0868ac", "mmpose_mix MultiSourceSampler", None, (4, 6), ("right", "bottom")),
    "MMPose MultiSourceSampler": ("#d95f0e", "MMPose\nMultiSourceSampler", 2, (-10, 0), ("right", "bottom")),
    "MMEngine DefaultSampler": ("#636363", "MMEngine\nDefaultSampler", 1, (14, -4), ("left", "top")),
}
SECONDS = {1e-3: "1 ms", 1e-2: "10 ms", 0.1: "0.1 s", 1.0: "1 s", 10.0: "10 s", 60.0: "1 min"}
BYTES = {1e6: "≤ 1 MB", 1e7: "10 MB", 1e8: "100 MB", 1e9: "1 GB", 8e9: "8 GB"}
LEAST_BYTES = 1e6
"""Less cannot be told from what Python needs besides."""


def plot_costs(costs: Costs, path: Path) -> None:
    """Draw two panels for the fewest and the most ranks into a picture file."""
    worlds = costs.worlds
    with matplotlib.rc_context({"font.size": 11, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(9, 4.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        for name in (name for name in LABELS if name in costs.names):
            draw_lines(left, costs, name, lambda cost: cost.first_batch)
            draw_lines(right, costs, name, lambda cost: max(cost.memory, LEAST_BYTES))
        furnish(left, "Time to the first batch of an epoch", SECONDS, costs.sizes)
        furnish(right, "Memory of the sampler in each rank", BYTES, costs.sizes)
        figure.supxlabel(f"samples (solid: {ranks(worlds[0])}, dashed: {ranks(worlds[-1])})", fontsize=11)
        figure.savefig(path, dpi=200)


def draw_lines(axes: Axes, costs: Costs, name: str, value: Callable[[Cost], float]) -> None:
    """Draw a sampler's lines, solid for the fewest ranks and dashed for the most, and write its name beside them."""
    colour, text, label_at, offset, (horizontal, vertical) = LABELS[name]
    top = 0.0
    for world, dashes in ((costs.worlds[-1], (0, (3, 2))), (costs.worlds[0], "-")):
        points = [(samples, costs.outcomes[name, samples, world]) for samples in costs.sizes]
        known = [(samples, value(cost)) for samples, cost in points if not isinstance(cost, str)]
        if not known:
            return
        top = max(top, *(height for _, height in known))
        axes.plot(*zip(*known), linestyle=dashes, marker="o", markersize=4, color=colour, linewidth=1.8)
    if len(known) < len(points):
        text += f"\n(then {points[len(known)][1]})"
    if label_at is None:
        beside = known[-1][0], top
    else:
        beside = known[min(label_at, len(known) - 1)]
    label = axes.annotate(
        text,
        beside,
        offset,
        textcoords="offset points",
        horizontalalignment=horizontal,
        verticalalignment=vertical,
        color=colour,
    )
    label.set_in_layout(False)


def ranks(world: int) -> str:
    """How many ranks, in words."""
    return "1 rank" if world == 1 else f"{world} ranks"


def furnish(axes: Axes, title: str, ticks: Mapping[float, str], sizes: list[int]) -> None:
    """Give a panel its title, scales and grid."""
    axes.set_title(title, loc="left", fontsize=12)
    axes.set_xscale("log")
    axes.set_yscale("log")
    lowest, highest = axes.get_ylim()
    axes.set_ylim(min(lowest, 0.8 * min(ticks)), max(highest, 1.2 * max(ticks)))
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.yaxis.set_major_locator(FixedLocator(list(ticks)))
    axes.yaxis.set_ticklabels(list(ticks.values()))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(color="#e5e5e5", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
