"""Eight real scenes in one ``special batch`` against ``special label`` of one after the other; and whether bits differ.

    python benchmarks/batch.py           # ../shared/scenes beside this checkout, two workers, one round
    python benchmarks/batch.py --smoke   # two small simulated scenes and few steps, to see that it works

Both sides use the same cores: the batch shares them between its workers, a command on its own has all of them. Bits are
held against those of ``special label`` with as many threads as a worker has, for the number of threads decides the last
bits of a training. On a machine that does other things as well the seconds say little and CPU seconds more.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from label import FEW_STEPS, SMOKE
from measure import machine

from special.cluster.machine import cores, thread_environment
from special.simulate import simulate, write_scene

SHARED = Path(__file__).resolve().parents[2] / "shared" / "scenes"
OPTIONS = ["--clip", "none", "--offline", "--device", "cpu", "-q"]


def scenes(folder: Path, count: int) -> list[dict[str, str]]:
    """The first ``count`` scenes of a folder of folders: file, classes, wavelengths."""
    found = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        cube = next(place / f"{place.name}{end}" for end in (".hdr", ".mat") if (place / f"{place.name}{end}").exists())
        listed = place / "wavelengths.csv"
        row = {"scene": str(cube), "classes": str(place / "classes.txt")}
        found.append(row | {"wavelengths": str(listed) if listed.exists() else ""})
    return found[:count]


def simulated(folder: Path) -> list[dict[str, str]]:
    """Two small scenes, as ``scenes`` has them."""
    found = []
    for number in range(2):
        files = write_scene(folder / str(number), simulate(*SMOKE, 3, seed=number))
        scene = files.scene.rename(files.scene.with_name(f"line-{number}.hdr"))
        files.scene.with_suffix(".img").rename(scene.with_suffix(".img"))
        found.append({"scene": str(scene), "classes": str(files.classes), "wavelengths": ""})
    return found


def run(command: list[str], threads: int) -> tuple[float, float]:
    """Run a command; return its seconds, and those that all cores worked for it."""
    free = {name: value for name, value in os.environ.items() if name not in thread_environment(1)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "special", *command], check=True, env={**free, **thread_environment(threads)})
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def alone(row: dict[str, str], out: Path, threads: int, more: list[str]) -> tuple[float, float]:
    """Label one scene by a command of its own."""
    options = ["--classes", row["classes"], "--out", str(out), *OPTIONS, *more]
    options += ["--wavelengths", row["wavelengths"]] if row["wavelengths"] else []
    return run(["label", row["scene"], *options], threads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=SHARED)
    parser.add_argument("--scenes", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--bits", type=int, default=2, help="how many scenes' bits to compare")
    parser.add_argument("--smoke", action="store_true", help="small scenes, few steps")
    asked = parser.parse_args()
    more = FEW_STEPS if asked.smoke else []
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = simulated(folder) if asked.smoke else scenes(asked.folder, asked.scenes)
        available, compared = cores(), rows[: 1 if asked.smoke else asked.bits]
        print(f"{len(rows)} scenes, {asked.workers} workers, {available} cores; load before: {os.getloadavg()[0]:.1f}")
        with (folder / "manifest.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        one_by_one = [alone(row, folder / f"{Path(row['scene']).stem}.special", available, more) for row in rows]
        command = ["batch", str(folder / "manifest.csv"), "--out", str(folder / "maps"), *OPTIONS, *more]
        together = run([*command, "--workers", str(asked.workers)], available)
        print(f"{'':<22} {'seconds':>9} {'CPU s':>9}")
        total = [sum(column) for column in zip(*one_by_one, strict=True)]
        print(f"{'one after the other':<22} {total[0]:9.1f} {total[1]:9.1f}")
        print(f"{'special batch':<22} {together[0]:9.1f} {together[1]:9.1f}")
        print(f"{'ratio':<22} {together[0] / total[0]:9.2f} {together[1] / total[1]:9.2f}")
        same = 0
        for row in compared:
            stem = Path(row["scene"]).stem
            alone(row, folder / f"{stem}.bits", max(1, available // asked.workers), more)
            ours = np.load(folder / "maps" / f"{stem}.special" / "probabilities.npy")
            same += int(np.array_equal(ours, np.load(folder / f"{stem}.bits" / "probabilities.npy")))
        print(f"the same bits as special label: {same} of {len(compared)} scenes")
        print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
