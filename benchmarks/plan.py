"""What one large scene costs on one machine, and with its passes spread by windows over workers: on paper.

    python benchmarks/plan.py                                   # measure two sizes here, plan 10,000 x 10,000 x 100
    python benchmarks/plan.py --check 274 358 102               # and label a third size, to hold the plan against
    python benchmarks/plan.py --check 274 358 102 --workers 2   # that one with special label --workers 2
    python benchmarks/plan.py --tile 128 --check 512 512 102    # all of it with smaller tiles, which takes less time
    python benchmarks/plan.py --save constants.json             # keep what was measured
    python benchmarks/plan.py --constants constants.json --scene 4400 2900 102
    python benchmarks/plan.py --smoke                           # small scenes, few steps, to see that it works

Two scenes of one kind are labelled with ``--profile``, one four times as large as the other, and every phase gets two
constants: seconds that it takes whatever the size, and nanoseconds a pixel. Both are seconds that one core works, so
that a machine which does other things as well measures the same; by how much more cores are faster is left to the
workers, one core each. ``MOVED`` has the phases that workers can
share; all others stay on one machine. Training, a fixed number of steps of one tile each, is among these; the smaller
scene is a tile, so that its training is that of any larger one. A worker reads its windows from the file system that
all share, and writes what it made of them there: those are the bytes, which all go through that file system. Memory is
that of a process with everything loaded, plus what it keeps of every pixel; a worker keeps nothing of any.

Clusters, mixtures and the report look at samples of some tens of thousands of pixels. Where the smaller scene has fewer
(``--tile``), they seem to grow with the scene: a plan of one that is hundreds of times as large is then too high.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from label import FEW_STEPS
from measure import label, machine

from special.simulate import simulate, write_scene

TILE, BANDS, SMOKE = 256, 102, (24, 24, 30)
CLASSES, VIEWS, FEATURES = 9, 8, 10
MOVED = {
    "calibrate": (1, 0),
    "cluster": (1, 0),
    "classify": (1, 4),
    "outlines": (2, 4 * 4 + 4),
    "name": (1, 4 * CLASSES),
    "standardise": (1, 0),
    "features": (3, 4 * FEATURES),
    "predict": (1, 4 * CLASSES),
    "blend": (0, 4 * CLASSES),
    "soften": (0, 4 * CLASSES),
}
"""Of phases that workers share: how often they read every pixel's spectrum, and bytes a pixel of what they send back.

A prediction sends them for every view: ``VIEWS`` at the end of a training, one before.
"""
WORKERS = (1, 8, 64)
TRAINING = {"learn", "draw"}
BANDWIDTH = 1e9
"""Bytes a second of the file system that workers share, a common figure for a cluster's network."""
WORKER_GIGABYTES = 0.8
"""What a worker holds, whatever the scene's size: ``special label --workers`` says it at its end."""


@dataclass(frozen=True)
class Phase:
    """Constants of a phase.

    ``fixed`` seconds, and ``each`` seconds a pixel; of those that workers share, how many ``spectra`` of a pixel are
    read, and the bytes ``sent`` for it.
    """

    name: str
    fixed: float
    each: float
    spread: bool
    spectra: int = 0
    sent: int = 0

    def seconds(self, pixels: int, workers: int = 1) -> float:
        """How long it takes, without what moves."""
        return self.fixed + pixels * self.each / (workers if self.spread else 1)


def phases(record: dict[str, Any]) -> dict[str, tuple[float, int]]:
    """CPU seconds of every phase of a profiled run without the phases inside it, and its calls, by dotted names."""
    found: dict[str, tuple[float, int]] = {}

    def walk(phase: dict[str, Any], above: str) -> None:
        name = f"{above}{phase['phase']}"
        inner = phase.get("inner", [])
        for one in inner:
            walk(one, f"{name}.")
        found[name] = max(0.0, phase["busy"] - sum(one["busy"] for one in inner)), phase["calls"]

    for step in record["steps"].values():
        walk(step["environment"]["profile"], "")
    return found


@dataclass(frozen=True)
class Measured:
    """A run: its phases as ``phases`` has them, all its CPU seconds, and the most gigabytes that its process held."""

    phases: dict[str, tuple[float, int]]
    seconds: float
    gigabytes: float

    @property
    def outside(self) -> float:
        """Seconds before the first step and after the last: start, imports, opening, hashing."""
        return max(0.0, self.seconds - sum(seconds for seconds, _ in self.phases.values()))


def measured(folder: Path, shape: tuple[int, int, int], options: list[str]) -> Measured:
    """Label a simulated scene."""
    name = "x".join(map(str, shape))
    files = write_scene(folder / name, simulate(*shape, CLASSES))
    _, gigabytes, record, busy = label(files.scene, files.classes, folder / f"{name}.special", options)
    return Measured(phases(record), busy, gigabytes)


def constants(folder: Path, small: tuple[int, int, int], options: list[str]) -> dict[str, Any]:
    """Measure two sizes."""
    rows, cols, bands = small
    one, four = measured(folder, small, options), measured(folder, (2 * rows, 2 * cols, bands), options)
    pixels, more = rows * cols, 3 * rows * cols
    found = []
    for name in dict.fromkeys((*one.phases, *four.phases)):
        *_, own = name.split(".")
        first, calls = one.phases.get(name, (0.0, 1))
        last, _ = four.phases.get(name, (0.0, 1))
        each = 0.0 if own in TRAINING else max(0.0, (last - first) / more)
        spectra, sent = MOVED.get(own, (0, 0))
        if own == "predict":
            sent *= calls if "labels" in name else VIEWS * calls
        elif own in MOVED:
            sent *= calls
        phase = Phase(name, max(0.0, first - each * pixels), each, own in MOVED, spectra * calls, sent)
        found.append(asdict(phase))
    outside = max(0.0, (four.outside - one.outside) / more)
    found.append(asdict(Phase("start", max(0.0, one.outside - outside * pixels), outside, False)))
    held = max(0.0, (four.gigabytes - one.gigabytes) * 1e9 / more)
    memory = {"fixed": one.gigabytes * 1e9 - held * pixels, "each": held}
    return {"bands": bands, "machine": machine(), "memory": memory, "phases": found}


@dataclass(frozen=True)
class Plan:
    """What a scene of so many ``pixels`` and ``bands`` costs, by ``known`` constants.

    Seconds a pixel grow with the bands, which is too much for phases that look at no spectrum.
    """

    known: dict[str, Any]
    pixels: int
    bands: int

    @property
    def phases(self) -> list[Phase]:
        ratio = self.bands / self.known["bands"]
        found = [Phase(**one) for one in self.known["phases"]]
        return [Phase(**{**asdict(one), "each": one.each * ratio}) for one in found]

    @property
    def moved(self) -> tuple[int, int]:
        """Bytes that workers read of the scene, as float32, and that they send back."""
        read = sum(4 * self.bands * self.pixels * one.spectra for one in self.phases)
        return read, sum(self.pixels * one.sent for one in self.phases)

    def seconds(self, workers: int) -> float:
        """How long all of it takes; what moves between workers and the one that waits takes its time as well."""
        alone = sum(one.seconds(self.pixels, workers) for one in self.phases)
        return alone + (sum(self.moved) / BANDWIDTH if workers > 1 else 0.0)

    @property
    def gigabytes(self) -> float:
        """What the process holds that is asked for the map."""
        return (self.known["memory"]["fixed"] + self.known["memory"]["each"] * self.pixels) / 1e9


def show(plan: Plan, shape: tuple[int, int, int]) -> None:
    """Print what a scene would cost."""
    size = f"{plan.pixels / 1e6:.1f} million pixels, {4 * plan.bands * plan.pixels / 1e9:.1f} GB as float32"
    print(f"\n{' x '.join(map(str, shape))}: {size}")
    print(f"{'phase':<34} {'fixed s':>9} {'ns/pixel':>9} {'spread':>7} " + " ".join(f"{w:>7} W" for w in WORKERS))
    for one in sorted(plan.phases, key=lambda one: -one.seconds(plan.pixels)):
        if one.seconds(plan.pixels) >= 0.005 * plan.seconds(1):
            cells = " ".join(f"{one.seconds(plan.pixels, workers):9.1f}" for workers in WORKERS)
            print(f"{one.name:<34} {one.fixed:9.2f} {1e9 * one.each:9.1f} {'yes' if one.spread else '':>7} {cells}")
    read, sent = plan.moved
    print(f"workers read {read / 1e9:.1f} GB of spectra and send {sent / 1e9:.1f} GB")
    for workers in WORKERS:
        times = plan.seconds(1) / plan.seconds(workers)
        print(f"{workers:>3} workers: {plan.seconds(workers):10.0f} s, {times:5.1f} times as fast", end="")
        print(f", {plan.gigabytes:6.2f} GB" + (f" and {WORKER_GIGABYTES} GB each" if workers > 1 else ""))


def check(plan: Plan, shape: tuple[int, int, int], folder: Path, workers: int, options: list[str]) -> None:
    """Label a scene of the size that was planned, and print both.

    The CPU seconds of workers count as well, so that they are those of one machine and what workers cost beside.
    """
    more = [f"--workers={workers}"] if workers > 1 else []
    found = measured(folder, shape, [*options, *more])
    print(f"\nchecked at {' x '.join(map(str, shape))}, {workers} at work, load {os.getloadavg()[0]:.1f}:")
    for what, unit, told, took in (
        ("CPU seconds of all", "s", plan.seconds(1), found.seconds),
        ("memory", "GB", plan.gigabytes, found.gigabytes),
    ):
        print(f"{what}: planned {told:.2f} {unit}, measured {took:.2f} {unit} ({told / took - 1:+.0%})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = {"type": int, "nargs": 3, "metavar": ("ROWS", "COLS", "BANDS")}
    parser.add_argument("--scene", default=(10_000, 10_000, 100), help="what to plan", **size)
    parser.add_argument("--check", default=None, help="label a scene of this size and hold the plan against it", **size)
    parser.add_argument("--workers", type=int, default=1, help="of the check")
    parser.add_argument(
        "--tile", type=int, default=TILE, help="largest side of a tile, and the side of the smallest scene"
    )
    parser.add_argument("--constants", type=Path, help="take these instead of measuring")
    parser.add_argument("--save", type=Path, help="keep what was measured")
    parser.add_argument("--smoke", action="store_true", help="small scenes, few steps")
    asked = parser.parse_args()
    small = SMOKE if asked.smoke else (asked.tile, asked.tile, BANDS)
    options = [f"--set={stage}.tile={asked.tile}" for stage in ("warmup", "refine")]
    options += FEW_STEPS if asked.smoke else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.constants:
            known = json.loads(asked.constants.read_text(encoding="utf-8"))
        else:
            known = constants(folder, small, options)
        if asked.save:
            asked.save.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
        print(f"measured on {known['machine']}")
        for shape in (asked.scene, asked.check):
            if shape:
                rows, cols, bands = shape
                show(Plan(known, rows * cols, bands), tuple(shape))
        if asked.check:
            rows, cols, bands = asked.check
            check(Plan(known, rows * cols, bands), tuple(asked.check), folder, asked.workers, options)


if __name__ == "__main__":
    main()
