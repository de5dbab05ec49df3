"""All that has to be shown on a GPU, in one run of at most eight minutes, without a network.

    python benchmarks/gpu.py --json gpu.json              # on a machine with a CUDA device
    python benchmarks/gpu.py --only scan_times ceilings   # some of the stages
    python benchmarks/gpu.py --smoke                      # in miniature, on a CPU where there is no GPU

Is the selective scan right, and MambaHSI, against float64 and beside the CPU? How long do the scan, a training step,
``special label`` at Pavia Centre's size and dense CLIP take, and how much memory? Every stage is a process of its own
with a limit of its own: one that fails, hangs or lacks a package loses nothing of the others, and what it had measured
until then is kept. Ends with status 1 where a stage failed, was stopped or found something wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import record
from gpu_stages import STAGES
from gpu_stages.stage import Row, Stage

LIMIT = 480.0  # seconds, for all stages together
BUSY = 4.0  # times as long in miniature: the machine of the tests may have other things to do
LAST_WORDS = 2000  # characters of what a stage that failed had said


@dataclass
class Outcome:
    """How a stage ended, after how many ``seconds``, the ``rows`` it had by then, and its last words if it failed."""

    stage: str
    ended: str
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    log: str = ""

    @property
    def good(self) -> bool:
        return self.ended == "done" or self.ended.startswith("lacks")


def watch(stage: Stage, small: bool, device: str, limit: float) -> Outcome:
    """Run a stage in a process of its own, and end it with all that it started when its time is over."""
    missing = [name for name in stage.needs if find_spec(name) is None]
    if missing:
        return Outcome(stage.module, f"lacks {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        found, log = Path(folder) / "rows", Path(folder) / "log"
        command = [sys.executable, __file__, "--stage", stage.module, "--rows", str(found), "--device", device]
        started = time.perf_counter()
        with log.open("wb") as output:
            child = subprocess.Popen(
                command + ["--smoke"] * small, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                child.wait(limit)
                ended = "done" if child.returncode == 0 else f"failed with status {child.returncode}"
            except subprocess.TimeoutExpired:
                ended = f"stopped after {limit:.0f} s"
            finally:
                _end(child)
        rows = [json.loads(line) for line in found.read_text().splitlines()] if found.exists() else []
        said = "" if ended == "done" else log.read_text(errors="replace")[-LAST_WORDS:].strip()
    if ended == "done" and (wrong := too_far(rows)):
        ended = f"wrong: {'; '.join(wrong)}"
    return Outcome(stage.module, ended, time.perf_counter() - started, rows, said)


def too_far(rows: Sequence[Row]) -> list[str]:
    """Say of what the error is larger than its limit, or no number."""
    return [row["what"].strip() for row in rows if "limit" in row and not row["error"] <= row["limit"]]


def _end(child: subprocess.Popen[bytes]) -> None:
    """End what is left of a child and its children, which are a group of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def measure(name: str, small: bool, device: str, found: Path) -> None:
    """Be the child: write every row as soon as it is measured."""
    stage = next(stage for stage in STAGES if stage.module == name)
    with found.open("a", encoding="utf-8") as rows:
        for row in stage.rows(small, device):
            rows.write(f"{json.dumps(row)}\n")
            rows.flush()


def show(outcome: Outcome) -> None:
    """Print what a stage found as Markdown tables, one for every set of figures."""
    print(f"\n## {outcome.stage}: {outcome.ended}, {outcome.seconds:.0f} s\n", flush=True)
    before: list[str] = []
    for row in outcome.rows:
        names = list(row)
        if not set(names) <= set(before):
            before = names
            print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
        print(f"| {' | '.join(_cell(row.get(name)) for name in before)} |", flush=True)
    if outcome.log:
        print(f"\n{outcome.log}", flush=True)


def _cell(value: Any) -> str:
    if not isinstance(value, float):
        return "" if value is None else str(value)
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def machine(device: str) -> dict[str, Any]:
    """What this runs on, as JSON."""
    import torch
    from measure import machine

    found = {"cpu": machine(), "python": sys.version.split()[0], "torch": torch.__version__}
    if device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        found |= {"gpu": properties.name, "memory GB": round(properties.total_memory / 1e9, 1)}
        found |= {"cuda": torch.version.cuda, "multiprocessors": properties.multi_processor_count}
    try:
        import triton

        found["triton"] = triton.__version__
    except ImportError:
        found["triton"] = "not installed"
    found["mamba_ssm"] = "installed" if find_spec("mamba_ssm") else "not installed"
    return found


def choose_device(asked: str | None, small: bool) -> str:
    import torch

    if asked is None:
        asked = "cuda" if torch.cuda.is_available() else "cpu"
    if asked == "cpu" and not small:
        sys.exit("gpu.py: there is no CUDA device that torch can use here: --smoke runs in miniature on the CPU")
    return asked


def main(arguments: Sequence[str] | None = None) -> None:
    names = [stage.module for stage in STAGES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="STAGE", help=", ".join(names))
    parser.add_argument("--json", type=Path, help="write everything there, too")
    parser.add_argument("--device", choices=["cpu", "cuda"])
    parser.add_argument("--smoke", action="store_true", help="in miniature, to see that it works")
    parser.add_argument("--stage", choices=names, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    device = choose_device(asked.device, asked.smoke)
    if asked.stage:
        measure(asked.stage, asked.smoke, device, asked.rows)
        return
    here = machine(device)
    print("\n".join(f"{name}: {value}" for name, value in here.items()), flush=True)
    started = time.perf_counter()
    patience = BUSY if asked.smoke else 1.0
    outcomes = []
    for stage in (stage for stage in STAGES if stage.module in asked.only):
        left = patience * LIMIT - (time.perf_counter() - started)
        outcomes.append(watch(stage, asked.smoke, device, max(1.0, min(patience * stage.seconds, left))))
        show(outcomes[-1])
        if asked.json:  # whatever happens next
            record.write(asked.json, [asdict(outcome) for outcome in outcomes], here)
    print(f"\n{time.perf_counter() - started:.0f} s in all")
    if bad := [outcome.stage for outcome in outcomes if not outcome.good]:
        sys.exit(f"gpu.py: {', '.join(bad)} did not end well")


if __name__ == "__main__":
    main()
