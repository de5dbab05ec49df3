"""The valid pixels of a scene, all of them by windows or some of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from special.scene.scene import Scene

BYTES = 1 << 25
PIXELS = 1 << 16
SAME = 1e-5  # of the range: how far the extremes of bands may be apart and still be the same number
"""What a window holds at most, whichever is less: bytes of spectra, for scenes of many bands, or pixels, of few."""


def windows(scene: Scene) -> Iterator[slice]:
    """Yield slices of whole rows that cover the scene in order, those without a valid pixel left out."""
    for rows in scene.windows(min(BYTES, 4 * scene.shape[2] * PIXELS)):
        if scene.valid[rows].any():
            yield rows


def spectra_of(scene: Scene, rows: slice) -> np.ndarray:
    """Return the valid spectra of a window, float32 (pixels, bands)."""
    return scene.read(rows)[scene.valid[rows]]


def sample_spectra(scene: Scene, count: int) -> np.ndarray:
    """Return at most ``count`` valid spectra, float32 (pixels, bands), evenly spread over the scene."""
    chosen = evenly(int(scene.valid.sum()), count)
    parts, start = [], 0
    for rows in windows(scene):
        stop = start + int(scene.valid[rows].sum())
        inside = within(chosen, start, stop)
        if len(inside):
            parts.append(spectra_of(scene, rows)[inside])
        start = stop
    return np.concatenate(parts)


def stretched_by_band(scene: Scene) -> bool:
    """Whether every band of ``scene`` was stretched by itself from the same least to the same most number."""
    least, most = np.full(scene.shape[2], np.inf), np.full(scene.shape[2], -np.inf)
    for rows in windows(scene):
        spectra = spectra_of(scene, rows)
        np.minimum(least, spectra.min(axis=0), out=least)
        np.maximum(most, spectra.max(axis=0), out=most)
    apart = max(np.ptp(least), np.ptp(most))
    return scene.shape[2] > 3 and bool(apart <= SAME * (most.max() - least.min()))


def within(chosen: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Return those of the rising positions ``chosen`` (n,) that lie in ``start:stop``, counted from there."""
    first, last = np.searchsorted(chosen, (start, stop))
    return np.asarray(chosen[first:last] - start)


def evenly(pixels: int, count: int) -> np.ndarray:
    """Positions (n,) of at most ``count`` of ``pixels``, evenly spread: a sample without a random draw."""
    return np.linspace(0, pixels - 1, min(count, pixels)).round().astype(int) if pixels else np.empty(0, dtype=int)
