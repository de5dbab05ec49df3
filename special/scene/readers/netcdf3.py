"""Classic netCDF (versions 1 and 2 of the format), which is no HDF5; netCDF-4 is read as such."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from special.errors import SceneError
from special.scene.readers.arrays import ArrayFile, ArrayInfo, ArrayReader
from special.scene.source import Axes, Stored


@dataclass(frozen=True)
class Netcdf3Array:
    """A variable that is mapped anew for every block."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, slices: tuple[slice, ...], /) -> np.ndarray:
        """Read a block."""
        with _opened(self.path) as file:
            return np.array(file.variables[self.name].data[slices], dtype=self.dtype)


class Netcdf3File(ArrayFile):
    """A classic netCDF file."""

    format = "netCDF"
    knows_axes = False

    def __enter__(self) -> Self:
        """List its variables, and what is said of them."""
        with _opened(self.path) as file:
            described = {
                name: (item.shape, item.dimensions, dict(item._attributes)) for name, item in file.variables.items()
            }
            self._types = {name: item.data.dtype.newbyteorder("=") for name, item in file.variables.items()}
        self._said = {name: said for name, (_, _, said) in described.items()}
        self._dimensions = {name: tuple(dimensions) for name, (_, dimensions, _) in described.items()}
        self.infos = tuple(
            ArrayInfo(name, tuple(shape), "numbers" if self._types[name].kind in "iuf" else "other")
            for name, (shape, _, _) in described.items()
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def load(self, *names: str) -> list[Stored]:
        """The named variables, to be sliced from the file."""
        shapes = {info.name: info.shape for info in self.infos}
        return [Netcdf3Array(self.path, name, shapes[name], self._types[name]) for name in names]

    def axes(self, info: ArrayInfo) -> tuple[Axes, ...]:
        """Bands last, first or between."""
        return (*super().axes(info), (0, 2, 1))

    def attributes(self, name: str) -> Mapping[str, Any]:
        """Those of a variable."""
        return self._said.get(name, {})

    def dimensions(self, name: str) -> tuple[str, ...]:
        """The names of its dimensions, which are those of their coordinates."""
        return self._dimensions[name]

    def coordinate(self, name: str) -> np.ndarray | None:
        """A coordinate variable, (size,)."""
        if name not in self._dimensions or self._types[name].kind not in "iuf":
            return None
        (stored,) = self.load(name)
        return np.ravel(stored[(slice(None),) * len(stored.shape)])


class Netcdf3Reader(ArrayReader):
    """Reads classic netCDF."""

    name = "netcdf3"
    reads = "classic netCDF (.nc)"
    understands = "as netCDF-4, by the CF conventions; `--key NAME` as for HDF5"
    signatures = ((0, b"CDF\x01"), (0, b"CDF\x02"))
    file = Netcdf3File


NETCDF3 = Netcdf3Reader()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from scipy.io import netcdf_file

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of maps that outlive it: what is returned is a copy
            file = netcdf_file(path, "r", mmap=True)
            yield file
            file.close()
    except (OSError, TypeError, ValueError, IndexError, KeyError) as error:
        raise SceneError(
            f"{path} cannot be read as netCDF ({' '.join(str(error).split())}): it may be damaged"
        ) from None
