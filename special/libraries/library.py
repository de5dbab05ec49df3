"""A spectral library: spectra of known materials, what is said of each, and what every format makes of them.

Libraries are read whole: the largest have some ten thousand spectra.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from special.errors import SettingsError

NAME = "name"
"""The column that every library has: what each spectrum is called."""

HIGHEST = 1.5
"""Reflectance above this is a percentage, or a multiple of 10000: only mirrors and retroreflectors come near it."""

_BEYOND_NM = 60.0


@dataclass(frozen=True)
class Spectrum:
    """One spectrum: reflectance float32 (n,), a fraction, NaN where it is unknown, at ``wavelengths`` (n,), nm, rising.

    ``said`` are its metadata, by column; ``fwhm`` (n,) the widths of its channels, nm, or None.
    """

    name: str
    wavelengths: np.ndarray
    reflectance: np.ndarray
    said: Mapping[str, str] = field(default_factory=dict)
    fwhm: np.ndarray | None = None


@dataclass(frozen=True)
class SpectralLibrary:
    """Spectra in the order of their files; ``format`` is what they were read as, ``notes`` what was understood."""

    path: Path
    format: str
    spectra: tuple[Spectrum, ...]
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, list[str]]:
        """What is said of the spectra, by column, in their order; "" where nothing is."""
        names = dict.fromkeys(name for spectrum in self.spectra for name in spectrum.said)
        said = {name: [spectrum.said.get(name, "") for spectrum in self.spectra] for name in names}
        return {NAME: [spectrum.name for spectrum in self.spectra], **said}

    @property
    def range_nm(self) -> tuple[float, float]:
        """The shortest and the longest wavelength of any spectrum."""
        ends = [(spectrum.wavelengths[0], spectrum.wavelengths[-1]) for spectrum in self.spectra]
        return float(min(first for first, _ in ends)), float(max(last for _, last in ends))

    @property
    def reach_nm(self) -> tuple[float, float]:
        """Between which wavelengths bands can be compared: a little beyond its range the last value still holds."""
        low, high = self.range_nm
        return low - _BEYOND_NM, high + _BEYOND_NM

    def sha256(self) -> str:
        """Return a hash (hex) over the bytes of its files."""
        digest = hashlib.sha256()
        for path in self.files:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()


def as_fraction(values: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    """Return reflectance (...) as a fraction, and a sentence where it was something else: in percent, or times 10000.

    The middle of the brightest tenth decides, so that a few wild values do not.

    Raises:
        SettingsError: it is neither.
    """
    known = values[np.isfinite(values)]
    bright = float(np.quantile(known, 0.95)) if len(known) else 0.0
    for factor, words in ((1.0, ""), (100.0, "in percent"), (10000.0, "times 10000")):
        if bright <= HIGHEST * factor:
            return values / factor, f"{name} holds reflectance {words}" if words else ""
    raise SettingsError(f"{name} holds values up to {bright:g}, which are no reflectance, in percent, or times 10000")


def spectrum(
    name: str,
    nm: np.ndarray,
    reflectance: np.ndarray,
    said: Mapping[str, str] | None = None,
    fwhm: np.ndarray | None = None,
) -> Spectrum | None:
    """Return a spectrum with rising wavelengths between 300 and 3000 nm; None where fewer than 8 values are known.

    ``nm``, ``reflectance`` (a fraction) and ``fwhm`` (nm) are (channels,).
    """
    order = np.argsort(nm, kind="stable")
    order = order[(nm[order] >= 300) & (nm[order] <= 3000)]
    if np.isfinite(reflectance[order]).sum() < 8:
        return None
    widths = None if fwhm is None else fwhm[order]
    return Spectrum(name, nm[order], reflectance[order].astype(np.float32), dict(said or {}), widths)


def known(spectra: Sequence[Spectrum | None]) -> tuple[Spectrum, ...]:
    """Return those that are there."""
    return tuple(one for one in spectra if one is not None)
