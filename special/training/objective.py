"""What a training on one scene learns: the terms of its loss, and who makes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from special.storage.rasters import Rows
from special.training.balanced_sampling import Sample, Window


@dataclass(frozen=True)
class Term:
    """One part of the loss of one step: ``factor`` times the weighted cross-entropy of the drawn pixels.

    ``index`` int (n,) into the flattened window, ``targets`` float32 (n, K), ``weights`` float32 (n,).
    """

    name: str
    factor: float
    index: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, name: str, factor: float, sample: Sample, targets: np.ndarray) -> Term:
        """Make a term of drawn pixels; ``targets`` float32 (rows, cols of the window, K)."""
        return cls(name, factor, sample.index, targets.reshape(-1, targets.shape[-1])[sample.index], sample.weights)


class Objective(Protocol):
    """What is learned."""

    def begin_epoch(self, epoch: int, predicted: Callable[[], Rows], generator: np.random.Generator) -> dict[str, Any]:
        """Get ready for ``epoch`` (from 0).

        ``predicted()`` gives the classifier's probabilities, float32 (rows, cols, K). Return figures, as JSON.
        """

    def terms(self, window: Window, owned: np.ndarray, generator: np.random.Generator) -> Sequence[Term]:
        """Return the loss of one step on ``window``, over the pixels of ``owned``, bool (rows, cols)."""
