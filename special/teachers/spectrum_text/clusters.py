"""Clusters of like spectra: groups of pixels are named instead of single ones.

What a sketch gets wrong about one pixel it gets wrong about all that look like it, so pixels of one material are named
together. Several clusterings, coarse to fine, vote, so that no single one decides. Brightness, which is most of what
spectra differ in and tells least of what they are, counts less in them than it would. A sample of pixels finds the
clusters; after that a scene may be gone through window by window.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SMALLEST = 20  # pixels a cluster should have on average
COMPONENTS = 10  # principal components in which pixels are compared: what comes after is noise
FAINTEST = 1e-4  # variance, as a share of the first component's: nothing fainter is made stronger than that


class Averages:
    """Mean values of the pixels of every cluster, in several clusterings of the same pixels."""

    def __init__(self, counts: Sequence[int], columns: int) -> None:
        ends = np.cumsum(counts)
        self._own = [slice(int(end - count), int(end)) for count, end in zip(counts, ends, strict=True)]
        self._sums = np.zeros((int(ends[-1]), columns))
        self._sizes = np.zeros(int(ends[-1]), dtype=np.int64)

    def portion(self, clusters: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what pixels add, by their ``clusters`` (pixels, clusterings) and ``values`` (pixels, columns).

        Sums (clusters, columns) and sizes (clusters,) of all clusterings, one after the other, for ``merge``.
        """
        sums, sizes = np.zeros_like(self._sums), np.zeros_like(self._sizes)
        for own, labels in zip(self._own, clusters.T, strict=True):
            count = own.stop - own.start
            sizes[own] = np.bincount(labels, minlength=count)
            for k, column in enumerate(values.T):
                sums[own, k] = np.bincount(labels, column, minlength=count)
        return sums, sizes

    def merge(self, sums: np.ndarray, sizes: np.ndarray) -> None:
        """Add pixels: ``sums`` (clusters, columns) and ``sizes`` (clusters,) of all clusterings, from ``portion``."""
        self._sums += sums
        self._sizes += sizes

    def of(self, clusters: np.ndarray) -> np.ndarray:
        """Return the mean values (pixels, columns) of the ``clusters`` (pixels, clusterings) that pixels belong to."""
        means = self._sums / np.maximum(self._sizes, 1)[:, None]
        total = np.zeros((len(clusters), means.shape[1]))
        for own, labels in zip(self._own, clusters.T, strict=True):
            total += means[own][labels]
        return total / len(self._own)


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
        from sklearn.cluster import KMeans

        self._found = [KMeans(count, n_init=2, max_iter=50, random_state=seed).fit(seen) for count in counts]
        self._named = self.averages(classes)
        self.dtype = np.min_scalar_type(max(counts))

    def __len__(self) -> int:
        return len(self._found)

    def assign(self, logs: np.ndarray) -> np.ndarray:
        """Return the clusters of pixels, whole numbers (pixels, clusterings), by their ``logs`` (pixels, regions)."""
        seen = logs @ self._axes
        return np.stack([found.predict(seen) for found in self._found], axis=1).astype(self.dtype)

    def portion(self, clusters: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what pixels add to the means: their ``clusters`` (pixels, clusterings), ``probabilities`` (pixels, K).

        For ``merge``: sums (clusters, K) and sizes (clusters,) of all clusterings, one after the other.
        """
        return self._named.portion(clusters, probabilities)

    def learn(self, clusters: np.ndarray, probabilities: np.ndarray) -> None:
        """Add pixels to the means: their ``clusters`` (pixels, clusterings) and own ``probabilities`` (pixels, K)."""
        self.merge(*self.portion(clusters, probabilities))

    def merge(self, sums: np.ndarray, sizes: np.ndarray) -> None:
        """Add pixels to the means: ``sums`` (clusters, K) and ``sizes`` (clusters,) of all clusterings."""
        self._named.merge(sums, sizes)

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
