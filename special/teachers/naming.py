"""Naming groups of pixels instead of single ones: clusters of like spectra, and stages of growth in their order.

What a sketch gets wrong about one pixel it gets wrong about all that look like it, so pixels of one material are named
together. Several clusterings, coarse to fine, vote, so that no single one decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.cluster import KMeans

NEAR_INFRARED, RED = (760.0, 930.0), (630.0, 690.0)  # nm: their log ratio grows with green cover
MEMBER = 0.5  # probability of a series from which a pixel helps to find its stages
FEWEST = 20  # pixels a stage needs to be found
SMALLEST = 20  # pixels a cluster should have on average


def name_clusters(
    logs: np.ndarray, probabilities: np.ndarray, per_class: Sequence[int], *, sample: int, seed: int
) -> np.ndarray:
    """Give every pixel the mean probabilities of the clusters it belongs to.

    Args:
        logs: (pixels, regions) log reflectance.
        probabilities: (pixels, K), each pixel on its own.
        per_class: clusters per class of each clustering.
        sample: pixels that find the cluster centres; all are assigned.
        seed: of the clustering.

    Returns:
        (pixels, K), rows sum to 1.
    """
    pixels, classes = probabilities.shape
    chosen = evenly(pixels, sample)
    total = np.zeros((pixels, classes))
    for factor in per_class:
        count = max(1, min(factor * classes, len(chosen) // SMALLEST))
        labels = KMeans(count, n_init=2, max_iter=50, random_state=seed).fit(logs[chosen]).predict(logs)
        sizes = np.maximum(np.bincount(labels, minlength=count), 1)
        means = np.stack(
            [np.bincount(labels, probabilities[:, k], minlength=count) / sizes for k in range(classes)], axis=1
        )
        total += means[labels]
    return total / total.sum(axis=1, keepdims=True)


def order_stages(
    logs: np.ndarray, centres: np.ndarray, probabilities: np.ndarray, series: Sequence[int], *, sample: int, seed: int
) -> np.ndarray:
    """Share the probability of a series of growth stages among its classes, by clusters in the order of greenness.

    The names say that stages differ and which comes first, not how much ground each covers. Three ways to cut the
    series into as many parts as there are stages vote: clusters of spectral shape in the order of their greenness,
    clusters of greenness alone, and equal areas.

    Args:
        logs: (pixels, regions) log reflectance.
        centres: (regions,) nm. Without red and near infrared nothing is shared out.
        probabilities: (pixels, K).
        series: class indices in the order of growth.
        sample: pixels that find the clusters at most.
        seed: of the clustering.

    Returns:
        (pixels, K): the series' total per pixel is kept.
    """
    infrared = (centres > NEAR_INFRARED[0]) & (centres < NEAR_INFRARED[1])
    red = (centres > RED[0]) & (centres < RED[1])
    total = probabilities[:, list(series)].sum(axis=1)
    members = np.flatnonzero(total > MEMBER)
    if not infrared.any() or not red.any() or len(members) < FEWEST * len(series):
        return probabilities
    greenness = logs[:, infrared].mean(axis=1) - logs[:, red].mean(axis=1)
    shape = logs - logs.mean(axis=1, keepdims=True)
    chosen = members[evenly(len(members), sample)]
    stages = len(series)
    cuts = np.quantile(greenness[chosen], np.arange(1, stages) / stages)
    votes = [
        _ordered_clusters(shape, greenness, chosen, stages, seed),
        _ordered_clusters(greenness[:, None], greenness, chosen, stages, seed),
        np.searchsorted(cuts, greenness),
    ]
    shares = np.mean([np.eye(stages)[vote] for vote in votes], axis=0)
    shared = probabilities.copy()
    shared[:, list(series)] = total[:, None] * shares
    return shared


def _ordered_clusters(
    features: np.ndarray, greenness: np.ndarray, chosen: np.ndarray, count: int, seed: int
) -> np.ndarray:
    """Cluster the ``chosen`` pixels; return every pixel's cluster (pixels,), 0 the least green."""
    clusters = KMeans(count, n_init=10, random_state=seed).fit(features[chosen])
    mean_greenness = [greenness[chosen][clusters.labels_ == i].mean() for i in range(count)]
    return np.argsort(np.argsort(mean_greenness))[clusters.predict(features)]


def evenly(pixels: int, count: int) -> np.ndarray:
    """Positions of at most ``count`` of ``pixels``, evenly spread: a sample without a random draw."""
    return np.linspace(0, pixels - 1, min(count, pixels)).round().astype(int) if pixels else np.empty(0, dtype=int)
