"""Pictures of how cost grows with persons, sources and workers: ours solid with dots, MMPose's dashed with squares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.results import Part, Results, with_digits

OURS = {"color": "#0868ac", "linestyle": "-", "marker": "o", "label": "mmpose_mix"}
THEIRS = {"color": "#d95f0e", "linestyle": (0, (4, 2)), "marker": "s", "label": "MMPose 1.3.2"}


@dataclass(frozen=True)
class Scale:
    """The words of the x axis, and whether both axes are logarithmic."""

    label: str
    logarithmic: bool


SCALES = {
    "persons": Scale("persons in the annotation file", True),
    "sources": Scale("sources of the mixture", False),
    "workers": Scale("worker processes of the loader", False),
}


def plot_growths(results: Results, folder: Path) -> list[Path]:
    """Draws ``cost_by_NAME.png`` for all that grew; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, scale in SCALES.items():
        parts = results.growth(name)
        if parts:
            paths.append(folder / f"cost_by_{name}.png")
            plot_growth(parts, scale, paths[-1])
    return paths


def plot_growth(parts: list[Part], scale: Scale, path: Path) -> None:
    """Draws one panel for each figure that the parts have in common."""
    keys = [row.key for row in parts[0].rows]
    with matplotlib.rc_context({"font.size": 11, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(max(6.4, 4.2 * len(keys)), 4.0), layout="constrained")
        panels = figure.subplots(1, len(keys), squeeze=False)[0]
        for axes, key in zip(panels, keys):
            draw_figure(axes, parts, key)
            furnish(axes, parts, scale)
        panels[0].legend(frameon=False, loc="best")
        figure.supxlabel(scale.label, fontsize=11)
        figure.savefig(path, dpi=150)


def draw_figure(axes: Axes, parts: list[Part], key: str) -> None:
    """Draw the two lines of a figure; MMPose's ends where it was not measured any more."""
    rows = [(part.at, row) for part in parts for row in part.rows if row.key == key]
    for style, points in (
        (OURS, [(at, row.ours) for at, row in rows]),
        (THEIRS, [(at, row.theirs) for at, row in rows if row.theirs is not None]),
    ):
        if points:
            axes.plot(*zip(*points), linewidth=1.8, markersize=5, **style)
    axes.set_title(rows[0][1].what, loc="left", fontsize=11)
    axes.set_ylabel(rows[0][1].unit)


def furnish(axes: Axes, parts: list[Part], scale: Scale) -> None:
    """Give a panel its scales and grid."""
    sizes = [part.at for part in parts]
    if scale.logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: with_digits(value)))
        # powers of ten alone have room for their zeros
        sizes = [size for size in sizes if str(size).strip("0") == "1"] or sizes
    else:
        axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(color="#e5e5e5", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
