"""Hands tasks to workers, whoever they are, until all are done or have failed.

A worker that dies is nobody's fault at first: its task goes to another one, once. The second time it has failed. A task
that fails by itself is not tried again, and the others go on.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from special.errors import BatchError
from special.version import own_version

TRIES = 2
"""How many workers a task may cost."""

_PATIENCE = 1.0


@dataclass(frozen=True)
class Task:
    """``name`` tells it from others; ``given`` is what the function that does it takes, as JSON."""

    name: str
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """What is heard of a worker: what ``special.cluster.worker`` says, or ``died`` with a ``reason``."""

    worker: str
    what: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What has happened."""
        return str(self.what["kind"])


class Crew(Protocol):
    """Workers that come and go. Each says ``ready`` once, and then again whenever a task is behind it, as ``done``."""

    events: queue.Queue[Event]

    def start(self) -> None:
        """Start workers, or begin to look for them."""

    def assign(self, worker: str, task: Task) -> None:
        """Give a task to a worker that has none."""

    def most(self) -> int:
        """Return how many may work at the same time, as far as is known by now."""

    def check(self) -> None:
        """Look after the workers; called every second or so.

        Raises:
            BatchError: there are none any more, and there will be none.
        """

    def heard(self, event: Event) -> None:
        """Take note of what a worker has said.

        Raises:
            BatchError: it says that no worker will ever begin.
        """

    def stop(self) -> None:
        """End all workers, wherever they are."""


class Listener:
    """Hears what becomes of tasks; this one does not mind."""

    def started(self, task: Task, worker: str) -> None:
        """A worker has taken a task."""

    def progress(self, task: Task, what: Mapping[str, Any]) -> None:
        """A worker is so far: ``step``, ``what``, ``done``, ``total``."""

    def said(self, task: Task, line: str) -> None:
        """A task has something to say."""

    def done(self, task: Task, result: Mapping[str, Any], megabytes: int) -> None:
        """A task is done."""

    def failed(self, task: Task, reason: str, fault: bool) -> None:
        """A task has failed; ``fault``: not for something that the user has given."""

    def again(self, task: Task, reason: str) -> None:
        """A task's worker has died, and another one takes it over."""


def dispatch(tasks: Sequence[Task], crew: Crew, listener: Listener) -> None:
    """Have ``tasks`` done by ``crew``, and stop it at the end, however that comes.

    Raises:
        BatchError: nobody is left to do them.
    """
    waiting, busy, idle = deque(tasks), dict[str, Task](), list[str]()
    lost: dict[str, int] = {}
    try:
        crew.start()
        while waiting or busy:
            while waiting and idle and len(busy) < max(1, crew.most()):
                worker, task = idle.pop(0), waiting.popleft()
                busy[worker] = task
                listener.started(task, worker)
                crew.assign(worker, task)
            crew.check()
            try:
                event = crew.events.get(timeout=_PATIENCE)
            except queue.Empty:
                continue
            crew.heard(event)
            _hear(event, waiting, busy, idle, lost, listener)
    finally:
        crew.stop()


def _hear(
    event: Event,
    waiting: deque[Task],
    busy: dict[str, Task],
    idle: list[str],
    lost: dict[str, int],
    listener: Listener,
) -> None:
    worker, what = event.worker, event.what
    if event.kind == "ready":
        if what["version"] != own_version():
            raise BatchError(
                f"{worker} has special {what['version']}, not {own_version()}: install the same everywhere"
            )
        idle.append(worker)
    elif event.kind == "died":
        idle[:] = [one for one in idle if one != worker]
        if worker in busy:
            task = busy.pop(worker)
            lost[task.name] = lost.get(task.name, 0) + 1
            if lost[task.name] < TRIES:
                listener.again(task, what["reason"])
                waiting.appendleft(task)
            else:
                listener.failed(task, f"its worker died, and so did the next one: {what['reason']}", True)
    elif worker not in busy:
        return  # said before it was taken for dead
    elif event.kind == "progress":
        listener.progress(busy[worker], what)
    elif event.kind == "said":
        listener.said(busy[worker], what["line"])
    else:
        task = busy.pop(worker)
        idle.append(worker)
        if event.kind == "done":
            listener.done(task, what["result"], what["megabytes"])
        else:
            listener.failed(task, what["reason"], what["fault"])
