"""Spectra of a library as a sensor would see them: each of its bands is a Gaussian of the width that it has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from special.libraries.library import Spectrum

_PER_FWHM = 2.354820045  # standard deviations in a full width at half maximum
_REACH = 3.0  # of the channel spacing: as far as a value is known beyond its channel
_LEAST_SHARE = 0.5  # of a band's weight that has to fall on channels with values


def widths_of(centres: np.ndarray, fwhm: np.ndarray | None) -> np.ndarray:
    """Return the widths (bands,) of bands at ``centres`` (bands,), nm, rising: theirs, or how far they are apart."""
    if fwhm is not None and np.isfinite(fwhm).all() and (fwhm > 0).all():
        return np.asarray(fwhm, dtype=np.float64)
    if len(centres) < 2:
        return np.full(len(centres), 10.0)
    steps = np.diff(centres)
    apart = np.minimum(np.append(steps, steps[-1]), np.insert(steps, 0, steps[0]))  # the nearer neighbour
    return np.maximum(apart, 1e-6)


def resample(spectra: Sequence[Spectrum], centres: np.ndarray, fwhm: np.ndarray | None = None) -> np.ndarray:
    """Return the reflectance of spectra in bands, float64 (spectra, bands), NaN where a spectrum does not reach.

    What the library's own instrument has blurred is not blurred again: its channels' widths are taken off those of the
    bands, in squares.

    Args:
        spectra: of one library; those with the same channels are resampled together.
        centres: (bands,), nm, rising.
        fwhm: (bands,), nm; how far the bands are apart where None.
    """
    out = np.full((len(spectra), len(centres)), np.nan)
    widths = widths_of(centres, fwhm)
    groups: dict[bytes, list[int]] = {}
    for i, spectrum in enumerate(spectra):
        groups.setdefault(spectrum.wavelengths.tobytes(), []).append(i)
    for members in groups.values():
        first = spectra[members[0]]
        weights = _weights(first.wavelengths, first.fwhm, centres, widths)
        values = np.stack([spectra[i].reflectance for i in members]).astype(np.float64)
        there = np.isfinite(values)
        shares = there @ weights.T
        with np.errstate(invalid="ignore", divide="ignore"):
            out[members] = np.where(shares >= _LEAST_SHARE, np.where(there, values, 0) @ weights.T / shares, np.nan)
    return out


def bridged(values: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return spectra (n, bands) with straight lines over their gaps, and the nearest value beyond their ends.

    ``centres`` (bands,), nm.
    """
    out = values.copy()
    for row in out:
        known = np.isfinite(row)
        if known.any():
            row[~known] = np.interp(centres[~known], centres[known], row[known])
    return out


def _weights(channels: np.ndarray, own: np.ndarray | None, centres: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """What each channel adds to each band, (bands, channels); the rows sum to 1 where there are channels, else to 0."""
    spacing = np.gradient(channels) if len(channels) > 1 else np.ones(1)
    spacing = np.maximum(np.abs(spacing), 1e-6)
    blurred = np.interp(centres, channels, spacing if own is None else own)
    apart = np.interp(centres, channels, spacing)
    sd = np.sqrt(np.maximum(widths**2 - blurred**2, (0.7 * apart) ** 2)) / _PER_FWHM
    offsets = channels[None, :] - centres[:, None]
    weights = np.exp(-0.5 * (offsets / sd[:, None]) ** 2) * spacing
    nearest = np.abs(offsets).min(axis=1)
    weights[nearest > np.maximum(_REACH * apart, sd)] = 0
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
