"""Workers on this machine: processes that share its cores, its graphics cards and its memory."""

from __future__ import annotations

import queue
from dataclasses import dataclass
from pathlib import Path

from special.cluster import machine
from special.cluster.child import Child
from special.cluster.dispatch import Event, Task
from special.errors import BatchError

WORKER_MEMORY = 2 * machine.GIGABYTE
"""What a worker is taken to need until one was seen to take more: a scene of common size takes 1.4 to 1.8 GB."""

_END_SECONDS = 15.0


@dataclass(frozen=True)
class Shares:
    """How a machine is shared: so many ``workers``, each with ``threads``; why they are no more, or ""."""

    workers: int
    threads: int
    note: str = ""


def share(wanted: int | None, tasks: int, memory: int, *, device: str = "auto") -> Shares:
    """Share this machine between workers.

    Args:
        wanted: how many; when None as many as there are cores, or graphics cards that ``device`` lets them use.
        tasks: how many there are to do; no more workers are of use.
        memory: bytes that each may take.
        device: ``auto``, ``cpu`` or ``cuda``.
    """
    cores, cards = machine.cores(), [] if device == "cpu" else machine.graphics_cards()
    asked = min(wanted or (len(cards) if cards else cores), max(1, tasks))
    free = machine.available_memory()
    fit = max(1, free // memory)
    note = ""
    if fit < asked:
        gigabytes = f"{free / machine.GIGABYTE:.1f} GB of memory are free"
        note = f"{gigabytes}, and a worker takes {memory / machine.GIGABYTE:.1f} GB: {fit} at work, not {asked}."
    workers = min(asked, fit)
    return Shares(workers, max(1, cores // workers), note)


class LocalCrew:
    """Processes on this machine. One that dies is replaced.

    Args:
        work: the function that does a task, ``module:name``.
        shares: how many, with how many threads.
        memory: bytes that each may take; where one was seen to take more, fewer work from then on.
        logs: the folder of their logs.
        cards: names of graphics cards, dealt out in turn; empty leaves the environment as it is.
    """

    def __init__(self, work: str, shares: Shares, memory: int, logs: Path, cards: list[str] | None = None) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        self._work, self._shares, self._logs, self._cards = work, shares, logs, cards or []
        self._memory, self._free = memory, machine.available_memory()
        self._children: dict[str, Child] = {}
        self._ready: set[str] = set()
        self._started = 0

    def start(self) -> None:
        """Start all processes."""
        for _ in range(self._shares.workers):
            self._start_one()

    def assign(self, worker: str, task: Task) -> None:
        """Send a task to a process."""
        self._children[worker].send(task.given)

    def most(self) -> int:
        """Return how many may work at once: as many as fit into the memory that was free, by the largest one seen."""
        return max(1, min(self._shares.workers, self._free // self._memory))

    def check(self) -> None:
        """Nothing to do: that a process ends is heard."""

    def heard(self, event: Event) -> None:
        """Replace a process that has died; learn how much memory one takes.

        Raises:
            BatchError: processes cannot even begin.
        """
        if event.kind == "ready":
            self._ready.add(event.worker)
        elif event.kind == "done":
            self._memory = max(self._memory, int(event.what["megabytes"]) * 10**6)
        elif event.kind == "died" and self._children.pop(event.worker, None) is not None:
            if event.worker in self._ready:
                self._start_one()
            elif not self._children:  # it never got to work, and neither would another one
                raise BatchError(f"no worker could be started: {event.what['reason']}")

    def stop(self) -> None:
        """End all processes, and wait for it."""
        children = list(self._children.values())
        self._children = {}
        for child in children:
            child.end()
        for child in children:
            child.wait(_END_SECONDS)

    @property
    def pids(self) -> dict[str, int]:
        """The numbers of the processes, by the names of the workers."""
        return {name: child.pid for name, child in self._children.items()}

    def _start_one(self) -> None:
        self._started += 1
        name = f"worker-{self._started}"
        environment = machine.thread_environment(self._shares.threads)
        if self._cards:
            environment["CUDA_VISIBLE_DEVICES"] = self._cards[(self._started - 1) % len(self._cards)]
        log = self._logs / f"{name}.log"
        log.unlink(missing_ok=True)
        self._children[name] = Child(self._work, environment, log, lambda what: self.events.put(Event(name, what)))
