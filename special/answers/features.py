"""What pixels are compared by: their spectrum, that of their surroundings, and where they lie.

The spectrum is told in a few principal components of the scene's standardised bands, partly whitened, of the pixel and
of its surroundings at two scales: a pixel alone is noisy, a mean alone loses what is small.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from special.answers.settings import AnswersSettings

if TYPE_CHECKING:
    from special.scene import Scene

SCALES = (1.0, 2.0)
"""Standard deviations of the surroundings, in pixels."""
_HALO = 8  # rows beside a window that its surroundings reach into: four standard deviations
_BYTES = 1 << 25
_FAINTEST = 1e-4  # variance, as a share of the first component's: nothing fainter is made stronger than that


class SceneFeatures:
    """Makes the features of a scene's pixels, window by window.

    Attributes:
        count: how many features of the spectrum a pixel has; two more say where it lies.
        sample: those of evenly spread pixels, float32 (pixels, count + 2).
    """

    def __init__(self, scene: Scene, settings: AnswersSettings) -> None:
        """Find the components from evenly spread pixels."""
        self._scene, self._settings = scene, settings
        sample = _sample(scene, settings.group_pixels).astype(np.float64)
        mean, sd = sample.mean(axis=0), np.maximum(sample.std(axis=0), 1e-9)
        standardised = (sample - mean) / sd
        variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(standardised, rowvar=False, bias=True)))
        variances, axes = variances[::-1][: settings.components], axes[:, ::-1][:, : settings.components]
        raised = np.maximum(variances, max(_FAINTEST * variances[0], 1e-12))
        axes = axes * (raised / raised[0]) ** (-settings.whitening / 2) / sd[:, None]
        self._axes, self._middle = axes.astype(np.float32), (mean @ axes).astype(np.float32)
        self.count = (1 + len(SCALES)) * axes.shape[1]
        self._scale = 1.0
        step, before, parts = _step(scene, settings.group_pixels), 0, []
        for _, features in self.windows():
            parts.append(features[(-before) % step :: step])
            before += len(features)
        self.sample = np.concatenate(parts)
        spectral = self.sample[:, : self.count]
        self._scale = float(1.0 / np.sqrt(max((spectral.astype(np.float64) ** 2).sum(axis=1).mean(), 1e-12)))
        spectral *= np.float32(self._scale)

    def windows(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield row slices in order, and the features float32 (pixels, count + 2) of the valid pixels there.

        The features of the spectrum have a mean square length of 1 over the scene; rows and columns, times
        ``place_weight``, have about that over a square scene.
        """
        rows, cols, _ = self._scene.shape
        place = self._settings.place_weight * np.sqrt(6.0) / max(rows, cols)
        for window in self._scene.windows(_BYTES):
            valid = self._scene.valid[window]
            if not valid.any():
                continue
            where = np.argwhere(valid) + np.array([window.start - rows / 2, -cols / 2])
            spectral = self._spectral(window)[valid] * self._scale
            yield window, np.concatenate([spectral, where * place], axis=1).astype(np.float32)

    def weights(self, *parts: float) -> np.ndarray:
        """Return what to multiply features by, (count + 2,), so that the parts of the spectrum count otherwise.

        ``parts``: of the pixel itself and of its surroundings at each of ``SCALES``. The mean square length stays 1.
        """
        each = np.repeat(np.asarray(parts, dtype=np.float64), self.count // len(parts))
        length = np.sqrt(((self.sample[:, : self.count].astype(np.float64) * each) ** 2).sum(axis=1).mean())
        return np.concatenate([each / max(length, 1e-12), np.ones(2)])

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Return the features float32 (n, count + 2) of the valid pixels at ``rows`` and ``cols`` (n,)."""
        found = np.zeros((len(rows), self.count + 2), dtype=np.float32)
        for window, features in self.windows() if len(rows) else ():
            here = (rows >= window.start) & (rows < window.stop)
            if here.any():
                valid = self._scene.valid[window]
                places = np.cumsum(valid.ravel()).reshape(valid.shape) - 1
                found[here] = features[places[rows[here] - window.start, cols[here]]]
        return found

    def _spectral(self, window: slice) -> np.ndarray:
        """Return the components (rows, cols, count) of a window's pixels and of their surroundings."""
        outer = slice(max(0, window.start - _HALO), min(self._scene.shape[0], window.stop + _HALO))
        valid = self._scene.valid[outer]
        cube = self._scene.read(outer)
        image = np.zeros((*valid.shape, self._axes.shape[1]), dtype=np.float32)
        image[valid] = cube[valid] @ self._axes - self._middle
        parts = [image]
        for scale in SCALES:
            weight = ndimage.gaussian_filter(valid.astype(np.float32), scale)
            smooth = ndimage.gaussian_filter(image, (scale, scale, 0))
            parts.append(smooth / np.maximum(weight, 1e-9)[..., None])
        inside = slice(window.start - outer.start, window.stop - outer.start)
        return np.concatenate(parts, axis=2)[inside]


def _sample(scene: Scene, count: int) -> np.ndarray:
    """Return at most ``count`` valid spectra, float32 (pixels, bands), evenly spread over the scene."""
    step, before, parts = _step(scene, count), 0, []
    for rows in scene.windows(_BYTES):
        valid = scene.valid[rows]
        if valid.any():
            parts.append(scene.read(rows)[valid][(-before) % step :: step])
            before += int(valid.sum())
    return np.concatenate(parts)


def _step(scene: Scene, count: int) -> int:
    """Return the distance between valid pixels of which there are ``count`` at most."""
    return max(1, -(-int(scene.valid.sum()) // count))
