"""Naming groups of pixels instead of single ones: clusters of like spectra, and stages of growth in their order.

What a sketch gets wrong about one pixel it gets wrong about all that look like it, so pixels of one material are named
together. Several clusterings, coarse to fine, vote, so that no single one decides. Brightness, which is most of what
spectra differ in and tells least of what they are, counts less in them than it would. A sample of pixels finds the
clusters and the stages; after that a scene may be gone through window by window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans

NEAR_INFRARED, RED = (760.0, 930.0), (630.0, 690.0)  # nm: their log ratio grows with green cover
MEMBER = 0.5  # probability of a series from which a pixel helps to find its stages
FEWEST = 20  # pixels a stage needs to be found
SMALLEST = 20  # pixels a cluster should have on average
COMPONENTS = 10  # principal components in which pixels are compared: what comes after is noise
FAINTEST = 1e-4  # variance, as a share of the first component's: nothing fainter is made stronger than that


class Averages:
    """Mean values of the pixels of every cluster, in several clusterings of the same pixels."""

    def __init__(self, counts: Sequence[int], columns: int) -> None:
        self._sums = [np.zeros((count, columns)) for count in counts]
        self._sizes = [np.zeros(count, dtype=np.int64) for count in counts]

    def add(self, clusters: np.ndarray, values: np.ndarray) -> None:
        """Add pixels: their ``clusters`` (pixels, clusterings) and ``values`` (pixels, columns)."""
        for sums, sizes, labels in zip(self._sums, self._sizes, clusters.T, strict=True):
            sizes += np.bincount(labels, minlength=len(sizes))
            for k, column in enumerate(values.T):
                sums[:, k] += np.bincount(labels, column, minlength=len(sizes))

    def of(self, clusters: np.ndarray) -> np.ndarray:
        """Return the mean values (pixels, columns) of the ``clusters`` (pixels, clusterings) that pixels belong to."""
        total = np.zeros((len(clusters), self._sums[0].shape[1]))
        for sums, sizes, labels in zip(self._sums, self._sizes, clusters.T, strict=True):
            total += (sums / np.maximum(sizes, 1)[:, None])[labels]
        return total / len(self._sums)


class Clusterings:
    """Clusters of like pixels, and the mean probabilities of the pixels that they were shown."""

    def __init__(
        self, logs: np.ndarray, classes: int, per_class: Sequence[int], *, whitening: float, seed: int
    ) -> None:
        """Find the cluster centres.

        Args:
            logs: (pixels, regions) log reflectance of a sample.
            classes: K.
            per_class: clusters per class of each clustering.
            whitening: of the principal components that are compared, as ``whitened_axes`` takes it.
            seed: of the clustering.
        """
        counts = [max(1, min(factor * classes, len(logs) // SMALLEST)) for factor in per_class]
        self._axes = whitened_axes(logs, whitening)
        seen = logs @ self._axes
        self._found = [KMeans(count, n_init=2, max_iter=50, random_state=seed).fit(seen) for count in counts]
        self._named = self.averages(classes)
        self.dtype = np.min_scalar_type(max(counts))

    def __len__(self) -> int:
        return len(self._found)

    def assign(self, logs: np.ndarray) -> np.ndarray:
        """Return the cluster of every pixel in each clustering, whole numbers (pixels, clusterings)."""
        seen = logs @ self._axes
        return np.stack([found.predict(seen) for found in self._found], axis=1).astype(self.dtype)

    def learn(self, clusters: np.ndarray, probabilities: np.ndarray) -> None:
        """Add pixels to the means: their ``clusters`` (pixels, clusterings) and own ``probabilities`` (pixels, K)."""
        self._named.add(clusters, probabilities)

    def name(self, clusters: np.ndarray) -> np.ndarray:
        """Return the mean probabilities (pixels, K) of the ``clusters`` that pixels belong to; rows sum to 1."""
        total = self._named.of(clusters)
        return total / total.sum(axis=1, keepdims=True)

    def averages(self, columns: int) -> Averages:
        """Return means over the clusters of something else, of nothing yet."""
        return Averages([found.n_clusters for found in self._found], columns)


def whitened_axes(logs: np.ndarray, whitening: float) -> np.ndarray:
    """Return the principal axes (regions, components) of ``logs``, partly whitened: the first keeps its length.

    Args:
        logs: (pixels, regions) log reflectance of a sample.
        whitening: 0 leaves the variances of the components as they are, 1 makes them all alike, 0.5 takes their roots.
    """
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(logs, rowvar=False, bias=True)))
    variances, axes = variances[::-1][:COMPONENTS], axes[:, ::-1][:, :COMPONENTS]
    raised = np.maximum(variances, FAINTEST * variances[0])
    return np.asarray(axes * (raised / raised[0]) ** (-whitening / 2) if raised[0] > 0 else axes, dtype=logs.dtype)


def members(probabilities: np.ndarray, series: Sequence[int]) -> np.ndarray:
    """Return which pixels of ``probabilities`` (pixels, K) help to find the stages of a series: bool (pixels,)."""
    return np.asarray(probabilities[:, list(series)].sum(axis=1) > MEMBER)


def has_greenness(centres: np.ndarray) -> bool:
    """Whether spectral regions at ``centres`` (nm) reach red and near infrared: without them no stage can be told."""
    return all(bool(((centres > low) & (centres < high)).any()) for low, high in (NEAR_INFRARED, RED))


class Stages:
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
        clusters = KMeans(count, n_init=10, random_state=seed).fit(features)
        means = [greenness[clusters.labels_ == i].mean() for i in range(count)]
        return cls(clusters, np.argsort(np.argsort(means)))

    def assign(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(self.ranks[self.clusters.predict(features)])
