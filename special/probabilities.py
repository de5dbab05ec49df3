"""Class probabilities over a scene: the best class, how clear it is (BvSB), and whether all of them are numbers."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from special.errors import TrainingError
from special.passes import HERE, Passes
from special.storage.rasters import Rows, blocks, pick, positions

_LOOKED_AT = 20_000  # pixels, evenly spread, that say how sure a map is
_HALVINGS = 20  # of the interval that the exponent is in


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


def no_surer_than(taught: Rows, probabilities: Rows, valid: np.ndarray) -> float:
    """Temper ``probabilities`` in place until they are on the mean as sure as what they were learned from.

    A classifier that learns from labels grows surer of them, but knows nothing of names that they did not. Its
    probabilities are raised to a power, the same for all pixels (Guo et al. 2017, arXiv 1706.04599, section 4.2), so
    that no pixel changes its class; where they are not surer they stay.

    Args:
        taught: float (rows, cols, K), the probabilities that were learned from.
        probabilities: float32 (rows, cols, K), of the classifier; sums to 1 at valid pixels.
        valid: bool (rows, cols).

    Returns:
        The exponent, 1 at most.
    """
    count = int(valid.sum())
    if not count:
        return 1.0
    where = positions(valid, np.linspace(0, count - 1, min(count, _LOOKED_AT)).round().astype(int))
    wanted = pick(taught, where).max(axis=1).mean()
    seen = pick(probabilities, where).astype(np.float64)
    if seen.max(axis=1).mean() <= wanted:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _raised(seen, middle).max(axis=1).mean() <= wanted else (low, middle)
    for rows in blocks(probabilities.shape):
        here = probabilities[rows]
        probabilities[rows] = np.where(valid[rows][..., None], _raised(here, low), here).astype(np.float32)
    return low


def _raised(probabilities: np.ndarray, exponent: float) -> np.ndarray:
    raised = probabilities**exponent
    return np.asarray(raised / np.maximum(raised.sum(axis=-1, keepdims=True), np.finfo(np.float32).tiny))
