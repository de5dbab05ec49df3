"""The section ``[pseudo.spectrum_text]`` of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from special.settings import Count, Within
from special.teachers.spectrum_text.calibration import CalibrationSettings
from special.teachers.spectrum_text.likelihood import UncertaintySettings


@dataclass(frozen=True)
class SpectrumTextSettings:
    """Settings of the teacher; ``pipelines/special.toml`` says what each means."""

    section: ClassVar[str] = "pseudo.spectrum_text"

    level_sd: Annotated[float, Within(0, 10)]
    detail_sd: Annotated[float, Within(0, 10)]
    noise_sd: Annotated[float, Within(above=0, high=10)]
    additive_sd: Annotated[float, Within(0, 1)]
    degrees_of_freedom: Annotated[float, Within(above=0, high=1e6)]
    breadth: Annotated[float, Within(0, 1)]
    scale_sd: Annotated[float, Within(above=0, high=100)]
    scale_step: Annotated[float, Within(above=0, high=10)]
    scale_steps: Annotated[int, Within(0, 100)]
    reflectance_gain_sd: Annotated[float, Within(0, 10)]
    radiance_gain_sd: Annotated[float, Within(0, 10)]
    radiance_band_sd: Annotated[float, Within(0, 10)]
    shared_level_sd: Annotated[float, Within(0, 10)]
    shared_shape_sd: Annotated[float, Within(0, 10)]
    shared_chlorophyll_sd: Annotated[float, Within(0, 10)]
    calibration_iterations: Annotated[int, Within(0, 1000)]
    calibration_temper: Annotated[float, Within(above=0, high=1)]
    calibration_presence: Annotated[float, Within(0, 100)]
    calibration_pixels: Annotated[int, Within(1, 1_000_000)]
    rest_log_weight: Annotated[float, Within(-1000, 0)]
    clusters_per_class: Annotated[tuple[int, ...], Count(), Within(1, 1000)]
    cluster_whitening: Annotated[float, Within(0, 1)]
    cluster_pixels: Annotated[int, Within(1, 10_000_000)]
    sharpness: Annotated[float, Within(above=0, high=10)]
    outline_own: Annotated[float, Within(0, 100)]
    outline_material: Annotated[float, Within(0, 100)]
    library: str
    library_column: str
    library_beside: bool

    @property
    def uncertainty(self) -> UncertaintySettings:
        """The part that the likelihood takes."""
        return UncertaintySettings(
            self.level_sd, self.detail_sd, self.noise_sd, self.additive_sd, self.degrees_of_freedom, self.breadth
        )

    @property
    def calibration(self) -> CalibrationSettings:
        """The part that the calibration takes."""
        return CalibrationSettings(
            self.scale_sd,
            self.scale_step,
            self.scale_steps,
            self.reflectance_gain_sd,
            self.radiance_gain_sd,
            self.radiance_band_sd,
            self.shared_level_sd,
            self.shared_shape_sd,
            self.shared_chlorophyll_sd,
            self.calibration_iterations,
            self.calibration_temper,
            self.calibration_presence,
        )
