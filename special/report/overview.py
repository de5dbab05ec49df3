"""A map or a picture made smaller: whole blocks of pixels become one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def block_side(shape: tuple[int, ...], most: int) -> int:
    """Return the side of the square blocks, in pixels, that leave ``most`` pixels or fewer of (rows, cols)."""
    side = max(1, math.isqrt(max(0, shape[0] * shape[1] - 1) // max(1, most)))
    while math.ceil(shape[0] / side) * math.ceil(shape[1] / side) > most:
        side += 1
    return side


def mode_of_blocks(labels: NDArray[Any], high: int, wide: int, classes: int) -> NDArray[Any]:
    """Return the commonest label of every block of ``high`` x ``wide`` pixels of ``labels`` (rows, cols), 0..classes.

    Unmapped pixels, 0, count where a block has nothing else; of labels equally common the first is taken.
    """
    rows, cols = math.ceil(labels.shape[0] / high), math.ceil(labels.shape[1] / wide)
    padded = np.zeros((rows * high, cols * wide), labels.dtype)
    padded[: labels.shape[0], : labels.shape[1]] = labels
    cells = padded.reshape(rows, high, cols, wide)
    best, most = np.zeros((rows, cols), labels.dtype), np.zeros((rows, cols), np.int64)
    for label in range(1, classes + 1):
        counts = (cells == label).sum(axis=(1, 3))
        best[counts > most] = label
        np.maximum(most, counts, out=most)
    return best


def mean_of_blocks(values: NDArray[Any], side: int) -> NDArray[np.float32]:
    """Return the mean of every block of ``side`` x ``side`` pixels of ``values`` (rows, cols, ...), any unit.

    Blocks at the right and the lower edge may be smaller.
    """
    if side == 1:
        return values.astype(np.float32)
    tops, lefts = np.arange(0, values.shape[0], side), np.arange(0, values.shape[1], side)
    sums = np.add.reduceat(np.add.reduceat(values, tops, axis=0, dtype=np.float64), lefts, axis=1)
    high = np.diff([*tops, values.shape[0]])
    wide = np.diff([*lefts, values.shape[1]])
    pixels = (high[:, None] * wide[None, :]).reshape(*sums.shape[:2], *(1,) * (values.ndim - 2))
    return np.asarray(sums / pixels, dtype=np.float32)
