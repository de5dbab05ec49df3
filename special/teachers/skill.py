"""What teachers are worth, estimated from how they agree: nobody has the truth.

Two teachers whose mistakes have nothing to do with each other agree, chance taken off, by the product of their skills.
Skill is the correlation with the truth, 0 for one that knows nothing and 1 for one that is always right. From all
pairs and what is believed beforehand follow the skills of all: a model of one factor, where Dawid and Skene (1979) have
a table of confusions for everyone.

Teachers that follow the fields and roofs of one scene without knowing any name agree as well, by luck: as much as one
of them does with the other when its class names are permuted. An agreement is told in standard deviations of those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from special.storage.rasters import Rows, blocks

PERMUTATIONS = 300  # of class names
FLOOR = 0.03  # of agreements' standard deviation: one does not rest on more than a thousand independent pixels
LOOSEST = 0.12  # of few names many permutations are nearly right: their spread says little of what skills bring about
SWAPPED = 0.2  # standard deviation with two classes, which can only be swapped: that says nothing about luck
SKILLS = 41  # values of skill that are looked at, from 0 to 1, of two teachers; fewer of many
MOST = 300_000  # combinations of skills
KNOWS_NOTHING = (0.03, 0.5)  # how likely it is beforehand, of the first teacher and of another
SHAPE = (2.0, 2.0)  # of the beta distribution of another's skill otherwise
CLAIM = 4.0  # observations that the first teacher's claim to a skill is worth
NO_CLAIM = 0.1  # it is taken to be between this and one less this
ENOUGH = 50_000  # pixels for a mean confidence
WIDEST = 1 / 64  # the least power to which probabilities are raised


@dataclass(frozen=True)
class Agreement:
    """How far two teachers agree beyond chance, at most 1, and the spread of what names that mean nothing agree by."""

    kappa: float
    spread: float

    def sure(self, at_most: float = 1.0) -> float:
        """Return the agreement in standard deviations of luck; what is beyond ``at_most`` is luck, whatever it is."""
        return min(self.kappa, at_most) / self.spread


def labels_together(first: Rows, second: Rows, valid: np.ndarray) -> np.ndarray:
    """Return the share of the valid pixels that has each pair of labels, (K, K), from (rows, cols, K)."""
    count = first.shape[-1]
    table = np.zeros((count, count))
    for rows in blocks(first.shape):
        a, b = (part[rows][valid[rows]].argmax(axis=1) for part in (first, second))
        table += np.bincount(a * count + b, minlength=count * count).reshape(count, count)
    return table / max(int(valid.sum()), 1)


def agreement(table: np.ndarray) -> Agreement:
    """Return the agreement of two teachers, from the ``table`` (K, K) that ``labels_together`` returns.

    It is the covariance of their labels over that of equal ones. A teacher that always says the same has none.
    """
    count = len(table)
    rows, cols = table.sum(axis=1), table.sum(axis=0)
    together = table - np.outer(rows, cols)
    at_most = np.sqrt(np.outer(rows * (1 - rows), cols * (1 - cols)))
    named = np.random.default_rng(0).permuted(np.tile(np.arange(count), (PERMUTATIONS, 1)), axis=1)
    lucky = [_share(together[range(count), names], at_most[range(count), names]) for names in named]
    spread = float(np.std(lucky)) if count > 2 else SWAPPED
    return Agreement(_share(together.diagonal(), at_most.diagonal()), float(np.hypot(spread, FLOOR)))


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return float(part.sum() / max(whole.sum(), 1e-9))


def skills(agreements: Mapping[tuple[int, int], Agreement], count: int, claimed: float) -> list[float]:
    """Return the expected skill of each of ``count`` teachers, 0 to 1.

    The first is believed beforehand to know about what it claims; of another it is as likely that it knows nothing.

    Args:
        agreements: of every pair (i, j), i < j.
        count: two or more.
        claimed: the skill that the first teacher's confidence claims, 0 to 1.
    """
    grid = np.linspace(0, 1, max(3, min(SKILLS, int(MOST ** (1 / count)))))
    likely = np.ones((1,) * count)
    for teacher in range(count):
        likely = likely * _along(_beforehand(grid, None if teacher else claimed), teacher, count)
    for (i, j), found in agreements.items():
        apart = found.kappa - _along(grid, i, count) * _along(grid, j, count)
        likely = likely * np.exp(-0.5 * (apart / min(found.spread, LOOSEST)) ** 2)
    likely /= likely.sum()
    return [float((likely * _along(grid, teacher, count)).sum()) for teacher in range(count)]


def _beforehand(grid: np.ndarray, claimed: float | None) -> np.ndarray:
    nothing, (a, b) = KNOWS_NOTHING[claimed is None], SHAPE
    if claimed is not None:
        mean = min(max(claimed, NO_CLAIM), 1 - NO_CLAIM)
        a, b = max(1.0, CLAIM * mean), max(1.0, CLAIM * (1 - mean))
    inside = np.clip(grid, 0.01, 0.99)
    shares = inside ** (a - 1) * (1 - inside) ** (b - 1)
    shares *= (1 - nothing) / shares.sum()
    shares[0] += nothing
    return shares


def _along(values: np.ndarray, axis: int, count: int) -> np.ndarray:
    return values.reshape([-1 if number == axis else 1 for number in range(count)])


def agreements(parts: Sequence[Rows], valid: np.ndarray) -> dict[tuple[int, int], Agreement]:
    """Return how far every pair of teachers agrees, from their (rows, cols, K)."""
    pairs = combinations(range(len(parts)), 2)
    return {(i, j): agreement(labels_together(parts[i], parts[j], valid)) for i, j in pairs}


def honest_power(probabilities: Rows, valid: np.ndarray, skill: float) -> float:
    """Return the power, at most 1, that makes a teacher as sure on the mean as its skill lets it be right.

    Args:
        probabilities: (rows, cols, K).
        valid: bool (rows, cols).
        skill: 0 = right as often as a guess, 1/K; 1 = always.
    """
    count = probabilities.shape[-1]
    wanted = 1 / count + skill * (1 - 1 / count)
    looked_at = _some(valid)
    low, high = WIDEST, 1.0
    if _confidence(probabilities, looked_at, high) <= wanted:
        return high
    for _ in range(12):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _confidence(probabilities, looked_at, middle) < wanted else (low, middle)
    return high


def claimed_skill(probabilities: Rows, valid: np.ndarray) -> float:
    """Return the skill, 0 to 1, that a teacher would have if it were as often right as it is sure.

    ``probabilities`` (rows, cols, K); ``valid`` bool (rows, cols).
    """
    count = probabilities.shape[-1]
    return max(0.0, (_confidence(probabilities, _some(valid), 1.0) - 1 / count) / (1 - 1 / count))


def _some(valid: np.ndarray) -> np.ndarray:
    """About ``ENOUGH`` of the true pixels, evenly spread, or all."""
    found = np.flatnonzero(valid)
    some = np.zeros_like(valid)
    some.flat[found[:: max(1, len(found) // ENOUGH)]] = True
    return some


def _confidence(probabilities: Rows, valid: np.ndarray, power: float) -> float:
    """The mean probability of the best class over the valid pixels."""
    total = 0.0
    for rows in blocks(probabilities.shape):
        here = np.asarray(probabilities[rows][valid[rows]], dtype=np.float64)
        shares = (here / np.maximum(here.max(axis=1, keepdims=True), 1e-30)) ** power
        total += float((1 / shares.sum(axis=1)).sum())
    return total / max(int(valid.sum()), 1)
