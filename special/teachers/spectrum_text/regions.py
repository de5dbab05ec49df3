"""Spectral regions: a sensor's bands, averaged where they say the same, so that every sensor is read alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WINDOWS = ((400.0, 1330.0), (1490.0, 1785.0), (2020.0, 2425.0))  # nm; between them water vapour hides the ground
GASES = ((758.0, 768.0), (925.0, 975.0), (1100.0, 1165.0))  # nm; oxygen and water vapour, as deep as the air is moist
WIDTH = 0.035  # of a region, relative to its wavelength: about the resolution at which land cover differs
GAP_NM = 100.0  # bands further apart than this never share a region


@dataclass(frozen=True)
class Regions:
    """``members``: positions of the bands of each region; ``centres``: mean wavelength of each region (nm)."""

    members: tuple[np.ndarray, ...]
    centres: np.ndarray

    @classmethod
    def of(cls, wavelengths: np.ndarray, *, through_air: bool) -> Regions:
        """Group rising ``wavelengths`` (bands,), nm. ``through_air``: the atmosphere's gases are still in the data."""
        usable = np.zeros(len(wavelengths), dtype=bool)
        for low, high in WINDOWS:
            usable |= (wavelengths >= low) & (wavelengths < high)
        if not usable.any():
            usable[:] = True
        if through_air:
            for low, high in GASES:
                usable &= ~((wavelengths >= low) & (wavelengths < high))
        groups: list[list[int]] = []
        for band in np.flatnonzero(usable):
            start = wavelengths[groups[-1][0]] if groups else -np.inf
            last = wavelengths[groups[-1][-1]] if groups else -np.inf
            if wavelengths[band] - start > WIDTH * start or wavelengths[band] - last > GAP_NM or not groups:
                groups.append([])
            groups[-1].append(int(band))
        members = tuple(np.array(group) for group in groups)
        return cls(members, np.array([wavelengths[group].mean() for group in members]))

    def within(self, low: float, high: float) -> Regions:
        """Return those that lie from ``low`` to ``high``, nm."""
        kept = np.flatnonzero((self.centres >= low) & (self.centres <= high))
        return Regions(tuple(self.members[i] for i in kept), self.centres[kept])

    def average(self, spectra: np.ndarray) -> np.ndarray:
        """Average spectra (..., bands) to (..., regions), float64."""
        return np.stack([spectra[..., group].mean(axis=-1, dtype=np.float64) for group in self.members], axis=-1)

    def __len__(self) -> int:
        return len(self.members)
