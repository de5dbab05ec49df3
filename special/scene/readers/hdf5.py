"""HDF5 files: MATLAB v7.3, whose axes come reversed, and plain HDF5 with its datasets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np

from special.errors import SceneError
from special.scene.readers import conventions
from special.scene.readers.arrays import ArrayFile, ArrayInfo, ArrayReader
from special.scene.readers.hdf5_guard import refuse_what_crashes
from special.scene.source import Axes, Stored

_CACHE_BYTES = 1 << 26
_MOST_KEPT_BYTES = 1 << 29
_LITTLE_MORE = 1.5
SIGNATURES = tuple((place, b"\x89HDF\r\n\x1a\n") for place in (0, 512, 1024, 2048))


@dataclass(frozen=True)
class _Slab:
    """Whole chunks of a dataset, unpacked for a part of them. ``key`` says of which one; ``start`` is their corner."""

    key: tuple[str, int, str]
    start: tuple[int, ...]
    values: np.ndarray

    def part(self, key: tuple[str, int, str], slices: tuple[slice, ...]) -> np.ndarray | None:
        """Return what lies between ``slices``, or None where not all of it is here."""
        ends = [first + size for first, size in zip(self.start, self.values.shape, strict=True)]
        if key != self.key or any(
            part.start < first or part.stop > end for part, first, end in zip(slices, self.start, ends, strict=True)
        ):
            return None
        return self.values[
            tuple(slice(part.start - first, part.stop - first) for part, first in zip(slices, self.start, strict=True))
        ]


class Hdf5Dataset:
    """A dataset that is opened anew for every block. ``reverse`` turns its axes round, as MATLAB means them.

    Chunks are unpacked whole, and a block of a few rows is a small part of some: they are kept for the next block,
    until one reaches their end.
    """

    _kept: ClassVar[_Slab | None] = None

    def __init__(
        self, path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], reverse: bool = False
    ) -> None:
        self._path, self._name, self._reverse = path, name, reverse
        self.shape, self.dtype = shape, dtype

    def __getitem__(self, slices: tuple[slice, ...], /) -> np.ndarray:
        """Read a block."""
        import h5py

        stored = slices[::-1] if self._reverse else slices
        sizes = self.shape[::-1] if self._reverse else self.shape
        stored = tuple(slice(*part.indices(size)[:2]) for part, size in zip(stored, sizes, strict=True))
        try:
            key = (str(self._path), self._path.stat().st_mtime_ns, self._name)
            kept, Hdf5Dataset._kept = Hdf5Dataset._kept, None
            block = kept.part(key, stored) if kept is not None else None
            if block is None:
                kept = None
                with h5py.File(self._path, "r", rdcc_nbytes=_CACHE_BYTES) as file:
                    dataset = file[self._name]
                    whole = _whole_chunks(dataset, stored)
                    if whole is None:
                        block = np.asarray(dataset[stored])
                    else:
                        kept = _Slab(key, tuple(part.start for part in whole), np.asarray(dataset[whole]))
                        block = kept.part(key, stored)
        except (OSError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise SceneError(f"{self._path} cannot be read in full ({reason}): it may be damaged") from None
        assert block is not None
        if kept is not None:
            ends = [first + size for first, size in zip(kept.start, kept.values.shape, strict=True)]
            if any(part.stop < end for part, end in zip(stored, ends, strict=True)):
                Hdf5Dataset._kept = kept
        return block.transpose() if self._reverse else block


def _whole_chunks(dataset: Any, slices: tuple[slice, ...]) -> tuple[slice, ...] | None:
    """The slices of the whole chunks that a block lies in; None where they are little more than it, or far too much."""
    if dataset.chunks is None or not dataset.compression:
        return None
    whole = tuple(
        slice(part.start - part.start % chunk, min(size, -(-part.stop // chunk) * chunk))
        for part, chunk, size in zip(slices, dataset.chunks, dataset.shape, strict=True)
    )
    wanted, unpacked = (math.prod(max(0, part.stop - part.start) for part in parts) for parts in (slices, whole))
    too_much = unpacked * dataset.dtype.itemsize > _MOST_KEPT_BYTES
    return None if too_much or unpacked <= _LITTLE_MORE * wanted else whole


class Hdf5File(ArrayFile):
    """An HDF5 file. MATLAB's arrays are described as MATLAB shows them; names inside groups are paths."""

    format = "HDF5"

    def __enter__(self) -> Self:
        """Open the file and list its arrays."""
        import h5py

        try:
            refuse_what_crashes(self.path)
            self._file = h5py.File(self.path, "r")
            with self.path.open("rb") as stream:
                self._matlab = stream.read(10) == b"MATLAB 7.3"
            infos: list[ArrayInfo] = []
            self._file.visititems(lambda name, item: infos.append(self._describe(name, item)))
        except (OSError, RuntimeError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise SceneError(f"{self.path} cannot be read as HDF5 ({reason}): it may be damaged") from None
        self._may_be_turned = self.path.suffix.lower() == ".mat"
        self._matlab |= any(self._is_matlab(info.name) for info in infos)
        self.knows_axes = self._matlab
        if self._matlab:
            self.format = "MATLAB v7.3"
            infos = [ArrayInfo(info.name, info.shape[::-1], info.kind) for info in infos]
        self.infos = tuple(info for info in infos if info.kind != "group" and not info.name.startswith("#"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; blocks are read by opening it anew."""
        self._file.close()

    def load(self, *names: str) -> list[Stored]:
        """The named datasets, to be sliced from the file."""
        shapes = {info.name: info.shape for info in self.infos}
        return [Hdf5Dataset(self.path, name, shapes[name], self._file[name].dtype, self._matlab) for name in names]

    def axes(self, info: ArrayInfo) -> tuple[Axes, ...]:
        """As MATLAB shows them; plain HDF5 may also hold its bands between rows and columns.

        A ``.mat`` file without MATLAB's mark is such a file, or one whose axes have been turned round as MATLAB does.
        """
        first, *others = super().axes(info)
        if self._matlab:
            return (first, *others)
        turned = ((2, 1, 0),) if self._may_be_turned else ()
        return (first, *others, (0, 2, 1), *turned)

    def planes(self, info: ArrayInfo) -> tuple[tuple[int, int], ...]:
        """As MATLAB shows them; where MATLAB has left no mark, some other program wrote rows first, as it is.

        The shape of the scene tells of an image that is not square whether its axes have been turned round.
        """
        return ((0, 1), (1, 0)) if self._may_be_turned and not self._matlab else ((0, 1),)

    def row_step(self, name: str, axes: Axes) -> int:
        """The extent of a chunk along the rows: less would unpack it again for every window."""
        chunks = self._file[name].chunks
        if chunks is None:
            return 1
        return int((chunks[::-1] if self._matlab else chunks)[axes[0]])

    def attributes(self, name: str) -> Mapping[str, Any]:
        """Those of a dataset or a group; nothing of MATLAB's."""
        return dict(self._file[name].attrs) if name and name in self._file and not self._matlab else {}

    def dimensions(self, name: str) -> tuple[str, ...]:
        """The dimension scales that netCDF-4 attaches."""
        if self._matlab:
            return ()
        # By the attribute itself: HDF5's own function for scales crashes on lists that are damaged.
        lists = self._file[name].attrs.get("DIMENSION_LIST", ())
        attached = [self._file[scales[0]].name for scales in lists if len(scales)]
        return tuple(str(scale).strip("/") for scale in attached)

    def coordinate(self, name: str) -> np.ndarray | None:
        """A dimension scale (size,); netCDF marks those that have no values."""
        scale = self._file.get(name)
        if scale is None or "not a netCDF variable" in conventions.text(scale.attrs, "NAME"):
            return None
        return np.ravel(scale[()])

    def _is_matlab(self, name: str) -> bool:
        return "MATLAB_class" in self._file[name].attrs

    @staticmethod
    def _describe(name: str, item: Any) -> ArrayInfo:
        import h5py

        if not isinstance(item, h5py.Dataset):
            return ArrayInfo(name, (), "group")
        matlab_class = item.attrs.get("MATLAB_class", b"")
        matlab_class = matlab_class.decode() if isinstance(matlab_class, bytes) else str(matlab_class)
        kind = "numbers" if item.dtype.kind in "iuf" else str(item.dtype)
        if matlab_class in ("char", "cell", "struct", "logical", "function_handle") or "MATLAB_empty" in item.attrs:
            kind = matlab_class or "empty"
        return ArrayInfo(name, item.shape or (), kind)


class Hdf5Reader(ArrayReader):
    """Reads HDF5, and with it MATLAB v7.3."""

    name = "hdf5"
    reads = "HDF5 (such as MATLAB v7.3)"
    understands = (
        "`--key NAME` where several arrays could be the cube; netCDF by the CF conventions: axes, scale, offset, place"
    )
    signatures = SIGNATURES
    file = Hdf5File


HDF5 = Hdf5Reader()
