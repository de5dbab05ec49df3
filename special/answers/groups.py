"""Groups of pixels that look alike and lie near: what is asked about, and what an answer is taken to speak for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.cluster import KMeans

from special.answers.features import SceneFeatures
from special.answers.settings import AnswersSettings
from special.storage.rasters import Rows, blocks

if TYPE_CHECKING:
    from special.scene import Scene

MadeOf = Callable[[np.ndarray], Sequence[np.ndarray]]

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

    @cached_property
    def parts(self) -> np.ndarray:
        """The connected part of a group that each pixel is in, int32 (rows, cols), from 0; -1 at invalid pixels."""
        numbers = np.arange(self.of_pixels.size, dtype=np.int32).reshape(self.of_pixels.shape)
        ends = []
        for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
            joined = self.of_pixels[one] == self.of_pixels[other]
            ends.append((numbers[one][joined], numbers[other][joined]))
        first, second = (np.concatenate(both) for both in zip(*ends, strict=True))
        graph = sparse.coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(numbers.size,) * 2)
        _, found = sparse.csgraph.connected_components(graph, directed=False)
        return np.where(self.of_pixels >= 0, found.reshape(numbers.shape), -1).astype(np.int32)

    def means(self, values: Rows, made_of: MadeOf = lambda pixels: [pixels]) -> list[np.ndarray]:
        """Return the mean over each group, (groups, n), of what is made of ``values`` (rows, cols, n).

        Args:
            values: an array over the scene, which is read by windows.
            made_of: takes values (pixels, n) to one or more arrays of that shape.
        """
        sums: list[np.ndarray] = []
        for rows in blocks(values.shape):
            inside = self.of_pixels[rows] >= 0
            groups = self.of_pixels[rows][inside]
            made = made_of(np.asarray(values[rows])[inside].astype(np.float64))
            here = [np.stack([np.bincount(groups, column, len(self)) for column in one.T], axis=1) for one in made]
            sums = [before + more for before, more in zip(sums, here, strict=True)] if sums else here
        return [total / np.maximum(self.sizes, 1)[:, None] for total in sums]


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
