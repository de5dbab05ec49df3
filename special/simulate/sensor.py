"""From reflectance on the ground to what a sensor writes into its file: sunlight, air, noise, calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from special.errors import SettingsError

KINDS = ("reflectance", "radiance", "raw")

# Water vapour, oxygen and carbon dioxide in the air: centre nm, standard deviation nm, optical depth at the centre.
# fmt: off
_GASES = (
    (687, 3, 0.3), (719, 9, 0.25), (761, 3, 0.9), (820, 12, 0.2), (936, 24, 1.1), (1130, 26, 1.4), (1375, 40, 7.0),
    (1470, 40, 0.5), (1875, 55, 7.5), (2010, 18, 0.5), (2060, 18, 0.35), (2600, 90, 4.0),
)
# fmt: on
_DARK = 0.05  # less light than this share gets through the air: the band tells nothing of the ground


@dataclass(frozen=True)
class Sensor:
    """The light in each band, arrays (bands,).

    Attributes:
        sun: what a white surface sends to the sensor, relative to the brightest band.
        haze: what the air adds, in the same unit.
        clear: False where the air's water vapour takes nearly all the light.
        gain, offset: raw number = gain x radiance + offset.
    """

    sun: NDArray[np.float64]
    haze: NDArray[np.float64]
    clear: NDArray[np.bool_]
    gain: NDArray[np.float64]
    offset: float = 120.0

    @classmethod
    def over(cls, wavelengths: NDArray[np.float64], rng: np.random.Generator) -> Sensor:
        """Look through clear air with the sun high, in bands at ``wavelengths`` (bands,), nm."""
        nm = np.asarray(wavelengths, float)
        planck = nm**-5.0 / np.expm1(14.388e6 / (nm * 5778.0))  # the sun as a black body
        depth = 0.009 * (nm / 1000.0) ** -4.1 + 0.06 * (nm / 1000.0) ** -1.2  # molecules and aerosol
        gases = sum(peak * np.exp(-0.5 * ((nm - at) / width) ** 2) for at, width, peak in _GASES)
        through = np.exp(-2.0 * depth - gases)
        bright = planck / planck.max()
        wobble = np.exp(0.03 * np.cumsum(rng.normal(0.0, 1.0, nm.size)) / np.sqrt(nm.size))
        return cls(bright * through, 0.12 * bright * -np.expm1(-2.0 * depth), through > _DARK, 6000.0 * wobble)

    def noisy(self, reflectance: NDArray[np.float32], noise: float, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return radiance of ``reflectance``, both (..., bands), with photon and detector noise.

        ``noise`` is its share of a bright signal.
        """
        radiance = reflectance * self.sun.astype(np.float32) + self.haze.astype(np.float32)
        spread = noise * np.sqrt(0.3 * radiance + 0.002)
        return radiance + spread * rng.standard_normal(radiance.shape, dtype=np.float32)

    def calibrated(self, radiance: NDArray[np.float32], kind: str) -> NDArray[np.float32]:
        """Return the file's numbers (..., bands): reflectance, radiance in uW / (cm2 nm sr), or raw numbers of 14 bits.

        Raises:
            SettingsError: there is no such kind.
        """
        if kind == "reflectance":
            # Where the air is opaque a real processor divides by almost nothing as well; those bands are marked bad.
            white = np.maximum(self.sun, _DARK * 0.1)
            return np.clip((radiance - self.haze) / white, 0.0, 1.5).astype(np.float32)
        if kind == "radiance":
            return (40.0 * radiance).astype(np.float32)
        if kind == "raw":
            return np.clip(np.rint(self.gain * radiance + self.offset), 0, 16383).astype(np.float32)
        raise SettingsError(f"cannot simulate {kind!r}: choose from {', '.join(KINDS)}")
