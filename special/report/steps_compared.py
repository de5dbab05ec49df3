"""What each step of a run has made of the one before, and what the pixels of a class might be instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from special.probabilities import best
from special.storage.rasters import Rows, blocks


@dataclass(frozen=True)
class StepFigures:
    """The most probable classes after a step.

    Attributes:
        step: its name.
        changed: share of the valid pixels whose class is another one than after the step before; None for the first.
        confidence: mean probability of the most probable class.
        shares: (K,), of the valid pixels, that each class has.
    """

    step: str
    changed: float | None
    confidence: float
    shares: tuple[float, ...]


def compare(stages: Mapping[str, Rows], valid: NDArray[np.bool_]) -> list[StepFigures]:
    """Compare the probabilities that steps have left, (rows, cols, K), in their order, at ``valid`` (rows, cols)."""
    figures: list[StepFigures] = []
    before: NDArray[Any] | None = None
    pixels = max(1, int(valid.sum()))
    for step, probabilities in stages.items():
        labels = best(probabilities, valid)
        counts = np.bincount(labels[valid], minlength=probabilities.shape[-1])
        sure = sum(float(probabilities[rows].max(axis=-1)[valid[rows]].sum()) for rows in blocks(probabilities.shape))
        changed = None if before is None else float((labels[valid] != before[valid]).mean())
        figures.append(StepFigures(step, changed, sure / pixels, tuple((counts / pixels).tolist())))
        before = labels
    return figures


def resemblance(labels: NDArray[Any], probabilities: Rows) -> NDArray[np.float64]:
    """Return (K, K): the mean probabilities of all classes over the pixels that the map gives to each; 0 without any.

    Args:
        labels: whole numbers (rows, cols), 1..K, 0 = no data or rejected.
        probabilities: float32 (rows, cols, K).
    """
    count = probabilities.shape[-1]
    sums, pixels = np.zeros((count, count)), np.zeros(count)
    for rows in blocks(probabilities.shape):
        shares, here = probabilities[rows], labels[rows]
        for number in np.unique(here[here > 0]).tolist():
            own = shares[here == number]
            sums[number - 1] += own.sum(axis=0, dtype=np.float64)
            pixels[number - 1] += len(own)
    return sums / np.maximum(pixels, 1)[:, None]
