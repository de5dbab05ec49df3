"""Where the time of a run goes, and the memory: a listener that keeps a clock for every phase of the work."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from special.progress import SILENT, Progress


@dataclass
class Phase:
    """A phase and those inside it: how often it came, in all ``seconds``, and the most ``megabytes`` it saw.

    ``busy`` are the seconds that all cores worked for this process: on a machine that does other things as well they
    say more than the others.
    Megabytes are the process's in memory, libraries included; where the system cannot say what a single phase took
    (it can on Linux), the most since the process began.
    """

    name: str
    calls: int = 0
    seconds: float = 0.0
    busy: float = 0.0
    megabytes: float = 0.0
    inner: dict[str, Phase] = field(default_factory=dict)

    def rows(self, depth: int = 0) -> Iterator[tuple[int, Phase]]:
        """Yield this phase and all inside it, with how deep they lie."""
        yield depth, self
        for phase in self.inner.values():
            yield from phase.rows(depth + 1)

    def to_json(self) -> dict[str, Any]:
        """The figures in types that JSON has."""
        inner = [phase.to_json() for phase in self.inner.values()]
        figures = {
            "phase": self.name,
            "calls": self.calls,
            "seconds": round(self.seconds, 3),
            "busy": round(self.busy, 3),
        }
        return {**figures, "megabytes": round(self.megabytes), **({"inner": inner} if inner else {})}


class Profiler(Progress):
    """Keeps time of every phase, and hands on to another listener what it hears."""

    def __init__(self, to: Progress = SILENT) -> None:
        self._to = to
        self.whole = Phase("all", calls=1)
        self._open = [self.whole]
        self._latest: Phase | None = None
        self._started, self._worked = time.perf_counter(), time.process_time()

    def begin(self, what: str, total: int) -> None:
        """Hand on."""
        self._to.begin(what, total)

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Hand on."""
        self._to.advance(steps, **figures)

    def end(self) -> None:
        """Hand on."""
        self._to.end()

    def say(self, line: str) -> None:
        """Hand on."""
        self._to.say(line)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Keep time of what is inside."""
        above = self._open[-1]
        phase = above.inner.setdefault(name, Phase(name))
        self._note_peak()
        self._open.append(phase)
        started, worked = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            phase.seconds += time.perf_counter() - started
            phase.busy += time.process_time() - worked
            phase.calls += 1
            self._note_peak()
            self._open.pop()
            if len(self._open) == 1:
                self._latest = phase

    def figures(self) -> dict[str, Any]:
        """Return the phases of the step that has just ended."""
        return {} if self._latest is None else {"profile": self._latest.to_json()}

    def stop(self) -> Phase:
        """Return all that was measured since the profiler was made."""
        self._note_peak()
        self.whole.seconds, self.whole.busy = time.perf_counter() - self._started, time.process_time() - self._worked
        return self.whole

    def _note_peak(self) -> None:
        """Credit the memory since the last look to all phases that are open, and look afresh from here."""
        megabytes = peak_megabytes()
        for phase in self._open:
            phase.megabytes = max(phase.megabytes, megabytes)
        with contextlib.suppress(OSError):  # only Linux has it; elsewhere the peak is that of the process so far
            Path("/proc/self/clear_refs").write_text("5")


def peak_megabytes() -> float:
    """Return the most memory that this process held, in 10**6 bytes; on Linux since the peak was last reset."""
    try:
        status = Path("/proc/self/status").read_text()
        return next(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1e6
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
