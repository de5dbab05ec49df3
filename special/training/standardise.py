"""What the classifier sees of a scene: standardised bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LIMIT = 10.0
"""Standardised values are held within +-LIMIT standard deviations, so that one hot pixel cannot steer the training."""


@dataclass(frozen=True)
class Normalisation:
    """What the bands of a scene are brought to zero mean and unit variance with.

    ``mean`` and ``deviation`` are float64 (bands,), in the scene's unit; a band of deviation 0 tells nothing.
    """

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, cube: np.ndarray, valid: np.ndarray) -> Normalisation:
        """Look at the finite values of the valid pixels; see ``standardise`` for the arguments."""
        mean, deviation = np.zeros(cube.shape[-1]), np.zeros(cube.shape[-1])
        rows, cols = np.nonzero(valid)
        for band in range(cube.shape[-1]):  # band by band: the float64 copy stays small on large scenes
            values = cube[rows, cols, band].astype(np.float64)
            values = values[np.isfinite(values)]
            if len(values) == 0:
                continue
            mean[band] = values.mean()
            spread = values.std()
            deviation[band] = spread if spread > 1e-9 * max(1.0, abs(mean[band])) else 0.0
        return cls(mean, deviation)

    def apply(self, cube: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Return the standardised cube; see ``standardise``."""
        result = np.zeros(cube.shape, dtype=np.float32)
        rows, cols = np.nonzero(valid)
        for band in np.flatnonzero(self.deviation > 0):
            values = cube[rows, cols, band].astype(np.float64)
            finite = np.isfinite(values)
            scaled = np.zeros_like(values)
            scaled[finite] = np.clip((values[finite] - self.mean[band]) / self.deviation[band], -LIMIT, LIMIT)
            result[rows, cols, band] = scaled
        return result


def standardise(cube: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Bring every band to zero mean and unit variance over the valid pixels; the input is not changed.

    Args:
        cube: float32 (rows, cols, bands), any unit.
        valid: bool (rows, cols).

    Returns:
        float32 (rows, cols, bands), finite everywhere: 0 at invalid pixels, at non-finite values and in constant bands,
        never beyond +-``LIMIT``.
    """
    return Normalisation.of(cube, valid).apply(cube, valid)
