"""What the named classes should look like in a scene, beside what its pixels do, by the likeliest calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from special.classnames.class_list import ClassList
from special.classnames.reading import read_names
from special.teachers.spectrum_text.calibration import Calibration, Conversion, calibrations, convert
from special.teachers.spectrum_text.expected_spectra import expected_spectra
from special.teachers.spectrum_text.likelihood import DARK, SpectralLikelihood, log_reflectance
from special.teachers.spectrum_text.pixels import sample_spectra

if TYPE_CHECKING:
    from special.scene.scene import Scene
    from special.teachers.spectrum_text.confusion import Knowledge


@dataclass(frozen=True)
class SeenSpectra:
    """A scene's numbers as reflectance, and the spectra that its class names let expect, on the same regions of bands.

    ``calibration`` is the likeliest one.
    """

    conversion: Conversion
    calibration: Calibration
    likelihood: SpectralLikelihood

    @classmethod
    def of(cls, teacher: Knowledge, scene: Scene, classes: ClassList) -> Self:
        """Calibrate a scene by its classes, as the teacher does before it names a pixel."""
        readings = read_names(classes, teacher.table, teacher.encoder)
        sample = sample_spectra(scene, teacher.settings.calibration_pixels).astype(np.float64)
        spectra = expected_spectra(readings, teacher.table, teacher.settings.rest_log_weight)
        conversion = convert(sample, scene.wavelengths, known_reflectance=scene.known_reflectance)
        likelihood = SpectralLikelihood(
            spectra, teacher.table, conversion.regions.centres, teacher.settings.uncertainty
        )
        found = calibrations(conversion.apply(sample), conversion, likelihood, teacher.settings.calibration)
        return cls(conversion, found[0], likelihood)

    @property
    def wavelengths(self) -> np.ndarray:
        """The middles of the regions (regions,), nm."""
        return self.conversion.regions.centres

    def reflectance(self, spectra: np.ndarray) -> np.ndarray:
        """Return reflectance (pixels, regions) of ``spectra`` (pixels, bands), the scene's own numbers."""
        return np.asarray(self.conversion.apply(spectra) * np.exp(-self.calibration.gain))

    def expected(self, index: int, reflectance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return the expected reflectance of a class, and one standard deviation below and above, each (regions,).

        A class has several, for a name covers several materials: the one that explains ``reflectance`` (regions,) best
        is taken. None for a class of which nothing is expected.
        """
        own = np.flatnonzero(self.likelihood.owners == index)
        if not len(own):
            return None
        logs = log_reflectance(reflectance)[None]
        best = own[self.likelihood.per_spectrum(logs, self.calibration.shifts)[0, own].argmax()]
        mean = self.likelihood.means[best] + self.calibration.shifts[self.likelihood.kinds[best]]
        deviation = np.sqrt(np.diag(np.linalg.inv(self.likelihood.precisions[best])))
        middle, low, high = (
            np.maximum(np.exp(mean + step) - DARK, 0.0) for step in (np.zeros_like(deviation), -deviation, deviation)
        )
        return middle, low, high
