"""What workers of the tests do to windows: functions as ``special.passes`` takes them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
from batch_tasks import PATIENCE

from special.errors import SceneError


def squared(values: np.ndarray, rows: slice) -> np.ndarray:
    return np.asarray(values[rows] ** 2)


def two(values: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    return values[rows], np.array(os.getpid())


def overwrite(values: np.ndarray, rows: slice) -> np.ndarray:
    """Write to what it was given, which is its own."""
    values[:] = -1
    return np.array(values[rows])


def refuse(rows: slice) -> np.ndarray:
    raise SceneError("the scene has changed:\ncopy it again")


def die(once: Path | None, rows: slice) -> np.ndarray:
    """Be killed at the third window, as by a system that lacks memory; once, if ``once`` is a file to remember it."""
    if rows.start == 2 and (once is None or not once.exists()):
        if once is not None:
            once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return np.array(rows.start)


def linger(here: Path, rows: slice) -> np.ndarray:
    """The first time at the third window write the number of the process above into ``here``, and wait to be ended."""
    if rows.start == 2 and not here.exists():
        aside = here.with_suffix(".part")
        aside.write_text(str(os.getppid()))
        aside.replace(here)
        signal.sigtimedwait((signal.SIGUSR1,), PATIENCE)
    return np.array(rows.start)
