"""The directory of a run: where its parts lie, who holds it, which is the latest."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from special.cache.step import Manifest
from special.errors import RunError
from special.storage import files

REQUEST = "request.json"
RECORD = "run.json"
_LOCK = ".lock"
_HOLDER = ".holder.json"
_PATIENCE = 1.0  # seconds: long enough for another process to look whether the run is in use


@dataclass(frozen=True)
class RunDirectory:
    """``RUN/``: ``request.json`` (what was asked), ``steps/`` (what each step left), ``work/`` (checkpoints of training
    that has not finished), ``run.json`` (how it was made) and the deliverables."""

    path: Path

    @property
    def request(self) -> Path:
        """What was asked."""
        return self.path / REQUEST

    @property
    def record(self) -> Path:
        """How it was made."""
        return self.path / RECORD

    def step(self, name: str) -> Path:
        """Return where a step's manifest and payload lie."""
        return self.path / "steps" / name

    def manifest(self, name: str) -> Manifest | None:
        """Return a step's manifest, or None. Its payload is not looked at."""
        return Manifest.read(self.step(name))

    def checkpoints(self, step: str, key: str) -> Path:
        """Return where a training step keeps its checkpoint until it is done."""
        return self.path / "work" / f"{step}-{key[:16]}"

    @property
    def is_run(self) -> bool:
        """Whether somebody has begun a run here."""
        return os.path.isfile(self.request)  # unlike Path's, it takes a folder that may not be looked into for none

    def payload(self, step: str, name: str) -> Path:
        """Return the path of a step's payload file, after checking its hash.

        Raises:
            RunError: the step has not run, has no such file, or the file is damaged.
        """
        found = self.manifest(step)
        mend = f"run the step {step} again"
        if found is None or name not in found.files:
            raise RunError(f"{self.path} has no {name} of the step {step}: {mend}")
        path = self.step(step) / name
        if not path.is_file() or files.sha256_of(path) != found.files[name]:
            raise RunError(f"{path} is damaged: {mend}")
        return path

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run, alone, until the block ends; the system itself lets go of what a dead process held.

        Raises:
            RunError: another process holds it, or it cannot be written to.
        """
        import filelock

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.path / _LOCK, timeout=_PATIENCE)
            lock.acquire()
        except filelock.Timeout:
            raise RunError(
                f"{self.path} is in use{self._holder()}: wait until it is done, or choose another directory"
            ) from None
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be written to ({error.strerror or error}): choose another directory"
            ) from None
        try:
            files.sweep(self.path)
            files.replace_json(self.path / _HOLDER, {"pid": os.getpid(), "host": socket.gethostname()})
            yield
        finally:
            (self.path / _HOLDER).unlink(missing_ok=True)
            files.sweep(self.path)
            lock.release()

    @property
    def in_use(self) -> bool:
        """Whether a process holds the run now."""
        import filelock

        if not (self.path / _LOCK).exists():
            return False
        try:
            with filelock.FileLock(self.path / _LOCK, timeout=0):
                return False
        except filelock.Timeout:
            return True
        except OSError:
            return False

    def _holder(self) -> str:
        try:
            holder = files.load_json(self.path / _HOLDER)
            return f" by process {holder['pid']} on {holder['host']}"
        except (OSError, ValueError, KeyError, TypeError):
            return ""


def latest(folder: Path) -> RunDirectory | None:
    """Return the run in ``folder`` that was worked on last, or ``folder`` itself where it is one; None without any."""
    if RunDirectory(folder).is_run:
        return RunDirectory(folder)
    runs = [run for path in sorted(folder.iterdir()) if path.is_dir() and (run := RunDirectory(path)).is_run]
    when = {run.path: max(p.stat().st_mtime_ns for p in (run.request, run.record) if p.is_file()) for run in runs}
    return max(runs, key=lambda run: when[run.path], default=None)
