"""Soft labels from the spectra themselves: per class a Gaussian mixture over PCA features of its confident pixels.

Source: SPECIAL (arXiv 2501.16222), label refinement. The class posterior is computed in log space throughout: densities
of a few tens of PCA features underflow long before their logarithms do.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from special.errors import TrainingError
from special.passes import HERE, Passes
from special.probabilities import require_finite
from special.storage.rasters import MEMORY, Rows, ScratchSpace, blocks, pick, positions
from special.training.confident_hard import Split
from special.training.mixtures import fit_mixture

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

    from special.models.tiling import Windows

PER_COMPONENT = 10
"""Fewest pixels per PCA feature and component: a class with fewer gets fewer components, at least one."""


def pca_features(
    spectra: Windows,
    valid: np.ndarray,
    *,
    count: int,
    cap: int,
    generator: np.random.Generator,
    scratch: ScratchSpace = MEMORY,
    passes: Passes = HERE,
) -> Rows:
    """Project standardised spectra on their first principal components, each brought to unit variance.

    Args:
        spectra: float32 (rows, cols, bands), standardised.
        valid: bool (rows, cols).
        count: components wanted; fewer come back where the scene has fewer bands, pixels or directions of variance.
        cap: most pixels the components are computed from, drawn by ``generator``.
        scratch: where the result goes, as ``features``.
        passes: who looks at the windows.

    Returns:
        float32 (rows, cols, features), 0 at invalid pixels.

    Raises:
        TrainingError: a spectrum at a valid pixel is not finite, or no valid pixel differs from another.
    """
    require_finite(spectra, valid, "spectra", passes)
    sample = pick(spectra, _drawn(valid, cap, generator), passes).astype(np.float64)
    mean = sample.mean(axis=0)
    variances, axes = np.linalg.eigh((sample - mean).T @ (sample - mean) / max(len(sample) - 1, 1))
    order = variances.argsort()[::-1][:count]
    order = order[variances[order] > max(variances[order[0]] * 1e-7, 1e-12)]
    if len(order) == 0:
        raise TrainingError("all valid pixels have the same spectrum: there is nothing to learn from this scene")
    basis = axes[:, order] / np.sqrt(variances[order])
    # The sign of an eigenvector is arbitrary; fixing it keeps runs on different machines comparable.
    basis *= np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(len(order))])
    shift = (mean @ basis).astype(np.float32)
    result = scratch.zeros("features", (*valid.shape, len(order)))
    parts = list(blocks(spectra.shape))
    found = passes.over(parts, partial(_projected, spectra, valid, basis.astype(np.float32), shift))
    for rows, features in zip(parts, found, strict=True):
        result[rows] = features
    return result


def _projected(spectra: Windows, valid: np.ndarray, basis: np.ndarray, shift: np.ndarray, rows: slice) -> np.ndarray:
    """Return the features of a window, float32 (rows, cols, features)."""
    pixels = np.asarray(spectra[rows, :]).reshape(-1, spectra.shape[-1])
    features = (pixels @ basis - shift).reshape(*valid[rows].shape, -1)
    return np.where(valid[rows, :, None], features, np.float32(0))


class SoftLabels:
    """Soft labels of every pixel, float32 (rows, cols, K), made when they are asked for.

    A training looks at a few windows of a large scene before it makes others: those alone are made. They sum to 1 at
    valid pixels and are 0 at invalid ones.

    Args:
        features: float (rows, cols, features), see ``pca_features``.
        probabilities: float (rows, cols, K), the predictions, as ``soft_labels`` has them.
        valid: bool (rows, cols).
        mixtures: of the classes that have one. priors: float (K,), added to their log densities.
        temperature, share: see ``soft_labels``.
        scratch: where they go, as ``soft``.
    """

    def __init__(
        self,
        features: Rows,
        probabilities: Rows,
        valid: np.ndarray,
        mixtures: Mapping[int, GaussianMixture],
        priors: np.ndarray,
        *,
        temperature: float,
        share: float,
        scratch: ScratchSpace = MEMORY,
    ) -> None:
        self.shape = probabilities.shape
        self._work = partial(_posterior, features, probabilities, valid, mixtures, priors, temperature, share)
        self._bytes_per_pixel = 8 * (features.shape[-1] + 4 * self.shape[-1])
        self._valid = valid
        self._made: set[tuple[int, ...]] = set()
        self._kept = scratch.zeros("soft", self.shape)

    def __getitem__(self, window: tuple[slice, slice]) -> np.ndarray:
        """Return those of a window, float32 (rows, cols, K).

        Raises:
            TrainingError: one is not finite.
        """
        rows, cols = window
        place = rows.start, rows.stop, cols.start, cols.stop
        if place not in self._made:
            found = self._work(window)
            require_finite(found, self._valid[window], "soft labels")
            self._kept[window] = found
            self._made.add(place)
        return self._kept[window]

    def everywhere(self, passes: Passes = HERE) -> Rows:
        """Return all of them, float32 (rows, cols, K); ``passes`` ask the mixtures about the windows.

        Raises:
            TrainingError: one is not finite.
        """
        parts = [(rows, slice(0, self.shape[1])) for rows in blocks(self.shape, self._bytes_per_pixel)]
        for part, found in zip(parts, passes.over(parts, self._work), strict=True):
            self._kept[part] = found
        require_finite(self._kept, self._valid, "soft labels")
        return self._kept


def soft_labels(
    features: Rows,
    parts: Split,
    probabilities: Rows,
    valid: np.ndarray,
    *,
    components: int,
    temperature: float,
    prior: float,
    smallest: int,
    cap: int,
    generator: np.random.Generator,
    share: float = 1.0,
    scratch: ScratchSpace = MEMORY,
) -> SoftLabels:
    """Fit per-class mixtures to PCA features; return the class posterior of every valid pixel under them.

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
        share: 1 = the posterior alone, 0 = the predictions alone.
        scratch: where the result goes, as ``soft``.

    Raises:
        TrainingError: a feature or a probability is not finite.
    """
    require_finite(features, valid, "spectral features")
    require_finite(probabilities, valid, "predicted probabilities")
    classes = probabilities.shape[-1]
    mixtures: dict[int, GaussianMixture] = {}
    priors = np.zeros(classes)
    for k in range(classes):
        members = (parts.labels == k) & parts.confident & valid
        count = int(members.sum())
        if count < max(smallest, 2):
            continue
        sample = pick(features, _drawn(members, cap, generator)).astype(np.float64)
        mixtures[k] = _mixture(sample, components, generator)
        priors[k] = prior * np.log(count)
    return SoftLabels(
        features, probabilities, valid, mixtures, priors, temperature=temperature, share=share, scratch=scratch
    )


def _posterior(
    features: Rows,
    probabilities: Rows,
    valid: np.ndarray,
    mixtures: Mapping[int, GaussianMixture],
    priors: np.ndarray,
    temperature: float,
    share: float,
    window: tuple[slice, slice],
) -> np.ndarray:
    """Return the soft labels of a window, float32 (rows, cols, K)."""
    here, held = valid[window], probabilities[window]
    shares = np.zeros((*here.shape, held.shape[-1]), dtype=np.float32)
    pixels = features[window][here].astype(np.float64)
    predicted = held[here].astype(np.float64)
    if mixtures and len(pixels):
        modelled = list(mixtures)
        scores = np.stack([(mixtures[k].score_samples(pixels) + priors[k]) / temperature for k in modelled], axis=1)
        left = 1.0 - np.delete(predicted, modelled, axis=1).sum(axis=1, keepdims=True)
        predicted[:, modelled] = np.exp(_log_softmax(scores)) * left
    shares[here] = predicted
    return np.asarray(share * shares + np.float32(1 - share) * held, dtype=np.float32)


def _drawn(mask: np.ndarray, cap: int, generator: np.random.Generator) -> np.ndarray:
    """Return flat positions of true pixels of ``mask``, rising: all of them, or ``cap`` drawn without replacement."""
    count = int(mask.sum())
    numbers = np.arange(count) if count <= cap else np.sort(generator.choice(count, cap, replace=False))
    return positions(mask, numbers)


def _mixture(pixels: np.ndarray, components: int, generator: np.random.Generator) -> GaussianMixture:
    count = max(1, min(components, len(pixels) // (PER_COMPONENT * pixels.shape[1])))
    # Small classes cannot carry a full covariance; features are decorrelated over the scene, not within a class.
    covariance = "full" if len(pixels) >= PER_COMPONENT * pixels.shape[1] else "diag"
    return fit_mixture(pixels, count, covariance=covariance, floor=1e-2, generator=generator)


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
