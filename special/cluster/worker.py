"""A worker: a process that takes tasks, one after the other, and says how far it is. ``python -m`` runs it.

It is told the function that does a task, ``module:name``, and reads tasks from its input, a line of JSON each. What it
has to say goes to its output as lines of JSON, whose ``kind`` is ``ready``, ``progress``, ``said``, ``done`` or
``failed``; what libraries print goes to the error output instead. It ends when its input does, wherever it is: nobody
is left who would hear of the result.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from special.errors import SpecialError
from special.profiling import peak_megabytes
from special.progress import Progress
from special.version import own_version

Work = Callable[[dict[str, Any], Progress], dict[str, Any]]
"""What does a task: it takes what the task is given, and who listens; it returns what came of it. All of it JSON."""

_EVERY_SECONDS = 0.25
_GRACE_SECONDS = 10.0


class Ended(KeyboardInterrupt):
    """The worker is to end, in the middle of what it does."""


class Told(Progress):
    """Says every phase, every line, and now and then how far the work is."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell, self._phases = tell, [""]
        self._what, self._done, self._total, self._said = "", 0, 0, 0.0

    def begin(self, what: str, total: int) -> None:
        """Begin to count."""
        self._what, self._done, self._total = what, 0, total
        self._progress()

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Count, and say so unless that has just been done."""
        self._done += steps
        if time.monotonic() - self._said > _EVERY_SECONDS:
            self._progress()

    def say(self, line: str) -> None:
        """Hand a line on."""
        self._tell("said", line=line)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Say which phase begins, of those that are in no other."""
        self._phases.append(name)
        if len(self._phases) == 2:
            self._what, self._done, self._total = name, 0, 0
            self._progress()
        try:
            yield
        finally:
            self._phases.pop()

    def _progress(self) -> None:
        self._said = time.monotonic()
        outer = self._phases[1] if len(self._phases) > 1 else self._what
        self._tell("progress", step=outer, what=self._what, done=self._done, total=self._total)


def serve(work: Work, tasks: queue.Queue[dict[str, Any] | None], out: IO[str]) -> None:
    """Do ``tasks`` until there is None of them, and write what is to be said to ``out``."""
    lock = threading.Lock()

    def tell(kind: str, **what: Any) -> None:
        with lock:
            out.write(json.dumps({"kind": kind, **what}) + "\n")
            out.flush()

    tell("ready", version=own_version())
    while (task := tasks.get()) is not None:
        with contextlib.suppress(OSError):  # only Linux can look at the peak of a single task
            Path("/proc/self/clear_refs").write_text("5")
        try:
            result = work(task, Told(tell))
        except SpecialError as error:
            tell("failed", reason=" ".join(str(error).split()), fault=False)
        except Exception as error:
            traceback.print_exc()
            said = " ".join(str(error).split()) or "no message"
            tell("failed", reason=f"something went wrong inside special ({type(error).__name__}: {said})", fault=True)
        else:
            tell("done", result=result, megabytes=round(peak_megabytes()))


def _read(stream: IO[str], tasks: queue.Queue[dict[str, Any] | None]) -> None:
    """Hand tasks on as they come; at the end of the input, end the process."""
    for line in stream:
        tasks.put(json.loads(line))
    tasks.put(None)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(_GRACE_SECONDS)
    os._exit(143)


def main() -> None:
    """Be a worker until there are no more tasks."""
    module, _, name = sys.argv[1].partition(":")
    sys.stdout.flush()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever prints, prints to the log

    def end(number: int, frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Ended

    tasks: queue.Queue[dict[str, Any] | None] = queue.Queue()
    with contextlib.suppress(Ended, BrokenPipeError):
        signal.signal(signal.SIGTERM, end)
        work: Work = getattr(importlib.import_module(module), name)
        threading.Thread(target=_read, args=(sys.stdin, tasks), daemon=True).start()
        serve(work, tasks, out)
    sys.stderr.flush()
    os._exit(0)  # threads of libraries, and of a reader that waits, are not waited for


if __name__ == "__main__":
    main()
