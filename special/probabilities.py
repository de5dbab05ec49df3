"""Class probabilities over a scene: the best class, how clear it is (BvSB), and whether all of them are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from special.errors import TrainingError
from special.storage.rasters import Rows, blocks


def bvsb(probabilities: Rows) -> np.ndarray:
    """Return best minus second best probability: float32 (rows, cols), 0 at invalid pixels.

    Args:
        probabilities: float (rows, cols, K), all 0 at invalid pixels.
    """
    margin = np.empty(probabilities.shape[:2], dtype=np.float32)
    for rows in blocks(probabilities.shape):
        here = probabilities[rows]
        if here.shape[-1] < 2:
            margin[rows] = here[..., 0]
        else:
            top = np.partition(here, -2, axis=-1)[..., -2:]
            margin[rows] = top[..., 1] - top[..., 0]
    return margin


def best(probabilities: Rows, valid: np.ndarray) -> np.ndarray:
    """Return the most probable class of every pixel, whole numbers (rows, cols), 0..K-1; -1 at invalid pixels."""
    labels = np.empty(valid.shape, dtype=smallest_type(probabilities.shape[-1]))
    for rows in blocks(probabilities.shape):
        labels[rows] = np.where(valid[rows], probabilities[rows].argmax(axis=-1), -1)
    return labels


def smallest_type(count: int) -> type[np.signedinteger]:
    """Return the smallest type of whole numbers that holds -1 and ``count`` classes: a scene has many pixels."""
    return next(kind for kind in (np.int8, np.int16, np.int32) if count <= np.iinfo(kind).max)


def require_finite(values: Any, valid: np.ndarray, what: str) -> None:
    """Raise where ``values`` (rows, cols, n) is not finite at a valid pixel.

    Raises:
        TrainingError: naming ``what`` and the first such pixel.
    """
    count, first = 0, (0, 0)
    for rows in blocks(values.shape):
        bad = valid[rows] & ~np.isfinite(values[rows, :]).all(axis=-1)
        if bad.any():
            row, col = np.argwhere(bad)[0]
            first = first if count else (rows.start + int(row), int(col))
            count += int(bad.sum())
    if count:
        raise TrainingError(
            f"the {what} are not finite at {count} valid pixels, the first at row {first[0]}, column {first[1]}: "
            "mask those pixels or look at the step before"
        )
