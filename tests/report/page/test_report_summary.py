"""What a notebook shows of a run."""

from __future__ import annotations

import re

import numpy as np

from special.report.page.summary import LegendEntry, summary_html

COLOURS = np.array([[1, 2, 3], [200, 100, 50]], np.uint8)


def shown(labels: np.ndarray, name: str = "Water", warnings: tuple[str, ...] = ()) -> str:
    entries = [LegendEntry(name, 3, 0.75, 0.5, "#010203"), LegendEntry("Grass", 0, 0.0, 0.0, "#c86432")]
    return summary_html(labels, COLOURS, entries, warnings, "run/report.html")


def test_it_has_the_map_the_legend_and_the_warnings() -> None:
    html = shown(np.array([[1, 1], [1, 0]]), warnings=("Look twice.",))
    assert "data:image/png;base64," in html and "75.0%" in html and "Look twice." in html and "run/report.html" in html
    assert re.search(r"no data or rejected</td><td[^>]*>1<", html)


def test_names_are_text() -> None:
    html = shown(np.ones((2, 2), np.uint8), name="<script>alert(1)</script>", warnings=("<img src=x>",))
    assert "<script" not in html and "<img src=x" not in html and "&lt;script&gt;" in html


def test_a_long_strip_stays_within_the_page() -> None:
    assert "width:420px" in shown(np.ones((2, 4000), np.uint8)) and "width:1px" in shown(np.ones((4000, 2), np.uint8))
