"""What is believed of the groups of a scene, once some of them have been named.

A Gaussian process over the groups. Its mean, before anybody has answered, is the map that the names made, as far as
the answers bear it out: how sharp and how much it is to be believed is weighed by how probable it makes the answers.
Its covariance says how far an answer carries (``likeness``). Given the answers, mean and variance are in closed form
(Rasmussen and Williams 2006, equations 2.25 and 2.26), and so is what the process would say of each answer without it
(their equations 5.12).

An answer may be a slip. How likely that is, Bayes' rule says: by how probable the names and the other answers make it.
What is likely a slip moves less of what is believed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from special.answers.likeness import Covariance, Observations
from special.answers.settings import AnswersSettings

POWERS = (0.5, 1.0, 2.0, 4.0)
"""Powers of the names' probabilities that are weighed: below 1 softens them, above 1 sharpens."""
TRUSTS = np.linspace(0.0, 1.0, 11)
"""Shares of the names' map in the mean that are weighed; the rest knows no class from another."""
_SLIP = 0.03  # chance that an answer is not what anybody could have expected
_SEEN = 1e-3  # least probability of a class
_ROUNDS = 2  # slips are weighed so often, each time with less weight on those found before
_SURE, _STRANGE = 0.5, 0.1  # what an answer without support is denied by, and has itself
_DENIED = 0.3  # how likely a slip is, at least, that all that is alike denies
_WITNESS_POWER, _WITNESS_TRUST = 2.0, 0.95  # of the names' map where it is a witness against slips
_HARDLY_NAMED = 0.1  # of an even share: a class that names give less than that they cannot witness for


class Belief:
    """What is believed, given answers.

    Attributes:
        names: float (groups, K), the mean of the names' map in each group.
        trust: the share of the names' map in the mean, as the answers bear it out.
        mean: float (groups, K + 1), what is believed of each class, and of none of these; not quite probabilities.
        left: float (groups, groups), the covariance that the answers leave.
        alone: float (n, K + 1), what would be believed at each observation without it.
        slips: float (n,), how likely it is that the answers were slips.
        noise: float (n,), variance of the observations.
    """

    def __init__(
        self, names: Sequence[np.ndarray], likeness: Covariance, seen: Observations, settings: AnswersSettings
    ) -> None:
        """Weigh the answers.

        Args:
            names: for each of ``POWERS`` the mean over each group of the names' probabilities to that power,
                float (groups, K).
            likeness: how groups go together.
            seen: what the answers say.
            settings: the section ``[answers]``.
        """
        self.likeness, self.seen, self.settings = likeness, seen, settings
        self.classes = names[0].shape[1]
        self._shares = self._weigh(names)
        self.trust = float((self._shares * TRUSTS).sum())
        prior = self.prior(names)
        self.names = names[POWERS.index(1.0)]
        said = np.eye(self.classes + 1)[seen.classes] - prior[seen.groups]
        among = likeness.among(seen)
        self.slips = np.zeros(len(seen))
        witnessed = self._witnessed()
        for round_ in range(_ROUNDS + 1):
            # So that an answer with nothing near moves what is believed there by its share that is no slip.
            self.noise = (1 + settings.noise / seen.weights) / (1 - self.slips) - 1
            inverse, self.alone = self._without(among, said, prior)
            if round_ < _ROUNDS:
                self.slips = np.maximum(self._weigh_slips(witnessed), np.where(self.contradicted, _DENIED, 0.0))
        self.weights = inverse @ said
        to_seen = likeness.of_groups(seen)
        self.mean = prior + to_seen @ self.weights
        self.left = likeness.between_groups - to_seen @ inverse @ to_seen.T

    def prior(self, names: Sequence[np.ndarray]) -> np.ndarray:
        """Return what is believed before the answers speak for what is near, (n, K + 1).

        ``names``: as for the groups, of any pixels: for each of ``POWERS`` the probabilities (n, K).
        """
        mean = sum(share * values for share, values in zip(self._shares @ TRUSTS, names, strict=True))
        present = np.bincount(self.seen.classes, minlength=self.classes + 1)[: self.classes] > 0
        rest = present + 1.0 / (1 + len(self.seen))
        mean = mean + (1 - self.trust) * rest / rest.sum()
        return np.concatenate([mean, np.zeros((len(mean), 1))], axis=1)

    @property
    def probabilities(self) -> np.ndarray:
        """The mean as probabilities (groups, K + 1)."""
        return as_probabilities(self.mean)

    @property
    def contradicted(self) -> np.ndarray:
        """Which observations bool (n,) all that is like them denies: another class is much more believed there."""
        if not len(self.seen):
            return np.zeros(0, dtype=bool)
        alone = as_probabilities(self.alone)
        own = alone[np.arange(len(alone)), self.seen.classes]
        return (own < _STRANGE) & (alone.max(axis=1) > _SURE) & (self._support > 0.5)

    def at(self, features: np.ndarray, names: Sequence[np.ndarray]) -> np.ndarray:
        """Return what is believed of pixels, (pixels, K + 1), by their features and the names' probabilities there."""
        return np.asarray(self.prior(names) + self.likeness.of_pixels(features, self.seen) @ self.weights)

    def _weigh(self, names: Sequence[np.ndarray]) -> np.ndarray:
        """Return how probable each power (rows) and trust (columns) is, given the answers."""
        logs = np.zeros((len(POWERS), len(TRUSTS)))
        named = self.seen.classes < self.classes
        groups, classes = self.seen.groups[named], self.seen.classes[named]
        for row, values in zip(logs, names, strict=True):
            told = values[groups, classes][:, None]
            chance = TRUSTS * told + (1 - TRUSTS) / self.classes
            row += np.log((1 - _SLIP) * chance + _SLIP / self.classes).sum(axis=0)
        shares = np.exp(logs - logs.max())
        return np.asarray(shares / shares.sum())

    def _witnessed(self) -> np.ndarray:
        """Return how probable the names make each observation (n,), as far as the others bear the names out.

        Either their sharpened map is right or it says nothing; the former is expected, for what names are sure of is
        right far more often than not, and what they are not sure of denies nothing. Of what names hardly know, as a
        class that was added, or none of these, they say nothing.
        """
        chance, slips = 1 / self.classes, self.settings.slips
        classes = np.minimum(self.seen.classes, self.classes - 1)
        told = as_probabilities(self.names, _WITNESS_POWER)[self.seen.groups, classes]
        known = (self.seen.classes < self.classes) & (self.names.mean(axis=0)[classes] >= _HARDLY_NAMED * chance)
        told = np.where(known, told, chance)
        logs = np.log(((1 - slips) * told + slips * chance) / chance)
        odds = np.log(_WITNESS_TRUST / (1 - _WITNESS_TRUST)) + logs.sum() - logs  # by all others
        trust = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
        return np.asarray(trust * told + (1 - trust) * chance)

    def _weigh_slips(self, witnessed: np.ndarray) -> np.ndarray:
        """Return how likely it is that observations are slips (n,): one names any class.

        ``witnessed`` (n,) is how probable the names make them; the more others have said of the like, the more what
        these make of it counts instead.
        """
        alone = as_probabilities(self.alone)[np.arange(len(self.seen)), self.seen.classes]
        told = self._support * alone + (1 - self._support) * witnessed
        slip = self.settings.slips / self.classes
        return np.asarray(slip / (slip + (1 - self.settings.slips) * told))

    def _without(self, among: np.ndarray, said: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the inverse of the observations' covariance, and what each of them is expected to be by the others."""
        inverse = np.linalg.inv(among + np.diag(self.noise))
        own = np.diag(inverse)[:, None]
        expected = said - (inverse @ said) / own
        # How much of the process's variance the others explain there.
        self._support = np.clip(1 - (1 / own[:, 0] - self.noise), 0.0, 1.0)
        return inverse, expected + prior[self.seen.groups]


def as_probabilities(mean: np.ndarray, power: float = 1.0) -> np.ndarray:
    """Return probabilities (n, classes) of a mean that may be below 0: rows sum to 1."""
    shares = np.maximum(mean, _SEEN) ** power
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def tempered(probabilities: np.ndarray) -> list[np.ndarray]:
    """Return ``probabilities`` (n, K) to each of ``POWERS``, rows that sum to 1."""
    logs = np.log(np.maximum(probabilities, 1e-6))
    found = []
    for power in POWERS:
        shares = np.exp(power * (logs - logs.max(axis=1, keepdims=True)))
        found.append(np.asarray(shares / shares.sum(axis=1, keepdims=True)))
    return found
