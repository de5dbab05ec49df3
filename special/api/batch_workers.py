"""Who works on a batch: processes of this machine, a Dask cluster, or jobs of SLURM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from special.api.batch_record import Watch
from special.cluster import machine
from special.cluster.dispatch import Crew
from special.cluster.local import WORKER_MEMORY, LocalCrew, share
from special.errors import BatchError

if TYPE_CHECKING:
    from distributed import Client

SLURM_JOBS = 8
"""How many jobs SLURM is asked for where the user does not say: fewer where there are fewer scenes."""


@dataclass(frozen=True)
class Where:
    """Where the work is done.

    Attributes:
        workers: how many processes, or jobs of SLURM; as many as there are cores, or a few, when None.
        memory: bytes that each may take, or as ``"2GB"``.
        part: ``(i, n)``: do the i-th of n parts of the list, counted from 1, and leave the rest to other jobs.
        cluster: address of a Dask scheduler. slurm: options of ``dask_jobqueue.SLURMCluster``, or None.
    """

    workers: int | None = None
    memory: int | str | None = None
    part: tuple[int, int] | None = None
    cluster: str | None = None
    slurm: Mapping[str, str] | None = None

    def checked(self) -> Where:
        """Return it with ``memory`` in bytes.

        Raises:
            BatchError: something in it makes no sense.
        """
        if self.workers is not None and self.workers < 1:
            raise BatchError(f"{self.workers} workers are none: give 1 or more")
        if self.part is not None and not 1 <= self.part[0] <= self.part[1]:
            raise BatchError(f"part {self.part[0]} of {self.part[1]} is none: the parts are 1 to {self.part[1]}")
        if sum(one is not None for one in (self.cluster, self.slurm)) == 2:
            raise BatchError("give --cluster or --slurm, not both")
        memory = machine.parse_memory(self.memory) if isinstance(self.memory, str) else self.memory
        return replace(self, memory=memory)

    @property
    def name(self) -> str:
        """What its lock and its logs are called."""
        return "all" if self.part is None else f"part-{self.part[0]}-of-{self.part[1]}"


def connect(where: Where, scenes: int, logs: Path) -> Client | None:
    """Return the client of a Dask scheduler, where one is to be asked.

    Raises:
        BatchError: there is none, or SLURM cannot be asked for its workers.
    """
    if where.cluster is None and where.slurm is None:
        return None
    from special.cluster import dask_crew

    if where.cluster is not None:
        return dask_crew.connect(where.cluster)
    return dask_crew.slurm(where.workers or min(scenes, SLURM_JOBS), where.slurm or {}, logs)


def crew_of(work: str, where: Where, client: Client | None, tasks: int, device: str, logs: Path, watch: Watch) -> Crew:
    """Return who does ``tasks``, and say who it is; ``client`` is what ``connect`` has returned."""
    memory = int(where.memory or WORKER_MEMORY)
    if client is not None:
        from special.cluster.dask_crew import DaskCrew

        crew = DaskCrew(work, client, memory, logs, watch.line)
        watch.line(f"{_counted(tasks, 'scene')}; the workers are Dask's, whose dashboard is {crew.dashboard}")
        return crew
    shares = share(where.workers, tasks, memory, device=device)
    if shares.note:
        watch.line(shares.note)
    shown = (_counted(tasks, "scene"), _counted(shares.workers, "worker"), f"{_counted(shares.threads, 'thread')} each")
    watch.line(f"{', '.join(shown)}.")
    cards = [] if device == "cpu" else machine.graphics_cards()
    return LocalCrew(work, shares, memory, logs, cards)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
