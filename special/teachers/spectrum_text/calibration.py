"""From a scene's numbers to reflectance, with nothing but the scene and the names of its classes.

Is it reflectance, radiance or raw numbers? The depth of the air's own absorption bands tells. Radiance is divided by
sunlight as it reaches the ground, after the dark current is taken off. What then lies on top of every pixel, haze or
an offset that a normalisation left, is a matter of hypotheses: nothing, scattering that falls with wavelength, or what
the darkest pixels have. With each goes a grid of scales. All these ways to read the scene are weighed by how well the
named classes explain it, and by whether all of them are then in it, and integrated out. For each a smooth gain is
fitted, and with it what all green spectra of the table, or all grounds, have in common that is wrong here: a dry summer
makes trees and grass alike less green than the table says, and leaves grass the drier one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from special.scene.air import is_radiance
from special.teachers.spectrum_text.likelihood import (
    GREEN,
    GROUND,
    KINDS,
    SpectralLikelihood,
    log_reflectance,
    smooth_correlation,
    softmax,
)
from special.teachers.spectrum_text.noise import noise_of
from special.teachers.spectrum_text.regions import Regions

AIR_MASS = 2.2  # sun to ground to sensor
SCALES = (1.0, 100.0, 10_000.0)  # reflectance as a fraction, in percent, or in hundredths of a percent
DARKEST = 0.002  # quantile of pixels that stands for "dark" against outliers
DARK_OBJECTS = 0.005  # quantile of the pixels, region by region, that are taken for the darkest things of a scene
DARK_REFLECTANCE = 0.015  # what these have of their own: shade, water, dense canopy
BRIGHTEST = 0.5  # reflectance of the brightest thing in a band, where a band was stretched from its least to its most
TYPICAL_NEAR_INFRARED = 0.3  # of land between 800 and 1300 nm
UNSMOOTH = 1e-4  # variance of a shared error in a single region
UNSMOOTH_GAIN = 1e-6  # and of the gain, where the file's numbers are reflectance
CHLOROPHYLL = (
    (400, 440, 480, 500, 520, 535, 550, 580, 600, 620, 640, 660, 675, 690, 705, 720, 740, 760, 780),
    (0, 0.01, 0.06, 0.19, 0.38, 0.54, 0.74, 0.79, 0.77, 0.70, 0.63, 0.38, 0.20, 0.58, 0.70, 0.42, 0.13, 0.03, 0),
)
"""What less chlorophyll does to a canopy, at nm in log reflectance: PROSAIL with 25 instead of 60 micrograms per square
centimetre of leaf, at a leaf area index of 3 over soil. A season does it to all that is green."""
UNSEEN = 0.01  # of a scene: less of a named class is as good as none
NEGLIGIBLE = 0.03  # of the likeliest way's weight: a way to read the scene that has less is not followed up


@dataclass(frozen=True)
class CalibrationSettings:
    """How the scale and the gain are sought; standard deviations are of log reflectance.

    ``scale_sd``: of the scale around the first guess; ``scale_step``, ``scale_steps``: the grid of scales to either
    side of it; ``reflectance_gain_sd``, ``radiance_gain_sd``: of the smooth gain, by kind of scene;
    ``radiance_band_sd``: of the gain of a single region of radiance, for what the air absorbs is not smooth;
    ``shared_level_sd``, ``shared_shape_sd``: of the errors that expected spectra of one kind have in common;
    ``shared_chlorophyll_sd``: of what green ones have in common, in units of ``CHLOROPHYLL``;
    ``iterations``, ``temper``: of the expectation maximisation;
    ``presence``: how far all classes are expected in the scene: the exponent of the geometric mean of their shares.
    """

    scale_sd: float
    scale_step: float
    scale_steps: int
    reflectance_gain_sd: float
    radiance_gain_sd: float
    radiance_band_sd: float
    shared_level_sd: float
    shared_shape_sd: float
    shared_chlorophyll_sd: float
    iterations: int
    temper: float
    presence: float


@dataclass(frozen=True)
class Calibration:
    """One way to read the scene: ``reflectance = (signals - offset) * exp(-gain)``, and how likely it is.

    ``offset``, ``gain`` (regions,); ``shifts`` (kinds, regions): what is wrong with the expected spectra of each kind.
    ``noise`` (regions,): standard deviation of reflectance, by the sensor alone; a scene that is read darker has less.
    """

    offset: np.ndarray
    gain: np.ndarray
    shifts: np.ndarray
    noise: np.ndarray
    weight: float

    def logs(self, signals: np.ndarray) -> np.ndarray:
        """Return log reflectance (..., regions) of ``signals`` (..., regions)."""
        return log_reflectance((signals - self.offset) * np.exp(-self.gain))

    def densities(self, signals: np.ndarray, likelihood: SpectralLikelihood) -> np.ndarray:
        """Return log densities (pixels, expected spectra) of ``signals`` (pixels, regions)."""
        return likelihood.under(self.noise).per_spectrum(self.logs(signals), self.shifts)


@dataclass(frozen=True)
class Conversion:
    """Takes a scene's numbers to signals: reflectance but for an offset and a gain; ``(numbers - dark) / sunlight``."""

    kind: str  # "reflectance", "radiance", or "stretched": reflectance, each band from the same least to the same most
    regions: Regions
    dark: float
    sunlight: np.ndarray  # (bands,)
    start: float  # log of the scale that a first look suggests

    def apply(self, spectra: np.ndarray) -> np.ndarray:
        """Return signals float64 (..., regions) of ``spectra`` (..., bands)."""
        return self.regions.average((spectra - self.dark) / self.sunlight)

    def per_band(self, spectra: np.ndarray, wavelengths: np.ndarray, way: Calibration) -> np.ndarray:
        """Return signals (..., bands) of ``spectra`` (..., bands) at ``wavelengths`` (bands,), nm, less its offset."""
        offset = np.interp(wavelengths, self.regions.centres, way.offset)
        return (spectra - self.dark) / self.sunlight - offset


def sunlight(wavelengths: np.ndarray) -> np.ndarray:
    """Relative solar spectrum at the sensor over a white ground: Planck at 5778 K, Rayleigh and aerosol extinction.

    ``wavelengths`` (bands,), nm. Rayleigh optical depth 0.00874 l^-4.08, aerosol of a clear sky 0.08 l^-1.3, l in
    micrometres.
    """
    micrometres = wavelengths / 1000
    planck = micrometres**-5 / np.expm1(14387.77 / (micrometres * 5778))
    depth = 0.008735 * micrometres**-4.08 + 0.08 * micrometres**-1.3
    light = planck * np.exp(-AIR_MASS * depth)
    return np.asarray(light / light.max())


def convert(
    spectra: np.ndarray, wavelengths: np.ndarray, *, known_reflectance: bool, stretched: bool = False
) -> Conversion:
    """Work out the conversion from a sample of valid pixels, ``spectra`` (pixels, bands), own numbers.

    ``wavelengths`` (bands,), nm. ``known_reflectance``: the file says that it holds reflectance. ``stretched``: every
    band was stretched by itself, so that only what is bright and what is dark in it is known.
    """
    bands = len(wavelengths)
    if stretched:
        regions = Regions.of(wavelengths, through_air=False)
        top = float(spectra.max())
        return Conversion("stretched", regions, 0.0, np.ones(bands), float(np.log(top / BRIGHTEST)))
    if known_reflectance or not is_radiance(spectra, wavelengths):
        regions = Regions.of(wavelengths, through_air=False)
        top = np.quantile(spectra.max(axis=1), 0.99)
        scale = next((s for s in SCALES if top <= 2 * s), SCALES[-1])
        return Conversion("reflectance", regions, 0.0, np.ones(bands), float(np.log(scale)))
    regions = Regions.of(wavelengths, through_air=True)
    dark = float(np.quantile(spectra, DARKEST, axis=0).min())
    light = sunlight(wavelengths)
    signals = regions.average((spectra - dark) / light)
    infrared = (regions.centres > 800) & (regions.centres < 1300)
    scale = float(np.median(signals[:, infrared])) / TYPICAL_NEAR_INFRARED
    return Conversion("radiance", regions, dark, light, float(np.log(max(scale, 1e-12))))


def offsets(signals: np.ndarray, conversion: Conversion) -> list[np.ndarray]:
    """Return what may lie on top of every pixel of ``signals`` (pixels, regions): a list of offsets (regions,).

    Nothing; scattering by the air; or whatever the darkest pixels have beyond a dark thing's own reflectance (Chavez
    1988, doi 10.1016/0034-4257(88)90019-3), which is also what a normalisation leaves.
    """
    if conversion.kind == "stretched":
        return [np.zeros(signals.shape[1]), np.full(signals.shape[1], -DARK_REFLECTANCE * np.exp(conversion.start))]
    darkest = np.quantile(signals, DARK_OBJECTS, axis=0)
    above = np.maximum(darkest - DARK_REFLECTANCE * np.exp(conversion.start), 0.0)
    found = [np.zeros(len(darkest)), _haze(above, conversion.regions.centres), above, np.maximum(darkest, 0.0)]
    return [offset for i, offset in enumerate(found) if i == 0 or offset.any()]


def _haze(darkest: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Path radiance (regions,): the power law of wavelength, -4 to -1, that explains most of the dark and no more."""
    visible = centres < 700
    best = np.zeros(len(centres))
    for power in (4.0, 3.0, 2.0, 1.0):
        law = (centres / 550) ** -power
        haze = max(0.0, float((darkest[visible] / law[visible]).min())) * law if visible.any() else best
        if haze[visible].sum() > best[visible].sum():
            best = haze
    return best


def calibrations(
    signals: np.ndarray, conversion: Conversion, likelihood: SpectralLikelihood, settings: CalibrationSettings
) -> list[Calibration]:
    """Return the ways to read the scene that are worth a look, the likeliest first; their weights sum to 1.

    Offset and scale are not picked but integrated out: a scene in which everything is half as bright is often explained
    nearly as well, by other names, and the fit that looks best is then no better than a guess. For each offset and each
    scale of a grid the smooth gain is fitted; its weight is the likelihood of a typical pixel times the prior, which
    expects the named classes to be there: who names them has seen them.

    Args:
        signals: (pixels, regions), a sample of the scene as ``conversion`` gives it.
        conversion: where the signals come from.
        likelihood: of the named classes.
        settings: of the search.
    """
    found: list[Calibration] = []
    noise = noise_of(signals)
    for offset in offsets(signals, conversion):
        for steps in range(-settings.scale_steps, settings.scale_steps + 1):
            scale = settings.scale_step * steps
            seen = noise * np.exp(-conversion.start - scale)
            fit = _fit(signals - offset, conversion, likelihood.under(seen), settings, conversion.start + scale)
            way = Calibration(offset, fit.gain, fit.shifts, seen, 0.0)
            evidence, shares = _evidence(signals, way, likelihood)
            present = settings.presence * float(np.log(shares + UNSEEN).mean())
            prior = fit.log_prior - 0.5 * (scale / settings.scale_sd) ** 2 + present
            found.append(replace(way, weight=evidence + prior))
    weights = softmax(np.array([way.weight for way in found]))
    kept = [replace(w, weight=float(p)) for w, p in zip(found, weights, strict=True) if p >= NEGLIGIBLE * weights.max()]
    total = sum(way.weight for way in kept)
    return sorted((replace(way, weight=way.weight / total) for way in kept), key=lambda way: -way.weight)


@dataclass(frozen=True)
class _Fit:
    """A gain, the shifts that go with it, and how likely such a gain and such shifts are (logarithm)."""

    gain: np.ndarray
    shifts: np.ndarray
    log_prior: float


def _evidence(signals: np.ndarray, way: Calibration, likelihood: SpectralLikelihood) -> tuple[float, np.ndarray]:
    """Return how well a way explains ``signals`` (pixels, regions), and the shares of the pixels by class (classes,).

    How well: the mean log likelihood of a pixel's signals, which are the same numbers whatever the way.
    """
    from scipy.special import logsumexp

    logs = way.logs(signals)
    classes = int(likelihood.owners.max()) + 1
    densities = likelihood.per_class(way.densities(signals, likelihood), classes)
    stretch = -(way.gain + logs).sum(axis=1)  # of the logarithm: d log(reflectance + DARK) / d signal
    shares = np.bincount(densities.argmax(axis=1), minlength=classes)[np.unique(likelihood.owners)] / len(logs)
    return float((logsumexp(densities, axis=1) + stretch).mean()), shares


def _fit(
    signals: np.ndarray,
    conversion: Conversion,
    likelihood: SpectralLikelihood,
    settings: CalibrationSettings,
    start: float,
) -> _Fit:
    """Fit the log gain near the log scale ``start``, and the shifts, by expectation maximisation.

    The errors of an expected spectrum are the same for all its pixels, so a class speaks once, by its share of the
    scene, however many pixels it has; a scene of one class therefore cannot bend the gain to its will.
    """
    rough = conversion.kind != "reflectance"
    gain_sd = settings.radiance_gain_sd if rough else settings.reflectance_gain_sd
    centres, regions = conversion.regions.centres, signals.shape[1]
    smooth = smooth_correlation(centres)
    within_step = (settings.scale_step / 3) ** 2
    alone = UNSMOOTH_GAIN + (settings.radiance_band_sd**2 if rough else 0.0)
    gain_precision = np.linalg.inv(within_step + gain_sd**2 * smooth + alone * np.eye(regions))
    shared = settings.shared_level_sd**2 + settings.shared_shape_sd**2 * smooth + UNSMOOTH * np.eye(regions)
    pale = settings.shared_chlorophyll_sd * np.interp(centres, *CHLOROPHYLL)
    shift_precisions = np.linalg.inv([shared + np.outer(pale, pale) if k == GREEN else shared for k in KINDS])
    gain, shifts = np.full(regions, start), np.zeros((len(KINDS), regions))
    for _ in range(settings.iterations):
        logs = log_reflectance(signals * np.exp(-gain))
        weights = softmax(settings.temper * likelihood.per_spectrum(logs, shifts))
        totals = weights.sum(axis=0)
        shares = totals / totals.sum()
        by_class = np.bincount(likelihood.owners, shares)
        by_class = by_class[by_class > 0]
        sizeable = np.flatnonzero(shares > 1e-4)
        precisions = likelihood.precisions[sizeable]
        precisions *= (shares[sizeable] * np.exp(-(by_class * np.log(by_class)).sum()))[:, None, None]
        signal_logs = weights[:, sizeable].T @ logs / totals[sizeable, None] + gain
        errors, kinds = signal_logs - likelihood.means[sizeable], likelihood.kinds[sizeable]
        gain = start + _posterior_mean(gain_precision, errors - start - shifts[kinds], precisions)
        for kind in (GREEN, GROUND):
            own = kinds == kind
            shifts[kind] = _posterior_mean(shift_precisions[kind], errors[own] - gain, precisions[own])
    unlikely = np.einsum("kr,krs,ks->", shifts, shift_precisions, shifts) + (gain - start) @ gain_precision @ (
        gain - start
    )
    return _Fit(gain, shifts, -0.5 * float(unlikely))


def _posterior_mean(prior_precision: np.ndarray, errors: np.ndarray, precisions: np.ndarray) -> np.ndarray:
    """Return the mean (regions,) of a Gaussian around 0 that was seen ``errors`` (n, regions) away, so precisely."""
    pull = np.einsum("nrs,ns->r", precisions, errors)
    return np.linalg.solve(prior_precision + precisions.sum(axis=0), pull)
