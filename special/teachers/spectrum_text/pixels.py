"""The valid pixels of a scene, all of them by windows or some of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from special.passes import HERE, Passes

if TYPE_CHECKING:
    from special.scene.scene import Scene

BYTES = 1 << 25
PIXELS = 1 << 16
"""What a window holds at most, whichever is less: bytes of spectra, for scenes of many bands, or pixels, of few."""
SAME = 1e-5  # of the range: how far the extremes of bands may be apart and still be the same number
FEWEST_BANDS = 4  # fewer have the same extremes by chance
LARGEST_BYTE = 255


def windows(scene: Scene) -> Iterator[slice]:
    """Yield slices of whole rows that cover the scene in order, those without a valid pixel left out."""
    for rows in scene.windows(min(BYTES, 4 * scene.shape[2] * PIXELS)):
        if scene.valid[rows].any():
            yield rows


def spectra_of(scene: Scene, rows: slice) -> np.ndarray:
    """Return the valid spectra of a window, float32 (pixels, bands)."""
    return scene.read(rows)[scene.valid[rows]]


def sample_spectra(scene: Scene, count: int, passes: Passes = HERE) -> np.ndarray:
    """Return at most ``count`` valid spectra, float32 (pixels, bands), evenly spread over the scene."""
    chosen = evenly(int(scene.valid.sum()), count)
    parts, start = [], 0
    for rows in windows(scene):
        stop = start + int(scene.valid[rows].sum())
        inside = within(chosen, start, stop)
        if len(inside):
            parts.append((rows, inside))
        start = stop
    return np.concatenate(list(passes.over(parts, partial(_some_of, scene))))


def _some_of(scene: Scene, window: tuple[slice, np.ndarray]) -> np.ndarray:
    """Return some of the valid spectra of a window, by their numbers in it."""
    rows, inside = window
    return np.asarray(spectra_of(scene, rows)[inside])


def stretched_by_band(scene: Scene, sample: np.ndarray, passes: Passes = HERE) -> bool:
    """Whether every band of ``scene`` was stretched by itself from the same least to the same most number.

    ``sample`` (pixels, bands) of its spectra: one that goes below 0 or beyond a byte spares a look at all of them.
    """
    if scene.shape[2] < FEWEST_BANDS or sample.min() < 0 or sample.max() > LARGEST_BYTE:
        return False
    found = list(passes.over(list(windows(scene)), partial(_extremes, scene)))
    least, most = np.min([low for low, _ in found], axis=0), np.max([high for _, high in found], axis=0)
    return bool(max(np.ptp(least), np.ptp(most)) <= SAME * (most.max() - least.min()))


def _extremes(scene: Scene, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the most number of every band, each (bands,), in a window."""
    spectra = spectra_of(scene, rows)
    return spectra.min(axis=0), spectra.max(axis=0)


def within(chosen: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Return those of the rising positions ``chosen`` (n,) that lie in ``start:stop``, counted from there."""
    first, last = np.searchsorted(chosen, (start, stop))
    return np.asarray(chosen[first:last] - start)


def evenly(pixels: int, count: int) -> np.ndarray:
    """Positions (n,) of at most ``count`` of ``pixels``, evenly spread: a sample without a random draw."""
    return np.linspace(0, pixels - 1, min(count, pixels)).round().astype(int) if pixels else np.empty(0, dtype=int)
