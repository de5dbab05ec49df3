"""Label every scene of a folder with the default pipeline and print how well the maps agree with the truth.

    python benchmarks/scenes.py FOLDER [--out RUNS] [--only NAME ...] [-- OPTIONS OF special label]

Each scene is a folder in FOLDER: a cube (NAME.mat, .hdr, .tif or .npy), NAME_gt.* (the truth), classes.txt, and
wavelengths.csv where the cube's file does not say. Every scene gets a process of its own, as on a command line, so that
seconds are from start to end and megabytes are the most that the process held. The truth is opened after the maps are
made. Prints a Markdown table; with --json FILE, writes all figures as well.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import record

STEPS = ("pseudo", "warmup", "refine")
CUBES = (".mat", ".hdr", ".tif", ".npy", ".h5")


@dataclass(frozen=True)
class Benchmark:
    """A scene with its truth; ``wavelengths`` is None where the cube's file has them."""

    name: str
    cube: Path
    truth: Path
    classes: Path
    wavelengths: Path | None


def find(folder: Path) -> list[Benchmark]:
    """Return the scenes in ``folder``, by name."""
    found = []
    for path in sorted(path for path in folder.iterdir() if (path / "classes.txt").is_file()):
        cubes = [path / f"{path.name}{suffix}" for suffix in CUBES if (path / f"{path.name}{suffix}").is_file()]
        truths = sorted(path.glob(f"{path.name}_gt.*"))
        if not cubes or not truths:
            sys.exit(f"{path} lacks {path.name}.mat (.hdr, .tif, .npy) or {path.name}_gt.*")
        wavelengths = path / "wavelengths.csv"
        known = wavelengths if wavelengths.is_file() else None
        found.append(Benchmark(path.name, cubes[0], truths[0], path / "classes.txt", known))
    if not found:
        sys.exit(f"{folder} has no folder with a classes.txt in it")
    return found


def label(scene: Benchmark, run: Path, options: list[str]) -> tuple[float, float]:
    """Run ``special label`` from nothing. Return the seconds it took and the most megabytes it held."""
    command = [sys.executable, "-m", "special", "label", str(scene.cube), "--classes", str(scene.classes)]
    command += ["--wavelengths", str(scene.wavelengths)] if scene.wavelengths else []
    command += ["--out", str(run), "--force", "-q", *options]
    started = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{scene.name}: {' '.join(command)} failed")
    return seconds, usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def measure(scene: Benchmark, run: Path, options: list[str]) -> dict[str, Any]:
    """Label one scene and compare the result with its truth."""
    from special import evaluate

    seconds, megabytes = label(scene, run, options)
    return {"scene": scene.name, "seconds": seconds, "megabytes": megabytes, **evaluate(run, scene.truth).to_json()}


def line(row: dict[str, Any]) -> str:
    """One line of the table."""
    figures = [row["steps"][step]["oa"] for step in STEPS] + [row[figure] for figure in ("oa", "aa", "kappa", "miou")]
    shown = " | ".join(f"{figure:.3f}" for figure in figures)
    return f"| {row['scene']} | {shown} | {row['seconds']:.0f} | {row['megabytes']:.0f} |"


def mean(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean of every figure over the scenes; the longest time and the most memory."""
    average: dict[str, Any] = {"scene": "mean (s, MB: most)"}
    for figure in ("oa", "aa", "kappa", "miou"):
        average[figure] = sum(row[figure] for row in rows) / len(rows)
    average["steps"] = {step: {"oa": sum(row["steps"][step]["oa"] for row in rows) / len(rows)} for step in STEPS}
    return average | {figure: max(row[figure] for row in rows) for figure in ("seconds", "megabytes")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("scenes.special"), help="where the runs go  [scenes.special]")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these scenes alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    ours, theirs = sys.argv[1:], []
    if "--" in ours:
        ours, theirs = ours[: ours.index("--")], ours[ours.index("--") + 1 :]
    asked = parser.parse_args(ours)
    scenes = [scene for scene in find(asked.folder) if not asked.only or scene.name in asked.only]
    print("| scene | pseudo OA | warmup OA | refine OA | map OA | AA | kappa | mIoU | s | MB |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    rows = []
    for scene in scenes:
        rows.append(measure(scene, asked.out / f"{scene.name}.special", theirs))
        print(line(rows[-1]), flush=True)
    print(line(mean(rows)))
    if asked.json:
        record.write(asked.json, rows)


if __name__ == "__main__":
    main()
