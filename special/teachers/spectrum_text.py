"""The spectrum-text teacher: class names read as land-cover concepts, pixels judged on all the bands there are.

A class name becomes one or more concepts, a concept one or more expected spectra with their uncertainty; the scene is
calibrated so that the named classes explain it; the likelihood of every pixel under every class, on whatever bands the
sensor has, named in groups of like pixels, is the prediction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from special.progress import SILENT, Progress
from special.teachers import calibrate, naming
from special.teachers.concepts import ConceptTable
from special.teachers.expected import expected_spectra
from special.teachers.likelihood import SpectralLikelihood, UncertaintySettings, log_reflectance, softmax
from special.text.classes import ClassList
from special.text.encoder import SentenceEncoder
from special.text.names import Reading, read_names

if TYPE_CHECKING:
    from special.scene.scene import Scene


@dataclass(frozen=True)
class SpectrumTextSettings:
    """Settings of the teacher; ``pipelines/special.toml`` says what each means."""

    level_sd: float
    detail_sd: float
    noise_sd: float
    degrees_of_freedom: float
    breadth: float
    scale_sd: float
    scale_step: float
    scale_steps: int
    reflectance_gain_sd: float
    radiance_gain_sd: float
    calibration_iterations: int
    calibration_temper: float
    calibration_pixels: int
    rest_log_weight: float
    clusters_per_class: tuple[int, ...]
    cluster_pixels: int

    @property
    def uncertainty(self) -> UncertaintySettings:
        """The part that the likelihood takes."""
        return UncertaintySettings(self.level_sd, self.detail_sd, self.noise_sd, self.degrees_of_freedom, self.breadth)

    @property
    def calibration(self) -> calibrate.CalibrationSettings:
        """The part that the calibration takes."""
        return calibrate.CalibrationSettings(
            self.scale_sd,
            self.scale_step,
            self.scale_steps,
            self.reflectance_gain_sd,
            self.radiance_gain_sd,
            self.calibration_iterations,
            self.calibration_temper,
        )


class SpectrumTextTeacher:
    """Names pixels by their spectra; needs no RGB, no download and no label."""

    name = "spectrum-text"

    def __init__(
        self, table: ConceptTable, encoder: SentenceEncoder, settings: SpectrumTextSettings, seed: int = 0
    ) -> None:
        self.table, self.encoder, self.settings, self.seed = table, encoder, settings, seed

    def identity(self) -> dict[str, Any]:
        """Hashes of the concept table and of the sentence encoder's weights."""
        return {"concepts_sha256": self.table.sha256, "encoder_sha256": self.encoder.sha256}

    def predict(
        self, scene: Scene, rgb: np.ndarray | None, classes: ClassList, progress: Progress = SILENT
    ) -> np.ndarray:
        """Return class probabilities float32 (rows, cols, K); ``rgb`` is not looked at."""
        valid = scene.valid
        progress.begin("spectrum-text teacher", 4)
        readings = read_names(classes, self.table, self.encoder)
        spectra = expected_spectra(readings, self.table, self.settings.rest_log_weight)
        sample = self._sample(scene)
        conversion = calibrate.convert(sample, scene.wavelengths, known_reflectance=scene.scale_factor is not None)
        likelihood = SpectralLikelihood(spectra, self.table, conversion.regions.centres, self.settings.uncertainty)
        progress.advance()
        found = calibrate.calibrations(conversion.apply(sample), conversion, likelihood, self.settings.calibration)
        likeliest = found[0]
        progress.advance()
        logs = np.empty((int(valid.sum()), len(conversion.regions)), dtype=np.float32)
        alone = np.empty((len(logs), len(classes)), dtype=np.float32)
        filled = 0
        for spectra_of_window in _valid_spectra(scene):
            part = slice(filled, filled + len(spectra_of_window))
            signals = conversion.apply(spectra_of_window)
            logs[part] = log_reflectance(signals * np.exp(-likeliest.gain))
            alone[part] = sum(
                calibration.weight * self._classify(signals, calibration.gain, likelihood, len(classes))
                for calibration in found
            )
            filled = part.stop
        progress.advance()
        named = naming.name_clusters(
            logs, alone, self.settings.clusters_per_class, sample=self.settings.cluster_pixels, seed=self.seed
        )
        for series in series_of(readings):
            named = naming.order_stages(
                logs, conversion.regions.centres, named, series, sample=self.settings.cluster_pixels, seed=self.seed
            )
        progress.advance()
        progress.end()
        probabilities = np.zeros((*valid.shape, len(classes)), dtype=np.float32)
        probabilities[valid] = named
        return probabilities

    @staticmethod
    def _classify(signals: np.ndarray, gain: np.ndarray, likelihood: SpectralLikelihood, classes: int) -> np.ndarray:
        """Return class probabilities (pixels, K) of ``signals`` (pixels, regions) under one calibration."""
        densities = likelihood.per_spectrum(log_reflectance(signals * np.exp(-gain)))
        return softmax(likelihood.per_class(densities, classes))

    def _sample(self, scene: Scene) -> np.ndarray:
        """Valid spectra (pixels, bands), evenly spread over the scene, for the calibration."""
        chosen = naming.evenly(int(scene.valid.sum()), self.settings.calibration_pixels)
        parts, start = [], 0
        for spectra in _valid_spectra(scene):
            inside = chosen[(chosen >= start) & (chosen < start + len(spectra))]
            parts.append(spectra[inside - start])
            start += len(spectra)
        return np.concatenate(parts).astype(np.float64)


def series_of(readings: list[list[Reading]]) -> list[list[int]]:
    """Return the class indices of every series of growth stages, in the order of growth."""
    groups: dict[str, list[tuple[float, int]]] = {}
    for index, group in enumerate(readings):
        series, stage = group[0].series, group[0].stage
        if series is not None and stage is not None:
            groups.setdefault(series, []).append((stage, index))
    return [[index for _, index in sorted(group)] for group in groups.values() if len(group) > 1]


def _valid_spectra(scene: Scene) -> Iterator[np.ndarray]:
    """Yield the valid spectra of the scene, float32 (pixels, bands), window by window, in the order of the rows."""
    for rows in scene.windows():
        yield scene.read(rows)[scene.valid[rows]]
