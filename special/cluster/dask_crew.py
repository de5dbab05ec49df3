"""Workers of a Dask cluster: one that runs already, or jobs of SLURM. What is shipped is paths, never arrays.

A Dask worker takes one scene at a time, and it is decided here which one: Dask itself would try a task again and again,
and knows nothing of how much memory a scene takes. Dask is imported when it is used, for it is an extra.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from special.cluster.dask_worker import dismiss, labour
from special.cluster.dispatch import Event, Task
from special.cluster.slurm_jobs import SlurmJobs, slurm_cluster
from special.errors import BatchError
from special.version import own_version

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 10.0
_MARGIN_SECONDS = 1.0
_LOOK_SECONDS = 1.0
_DISMISS_SECONDS = 60.0
_ALONE_SECONDS = 30.0
_MISSING = 'Dask is not installed: pip install "special-hsi[cluster]"'


def connect(address: str) -> Client:
    """Return a client of the scheduler at ``address``, or of that which a scheduler file describes.

    Raises:
        BatchError: nobody answers there in ten seconds, or Dask is not installed.
    """
    try:
        from distributed import Client
    except ImportError:
        raise BatchError(_MISSING) from None
    _quiet()
    told: dict[str, Any] = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
    made: queue.Queue[Client | str] = queue.Queue()

    def make() -> None:
        found: Client | str
        try:
            found = Client(**told, timeout=CONNECT_SECONDS, set_as_default=False)
        except Exception as error:  # of many kinds: what an address can be wrong by is Dask's affair
            found = " ".join(str(error).split())[:200]
        if isinstance(found, str):
            gc.collect()  # a client that has failed, collected while the next one begins, would wait for it for ever
        made.put(found)

    # In a thread of its own: Dask's patience is for every try, and the name of a host can take longer to find.
    threading.Thread(target=make, daemon=True).start()
    try:
        found = made.get(timeout=CONNECT_SECONDS + _MARGIN_SECONDS)
    except queue.Empty:
        found = "nothing was heard"
    if not isinstance(found, str):
        return found
    raise BatchError(
        f"no Dask scheduler answers at {address} within {CONNECT_SECONDS:.0f} s ({found}): "
        "start one with dask scheduler, or check the address"
    )


def slurm(jobs: int, options: Mapping[str, str], logs: Path) -> Client:
    """Ask SLURM for ``jobs`` jobs with a Dask worker each; return a client of their scheduler, which runs here.

    Args:
        jobs: how many. options: of ``dask_jobqueue.SLURMCluster``. logs: a folder for those of the jobs.

    Raises:
        BatchError: this machine has no SLURM, an option cannot be understood, or Dask is not installed.
    """
    try:
        from distributed import Client

        _quiet()
        return Client(slurm_cluster(jobs, options, logs), set_as_default=False)
    except ImportError:
        raise BatchError(_MISSING) from None


class DaskCrew:
    """The workers that a scheduler has, now and later.

    Args:
        work: the function that does a task, ``module:name``.
        client: of the scheduler; it is closed at the end, and with it a cluster that was made for it.
        memory: bytes that a task may take: on a host whose workers have less together, not all of them work.
        logs: the folder of the logs, as all see it.
        say: takes a line for whoever waits.
    """

    def __init__(self, work: str, client: Client, memory: int, logs: Path, say: Callable[[str], None]) -> None:
        self.events: queue.Queue[Event] = queue.Queue()
        self._work, self._client, self._memory, self._logs = work, client, memory, logs.resolve()
        self._address = client.scheduler.address if client.scheduler else "?"
        self._topic = f"special-{uuid.uuid4().hex}"
        self._threads: dict[str, int] = {}
        self._tasks: dict[str, Any] = {}  # futures
        self._looked = 0.0
        self._say, self._alone_since = say, time.monotonic()
        self._told_to_wait = False
        self._jobs = SlurmJobs(client.cluster, self._logs, say) if client.cluster is not None else None

    @property
    def dashboard(self) -> str:
        """The address of the scheduler's dashboard."""
        return str(self._client.dashboard_link)

    def start(self) -> None:
        """Begin to listen."""
        self._client.subscribe_topic(self._topic, self._overhear)
        self.check()

    def assign(self, worker: str, task: Task) -> None:
        """Send a task to a Dask worker, and to no other."""
        log = self._logs / f"{''.join(c if c.isalnum() else '-' for c in urlparse(worker).netloc)}.log"
        given = (self._work, dict(task.given), self._topic, self._threads[worker], str(log), own_version())
        future = self._client.submit(labour, *given, workers=[worker], pure=False, retries=0)
        self._tasks[worker] = future
        future.add_done_callback(lambda done: self._end(worker, done))

    def most(self) -> int:
        """Return how many there are."""
        return max(1, len(self._threads))

    def heard(self, event: Event) -> None:
        """A Dask worker whose process has died can take another task: it gets a new one."""
        if event.kind == "died" and event.worker in self._threads:
            self.events.put(Event(event.worker, {"kind": "ready", "version": own_version()}))

    def check(self) -> None:
        """See which workers have come and gone.

        Raises:
            BatchError: the scheduler has gone, or SLURM gives no worker.
        """
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        try:
            known = self._client.scheduler_info(n_workers=-1)["workers"]
        except (OSError, RuntimeError, ValueError, KeyError):
            known = None
        if known is None or self._client.status not in ("running", "connecting"):
            raise BatchError(f"the Dask scheduler at {self._address} has gone; the same command goes on from here")
        self._looked = time.monotonic()
        for worker in [one for one in self._threads if one not in known]:
            del self._threads[worker]
            self._lose(worker, "its Dask worker has gone")
        for worker in usable(known, self._memory, self._threads):
            if worker not in self._threads:
                self._threads[worker] = max(1, int(known[worker]["nthreads"]))
                self.events.put(Event(worker, {"kind": "ready", "version": own_version()}))
        if self._jobs is not None:
            self._jobs.look([known[worker]["name"] for worker in known])
        self._tell_to_wait()

    def _tell_to_wait(self) -> None:
        """Say so, once each time, where no worker has been there for a while: they may be long in coming, or never."""
        if self._threads:
            self._alone_since, self._told_to_wait = time.monotonic(), False
        elif not self._told_to_wait and time.monotonic() - self._alone_since > _ALONE_SECONDS:
            self._told_to_wait = True
            how = (
                f"start one with dask worker {self._address}"
                if self._jobs is None
                else "squeue says what jobs wait for"
            )
            self._say(f"no worker is there; waiting for one ({how})")

    def stop(self) -> None:
        """End what is under way; let go of the scheduler."""
        ending = threading.Thread(target=self._dismiss, args=(list(self._tasks.values()),), daemon=True)
        self._tasks = {}
        ending.start()
        ending.join(_DISMISS_SECONDS)  # a worker that is just dying does not answer, and Dask waits for it

    def _dismiss(self, tasks: list[Any]) -> None:
        """End the processes of all workers, and let go of the scheduler; any of them may have gone."""
        cluster = self._client.cluster
        with contextlib.suppress(Exception):
            if self._client.status == "running" and self._threads:
                self._client.cancel(tasks, force=True)
                self._client.run(dismiss, workers=list(self._threads), on_error="ignore")
        with contextlib.suppress(Exception):
            self._client.close()
        with contextlib.suppress(Exception):
            if cluster is not None:
                cluster.close()

    def _overhear(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """From Dask's own thread: what a worker says in the middle of a task."""
        what = dict(event[1])
        self.events.put(Event(what.pop("worker"), what))

    def _end(self, worker: str, future: Any) -> None:
        """From a thread of Dask's: a task has come to an end, this way or another."""
        if worker not in self._tasks or self._tasks[worker] is not future:
            return  # given up before
        if future.status == "finished":
            del self._tasks[worker]
            self.events.put(Event(worker, future.result()))
        elif future.status == "error":
            error = future.exception()
            said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            self._lose(worker, f"Dask says {said}")
        else:  # the connection was lost and made again: the scheduler knows nothing of it any more
            self._lose(worker, f"Dask has given it up ({future.status})")

    def _lose(self, worker: str, reason: str) -> None:
        future = self._tasks.pop(worker, None)
        if future is not None:
            with contextlib.suppress(Exception):
                future.cancel()
        self.events.put(Event(worker, {"kind": "died", "reason": reason}))


def usable(workers: Mapping[str, Mapping[str, Any]], memory: int, before: Collection[str] = ()) -> list[str]:
    """Return the Dask workers that may take a task at the same time.

    Of each host as many as ``memory`` bytes go into what they may take together, but one at least.

    Args:
        workers: as ``scheduler_info`` describes them, by address.
        memory: bytes that a task may take.
        before: those that were chosen before, which stay.
    """
    hosts: dict[str, list[str]] = {}
    for address in workers:
        hosts.setdefault(str(workers[address].get("host") or address), []).append(address)
    chosen = []
    for own in hosts.values():
        limits = [int(workers[address].get("memory_limit") or 0) for address in own]
        fit = len(own) if 0 in limits else max(1, sum(limits) // memory)  # 0: without a limit
        chosen += sorted(own, key=lambda address: (address not in before, address))[:fit]
    return chosen


def _quiet() -> None:
    """Keep Dask from writing over the display what is said there already."""
    for name in ("distributed", "tornado.application", "dask_jobqueue"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
