"""Which predictions to trust: best versus second best, and a two-component Gaussian mixture over it in every class.

Source: SPECIAL (arXiv 2501.16222), label refinement: confident and hard samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from special.probabilities import best, bvsb, require_finite
from special.storage.rasters import Rows
from special.training.mixtures import fit_mixture

_AT_ONCE = 1 << 19  # pixels whose component is asked for at once

FLAT = 1e-4
"""BvSB whose standard deviation in a class is below this carries no order worth a mixture."""


@dataclass(frozen=True)
class Split:
    """Predicted ``labels`` (rows, cols; 0..K-1, -1 = invalid) and the bool masks ``confident`` and ``hard``.

    The two masks are disjoint and together cover the valid pixels.
    """

    labels: np.ndarray
    confident: np.ndarray
    hard: np.ndarray


def split(
    probabilities: Rows,
    valid: np.ndarray,
    *,
    smallest: int,
    cap: int,
    generator: np.random.Generator,
) -> Split:
    """Split the pixels of every predicted class into confident and hard ones.

    In every predicted class a two-component Gaussian mixture is fitted to BvSB; pixels of the component with the
    higher mean are confident, the others hard. The rule is made monotone: above the higher mean a pixel is confident,
    below the lower mean it is hard, whatever the tails of the components say.

    Where a mixture says nothing, because a class has fewer than ``smallest`` pixels or constant BvSB, its pixels
    are held against the whole scene instead: confident from the scene's median BvSB upwards. A class without a pixel
    has neither set.

    Args:
        probabilities: float (rows, cols, K), sums to 1 at valid pixels.
        valid: bool (rows, cols).
        smallest: fewest pixels that get a mixture of their own.
        cap: most pixels a mixture is fitted to, drawn by ``generator`` where a class has more.
        generator: the run's.

    Raises:
        TrainingError: a probability at a valid pixel is not finite.
    """
    require_finite(probabilities, valid, "predicted probabilities")
    margin = bvsb(probabilities)
    labels = best(probabilities, valid)
    confident = np.zeros(valid.shape, dtype=bool)
    scene_median = np.median(margin[valid], overwrite_input=True) if valid.any() else 0.0
    for k in range(probabilities.shape[-1]):
        members = labels == k
        values = margin[members]
        if len(values) == 0:
            continue
        if len(values) < max(smallest, 4) or _deviation(values) < FLAT:
            confident[members] = values >= scene_median
        else:
            confident[members] = _upper_component(values, cap, generator)
    return Split(labels, confident, valid & ~confident)


def _deviation(values: np.ndarray) -> float:
    """Return the standard deviation of ``values`` float32 (n,), a part at a time: n may be most pixels of a scene."""
    parts = [values[i : i + _AT_ONCE] for i in range(0, len(values), _AT_ONCE)]
    mean = sum(float(part.sum(dtype=np.float64)) for part in parts) / len(values)
    return float(np.sqrt(sum(float(np.square(part - np.float64(mean)).sum()) for part in parts) / len(values)))


def _upper_component(values: np.ndarray, cap: int, generator: np.random.Generator) -> np.ndarray:
    """Return bool (n,): which of the values, float32 (n,), belong to the upper of two Gaussian components."""
    sample = (values if len(values) <= cap else generator.choice(values, cap, replace=False)).astype(np.float64)
    start = np.quantile(sample, [0.25, 0.75])[:, None]
    mixture = fit_mixture(sample[:, None], 2, covariance="full", floor=FLAT**2, generator=generator, means=start)
    means = mixture.means_[:, 0]
    upper = int(means.argmax())
    found = np.empty(len(values), dtype=bool)
    for first in range(0, len(values), _AT_ONCE):
        part = values[first : first + _AT_ONCE].astype(np.float64)
        inside = mixture.predict(part[:, None]) == upper
        found[first : first + _AT_ONCE] = (inside | (part >= means[upper])) & (part > means[1 - upper])
    return found
