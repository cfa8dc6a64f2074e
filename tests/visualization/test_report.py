"""The page: one file, nothing beside it, every text escaped."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from mmpose_mix.visualization import report
from mmpose_mix.visualization.demo_page import DemoResults, demo_page

VOID = {"meta", "img", "br"}


class Tags(HTMLParser):
    """Checks that tags close in the order in which they opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict]] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(html: str) -> list[tuple[str, dict]]:
    parser = Tags()
    parser.feed(html)
    assert not parser.open
    return parser.seen


def results(**changes) -> DemoResults:
    tile = np.full((24, 32, 3), 120, dtype=np.uint8)
    values = {
        "coco_ap": 0.93251,
        "aic_ap": 0.81,
        "names": ("nose", "head_top", "neck"),
        "found": np.array([1.0, 0.987, 0.5]),
        "threshold": 0.05,
        "only_aic": ("head_top", "neck"),
        "coco_tiles": [tile, tile],
        "aic_tiles": [tile],
        "batch": np.full((40, 400, 3), 200, dtype=np.uint8),
        "losses": np.geomspace(1e-2, 1e-4, 200).tolist(),
        "ap_over_time": [(100, 0.4), (200, 0.93)],
        "facts": [("Versions", "torch <2 & more>")],
    }
    return DemoResults(**{**values, **changes})


def test_the_demo_page_is_well_formed_and_needs_no_other_file():
    html = demo_page(results())
    seen = tags(html)
    assert [name for name, _ in seen].count("img") == 4
    references = [value for _, attrs in seen for key, value in attrs.items() if key in ("src", "href")]
    assert references
    assert all(value.startswith("data:image/jpeg;base64,") for value in references)
    assert not re.search(r"(https?:)?//[a-z]", html)


def test_the_demo_page_tells_the_numbers():
    text = re.sub(r"<[^>]+>", " ", demo_page(results()))
    for number in ("0.933", "0.810", "99 %", "50 %", "torch &lt;2 &amp; more&gt;"):
        assert number in text


@pytest.mark.parametrize(
    "changes", [{"losses": [0.007], "ap_over_time": []}, {"losses": [0.0, 0.0]}, {"coco_tiles": [], "aic_tiles": []}]
)
def test_a_short_run_has_a_page_too(changes):
    tags(demo_page(results(**changes)))


def test_a_picture_comes_back_out_of_the_page():
    image = np.zeros((16, 24, 3), dtype=np.uint8)
    image[..., 0] = 250
    html = report.figure(image, "", "red")
    encoded = re.search(r"base64,([^\"]+)", html).group(1)
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), dtype=np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == image.shape
    assert np.abs(decoded[..., ::-1].astype(int) - image).max() < 12


def test_own_pages_are_known_from_others():
    assert report.is_own_page(report.page("title", "lead", []))
    assert not report.is_own_page("<html><title>my holidays</title></html>")


def test_titles_and_alternative_texts_are_escaped():
    html = report.page("a < b", "", [report.figure(np.zeros((2, 2, 3), np.uint8), "", 'say "x"')])
    assert "a &lt; b" in html
    assert 'alt="say &quot;x&quot;"' in html


def test_a_curve_stays_in_its_frame():
    svg = report.curve([(0, 5.0), (10, 1e-9), (20, 1e9)], "step", (1e-3, 10), logarithmic=True)
    points = re.search(r'points="([^"]+)"', svg).group(1).split()
    xs, ys = np.array([point.split(",") for point in points], dtype=float).T
    assert (np.diff(xs) > 0).all()
    assert ys.min() >= 12
    assert ys.max() <= 270 - 44


def test_a_picture_of_another_kind_is_refused():
    with pytest.raises(ValueError, match=r"expected an image \(h, w, 3\) of uint8, got float64 of shape \(4, 4\)"):
        report.figure(np.zeros((4, 4)), "", "")
