"""How likely a pixel is under every expected spectrum, in log reflectance, with honest uncertainty.

An expected spectrum is uncertain in its overall level, in its smooth shape, in details, and by sensor noise. Each is a
term of a covariance over the spectral regions; the tails are those of Student's t, because a sketch of a dozen
wavelengths is now and then simply wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from special.landcover.concepts import ConceptTable
from special.teachers.spectrum_text.expected_spectra import Expected

DARK = 0.01  # reflectance added before the logarithm: errors near black are additive (haze, noise), not relative
SMOOTH = 0.35  # correlation length of shape errors, in log wavelength: pigments, water, haze
ROUGH = 0.06  # and of details: single absorption features
GREEN, GROUND, ALONE = KINDS = range(3)
"""Kinds of expected spectra. What a scene's season does to one green spectrum it does to all of them, and what is wrong
with one ground, to all grounds; what is nearly black errs alone."""
GREEN_NDVI = 0.45  # from which a spectrum is green: half of a canopy over soil
RED_AND_INFRARED = np.array([660.0, 860.0])  # nm
BLACK = 0.05  # reflectance at 660 and 860 nm: what is darker errs alone
BLOCK = 4_000_000  # numbers that a block of residuals may hold: 16 MB


@dataclass(frozen=True)
class UncertaintySettings:
    """Standard deviations of log reflectance beyond the concept table's, and the degrees of freedom of the tails.

    ``additive_sd``: of reflectance, what lies on top of a spectrum whatever it is: glint, light from the neighbours,
    what is left of haze. It is nothing beside a bright thing and most of what is seen of deep water.
    ``breadth``: what a class pays for the number of distinct spectra that it may show: 0 nothing, 1 all of it.
    """

    level_sd: float
    detail_sd: float
    noise_sd: float
    additive_sd: float
    degrees_of_freedom: float
    breadth: float


def log_reflectance(reflectance: np.ndarray) -> np.ndarray:
    """Return log(reflectance + a little) of ``reflectance`` (...), a fraction; what lies below 0 counts as 0."""
    return np.log(np.maximum(reflectance, 0) + DARK)


def smooth_correlation(centres: np.ndarray, length: float = SMOOTH) -> np.ndarray:
    """Squared-exponential correlation (regions, regions) over the log of ``centres`` (regions,), nm."""
    distance = np.abs(np.log(centres)[:, None] - np.log(centres)[None, :])
    return np.exp(-0.5 * (distance / length) ** 2)


class SpectralLikelihood:
    """Multivariate Student's t around every expected spectrum, on a scene's spectral regions."""

    def __init__(
        self, spectra: Sequence[Expected], table: ConceptTable, centres: np.ndarray, settings: UncertaintySettings
    ) -> None:
        self.owners = np.array([s.class_index for s in spectra])
        self.degrees = settings.degrees_of_freedom
        expected = np.stack([s.reflectance for s in spectra])
        self.kinds = kinds(*table.resample(expected, RED_AND_INFRARED).T)
        reflectance = table.resample(expected, centres)
        for i, spectrum in enumerate(spectra):
            if spectrum.regional is not None:
                reflectance[i] = spectrum.regional
        self.means = log_reflectance(reflectance)
        smooth, rough = smooth_correlation(centres), smooth_correlation(centres, ROUGH)
        levels = np.array([spectrum.level_sd**2 for spectrum in spectra])[:, None, None] + settings.level_sd**2
        shapes = np.array([spectrum.shape_sd**2 for spectrum in spectra])[:, None, None]
        relative, self._per_reflectance = reflectance / (reflectance + DARK), 1 / (reflectance + DARK)
        self._covariances = (levels + shapes * smooth + settings.detail_sd**2 * rough) * _squares(relative)
        self._covariances += settings.additive_sd**2 * _squares(self._per_reflectance) * smooth
        self._weights = np.array([spectrum.log_weight for spectrum in spectra])
        self._noise_sd, self._breadth = settings.noise_sd, settings.breadth
        self._under: dict[bytes, SpectralLikelihood] = {}
        self._see(np.zeros(len(centres)))

    def under(self, noise: np.ndarray) -> SpectralLikelihood:
        """Return the same likelihood of pixels with ``noise`` (regions,), a standard deviation of reflectance.

        Beside the noise that all log reflectance has by the settings: it counts where a spectrum is dark.
        """
        key = np.asarray(noise, dtype=float).tobytes()
        if key not in self._under:
            self._under[key] = copy(self)
            self._under[key]._see(noise)
        return self._under[key]

    def _see(self, noise: np.ndarray) -> None:
        regions = len(noise)
        independent = self._noise_sd**2 + (noise * self._per_reflectance) ** 2
        chol = np.linalg.cholesky(self._covariances + independent[:, :, None] * np.eye(regions))
        roots = np.linalg.inv(chol)
        self.precisions = roots.transpose(0, 2, 1) @ roots
        self._roots = roots.transpose(2, 0, 1).reshape(regions, -1).astype(np.float32)  # (regions, spectra * regions)
        self._offsets = self._weights - np.log(np.diagonal(chol, axis1=1, axis2=2)).sum(axis=1)
        for k in np.unique(self.owners):
            own = self.owners == k
            self._offsets[own] -= self._breadth * np.log(distinct(self.means[own], self.precisions[own].mean(axis=0)))

    def per_spectrum(self, logs: np.ndarray, shifts: np.ndarray | None = None) -> np.ndarray:
        """Return log densities (pixels, expected spectra) of ``logs`` (pixels, regions), weights included.

        ``shifts`` (kinds, regions): what the expected spectra of each kind have in common that is wrong. Distances are
        float32, in which the noise that all spectra have leaves them four digits.
        """
        pixels, regions = logs.shape
        logs = logs.astype(np.float32, copy=False)
        means = self.means if shifts is None else self.means + shifts[self.kinds]
        white_means = np.einsum("qsr,sq->sr", self._roots.reshape(regions, -1, regions), means).reshape(-1)
        white_means = white_means.astype(np.float32)
        distance = np.empty((pixels, len(self.means)))
        step = max(1, BLOCK // max(1, self._roots.shape[1]))
        for start in range(0, pixels, step):  # one matrix product for all spectra, a bounded block of pixels at a time
            part = slice(start, start + step)
            residual = logs[part] @ self._roots
            residual -= white_means
            np.square(residual, out=residual)
            distance[part] = residual.reshape(-1, len(self.means), regions).sum(axis=2)
        tail = -(self.degrees + regions) / 2 * np.log1p(distance / self.degrees)
        return self._offsets + tail

    def per_class(self, densities: np.ndarray, classes: int) -> np.ndarray:
        """Return (pixels, classes): for each class the largest of its spectra's ``densities`` (pixels, spectra)."""
        out = np.full((len(densities), classes), -np.inf)
        for k in range(classes):
            if (self.owners == k).any():
                out[:, k] = densities[:, self.owners == k].max(axis=1)
        return out


def _squares(values: np.ndarray) -> np.ndarray:
    """Outer products (n, regions, regions) of the rows of ``values`` (n, regions) with themselves."""
    return np.asarray(values[:, :, None] * values[:, None, :])


def kinds(red: np.ndarray, infrared: np.ndarray) -> np.ndarray:
    """Return the kind of expected spectra (n,) with these reflectances (n,) at 660 and 860 nm."""
    green = infrared - red > GREEN_NDVI * (infrared + red)
    return np.where(np.maximum(red, infrared) < BLACK, ALONE, np.where(green, GREEN, GROUND))


def distinct(means: np.ndarray, precision: np.ndarray) -> float:
    """Return how many of ``means`` (n, regions) there are, those that lie within each other's errors counted as one.

    Each counts by its likeness with all, ``1 / sum exp(-d^2 / 4)`` with the Mahalanobis distance d under ``precision``
    (regions, regions).
    """
    apart = means[:, None] - means[None]
    squared = np.einsum("uvr,rs,uvs->uv", apart, precision, apart)
    return float((1 / np.exp(-squared / 4).sum(axis=1)).sum())


def softmax(logs: np.ndarray) -> np.ndarray:
    """Normalise log weights (..., n) along the last axis."""
    shifted = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
