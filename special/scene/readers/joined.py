"""Cubes of several files or arrays, read as one: the detectors of a sensor, or a file for every band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from special.scene.source import BlockReader


@dataclass(frozen=True)
class JoinedBlockReader:
    """Reads from cubes of the same rows and columns as from one; ``parts`` holds for each its number of bands."""

    parts: tuple[tuple[BlockReader, int], ...]

    def __call__(self, rows: slice, cols: slice, bands: np.ndarray) -> np.ndarray:
        """Read the block."""
        block, first = None, 0
        for read, count in self.parts:
            mine = (bands >= first) & (bands < first + count)
            if mine.any():
                part = read(rows, cols, bands[mine] - first)
                if block is None:
                    block = np.empty((*part.shape[:2], len(bands)), dtype=part.dtype)
                block[:, :, mine] = part
            first += count
        if block is None:
            raise IndexError(f"bands {bands} of {first}")
        return block
