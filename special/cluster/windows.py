"""What a worker does in a pass over a scene that others have begun: it applies a function to a window."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from special.cluster.parcels import Parcel, unpack
from special.progress import Progress

WORK = "special.cluster.windows:do_window"
"""How workers are told of ``do_window``."""

_latest: tuple[str, Any] = ("", None)
"""The hash of the parcel that was opened last, and what was in it: it serves all windows of a pass."""


def do_window(order: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Apply a function to a window, and write the arrays that it returns into a file.

    Args:
        order: ``parcel`` and ``sha256``, of the windows and the function; ``number`` of the window; ``result``, the
            file to write; ``folder``, to which paths are relative.
        progress: hears nothing of so little.
    """
    global _latest
    os.chdir(order["folder"])
    if _latest[0] != order["sha256"]:
        _latest = ("", None)  # first let go of what was there
        _latest = order["sha256"], unpack(Parcel(Path(order["parcel"]), order["sha256"]))
    windows, work = _latest[1]
    found = work(windows[order["number"]])
    write(Path(order["result"]), found)
    return {}


def write(path: Path, found: np.ndarray | tuple[np.ndarray, ...]) -> None:
    """Write an array (...), or several, whole or not at all."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as file:
        if isinstance(found, tuple):
            np.savez(file, *found)
        else:
            np.save(file, found, allow_pickle=False)
    aside.replace(path)


def read(path: Path) -> np.ndarray | tuple[np.ndarray, ...]:
    """Return what ``write`` was given: an array (...), or several."""
    stored = np.load(path, allow_pickle=False)
    if isinstance(stored, np.ndarray):
        return stored
    with stored:
        return tuple(stored[f"arr_{number}"] for number in range(len(stored.files)))
