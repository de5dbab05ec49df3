"""Which difference hurts: the main effects of all factors, fitted together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

STEADY = 1.0  # worlds that a level's effect is drawn to 0 by, so that rare levels make no noise


@dataclass(frozen=True)
class Effect:
    """Of one level: ``worlds`` that have it, their ``mean``, its ``effect`` with all else equal, and its ``error``."""

    worlds: int
    mean: float
    effect: float
    error: float


def main_effects(levels: Sequence[Mapping[str, str]], values: Sequence[float]) -> dict[str, dict[str, Effect]]:
    """Return the effects by factor and level.

    They are of a least-squares fit of ``values`` to one indicator per level of every factor, with a ridge of ``STEADY``
    worlds; those of a factor have a mean of 0 over the worlds. Errors are standard errors, from what the fit leaves.
    """
    observed = np.asarray(values, float)
    names = [(factor, level) for factor in levels[0] for level in dict.fromkeys(world[factor] for world in levels)]
    design = np.array([[world[factor] == level for factor, level in names] for world in levels], float)
    counts = design.sum(axis=0)
    centred, residual = design - design.mean(axis=0), observed - observed.mean()
    moments = centred.T @ centred
    solver = np.linalg.inv(moments + STEADY * np.eye(len(names)))
    fitted = solver @ centred.T @ residual
    freedom = max(1.0, len(levels) - 1 - float(np.trace(solver @ moments)))
    variance = float(((residual - centred @ fitted) ** 2).sum()) / freedom
    spread = variance * solver @ moments @ solver
    found: dict[str, dict[str, Effect]] = {}
    for factor in levels[0]:
        mine = np.array([of == factor for of, _ in names])
        found[factor] = {}
        for index in np.flatnonzero(mine):
            contrast = np.where(mine, -counts / len(levels), 0.0)
            contrast[index] += 1
            found[factor][names[index][1]] = Effect(
                int(counts[index]),
                float(observed[design[:, index] > 0].mean()),
                float(contrast @ fitted),
                float(np.sqrt(contrast @ spread @ contrast)),
            )
    return found
