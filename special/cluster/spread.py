"""Passes over one large scene, spread by windows over workers: processes of this machine, or those of a Dask cluster.

Workers read the scene themselves and get what else they need in files, as ``special.cluster.parcels`` has them: the
folder, and the scene, have to be where all see them under the same path. What they make of a window comes back in a
file, and is handed on in the order of the windows. A worker that dies costs its window one more try elsewhere.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from special.cluster import windows as there
from special.cluster.dispatch import Crew, Dispatcher, Listener, Task
from special.cluster.parcels import pack
from special.errors import BatchError
from special.passes import Found, Passes, Window

AHEAD = 4
"""How many windows a worker may be ahead of the one that is taken next: so many results wait in files."""


class Spread(Passes):
    """Has workers go over windows. They begin with the first pass and live until the end, from pass to pass.

    Args:
        crew: does ``special.cluster.windows.WORK``; it has not been started, and is stopped at the end in any case.
        folder: for what is sent and what comes back, as all see it; it is made here, and gone at the end.
        say: is told of workers that have died, and at the end how much memory one took.
    """

    def __init__(self, crew: Crew, folder: Path, say: Callable[[str], None]) -> None:
        self._crew, self._folder, self._say = crew, folder.resolve(), say
        self._heard = _Heard(say)
        self._dispatcher = Dispatcher(crew, self._heard)
        self._passes = 0

    def __enter__(self) -> Self:
        """Nothing is done yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers, wherever they are, and leave nothing behind."""
        if self._heard.megabytes:
            self._say(f"A worker took up to {self._heard.megabytes / 1000:.2f} GB.")
        try:
            self._crew.stop()
        finally:
            if self._passes:
                shutil.rmtree(self._folder, ignore_errors=True)
                with contextlib.suppress(OSError):
                    self._folder.parent.rmdir()  # unless there is something else in it

    def over(self, windows: Sequence[Window], work: Callable[[Window], Found]) -> Iterator[Found]:
        """Yield ``work(window)`` for every window, in their order; see ``Passes.over``.

        Raises:
            BatchError: a worker cannot do a window, or nobody is left to do it.
        """
        if not windows:
            return
        if not self._passes:
            self._folder.mkdir(parents=True)
            self._crew.start()
        self._passes += 1
        parcel = pack(self._folder, (list(windows), work))
        name = f"pass-{self._passes}"
        common = {"parcel": str(parcel.path), "sha256": parcel.sha256, "folder": str(Path.cwd())}
        given = 0
        try:
            for number in range(len(windows)):
                result = self._result(name, number)
                while result.name not in self._heard.finished:
                    most = min(len(windows), number + 1 + AHEAD * self._crew.most())
                    self._dispatcher.add(self._task(name, each, common) for each in range(given, most))
                    given = max(given, most)
                    self._dispatcher.turn()
                    if self._heard.reasons:
                        raise BatchError(f"a part of the scene could not be done: {self._heard.reasons[0]}")
                self._heard.finished.remove(result.name)
                found: Any = there.read(result)
                result.unlink()
                yield found
        finally:
            self._dispatcher.forget()
            parcel.path.unlink(missing_ok=True)

    def _task(self, name: str, number: int, common: Mapping[str, str]) -> Task:
        result = self._result(name, number)
        return Task(result.name, {**common, "number": number, "result": str(result)})

    def _result(self, name: str, number: int) -> Path:
        return self._folder / f"{name}-{number}"


class _Heard(Listener):
    """Which windows are done, why one could not be, and the most memory that one took."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.finished: set[str] = set()
        self.reasons: list[str] = []
        self.megabytes = 0

    def done(self, task: Task, result: Mapping[str, Any], megabytes: int) -> None:
        """Note it."""
        self.finished.add(task.name)
        self.megabytes = max(self.megabytes, megabytes)

    def failed(self, task: Task, reason: str, fault: bool) -> None:
        """Note it."""
        self.reasons.append(reason)

    def again(self, task: Task, reason: str) -> None:
        """Say it: the user may want to know that the cluster loses workers."""
        self._say(f"A worker has died, and another one does its part: {reason}.")
