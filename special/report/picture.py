"""The map as a picture with a legend that can be read: any number of classes, any shape of scene."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from special.report.metrics import UNMAPPED, count_labels

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

# All in pixels.
_LONG, _LONGEST, _NARROWEST = 800, 2000, 64  # what a small scene is enlarged to; at most; at least
_THINNED = 4000  # what a large scene is thinned to
_MARGIN, _ROW, _SWATCH, _GAP, _WIDEST_NAME = 16, 24, 16, 8, 360
_FONT = 15
_INK, _FRAME, _PAPER = (30, 30, 30), (140, 140, 140), (255, 255, 255)


def draw_map(path: Path, labels: NDArray[Any], names: Sequence[str], colours: NDArray[np.uint8]) -> Path:
    """Write a PNG of a label map (rows, cols), with the share of each class in its legend.

    Small scenes are enlarged by a whole factor, so that each pixel is a square; very large ones are thinned.
    """
    from PIL import Image, ImageDraw

    picture = np.vstack([np.array([_PAPER], np.uint8), colours])[enlarged(labels)]
    entries = _entries(labels, names, colours)
    font = _font()
    names_wide = max(font.getlength(_shortened(name, font)) for name, _, _ in entries)
    shares_wide = max(font.getlength(share) for _, share, _ in entries)
    column = math.ceil(_SWATCH + _GAP + names_wide + _GAP + shares_wide + 2 * _GAP)
    high, wide = picture.shape[:2]
    canvas, corner, lines = _layout(wide, high, len(entries), column)

    image = Image.new("RGB", canvas, _PAPER)
    draw = ImageDraw.Draw(image)
    image.paste(Image.fromarray(picture), (_MARGIN, _MARGIN))
    draw.rectangle((_MARGIN - 1, _MARGIN - 1, _MARGIN + wide, _MARGIN + high), outline=_FRAME)
    for index, (name, share, colour) in enumerate(entries):
        x, y = corner[0] + index // lines * column, corner[1] + index % lines * _ROW
        middle = y + _ROW // 2
        top = middle - _SWATCH // 2
        draw.rectangle((x, top, x + _SWATCH - 1, top + _SWATCH - 1), fill=colour, outline=_FRAME)
        draw.text((x + _SWATCH + _GAP, middle), _shortened(name, font), _INK, font, anchor="lm")
        draw.text((x + column - 2 * _GAP, middle), share, _FRAME, font, anchor="rm")
    image.save(path)
    return path


def enlarged(picture: NDArray[Any]) -> NDArray[Any]:
    """Bring (rows, cols, ...) to a size for a screen by repeating or dropping whole rows and columns."""
    long, short = max(picture.shape[:2]), min(picture.shape[:2])
    if long > _THINNED:
        step = math.ceil(long / _THINNED)
        return picture[::step, ::step]
    times = max(1, min(_LONGEST // long, max(_LONG // long, math.ceil(_NARROWEST / short)), _NARROWEST))
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def _entries(
    labels: NDArray[Any], names: Sequence[str], colours: NDArray[np.uint8]
) -> list[tuple[str, str, tuple[int, ...]]]:
    """Name, share of the mapped pixels and colour of every class, and of the unmapped pixels where there are any."""
    counts = count_labels(labels, len(names))
    mapped = max(1, int(counts[1:].sum()))
    entries = [
        (name, f"{count / mapped:.1%}", tuple(map(int, colour)))
        for name, count, colour in zip(names, counts[1:], colours, strict=True)
    ]
    return entries + ([(UNMAPPED, "", _PAPER)] if counts[0] else [])


def _layout(wide: int, high: int, count: int, column: int) -> tuple[tuple[int, int], tuple[int, int], int]:
    """Find the place for the legend, beside the map or below it, in as many columns as make the page smallest.

    Returns:
        The size of the page (wide, high), the corner of the legend (x, y), and its lines per column.
    """
    choices = []
    for columns in range(1, count + 1):
        lines = math.ceil(count / columns)
        legend_wide, legend_high = columns * column, lines * _ROW
        beside = (wide + legend_wide + 3 * _MARGIN, max(high, legend_high) + 2 * _MARGIN)
        below = (max(wide, legend_wide) + 2 * _MARGIN, high + legend_high + 3 * _MARGIN)
        for page, corner in (
            (beside, (wide + 2 * _MARGIN, _MARGIN)),
            (below, (_MARGIN, high + 2 * _MARGIN)),
        ):
            # A page that is far from square is as hard to look at as a large one.
            cost = page[0] * page[1] * math.sqrt(max(page) / min(page))
            choices.append((cost, page, corner, lines))
    _, page, corner, lines = min(choices)
    return page, corner, lines


def _font() -> FreeTypeFont:
    """DejaVu Sans, from ziafont: Latin, Greek and Cyrillic on every machine. Pillow's own has not even an Ö."""
    import ziafont.fonts
    from PIL import ImageFont

    font = resources.files(ziafont.fonts) / "DejaVuSans.ttf"
    return ImageFont.truetype(BytesIO(font.read_bytes()), _FONT)


def _shortened(name: str, font: FreeTypeFont) -> str:
    """Cut a name that would be too wide for the legend."""
    name = " ".join(name.split())
    if font.getlength(name) <= _WIDEST_NAME:
        return name
    while font.getlength(f"{name}…") > _WIDEST_NAME:
        name = name[:-1]
    return f"{name.rstrip()}…"
