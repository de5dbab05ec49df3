"""What a pass sends to workers: a function with all it has, in files of a folder that they see as well.

Arrays that are large go into files of their own, named by their content: written once for all passes, and mapped by the
workers of a machine, which share the memory. The rest is pickled. A worker takes only what it was told the hash of by
whoever has started it, so that nobody else can put anything into its hands.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import BatchError, DamagedError

_LARGE = 1 << 20
_ARRAY = "array"


@dataclass(frozen=True)
class Parcel:
    """Where something lies, and the SHA-256 (hex) of it."""

    path: Path
    sha256: str


def pack(folder: Path, content: Any) -> Parcel:
    """Write ``content`` into ``folder``, which is there.

    Raises:
        BatchError: something in it cannot be pickled, such as a reader of another distribution.
    """
    stream = io.BytesIO()
    try:
        _Pickler(folder, stream).dump(content)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        said = " ".join(str(error).split())
        raise BatchError(
            f"workers cannot be given what goes over this scene ({said}): leave --workers and --cluster out"
        ) from None
    data = stream.getvalue()
    found = hashlib.sha256(data).hexdigest()
    return Parcel(_whole(folder / f"{found}.pickle", data), found)


def unpack(parcel: Parcel) -> Any:
    """Return what ``pack`` was given.

    Raises:
        DamagedError: the file holds something else.
    """
    data = parcel.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != parcel.sha256:
        raise DamagedError(f"{parcel.path} is not what was sent: give the same command again")
    return _Unpickler(parcel.path.parent, io.BytesIO(data)).load()


class _Pickler(pickle.Pickler):
    """Keeps large arrays apart."""

    def __init__(self, folder: Path, stream: io.BytesIO) -> None:
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self._folder = folder

    def persistent_id(self, item: Any) -> tuple[str, str] | None:
        """Return where an array has been put; None for what is small or something else."""
        if not isinstance(item, np.ndarray) or item.nbytes < _LARGE or item.dtype.kind not in "biuf":
            return None
        array = np.ascontiguousarray(item)
        found = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
        found.update(array.data)
        path = self._folder / f"{found.hexdigest()}.npy"
        if not path.exists():
            aside = path.with_name(f".{path.name}.{os.getpid()}")
            with aside.open("wb") as file:
                np.save(file, array, allow_pickle=False)
            aside.replace(path)
        return _ARRAY, path.name


class _Unpickler(pickle.Unpickler):
    """Maps large arrays, each worker's own to write to."""

    def __init__(self, folder: Path, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self._folder = folder

    def persistent_load(self, pid: Any) -> np.ndarray:
        """Return an array (...) of any type."""
        kind, name = pid
        assert kind == _ARRAY
        mapped: np.ndarray = np.load(self._folder / name, mmap_mode="c", allow_pickle=False)
        return mapped.view(np.ndarray)


def _whole(path: Path, data: bytes) -> Path:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(data)
    aside.replace(path)
    return path
