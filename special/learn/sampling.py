"""Class-balanced sampling guided by BvSB: how much each class weighs in the loss, and which pixels speak for it.

Source: SPECIAL (arXiv 2501.16222), class-balanced warmup. The balance is made in the loss, not in the number of draws:
a class of ten pixels and one of ten thousand weigh exactly what ``class_weights`` says, however many pixels were drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """Drawn pixels: ``index`` int (n,) into the flattened labels, ``weights`` float32 (n,) in the loss."""

    index: np.ndarray
    weights: np.ndarray


def class_weights(labels: np.ndarray, trust: np.ndarray, count: int, balance: float) -> np.ndarray:
    """Return the share of each class in the loss: float64 (count,), sums to 1, 0 for classes without a pixel.

    The share is proportional to ``mass ** (1 - balance)``, where a class's mass is the summed trust of its pixels:
    ``balance`` 1 weighs all present classes alike, as the paper does; 0 weighs them by what is known about them, so that
    a class that only appears by mistake, on few pixels of low BvSB, stays small.

    Args:
        labels: int, any shape, 0..count-1; negative = no label.
        trust: float >= 0, same shape, e.g. BvSB.
        count: number of classes K.
        balance: 0..1.
    """
    present = labels >= 0
    mass = np.bincount(labels[present], weights=trust[present].astype(np.float64) + 1e-6, minlength=count)
    shares = np.where(mass > 0, np.maximum(mass, 1e-12) ** (1.0 - balance), 0.0)
    return shares / max(shares.sum(), 1e-12)


def draw(
    labels: np.ndarray,
    trust: np.ndarray,
    pixel_weights: np.ndarray,
    *,
    per_class: int,
    generator: np.random.Generator,
) -> Sample:
    """Draw up to ``per_class`` pixels of every class, without replacement, likelier where the trust is higher.

    The drawn pixels of a class carry the weight of all its pixels in ``labels``: for any draw the weights of class ``k``
    sum to ``(labels == k).sum() * pixel_weights[k]``.

    Args:
        labels: int (n,), 0..K-1; negative = no candidate.
        trust: float (n,) >= 0: relative chance of a pixel within its class.
        pixel_weights: float (K,): loss weight of one pixel of each class, were all of them drawn.
        per_class: most pixels per class.
        generator: the run's.
    """
    # Exponential keys: the smallest per_class of them are a weighted draw without replacement (Efraimidis, Spirakis).
    keys = generator.exponential(size=len(labels)) / (trust.astype(np.float64) + 1e-3)
    chosen, weights = [], []
    for k in range(len(pixel_weights)):
        members = np.flatnonzero(labels == k)
        if len(members) == 0 or pixel_weights[k] == 0:
            continue
        total = len(members) * pixel_weights[k]
        if len(members) > per_class:
            members = np.sort(members[np.argpartition(keys[members], per_class)[:per_class]])
        chosen.append(members)
        weights.append(np.full(len(members), total / len(members), dtype=np.float32))
    if not chosen:
        return Sample(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))
    return Sample(np.concatenate(chosen), np.concatenate(weights))
