"""Groups of pixels that look alike and lie near: what an answer speaks for."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from special.scene.scene import Scene

PER_CLASS = 16
"""Groups for every class."""


def group(scene: Scene, classes: int, *, seed: int) -> np.ndarray:
    """Return the group of every pixel, int32 (rows, cols), from 0; -1 at invalid pixels."""
    spectra = scene.read()[scene.valid].astype(np.float64)
    spectra = (spectra - spectra.mean(axis=0)) / np.maximum(spectra.std(axis=0), 1e-9)
    parts = PCA(min(10, spectra.shape[1], len(spectra)), random_state=seed).fit_transform(spectra)
    parts /= np.sqrt(np.maximum(parts.std(axis=0), 1e-9))
    count = max(1, min(PER_CLASS * classes, len(parts) // 4))
    groups = np.full(scene.valid.shape, -1, dtype=np.int32)
    groups[scene.valid] = KMeans(count, n_init=1, random_state=seed).fit(parts).labels_
    return groups
