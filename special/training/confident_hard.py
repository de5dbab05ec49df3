"""Which predictions to trust: best versus second best, and a two-component Gaussian mixture over it in every class.

Source: SPECIAL (arXiv 2501.16222), label refinement: confident and hard samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from special.errors import TrainingError
from special.models.tiling import Windows
from special.storage.rasters import Rows, blocks
from special.training.balanced_sampling import smallest_type
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
    scene_median = np.median(margin[valid]) if valid.any() else 0.0
    for k in range(probabilities.shape[-1]):
        members = labels == k
        values = margin[members].astype(np.float64)
        if len(values) == 0:
            continue
        if len(values) < max(smallest, 4) or values.std() < FLAT:
            confident[members] = values >= scene_median
        else:
            confident[members] = _upper_component(values, cap, generator)
    return Split(labels, confident, valid & ~confident)


def _upper_component(values: np.ndarray, cap: int, generator: np.random.Generator) -> np.ndarray:
    """Return bool (n,): which of the values belong to the upper of two Gaussian components."""
    sample = values if len(values) <= cap else generator.choice(values, cap, replace=False)
    start = np.quantile(sample, [0.25, 0.75])[:, None]
    mixture = fit_mixture(sample[:, None], 2, covariance="full", floor=FLAT**2, generator=generator, means=start)
    means = mixture.means_[:, 0]
    upper = int(means.argmax())
    inside = np.concatenate(
        [mixture.predict(values[i : i + _AT_ONCE, None]) == upper for i in range(0, len(values), _AT_ONCE)]
    )
    return (inside | (values >= means[upper])) & (values > means[1 - upper])


def require_finite(values: Rows | Windows, valid: np.ndarray, what: str) -> None:
    """Raise where ``values`` (rows, cols, n) is not finite at a valid pixel.

    Raises:
        TrainingError: naming ``what`` and the first such pixel.
    """
    count, first = 0, (0, 0)
    for rows in blocks(values.shape):
        bad = valid[rows] & ~np.isfinite(values[rows, :]).all(axis=-1)
        if bad.any():
            row, col = np.argwhere(bad)[0]
            first = first if count else (rows.start + int(row), int(col))
            count += int(bad.sum())
    if count:
        raise TrainingError(
            f"the {what} are not finite at {count} valid pixels, the first at row {first[0]}, column {first[1]}: "
            "mask those pixels or look at the step before"
        )
