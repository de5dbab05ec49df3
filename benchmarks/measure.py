"""What the benchmarks share: repetitions with their spread, memory of a process, labelling in a process of its own."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the command line has it; torch reads it when it is imported


@dataclass(frozen=True)
class Spread:
    """Seconds of several repetitions."""

    best: float
    median: float
    worst: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        return cls(min(seconds), statistics.median(seconds), max(seconds))

    def __str__(self) -> str:
        return f"{self.best:9.3f} {self.median:9.3f} {self.worst:9.3f}"


HEADINGS = f"{'best s':>9} {'median s':>9} {'worst s':>9}"


def in_turns(sides: dict[str, Callable[[], Any]], rounds: int) -> dict[str, Spread]:
    """Time the sides in turns, so that whatever else the machine does meets all alike; once before is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, run in sides.items():
            started = time.perf_counter()
            run()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return {name: Spread.of(found) for name, found in seconds.items()}


def label(
    scene: Path, classes: Path, run: Path, options: Sequence[str] = (), *, resume: bool = False
) -> tuple[float, float, dict[str, Any], float]:
    """Run ``special label --profile`` from nothing, or with ``resume`` from what the run has, from import to report.

    Returns:
        Seconds, the most gigabytes the process held, the run's record, and the seconds that all cores worked for it:
        on a machine that does other things as well they say more than the first.
    """
    command = [sys.executable, "-m", "special", "label", str(scene), "--classes", str(classes), "--out", str(run)]
    command += ["--clip", "none", "--offline", "--profile", "-q", *([] if resume else ["--force"]), *options]
    started = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(command)} failed")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    # What the system reports of a child is at least what its parent held when it was started.
    held = max(step["environment"]["profile"]["megabytes"] * 1e6 for step in record["steps"].values())
    return seconds, held / 1e9, record, usage.ru_utime + usage.ru_stime


def machine() -> str:
    """Say what this ran on."""
    import torch

    name = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        lines = described.read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    return f"{os.cpu_count()} cores of {name}, {torch.get_num_threads()} threads, torch {torch.__version__}"
