"""A scene's numbers read as reflectance, and every pixel on its own as classes, over all ways to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from special.classnames.class_list import ClassList
from special.classnames.reading import Reading
from special.landcover.concepts import ConceptTable
from special.passes import Passes
from special.teachers.spectrum_text import pixels
from special.teachers.spectrum_text.absorption_features import AbsorptionFeatures, absorption_features, names_minerals
from special.teachers.spectrum_text.calibration import Calibration, Conversion, calibrations, convert
from special.teachers.spectrum_text.expected_spectra import Expected
from special.teachers.spectrum_text.likelihood import SpectralLikelihood, softmax
from special.teachers.spectrum_text.measured import MeasuredSpectra
from special.teachers.spectrum_text.regions import Regions
from special.teachers.spectrum_text.settings import SpectrumTextSettings

if TYPE_CHECKING:
    from special.scene.scene import Scene


class Knowledge(Protocol):
    """What a spectrum-text teacher knows and is set to; ``measured``: the library that it has beside the table.

    ``passes``: who goes over a scene for it.
    """

    settings: SpectrumTextSettings
    seed: int
    measured: MeasuredSpectra | None
    passes: Passes

    @property
    def table(self) -> ConceptTable:
        """The table of land-cover concepts."""

    def readings(self, classes: ClassList) -> list[list[Reading]]:
        """Return how the class names are read."""

    def spectra(
        self,
        readings: Sequence[Sequence[Reading]],
        classes: ClassList,
        wavelengths: np.ndarray,
        fwhm: np.ndarray | None,
        regions: Regions,
        table: ConceptTable,
    ) -> list[Expected]:
        """Return the spectra that the classes may show, for regions of bands at ``wavelengths`` (bands,), nm."""


@dataclass(frozen=True)
class CalibratedScene:
    """What a scene's numbers mean, and how likely its pixels are under what the classes may show.

    ``calibrations``: the ways to read the numbers, the likeliest first. ``spectra``: what the classes may show, with
    their ``likelihood``. ``features``: the absorptions of the same, where the list has minerals.
    """

    wavelengths: np.ndarray
    conversion: Conversion
    calibrations: list[Calibration]
    spectra: list[Expected]
    likelihood: SpectralLikelihood
    features: AbsorptionFeatures | None
    classes: int

    @classmethod
    def of(cls, scene: Scene, classes: ClassList, readings: Sequence[Sequence[Reading]], knowledge: Knowledge) -> Self:
        """Look at a sample of ``scene``. The rest class has no say: it would explain any way to read a scene.

        Absorptions count where the spectra are the table's: those of a library are compared as they are.
        """
        settings, table, wavelengths = knowledge.settings, knowledge.table, scene.wavelengths
        sample = pixels.sample_spectra(scene, settings.calibration_pixels, knowledge.passes).astype(np.float64)
        known = scene.known_reflectance
        stretched = not known and pixels.stretched_by_band(scene, sample, knowledge.passes)
        conversion = convert(sample, wavelengths, known_reflectance=known, stretched=stretched)
        if knowledge.measured is not None:  # nothing is known of the classes beyond the spectra of the library
            conversion = replace(conversion, regions=conversion.regions.within(*knowledge.measured.library.reach_nm))
        signals, centres = conversion.apply(sample), conversion.regions.centres
        smoothed = table.seen_by(centres) if names_minerals(readings, table) else table
        spectra = knowledge.spectra(readings, classes, wavelengths, scene.fwhm, conversion.regions, smoothed)
        likelihood = explaining = SpectralLikelihood(spectra, smoothed, centres, settings.uncertainty)
        named = [spectrum for spectrum in spectra if not spectrum.rest]
        if named and len(named) < len(spectra):
            explaining = SpectralLikelihood(named, smoothed, centres, settings.uncertainty)
        found = calibrations(signals, conversion, explaining, settings.calibration)
        features = None
        if knowledge.measured is None:
            bands = conversion.per_band(sample, wavelengths, found[0])
            air = found[0].densities(signals, likelihood) if conversion.kind == "radiance" else None
            features = absorption_features(readings, table, wavelengths, bands, settings, through_air=air)
        return cls(wavelengths, conversion, found, spectra, likelihood, features, len(readings))

    def signals(self, spectra: np.ndarray) -> np.ndarray:
        """Return signals (pixels, regions) of ``spectra`` (pixels, bands); where the list has minerals, beside them
        (pixels, columns) what ``AbsorptionFeatures`` looks at."""
        signals = self.conversion.apply(spectra)
        if self.features is None:
            return signals
        bands = self.conversion.per_band(spectra, self.wavelengths, self.calibrations[0])
        return np.concatenate([signals, self.features.removed(bands)], axis=1)

    def logs(self, signals: np.ndarray) -> np.ndarray:
        """Return log reflectance float32 (pixels, regions) under the likeliest calibration."""
        return self.calibrations[0].logs(signals[:, : len(self.conversion.regions)]).astype(np.float32)

    def looks(self, signals: np.ndarray) -> np.ndarray:
        """Return by what pixels are alike, float32 (pixels, n): their log reflectance, and minerals' absorptions."""
        absorptions = signals[:, len(self.conversion.regions) :].astype(np.float32)
        return np.concatenate([self.logs(signals), absorptions], axis=1) if self.features else self.logs(signals)

    def classify(self, signals: np.ndarray) -> np.ndarray:
        """Return class probabilities float32 (pixels, K) of each pixel on its own, over all calibrations."""
        regions, absorptions = np.split(signals, [len(self.conversion.regions)], axis=1)
        seen = self.features.per_spectrum(absorptions) if self.features else 0.0
        total = np.zeros((len(signals), self.classes))
        for calibration in self.calibrations:
            each = calibration.densities(regions, self.likelihood) + seen
            total += calibration.weight * softmax(self.likelihood.per_class(each, self.classes))
        return total.astype(np.float32)
