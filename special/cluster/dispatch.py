"""Hands tasks to workers, whoever they are, until all are done or have failed.

A worker that dies is nobody's fault at first: its task goes to another one, once. The second time it has failed. A task
that fails by itself is not tried again, and the others go on.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
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


class Dispatcher:
    """Keeps who does what; ``crew`` has been started, and whoever has started it stops it.

    Args:
        crew: the workers. listener: hears what becomes of tasks.
    """

    def __init__(self, crew: Crew, listener: Listener) -> None:
        self._crew, self._listener = crew, listener
        self._waiting: deque[Task] = deque()
        self._busy: dict[str, Task] = {}
        self._idle: list[str] = []
        self._lost: dict[str, int] = {}

    @property
    def pending(self) -> bool:
        """Whether a task is waited for."""
        return bool(self._waiting or self._busy)

    def add(self, tasks: Iterable[Task]) -> None:
        """Have more tasks done, after those that wait already."""
        self._waiting.extend(tasks)

    def forget(self) -> None:
        """Begin no task that waits. Those that are under way are heard of as they end."""
        self._waiting.clear()

    def turn(self) -> None:
        """Give tasks to idle workers, then hear of one event, or of none for a second.

        Raises:
            BatchError: nobody is left to do them.
        """
        while self._waiting and self._idle and len(self._busy) < max(1, self._crew.most()):
            worker, task = self._idle.pop(0), self._waiting.popleft()
            self._busy[worker] = task
            self._listener.started(task, worker)
            self._crew.assign(worker, task)
        self._crew.check()
        try:
            event = self._crew.events.get(timeout=_PATIENCE)
        except queue.Empty:
            return
        self._crew.heard(event)
        self._hear(event)

    def _hear(self, event: Event) -> None:
        worker, what = event.worker, event.what
        if event.kind == "ready":
            if what["version"] != own_version():
                raise BatchError(
                    f"{worker} has special {what['version']}, not {own_version()}: install the same everywhere"
                )
            self._idle.append(worker)
        elif event.kind == "died":
            self._idle[:] = [one for one in self._idle if one != worker]
            if worker in self._busy:
                self._try_again(self._busy.pop(worker), what["reason"])
        elif worker not in self._busy:
            return  # said before it was taken for dead
        elif event.kind == "progress":
            self._listener.progress(self._busy[worker], what)
        elif event.kind == "said":
            self._listener.said(self._busy[worker], what["line"])
        else:
            task = self._busy.pop(worker)
            self._idle.append(worker)
            if event.kind == "done":
                self._listener.done(task, what["result"], what["megabytes"])
            else:
                self._listener.failed(task, what["reason"], what["fault"])

    def _try_again(self, task: Task, reason: str) -> None:
        """Have a task whose worker has died done by another one, unless that was one already."""
        self._lost[task.name] = self._lost.get(task.name, 0) + 1
        if self._lost[task.name] < TRIES:
            self._listener.again(task, reason)
            self._waiting.appendleft(task)
        else:
            self._listener.failed(task, f"its worker died, and so did the next one: {reason}", True)


def dispatch(tasks: Sequence[Task], crew: Crew, listener: Listener) -> None:
    """Have ``tasks`` done by ``crew``: start it, and stop it at the end, however that comes.

    Raises:
        BatchError: nobody is left to do them.
    """
    dispatcher = Dispatcher(crew, listener)
    dispatcher.add(tasks)
    try:
        crew.start()
        while dispatcher.pending:
            dispatcher.turn()
    finally:
        crew.stop()
