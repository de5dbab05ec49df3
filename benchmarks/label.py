"""Time ``special label`` with the embedded default on simulated scenes, from import to report, and its peak memory.

    python benchmarks/label.py           # 100 x 100 x 200 and 1096 x 715 x 102 (Pavia Centre's size), some 20 minutes
    python benchmarks/label.py --smoke   # one small scene and few steps, to see that it works

Every run is a process of its own and starts from nothing. Compiled kernels are cached: one run before is not counted.
Below each scene stands where the time went, from ``special label --profile`` of the fastest run.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import record
from measure import HEADINGS, Spread, label, machine

from special.simulate import simulate, write_scene

SIZES = ((100, 100, 200), (1096, 715, 102))
SMOKE = (24, 20, 30)
FEW_STEPS = [f"--set={stage}.{name}=1" for stage in ("warmup", "refine") for name in ("epochs", "steps", "views")]


def show(record: dict[str, Any]) -> None:
    """Print the phases that took a second or more."""
    for name, step in record["steps"].items():
        phase = step["environment"]["profile"]
        print(f"    {name:24} {phase['seconds']:8.1f} s {phase['megabytes'] / 1e3:6.2f} GB")
        for inner in phase.get("inner", []):
            if inner["seconds"] >= 1:
                times = f"{inner['calls']} times" if inner["calls"] > 1 else ""
                print(
                    f"      {inner['phase']:22} {inner['seconds']:8.1f} s {inner['megabytes'] / 1e3:6.2f} GB  {times}"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=3, action="append", metavar=("ROWS", "COLS", "BANDS"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--smoke", action="store_true", help="a small scene, few steps, one round")
    asked = parser.parse_args()
    sizes = [SMOKE] if asked.smoke else asked.size or SIZES
    options = FEW_STEPS if asked.smoke else []
    print(machine())
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        warm = write_scene(Path(folder) / "warm", simulate(*SMOKE, 3))
        label(warm.scene, warm.classes, Path(folder) / "warm.special", FEW_STEPS)
        print(f"{'':18} {HEADINGS} {'cpu s':>8} {'peak GB':>8}", flush=True)
        for size in sizes:
            name = " x ".join(map(str, size))
            files = write_scene(Path(folder) / name, simulate(*size, 9))
            runs = [
                label(files.scene, files.classes, Path(folder) / f"{name}.special", options)
                for _ in range(1 if asked.smoke else asked.rounds)
            ]
            busy, gigabytes = min(run[3] for run in runs), max(run[1] for run in runs)
            print(f"{name:18} {Spread.of([run[0] for run in runs])} {busy:8.1f} {gigabytes:8.2f}")
            show(min(runs, key=lambda run: run[0])[2])
            seconds = [run[0] for run in runs]
            figures.append({"scene": name, "seconds": seconds, "cpu seconds": busy, "gigabytes": gigabytes})
    if asked.json:
        record.write(asked.json, figures)


if __name__ == "__main__":
    main()
