"""What the readers of products in HDF5 share; netCDF-4 is HDF5 too. Each knows the layout of one kind of product."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.nanometres import plausible_nm, plausible_widths
from special.scene.readers.base import PRODUCT, ArrayBlockReader, Reader, ReadOptions
from special.scene.readers.hdf5 import HDF5, SIGNATURES, Hdf5Dataset
from special.scene.readers.hdf5_guard import refuse_what_crashes
from special.scene.source import Axes, BlockReader, Georeference, Source

BANDS_LAST: Axes = (0, 1, 2)
BANDS_FIRST: Axes = (1, 2, 0)
BANDS_BETWEEN: Axes = (0, 2, 1)


class Hdf5Product(Reader):
    """A reader of one kind of product, which it recognises by where the cube lies in the file.

    With ``--key``, an array that is not the product's cube is read as the plain HDF5 that it is.
    """

    precedence = PRODUCT
    named_arrays = True
    open_axes = True
    signatures = SIGNATURES

    @abstractmethod
    def cubes(self, file: Any) -> tuple[str, ...]:
        """Return the paths of the cubes that make the scene in an open ``h5py.File``; none: not this product."""

    @abstractmethod
    def describe(self, file: Any, path: Path, cubes: tuple[str, ...]) -> Source:
        """Describe the scene that these cubes make.

        Raises:
            SceneError: a part of the product is missing or does not fit the others.
        """

    def holds(self, path: Path, head: bytes) -> bool:
        """Whether the product's cubes are in an HDF5 file."""
        import h5py

        try:
            refuse_what_crashes(path)
            with h5py.File(path, "r") as file:
                return bool(self.cubes(file))
        except (OSError, RuntimeError, KeyError):  # damaged: the reader of plain HDF5 says how
            return False

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the product's scene.

        Raises:
            SceneError: it is another product, damaged, or lacks something.
        """
        import h5py

        try:
            refuse_what_crashes(path)
            with h5py.File(path, "r") as file:
                cubes = self.cubes(file)
                if not cubes:
                    raise SceneError(f"{path} is not laid out as {self.reads}: leave out --reader")
                if options.key is not None:
                    cubes = tuple(name for name in cubes if options.key.strip("/") in (name, name.rpartition("/")[2]))
                if cubes and options.axes is not None:
                    raise SceneError(f"{path} says itself what its axes are: leave out --axes")
                if cubes:
                    return self.describe(file, path, cubes)
        except (OSError, RuntimeError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise SceneError(f"{path} cannot be read as {self.reads} ({reason}): it may be damaged") from None
        return HDF5.open(path, options)


@dataclass(frozen=True)
class StoredCube:
    """A cube in an HDF5 file: ``shape`` is (rows, cols, bands), ``row_step`` how many rows are stored together."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    read_block: BlockReader
    row_step: int


def stored_cube(file: Any, path: Path, name: str, axes: Axes) -> StoredCube:
    """Return the cube ``name`` of an open file; ``axes`` says which of its axes are rows, columns and bands.

    Raises:
        SceneError: it is not a cube of real numbers.
    """
    dataset = file[name]
    if not is_cube(dataset) or 0 in dataset.shape:
        raise SceneError(f"{path}: {name!r} is no cube of real numbers: the product is damaged")
    rows, cols, bands = (int(dataset.shape[axis]) for axis in axes)
    reader = ArrayBlockReader(Hdf5Dataset(path, name, dataset.shape, dataset.dtype), axes)
    return StoredCube((rows, cols, bands), dataset.dtype, reader, int(dataset.chunks[axes[0]]) if dataset.chunks else 1)


def names_in(file: Any, folder: str) -> list[str]:
    """Return what a folder of an open file holds, by name; nothing where it is no folder."""
    import h5py

    return list(file[folder]) if isinstance(file.get(folder), h5py.Group) else []


def is_cube(item: Any) -> bool:
    """Whether an entry of a file is an array of three axes that holds real numbers."""
    import h5py

    return isinstance(item, h5py.Dataset) and len(item.shape or ()) == 3 and item.dtype.kind in "iuf"


def per_band(file: Any, name: str, bands: int, path: Path) -> np.ndarray | None:
    """Return the values (bands,) of an array of an open file as float64, or None where there is no such array.

    Raises:
        SceneError: it does not hold one number a band.
    """
    import h5py

    if name not in file:
        return None
    return checked(file[name][()] if isinstance(file[name], h5py.Dataset) else (), name, bands, path)


def checked(values: Any, name: str, bands: int, path: Path) -> np.ndarray:
    """Return what a file says of each band, as float64 (bands,).

    Raises:
        SceneError: it is not one number a band.
    """
    array = np.ravel(values)
    if array.dtype.kind not in "iufb" or len(array) != bands:
        raise SceneError(f"{path}: {name!r} should hold one number for each of {bands} bands: the product is damaged")
    return array.astype(np.float64)


def centres_and_widths(
    centres: np.ndarray | None, widths: np.ndarray | None, units: str | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return wavelengths and widths (bands,) in nm, from those of a file, whose wavelengths are in ``units``."""
    nm = None if centres is None else plausible_nm(centres, units)
    if nm is None or widths is None or centres is None:
        return nm, None
    return nm, plausible_widths(widths, nm, centres)


def attribute_text(item: Any, name: str) -> str | None:
    """Return an attribute as text, or None where it is missing."""
    return None if name not in item.attrs else as_text(item.attrs[name])


def attribute_number(item: Any, *names: str) -> float | None:
    """Return the first of these attributes that is a number, or None."""
    for name in names:
        value = np.ravel(item.attrs[name]) if name in item.attrs else np.empty(0)
        if len(value):
            try:
                return float(as_text(value[0]))
            except ValueError:
                continue
    return None


def as_text(value: Any) -> str:
    """Return a string of a file as text; of several, the first."""
    values = np.ravel(np.asarray(value, dtype=object))
    first = values[0] if len(values) else ""
    return first.decode("utf-8", errors="replace") if isinstance(first, bytes) else str(first)


def georeference_of_epsg(epsg: float | None, transform: tuple[float, ...] | None) -> Georeference | None:
    """Return the place in the projection of this EPSG code, or None where there is no such code."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        return None if epsg is None else Georeference(CRS.from_epsg(int(epsg)).to_wkt(), transform)
    except (CRSError, ValueError):
        return None


def cf_scaling(dataset: Any, bands: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return gains and offsets (bands,) by the conventions of CF, each None where there is nothing to apply."""
    gain, offset = attribute_number(dataset, "scale_factor"), attribute_number(dataset, "add_offset")
    return (
        None if gain in (None, 1.0) else np.full(bands, gain),
        None if offset in (None, 0.0) else np.full(bands, offset),
    )
