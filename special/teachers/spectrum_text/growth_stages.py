"""Stages of growth of one crop: their order follows from their names, how green each is follows from the scene.

The stages of a series are found in a sample of its pixels; after that a scene may be gone through window by window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from special.classnames.reading import Reading

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

NEAR_INFRARED, RED = (760.0, 930.0), (630.0, 690.0)  # nm: their log ratio grows with green cover
MEMBER = 0.5  # probability of a series from which a pixel helps to find its stages
FEWEST = 20  # pixels a stage needs to be found


def series_of(readings: list[list[Reading]]) -> list[list[int]]:
    """Return the class indices of every series of growth stages, in the order of growth."""
    groups: dict[str, list[tuple[float, int]]] = {}
    for index, group in enumerate(readings):
        series, stage = group[0].series, group[0].stage
        if series is not None and stage is not None:
            groups.setdefault(series, []).append((stage, index))
    return [[index for _, index in sorted(group)] for group in groups.values() if len(group) > 1]


def members(probabilities: np.ndarray, series: Sequence[int]) -> np.ndarray:
    """Return which pixels of ``probabilities`` (pixels, K) help to find the stages of a series: bool (pixels,)."""
    return np.asarray(probabilities[:, list(series)].sum(axis=1) > MEMBER)


def has_greenness(centres: np.ndarray) -> bool:
    """Whether ``centres`` (regions,), nm, reach red and near infrared: without them no stage can be recognised."""
    return all(bool(((centres > low) & (centres < high)).any()) for low, high in (NEAR_INFRARED, RED))


class GrowthStages:
    """Shares the probability of a series of growth stages among its classes, by clusters in the order of greenness.

    The names say that stages differ and which comes first, not how much ground each covers. Three ways to cut the
    series into as many parts as there are stages vote: clusters of spectral shape in the order of their greenness,
    clusters of greenness alone, and equal areas.
    """

    def __init__(self, logs: np.ndarray, centres: np.ndarray, series: Sequence[int], *, seed: int) -> None:
        """Find the stages.

        Args:
            logs: (pixels, regions) log reflectance of a sample of the series' members, ``FEWEST`` per stage or more.
            centres: (regions,) nm, with red and near infrared among them.
            series: class indices in the order of growth.
            seed: of the clustering.
        """
        self._series = list(series)
        self._infrared = (centres > NEAR_INFRARED[0]) & (centres < NEAR_INFRARED[1])
        self._red = (centres > RED[0]) & (centres < RED[1])
        stages = len(self._series)
        greenness, shape = self._features(logs)
        self._cuts = np.quantile(greenness, np.arange(1, stages) / stages)
        self._by_shape = _OrderedClusters.find(shape, greenness, stages, seed)
        self._by_greenness = _OrderedClusters.find(greenness[:, None], greenness, stages, seed)

    def share(self, logs: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Return ``probabilities`` (pixels, K) with the series' total of each pixel shared out by ``logs``."""
        greenness, shape = self._features(logs)
        votes = [
            self._by_shape.assign(shape),
            self._by_greenness.assign(greenness[:, None]),
            np.searchsorted(self._cuts, greenness),
        ]
        shares = np.mean([np.eye(len(self._series))[vote] for vote in votes], axis=0)
        shared = probabilities.copy()
        shared[:, self._series] = probabilities[:, self._series].sum(axis=1)[:, None] * shares
        return shared

    def _features(self, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return greenness (pixels,) and spectral shape (pixels, regions)."""
        greenness = logs[:, self._infrared].mean(axis=1) - logs[:, self._red].mean(axis=1)
        return greenness, logs - logs.mean(axis=1, keepdims=True)


@dataclass(frozen=True)
class _OrderedClusters:
    clusters: KMeans
    ranks: np.ndarray  # (clusters,), 0 the least green

    @classmethod
    def find(cls, features: np.ndarray, greenness: np.ndarray, count: int, seed: int) -> _OrderedClusters:
        from sklearn.cluster import KMeans

        clusters = KMeans(count, n_init=10, random_state=seed).fit(features)
        means = [greenness[clusters.labels_ == i].mean() for i in range(count)]
        return cls(clusters, np.argsort(np.argsort(means)))

    def assign(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(self.ranks[self.clusters.predict(features)])
