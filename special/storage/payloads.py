"""What the arrays that steps leave look like: a run that is read back may have been edited, or come from anybody."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from special.errors import DamagedError
from special.storage.rasters import Rows

_KINDS = {"probabilities.npy": "f", "confidence.npy": "f", "map.npy": "u", "rgb.npy": "u"}
_NAMED = {"f": "floating-point numbers", "u": "whole numbers from 0"}


def require_form(path: Path, array: Rows, step: str, classes: int, size: tuple[int, ...] | None = None) -> None:
    """Refuse an array (rows, cols) or (rows, cols, values) that the ``step`` cannot have left at ``path``.

    Args:
        path: of the file that the array was read from. Its name says what it holds.
        array: what was read.
        step: that has left it.
        classes: how many the run has.
        size: rows and columns of the scene, where they are known.

    Raises:
        DamagedError: it is of another size or of other numbers, or names classes that there are not.
    """
    mend = f"run the step {step} again"
    values = {"probabilities.npy": (classes,), "rgb.npy": (3,)}.get(path.name, ())
    wanted = (*(size or array.shape[:2]), *values)
    if array.shape != wanted or len(wanted) != 2 + len(values):
        raise DamagedError(f"{path} is of {array.shape}, not {wanted} as the scene: {mend}")
    kind = _KINDS.get(path.name)
    if kind is not None and array.dtype.kind != kind:
        raise DamagedError(f"{path} holds {array.dtype}, not {_NAMED[kind]}: {mend}")
    if kind == "f" and isinstance(array, np.ndarray) and not np.isfinite(array).all():  # others are read by windows
        raise DamagedError(f"{path} holds NaN or Inf: {mend}")
    if path.name == "rgb.npy" and array.dtype != np.uint8:
        raise DamagedError(f"{path} holds {array.dtype}, not uint8: {mend}")
    if path.name == "map.npy" and array[:].max(initial=0) > classes:
        raise DamagedError(f"{path} has classes up to {array[:].max()}, but there are {classes}: {mend}")
