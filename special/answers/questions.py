"""Questions: the few places of a scene where an answer is worth most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from special.answers.answers import NO_ANSWER, Answers
from special.answers.beliefs import Beliefs
from special.answers.groups import Groups
from special.storage.rasters import Rows

RUNNERS_UP = 3
"""How many classes beside the guess a question names at most."""
EDGE = 2
"""How many pixels from the edge of its area a question should be."""
_INTEREST = 0.3  # what an answer is worth where it is clear what it will be, beside the entropy of what is believed
_AT_THE_EDGE = 0.7  # what one is worth, compared with others, where the edge is nearer than that


@dataclass(frozen=True)
class Question:
    """A place that the user is asked to name.

    Attributes:
        id: its number, from 1 in the order of worth.
        row, col: the pixel to look at, from 0.
        area: int32 (n, 2), rows and columns of the pixels that the answer speaks for; ``(row, col)`` is one of them.
        guess: the class that the map has there. confidence: how probable it is.
        runners_up: the next classes with their probabilities, likeliest first, three at most.
        group: the number of the group of like pixels that it stands for.
    """

    id: int
    row: int
    col: int
    area: np.ndarray
    guess: str
    confidence: float
    runners_up: tuple[tuple[str, float], ...]
    group: int


def choose(
    groups: Groups, belief: Beliefs, probabilities: Rows, names: Sequence[str], count: int, answers: Answers
) -> list[Question]:
    """Return the ``count`` questions that are worth most, the best first; fewer where there are no more.

    An answer is worth what it would settle: the variance that it takes from all pixels (V-optimality: Ji and Han 2012,
    "A variance minimization criterion to active learning on graphs"), the more so where it is open what the answer will
    be. The next question is chosen as if those before it were answered, so that they do not ask the same thing twice.

    Args:
        groups: of the scene.
        belief: what is believed of them now.
        probabilities: of the map, float32 (rows, cols, K): what a question says of its place.
        names: of the K classes.
        count: how many.
        answers: what has been asked already: nobody is asked twice about one pixel, nor about one part of a group as
            long as there are others.
    """
    asked = groups.of_pixels[answers.rows, answers.cols]
    in_vain = np.bincount(asked[(asked >= 0) & (answers.classes == NO_ANSWER)], minlength=len(groups))
    shares = belief.probabilities
    doubt = _INTEREST - (shares * np.log(shares)).sum(axis=1)
    edges = np.where(_depths(groups.of_pixels, len(groups)) < EDGE, _AT_THE_EDGE, 1.0)
    left, noise = belief.left.copy(), belief.settings.noise
    questions: list[Question] = []
    for free in _free(groups, answers):
        places = np.bincount(free[free >= 0], minlength=len(groups)) > 0
        places[[one.group for one in questions]] = False
        while len(questions) < count and places.any():
            settled = (groups.sizes[:, None] * left**2).sum(axis=0) / (noise + np.diag(left))
            best = int(np.where(places, settled * doubt * edges / (1 + in_vain), -1.0).argmax())
            questions.append(question(1 + len(questions), free, best, groups.distances, probabilities, names))
            places[best] = False
            left -= np.outer(left[:, best], left[best]) / (noise + left[best, best])
    return questions


def question(
    number: int, groups: np.ndarray, group: int, distances: np.ndarray, probabilities: Rows, names: Sequence[str]
) -> Question:
    """Return the question about a group: at its most typical pixel that is not at its edge, and what is around that.

    Args:
        number: of the question.
        groups: int (rows, cols), the group of every pixel. group: the one that is meant.
        distances: float (rows, cols), how far pixels are from what is typical of their group.
        probabilities: of the map, float32 (rows, cols, K). names: of the classes.
    """
    rows, cols = _box(groups == group)
    members = groups[rows, cols] == group
    depth = ndimage.distance_transform_edt(np.pad(members, 1))[1:-1, 1:-1]
    inner = members & (depth > min(EDGE, depth.max() - 0.5))
    top, left = np.unravel_index(np.where(inner, distances[rows, cols], np.inf).argmin(), depth.shape)
    parts, _ = ndimage.label(members)
    row, col = rows.start + int(top), cols.start + int(left)
    area = np.argwhere(parts == parts[top, left]).astype(np.int32)
    area += np.array([rows.start, cols.start], dtype=np.int32)
    here = np.asarray(probabilities[row : row + 1])[0, col]
    order = np.argsort(-here, kind="stable")
    runners_up = tuple((names[k], float(here[k])) for k in order[1 : 1 + RUNNERS_UP])
    return Question(number, row, col, area, names[order[0]], float(here[order[0]]), runners_up, group)


def _free(groups: Groups, answers: Answers) -> Iterator[np.ndarray]:
    """Yield what may be asked about, int (rows, cols), the group or -1: at first only what has no answer nearby.

    At first the connected parts of a group that nobody has spoken of; once these have run out, all pixels but those
    that have been asked about and their neighbours.
    """
    spoken_of = answers.at(groups.of_pixels.shape)
    parts = groups.parts[answers.rows, answers.cols]
    yield np.where(spoken_of | np.isin(groups.parts, parts[parts >= 0]), -1, groups.of_pixels)
    yield np.where(ndimage.binary_dilation(spoken_of, np.ones((3, 3))), -1, groups.of_pixels)


def _box(members: np.ndarray) -> tuple[slice, slice]:
    """Return the rows and columns that hold all ``members``, bool (rows, cols), at least one."""
    found = []
    for axis in (1, 0):
        where = np.flatnonzero(members.any(axis=axis))
        found.append(slice(int(where[0]), int(where[-1]) + 1))
    return found[0], found[1]


def _depths(groups: np.ndarray, count: int) -> np.ndarray:
    """Return for each of ``count`` groups how many pixels its innermost pixel is from its edge, ``EDGE`` at most."""
    padded = np.pad(groups, 1, constant_values=-1)
    middle = padded[1:-1, 1:-1]
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    inside = np.logical_and.reduce([middle == other for other in around]) & (middle >= 0)
    depths = np.zeros(count, dtype=int)
    for depth in range(1, EDGE + 1):
        depths[np.unique(groups[inside])] = depth
        inside = ndimage.binary_erosion(inside)
    return depths
