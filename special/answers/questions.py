"""Questions: the few places of a scene where an answer is worth most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

RUNNERS_UP = 3
"""How many classes beside the guess a question names at most."""


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
    groups: np.ndarray, probabilities: np.ndarray, names: Sequence[str], count: int, answered: np.ndarray
) -> list[Question]:
    """Return the ``count`` questions that are worth most, the best first.

    Args:
        groups: int (rows, cols), the group of like pixels that each belongs to; -1 where there is nothing to ask.
        probabilities: float32 (rows, cols, K).
        names: of the classes.
        count: how many.
        answered: bool (rows, cols), pixels that have an answer.
    """
    total = int(groups.max(initial=-1)) + 1
    inside = groups >= 0
    sizes = np.bincount(groups[inside], minlength=total)
    sums = np.stack(
        [np.bincount(groups[inside], plane[inside], minlength=total) for plane in np.moveaxis(probabilities, 2, 0)], 1
    )
    mean = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-12)
    doubt = -(mean * np.log(np.maximum(mean, 1e-12))).sum(axis=1)
    worth = np.sqrt(sizes) * (0.3 + doubt)
    worth[np.unique(groups[answered & inside])] = 0
    best = [int(group) for group in np.argsort(-worth, kind="stable")[:count] if worth[group] > 0]
    return [question(number, groups, group, probabilities, names) for number, group in enumerate(best, start=1)]


def question(number: int, groups: np.ndarray, group: int, probabilities: np.ndarray, names: Sequence[str]) -> Question:
    """Return the question about a group: at its innermost pixel, about the connected pixels around that."""
    members = groups == group
    depth = ndimage.distance_transform_edt(np.pad(members, 1))[1:-1, 1:-1]
    row, col = (int(part) for part in np.unravel_index(depth.argmax(), depth.shape))
    parts, _ = ndimage.label(members)
    area = np.argwhere(parts == parts[row, col]).astype(np.int32)
    here = probabilities[row, col]
    order = np.argsort(-here, kind="stable")
    runners_up = tuple((names[k], float(here[k])) for k in order[1 : 1 + RUNNERS_UP])
    return Question(number, row, col, area, names[order[0]], float(here[order[0]]), runners_up, group)
