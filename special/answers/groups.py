"""Groups of pixels that look alike and lie near: what is asked about, and what an answer is taken to speak for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import KMeans

from special.answers.features import SceneFeatures
from special.answers.settings import AnswersSettings

if TYPE_CHECKING:
    from special.scene import Scene
    from special.storage.rasters import Rows

_SMALLEST = 4  # pixels a group should have on average


@dataclass(frozen=True)
class Groups:
    """The groups of a scene.

    Attributes:
        of_pixels: int32 (rows, cols), from 0; -1 at invalid pixels.
        distances: float32 (rows, cols), how far each pixel is from the centre of its group, squared.
        centres: float64 (groups, features), of ``SceneFeatures``.
        sizes: int (groups,), pixels.
        features: makes the features again.
    """

    of_pixels: np.ndarray
    distances: np.ndarray
    centres: np.ndarray
    sizes: np.ndarray
    features: SceneFeatures

    def __len__(self) -> int:
        """How many there are."""
        return len(self.centres)

    def means(self, values: Rows) -> np.ndarray:
        """Return the mean values (groups, n) of an array (rows, cols, n)."""
        from special.storage.rasters import blocks

        sums = np.zeros((len(self), values.shape[2]))
        for rows in blocks(values.shape):
            inside = self.of_pixels[rows] >= 0
            groups, here = self.of_pixels[rows][inside], values[rows][inside]
            for k in range(values.shape[2]):
                sums[:, k] += np.bincount(groups, here[:, k], minlength=len(self))
        return sums / np.maximum(self.sizes, 1)[:, None]


def group(scene: Scene, classes: int, settings: AnswersSettings, *, seed: int) -> Groups:
    """Find the groups of a scene's pixels.

    Args:
        scene: the scene, which is read by windows.
        classes: K: the more there are, the finer the groups.
        settings: the section ``[answers]``.
        seed: of the clustering.
    """
    features = SceneFeatures(scene, settings)
    count = max(1, min(settings.groups_per_class * classes, len(features.sample) // _SMALLEST))
    found = KMeans(count, n_init=1, max_iter=20, random_state=seed).fit(features.sample)
    of_pixels = np.full(scene.valid.shape, -1, dtype=np.int32)
    distances = np.zeros(scene.valid.shape, dtype=np.float32)
    for rows, here in features.windows():
        labels = found.predict(here)
        of_pixels[rows][scene.valid[rows]] = labels
        distances[rows][scene.valid[rows]] = ((here - found.cluster_centers_[labels]) ** 2).sum(axis=1)
    sizes = np.bincount(of_pixels[scene.valid], minlength=count)
    return Groups(of_pixels, distances, found.cluster_centers_.astype(np.float64), sizes, features)
