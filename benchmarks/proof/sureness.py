"""Whether a map knows what it does not know: confidence against accuracy."""

from __future__ import annotations

import numpy as np

BINS = 15


def sureness(probabilities: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return how sure the most probable classes are, and how right, over the pixels with a label.

    ``confidence``: mean probability of the most probable class; ``ece``: expected calibration error, the mean distance
    between confidence and accuracy in 15 bins of confidence (Guo et al. 2017, equation 3); ``surest``: accuracy of the
    surer half of the pixels.

    Args:
        probabilities: (rows, cols, K), 0 where the map has nothing, which counts as wrong.
        truth: (rows, cols), 1..K, 0 = no label.
    """
    seen = truth > 0
    confidence = probabilities[seen].max(axis=-1).astype(float)
    right = (probabilities[seen].argmax(axis=-1) + 1 == truth[seen]) & (confidence > 0)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.abs(np.bincount(bins, right - confidence, minlength=BINS))
    surer = np.argsort(-confidence, kind="stable")[: (len(right) + 1) // 2]
    return {
        "confidence": float(confidence.mean()),
        "ece": float(gaps.sum() / len(right)),
        "surest": float(right[surer].mean()),
    }
