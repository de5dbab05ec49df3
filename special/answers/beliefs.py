"""What is believed under several ideas of what is alike, each as far as the answers bear it out.

Where a class is a texture, a pixel is like its surroundings; where it is a stuff, or narrow as a road, it is like
itself alone. Nobody can say which beforehand; the answers can: an idea is worth the more the better it foresees each
answer from the others (Rasmussen and Williams 2006, section 5.4.2; Yao et al. 2018, "Using stacking to average Bayesian
predictive distributions", section 3.4, whose weights these are).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from special.answers.belief import Belief, as_probabilities
from special.answers.likeness import Covariance, Observations
from special.answers.settings import AnswersSettings

_CHANCE = 0.1  # of an answer that no idea could have foreseen: one such is no proof against any of them


class Beliefs:
    """What is believed, given answers, under several ideas.

    Attributes:
        each: what is believed under each idea.
        shares: float (ideas,), how far each is to be believed; sums to 1.
        seen: what the answers say. settings: the section ``[answers]``.
        names: float (groups, K), the mean of the names' map in each group.
        trust: the share of the names' map in the mean, as the answers bear it out.
    """

    def __init__(
        self,
        names: Sequence[np.ndarray],
        ideas: Sequence[Covariance],
        seen: Observations,
        settings: AnswersSettings,
    ) -> None:
        """Weigh the answers under each of ``ideas``; for the rest see :class:`Belief`."""
        self.each = [Belief(names, idea, seen, settings) for idea in ideas]
        self.seen, self.settings = seen, settings
        self.names, self.trust = self.each[0].names, self.each[0].trust
        logs = np.array([_foreseen(one, seen) for one in self.each])
        shares = np.exp(logs - logs.max())
        self.shares = shares / shares.sum()

    @cached_property
    def mean(self) -> np.ndarray:
        """What is believed of each class, and of none of these, (groups, K + 1); not quite probabilities."""
        return self._mixed(lambda one: one.mean)

    @cached_property
    def left(self) -> np.ndarray:
        """The covariance that the answers leave, float (groups, groups)."""
        return self._mixed(lambda one: one.left)

    @cached_property
    def alone(self) -> np.ndarray:
        """What would be believed at each observation without it, float (n, K + 1)."""
        return self._mixed(lambda one: one.alone)

    @property
    def slips(self) -> np.ndarray:
        """How likely it is that the observations are slips, float (n,)."""
        return self._mixed(lambda one: one.slips)

    @property
    def probabilities(self) -> np.ndarray:
        """The mean as probabilities (groups, K + 1)."""
        return as_probabilities(self.mean)

    @property
    def contradicted(self) -> np.ndarray:
        """Which observations bool (n,) all that is like them denies, under most ideas by their shares."""
        return self._mixed(lambda one: one.contradicted.astype(float)) > 0.5

    def at(self, features: np.ndarray, names: Sequence[np.ndarray]) -> np.ndarray:
        """Return what is believed of pixels, (pixels, K + 1), by their features and the names' probabilities there."""
        return self._mixed(lambda one: one.at(features, names))

    def _mixed(self, part: Callable[[Belief], np.ndarray]) -> np.ndarray:
        return np.asarray(sum(share * part(one) for share, one in zip(self.shares, self.each, strict=True)))


def _foreseen(belief: Belief, seen: Observations) -> float:
    """Return the log of how probable an idea makes each answer, given the others."""
    own = as_probabilities(belief.alone)[np.arange(len(seen)), seen.classes]
    return float(np.log((1 - _CHANCE) * own + _CHANCE / belief.classes).sum())
