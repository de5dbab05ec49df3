"""The spectrum-text teacher: class names read as land-cover concepts, pixels judged on all the bands there are.

A class name becomes one or more concepts, a concept one or more expected spectra with their uncertainty; the scene is
calibrated so that the named classes explain it; the likelihood of every pixel under every class, on whatever bands the
sensor has, named in groups of like pixels, is the prediction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from special.classnames.class_list import ClassList
from special.classnames.encoder import MINILM_SHA256, SentenceEncoder, default_encoder
from special.classnames.reading import Reading, read_names
from special.landcover.concepts import ConceptTable, load_concepts
from special.libraries.library import read_library
from special.progress import SILENT, Progress
from special.resources import PROMPTS
from special.settings import Settings
from special.storage.rasters import MEMORY, Rows, ScratchSpace
from special.teachers.base import Teacher, TeacherRequest
from special.teachers.spectrum_text import growth_stages, outlines, pixels
from special.teachers.spectrum_text.calibration import (
    Calibration,
    Conversion,
    calibrations,
    convert,
)
from special.teachers.spectrum_text.clusters import Clusterings
from special.teachers.spectrum_text.confusion import confused_pairs
from special.teachers.spectrum_text.expected_spectra import Expected, expected_spectra
from special.teachers.spectrum_text.growth_stages import GrowthStages
from special.teachers.spectrum_text.likelihood import SpectralLikelihood, log_reflectance, softmax
from special.teachers.spectrum_text.measured import MeasuredSpectra
from special.teachers.spectrum_text.outlines import Outlines
from special.teachers.spectrum_text.regions import Regions
from special.teachers.spectrum_text.settings import SpectrumTextSettings

if TYPE_CHECKING:
    from special.scene.scene import Scene
    from special.teachers.confusion import ConfusedPair


class SpectrumTextTeacher(Teacher):
    """Names pixels by their spectra; needs no RGB, no download and no label."""

    name = "spectrum-text"
    settings_type = SpectrumTextSettings

    def __init__(
        self,
        settings: SpectrumTextSettings,
        *,
        seed: int = 0,
        concepts: Sequence[Path] = (),
        table: ConceptTable | None = None,
        library: MeasuredSpectra | None = None,
        encoder: SentenceEncoder | None = None,
    ) -> None:
        """Take the settings; the table of land cover and the encoder are read when they are first needed.

        Args:
            settings: the section ``[pseudo.spectrum_text]``.
            seed: of the clusterings.
            concepts: the user's files, beside the table that comes with the package.
            table, encoder: others than those.
            library: measured spectra for classes that it has; that of the settings when None.
        """
        self.settings, self.seed = settings, seed
        self._files = [PROMPTS / "concepts.toml", *concepts]
        self._table, self._encoder = table, encoder
        self.measured = library
        if library is None and settings.library:
            own = Path(settings.library), settings.library_column, settings.library_beside
            self.measured = MeasuredSpectra(*own, seed)

    @classmethod
    def make(cls, request: TeacherRequest) -> Self:
        """Make it.

        Raises:
            SettingsError: a file of concepts cannot be understood.
        """
        settings = request.settings.build(SpectrumTextSettings)
        teacher = cls(settings, seed=request.seed, concepts=request.concepts)
        if request.concepts:  # ours is whole: only the user's can be wrong, and that is to be said at once
            _ = teacher.table
        if teacher.measured is not None:
            _ = teacher.measured.library
        return teacher

    @classmethod
    def decided_by(cls, settings: Settings) -> str:
        """Return the hash of the library, which may be a folder, or several files of which one is named."""
        library = str(settings.values.get(f"{SpectrumTextSettings.section}.library", ""))
        return read_library(library).sha256() if library else ""

    @cached_property
    def table(self) -> ConceptTable:
        """The table of land-cover concepts."""
        return self._table or load_concepts(self._files[1:])

    @cached_property
    def encoder(self) -> SentenceEncoder:
        """The sentence encoder that reads class names."""
        return self._encoder or default_encoder()

    def confused_pairs(self, classes: ClassList, wavelengths: np.ndarray) -> list[ConfusedPair]:
        """Return the pairs of classes that it cannot tell apart on bands at ``wavelengths`` (bands,), nm."""
        return confused_pairs(self, classes, wavelengths)

    def identity(self) -> dict[str, Any]:
        """Hashes of the concept table and of the sentence encoder's weights."""
        concepts = hashlib.sha256(b"".join(path.read_bytes() for path in self._files)).hexdigest()
        return {
            "concepts_sha256": concepts if self._table is None else self._table.sha256,
            "encoder_sha256": MINILM_SHA256 if self._encoder is None else self._encoder.sha256,
            **({} if self.measured is None else self.measured.identity()),
        }

    def predict(
        self,
        scene: Scene,
        rgb: np.ndarray | None,
        classes: ClassList,
        progress: Progress = SILENT,
        scratch: ScratchSpace = MEMORY,
    ) -> Rows:
        """Return class probabilities float32 (rows, cols, K); ``rgb`` is not looked at.

        The scene is read by windows: what is kept of every pixel is its clusters and the result, in ``scratch``.
        """
        progress.begin("spectrum-text teacher", 5)
        with progress.phase("read names"):
            readings = read_names(classes, self.table, self.encoder)
        with progress.phase("calibrate"):
            calibrated = self._calibrate(scene, readings, classes)
            progress.advance()
        with progress.phase("cluster"):
            clusterings = Clusterings(
                calibrated.logs(calibrated.signals(pixels.sample_spectra(scene, self.settings.cluster_pixels))),
                len(classes),
                self.settings.clusters_per_class,
                whitening=self.settings.cluster_whitening,
                seed=self.seed,
            )
            progress.advance()
        with progress.phase("classify"):
            clusters = scratch.zeros("clusters", (*scene.valid.shape, len(clusterings)), clusterings.dtype)
            for rows in pixels.windows(scene):
                signals = calibrated.signals(pixels.spectra_of(scene, rows))
                found = clusterings.assign(calibrated.logs(signals))
                clusterings.learn(found, calibrated.classify(signals))
                clusters[rows] = _in_place(found, scene.valid[rows])
            progress.advance()
        with progress.phase("outlines"):
            shapes = self._outlines(scene, readings, clusterings, clusters, scratch)
            progress.advance()
        with progress.phase("name"):
            result = scratch.zeros(self.name, (*scene.valid.shape, len(classes)))
            stages = self._stages(scene, calibrated, clusterings, clusters, growth_stages.series_of(readings))
            for rows in pixels.windows(scene):
                seen = scene.valid[rows]
                named = clusterings.name(clusters[rows][seen])
                if stages:
                    logs = calibrated.logs(calibrated.signals(pixels.spectra_of(scene, rows)))
                    for series in stages:
                        named = series.share(logs, named)
                if shapes:
                    named = shapes.share(rows, clusters[rows][seen], named)
                result[rows] = _in_place(named.astype(np.float32), seen)
            progress.advance()
        progress.end()
        return result

    def spectra(
        self,
        readings: Sequence[Sequence[Reading]],
        classes: ClassList,
        wavelengths: np.ndarray,
        fwhm: np.ndarray | None,
        regions: Regions,
    ) -> list[Expected]:
        """Return the spectra that the classes may show: of the table, and of the library where there is one.

        Args:
            readings: of the names of ``classes``.
            classes: the class list.
            wavelengths: (bands,), nm, rising, of the sensor. fwhm: (bands,), or None.
            regions: those that the bands are averaged to.

        Raises:
            SettingsError: the library has none of the classes.
        """
        spectra = expected_spectra(readings, self.table, self.settings.rest_log_weight)
        if self.measured is None:
            return spectra
        return self.measured.join(spectra, classes, self.table, wavelengths, fwhm, regions)

    def _calibrate(self, scene: Scene, readings: list[list[Reading]], classes: ClassList) -> _CalibratedScene:
        sample = pixels.sample_spectra(scene, self.settings.calibration_pixels).astype(np.float64)
        conversion = convert(sample, scene.wavelengths, known_reflectance=scene.known_reflectance)
        spectra = self.spectra(readings, classes, scene.wavelengths, scene.fwhm, conversion.regions)
        likelihood = SpectralLikelihood(spectra, self.table, conversion.regions.centres, self.settings.uncertainty)
        found = calibrations(conversion.apply(sample), conversion, likelihood, self.settings.calibration)
        return _CalibratedScene(conversion, likelihood, found, len(classes))

    def _outlines(
        self,
        scene: Scene,
        readings: list[list[Reading]],
        clusterings: Clusterings,
        clusters: Rows,
        scratch: ScratchSpace,
    ) -> Outlines | None:
        """Look at the outlines, where the list has both what runs on and what ends on all sides."""
        own, material = self.settings.outline_own, self.settings.outline_material
        tendency = outlines.tendency(readings, self.table)
        if not (own or material) or not (tendency > 0).any() or not (tendency < 0).any():
            return None
        return Outlines.of(scene, tendency, clusterings, clusters, scratch, own=own, material=material)

    def _stages(
        self,
        scene: Scene,
        calibrated: _CalibratedScene,
        clusterings: Clusterings,
        clusters: Rows,
        groups: list[list[int]],
    ) -> list[GrowthStages]:
        """Find the stages of every series that has pixels enough, from a sample of its members."""
        if not groups or not growth_stages.has_greenness(calibrated.conversion.regions.centres):
            return []
        counts = np.zeros(len(groups), dtype=int)
        for rows in pixels.windows(scene):
            named = clusterings.name(clusters[rows][scene.valid[rows]])
            counts += [np.count_nonzero(growth_stages.members(named, group)) for group in groups]
        chosen = [pixels.evenly(count, self.settings.cluster_pixels) for count in counts]
        samples: list[list[np.ndarray]] = [[] for _ in groups]
        start = np.zeros(len(groups), dtype=int)
        for rows in pixels.windows(scene):
            named = clusterings.name(clusters[rows][scene.valid[rows]])
            logs = calibrated.logs(calibrated.signals(pixels.spectra_of(scene, rows)))
            for i, group in enumerate(groups):
                own = np.flatnonzero(growth_stages.members(named, group))
                samples[i].append(logs[own[pixels.within(chosen[i], start[i], start[i] + len(own))]])
                start[i] += len(own)
        return [
            GrowthStages(np.concatenate(sample), calibrated.conversion.regions.centres, group, seed=self.seed)
            for sample, group, count in zip(samples, groups, counts, strict=True)
            if count >= growth_stages.FEWEST * len(group)
        ]


@dataclass(frozen=True)
class _CalibratedScene:
    """A scene's numbers read as reflectance, and as classes under all calibrations that are likely."""

    conversion: Conversion
    likelihood: SpectralLikelihood
    calibrations: list[Calibration]
    classes: int

    def signals(self, spectra: np.ndarray) -> np.ndarray:
        """Return signals (pixels, regions) of ``spectra`` (pixels, bands)."""
        return self.conversion.apply(spectra)

    def logs(self, signals: np.ndarray) -> np.ndarray:
        """Return log reflectance float32 (pixels, regions) under the likeliest calibration."""
        return log_reflectance(signals * np.exp(-self.calibrations[0].gain)).astype(np.float32)

    def classify(self, signals: np.ndarray) -> np.ndarray:
        """Return class probabilities float32 (pixels, K) of each pixel on its own, over all calibrations."""
        total = np.zeros((len(signals), self.classes))
        for calibration in self.calibrations:
            logs = log_reflectance(signals * np.exp(-calibration.gain))
            densities = self.likelihood.per_spectrum(logs, calibration.shifts)
            total += calibration.weight * softmax(self.likelihood.per_class(densities, self.classes))
        return total.astype(np.float32)


def _in_place(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return (rows, cols, n): ``values`` (pixels, n) at the true pixels of ``valid``, 0 elsewhere."""
    out = np.zeros((*valid.shape, values.shape[1]), dtype=values.dtype)
    out[valid] = values
    return out
