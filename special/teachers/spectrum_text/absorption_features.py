"""How likely a pixel's absorptions are under every expected spectrum, continuum removed, on all bands.

Minerals differ in narrow absorptions that a sketch of a dozen wavelengths and regions of many bands do not show. As in
Tetracorder (Clark et al. 2003, J. Geophys. Res. 108, section 4) a pixel is compared with a reference inside windows,
with the continuum removed from both and the depth of the absorption free: grain size, dust and other minerals in the
pixel change depth and continuum, not position and shape. Here the continuum is a straight line (a parabola below 1.3
micrometres) in log reflectance over log wavelength, of which nothing is known, so that only what is orthogonal to it
counts; the depth is Gaussian around a little less than the reference's; both are integrated out. Brightness, and so the
scale of the scene's numbers, cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from special.classnames.reading import Reading
from special.landcover.concepts import ConceptTable
from special.teachers.spectrum_text.air import ROUNDS, UNLEARNED, air_covariance, learn_air, responsibilities
from special.teachers.spectrum_text.expected_spectra import NEGLIGIBLE, Expected, expected_spectra
from special.teachers.spectrum_text.regions import GASES
from special.teachers.spectrum_text.settings import SpectrumTextSettings

WINDOWS = ((450.0, 1320.0, 2), (1490.0, 1785.0, 1), (2020.0, 2450.0, 1))
"""nm, and the degree of the continuum: iron; water of sulphates; hydroxyl, carbonate. Between them the air absorbs."""
AIR_TOO = (2020.0, 2085.0)  # nm; carbon dioxide, where the air is still in the data
FEWEST = 3  # bands beyond the continuum's own that a window needs
FLOOR = 0.02  # of a band's typical signal: what is less counts as that much, for noise would have no logarithm
DEPTH, DEPTH_SD = 0.7, 0.4  # of an absorption, relative to the reference's
BLOCK = 8192  # pixels that are looked at together
NOISE_SD = 0.02  # of log reflectance in a band, at least


@dataclass(frozen=True)
class Detail:
    """What a reference gets wrong, in log reflectance: ``sd``, over ``length`` in log wavelength, and ``relative``
    to its depth."""

    sd: float
    length: float
    relative: float


MEASURED = Detail(0.02, 0.01, 0.25)  # another sample of the mineral: absorptions a little wider, or shifted
SKETCHED = Detail(0.06, 0.04, 0.25)  # what is known at a dozen wavelengths


def names_minerals(readings: Sequence[Sequence[Reading]], table: ConceptTable) -> bool:
    """Whether any class of a list may mean a mineral."""
    return any(
        name in table.minerals and weight >= NEGLIGIBLE
        for group in readings
        for reading in group
        for name, weight in reading.concepts
    )


def absorption_features(
    readings: Sequence[Sequence[Reading]],
    table: ConceptTable,
    wavelengths: np.ndarray,
    sample: np.ndarray,
    settings: SpectrumTextSettings,
    *,
    through_air: np.ndarray | None,
) -> AbsorptionFeatures | None:
    """Return the absorptions of what ``readings`` mean; None where they mean no mineral.

    Args:
        readings: of the class list.
        table: of concepts, as it was read.
        wavelengths: (bands,), nm, rising.
        sample: (pixels, bands) of the scene, proportional to reflectance.
        settings: of the teacher.
        through_air: where the atmosphere's gases are still in the data, what else is known of the sample: its log
            densities (pixels, expected spectra).
    """
    if not names_minerals(readings, table):
        return None
    seen = table.seen_by(wavelengths)
    spectra = expected_spectra(readings, seen, settings.rest_log_weight)
    gases = through_air is not None
    found = AbsorptionFeatures(spectra, seen, wavelengths, sample, settings.degrees_of_freedom, through_air=gases)
    if through_air is not None:
        found.learn_air(sample, through_air)
    return found


class AbsorptionFeatures:
    """Multivariate Student's t around the absorptions of every expected spectrum, window by window."""

    def __init__(
        self,
        spectra: Sequence[Expected],
        table: ConceptTable,
        wavelengths: np.ndarray,
        sample: np.ndarray,
        degrees_of_freedom: float,
        *,
        through_air: bool,
    ) -> None:
        """Look at the windows that the sensor has.

        Args:
            spectra: what the classes may show.
            table: on whose grid they are, as smooth as the sensor shows them.
            wavelengths: (bands,), nm, rising.
            sample: (pixels, bands) of the scene, proportional to reflectance: its typical signal, and its noise.
            degrees_of_freedom: of the tails.
            through_air: the atmosphere's gases are still in the data.
        """
        expected = np.log(table.resample(np.stack([s.reflectance for s in spectra]), wavelengths))
        fine = np.array([set(s.concept.split(" + ")) <= table.minerals for s in spectra])
        self.owners = np.array([s.class_index for s in spectra])
        self.floor = FLOOR * np.maximum(np.median(sample, axis=0), 1e-12)
        logs = self._logs(sample)
        self.windows = [
            _Window(
                band, wavelengths[band], degree, expected[:, band], fine, logs[:, band], degrees_of_freedom, through_air
            )
            for band, degree in _usable(wavelengths, through_air)
        ]

    def _logs(self, signals: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(signals, self.floor))

    def removed(self, signals: np.ndarray) -> np.ndarray:
        """Return (pixels, columns) of ``signals`` (pixels, bands): log reflectance without its continuum."""
        logs = self._logs(signals)
        parts = [logs[:, window.bands] @ window.basis - window.air for window in self.windows]
        return np.concatenate([np.empty((len(logs), 0)), *parts], axis=1)

    def per_spectrum(self, removed: np.ndarray) -> np.ndarray:
        """Return log densities (pixels, expected spectra) of ``removed`` (pixels, columns)."""
        total, start = np.zeros(1), 0
        for window in self.windows:
            stop = start + window.basis.shape[1]
            total = total + window.per_spectrum(removed[:, start:stop])
            start = stop
        return total

    def learn_air(self, signals: np.ndarray, densities: np.ndarray) -> None:
        """Learn what the air takes out of single bands, from here on left out of ``removed``.

        Args:
            signals: (pixels, bands) of a sample.
            densities: (pixels, spectra) log densities of the same by all else that is known.
        """
        for trust in np.linspace(0, 1, ROUNDS):  # in absorptions: at first they are the air's
            removed = self.removed(signals)
            weights = responsibilities([densities, trust * self.per_spectrum(removed)])
            start = 0
            for window in self.windows:
                stop = start + window.basis.shape[1]
                window.learn_air(removed[:, start:stop], self.owners, weights)
                start = stop

    def draw(self, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw ``removed`` (draws, columns) from around the expected spectra ``chosen`` (draws,)."""
        parts = [window.draw(chosen, rng) for window in self.windows]
        return np.concatenate([np.empty((len(chosen), 0)), *parts], axis=1)


class _Window:
    """The bands of one window, without the directions in which only the continuum differs."""

    def __init__(
        self,
        bands: np.ndarray,
        wavelengths: np.ndarray,
        degree: int,
        expected: np.ndarray,
        fine: np.ndarray,
        logs: np.ndarray,
        degrees_of_freedom: float,
        through_air: bool,
    ) -> None:
        position = np.log(wavelengths)
        self.bands, self.degrees = bands, degrees_of_freedom
        line = np.vander((position - position.mean()) / np.ptp(position), degree + 1)
        self.basis = np.linalg.qr(line, mode="complete")[0][:, degree + 1 :]  # (bands, columns), orthonormal
        shapes = expected @ self.basis @ self.basis.T
        self.means = DEPTH * shapes @ self.basis
        columns = self.basis.shape[1]
        noise = self.basis.T * _noise(logs) @ self.basis
        self.air, self.air_prior = np.zeros(columns), self.basis.T @ air_covariance(wavelengths) @ self.basis
        if through_air:
            noise = noise + UNLEARNED**2 * self.air_prior
        apart = (position[:, None] - position[None, :]) ** 2
        errors = [
            (detail, self.basis.T @ (detail.sd**2 * np.exp(-0.5 * apart / detail.length**2)) @ self.basis)
            for detail in (SKETCHED, MEASURED)
        ]
        self.roots = np.empty((len(expected), columns, columns))
        self.offsets = np.empty(len(expected))
        for i, shape in enumerate(shapes):
            detail, covariance = errors[int(fine[i])]
            sloppy = np.outer(shape, shape) * detail.relative**2 * np.exp(-0.5 * apart / detail.length**2)
            depth = shape @ self.basis
            covariance = covariance + noise + self.basis.T @ sloppy @ self.basis + DEPTH_SD**2 * np.outer(depth, depth)
            root = np.linalg.cholesky(covariance)
            self.roots[i] = np.linalg.inv(root)
            self.offsets[i] = -np.log(np.diag(root)).sum()

    def learn_air(self, removed: np.ndarray, owners: np.ndarray, weights: np.ndarray) -> None:
        """Learn the air from ``removed`` (pixels, columns), what was known of it until now left out."""
        self.air = learn_air(removed + self.air, self.means, self.roots, self.air_prior, owners, weights)

    def per_spectrum(self, removed: np.ndarray) -> np.ndarray:
        """Return log densities (pixels, expected spectra) of ``removed`` (pixels, columns)."""
        columns = removed.shape[1]
        out = np.empty((len(removed), len(self.means)))
        for start in range(0, len(removed), BLOCK):
            part = slice(start, start + BLOCK)
            for i, (mean, root) in enumerate(zip(self.means, self.roots, strict=True)):
                out[part, i] = np.square((removed[part] - mean) @ root.T).sum(axis=1)
        return self.offsets - (self.degrees + columns) / 2 * np.log1p(out / self.degrees)

    def draw(self, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw (draws, columns) from Student's t around the spectra ``chosen``."""
        noise = rng.standard_normal((len(chosen), self.basis.shape[1]))
        widths = np.sqrt(self.degrees / rng.chisquare(self.degrees, len(chosen)))
        return self.means[chosen] + widths[:, None] * np.stack(
            [np.linalg.solve(self.roots[i], row) for i, row in zip(chosen, noise, strict=True)]
        )


def _usable(wavelengths: np.ndarray, through_air: bool) -> list[tuple[np.ndarray, int]]:
    """Return the positions of the bands of every window that has enough of them, and the degree of its continuum."""
    found = []
    for low, high, degree in WINDOWS:
        inside = (wavelengths >= low) & (wavelengths <= high)
        for start, end in (*GASES, AIR_TOO) if through_air else ():
            inside &= ~((wavelengths >= start) & (wavelengths <= end))
        if inside.sum() >= FEWEST + degree + 1:
            found.append((np.flatnonzero(inside), degree))
    return found


def _noise(logs: np.ndarray) -> np.ndarray:
    """Return the noise variance (bands,) of a sample ``logs`` (pixels, bands): what no other band explains.

    It is that of a band's residual from its regression on all others (Roger and Arnold 1996, Int. J. Remote Sens. 17),
    which the diagonal of the inverse covariance says of all bands at once; ``NOISE_SD`` is added before.
    """
    covariance = np.cov(logs, rowvar=False, bias=True) + NOISE_SD**2 * np.eye(logs.shape[1])
    return np.asarray(1 / np.diag(np.linalg.inv(covariance)))
