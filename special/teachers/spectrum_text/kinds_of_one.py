"""Numbered kinds of one thing: "Parking lot 1" and "Parking lot 2", "Floodplain grasses 1" and "2".

The names say that there are several kinds, and nothing of how they differ. The scene says which pixels of the thing are
alike; which of the groups has which number it cannot say, so that is a guess, and the probabilities own up to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from special.classnames.reading import Reading

LEAN = 0.2  # of the thing's probability that goes to the kind of a pixel's group alone; the rest is shared evenly
AHEAD = 1e-3  # by which that kind leads what is no kind of the thing, where the thing as a whole leads it


def kinds_of(readings: Sequence[Sequence[Reading]]) -> list[list[int]]:
    """Return the class indices of all kinds of every numbered thing, in the order of their numbers."""
    groups: dict[str, list[tuple[float, int]]] = {}
    for index, group in enumerate(readings):
        if group[0].kind_of is not None:
            groups.setdefault(group[0].kind_of, []).append((group[0].kind or 0.0, index))
    return [[index for _, index in sorted(group)] for group in groups.values() if len(group) > 1]


class KindsOfOne:
    """Shares the probability of a thing among its kinds, by groups of pixels that are alike.

    The largest group is taken for the first kind, since people who number things tend to begin with what there is most
    of.
    """

    def __init__(self, logs: np.ndarray, kinds: Sequence[int], *, seed: int) -> None:
        """Find as many groups as there are kinds.

        Args:
            logs: (pixels, regions) log reflectance of a sample of the thing, as many pixels as kinds or more.
            kinds: class indices in the order of their numbers.
            seed: of the clustering.
        """
        from sklearn.cluster import KMeans

        self._kinds = list(kinds)
        self._clusters = KMeans(len(kinds), n_init=10, random_state=seed).fit(logs)
        sizes = np.bincount(self._clusters.labels_, minlength=len(kinds))
        self._ranks = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")  # (groups,), 0 the largest

    def share(self, logs: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Return ``probabilities`` (pixels, K) with the thing's total of each pixel shared out by ``logs``.

        No kind is made surer than the guess is, but what the thing is stands above which kind: a pixel that is likelier
        to be a meadow than a road does not become a road because there are three kinds of meadow.
        """
        count = len(self._kinds)
        own = np.eye(count, dtype=bool)[self._ranks[self._clusters.predict(logs)]]
        total = probabilities[:, self._kinds].sum(axis=1)
        rival = np.delete(probabilities, self._kinds, axis=1).max(axis=1, initial=0.0)
        guessed = np.maximum((LEAN + (1 - LEAN) / count) * total, np.where(total > rival, rival + AHEAD, 0.0))
        guessed = np.minimum(guessed, total)
        shared = probabilities.copy()
        shared[:, self._kinds] = np.where(own, guessed[:, None], ((total - guessed) / (count - 1))[:, None])
        return shared
