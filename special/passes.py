"""Passes over a scene, window by window: in this process, unless somebody brings workers (``special.cluster.spread``).

A pass hands every window to one function and takes what comes of them in the order of the windows. What is summed over
a scene is therefore summed in the same order whoever did the work, and comes out in the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Window = TypeVar("Window")
Found = TypeVar("Found")


class Passes:
    """Goes over windows in this process, one after the other."""

    def over(self, windows: Sequence[Window], work: Callable[[Window], Found]) -> Iterator[Found]:
        """Yield ``work(window)`` for every window, in their order.

        Args:
            windows: slices of rows, or (rows, cols).
            work: a function of a module, or a ``functools.partial`` of one, that can be pickled with all it has; it
                changes nothing, and returns an array (...) or a tuple of arrays.
        """
        return map(work, windows)


HERE = Passes()
"""Needs nobody else."""
