"""NumPy's own format, ``.npy``: one array without a name, mapped into memory, never unpickled."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from special.errors import SceneError
from special.scene.readers.arrays import ArrayFile, ArrayInfo, ArrayReader
from special.scene.readers.mapped import MappedArray
from special.scene.source import Stored


class _Mapped(MappedArray):
    """The array in a ``.npy`` file, which can go to another process."""

    def __init__(self, path: Path, array: np.ndarray) -> None:
        self._path = path
        self.shape = array.shape
        self.dtype = array.dtype

    def map(self) -> np.ndarray:
        mapped: np.ndarray = np.load(self._path, mmap_mode="r", allow_pickle=False)
        return mapped


class NpyFile(ArrayFile):
    """A ``.npy`` file. Its array has the name "" and rows, columns and bands in that order."""

    format = "NumPy"

    def __enter__(self) -> Self:
        """Open the file and list its arrays."""
        try:
            array = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except Exception as error:  # a header is Python, which has more ways to be wrong than can be listed
            raise SceneError(
                f"{self.path} is not a readable .npy file ({error}): save one plain array of numbers with numpy.save"
            ) from None
        kind = {"b": "logical"}.get(array.dtype.kind, "numbers" if array.dtype.kind in "iuf" else str(array.dtype))
        self.infos = (ArrayInfo("", array.shape, kind),)
        self._mapped = _Mapped(self.path, array)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def load(self, *names: str) -> list[Stored]:
        """The array, to be sliced from the file."""
        return [self._mapped for _ in names]


class NpyReader(ArrayReader):
    """Reads ``.npy``."""

    name = "npy"
    reads = ".npy"
    understands = "(rows, cols, bands), without pickle"
    signatures = ((0, b"\x93NUMPY"),)
    file = NpyFile
    named_arrays = False


NPY = NpyReader()
