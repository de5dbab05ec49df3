"""Jobs of SLURM with a Dask worker each: sent, watched, and sent again where they end too early.

dask-jobqueue sends jobs and hears of workers. Of a job that SLURM refuses, that ends before its worker has begun, or
whose time is up, it says nothing, and the work would wait for it for ever: so SLURM itself is asked now and then.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from special.errors import BatchError

TRIES = 2
"""How often each of the jobs asked for may end before its worker has begun."""

_LOOK_SECONDS = 15.0
_ANSWER_SECONDS = 20.0


def slurm_cluster(jobs: int, options: Mapping[str, str], logs: Path) -> Any:
    """Ask SLURM for ``jobs`` jobs; return the cluster of dask-jobqueue that they belong to, whose scheduler runs here.

    Args:
        jobs: how many. options: of ``dask_jobqueue.SLURMCluster`` (``queue``, ``cores``, ``memory``, ``walltime``...);
            what they leave open, the configuration of dask-jobqueue says. logs: a folder for theirs.

    Raises:
        BatchError: this machine has no SLURM, or an option cannot be understood.
        ImportError: dask-jobqueue is not installed.
    """
    cluster_class = _cluster_class()
    if shutil.which("sbatch") is None:
        raise BatchError("there is no sbatch on this machine: start special batch where jobs are sent to SLURM from")
    told: dict[str, Any] = {"processes": 1, "log_directory": str(logs), **options}
    for name in ("cores", "processes", "job_cpu"):
        if isinstance(told.get(name), str):
            if not told[name].isdigit():
                raise BatchError(f"{name}={told[name]} for SLURM is no whole number")
            told[name] = int(told[name])
    logs.mkdir(parents=True, exist_ok=True)
    try:
        cluster = cluster_class(**told)
        cluster.scale(jobs=jobs)
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        raise BatchError(f"SLURM cannot be asked for workers ({_line(error)}): see --slurm-set KEY=VALUE") from None
    return cluster


class SlurmJobs:
    """Looks after the jobs of a cluster, and keeps as many as there are when it begins.

    Args:
        cluster: as ``slurm_cluster`` returns it. logs: the folder that its jobs write to. say: takes a line for
            whoever waits.
    """

    def __init__(self, cluster: Any, logs: Path, say: Callable[[str], None]) -> None:
        self._cluster, self._logs, self._say = cluster, logs, say
        self._refused = 0
        self._jobs = len(cluster.worker_spec)
        self._begun: set[object] = set()  # jobs whose worker has come, by name
        self._failed: set[str] = set()  # ids of those that ended before
        self._looked = time.monotonic()

    def look(self, workers: Collection[object]) -> None:
        """Send those again that have ended; called every second or so.

        Args:
            workers: the names of the workers that the scheduler has.

        Raises:
            BatchError: no worker is there, and SLURM refuses jobs or they end before their workers have begun.
        """
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        jobs = dict(self._cluster.workers)
        working = {name for name in jobs if any(_is_of(worker, name) for worker in workers)}
        self._begun |= working
        waiting = _in_queue()
        self._looked = time.monotonic()
        ended = [] if waiting is None else [n for n in jobs if _has_ended(jobs[n].job_id, waiting) and n not in working]
        refusals = [job.refused for job in jobs.values() if job.refused]
        if refusals and not working and len(refusals) + len(ended) == len(jobs):
            raise BatchError(f"SLURM refuses the jobs ({refusals[-1]}): see --slurm-set KEY=VALUE")
        if len(refusals) > self._refused:
            self._refused = len(refusals)
            self._say(f"SLURM refuses {len(refusals)} of {self._jobs} jobs ({refusals[-1]}); the others do the work")
        self._failed |= {jobs[name].job_id for name in ended if name not in self._begun}
        self._begun.difference_update(ended)  # the next one may have its name
        if len(self._failed) < TRIES * self._jobs:
            self._send_again(ended)
        elif not working and len(ended) == len(jobs):
            raise BatchError(
                f"{len(self._failed)} jobs of SLURM ended before their workers had begun: their logs in {self._logs} "
                "say why (is special installed there, can they reach this machine?)"
            )

    def _send_again(self, ended: Collection[object]) -> None:
        forgotten = set(self._cluster.worker_spec) - set(self._cluster.workers)  # by Dask, after their workers had gone
        if not ended and not forgotten:
            return
        with contextlib.suppress(TimeoutError, OSError, RuntimeError):  # of one that SLURM refuses is heard next time
            self._cluster.sync(self._cluster.scale_down, ended, callback_timeout=_ANSWER_SECONDS)
        self._cluster.scale(jobs=self._jobs)


def _cluster_class() -> Any:
    """Return dask-jobqueue's class, whose jobs remember why they were refused."""
    from dask_jobqueue import SLURMCluster
    from dask_jobqueue.slurm import SLURMJob
    from distributed.deploy.spec import ProcessInterface

    class RememberingJob(SLURMJob):
        refused = ""

        async def start(self) -> None:
            try:
                await super().start()
            except (OSError, RuntimeError, ValueError) as error:
                self.refused = _line(error).rpartition("stderr: ")[2]
                await ProcessInterface.start(self)  # to Dask it has begun: it would print what is told here

    class RememberingCluster(SLURMCluster):
        job_cls = RememberingJob

    return RememberingCluster


def _in_queue() -> set[str] | None:
    """Return the ids of this user's jobs that wait or run; None where SLURM does not say."""
    command = ["squeue", "--noheader", "--format=%A", f"--user={os.getuid()}"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return set(said.stdout.split())


def _has_ended(job: str | None, waiting: Collection[str]) -> bool:
    return job is not None and job not in waiting


def _is_of(worker: object, job: object) -> bool:
    """Whether a worker is of a job, whose name it has, with a number where the job has several workers."""
    return str(worker) == str(job) or str(worker).startswith(f"{job}-")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[-300:]
