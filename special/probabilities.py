"""Class probabilities over a scene: the best class, how clear it is (BvSB), and whether all of them are numbers."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from special.errors import TrainingError
from special.passes import HERE, Passes
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


def require_finite(values: Any, valid: np.ndarray, what: str, passes: Passes = HERE) -> None:
    """Raise where ``values`` (rows, cols, n) is not finite at a valid pixel; ``passes`` look at the windows.

    Raises:
        TrainingError: naming ``what`` and the first such pixel.
    """
    found = np.array(list(passes.over(list(blocks(values.shape)), partial(_not_finite, values, valid))))
    if len(found) and found[:, 0].any():
        _, row, col = found[found[:, 0] > 0][0]
        raise TrainingError(
            f"the {what} are not finite at {found[:, 0].sum()} valid pixels, the first at row {row}, column {col}: "
            "mask those pixels or look at the step before"
        )


def _not_finite(values: Any, valid: np.ndarray, rows: slice) -> np.ndarray:
    """Return at how many valid pixels of a window ``values`` is not finite, and row and column of the first of them."""
    bad = valid[rows] & ~np.isfinite(values[rows, :]).all(axis=-1)
    if not bad.any():
        return np.zeros(3, dtype=np.int64)
    row, col = np.argwhere(bad)[0]
    return np.array([np.count_nonzero(bad), rows.start + row, col])
