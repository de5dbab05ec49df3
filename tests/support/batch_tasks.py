"""What workers of the tests do: functions of ``given`` and a progress, as ``special.cluster.worker`` calls them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from special.errors import SceneError
from special.progress import Progress

PATIENCE = 120.0  # seconds until who waits for its end gives up, so that a test fails and does not hang


def work(given: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Do what ``given`` says under ``do``."""
    return globals()[given["do"]](given, progress)


def answer(given: dict[str, Any], progress: Progress) -> dict[str, Any]:
    print("a library talks")
    os.write(1, b"and one in C as well\n")
    with progress.phase("think"):
        progress.begin("thinking", 2)
        progress.advance(2)
    progress.say("thought")
    return {"answer": given["value"], "pid": os.getpid()}


def refuse(given: dict[str, Any], progress: Progress) -> dict[str, Any]:
    raise SceneError("no such scene:\nname another one")


def break_down(given: dict[str, Any], progress: Progress) -> dict[str, Any]:
    raise ZeroDivisionError("one by nothing")


def die(given: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Be killed, as by a system that lacks memory; only the first time where ``once`` names a file to remember it."""
    if "once" in given and Path(given["once"]).exists():
        return {"answer": "alive", "pid": os.getpid()}
    if "once" in given:
        Path(given["once"]).touch()
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("dead")


def wait(given: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Say where it is and wait until it is ended."""
    Path(given["here"]).write_text(str(os.getpid()))
    signal.sigtimedwait((signal.SIGUSR1,), PATIENCE)
    raise AssertionError("something else came")


def linger(given: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The first time say something and wait until the process is ended; the second time answer."""
    if Path(given["once"]).exists():
        return {"answer": "second"}
    Path(given["once"]).touch()
    Path(given["here"]).write_text(str(os.getpid()))
    progress.begin("lingering", 0)
    signal.sigtimedwait((signal.SIGUSR1,), PATIENCE)
    raise AssertionError("something else came")


def threads(given: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Return how many threads each library would use, and how many threads compute at the same time."""
    import numba
    import numpy as np
    import torch
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_info

    KMeans(2, n_init=1).fit(np.random.default_rng(0).normal(size=(50, 2)))
    pools = {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}
    return {
        "pools": pools,
        "torch": torch.get_num_threads(),
        "numba": numba.get_num_threads(),
        "gdal": os.environ["GDAL_NUM_THREADS"],
    }
