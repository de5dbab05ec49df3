"""Leave one scene out: what a scene gets from constants that were chosen on the others alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Settings = dict[str, Any]


def search(
    constants: Mapping[str, Sequence[Any]], defaults: Mapping[str, Any], score: Callable[[Settings], float]
) -> Settings:
    """Return the settings that score best, one constant after the other: those that are not the default.

    The default of a constant is always a candidate; another value must do better than it, not as well.
    """
    found: Settings = {}
    for name, values in constants.items():
        candidates = [defaults[name], *(value for value in values if value != defaults[name])]
        best = max(candidates, key=lambda value: score({**found, name: value}))  # of equals the first: the default
        if best != defaults[name]:
            found[name] = best
    return found
