"""Pixels whose class is certain, since a user has named them: a term of the loss of their own.

Among ten thousand pseudo-labels a dozen answers would hardly ever be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from special.training.balanced_sampling import BalancedSet, OneHotTargets, Window
from special.training.objective import Term

WEIGHT = 0.3
"""What they weigh in the loss; all pseudo-labels together weigh 1."""


@dataclass(frozen=True)
class CertainPixels:
    """The set that is drawn from, and its targets."""

    drawn_from: BalancedSet
    targets: OneHotTargets

    @classmethod
    def of(cls, certain: np.ndarray | None, count: int, *, balance: float) -> Self | None:
        """Take pixels int (rows, cols), 1..count and 0 = not named; None where there are none.

        ``balance``: what classes weigh, see ``class_shares``.
        """
        if certain is None or not certain.any():
            return None
        labels = certain - 1
        trust = np.ones(labels.shape, dtype=np.float32)
        return cls(BalancedSet(labels, trust, count, balance=balance, guide=0.0), OneHotTargets(labels, count))

    def term(self, window: Window, owned: np.ndarray, *, per_class: int, generator: np.random.Generator) -> Term:
        """Return their part of the loss on ``window``, of pixels in ``owned``, bool (rows, cols)."""
        sample = self.drawn_from.draw(window, owned, per_class=per_class, generator=generator)
        return Term.of("answers", WEIGHT, sample, self.targets[window])
