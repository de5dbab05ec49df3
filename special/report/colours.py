"""A colour for every class: alike enough to its name to be read without the legend, unlike enough to tell all apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from special.classnames.class_list import ClassList

# What a class is called -> the colours that maps give it, the usual one first. The first row that matches counts.
_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"shadows?|shade", ("#2b2838", "#5a5570", "#281050")),
    (r"snow|ice", ("#dff3fb", "#b9d9e8")),
    (r"roofs?|buildings?|bricks?|houses?|tiles?|tiled", ("#c8372d", "#f08a72", "#8e2340")),
    (r"asphalt|roads?|pavements?|streets?|tarmac|bitumen|concrete|gravel|parking", ("#77777e", "#bdbab4", "#433f4a")),
    (r"water|lakes?|rivers?|sea|ponds?|ocean", ("#2f6fd0", "#6fb4f2", "#123a86")),
    (r"trees?|forests?|woods?|woodland|shrubs?", ("#1e6b35", "#3f9160", "#0f4a3f")),
    (r"soils?|bare|earth|fallow", ("#a9713a", "#d9a866", "#6f4320")),
    (r"sand|beach", ("#f0d98c", "#cdb15c")),
    (r"grass|grasses|meadows?|lawns?|pastures?|vegetation|weeds?", ("#8cc63f", "#c3e07a", "#5f9420")),
    (r"metal|aluminium|aluminum", ("#8fd3d8", "#4f9ea6")),
)
# For every other class, in this order. Blue comes late: on a map it is water.
_OTHERS = ("#eda31a", "#7b4fb5", "#e0559a", "#16a08f", "#f2722b", "#5b2a6e", "#d8d02f", "#b0413e", "#2c6fbb", "#9fd4a3")
_APART = 22.0  # CIE 1976 distance below which two colours of a legend are mixed up


def colours_of(classes: ClassList) -> NDArray[np.uint8]:
    """Return the colour of each class, uint8 (K, 3), sRGB: its own, or by its name, which is water in any language."""
    from special.classnames.reading import english_list
    from special.landcover.concepts import load_concepts

    return palette(english_list(classes, load_concepts()).names, classes.colours)


def palette(names: Sequence[str], given: Sequence[str] = ()) -> NDArray[np.uint8]:
    """Choose a colour for each class, uint8 (K, 3), sRGB; one that is ``given``, as ``#rrggbb`` and not "", stays.

    A class whose name says water, trees, soil, roofs... takes a colour that maps use for it, unless a class before it
    has one too like it. The others take, in turn, the first of a fixed list that is unlike all in use, and when that
    list is at its end, the colour of a grid over sRGB that is farthest (CIE 1976) from all in use. The same names give
    the same colours.
    """
    grid = _grid()
    grid_lab = lab(grid)
    chosen = np.zeros((len(names), 3), np.uint8)
    used = np.empty((0, 3))
    nearest = np.full(len(grid), np.inf)
    left = []

    def take(index: int, colours: Sequence[str]) -> bool:
        nonlocal used
        options = np.array([list(bytes.fromhex(colour[1:])) for colour in colours], np.uint8).reshape(-1, 3)
        for colour in options:
            if not (np.linalg.norm(used - lab(colour), axis=1) < _APART).any():
                put(index, colour)
                return True
        return False

    def put(index: int, colour: NDArray[np.uint8]) -> None:
        nonlocal used
        chosen[index] = colour
        used = np.vstack([used, lab(colour)])
        np.minimum(nearest, np.linalg.norm(grid_lab - used[-1], axis=1), out=nearest)

    wanted = [*given, *[""] * (len(names) - len(given))]
    for index, colour in enumerate(wanted):
        if colour:
            put(index, np.array(list(bytes.fromhex(colour[1:])), np.uint8))
    for index, name in enumerate(names):
        if not wanted[index] and not take(index, _of_family(name)):
            left.append(index)
    for index in left:
        if not take(index, _OTHERS):
            put(index, grid[int(np.argmax(nearest))])
    return chosen


def _of_family(name: str) -> tuple[str, ...]:
    found = (colours for words, colours in _FAMILIES if re.search(rf"\b(?:{words})\b", name.casefold()))
    return next(found, ())


def _grid() -> NDArray[np.uint8]:
    """Colours over all of sRGB, without what is too pale or too dark to be told from paper and lettering."""
    level = np.linspace(20, 240, 12).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(level, level, level, indexing="ij"), axis=-1).reshape(-1, 3)
    lightness = lab(grid)[:, 0]
    return grid[(lightness > 28) & (lightness < 90)]


def lab(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CIE L*a*b* (D65) of sRGB colours, (..., 3)."""
    part = colours / 255.0
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    relative = linear @ to_xyz.T / (0.9505, 1.0, 1.089)
    root = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.stack(
        [116 * root[..., 1] - 16, 500 * (root[..., 0] - root[..., 1]), 200 * (root[..., 1] - root[..., 2])], axis=-1
    )
