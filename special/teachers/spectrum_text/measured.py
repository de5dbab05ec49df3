"""Measured spectra in place of the table's: those of a library, as the sensor sees them, for classes that it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from special.classnames.class_list import ClassList
from special.landcover.concepts import ConceptTable
from special.libraries.classes import match
from special.libraries.library import SpectralLibrary, Spectrum
from special.libraries.reading import read_library
from special.libraries.resample import bridged, resample
from special.libraries.variants import variants
from special.teachers.spectrum_text.expected_spectra import Expected
from special.teachers.spectrum_text.regions import Regions

MEASURED = "library"
"""What the concept of such a spectrum is called."""


_FEWEST_BANDS = 8  # of the sensor, in which a spectrum has to have values


@dataclass(frozen=True)
class MeasuredSpectra:
    """A library and how it is used.

    Attributes:
        path: of the library. column: the one that holds the classes; "" for any that fits.
        beside: whether the table's spectra of a class stay beside the measured ones.
        seed: of the grouping of many spectra.
    """

    path: Path
    column: str = ""
    beside: bool = False
    seed: int = 0

    @cached_property
    def library(self) -> SpectralLibrary:
        """The library.

        Raises:
            SettingsError: it cannot be read.
        """
        return read_library(self.path)

    def identity(self) -> dict[str, str | bool]:
        """Return what decides the spectra: the bytes of the library, its column, whether the table's stay."""
        return {
            "library_sha256": self.library.sha256(),
            "library_column": self.column,
            "library_beside": self.beside,
        }

    def join(
        self,
        expected: Sequence[Expected],
        classes: ClassList,
        table: ConceptTable,
        wavelengths: np.ndarray,
        fwhm: np.ndarray | None,
        regions: Regions,
    ) -> list[Expected]:
        """Return ``expected`` with the spectra of the library, in class order.

        Args:
            expected: the table's spectra of all classes.
            classes: the class list. table: on whose grid they are.
            wavelengths: (bands,), nm, rising, of the sensor. fwhm: (bands,), or None.
            regions: those that the bands are averaged to.

        Raises:
            SettingsError: the library cannot be read, or has none of the classes.
        """
        found = match(self.library, [one.texts for one in classes], self.column or None)
        joined: list[Expected] = []
        for index, one in enumerate(found):
            own = [spectrum for spectrum in expected if spectrum.class_index == index]
            measured = self._of_class(index, one.spectra, table, wavelengths, fwhm, regions)
            joined += [*measured, *(own if self.beside or not measured else [])]
        return joined

    def _of_class(
        self,
        index: int,
        spectra: Sequence[Spectrum],
        table: ConceptTable,
        wavelengths: np.ndarray,
        fwhm: np.ndarray | None,
        regions: Regions,
    ) -> list[Expected]:
        seen = resample(spectra, wavelengths, fwhm) if spectra else np.empty((0, len(wavelengths)))
        used = np.unique(np.concatenate(regions.members))
        seen = seen[np.isfinite(seen[:, used]).sum(axis=1) >= min(_FEWEST_BANDS, len(used))]
        return [
            Expected(
                index,
                MEASURED,
                np.interp(table.wavelengths, wavelengths, one.reflectance),
                0.0,
                one.level_sd,
                one.shape_sd,
                regional=regions.average(one.reflectance),
            )
            for one in variants(bridged(seen, wavelengths), seed=self.seed)
        ]
