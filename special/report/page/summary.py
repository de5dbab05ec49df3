"""What a notebook shows of a run: its map, the legend and the warnings, as a part of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from special.report.metrics import UNMAPPED
from special.report.page.layers import map_picture

if TYPE_CHECKING:
    from jinja2 import Template

_WIDE, _HIGH = 420, 480  # pixels of the page that the map takes at most


@dataclass(frozen=True)
class LegendEntry:
    """A class: how many pixels it has, their share of the mapped ones, and how sure the map is of them."""

    name: str
    pixels: int
    share: float
    confidence: float
    colour: str


def summary_html(
    labels: NDArray[Any], colours: NDArray[np.uint8], entries: Sequence[LegendEntry], warnings: Sequence[str], path: str
) -> str:
    """Return HTML of a map; names and texts may be anything.

    Args:
        labels: whole numbers (rows, cols), 1..K, 0 = no data or rejected.
        colours: uint8 (K, 3), sRGB.
        entries: of the K classes.
        warnings: what there is to know of the map.
        path: where the run is, or its report.
    """
    rows, cols = labels.shape
    return _template().render(
        picture=map_picture(labels, colours),
        wide=max(1, round(min(_WIDE, _HIGH * cols / rows))),
        entries=entries,
        unmapped=int(np.count_nonzero(labels == 0)),
        unmapped_name=UNMAPPED,
        warnings=warnings,
        path=path,
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((resources.files(__package__) / "summary.html").read_text(encoding="utf-8"))
