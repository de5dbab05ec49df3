"""What became of every scene of a batch: a row each in a file of its own, and the tables and the page made of them.

A row is written by whoever works on its scene, be it one of several jobs on several machines; the tables are made of
all rows, under a lock, so that they say what the rows say whoever writes them.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from special.cluster.page import render_page
from special.cluster.rows import Row, counts
from special.errors import BatchError, RunError
from special.storage import files

BATCH, SUMMARY, TABLE, PAGE = "batch.json", "summary.json", "summary.csv", "index.html"
FORMAT = 1
_OWN, _ROWS, _LOGS = ".batch", "rows", "logs"
_NO_ROW = (OSError, ValueError, TypeError, AttributeError, LookupError)
_PATIENCE = 60.0
_FIELDS = ("scene", "name", "state", "why", "run", "seconds", "megabytes", "worker", "ended", "pixels", "confidence")


class Ledger:
    """The folder of a batch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own = folder / _OWN

    @property
    def is_batch(self) -> bool:
        """Whether a batch was begun here."""
        return (self.folder / BATCH).is_file()

    @property
    def about(self) -> dict[str, Any]:
        """What the batch was begun with, as JSON.

        Raises:
            BatchError: it is no batch, or its description is damaged.
        """
        try:
            document = files.load_json(self.folder / BATCH)
            if document["format"] != FORMAT:
                raise BatchError(
                    f"{self.folder} was made by another version of special: choose another folder with --out"
                )
            return dict(document)
        except FileNotFoundError:
            raise BatchError(f"{self.folder} is no batch (it has no {BATCH}): make one with special batch") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BatchError(f"{self.folder / BATCH} is damaged ({error!r}): start over with --force") from None

    def begin(self, about: Mapping[str, Any]) -> None:
        """Write down what the batch is about; make its folder.

        Raises:
            BatchError: the folder cannot be written to, or holds something else.
        """
        try:
            if self.folder.is_dir() and not self.is_batch and any(p.name[0] != "." for p in self.folder.iterdir()):
                raise BatchError(f"{self.folder} is no batch and not empty: choose another folder with --out")
            (self._own / _ROWS).mkdir(parents=True, exist_ok=True)
            with self._alone():
                files.replace_json(self.folder / BATCH, {"format": FORMAT, **about})
        except OSError as error:
            raise BatchError(
                f"{self.folder} cannot be written to ({error.strerror}): choose another with --out"
            ) from None

    @contextlib.contextmanager
    def held(self, part: str) -> Iterator[None]:
        """Hold the batch, or one ``part`` of it, until the block ends.

        Raises:
            BatchError: another process has it.
        """
        import filelock

        lock = filelock.FileLock(self._own / f"{part}.lock", timeout=0.5)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise BatchError(f"{self.folder} is in use by another special batch: wait, or stop that one") from None
        try:
            yield
        finally:
            lock.release()

    def logs(self, part: str) -> Path:
        """Return the folder of the workers' logs."""
        return self._own / _LOGS / part

    def rows(self) -> list[Row]:
        """Return all rows, in the order of the scenes."""
        found = []
        for path in (self._own / _ROWS).glob("*.json"):
            with contextlib.suppress(*_NO_ROW):  # one that is being replaced, or is damaged
                found.append(Row.of(files.load_json(path)))
        return sorted(found, key=lambda row: (row.order, row.name))

    def row(self, name: str) -> Row | None:
        """Return the row of a scene, if it has one."""
        try:
            return Row.of(files.load_json(self._path(name)))
        except _NO_ROW:
            return None

    def write(self, *rows: Row, publish: bool = True) -> None:
        """Replace rows, and bring tables and page up to date."""
        with self._alone():
            for row in rows:
                files.replace_json(self._path(row.name), asdict(row))
        if publish:
            self.publish()

    def publish(self) -> None:
        """Write ``summary.json``, ``summary.csv`` and ``index.html`` from all rows, each whole or not at all."""
        with self._alone():
            rows = self.rows()
            summary = {"format": FORMAT, "counts": counts(rows), "scenes": [asdict(row) for row in rows]}
            files.replace_json(self.folder / SUMMARY, summary)
            files.replace_text(self.folder / TABLE, _table(rows))
            files.replace_text(self.folder / PAGE, render_page(self.folder.resolve().name, rows, counts(rows), now()))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold what all parts of the batch write to, and remove what killed ones have left in staging.

        Raises:
            RunError: another process does not let go of it.
        """
        import filelock

        lock = filelock.FileLock(self._own / "summary.lock", timeout=_PATIENCE)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise RunError(f"{lock.lock_file} is held by another process: remove it if none is there") from None
        try:
            for folder in (self.folder, self._own / _ROWS):
                files.sweep(folder)
            for left in (path for name in (TABLE, PAGE) for path in self.folder.glob(f".{name}.*")):
                left.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    def forget(self) -> None:
        """Remove all rows."""
        for path in (self._own / _ROWS).glob("*.json"):
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._own / _ROWS / f"{name}.json"


def now() -> str:
    """Return the time, in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _table(rows: Sequence[Row]) -> str:
    """A row a scene, and the share that each class of any scene has in it: empty where its list lacks the class."""
    names = list(dict.fromkeys(area["name"] for row in rows for area in row.areas))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_FIELDS, *(f"share of {name}" for name in names)])
    for row in rows:
        shares = {area["name"]: f"{area['share']:.6f}" for area in row.areas}
        values = (getattr(row, name) for name in _FIELDS)
        writer.writerow(
            [*("" if value is None else value for value in values), *(shares.get(name, "") for name in names)]
        )
    return text.getvalue()
