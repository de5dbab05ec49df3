"""Arrays in files that are mapped into memory, anew for every block: nothing is held open.

What was looked at of a map counts as the process's memory while the map is there, whole pages and their neighbours, so
that a block of a few columns costs whole rows. A block that would cost much is copied in parts, each of its own map.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

_MOST = 1 << 24
"""Bytes between the first and the last of a part."""


class MappedArray(ABC):
    """An array of any number of axes in a file.

    Attributes:
        shape: entries along each axis. dtype: type of the values.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @abstractmethod
    def map(self) -> np.ndarray:
        """Return the whole array (...), of ``shape`` and ``dtype``, mapped to be read."""

    def __getitem__(self, slices: tuple[slice, ...], /) -> np.ndarray:
        """Return a block, one slice an axis: a view of a map where it is small, else a copy."""
        block = self.map()[slices].view(np.ndarray)
        if not block.size:
            return block
        axis = int(np.argmax(block.strides))
        others = [(count - 1) * stride for count, stride in zip(block.shape, block.strides, strict=True)]
        del others[axis]
        step = max(1, _MOST // (sum(others) + block.itemsize))
        if block.shape[axis] <= step:
            return block
        found = np.empty(block.shape, block.dtype)
        del block
        for start in range(0, found.shape[axis], step):
            part = (slice(None),) * axis + (slice(start, start + step),)
            found[part] = self.map()[slices][part]
        return found
