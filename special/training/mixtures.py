"""Gaussian mixtures as this package fits them: seeded, on one thread, and without a word about convergence."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture


def fit_mixture(
    values: np.ndarray,
    components: int,
    *,
    covariance: str,
    floor: float,
    generator: np.random.Generator,
    means: np.ndarray | None = None,
) -> GaussianMixture:
    """Fit a Gaussian mixture to ``values`` (n, features) by expectation maximisation, 50 rounds at most.

    Args:
        values: float64 (n, features), n >= 2.
        components: number of Gaussians.
        covariance: "full" or "diag".
        floor: added to every variance, so that no component can collapse.
        generator: the run's; it seeds the start.
        means: where the components start (components, features); None lets k-means find the places.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    mixture = GaussianMixture(
        components,
        covariance_type=covariance,
        reg_covar=floor,
        max_iter=50,
        means_init=means,
        random_state=int(generator.integers(2**31)),
    )
    # The matrices are tiny: handing them to several threads takes longer than the work.
    with threadpool_limits(1), warnings.catch_warnings():
        # Identical pixels make k-means find fewer centres, or the fit stop early: both end in a usable mixture.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(values)
