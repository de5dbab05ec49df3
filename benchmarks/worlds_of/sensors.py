"""Imaging spectrometers: where their bands lie and how wide they are. Four kinds, with the ranges that are flown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worlds_of.libraries import GRID


@dataclass(frozen=True)
class Sensor:
    """``centres`` and ``widths`` (bands,), nm; widths are full widths at half maximum. ``noise``: of reflectance."""

    centres: np.ndarray
    widths: np.ndarray
    noise: float

    def sees(self, spectra: np.ndarray, *, wavelengths: np.ndarray = GRID, shift: float = 0.0) -> np.ndarray:
        """Return ``spectra`` (..., wavelengths), any unit, in the bands, (..., bands).

        Gaussian responses over ``wavelengths`` (nm), each band ``shift`` nm from where it is said to be.
        """
        sigma = self.widths[:, None] / 2.3548
        response = np.exp(-0.5 * ((wavelengths - self.centres[:, None] - shift) / sigma) ** 2)
        response /= response.sum(axis=1, keepdims=True)
        return np.asarray(spectra @ response.T.astype(np.float32))

    def only(self, kept: np.ndarray) -> Sensor:
        """This sensor with some bands left out; ``kept``: bool (bands,)."""
        return Sensor(self.centres[kept], self.widths[kept], self.noise)


# First and last nm, least and most bands.
RANGES = {
    "airborne": (((405, 2440), (90, 430)), ((440, 2440), (110, 200)), ((405, 2440), (220, 260))),
    "satellite": (((425, 2440), (200, 290)), ((405, 2440), (140, 240)), ((430, 2400), (150, 230))),
    "VNIR": (((405, 1000), (60, 330)), ((450, 950), (100, 150)), ((430, 860), (80, 115)), ((500, 900), (30, 50))),
    "SWIR": (((960, 2440), (90, 110)), ((1000, 2440), (220, 290)), ((970, 2400), (140, 260))),
}
NOISE = {"airborne": 0.003, "satellite": 0.006, "VNIR": 0.004, "SWIR": 0.005}


def sensor(kind: str, rng: np.random.Generator) -> Sensor:
    """Draw a sensor of a kind of ``RANGES``."""
    (first, last), (least, most) = RANGES[kind][rng.integers(len(RANGES[kind]))]
    first, last = first + rng.uniform(0, 12), last - rng.uniform(0, 20)
    count = int(rng.integers(least, most + 1))
    centres = np.linspace(first, last, count)
    spacing = (last - first) / (count - 1)
    if kind == "satellite":  # two spectrometers, the second one coarser
        weights = np.where(centres < 1000, 0.75, 1.15)
        centres = first + (last - first) * (np.cumsum(weights) - weights[0]) / (weights.sum() - weights[0])
    centres = centres + rng.normal(0, 0.03 * spacing, count)
    widths = np.maximum(3.0, np.gradient(centres) * rng.uniform(1.0, 1.25))
    return Sensor(np.sort(centres), widths, NOISE[kind] * rng.lognormal(0, 0.4))
