"""A worker as seen by who started it: a process that is sent tasks and heard."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Hear = Callable[[dict[str, Any]], None]
"""Is called with what a worker says, and, with ``kind`` "died", when it has ended; from a thread of its own."""

_LOG_TAIL = 4096


class Child:
    """A process that does tasks, one at a time.

    Args:
        work: the function that does them, ``module:name``.
        environment: what is different in its environment.
        log: the file that its errors, and what libraries print, are added to.
        hear: see ``Hear``.
    """

    def __init__(self, work: str, environment: Mapping[str, str], log: Path, hear: Hear) -> None:
        self._log = log
        here = str(Path(__file__).resolve().parents[2])  # where the package lies, installed or not
        paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "special.cluster.worker", work],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,  # Ctrl-C is for who started it to answer
                encoding="utf-8",
            )
        threading.Thread(target=self._listen, args=(hear,), daemon=True).start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def send(self, task: Mapping[str, Any]) -> None:
        """Give it a task. That it is dead is heard of elsewhere."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(dict(task)) + "\n")
            self._process.stdin.flush()

    def end(self) -> None:
        """Ask it to end, wherever it is: what it holds is let go of, and what it has done stays."""
        with contextlib.suppress(OSError):
            self._process.terminate()
        with contextlib.suppress(OSError, ValueError):
            assert self._process.stdin is not None
            self._process.stdin.close()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended; kill it where it has not within ``seconds``."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self, hear: Hear) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in self._process.stdout:
                hear(json.loads(line))
        self._process.wait()
        hear({"kind": "died", "reason": self._cause()})

    def _cause(self) -> str:
        """Why it has ended, in words."""
        code = self._process.returncode
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
            memory = ", as a system does with what takes too much memory" if -code == signal.SIGKILL else ""
            return f"the process was ended by {name}{memory}"
        last = last_line(self._log)
        return f"the process ended with code {code}{f' ({last})' if last and code else ''}"


def last_line(log: Path) -> str:
    """Return the last line of a log that says something; "" where there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _LOG_TAIL))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")
