"""What one scene too large for a machine would cost if its passes were spread by windows over workers: on paper.

    python benchmarks/plan.py                                   # measure two sizes here, plan 10,000 x 10,000 x 100
    python benchmarks/plan.py --check 274 358 102               # and label a third size, to hold the plan against
    python benchmarks/plan.py --save constants.json             # keep what was measured
    python benchmarks/plan.py --constants constants.json --scene 4400 2900 102
    python benchmarks/plan.py --smoke                           # few steps, to see that it works

Two scenes of one kind are labelled with ``--profile``, one four times as large as the other, and every phase gets two
constants: seconds that it takes whatever the size, and nanoseconds a pixel. Phases that go through a scene window by
window can be spread. Training, a fixed number of steps of one tile each, stays on one machine, as does what looks at a
sample; the smaller scene is a tile, so that its training is that of any larger one. A worker reads its windows from the
file system that all share, and sends what it made of them: those are the bytes. Memory is that of a process with
everything loaded, plus what it keeps of every pixel.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from label import FEW_STEPS
from measure import label, machine

from special.simulate import simulate, write_scene

SMALL = (256, 256, 102)
SPREAD = {"classify", "name", "predict", "standardise", "features", "labels", "outlines", "rgb", "map"}
"""Phases that go through all windows; all others look at a sample, or at tiles that are drawn."""
WORKERS = (1, 8, 64)
TRAINING = {"learn", "draw"}
BANDWIDTH = 1e9
"""Bytes a second between a worker and the file system, a common figure for a cluster's network."""
CLASSES = 9


@dataclass(frozen=True)
class Phase:
    """Constants of a phase: ``fixed`` seconds, and ``each`` seconds a pixel; whether windows of it can be spread."""

    name: str
    fixed: float
    each: float
    spread: bool

    def seconds(self, pixels: int, workers: int = 1) -> float:
        """How long it takes."""
        return self.fixed + pixels * self.each / (workers if self.spread else 1)


def phases(record: dict[str, Any]) -> dict[str, float]:
    """Seconds of every phase of a profiled run, by dotted names, without those of the phases inside it."""
    found: dict[str, float] = {}

    def walk(phase: dict[str, Any], above: str) -> None:
        name = f"{above}{phase['phase']}"
        inner = phase.get("inner", [])
        for one in inner:
            walk(one, f"{name}.")
        found[name] = max(0.0, phase["seconds"] - sum(one["seconds"] for one in inner))

    for step in record["steps"].values():
        walk(step["environment"]["profile"], "")
    return found


def measured(folder: Path, shape: tuple[int, int, int], options: list[str]) -> tuple[dict[str, float], float, float]:
    """Label a simulated scene; return the seconds of its phases, of all, and the most gigabytes held."""
    files = write_scene(folder / f"{shape[0]}x{shape[1]}", simulate(*shape, CLASSES))
    seconds, gigabytes, record, _ = label(files.scene, files.classes, folder / f"{shape[0]}.special", options)
    return phases(record), seconds, gigabytes


def constants(folder: Path, options: list[str]) -> dict[str, Any]:
    """Measure two sizes."""
    rows, cols, bands = SMALL
    large = (2 * rows, 2 * cols, bands)
    one, all_one, held_one = measured(folder, SMALL, options)
    four, all_four, held_four = measured(folder, large, options)
    pixels, more = rows * cols, 4 * rows * cols
    found = []
    for name in dict.fromkeys((*one, *four)):
        more_of_it = four.get(name, 0.0) - one.get(name, 0.0)
        each = 0.0 if TRAINING & set(name.split(".")) else max(0.0, more_of_it / (more - pixels))
        fixed = max(0.0, one.get(name, 0.0) - each * pixels)
        found.append(asdict(Phase(name, fixed, each, bool(SPREAD & set(name.split("."))))))
    told, all_told = sum(one.values()), all_one
    outside = max(0.0, all_told - told)  # start, imports, opening, hashing
    outside_each = max(0.0, (all_four - sum(four.values()) - outside) / (more - pixels))
    found.append(asdict(Phase("start", max(0.0, outside - outside_each * pixels), outside_each, False)))
    held_each = max(0.0, (held_four - held_one) * 1e9 / (more - pixels))
    memory = {"fixed": held_one * 1e9 - held_each * pixels, "each": held_each}
    return {"bands": bands, "classes": CLASSES, "machine": machine(), "memory": memory, "phases": found}


def plan(known: dict[str, Any], shape: tuple[int, int, int]) -> None:
    """Print what a scene would cost."""
    rows, cols, bands = shape
    pixels, ratio = rows * cols, bands / known["bands"]
    found = [Phase(**one) for one in known["phases"]]
    found = [Phase(one.name, one.fixed, one.each * ratio, one.spread) for one in found]
    passes = sum(one.spread for one in found if one.each * pixels > 0.01 * sum(p.each * pixels for p in found))
    read, sent = 4 * bands * pixels * passes, 4 * known["classes"] * pixels * passes
    print(
        f"\n{rows} x {cols} x {bands}: {pixels / 1e6:.1f} million pixels, {4 * bands * pixels / 1e9:.1f} GB as float32"
    )
    print(f"{'phase':<34} {'fixed s':>9} {'ns/pixel':>9} {'spread':>7} " + " ".join(f"{w:>7} W" for w in WORKERS))
    for one in sorted(found, key=lambda one: -one.seconds(pixels)):
        if one.seconds(pixels) >= 0.005 * total(found, pixels, 1):
            cells = " ".join(f"{one.seconds(pixels, w):9.1f}" for w in WORKERS)
            print(f"{one.name:<34} {one.fixed:9.2f} {1e9 * one.each:9.1f} {'yes' if one.spread else '':>7} {cells}")
    print(f"{'bytes read and sent, GB':<34} {read / 1e9:9.1f} {sent / 1e9:9.1f}")
    for workers in WORKERS:
        seconds = total(found, pixels, workers) + (0 if workers == 1 else (read / workers + sent) / BANDWIDTH)
        memory = known["memory"]
        held = memory["fixed"] + memory["each"] * ratio * pixels
        each = held if workers == 1 else memory["fixed"] + memory["each"] * ratio * pixels / workers
        alone = total(found, pixels, 1)
        print(
            f"{workers:>3} workers: {seconds:10.0f} s, {alone / seconds:5.1f} times as fast, {each / 1e9:6.2f} GB each"
        )


def total(found: list[Phase], pixels: int, workers: int) -> float:
    """Seconds of all phases."""
    return sum(one.seconds(pixels, workers) for one in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = {"type": int, "nargs": 3, "metavar": ("ROWS", "COLS", "BANDS")}
    parser.add_argument("--scene", default=(10_000, 10_000, 100), help="what to plan", **size)
    parser.add_argument("--check", default=None, help="label a scene of this size and hold the plan against it", **size)
    parser.add_argument("--constants", type=Path, help="take these instead of measuring")
    parser.add_argument("--save", type=Path, help="keep what was measured")
    parser.add_argument("--smoke", action="store_true", help="few steps")
    asked = parser.parse_args()
    options = FEW_STEPS if asked.smoke else []
    with tempfile.TemporaryDirectory() as name:
        if asked.constants:
            known = json.loads(asked.constants.read_text(encoding="utf-8"))
        else:
            known = constants(Path(name), options)
        if asked.save:
            asked.save.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
        print(f"measured on {known['machine']}")
        plan(known, tuple(asked.scene))
        if asked.check:
            rows, cols, bands = asked.check
            found = [Phase(**one) for one in known["phases"]]
            ratio = bands / known["bands"]
            told = sum(one.fixed + one.each * ratio * rows * cols for one in found)
            _, seconds, held = measured(Path(name), tuple(asked.check), options)
            memory = (known["memory"]["fixed"] + known["memory"]["each"] * ratio * rows * cols) / 1e9
            print(f"\nchecked at {rows} x {cols} x {bands}: planned {told:.1f} s, took {seconds:.1f} s ", end="")
            print(
                f"({told / seconds - 1:+.0%}); planned {memory:.2f} GB, held {held:.2f} GB ({memory / held - 1:+.0%})"
            )


if __name__ == "__main__":
    main()
