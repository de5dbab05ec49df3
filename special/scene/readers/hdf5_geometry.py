"""What else than cubes the readers of products in HDF5 read: masks, lookup tables, latitude and longitude."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.ground import TablePixels, by_positions
from special.scene.source import Georeference, Ground, QualityMask


@dataclass(frozen=True)
class Hdf5Mask:
    """Reads a layer of an HDF5 file as a mask.

    Attributes:
        path, name: the file and the array in it, (rows, cols), or (rows, cols, layers).
        values: those that mask a pixel. bits: or the bits, any of which does.
        layer: which layer of an array of three axes, counted from 0.
    """

    path: Path
    name: str
    values: tuple[int, ...] = (1,)
    bits: int = 0
    layer: int | None = None

    def __call__(self, rows: slice) -> np.ndarray:
        """Read bool (rows, cols), True where a pixel is masked."""
        block = _read(self.path, self.name, rows if self.layer is None else (rows, slice(None), self.layer))
        return (block & self.bits) != 0 if self.bits else np.isin(block, self.values)


@dataclass(frozen=True)
class Hdf5Arrays:
    """Reads two arrays (rows, cols) of an HDF5 file whole, such as latitude and longitude."""

    path: Path
    names: tuple[str, str]

    def __call__(self) -> tuple[np.ndarray, np.ndarray]:
        """Read both."""
        first, second = (_read(self.path, name, slice(None)) for name in self.names)
        return first, second


def hdf5_mask(
    file: Any, path: Path, shape: tuple[int, ...], name: str, mask: str, by_default: bool = False, **how: Any
) -> tuple[QualityMask, ...]:
    """Return the mask ``mask`` that an array of an open file is, if it is there and has the scene's (rows, cols).

    ``how`` is said to ``Hdf5Mask``: ``values``, ``bits``, ``layer``.
    """
    if not _is_layer(file.get(name), shape, how.get("layer")):
        return ()
    return (QualityMask(mask, name.rpartition("/")[2], Hdf5Mask(path, name, **how), by_default),)


def ground_by_arrays(
    file: Any, path: Path, shape: tuple[int, ...], latitude: str, longitude: str
) -> tuple[Ground | None, str]:
    """Lay a grid over a scene of ``shape`` by the latitude and longitude (rows, cols) in its file.

    Returns:
        The grid, or None; and a sentence about it.
    """
    if not all(_is_layer(file.get(name), shape, None) for name in (latitude, longitude)):
        return None, "in sensor geometry, and its file has no latitude and longitude of its pixels: no place on the map"
    ground, said = by_positions(Hdf5Arrays(path, (latitude, longitude)))
    if ground is None:
        return None, f"in sensor geometry, and {said}: no place on the map"
    return ground, f"in sensor geometry; the map is laid on the ground as well, each cell the {said}"


def ground_by_table(
    file: Any, path: Path, shape: tuple[int, ...], columns: str, rows: str, place: Georeference
) -> Ground | None:
    """Return the grid of a product's lookup table, whose cells hold columns and rows counted from 1; None without."""
    size: tuple[int, ...] = getattr(file.get(columns), "shape", ())
    if len(size) != 2 or not all(_is_layer(file.get(name), size, None) for name in (columns, rows)):
        return None
    pixels = TablePixels(Hdf5Arrays(path, (columns, rows)), (shape[0], shape[1]))
    return Ground(place, (int(size[0]), int(size[1])), "the product's lookup table (GLT)", pixels)


def _is_layer(item: Any, shape: tuple[int, ...], layer: int | None) -> bool:
    found = getattr(item, "shape", None)
    if found is None or item.dtype.kind not in "iuf" or tuple(found[:2]) != tuple(shape[:2]):
        return False
    return len(found) == 2 if layer is None else len(found) == 3 and layer < found[2]


def _read(path: Path, name: str, part: Any) -> np.ndarray:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return np.asarray(file[name][part])
    except (OSError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise SceneError(f"{name} of {path} cannot be read ({reason}): it may be damaged") from None
