"""What the air takes out of single bands, learned from the scene where its numbers are radiance.

Sunlight and haze are smooth, so the continuum takes them along; gases are not. What all pixels have in common, but for
the absorptions that are expected of the named classes, is taken for the air's, with more room where gases absorb.
Classes and air are found in turn (expectation maximisation), as the smooth gain is in ``calibration``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from special.teachers.spectrum_text.likelihood import softmax

GASES = (
    *((689, 5), (719, 10), (761, 5), (820, 16), (940, 30), (1135, 32), (1375, 45)),
    *((1470, 45), (1870, 60), (2010, 25), (2060, 25), (2600, 110)),
)
"""nm, centre and standard deviation: oxygen, water vapour, carbon dioxide, and water vapour beyond 2400 nm."""
CLEAR_SD, GAS_SD = 0.02, 1.0  # of log radiance in a band between gases, and amid them
UNLEARNED = 0.1  # share of it that is still unknown when the air is learned
LENGTH = 0.008  # in log wavelength, over which the air changes
ROUNDS, TEMPER = 8, 0.5


def air_covariance(wavelengths: np.ndarray) -> np.ndarray:
    """Return the covariance (bands, bands) of what the air does to log radiance at ``wavelengths`` (bands,), nm."""
    depth = np.max([np.exp(-0.5 * ((wavelengths - at) / width) ** 2) for at, width in GASES], axis=0)
    sd = CLEAR_SD + GAS_SD * depth
    position = np.log(wavelengths)
    near = np.exp(-0.5 * ((position[:, None] - position[None, :]) / LENGTH) ** 2)
    return np.outer(sd, sd) * (0.5 * near + 0.5 * np.eye(len(sd)))


def learn_air(
    values: np.ndarray,
    means: np.ndarray,
    roots: np.ndarray,
    prior: np.ndarray,
    owners: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """Return what ``values`` (pixels, columns) have in common that is not expected, (columns,).

    Args:
        values: of a sample, continuum removed.
        means: (spectra, columns) expected. roots: (spectra, columns, columns), inverse roots of their covariance.
        prior: (columns, columns) covariance of what may be in common.
        owners: (spectra,) class of every spectrum.
        weights: (pixels, spectra) how likely each pixel shows each spectrum.
    """
    totals = weights.sum(axis=0)
    shares = totals / totals.sum()
    by_class = np.bincount(owners, shares)
    by_class = by_class[by_class > 0]
    sizeable = np.flatnonzero(shares > 1e-3)
    precisions = np.einsum("sji,sjk->sik", roots[sizeable], roots[sizeable])
    precisions *= (shares[sizeable] * np.exp(-(by_class * np.log(by_class)).sum()))[:, None, None]
    errors = weights[:, sizeable].T @ values / totals[sizeable, None] - means[sizeable]
    pull = np.einsum("sij,sj->i", precisions, errors)
    return np.asarray(np.linalg.solve(np.linalg.inv(prior) + precisions.sum(axis=0), pull))


def responsibilities(densities: Sequence[np.ndarray]) -> np.ndarray:
    """Return how likely each pixel shows each spectrum (pixels, spectra), by the sum of log ``densities`` of that."""
    return softmax(TEMPER * np.sum(densities, axis=0))
