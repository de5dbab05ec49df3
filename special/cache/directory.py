"""The directory of a run: where its parts lie, what each step left there, who holds it, which is the latest."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from special.errors import RunError
from special.storage import files
from special.storage.files import digest, load_json, save_json, sha256_of

MANIFEST = "manifest.json"
REQUEST = "request.json"
RECORD = "run.json"
_LOCK = ".lock"
_HOLDER = ".holder.json"
_PATIENCE = 1.0  # seconds: long enough for another process to look whether the run is in use


@dataclass(frozen=True)
class Manifest:
    """What a step left behind: what it was made of, and what its files hash to.

    Attributes:
        step: the step's name.
        key: the SHA-256 of ``ingredients``.
        ingredients: everything that decides the payload, as JSON.
        files: payload file names, relative to the manifest, with their SHA-256.
        seconds: how long the step took. made: when, in UTC, ISO 8601.
        environment: what it ran on: device, threads, versions. Not part of the key.
    """

    step: str
    key: str
    ingredients: Mapping[str, Any]
    files: Mapping[str, str]
    seconds: float
    made: str
    environment: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """Return the manifest in ``folder``; None where there is none, or none that is whole."""
        try:
            manifest = cls(**load_json(folder / MANIFEST))
            made_of = [manifest.ingredients.get(part, {}) for part in ("settings", "inputs", "upstream")]
            whole = all(isinstance(part, dict) for part in (manifest.files, manifest.environment, *made_of))
            whole &= isinstance(manifest.seconds, int | float) and manifest.key == digest(manifest.ingredients)
            return manifest if whole and all(map(_inside, manifest.files)) else None
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return None

    def write(self, folder: Path) -> None:
        """Write the manifest beside its payload."""
        save_json(folder / MANIFEST, asdict(self))

    @property
    def content(self) -> str:
        """One hash over the payload: equal payloads, equal hashes, whenever and wherever they were made."""
        return digest(dict(self.files))

    def damaged(self, folder: Path) -> list[str]:
        """Return the payload files in ``folder`` that are missing or do not hash to what they did."""
        return [
            name
            for name, expected in self.files.items()
            if not (folder / name).is_file() or sha256_of(folder / name) != expected
        ]


def _inside(name: str) -> bool:
    """Whether a name in a manifest, which may come from somebody else, is that of a file below its folder."""
    parts = name.replace("\\", "/").split("/")
    return "" not in parts and ".." not in parts and ":" not in name and "\0" not in name


def payload_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every payload file in ``folder``, by name, in order."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {name: sha256_of(folder / name) for name in sorted(path.relative_to(folder).as_posix() for path in paths)}


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
    def workers(self) -> Path:
        """Where workers that help with steps find their parts of the work, and leave what came of them."""
        return self.path / "work" / "workers"

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
            RunError: another process holds it, it cannot be written to, or parts of it are links.
        """
        import filelock

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._refuse_links()
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

    def _refuse_links(self) -> None:
        """Make sure that what is written into the run stays in it: a run may come from somebody else.

        Files are replaced and never written through, so that it is the folders, and the lock, that count.

        Raises:
            RunError: one of them is a link.
        """
        places = [self.path / name for name in (_LOCK, "steps", "work", files.PARTIAL)]
        for folder in ("steps", "work"):
            places += (self.path / folder).iterdir() if (self.path / folder).is_dir() else ()
        for place in places:
            if place.is_symlink():
                raise RunError(
                    f"{place} is a link, and a run keeps its files inside itself: put there what it leads to"
                )

    @property
    def in_use(self) -> bool:
        """Whether a process holds the run now."""
        import filelock

        if not (self.path / _LOCK).exists() or (self.path / _LOCK).is_symlink():
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
