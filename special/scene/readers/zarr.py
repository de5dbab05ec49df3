"""Zarr in a folder on this machine: the metadata are read here.

Chunks of version 2 are unpacked by GDAL, those of version 3, of which GDAL 3.10 knows but a draft, by zarr-python.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from special.errors import SceneError
from special.scene.readers.arrays import ArrayFile, ArrayInfo, ArrayReader
from special.scene.readers.base import FORMAT
from special.scene.readers.raster import quiet_open
from special.scene.source import Axes, Stored

_MARKS = (".zgroup", ".zarray", "zarr.json", ".zmetadata")
_DESCRIBING = (".zarray", ".zattrs", ".zgroup", "zarr.json")
_MOST_BYTES = 16 << 20
_MOST_ARRAYS = 10_000


@dataclass(frozen=True)
class ZarrArray:
    """An array that is opened anew for every block. GDAL has the last two axes as rows and columns of its bands."""

    root: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, slices: tuple[slice, ...], /) -> np.ndarray:
        """Read a block."""
        from rasterio.errors import RasterioError
        from rasterio.windows import Window

        ranges = [range(*part.indices(size)) for part, size in zip(slices, self.shape, strict=True)]
        whole = [range(1)] * (3 - len(ranges)) + ranges
        layers, rows, cols = whole
        window = Window(cols.start, rows.start, len(cols), len(rows))
        try:
            with quiet_open(f'ZARR:"{self.root.absolute()}":/{self.name}', "Zarr") as dataset:
                block = dataset.read([layer + 1 for layer in layers], window=window)
        except RasterioError as error:
            raise SceneError(f"{self.name} of {self.root} cannot be read ({error}): it may be damaged") from None
        return np.asarray(block).reshape([len(part) for part in ranges])


@dataclass(frozen=True)
class Zarr3Array:
    """An array of version 3, opened anew for every block: any codec that zarr-python has, shards too."""

    root: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, slices: tuple[slice, ...], /) -> np.ndarray:
        """Read a block."""
        import zarr

        try:
            return np.asarray(zarr.open_array(self.root / self.name, mode="r", zarr_format=3)[slices])
        except (OSError, ValueError, TypeError, KeyError, RuntimeError, NotImplementedError) as error:
            said = " ".join(str(error).split())
            raise SceneError(f"{self.name} of {self.root} cannot be read ({said}): it may be damaged") from None


class ZarrFile(ArrayFile):
    """A Zarr hierarchy; names inside groups are paths."""

    format = "Zarr"
    knows_axes = False

    def __enter__(self) -> Self:
        """List its arrays."""
        self._metadata = dict(_arrays(self.path))
        self._types = {name: _dtype(found) for name, found in self._metadata.items()}
        self.infos = tuple(
            ArrayInfo(name, tuple(found["shape"]), "numbers" if self._types[name] is not None else "other")
            for name, found in self._metadata.items()
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def load(self, *names: str) -> list[Stored]:
        """The named arrays, to be sliced from their chunks."""
        loaded: list[Stored] = []
        for name in names:
            dtype = self._types[name]
            if dtype is None:
                raise SceneError(f"{self.path}: {name!r} holds no numbers")
            found = self._metadata[name]
            kind = Zarr3Array if found.get("zarr_format") == 3 else ZarrArray
            loaded.append(kind(self.path, name, tuple(found["shape"]), dtype))
        return loaded

    def files(self, name: str) -> tuple[Path, ...]:
        """The chunks of an array, and what the store says of all of them."""
        about = [path for path in self.path.rglob("*") if path.name in _DESCRIBING and path.is_file()]
        return tuple(sorted({*about, *(path for path in (self.path / name).rglob("*") if path.is_file())}))

    def axes(self, info: ArrayInfo) -> tuple[Axes, ...]:
        """Bands last, first or between."""
        return (*super().axes(info), (0, 2, 1))

    def attributes(self, name: str) -> Mapping[str, Any]:
        """Those of an array; its fill value too, which version 2 keeps elsewhere."""
        found = self._metadata.get(name, {})
        fill = found.get("fill_value")
        own = dict(found.get("attributes", {}))
        if fill and "_FillValue" not in own:  # 0, which chunks that were never written read as, may be a value
            own["_FillValue"] = float(fill)
        return own

    def dimensions(self, name: str) -> tuple[str, ...]:
        """By xarray's attribute, or version 3's own names; a coordinate lies beside the array."""
        found = self._metadata[name]
        names = found.get("attributes", {}).get("_ARRAY_DIMENSIONS") or found.get("dimension_names") or ()
        folder = name.rpartition("/")[0]
        return tuple(f"{folder}/{one}".strip("/") for one in names if one)

    def coordinate(self, name: str) -> np.ndarray | None:
        """A coordinate array (size,) beside the cube."""
        if self._types.get(name) is None or len(self._metadata[name]["shape"]) != 1:
            return None
        (stored,) = self.load(name)
        return np.asarray(stored[(slice(None),)])

    def row_step(self, name: str, axes: Axes) -> int:
        """The extent of a chunk along the rows."""
        found = self._metadata[name]
        chunks = found.get("chunks") or found.get("chunk_grid", {}).get("configuration", {}).get("chunk_shape")
        return int(chunks[axes[0]]) if chunks else 1


class ZarrReader(ArrayReader):
    """Reads a local Zarr store."""

    name = "zarr"
    reads = "Zarr (a local folder, version 2 or 3)"
    understands = "dimensions and attributes by the CF conventions; `--key NAME` as for HDF5"
    precedence = FORMAT
    folders = True
    file = ZarrFile

    def holds(self, path: Path, head: bytes) -> bool:
        """By the metadata that every store has at its root."""
        return path.is_dir() and any((path / mark).is_file() for mark in _MARKS)


ZARR = ZarrReader()


def _arrays(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The arrays of a store, by their path in it, and their metadata with ``attributes`` as version 3 has them."""
    waiting, seen = [root], 0
    while waiting:
        folder = waiting.pop(0)
        seen += 1
        if seen > _MOST_ARRAYS:
            raise SceneError(f"{root} holds more folders than a scene has: name a smaller store")
        name = folder.relative_to(root).as_posix().strip(".")
        if (folder / "zarr.json").is_file():
            found = _json(folder / "zarr.json")
            is_array = found.get("node_type") == "array"
        else:
            found = _json(folder / ".zarray")
            is_array = bool(found)
            found["attributes"] = _json(folder / ".zattrs")
        if is_array:
            if not isinstance(found.get("shape"), list) or not all(isinstance(size, int) for size in found["shape"]):
                raise SceneError(f"{folder} describes an array without a shape: the store is damaged")
            yield name, found
        else:
            waiting += sorted(item for item in folder.iterdir() if item.is_dir() and not item.is_symlink())


def _json(path: Path) -> dict[str, Any]:
    """Read metadata; none where there is no such file.

    Raises:
        SceneError: it is damaged.
    """
    try:
        with path.open("rb") as stream:
            found = json.loads(stream.read(_MOST_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise SceneError(f"{path} cannot be read ({error}): the store is damaged") from None
    return found if isinstance(found, dict) else {}


def _dtype(found: Mapping[str, Any]) -> np.dtype[Any] | None:
    """The type of an array of real numbers, or None."""
    try:
        dtype = np.dtype(found.get("dtype") or found.get("data_type") or "")
    except TypeError:
        return None
    return dtype.newbyteorder("=") if dtype.kind in "iuf" else None
