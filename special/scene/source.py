"""A cube in a file as its format describes it, before any band or pixel is judged."""

from __future__ import annotations

from collections.abc import Callable
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


class MaskReader(Protocol):
    """Reads which pixels of a block of whole rows carry no data by a mask that came with the cube."""

    def __call__(self, rows: slice) -> np.ndarray:
        """Read bool (rows, cols), True where a pixel is masked. The slice has a start, a stop and no step."""


@dataclass(frozen=True)
class QualityMask:
    """A layer of a product that says of pixels what hides the ground there.

    Attributes:
        name: what ``--mask`` calls it: "cloud", "shadow", "nodata".
        layer: what the product calls it, for messages.
        read: reads it.
        by_default: whether it is used where the user names no masks. "nodata" always is.
    """

    name: str
    layer: str
    read: MaskReader
    by_default: bool = False


@dataclass(frozen=True)
class Ground:
    """A grid on the ground, and which pixel of a scene in sensor geometry each of its cells shows.

    Attributes:
        georeference: of the grid.
        shape: its (rows, cols).
        how: where it comes from, for messages.
        pixels: reads or computes int32 (rows, cols): the number of the scene's pixel, counted from 0 row by row; -1
            where there is none.
    """

    georeference: Georeference
    shape: tuple[int, int]
    how: str
    pixels: Callable[[], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a format says about its cube. ``shape`` is (rows, cols, bands) with every band of the file.

    ``wavelengths`` are nm, as many as the file lists; ``fwhm`` float (bands,) the widths of its bands, nm;
    ``good_bands`` is its own list of good bands, True for good, which the format calls ``good_bands_name``;
    ``nodata`` a value that means "nothing here"; ``gains`` and ``offsets`` (bands,) make physical values of raw ones;
    ``scale_factor`` makes reflectance of them: divide by it. ``is_reflectance`` says that they are reflectance without
    one, after gains and offsets. ``row_step`` is how many rows are stored together.
    ``mask`` tells of pixels without data though their values may look like some; ``masks`` are those of a product, some
    of which the user may choose, as that of clouds. ``ground`` is where a scene in sensor geometry lies.
    ``sensor``, ``level`` (such as "L2A") and ``acquired`` (a date or time, ISO 8601) are as the product names them.
    ``exposure`` is how long the camera looked, in a unit that all its files have.
    ``notes`` are what was understood, ``warnings`` what nobody who makes a map of it must miss, sentences both.
    """

    path: Path | None
    format: str
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    read_block: BlockReader
    files: tuple[Path, ...] = ()
    key: str | None = None
    wavelengths: np.ndarray | None = None
    fwhm: np.ndarray | None = None
    good_bands: np.ndarray | None = None
    good_bands_name: str = "bbl"
    nodata: float | None = None
    gains: np.ndarray | None = None
    offsets: np.ndarray | None = None
    scale_factor: float | None = None
    is_reflectance: bool = False
    georeference: Georeference | None = None
    row_step: int = 1
    mask: MaskReader | None = None
    masks: tuple[QualityMask, ...] = ()
    ground: Ground | None = None
    sensor: str | None = None
    level: str | None = None
    exposure: float | None = None
    acquired: str | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
