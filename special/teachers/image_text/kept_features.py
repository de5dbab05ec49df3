"""Dense features of windows, kept from run to run: with them a scene's new class names cost seconds, not minutes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from special.storage import files

DTYPE = np.float16


class KeptFeatures:
    """The features of all windows of a view, (windows, h, w, D) float16, in a folder.

    Args:
        folder: the cache; None keeps nothing. One that cannot be written to is no matter.
        made_of: JSON of all that decides the features.
        windows: how many there are.
        limit: bytes that the folder may hold; what is older goes first. Features that are larger alone are not kept.

    As a context manager: what was put is there for later runs if all windows were, and no error came.
    """

    def __init__(self, folder: Path | None, made_of: Any, windows: int, limit: float) -> None:
        self._folder, self._windows, self._limit = folder, windows, limit
        self._path = None if folder is None or limit <= 0 else folder / f"{files.digest(made_of)}.npy"
        self._partial = None if self._path is None else self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        self._written: Any = None
        self._count = 0
        self._found = self._open()

    @property
    def wanted(self) -> bool:
        """Whether what is put is kept."""
        return self._partial is not None

    def get(self, first: int, count: int) -> np.ndarray | None:
        """Return the features of ``count`` windows from ``first`` on, float16 (count, h, w, D); None if not known."""
        return None if self._found is None else np.array(self._found[first : first + count])

    def put(self, first: int, features: np.ndarray) -> None:
        """Keep the features of some windows, float16 (count, h, w, D)."""
        if self._partial is None:
            return
        try:
            if self._written is None:
                shape = (self._windows, *features.shape[1:])
                if np.prod(shape, dtype=np.float64) * 2 > self._limit:
                    self._partial = None
                    return
                self._partial.parent.mkdir(parents=True, exist_ok=True)
                self._written = np.lib.format.open_memmap(self._partial, "w+", DTYPE, shape)
            self._written[first : first + len(features)] = features
            self._count += len(features)
        except OSError:
            self._give_up()

    def _open(self) -> Any:
        if self._path is None:
            return None
        try:
            found = np.load(self._path, mmap_mode="r", allow_pickle=False)
            if found.ndim == 4 and found.dtype == DTYPE and len(found) == self._windows:
                os.utime(self._path)  # used last, so that it goes last
                return found
        except Exception:  # whatever lies there is no longer what was kept
            pass
        return None

    def _give_up(self) -> None:
        self._written = None
        if self._partial is not None:
            with contextlib.suppress(OSError):
                self._partial.unlink(missing_ok=True)
            self._partial = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._written is None or self._partial is None or self._path is None:
            return
        if kind is not None or self._count != self._windows:
            self._give_up()
            return
        with contextlib.suppress(OSError):
            self._written.flush()
            self._written = None
            os.replace(self._partial, self._path)
            _prune(self._path.parent, self._limit)


def _prune(folder: Path, limit: float) -> None:
    """Let the features that were used longest ago go until the rest fits."""
    kept = sorted(folder.glob("*.npy"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in kept:
        total += path.stat().st_size
        if total > limit:
            path.unlink(missing_ok=True)
