"""Soft labels from the spectra themselves: per class a Gaussian mixture over PCA features of its confident pixels.

Source: SPECIAL (arXiv 2501.16222), label refinement. The class posterior is computed in log space throughout: densities
of a few tens of PCA features underflow long before their logarithms do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from special.errors import TrainingError
from special.learn.mixtures import fit_mixture
from special.learn.split import Split, require_finite

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

PER_COMPONENT = 10
"""Fewest pixels per PCA feature and component: a class with fewer gets fewer components, at least one."""


def pca_features(
    spectra: np.ndarray, valid: np.ndarray, *, count: int, cap: int, generator: np.random.Generator
) -> np.ndarray:
    """Project standardised spectra on their first principal components, each brought to unit variance.

    Args:
        spectra: float32 (rows, cols, bands), standardised.
        valid: bool (rows, cols).
        count: components wanted; fewer come back where the scene has fewer bands, pixels or directions of variance.
        cap: most pixels the components are computed from, drawn by ``generator``.

    Returns:
        float32 (rows, cols, features), 0 at invalid pixels.

    Raises:
        TrainingError: a spectrum at a valid pixel is not finite, or no valid pixel differs from another.
    """
    require_finite(spectra, valid, "spectra")
    pixels = spectra.reshape(-1, spectra.shape[-1])
    chosen = np.flatnonzero(valid)
    if len(chosen) > cap:
        chosen = np.sort(generator.choice(chosen, cap, replace=False))
    sample = pixels[chosen].astype(np.float64)
    mean = sample.mean(axis=0)
    variances, axes = np.linalg.eigh((sample - mean).T @ (sample - mean) / max(len(sample) - 1, 1))
    order = variances.argsort()[::-1][:count]
    order = order[variances[order] > max(variances[order[0]] * 1e-7, 1e-12)]
    if len(order) == 0:
        raise TrainingError("all valid pixels have the same spectrum: there is nothing to learn from this scene")
    basis = axes[:, order] / np.sqrt(variances[order])
    # The sign of an eigenvector is arbitrary; fixing it keeps runs on different machines comparable.
    basis *= np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(len(order))])
    features = pixels @ basis.astype(np.float32) - (mean @ basis).astype(np.float32)
    return np.where(valid[..., None], features.reshape(*valid.shape, -1), np.float32(0))


def soft_labels(
    features: np.ndarray,
    parts: Split,
    probabilities: np.ndarray,
    valid: np.ndarray,
    *,
    components: int,
    temperature: float,
    prior: float,
    smallest: int,
    cap: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return the class posterior of every valid pixel under per-class mixtures of its PCA features.

    ``log q(k | z) = log_softmax_k((log p(z | k) + prior * log n_k) / temperature)``, with ``n_k`` the confident
    pixels of class ``k``. A class of few confident pixels gets fewer components. Classes with fewer than ``smallest``
    of them have no mixture: they keep their predicted probability, and the others share what is left of 1.

    Args:
        features: float (rows, cols, features), see ``pca_features``.
        parts: confident pixels and their labels.
        probabilities: float (rows, cols, K), the predictions the split was made of.
        valid: bool (rows, cols).
        components: Gaussian components per class, for classes large enough.
        temperature: above 1 softens the posterior: neighbouring bands err together, so densities are too sure.
        prior: exponent of the class frequency; 0 takes all classes as equally common, 1 as common as predicted.
        smallest: fewest confident pixels a class needs for a mixture.
        cap: most pixels a mixture is fitted to, drawn by ``generator``.

    Returns:
        float32 (rows, cols, K), sums to 1 at valid pixels, 0 at invalid ones.

    Raises:
        TrainingError: a feature, a probability or a resulting soft label is not finite.
    """
    require_finite(features, valid, "spectral features")
    require_finite(probabilities, valid, "predicted probabilities")
    pixels = features[valid].astype(np.float64)
    predicted = probabilities[valid].astype(np.float64)
    labels, confident = parts.labels[valid], parts.confident[valid]
    scores = np.full(predicted.shape, -np.inf)
    for k in range(predicted.shape[1]):
        members = np.flatnonzero((labels == k) & confident)
        if len(members) < max(smallest, 2):
            continue
        chosen = members if len(members) <= cap else np.sort(generator.choice(members, cap, replace=False))
        mixture = _mixture(pixels[chosen], components, generator)
        scores[:, k] = (mixture.score_samples(pixels) + prior * np.log(len(members))) / temperature
    modelled = np.isfinite(scores).any(axis=0)
    result = predicted.copy()
    if modelled.any():
        left = 1.0 - predicted[:, ~modelled].sum(axis=1, keepdims=True)
        result[:, modelled] = np.exp(_log_softmax(scores[:, modelled])) * left
    soft = np.zeros(probabilities.shape, dtype=np.float32)
    soft[valid] = result
    require_finite(soft, valid, "soft labels")
    return soft


def _mixture(pixels: np.ndarray, components: int, generator: np.random.Generator) -> GaussianMixture:
    count = max(1, min(components, len(pixels) // (PER_COMPONENT * pixels.shape[1])))
    # Small classes cannot carry a full covariance; features are decorrelated over the scene, not within a class.
    covariance = "full" if len(pixels) >= PER_COMPONENT * pixels.shape[1] else "diag"
    return fit_mixture(pixels, count, covariance=covariance, floor=1e-2, generator=generator)


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
