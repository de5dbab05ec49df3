"""Scenes of one sensor brought to one radiometry: what lies in two of them says how their numbers differ.

Haze and the sun's height change from one flight line to the next; what lies in the overlap of two does not. For every
band a gain and an offset are found that give the one the mean and the spread of the other there, which treats both
alike, so that noise in neither bends them (unlike a regression). They are used where the data say so: where the
difference is more than chance and more than a calibration's accuracy. Scenes that meet no other keep their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from special.scene.overlap import CommonGrid, Footprint

if TYPE_CHECKING:
    from special.scene.scene import Scene

_CELLS = 400_000  # of the common grid that are looked at
_MOST, _FEWEST = 5_000, 50  # pixels of an overlap: that are compared, and without which nothing is
_TRIMMED = 0.1  # of the pixels of an overlap, those that differ most: they moved, or do not lie where they should
_SURE, _MATTERS = 4.0, 0.005  # standard errors, and share of the signal, from which a difference is one
_BANDS = 0.1  # of the bands: so many must differ
_TOLD = 0.8  # correlation in a band from which its spread says what the gain is


@dataclass(frozen=True)
class Correction:
    """``numbers * gain + offset`` reads as the reference scene's; both (bands,). ``of``: the scene it was found by.

    ``own``: whether there is one at all; else the numbers stay, because they differ by nothing, or nothing is known.
    """

    gain: np.ndarray
    offset: np.ndarray
    of: int | None = None

    @property
    def own(self) -> bool:
        """Whether the numbers change."""
        return bool((self.gain != 1).any() or (self.offset != 0).any())


def corrections(
    scenes: Sequence[Scene], bands: Sequence[np.ndarray], found: Sequence[Footprint], grid: CommonGrid
) -> list[Correction]:
    """Return how to read each scene as the one that the most overlap, by way of those between them.

    Args:
        scenes: of one sensor.
        bands: for each the positions int (bands,) of the good bands that all have.
        found: where they lie. grid: that holds all of them.
    """
    step = max(1, int(np.ceil(np.sqrt(grid.shape[0] * grid.shape[1] / _CELLS))))
    rows, cols = np.arange(step // 2, grid.shape[0], step), np.arange(step // 2, grid.shape[1], step)
    seen = [one.numbers(grid, rows, cols).ravel() for one in found]
    shared = np.array([[np.count_nonzero((a >= 0) & (b >= 0)) for b in seen] for a in seen])
    np.fill_diagonal(shared, 0)
    count = len(bands[0])
    result: dict[int, Correction] = {}
    while len(result) < len(scenes):
        open_ends = shared[np.ix_(list(result), [i for i in range(len(scenes)) if i not in result])] if result else None
        if open_ends is None or open_ends.max() < _FEWEST:  # the first of all, or of those that meet none of these
            left = [i for i in range(len(scenes)) if i not in result]
            start = max(left, key=lambda i: (shared[i].sum(), -i))
            result[start] = Correction(np.ones(count), np.zeros(count))
            continue
        outside = [i for i in range(len(scenes)) if i not in result]
        at = np.unravel_index(int(open_ends.argmax()), open_ends.shape)
        known, new = list(result)[int(at[0])], outside[int(at[1])]
        both = np.flatnonzero((seen[known] >= 0) & (seen[new] >= 0))
        both = both[np.linspace(0, len(both) - 1, min(_MOST, len(both))).round().astype(int)]
        target = spectra_at(scenes[known], seen[known][both], bands[known])
        gain, offset = matched(spectra_at(scenes[new], seen[new][both], bands[new]), target)
        above = result[known]
        result[new] = Correction(gain * above.gain, offset * above.gain + above.offset, known)
    return [result[i] for i in range(len(scenes))]


def matched(values: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gain and offset (bands,) that bring ``values`` to ``target``, (pixels, bands) both, of the same places.

    1 and 0 where they differ by no more than chance and calibration do.
    """
    values, target = values.astype(np.float64), target.astype(np.float64)
    kept = np.ones(len(values), dtype=bool)
    gain, offset = np.ones(values.shape[1]), np.zeros(values.shape[1])
    for _ in range(2):
        a, b = values[kept], target[kept]
        spread, wanted = a.std(axis=0), b.std(axis=0)
        middle, aim = a.mean(axis=0), b.mean(axis=0)
        together = ((a - middle) * (b - aim)).mean(axis=0) / np.maximum(spread * wanted, 1e-30)
        gain = np.where(together >= _TOLD, wanted / np.maximum(spread, 1e-30), 1.0)
        offset = aim - gain * middle
        apart = np.abs((gain * values + offset - target) / np.maximum(wanted, 1e-30)).mean(axis=1)
        kept = apart <= np.quantile(apart, 1 - _TRIMMED)
    before = (target - values)[kept]
    error = before.std(axis=0) / np.sqrt(len(before))
    level = np.abs(target[kept]).mean(axis=0)
    scaled = np.abs(gain - 1) * values[kept].std(axis=0)
    differs = np.maximum(np.abs(before.mean(axis=0)), scaled) > np.maximum(_SURE * error, _MATTERS * level)
    if differs.mean() < _BANDS:
        return np.ones(values.shape[1]), np.zeros(values.shape[1])
    return gain, offset


def spectra_at(scene: Scene, numbers: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """Return float32 (n, bands), own numbers, of pixels ``numbers`` int (n,), counted row by row, in their order."""
    result = np.empty((len(numbers), len(bands)), dtype=np.float32)
    row, col = np.divmod(numbers, scene.shape[1])
    for rows in scene.windows():
        here = np.flatnonzero((row >= rows.start) & (row < rows.stop))
        if len(here):
            result[here] = scene.read(rows, bands=bands)[row[here] - rows.start, col[here]]
    return result
