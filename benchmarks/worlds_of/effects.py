"""Which difference hurts: mean accuracy by level, and the main effects of all factors fitted together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

STEADY = 1.0  # worlds that a level's effect is drawn to 0 by, so that rare levels make no noise


def main_effects(
    levels: Sequence[Mapping[str, str]], values: Sequence[float]
) -> dict[str, dict[str, tuple[int, float, float]]]:
    """Return by factor and level: how many worlds have it, their mean value, and its effect with all others equal.

    Effects are of a least-squares fit of ``values`` to one indicator per level of every factor, with a ridge of
    ``STEADY`` worlds; those of a factor have a mean of 0 over the worlds.
    """
    observed = np.asarray(values, float)
    names = [(factor, level) for factor in levels[0] for level in dict.fromkeys(world[factor] for world in levels)]
    design = np.array([[world[factor] == level for factor, level in names] for world in levels], float)
    counts = design.sum(axis=0)
    centred = design - design.mean(axis=0)
    fitted = np.linalg.solve(
        centred.T @ centred + STEADY * np.eye(len(names)), centred.T @ (observed - observed.mean())
    )
    found: dict[str, dict[str, tuple[int, float, float]]] = {}
    for factor in levels[0]:
        mine = [index for index, (of, _) in enumerate(names) if of == factor]
        middle = float(counts[mine] @ fitted[mine] / len(levels))
        found[factor] = {
            names[index][1]: (
                int(counts[index]),
                float(observed[design[:, index] > 0].mean()),
                float(fitted[index] - middle),
            )
            for index in mine
        }
    return found
