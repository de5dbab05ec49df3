"""Arrays over a scene that need not fit into memory: kept in files, read and written by windows of rows.

What is a few bytes for every pixel may be an array; what is a number for every class, band or feature of every pixel is
``Rows``: an array where it is small, a ``Raster`` where it is not. Both are read and written with slices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import DamagedError, damage_of
from special.passes import HERE, Passes

BLOCK = 1 << 24
"""Bytes of a block of rows that is worked on at once, before what the work itself needs."""


class Raster:
    """An array (rows, ...) in a ``.npy`` file. It is mapped anew for every window: memory holds what is asked for."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], offset: int) -> None:
        self.path, self.shape, self.dtype, self._offset = path, shape, dtype, offset

    @classmethod
    def create(cls, path: Path, shape: tuple[int, ...], dtype: Any = np.float32) -> Raster:
        """Make a file of zeros (rows, ...); one that is there is replaced."""
        path.unlink(missing_ok=True)
        made = np.lib.format.open_memmap(path, "w+", dtype, shape)
        return cls(path, shape, made.dtype, made.offset)

    @classmethod
    def open(cls, path: Path) -> Raster:
        """Open a file (rows, ...) that ``create`` or ``numpy.save`` has made; one that needs unpickling is refused.

        Raises:
            ValueError: it is no such file.
        """
        with damage_of(path, DamagedError):
            found = np.load(path, mmap_mode="r", allow_pickle=False)
            if found.dtype.kind not in "biuf":
                raise ValueError(f"it holds {found.dtype}, not numbers")
        if not isinstance(found, np.memmap) or not found.flags.c_contiguous:
            raise DamagedError(f"{path} is no array in rows: make it again")
        return cls(path, found.shape, found.dtype, found.offset)

    @property
    def nbytes(self) -> int:
        """The size of the whole array."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def __getitem__(self, window: slice | tuple[slice, ...]) -> np.ndarray:
        """Return a window, the caller's own."""
        return np.array(self._mapped("r")[window])

    def __setitem__(self, window: slice | tuple[slice, ...], values: Any) -> None:
        self._mapped("r+")[window] = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)

    def _mapped(self, mode: Any) -> np.ndarray:
        return np.memmap(self.path, self.dtype, mode, self._offset, self.shape)


Rows = np.ndarray | Raster
"""An array (rows, ...) that is read and written by slices, wherever it lies."""


@dataclass(frozen=True)
class ScratchSpace:
    """Where large arrays go: into ``folder``; those of at most ``most`` bytes, or all without a folder, into memory.

    Every step has a room of its own: an array loses its place to the next one of its name.
    """

    folder: Path | None = None
    most: int = 1 << 26

    def zeros(self, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Rows:
        """Return zeros (rows, ...) of ``shape``; what had this ``name`` before is lost."""
        if self.folder is None or int(np.prod(shape)) * np.dtype(dtype).itemsize <= self.most:
            return np.zeros(shape, dtype)
        self.folder.mkdir(parents=True, exist_ok=True)
        return Raster.create(self.folder / f"{name}.npy", shape, dtype)

    def load(self, path: Path) -> Rows:
        """Return the array (rows, ...) of a ``.npy`` file: read where it is small, else to be read by windows."""
        raster = Raster.open(path)
        return raster if self.folder is not None and raster.nbytes > self.most else raster[:]


MEMORY = ScratchSpace()
"""Keeps everything in memory."""


def blocks(shape: tuple[int, ...], bytes_per_pixel: int | None = None, most: int = BLOCK) -> Iterator[slice]:
    """Slices of whole rows that cover an array of ``shape`` in order, of about ``most`` bytes each."""
    per_pixel = bytes_per_pixel or 4 * int(np.prod(shape[2:]))
    step = max(1, most // max(1, shape[1] * per_pixel))
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


def positions(mask: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return where the true pixels of ``mask`` (rows, cols) lie, those numbered ``wanted`` alone, in the order of rows.

    ``wanted`` rises and counts the true pixels from 0. The same as ``numpy.flatnonzero(mask)[wanted]``, without the
    eight bytes for every pixel.
    """
    found, before = [], 0
    for rows in blocks(mask.shape, 8):
        here = np.flatnonzero(mask[rows])
        first, last = np.searchsorted(wanted, (before, before + len(here)))
        found.append(here[wanted[first:last] - before] + rows.start * mask.shape[1])
        before += len(here)
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def pick(array: Any, where: np.ndarray, passes: Passes = HERE) -> np.ndarray:
    """Return the pixels (n, ...) of ``array`` (rows, cols, ...) at rising positions ``where`` of all its pixels.

    ``passes`` read the windows of one that is no NumPy array.
    """
    if isinstance(array, np.ndarray):
        return np.asarray(array.reshape(-1, *array.shape[2:])[where])
    wanted = []
    for rows in blocks(array.shape):
        first, last = np.searchsorted(where, (rows.start * array.shape[1], rows.stop * array.shape[1]))
        if last > first:
            wanted.append((rows, where[first:last] - rows.start * array.shape[1]))
    parts = list(passes.over(wanted, partial(_picked, array)))
    return np.concatenate(parts) if parts else np.empty((0, *array.shape[2:]), array.dtype)


def _picked(array: Any, window: tuple[slice, np.ndarray]) -> np.ndarray:
    """Return the pixels (n, ...) of a window, by their positions in it."""
    rows, where = window
    return np.asarray(array[rows].reshape(-1, *array.shape[2:])[where])
