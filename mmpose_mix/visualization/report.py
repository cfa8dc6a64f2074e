"""A page of pictures and numbers in one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import cv2
import numpy as np

GENERATOR = "mmpose_mix"

_STYLE = """
:root { --ink: #1c2330; --soft: #5d6778; --line: #e3e7ee; --paper: #ffffff; --ground: #f5f7fa; --blue: #2563eb;
  --pink: #d6156c; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 40px 28px 56px; }
h1 { font-size: 34px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -.015em; }
h2 { font-size: 22px; margin: 44px 0 6px; letter-spacing: -.01em; }
p { margin: 0 0 14px; max-width: 78ch; color: var(--soft); }
.lead { font-size: 18px; }
b, strong { color: var(--ink); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 14px; margin: 26px 0 8px; }
.card, figure, .panel { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; }
.card { padding: 16px 18px; }
.card .value { font-size: 34px; line-height: 1.15; font-weight: 650; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; }
.card .label { font-weight: 600; }
.card .note { color: var(--soft); font-size: 13.5px; line-height: 1.4; }
.card.special .value { color: var(--pink); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 14px; }
.grid + p { margin-top: 18px; }
figure { margin: 0; overflow: hidden; }
figure img { display: block; width: 100%; height: auto; }
figcaption { padding: 9px 14px 11px; color: var(--soft); font-size: 13.5px; border-top: 1px solid var(--line); }
.wide { overflow-x: auto; }
.wide img { min-width: 860px; }
.panel { padding: 18px 20px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(380px, 1fr)); gap: 14px; }
.panel h3 { margin: 0 0 8px; font-size: 15px; }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 5px 12px; align-items: center;
  font-size: 14px; font-variant-numeric: tabular-nums; }
.bar { height: 12px; border-radius: 6px; background: #edf0f5; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--blue); border-radius: 6px; }
span.special { color: var(--pink); font-weight: 600; }
.bar.special i { background: var(--pink); }
table { border-collapse: collapse; font-size: 14.5px; }
td { padding: 4px 18px 4px 0; vertical-align: top; }
td:first-child { color: var(--soft); white-space: nowrap; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: #5d6778; }
"""


def page(title: str, lead: str, body: Sequence[str]) -> str:
    """A whole HTML document.

    Args:
        title: plain text.
        lead: HTML of the paragraph below the title.
        body: HTML of the sections, in their order.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="{GENERATOR}">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n"
        f'<p class="lead">{lead}</p>\n' + "\n".join(body) + "\n</main>\n</body>\n</html>\n"
    )


def is_own_page(text: str) -> bool:
    """Whether a file's text is a page made here, which may be replaced."""
    return f'<meta name="generator" content="{GENERATOR}">' in text


def section(title: str, text: str, content: str) -> str:
    """A heading, a paragraph of HTML and what belongs to them."""
    return f"<section>\n<h2>{escape(title)}</h2>\n<p>{text}</p>\n{content}\n</section>"


def figure(image: np.ndarray, caption: str, alt: str, wide: bool = False) -> str:
    """A picture in the page.

    Args:
        image: (h, w, 3) uint8 RGB.
        caption: HTML below the picture, or nothing.
        alt: what the picture shows, in words.
        wide: it spans the page and scrolls on a narrow screen.

    Raises:
        ValueError: if the image is not (h, w, 3) uint8.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"figure: expected an image (h, w, 3) of uint8, got {image.dtype} of shape {image.shape}.")
    _, encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    source = "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    height, width = image.shape[:2]
    kind = ' class="wide"' if wide else ""
    return f'<figure{kind}><img src="{source}" width="{width}" height="{height}" alt="{escape(alt)}">{below}</figure>'


def grid(items: Sequence[str]) -> str:
    """Figures side by side, as many as fit."""
    return '<div class="grid">' + "".join(items) + "</div>"


def cards(items: Sequence[tuple[str, str, str, bool]]) -> str:
    """Key numbers: (value, label, note, special) each."""
    rows = (
        f'<div class="card{" special" if special else ""}"><div class="value">{escape(value)}</div>'
        f'<div class="label">{escape(label)}</div><div class="note">{escape(note)}</div></div>'
        for value, label, note, special in items
    )
    return '<div class="cards">' + "".join(rows) + "</div>"


def bars(items: Sequence[tuple[str, float, bool]]) -> str:
    """Horizontal bars of shares in 0..1: (name, share, special) each."""
    rows = []
    for name, share, special in items:
        kind = " special" if special else ""
        rows.append(
            f'<span class="{kind.strip()}">{escape(name)}</span>'
            f'<span class="bar{kind}"><i style="width:{100 * share:.1f}%"></i></span>'
            f'<span class="{kind.strip()}">{100 * share:.0f} %</span>'
        )
    return '<div class="bars">' + "".join(rows) + "</div>"


def panels(items: Sequence[tuple[str, str]]) -> str:
    """Boxes side by side: (title, HTML) each."""
    boxes = (f'<div class="panel"><h3>{escape(title)}</h3>{content}</div>' for title, content in items)
    return '<div class="pair">' + "".join(boxes) + "</div>"


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values, plain text."""
    lines = (f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows)
    return "<table>" + "".join(lines) + "</table>"


def curve(
    points: Sequence[tuple[float, float]],
    x_label: str,
    limits: tuple[float, float],
    color: str = "#2563eb",
    logarithmic: bool = False,
    marks: bool = False,
) -> str:
    """A line chart as SVG.

    Args:
        points: (x, y), x rising from 0.
        x_label: below the axis.
        limits: of the y axis.
        color: CSS colour of the line.
        logarithmic: scale of the y axis; the limits are above 0 then.
        marks: draw a disc at each point.
    """
    width, height, left, bottom, top = 560, 270, 58, 44, 12
    last = max(x for x, _ in points) if points else 1.0
    low, high = (np.log10(limit) if logarithmic else limit for limit in limits)

    def place(x: float, y: float) -> tuple[float, float]:
        level = np.log10(max(y, 1e-12)) if logarithmic else y
        share = min(max((level - low) / (high - low), 0.0), 1.0)
        return left + (width - left - 14) * x / max(last, 1e-9), height - bottom - (height - bottom - top) * share

    parts = []
    for tick in _ticks(limits, logarithmic):
        _, y = place(0, tick)
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - 14}" y2="{y:.1f}" stroke="#e3e7ee"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for share in (0.0, 0.5, 1.0):
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        x, _ = place(share * last, limits[0])
        parts.append(f'<text x="{x:.1f}" y="{height - bottom + 18}" text-anchor="{anchor}">{share * last:.0f}</text>')
    parts.append(f'<text x="{(width + left) / 2}" y="{height - 2}" text-anchor="middle">{escape(x_label)}</text>')
    places = [place(x, y) for x, y in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2.2" stroke-linejoin="round"/>')
    if marks:
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>' for x, y in places]
    return f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'


def _ticks(limits: tuple[float, float], logarithmic: bool) -> list[float]:
    if logarithmic:
        decades = range(int(np.floor(np.log10(limits[0]))), int(np.ceil(np.log10(limits[1]))) + 1)
        ticks = [factor * 10.0**decade for decade in decades for factor in (1, 3)]
        return [tick for tick in ticks if limits[0] <= tick <= limits[1]]
    return [limits[0] + (limits[1] - limits[0]) * share for share in (0, 0.2, 0.4, 0.6, 0.8, 1)]
