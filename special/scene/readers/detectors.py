"""Two detectors that see the ground at slightly different places, laid on one another by rational polynomials (RPC).

An RPC says where in an image of one detector a place on the ground is seen, by latitude, longitude and height (GDAL's
RPC metadata: coefficients in the order of RPC00B). Here all ground lies at the height that the RPC was made around, so
that in mountains the place is off by the parallax, and one shift by whole pixels stands for the whole scene.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from special.errors import SceneError
from special.scene.ground import by_positions
from special.scene.readers.joined import JoinedBlockReader
from special.scene.source import BlockReader, Ground, QualityMask, Source

if TYPE_CHECKING:
    from rasterio.rpc import RPC

_KNOTS = 33  # along and across: the positions between them are interpolated, which leaves less than a metre


@dataclass(frozen=True)
class Shift:
    """Where the second detector has what the first one sees.

    Attributes:
        rows, cols: pixels to add to the place in the first detector's image.
        left: how far the true place is from there at most, pixels.
    """

    rows: int
    cols: int
    left: float


@dataclass(frozen=True)
class ShiftedBlockReader:
    """Reads what another detector has of the ground that a pixel sees; ``fill`` where it has nothing.

    Attributes:
        read: the other detector's cube, of ``shape`` (rows, cols).
        shift: between them.
    """

    read: BlockReader
    shape: tuple[int, int]
    shift: Shift
    fill: float

    def __call__(self, rows: slice, cols: slice, bands: np.ndarray) -> np.ndarray:
        """Read the block."""
        here_rows, there_rows = _overlap(rows, self.shift.rows, self.shape[0])
        here_cols, there_cols = _overlap(cols, self.shift.cols, self.shape[1])
        size = (rows.stop - rows.start, cols.stop - cols.start, len(bands))
        if any(part.start >= part.stop for part in (there_rows, there_cols)):
            one = self.read(slice(0, 1), slice(0, 1), bands)
            return np.full(size, self.fill, dtype=one.dtype)
        block = self.read(there_rows, there_cols, bands)
        found = np.full(size, self.fill, dtype=block.dtype)
        found[here_rows, here_cols] = block
        return found


@dataclass(frozen=True)
class Unseen:
    """Reads as a mask which pixels the other detector has nothing of; ``shape`` (rows, cols) is that of both."""

    shape: tuple[int, int]
    shift: Shift

    def __call__(self, rows: slice) -> np.ndarray:
        """Read bool (rows, cols), True where a pixel is masked."""
        down = np.arange(rows.start, rows.stop)[:, None] + self.shift.rows
        right = np.arange(self.shape[1])[None, :] + self.shift.cols
        return np.asarray((down < 0) | (down >= self.shape[0]) | (right < 0) | (right >= self.shape[1]))


@dataclass(frozen=True)
class RpcPositions:
    """Computes latitude and longitude, float64 (rows, cols) both, of an image's pixels."""

    rpc: RPC
    shape: tuple[int, int]

    def __call__(self) -> tuple[np.ndarray, np.ndarray]:
        """Compute both, at some pixels by the RPC and between them linearly."""
        from scipy.interpolate import RegularGridInterpolator

        knots = [np.linspace(0, size - 1, min(_KNOTS, size)) for size in self.shape]
        lat, lon = _ground(self.rpc, *np.meshgrid(*knots, indexing="ij"))
        pixels = np.stack(np.meshgrid(*map(np.arange, self.shape), indexing="ij"), axis=-1)
        first, second = (RegularGridInterpolator(knots, part)(pixels) for part in (lat, lon))
        return first, second


def join(vnir: Source, swir: Source, rpcs: tuple[RPC, RPC] | None, fill: float, name: str) -> Source:
    """Join the cubes of two detectors in sensor geometry.

    Args:
        vnir, swir: of the same rows and columns.
        rpcs: of both; None where there are none.
        fill: what stands where a detector has nothing.
        name: what messages call the product.

    Returns:
        The cube on the grid of the VNIR, its bands after one another, and where it lies.

    Raises:
        SceneError: they differ in size or type.
    """
    rows, cols, first = vnir.shape
    if swir.shape[:2] != (rows, cols) or swir.dtype != vnir.dtype:
        raise SceneError(f"the two detectors of {name} differ in size or type: they are not of one scene")
    shape = (rows, cols)
    shift, ground = Shift(0, 0, 0.0), None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    if rpcs is not None:
        shift = shift_between(*rpcs, shape)
        ground, said = ground_by_rpc(rpcs[0], shape)
        how = f"{shift.rows} rows and {shift.cols} columns, which is right within {shift.left:.1f} pixels"
        notes = (said, f"what the SWIR sees was moved onto the VNIR by {how}")
    else:
        warnings = (
            "it has no RPCs, so its two detectors, which see the ground some lines apart, were not laid on one "
            "another, and there is no place on the map",
        )
    read = ShiftedBlockReader(swir.read_block, shape, shift, fill)
    unseen = (QualityMask("nodata", "seen by one detector alone", Unseen(shape, shift), True),)
    return replace(
        vnir,
        shape=(rows, cols, first + swir.shape[2]),
        read_block=JoinedBlockReader(((vnir.read_block, first), (read, swir.shape[2]))),
        georeference=None,
        ground=ground,
        masks=unseen if shift.rows or shift.cols else (),
        notes=notes,
        warnings=warnings,
    )


def shift_between(first: RPC, second: RPC, shape: tuple[int, int]) -> Shift:
    """Find by how much two detectors with images of ``shape`` (rows, cols) are displaced."""
    from rasterio.transform import RPCTransformer

    rows, cols = np.meshgrid(*(np.linspace(0, size - 1, min(5, size)) for size in shape), indexing="ij")
    lat, lon = _ground(first, rows, cols)
    with RPCTransformer(second, rpc_height=first.height_off) as seen:
        found = seen.rowcol(lon.ravel(), lat.ravel(), op=float)
    apart = np.array(found) - 0.5 - np.array([rows.ravel(), cols.ravel()])  # 0.5: the centre of a pixel
    down, right = np.rint(np.median(apart, axis=1)).astype(int).tolist()
    left = float(np.abs(apart - np.array([[down], [right]])).max())
    return Shift(down, right, left)


def ground_by_rpc(rpc: RPC, shape: tuple[int, int]) -> tuple[Ground | None, str]:
    """Lay a grid over an image of ``shape`` (rows, cols).

    Returns:
        The grid, or None; and a sentence about it.
    """
    ground, said = by_positions(RpcPositions(rpc, shape))
    if ground is None:
        return None, f"in sensor geometry, and {said}: no place on the map"
    height = f"as if all ground lay at {rpc.height_off:.0f} m"
    return ground, f"in sensor geometry; the map is laid on the ground as well, {height}, each cell the {said}"


def _ground(rpc: RPC, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return latitude and longitude of the centres of pixels, of the shape of ``rows`` and ``cols``."""
    from rasterio.transform import RPCTransformer

    with RPCTransformer(rpc, rpc_height=rpc.height_off) as seen:
        lon, lat = seen.xy(rows.ravel(), cols.ravel())
    return np.reshape(lat, rows.shape), np.reshape(lon, rows.shape)


def _overlap(asked: slice, shift: int, size: int) -> tuple[slice, slice]:
    """Return the part of a range that another image of ``size`` has after a shift: inside the range, and in there."""
    start, stop = max(asked.start + shift, 0), min(asked.stop + shift, size)
    return slice(start - shift - asked.start, stop - shift - asked.start), slice(start, stop)
