"""How far an answer carries: what groups of pixels, and pixels, have to do with each other.

Half of the covariance falls with the difference of two groups, the other half follows the scene's own structure, from
neighbour to neighbour in a graph of the groups (Zhu, Lafferty and Ghahramani 2003, "Combining active learning and
semi-supervised learning using Gaussian fields and harmonic functions").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from special.answers.settings import AnswersSettings

_DAMPING = 0.02  # of the graph's Laplacian: how soon an answer fades along it
_DECAY = 4.0  # of the weights in the graph, over squared distances in units of the local ones


@dataclass(frozen=True)
class Observations:
    """What the answers say of groups.

    Attributes:
        groups: int (n,). classes: int (n,), from 0; K stands for none of these.
        features: float (n, features), the mean of the pixels that say so.
        weights: float (n,): how many pixels say so, some of them at most.
    """

    groups: np.ndarray
    classes: np.ndarray
    features: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        """How many there are."""
        return len(self.groups)


def covariance(groups: np.ndarray, settings: AnswersSettings, weights: np.ndarray | None = None) -> Covariance:
    """Return how groups go together by the features of their centres, ``groups`` (groups, features), in any unit.

    ``weights`` (features,): what the features count, times each of them; alike when None.
    """
    weights = np.ones(groups.shape[1]) if weights is None else weights
    squares = _squares(groups * weights, groups * weights)
    return Covariance(groups * weights, squares, _along_the_graph(squares, settings.neighbours), settings, weights)


@dataclass(frozen=True)
class Covariance:
    """How groups, and pixels, go together: 1 for what is the same.

    Attributes:
        centres: float (groups, features), times the weights.
        squares: float (groups, groups), squared distances.
        graph: float (groups, groups), the part that follows the graph.
        weights: float (features,): what features are multiplied by before they are compared.
    """

    centres: np.ndarray
    squares: np.ndarray
    graph: np.ndarray
    settings: AnswersSettings
    weights: np.ndarray

    @cached_property
    def between_groups(self) -> np.ndarray:
        """Return float (groups, groups)."""
        return self._together(self._across(self.squares), self.graph)

    def of_groups(self, seen: Observations) -> np.ndarray:
        """Return float (groups, n) between groups and observations, which stand where their own pixels are."""
        across = self._across(_squares(self.centres, seen.features * self.weights))
        return self._together(across, self.graph[:, seen.groups])

    def among(self, seen: Observations) -> np.ndarray:
        """Return float (n, n) among observations."""
        across = self._across(_squares(seen.features * self.weights, seen.features * self.weights))
        return self._together(across, self.graph[np.ix_(seen.groups, seen.groups)])

    def of_pixels(self, features: np.ndarray, seen: Observations) -> np.ndarray:
        """Return float (pixels, n) between pixels, by their ``features`` (pixels, features), and observations.

        A pixel follows the graph as the groups nearest to it do.
        """
        features = features * self.weights.astype(features.dtype)
        squares = _squares(features, self.centres)
        count = min(4, len(self.centres))
        nearest = np.argpartition(squares, count - 1, axis=1)[:, :count]
        apart = np.take_along_axis(squares, nearest, axis=1)
        shares = np.exp(-apart / np.maximum(apart.min(axis=1, keepdims=True), 1e-9))
        shares /= shares.sum(axis=1, keepdims=True)
        graph = self.graph[:, seen.groups]
        along = sum(shares[:, i, None] * graph[nearest[:, i]] for i in range(count))
        return self._together(self._across(_squares(features, seen.features * self.weights)), np.asarray(along))

    def _together(self, across: np.ndarray, along: np.ndarray) -> np.ndarray:
        return np.asarray((1 - self.settings.along) * across + self.settings.along * along)

    def _across(self, squares: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(-squares / (2 * self.settings.reach**2)))


def _squares(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return squared distances (n, m) of points (n, features) and (m, features)."""
    inner = first.astype(np.float64) @ second.T
    squares = (first.astype(np.float64) ** 2).sum(axis=1)[:, None] + (second**2).sum(axis=1) - 2 * inner
    return np.asarray(np.maximum(squares, 0.0))


def _along_the_graph(squares: np.ndarray, neighbours: int) -> np.ndarray:
    """Return the correlation (groups, groups) of a Gaussian field on the graph of the nearest ``neighbours``."""
    count = len(squares)
    if count == 1:
        return np.ones((1, 1))
    nearest = np.argsort(squares, axis=1)[:, 1 : neighbours + 1]
    local = np.sqrt(np.take_along_axis(squares, nearest[:, -1:], axis=1))
    likeness = np.exp(-_DECAY * squares / np.maximum(local * local.T, 1e-12))
    weights = np.zeros_like(squares)
    rows = np.arange(count)[:, None]
    weights[rows, nearest] = likeness[rows, nearest]
    weights = np.maximum(weights, weights.T)
    degrees = np.maximum(weights.sum(axis=1), 1e-12)
    laplacian = np.eye(count) - weights / np.sqrt(degrees[:, None] * degrees)
    field = np.linalg.inv(laplacian + _DAMPING * np.eye(count))
    sd = np.sqrt(np.diag(field))
    return np.asarray(field / sd[:, None] / sd)
