"""A scene at the wavelengths of a model that was fitted on other bands."""

from __future__ import annotations

import numpy as np

from special.training.standardise import Readable

SAME_NM = 0.5
"""Bands that lie no further apart are the same."""

_EVERYTHING = slice(None)


class Resampled:
    """A scene at other wavelengths, read by windows: spectra are interpolated linearly between its bands.

    Args:
        scene: float32 (rows, cols, bands).
        have: float64 (bands,), nm, ascending, two or more: its wavelengths.
        wanted: float64 (wanted bands,), nm, ascending.

    Attributes:
        shape: (rows, cols, wanted bands).
        inside: bool (wanted bands,): whether the scene's range holds the band. Where it does not, values are NaN.
    """

    def __init__(self, scene: Readable, have: np.ndarray, wanted: np.ndarray) -> None:
        self._scene = scene
        self.shape = (*scene.shape[:2], len(wanted))
        self.inside = (wanted >= have[0] - SAME_NM) & (wanted <= have[-1] + SAME_NM)
        self._right = np.clip(np.searchsorted(have, wanted), 1, len(have) - 1)
        left = have[self._right - 1]
        self._share = np.clip((wanted - left) / np.maximum(have[self._right] - left, 1e-9), 0, 1)

    def read(self, rows: slice = _EVERYTHING, cols: slice = _EVERYTHING) -> np.ndarray:
        """Return a window, float32 (rows, cols, wanted bands), the caller's own."""
        cube = self._scene.read(rows, cols)
        left, right = (1 - self._share).astype(np.float32), self._share.astype(np.float32)
        values = cube[..., self._right - 1] * left + cube[..., self._right] * right
        values[..., ~self.inside] = np.nan
        return np.asarray(values)


def same_bands(have: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether two lists of wavelengths, (bands,), nm, are those of the same bands."""
    return len(have) == len(wanted) and bool(np.abs(wanted - have).max() <= SAME_NM)
