"""Classes that a teacher cannot tell apart: how they are written down, and what a person is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SHOWN = 5  # pairs that a person sees


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes, by index, and the share of each one's draws that look more like the other; by half where equal.

    ``outlines``: one runs on through a scene and the other ends on all sides, so that their areas differ in form.
    """

    first: int
    second: int
    first_as_second: float
    second_as_first: float
    outlines: bool = False


def messages(pairs: Sequence[ConfusedPair], names: Sequence[str]) -> list[str]:
    """Return one line per pair that says what to do; at most ``SHOWN`` of them, then how many more there are."""
    lines = [
        f"{names[pair.first]!r} and {names[pair.second]!r} cannot be told apart by their spectra"
        f"{', only by their outlines' if pair.outlines else ''}: say more of one ({names[pair.first]}: description) "
        "or make them one class"
        for pair in pairs[:SHOWN]
    ]
    return lines + ([f"{len(pairs) - SHOWN} more pairs of classes are alike"] if len(pairs) > SHOWN else [])


def to_json(pairs: Sequence[ConfusedPair], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the pairs as JSON."""
    return [
        {
            "classes": [names[pair.first], names[pair.second]],
            "confused": [round(pair.first_as_second, 3), round(pair.second_as_first, 3)],
            "outlines": pair.outlines,
        }
        for pair in pairs
    ]
