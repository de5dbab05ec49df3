"""Class-balanced sampling guided by BvSB: how much each class weighs in the loss, and which pixels speak for it.

Source: SPECIAL (arXiv 2501.16222), class-balanced warmup. The balance is made in the loss, not in the number of draws:
a class of ten pixels and one of ten thousand weigh exactly what ``class_shares`` says, however many pixels were drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from special.storage.rasters import blocks

Window = tuple[slice, slice]
"""Rows and columns of a part of the scene."""


@dataclass(frozen=True)
class Sample:
    """Drawn pixels: ``index`` int (n,) into the flattened window, ``weights`` float32 (n,) in the loss."""

    index: np.ndarray
    weights: np.ndarray


def class_shares(counts: np.ndarray, balance: float) -> np.ndarray:
    """Return the share of each class in the loss: float64 (K,), sums to 1, 0 for classes without a pixel.

    The share is proportional to ``counts ** (1 - balance)``. ``balance`` 1 weighs all present classes alike, as the
    paper does; 0 weighs them by their pixels, so that a class that only appears by mistake stays small.

    Args:
        counts: int (K,), pixels of each class.
        balance: 0..1.
    """
    shares = np.zeros(len(counts))
    shares[counts > 0] = counts[counts > 0] ** (1.0 - balance)
    return shares / shares.sum() if shares.any() else shares


class OneHotTargets:
    """Targets float32 (rows, cols, K) of ``labels`` (0..K-1; -1 is never asked for), made for one window at a time."""

    def __init__(self, labels: np.ndarray, count: int) -> None:
        self.labels, self.classes = labels, np.eye(count, dtype=np.float32)

    def __getitem__(self, window: Window) -> np.ndarray:
        """Return the targets of a window: 1 for a pixel's class, else 0."""
        return self.classes[self.labels[window]]


class BalancedSet:
    """Labelled pixels of a scene, from which each step draws.

    Args:
        labels: int (rows, cols), 0..count-1; negative = not in the set.
        trust: float (rows, cols) >= 0: BvSB.
        count: number of classes K.
        balance: see ``class_shares``.
        guide: the chance of a pixel within its class is ``trust ** guide``; 0 draws all alike.

    Attributes:
        counts: int (K,), pixels of each class.
        shares: float64 (K,), what each class weighs in the loss.
    """

    def __init__(self, labels: np.ndarray, trust: np.ndarray, count: int, *, balance: float, guide: float) -> None:
        self.labels = labels
        self.trust = trust
        self.guide = guide
        self.counts = np.zeros(count, dtype=np.int64)
        for rows in blocks(labels.shape, 8):
            here = labels[rows]
            self.counts += np.bincount(here[here >= 0], minlength=count)
        self.shares = class_shares(self.counts, balance)
        self.pixel_weights = self.shares / np.maximum(self.counts, 1)

    def draw(self, window: Window, owned: np.ndarray, *, per_class: int, generator: np.random.Generator) -> Sample:
        """Draw up to ``per_class`` pixels of every class in ``window``, without replacement, guided by trust.

        The drawn pixels of a class stand for all of its pixels there: their weights sum to the part of the class's
        share that lies in the window, so that over the tiles of a scene every class weighs its share.

        Args:
            window: part of the scene.
            owned: bool (rows, cols of the window): pixels that may be drawn.
            per_class: most pixels of a class.
            generator: the stage's.
        """
        labels = np.where(owned, self.labels[window], -1).ravel()
        # The smallest of exponential keys are a weighted draw without replacement (Efraimidis and Spirakis 2006).
        # A floor keeps pixels of no trust in reach where a class has nothing better.
        chance = np.maximum(self.trust[window], 1e-3).astype(np.float32) ** self.guide
        keys = generator.exponential(size=len(labels)) / chance.ravel()
        chosen, weights = [], []
        for k in np.flatnonzero(self.counts):
            members = np.flatnonzero(labels == k)
            if len(members) == 0:
                continue
            total = len(members) * self.pixel_weights[k]
            if len(members) > per_class:
                members = np.sort(members[np.argpartition(keys[members], per_class)[:per_class]])
            chosen.append(members)
            weights.append(np.full(len(members), total / len(members), dtype=np.float32))
        if not chosen:
            return Sample(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))
        return Sample(np.concatenate(chosen), np.concatenate(weights))
