"""The section ``[pseudo.spectrum_text]`` of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from special.teachers.spectrum_text.calibration import CalibrationSettings
from special.teachers.spectrum_text.likelihood import UncertaintySettings


@dataclass(frozen=True)
class SpectrumTextSettings:
    """Settings of the teacher; ``pipelines/special.toml`` says what each means."""

    section: ClassVar[str] = "pseudo.spectrum_text"

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
    shared_level_sd: float
    shared_shape_sd: float
    shared_chlorophyll_sd: float
    calibration_iterations: int
    calibration_temper: float
    calibration_pixels: int
    rest_log_weight: float
    clusters_per_class: tuple[int, ...]
    cluster_whitening: float
    cluster_pixels: int
    outline_own: float
    outline_material: float

    @property
    def uncertainty(self) -> UncertaintySettings:
        """The part that the likelihood takes."""
        return UncertaintySettings(self.level_sd, self.detail_sd, self.noise_sd, self.degrees_of_freedom, self.breadth)

    @property
    def calibration(self) -> CalibrationSettings:
        """The part that the calibration takes."""
        return CalibrationSettings(
            self.scale_sd,
            self.scale_step,
            self.scale_steps,
            self.reflectance_gain_sd,
            self.radiance_gain_sd,
            self.shared_level_sd,
            self.shared_shape_sd,
            self.shared_chlorophyll_sd,
            self.calibration_iterations,
            self.calibration_temper,
        )
