"""Files that are either whole or not there: written in staging, synced, hashed, renamed last. No pickle anywhere."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import math
import os
import shutil
import socket
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.errors import DamagedError, damage_of
from special.storage.rasters import Raster, Rows

if TYPE_CHECKING:
    from torch import Tensor

PARTIAL = ".partial"
"""The folder inside a run where things are written before they are renamed into place. A kill may leave it behind."""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical(value: Any) -> str:
    """Return the one JSON text of ``value``: sorted names, no spaces, no NaN. Equal values have equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of ``value``, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def save_array(path: Path, array: Rows) -> None:
    """Write an array (...) of any shape as ``.npy``."""
    if isinstance(array, Raster):
        shutil.copyfile(array.path, path)
    else:
        np.save(path, np.ascontiguousarray(array), allow_pickle=False)


def load_array(path: Path) -> np.ndarray:
    """Read an array (...) of numbers from ``.npy``; one that would have to be unpickled is refused.

    Raises:
        DamagedError: it is no such file.
    """
    with damage_of(path, DamagedError):
        array: np.ndarray = np.load(path, allow_pickle=False)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"it holds {array.dtype}, not numbers")
        return array


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a state dict, tensors (...) by name, as safetensors."""
    from safetensors.torch import save

    # Its own save_file makes files that only their owner can read.
    path.write_bytes(save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read a state dict, tensors (...) by name, from safetensors, on the CPU."""
    from safetensors.torch import load_file

    with damage_of(path, DamagedError):
        return load_file(path)


def save_json(path: Path, value: Any) -> None:
    """Write JSON for people: indented, in UTF-8. NaN is refused."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def load_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DamagedError: it is none, or holds what ``save_json`` would not write: NaN, or a number beyond all bounds.
    """
    with damage_of(path, DamagedError):
        return json.loads(path.read_text(encoding="utf-8"), parse_float=_finite, parse_constant=_finite)


def load_record(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object: figures by their names.

    Raises:
        DamagedError: it is none, or holds something else.
    """
    document = load_json(path)
    if not isinstance(document, dict):
        raise DamagedError(f"{path} holds no names and values: it may be damaged, make it again")
    return document


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number of JSON")
    return value


def replace_json(path: Path, value: Any) -> None:
    """Write JSON so that ``path`` is at every moment the old file or the new one, whole."""
    staging = _staging(path.parent, path.name)
    save_json(staging, value)
    _sync(staging)
    os.replace(staging, path)
    _sync_folder(path.parent)


def replace_text(path: Path, text: str) -> None:
    """Write a text in UTF-8 so that ``path`` is at every moment the old file or the new one, whole."""
    staging = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        staging.write_text(text, encoding="utf-8")
        _sync(staging)
        os.replace(staging, path)
    finally:
        staging.unlink(missing_ok=True)


def replace_copy(source: Path, target: Path) -> None:
    """Copy a file so that ``target`` is at every moment the old file or the new one, whole."""
    staging = _staging(target.parent, target.name)
    shutil.copyfile(source, staging)
    _sync(staging)
    os.replace(staging, target)


def replace_array(path: Path, array: Rows) -> None:
    """Write an array (...) as ``.npy``; ``path`` is at every moment the old file or the new one, whole."""
    staging = _staging(path.parent, path.name)
    save_array(staging.with_suffix(".npy"), array)
    _sync(staging.with_suffix(".npy"))
    os.replace(staging.with_suffix(".npy"), path)


def open_staging(run: Path, name: str) -> Path:
    """Make an empty folder inside the run to write into, until ``move_in`` puts it where it belongs."""
    folder = _staging(run, name)
    folder.mkdir()
    return folder


def move_in(staging: Path, target: Path) -> None:
    """Sync a folder from ``open_staging`` and rename it to ``target``, whose earlier content goes.

    A folder cannot replace a folder in one move, so a kill between the two moves leaves no ``target``: a step that
    never ran, never one that is half there.
    """
    for path in staging.rglob("*"):
        _sync_folder(path) if path.is_dir() else _sync(path)
    _sync_folder(staging)
    target.parent.mkdir(exist_ok=True)
    if target.exists():
        old = staging.with_name(f"{staging.name}.old")
        os.rename(target, old)
        os.rename(staging, target)
        shutil.rmtree(old)
    else:
        os.rename(staging, target)
    _sync_folder(target.parent)


@contextlib.contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to write into, which becomes ``target`` when the block ends well, and else is gone.

    What ``target`` held is replaced. What a process that was killed has left of its own folder is removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = _beside(target)
    try:  # an interrupt may come while the folder is made
        staging.mkdir()
        yield staging
        if target.exists():
            shutil.rmtree(target)
        os.rename(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _beside(target: Path) -> Path:
    """Name a hidden folder of this process beside ``target``; remove those of processes that are no longer there."""
    start = f".{target.name}.{socket.gethostname()}-"
    for left in target.parent.glob(f"{glob.escape(start)}*"):
        if not _is_alive(left.name.removeprefix(start).partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    return target.parent / f"{start}{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _is_alive(pid: str) -> bool:
    """Whether a process of this number runs on this machine, or cannot be told."""
    if os.name == "nt" or not pid.isdigit():  # there, asking would end it
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextlib.contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Give a folder on the disk of ``beside`` for files that are gone when the block ends."""
    folder = _beside(beside)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(run: Path) -> None:
    """Remove what killed runs left in staging. Only for who holds the lock of the run."""
    shutil.rmtree(run / PARTIAL, ignore_errors=True)


def _staging(run: Path, name: str) -> Path:
    folder = run / PARTIAL
    folder.mkdir(exist_ok=True)
    return folder / f"{name}.{uuid.uuid4().hex[:8]}"


def _sync(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
