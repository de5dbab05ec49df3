"""What the classifier sees of a scene too large for memory: standardised bands, made for one window at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from special.storage.rasters import blocks
from special.training.standardise import LIMIT, standardise

if TYPE_CHECKING:
    from special.scene.scene import Scene

KEPT = 1 << 27
"""Bytes, as float32, up to which a standardised scene is kept in memory."""


class Spectra:
    """A scene as ``training.standardise`` would make it, float32 (rows, cols, bands), read by windows.

    Slicing it gives an array, the caller's own; the scene's file is read each time.
    """

    dtype: np.dtype[Any] = np.dtype(np.float32)

    def __init__(self, scene: Scene) -> None:
        """Look once at the whole scene, for the mean and the deviation of its bands."""
        self._scene = scene
        self.shape = scene.shape
        mean, deviation = _moments(scene)
        telling = deviation > 1e-9 * np.maximum(1.0, np.abs(mean))
        # In two parts, so that large numbers of little variance lose no digits in float32.
        self._high = mean.astype(np.float32)
        self._low = (mean - self._high).astype(np.float32)
        self._factor = np.where(telling, 1 / np.where(telling, deviation, 1.0), 0.0).astype(np.float32)

    def __getitem__(self, window: slice | tuple[slice, ...]) -> np.ndarray:
        """Return a window (rows, cols, bands): 0 at invalid pixels, never beyond +-``LIMIT``."""
        rows, cols = (*window, slice(None))[:2] if isinstance(window, tuple) else (window, slice(None))
        values = self._scene.read(rows, cols)
        values -= self._high
        values -= self._low
        values *= self._factor
        np.clip(values, -LIMIT, LIMIT, out=values)
        values[~np.isfinite(values).all(axis=-1)] = 0
        return values


def spectra_of(cube: np.ndarray | Scene, valid: np.ndarray) -> np.ndarray | Spectra:
    """Return what the classifier sees: an array where it fits into memory with ease, else ``Spectra``.

    Args:
        cube: float32 (rows, cols, bands), any unit, or a scene.
        valid: bool (rows, cols); a scene's own where it is one.
    """
    if isinstance(cube, np.ndarray):
        return standardise(cube, valid)
    return standardise(cube.read(), valid) if 4 * int(np.prod(cube.shape)) <= KEPT else Spectra(cube)


def _moments(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every band over the valid pixels, float64 (bands,), in one pass.

    Windows are merged by the update of Chan, Golub and LeVeque (1979), which loses no digits.
    """
    count, mean, squares = 0, np.zeros(scene.shape[2]), np.zeros(scene.shape[2])
    for rows in blocks(scene.shape, most=1 << 23):
        spectra = scene.read(rows)[scene.valid[rows]].astype(np.float64)
        if not len(spectra):
            continue
        here = spectra.mean(axis=0)
        spectra -= here
        total = count + len(spectra)
        squares += np.einsum("pb,pb->b", spectra, spectra) + (here - mean) ** 2 * (count * len(spectra) / total)
        mean += (here - mean) * (len(spectra) / total)
        count = total
    return mean, np.sqrt(squares / max(count, 1))
