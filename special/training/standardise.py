"""What the classifier sees of a scene: every band at zero mean and unit variance.

A scene that fits into memory with ease is standardised there, a larger one window by window as it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from special.passes import HERE, Passes
from special.storage.rasters import blocks

if TYPE_CHECKING:
    from special.models.tiling import Windows

LIMIT = 10.0
"""Standardised values are clipped to +-LIMIT standard deviations, so that one hot pixel cannot steer the training."""

KEPT = 1 << 27
"""Bytes, as float32, up to which a standardised scene is kept in memory."""

_EVERYTHING = slice(None)


class Readable(Protocol):
    """A cube that is read by windows: a ``Scene``, or what stands for one.

    ``read`` gives float32 (rows, cols, bands), the caller's own, NaN in every band of an invalid pixel.
    """

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns, bands."""

    def read(self, rows: slice = ..., cols: slice = ...) -> np.ndarray:
        """Return a window."""


@dataclass(frozen=True)
class Normalisation:
    """What the bands of a scene are brought to zero mean and unit variance with.

    ``mean`` and ``deviation`` are float64 (bands,), in the scene's unit; a band of deviation 0 tells nothing.
    """

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, cube: np.ndarray | Readable, valid: np.ndarray, passes: Passes = HERE) -> Normalisation:
        """Look at the finite values of the valid pixels, at those of a scene in one pass over its windows.

        Args:
            cube: float32 (rows, cols, bands), any unit, or a scene.
            valid: bool (rows, cols).
            passes: who looks at the windows of a scene.
        """
        if not isinstance(cube, np.ndarray):
            moments = Moments(cube.shape[2])
            for portion in passes.over(list(blocks(cube.shape, most=1 << 23)), partial(_moments, cube, valid)):
                moments.merge(*portion)
            return moments.normalisation()
        mean, deviation = np.zeros(cube.shape[-1]), np.zeros(cube.shape[-1])
        rows, cols = np.nonzero(valid)
        for band in range(cube.shape[-1]):  # band by band: the float64 copy stays small on large scenes
            values = cube[rows, cols, band].astype(np.float64)
            values = values[np.isfinite(values)]
            if len(values) == 0:
                continue
            mean[band], deviation[band] = values.mean(), values.std()
        return cls(mean, _telling(mean, deviation))

    def apply(self, cube: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Return the standardised cube; see ``standardise``."""
        result = np.zeros(cube.shape, dtype=np.float32)
        rows, cols = np.nonzero(valid)
        for band in np.flatnonzero(self.deviation > 0):
            values = cube[rows, cols, band].astype(np.float64)
            finite = np.isfinite(values)
            scaled = np.zeros_like(values)
            scaled[finite] = np.clip((values[finite] - self.mean[band]) / self.deviation[band], -LIMIT, LIMIT)
            result[rows, cols, band] = scaled
        return result

    def windows(self, cube: np.ndarray | Readable, valid: np.ndarray) -> Windows:
        """Return the standardised cube, in memory where it is an array, else to be read by windows."""
        return self.apply(cube, valid) if isinstance(cube, np.ndarray) else Spectra(cube, self)


class Moments:
    """Mean and standard deviation of every band over pixels that come in portions.

    Portions are merged by the update of Chan, Golub and LeVeque (1979), which loses no digits.
    """

    def __init__(self, bands: int) -> None:
        self._count, self._mean, self._squares = 0, np.zeros(bands), np.zeros(bands)

    def add(self, spectra: np.ndarray) -> None:
        """Take more pixels into account: finite (pixels, bands)."""
        self.merge(*_moments_of(spectra))

    def merge(self, count: np.ndarray, mean: np.ndarray, squares: np.ndarray) -> None:
        """Take a portion into account: its ``count`` of pixels (), their ``mean`` and sum of ``squares`` (bands,)."""
        if not count:
            return
        total = self._count + int(count)
        self._squares += squares + (mean - self._mean) ** 2 * (self._count * int(count) / total)
        self._mean += (mean - self._mean) * (int(count) / total)
        self._count = total

    def normalisation(self) -> Normalisation:
        """Return what brings all of these pixels to zero mean and unit variance."""
        deviation = np.sqrt(self._squares / max(self._count, 1))
        return Normalisation(self._mean.copy(), _telling(self._mean, deviation))


def _moments(cube: Readable, valid: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Look at the valid pixels of a window."""
    return _moments_of(cube.read(rows)[valid[rows]])


def _moments_of(spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the number () of ``spectra`` (pixels, bands), their mean (bands,) and their squares around it (bands,)."""
    if not len(spectra):
        nothing = np.zeros(spectra.shape[1])
        return np.array(0), nothing, nothing
    spectra = spectra.astype(np.float64)
    mean = spectra.mean(axis=0)
    spectra -= mean
    return np.array(len(spectra)), mean, np.einsum("pb,pb->b", spectra, spectra)


class Spectra:
    """A scene as ``Normalisation.apply`` would make it but for rounding, float32 (rows, cols, bands), read by windows.

    Slicing it gives an array, the caller's own; the scene's file is read each time.
    """

    dtype: np.dtype[Any] = np.dtype(np.float32)

    def __init__(self, cube: Readable, normalisation: Normalisation) -> None:
        self._cube = cube
        self.shape = cube.shape
        mean, deviation = normalisation.mean, normalisation.deviation
        # In two parts, so that large numbers of little variance lose no digits in float32.
        self._high = mean.astype(np.float32)
        self._low = (mean - self._high).astype(np.float32)
        telling = deviation > 0
        self._factor = np.where(telling, 1 / np.where(telling, deviation, 1.0), 0.0).astype(np.float32)

    def __getitem__(self, window: slice | tuple[slice, ...]) -> np.ndarray:
        """Return a window (rows, cols, bands): 0 where the scene has no value, never beyond +-``LIMIT``."""
        rows, cols = (*window, _EVERYTHING)[:2] if isinstance(window, tuple) else (window, _EVERYTHING)
        values = self._cube.read(rows, cols)
        values -= self._high
        values -= self._low
        values *= self._factor
        np.clip(values, -LIMIT, LIMIT, out=values)
        values[~np.isfinite(values)] = 0
        return values


def fits_in_memory(cube: np.ndarray | Readable) -> bool:
    """Whether a cube (rows, cols, bands), any unit, takes at most ``KEPT`` bytes as float32."""
    return 4 * int(np.prod(cube.shape)) <= KEPT


def loaded(cube: np.ndarray | Readable) -> np.ndarray | Readable:
    """Return a scene's values (rows, cols, bands), its own numbers, where they fit into memory, else the scene."""
    return cube if isinstance(cube, np.ndarray) or not fits_in_memory(cube) else cube.read()


def standardise(cube: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Bring every band to zero mean and unit variance over the valid pixels; the input is not changed.

    Args:
        cube: float32 (rows, cols, bands), any unit.
        valid: bool (rows, cols).

    Returns:
        float32 (rows, cols, bands), finite everywhere: 0 at invalid pixels, at non-finite values and in constant bands,
        never beyond +-``LIMIT``.
    """
    return Normalisation.of(cube, valid).apply(cube, valid)


def spectra_of(cube: np.ndarray | Readable, valid: np.ndarray, passes: Passes = HERE) -> Windows:
    """Return what the classifier sees: ``standardise``, by windows where the cube is a large scene.

    Args:
        cube: float32 (rows, cols, bands), any unit, or a scene.
        valid: bool (rows, cols); a scene's own where it is one.
        passes: who looks at the windows of a large scene.
    """
    values = loaded(cube)
    return Normalisation.of(values, valid, passes).windows(values, valid)


def share_at_limit(spectra: Windows, valid: np.ndarray) -> float:
    """Return the share of the valid pixels' values that lie at +-``LIMIT`` or were clipped to it.

    Args:
        spectra: float32 (rows, cols, bands), standardised.
        valid: bool (rows, cols), one pixel at least.
    """
    found = 0
    for rows in blocks(spectra.shape):
        found += int((np.abs(np.asarray(spectra[rows, _EVERYTHING])[valid[rows]]) >= LIMIT).sum())
    return found / (int(valid.sum()) * spectra.shape[2])


def _telling(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return the deviations, 0 for bands whose variance is no more than rounding."""
    return np.where(deviation > 1e-9 * np.maximum(1.0, np.abs(mean)), deviation, 0.0)
