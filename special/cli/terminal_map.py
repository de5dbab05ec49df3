"""The map as a small picture in a terminal: two pixels a letter, the upper one in its ink, the lower one behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from special.report.overview import mode_of_blocks

if TYPE_CHECKING:
    from rich.text import Text

_WIDEST, _HIGHEST = 72, 44  # pixels of the picture: half a screen


def picture(labels: np.ndarray, colours: np.ndarray, width: int) -> Text:
    """Draw a map (rows, cols), 1..K and 0 for nothing, in ``colours`` uint8 (K, 3), in ``width`` letters at most."""
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    rows, cols = labels.shape
    side = max(1, math.ceil(cols / max(1, min(width, _WIDEST))), math.ceil(rows / _HIGHEST))
    small = mode_of_blocks(labels, side, side, len(colours))
    if len(small) % 2:
        small = np.vstack([small, np.zeros_like(small[:1])])

    def colour(label: int) -> Color | None:
        return Color.from_rgb(*map(int, colours[label - 1])) if label else None

    text = Text(no_wrap=True, overflow="crop")
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        for one, other in zip(upper.tolist(), lower.tolist(), strict=True):
            text.append(*_letter(colour(one), colour(other), Style))
        text.append("\n")
    text.rstrip()
    return text


def legend(names: Sequence[str], colours: np.ndarray) -> Text:
    """Name the colours, uint8 (K, 3), of the K classes in a line or more."""
    from rich.text import Text

    text = Text()
    for name, colour in zip(names, colours.tolist(), strict=True):
        text.append("■ ", style=f"rgb({','.join(map(str, colour))})")
        text.append(f"{name}   ")
    text.rstrip()
    return text


def _letter(upper: Any, lower: Any, style: Any) -> tuple[str, Any]:
    if upper is None and lower is None:
        return " ", style()
    if upper is None:
        return "▄", style(color=lower)
    return "▀", style(color=upper, bgcolor=lower)
