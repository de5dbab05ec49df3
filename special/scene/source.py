"""A cube in a file as its format describes it, before any band or pixel is judged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

Axes = tuple[int, int, int]


@dataclass(frozen=True)
class Georeference:
    """Where a scene lies. ``transform`` is affine (a, b, c, d, e, f), as rasterio has it: pixel to map coordinates."""

    crs_wkt: str | None
    transform: tuple[float, ...] | None


class Stored(Protocol):
    """What can be sliced like an array: an array, a memory map, a dataset in a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Entries along each axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""

    def __getitem__(self, slices: tuple[slice, ...], /) -> np.ndarray:
        """Values of a block, one slice an axis."""


class BlockReader(Protocol):
    """Reads a block of a cube in the file's own numbers: (rows, cols, bands), bands in the order asked for."""

    def __call__(self, rows: slice, cols: slice, bands: np.ndarray) -> np.ndarray:
        """Read the block. The slices have a start, a stop and no step; ``bands`` is int, at least one."""


@dataclass(frozen=True)
class ArrayBlockReader:
    """Reads from a stored array. ``axes`` says which of its axes are rows, columns and bands."""

    stored: Stored
    axes: Axes

    def __call__(self, rows: slice, cols: slice, bands: np.ndarray) -> np.ndarray:
        """Read the block; a view where the stored array gives one."""
        first = int(bands.min())
        slices = [slice(None)] * 3
        for axis, part in zip(self.axes, (rows, cols, slice(first, int(bands.max()) + 1)), strict=True):
            slices[axis] = part
        block = self.stored[tuple(slices)].transpose(self.axes)
        if len(bands) == block.shape[2] and np.array_equal(bands, np.arange(first, first + len(bands))):
            return block
        return block[:, :, bands - first]


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a format says about its cube. ``shape`` is (rows, cols, bands) with every band of the file.

    ``wavelengths`` are nm, as many as the file lists; ``good_bands`` is its own list of good bands, True for good;
    ``nodata`` a value that means "nothing here"; ``gains`` and ``offsets`` (bands,) make physical values of raw ones;
    ``scale_factor`` makes reflectance of them: divide by it. ``row_step`` is how many rows are stored together.
    """

    path: Path | None
    format: str
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    read_block: BlockReader
    files: tuple[Path, ...] = ()
    key: str | None = None
    wavelengths: np.ndarray | None = None
    good_bands: np.ndarray | None = None
    nodata: float | None = None
    gains: np.ndarray | None = None
    offsets: np.ndarray | None = None
    scale_factor: float | None = None
    georeference: Georeference | None = None
    row_step: int = 1
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How messages call this scene."""
        return str(self.path) if self.path else "the array"

    def row_blocks(self, max_bytes: int, bytes_per_value: int | None = None) -> Iterator[slice]:
        """Blocks of whole rows that cover the scene, each of about ``max_bytes`` or of one stored step.

        A stored step that is far larger (a GeoTIFF of one strip) is not kept to: time is cheaper than memory.
        """
        rows, cols, bands = self.shape
        row_bytes = cols * bands * (bytes_per_value or self.dtype.itemsize)
        step = max(1, max_bytes // max(1, row_bytes))
        if self.row_step * row_bytes <= 8 * max_bytes:
            step = max(self.row_step, step - step % self.row_step)
        for start in range(0, rows, step):
            yield slice(start, min(rows, start + step))

    def content_hash(self) -> str:
        """SHA-256 (hex) over the bytes of every file the scene is made of and over what its format said of it."""
        outer = hashlib.sha256()
        for path in self.files:
            with path.open("rb") as stream:
                outer.update(hashlib.file_digest(stream, "sha256").digest())
        if not self.files:
            for rows in self.row_blocks(1 << 24):
                block = self.read_block(rows, slice(0, self.shape[1]), np.arange(self.shape[2]))
                outer.update(block.tobytes())
        description: list[object] = [self.key, self.shape, self.dtype.str, self.nodata, self.scale_factor]
        description += [None if a is None else a.tolist() for a in self._lists()]
        if self.georeference:
            description += [self.georeference.crs_wkt, self.georeference.transform]
        outer.update(json.dumps(description).encode())
        return outer.hexdigest()

    def _lists(self) -> tuple[np.ndarray | None, ...]:
        return self.wavelengths, self.good_bands, self.gains, self.offsets
