"""What the classifier sees of a scene: standardised bands."""

from __future__ import annotations

import numpy as np

LIMIT = 10.0
"""Standardised values are held within +-LIMIT standard deviations, so that one hot pixel cannot steer the training."""


def standardise(cube: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Bring every band to zero mean and unit variance over the valid pixels; the input is not changed.

    Args:
        cube: float32 (rows, cols, bands), any unit.
        valid: bool (rows, cols).

    Returns:
        float32 (rows, cols, bands), finite everywhere: 0 at invalid pixels, at non-finite values and in constant bands,
        never beyond +-``LIMIT``.
    """
    result = np.zeros(cube.shape, dtype=np.float32)
    rows, cols = np.nonzero(valid)
    if len(rows) == 0:
        return result
    for band in range(cube.shape[-1]):  # band by band: the float64 copy stays small on large scenes
        values = cube[rows, cols, band].astype(np.float64)
        finite = np.isfinite(values)
        if not finite.any():
            continue
        mean, deviation = values[finite].mean(), values[finite].std()
        if deviation > 1e-9 * max(1.0, abs(mean)):
            scaled = np.zeros_like(values)
            scaled[finite] = np.clip((values[finite] - mean) / deviation, -LIMIT, LIMIT)
            result[rows, cols, band] = scaled
    return result
