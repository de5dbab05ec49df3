"""A scene's numbers read as reflectance, and every pixel on its own as classes, over all ways to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from special.landcover.concepts import ConceptTable
from special.teachers.spectrum_text import pixels
from special.teachers.spectrum_text.calibration import Calibration, Conversion, calibrations, convert
from special.teachers.spectrum_text.expected_spectra import Expected
from special.teachers.spectrum_text.likelihood import SpectralLikelihood, softmax
from special.teachers.spectrum_text.settings import SpectrumTextSettings

if TYPE_CHECKING:
    from special.scene.scene import Scene


@dataclass(frozen=True)
class CalibratedScene:
    """What a scene's numbers mean: ``calibrations``, the likeliest first, and the ``likelihood`` of ``classes``."""

    conversion: Conversion
    likelihood: SpectralLikelihood
    calibrations: list[Calibration]
    classes: int

    @classmethod
    def of(
        cls,
        scene: Scene,
        spectra: Sequence[Expected],
        table: ConceptTable,
        settings: SpectrumTextSettings,
        classes: int,
    ) -> Self:
        """Look at a sample of ``scene``. The rest class has no say: it would explain any way to read a scene."""
        sample = pixels.sample_spectra(scene, settings.calibration_pixels).astype(np.float64)
        conversion = convert(sample, scene.wavelengths, known_reflectance=scene.known_reflectance)
        centres = conversion.regions.centres
        likelihood = SpectralLikelihood(spectra, table, centres, settings.uncertainty)
        named = [spectrum for spectrum in spectra if not spectrum.rest]
        explaining = likelihood
        if named and len(named) < len(spectra):
            explaining = SpectralLikelihood(named, table, centres, settings.uncertainty)
        found = calibrations(conversion.apply(sample), conversion, explaining, settings.calibration)
        return cls(conversion, likelihood, found, classes)

    def signals(self, spectra: np.ndarray) -> np.ndarray:
        """Return signals (pixels, regions) of ``spectra`` (pixels, bands)."""
        return self.conversion.apply(spectra)

    def logs(self, signals: np.ndarray) -> np.ndarray:
        """Return log reflectance float32 (pixels, regions) under the likeliest calibration."""
        return self.calibrations[0].logs(signals).astype(np.float32)

    def classify(self, signals: np.ndarray) -> np.ndarray:
        """Return class probabilities float32 (pixels, K) of each pixel on its own, over all calibrations."""
        total = np.zeros((len(signals), self.classes))
        for calibration in self.calibrations:
            densities = self.likelihood.per_spectrum(calibration.logs(signals), calibration.shifts)
            total += calibration.weight * softmax(self.likelihood.per_class(densities, self.classes))
        return total.astype(np.float32)
