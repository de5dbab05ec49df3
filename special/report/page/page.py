"""Writes the page: what it is made of, into its template. Names come from people and are escaped there."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from special.report.metrics import UNMAPPED
from special.report.page.content import Comparison, Report, ReportedClass
from special.report.page.figures import spectrum_figures

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

MOST_FIGURES = 60
"""Of the largest classes, and of those without a pixel as far as that goes: more would make the page heavy."""


def write_report(path: Path, report: Report) -> Path:
    """Write the page; the same report gives the same bytes."""
    path.write_text(_render(report), encoding="utf-8", newline="")
    return path


def _render(report: Report) -> str:
    script = _text("report.js")
    return _template().render(
        report=report,
        figures=_figures(report.classes),
        tables=[_table(one) for one in report.comparisons],
        names=[one.name for one in report.classes],
        mapped=sum(one.pixels for one in report.classes),
        unmapped_name=UNMAPPED,
        data=_data(report),
        style=_text("report.css"),
        script=script,
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
    )


def _figures(classes: Any) -> dict[str, str]:
    """Draw the spectra of the classes, by their names; of many, those of the largest."""
    draw = spectrum_figures()
    largest = {one.name for one in sorted(classes, key=lambda one: -one.pixels)[:MOST_FIGURES]}
    return {one.name: draw(one.own, one.expected) if one.name in largest else "" for one in classes}


def _table(comparison: Comparison) -> list[list[dict[str, Any]]]:
    """The confusion matrix as cells: their pixels, and what share of the row's truth they are."""
    matrix = comparison.scores.confusion
    rows = matrix.sum(axis=1)
    return [
        [
            {"pixels": pixels, "share": pixels / total if total else 0.0, "right": row == column}
            for column, pixels in enumerate(line)
        ]
        for row, (line, total) in enumerate(zip(matrix.tolist(), rows.tolist(), strict=True))
    ]


def _data(report: Report) -> dict[str, Any]:
    """What the script needs to say what lies under the pointer."""
    layers = report.layers
    return {
        "rows": layers.rows,
        "cols": layers.cols,
        "side": layers.side,
        "names": [one.name for one in report.classes],
        "colours": list(layers.colours),
        "levels": list(layers.levels),
        "unmapped": UNMAPPED,
    }


def _about(name: ReportedClass) -> str:
    """What a class name was read as, in words."""
    if name.understood is None:
        return ""
    if not name.concepts:
        return "what no other class explains"
    shown = [(concept, weight) for concept, weight in name.concepts if weight >= 0.005]  # not as 0%
    return ", ".join(concept if weight > 0.995 else f"{concept} {weight:.0%}" for concept, weight in shown)


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = _percent
    environment.filters["count"] = lambda number: _grouped(number, 0)
    environment.filters["area"] = lambda hectares: _grouped(hectares, _digits(hectares)) if hectares else "0"
    environment.filters["isolated"] = _isolated
    environment.filters["area_range"] = lambda pair: " ± ".join(_grouped(one, _digits(pair[0])) for one in pair)
    environment.filters["understood"] = _about
    return environment.from_string(_text("report.html"))


def _isolated(text: str, names: Sequence[str]) -> Markup:
    """Escape a sentence, and keep what it names that runs from right to left from turning the words around it."""
    from markupsafe import Markup, escape

    turned = [name for name in names if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name)]
    if not turned:
        return escape(text)
    longest_first = "|".join(re.escape(name) for name in sorted(turned, key=len, reverse=True))
    parts = re.split(f"({longest_first})", text)
    marked = (Markup("<bdi>{}</bdi>").format(part) if part in turned else escape(part) for part in parts if part)
    return Markup("").join(marked)


def _digits(hectares: float) -> int:
    """How many decimal places an area needs."""
    return 2 if abs(hectares) < 100 else 0


def _grouped(number: float, digits: int) -> str:
    """Write a number with its thousands apart."""
    return f"{number:,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _percent(share: float, digits: int = 1) -> str:
    return f"{share:.{digits}%}" if share else "0%"


def _text(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
