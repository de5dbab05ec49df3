"""What a Dask worker does with a scene: it hands it to a process of its own, and reports what that says.

A process of its own has as many threads as the Dask worker, keeps the models it has loaded from scene to scene, gives
its memory back when it ends, and ends when the Dask worker does.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from special.cluster import machine
from special.cluster.child import Child
from special.version import own_version

_IDLE_SECONDS = 600.0
_END_SECONDS = 15.0


class _Hand:
    """The process of this Dask worker, and what it has said and nobody has heard yet."""

    def __init__(self, work: str, threads: int, log: Path) -> None:
        self.said: queue.Queue[dict[str, Any]] = queue.Queue()
        self.child = Child(work, machine.thread_environment(threads), log, self.said.put)
        self.idle: threading.Timer | None = None


_hands: dict[str, _Hand] = {}
_held = threading.Lock()


def labour(work: str, task: Mapping[str, Any], topic: str, threads: int, log: str, version: str) -> dict[str, Any]:
    """Have a task done; return the last that is said of it: ``done``, ``failed`` or ``died``.

    Args:
        work: the function that does it, ``module:name``.
        task: what it takes, as JSON.
        topic: the topic of Dask's events that everything else is said under.
        threads: of the process.
        log: the file that the process writes its errors to.
        version: of special where the task comes from.
    """
    from distributed import get_worker

    if version != own_version():
        here = f"the worker at {get_worker().address} has special {own_version()}, not {version}"
        return {"kind": "failed", "reason": f"{here}: install the same everywhere", "fault": True}
    with _held:  # one at a time, however many threads the Dask worker has
        hand = _hands.pop(work, None) or _Hand(work, threads, Path(log))
        if hand.idle is not None:
            hand.idle.cancel()
        _hands[work] = hand
        hand.child.send(task)
        while True:
            what = hand.said.get()
            if what["kind"] in ("progress", "said"):
                get_worker().log_event(topic, {"worker": get_worker().address, **what})
            elif what["kind"] == "died":
                _hands.pop(work, None)
                return what
            elif what["kind"] != "ready":
                hand.idle = threading.Timer(_IDLE_SECONDS, hand.child.end)
                hand.idle.daemon = True
                hand.idle.start()
                return what


def dismiss() -> None:
    """End the processes of this Dask worker, wherever they are."""
    for work in list(_hands):
        with contextlib.suppress(KeyError):
            hand = _hands.pop(work)
            hand.child.end()
            hand.child.wait(_END_SECONDS)
