"""The spectra of what a map gives each class: which pixels to look at, and what they have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from special.storage.rasters import positions

LOW, HIGH = 0.1, 0.9  # the quantiles that stand for the spread of a class


@dataclass(frozen=True)
class SpectrumRange:
    """A spectrum with its spread: ``wavelengths`` (n,), nm; ``middle``, ``low`` and ``high`` (n,), any unit."""

    wavelengths: NDArray[np.float64]
    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of_pixels(cls, wavelengths: NDArray[Any], spectra: NDArray[Any]) -> Self:
        """Return mean and quantiles of ``spectra`` (pixels, n) at ``wavelengths`` (n,), nm."""
        low, high = np.quantile(spectra, (LOW, HIGH), axis=0)
        return cls(wavelengths, spectra.mean(axis=0), low, high)


def some_of_each(labels: NDArray[Any], classes: int, most: int) -> NDArray[np.int64]:
    """Return flat positions (n,), rising, of at most ``most`` pixels of each class of ``labels`` (rows, cols), 1..K.

    They are evenly spread over the pixels of the class: no random draw.
    """
    found = []
    for number in range(1, classes + 1):
        own = labels == number
        count = int(np.count_nonzero(own))
        if count:
            wanted = np.linspace(0, count - 1, min(most, count)).round().astype(np.int64)
            found.append(positions(own, wanted))
    return np.sort(np.concatenate(found)) if found else np.empty(0, np.int64)
