"""Many spectra of one class as a few: what a class may look like, and how much spectra that look like it differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST = 12
"""So many variants a class has at most; more spectra are put together in groups of like ones."""

LEVEL_SD, SHAPE_SD = 0.2, 0.1
"""Of log reflectance, one standard deviation: how a material differs from one measurement of it, in brightness and in
shape. About half of what the table of land cover allows for a sketch."""

_DARK = 0.01  # reflectance added before the logarithm: near black, errors are additive
_MOST_CLUSTERED = 2000


@dataclass(frozen=True)
class Variant:
    """One spectrum that a class may show: reflectance float64 (bands,), and what is uncertain of it."""

    reflectance: np.ndarray
    level_sd: float
    shape_sd: float
    spectra: int


def variants(reflectance: np.ndarray, *, seed: int = 0) -> list[Variant]:
    """Return the variants of a class, the one of most spectra first.

    Args:
        reflectance: (spectra, bands), finite.
        seed: of the grouping, and of the sample that a large class is grouped by.
    """
    if len(reflectance) <= MOST:
        return [Variant(np.maximum(row, 0), LEVEL_SD, SHAPE_SD, 1) for row in reflectance]
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(seed)
    logs = np.log(np.maximum(reflectance, 0) + _DARK)
    if len(logs) > _MOST_CLUSTERED:
        logs = logs[np.sort(rng.choice(len(logs), _MOST_CLUSTERED, replace=False))]
    groups = KMeans(MOST, n_init=3, random_state=seed).fit_predict(logs)
    found = []
    for group in range(MOST):
        own = logs[groups == group]
        if not len(own):
            continue
        middle = own.mean(axis=0)
        level = (own - middle).mean(axis=1)
        shape = own - middle - level[:, None]
        # Those that were measured are not all there are: no group is surer than half of a single spectrum.
        level_sd = max(float(level.std()), LEVEL_SD / 2) if len(own) > 2 else LEVEL_SD
        shape_sd = max(float(shape.std()), SHAPE_SD / 2) if len(own) > 2 else SHAPE_SD
        found.append(Variant(np.maximum(np.exp(middle) - _DARK, 0), level_sd, shape_sd, len(own)))
    return sorted(found, key=lambda one: -one.spectra)
