"""Constants of answers, chosen for each scene on the scenes of other families alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from answers_of.asking import Way
from answers_of.cases import Figures

Changes = tuple[tuple[str, float], ...]
BUDGETS = (0, 1, 3, 5)
"""Where a choice is judged: the mean OA there, of answers that are all right and of such as are not."""
AS_THEY_ARE: Changes = ()
GRID: tuple[Changes, ...] = (
    AS_THEY_ARE,
    (("reach", 0.4),),
    (("reach", 0.9),),
    (("along", 0.2),),
    (("along", 0.8),),
    (("noise", 0.03),),
    (("noise", 0.3),),
    (("slips", 0.02),),
    (("slips", 0.12),),
)
"""The settings [answers] that are chosen from: those of the pipeline, and others that are far from them."""


def ways(changes: Changes) -> tuple[Way, Way]:
    """How a user is asked to judge ``changes``."""
    return Way(changes=changes), Way(wrong=True, changes=changes)


def worth(figures: Iterable[Figures]) -> float:
    """The mean OA over ``BUDGETS`` with answers; where questions ran out, of what had been reached."""
    return float(np.mean([[row[max(at for at in row if at <= times)][0] for times in BUDGETS[1:]] for row in figures]))


def chosen(
    scenes: Sequence[str], families: Sequence[Sequence[str]], figures: Callable[[str, Way], Figures]
) -> Mapping[str, Changes]:
    """Return for each scene the changes that are worth most on the scenes that are not of its family."""
    table = {(name, changes): worth(figures(name, way) for way in ways(changes)) for name in scenes for changes in GRID}
    found = {}
    for name in scenes:
        family = next((set(one) for one in families if name in one), {name})
        others = [other for other in scenes if other not in family]
        if others:
            means = [float(np.mean([table[other, changes] for other in others])) for changes in GRID]
            found[name] = GRID[int(np.argmax(means))]
    return found
