"""What answers change: the names' map becomes what is believed of every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from special.answers.answers import NO_ANSWER, NONE_OF_THESE, Answers
from special.answers.belief import as_probabilities, tempered
from special.answers.beliefs import Beliefs
from special.answers.groups import Groups
from special.answers.likeness import Covariance, Observations, covariance
from special.answers.settings import AnswersSettings
from special.storage.rasters import MEMORY, Rows, ScratchSpace

IDEAS = ((1.0, 1.0, 1.0), (1.0, 0.5, 0.25))
"""What a pixel's spectrum and that of its surroundings, at two scales, count where pixels are compared."""
MOST_WEIGHT = 4
"""Pixels of one group that say the same count so often at most: neighbours say the same thing twice."""
_NAMES_SURE = 0.9  # names that gave another class so much, and are to be trusted, contradict an answer


@dataclass(frozen=True)
class Doubtful:
    """An answer that something speaks against.

    Attributes:
        number: of the answer. row, col: its first pixel.
        said: the class that was said. against: the class that is believed without the answer.
        by: who says so: ``answers``, those about what looks alike, or ``names``.
    """

    number: int
    row: int
    col: int
    said: str
    against: str
    by: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Corrected:
    """What came of the answers.

    Attributes:
        probabilities: float32 (rows, cols, K), sums to 1 at valid pixels.
        unknown: bool (rows, cols): what is like the places that are none of the classes.
        trust: how much the names' map was believed, 0 to 1.
        doubtful: answers to look at again.
    """

    probabilities: Rows
    unknown: np.ndarray
    trust: float
    doubtful: tuple[Doubtful, ...]


@dataclass(frozen=True)
class Before:
    """What is known of a scene's groups before anybody has answered.

    Attributes:
        groups: of the scene.
        names: for each of ``POWERS`` the mean over each group of the names' probabilities to that power, (groups, K).
        ideas: of what is alike, for each of ``IDEAS``.
        settings: the section ``[answers]``.
    """

    groups: Groups
    names: Sequence[np.ndarray]
    ideas: Sequence[Covariance]
    settings: AnswersSettings

    @classmethod
    def of(cls, groups: Groups, names: Rows, settings: AnswersSettings) -> Before:
        """``names``: what the class names made of the scene, float32 (rows, cols, K)."""
        ideas = [covariance(groups.centres, settings, groups.features.weights(*parts)) for parts in IDEAS]
        return cls(groups, groups.means(names, tempered), ideas, settings)

    def given(self, answers: Answers) -> Beliefs:
        """Return what is believed of groups given what the user has said; pixels without data say nothing."""
        seen = _observations(self.groups, answers, self.names[0].shape[1])
        return Beliefs(self.names, self.ideas, seen, self.settings)


def correct(
    valid: np.ndarray,
    groups: Groups,
    names: Rows,
    answers: Answers,
    classes: Sequence[str],
    settings: AnswersSettings,
    *,
    scratch: ScratchSpace = MEMORY,
) -> Corrected:
    """Correct what the names made of a scene by what the user has said.

    Args:
        valid: bool (rows, cols).
        groups: of the scene, which is read by windows.
        names: float32 (rows, cols, K), sums to 1 at valid pixels.
        answers: what the user has said.
        classes: the names of the K classes.
        settings: the section ``[answers]``.
        scratch: where the result goes, as ``corrected``.
    """
    belief = Before.of(groups, names, settings).given(answers)
    result = scratch.zeros("corrected", names.shape)
    unknown = np.zeros(valid.shape, dtype=bool)
    for rows, features in groups.features.windows():
        seen = valid[rows]
        before = tempered(np.asarray(names[rows])[seen].astype(np.float64))
        shares = as_probabilities(belief.at(features, before), settings.sharpness)
        unknown[rows][seen] = shares.argmax(axis=1) == len(classes)
        known = shares[:, :-1]
        here = np.zeros((*seen.shape, len(classes)), dtype=np.float32)
        here[seen] = known / known.sum(axis=1, keepdims=True)
        result[rows] = here
    doubtful = _doubtful(belief, groups, answers, classes)
    certain = believed_answers(answers, doubtful)
    impose(result, certain, valid, settings.certainty)
    unknown[certain.rows, certain.cols] = certain.classes == NONE_OF_THESE
    return Corrected(result, unknown & valid, belief.trust, doubtful)


def believed_answers(answers: Answers, doubtful: Sequence[Doubtful]) -> Answers:
    """Return the answers that name a class, or say that there is none, and are not denied by the others."""
    denied = [one.number for one in doubtful if one.by == "answers"]
    return Answers(answers.table[(answers.classes != NO_ANSWER) & ~np.isin(answers.numbers, denied)])


def impose(probabilities: Rows, certain: Answers, valid: np.ndarray, certainty: float) -> None:
    """Give pixels the class that was said of them, with the probability ``certainty``; in place.

    Args:
        probabilities: float32 (rows, cols, K).
        certain: the answers that hold.
        valid: bool (rows, cols): nothing is said of other pixels.
        certainty: of an answer.
    """
    count = probabilities.shape[2]
    for row in np.unique(certain.rows[certain.classes > 0]):
        at = (certain.rows == row) & (certain.classes > 0)
        cols, classes = certain.cols[at], certain.classes[at] - 1
        inside = valid[row, cols]
        line = np.array(probabilities[row : row + 1])
        rest = line[0, cols[inside]]
        rest[np.arange(len(rest)), classes[inside]] = 0
        rest *= (1 - certainty) / np.maximum(rest.sum(axis=1, keepdims=True), 1e-12)
        rest[np.arange(len(rest)), classes[inside]] = certainty if count > 1 else 1.0
        line[0, cols[inside]] = rest / rest.sum(axis=1, keepdims=True)
        probabilities[int(row) : int(row) + 1] = line


def _observations(groups: Groups, answers: Answers, classes: int) -> Observations:
    """Count the pixels of each group that say the same; an answer about an area speaks in all of its groups."""
    at = groups.of_pixels[answers.rows, answers.cols]
    said = np.where(answers.classes == NONE_OF_THESE, classes, answers.classes - 1)
    use = (at >= 0) & (answers.classes != NO_ANSWER)
    pairs, which, counts = np.unique(
        at[use].astype(np.int64) * (classes + 1) + said[use], return_inverse=True, return_counts=True
    )
    features = groups.features.at(answers.rows[use], answers.cols[use])
    means = np.zeros((len(pairs), groups.centres.shape[1]))
    np.add.at(means, which.ravel(), features)
    return Observations(
        pairs // (classes + 1),
        pairs % (classes + 1),
        means / counts[:, None],
        np.minimum(counts, MOST_WEIGHT).astype(float),
    )


def _doubtful(belief: Beliefs, groups: Groups, answers: Answers, classes: Sequence[str]) -> tuple[Doubtful, ...]:
    """List the answers that others, or names that have proved right elsewhere, speak against."""
    seen, count = belief.seen, len(classes)
    called = [*classes, "none of these"]
    against = {
        (int(seen.groups[i]), int(seen.classes[i])): int(belief.alone[i].argmax())
        for i in np.flatnonzero(belief.contradicted)
    }
    found, before = [], 0
    for row, col, said, number in answers.table.tolist():
        at = int(groups.of_pixels[row, col])
        if number == before or at < 0 or said == NO_ANSWER:
            continue
        before = number
        own = count if said == NONE_OF_THESE else said - 1
        named = belief.names[at]
        if (at, own) in against:
            found.append(Doubtful(number, row, col, called[own], called[against[at, own]], "answers"))
        elif belief.trust > 0.5 and own != named.argmax() and named.max() > _NAMES_SURE:
            found.append(Doubtful(number, row, col, called[own], called[int(named.argmax())], "names"))
    return tuple(found)
