"""How time and memory of ``special label`` grow with the area: a scene, and 16 times as much of the same.

    python benchmarks/scaling.py                          # 274 x 179 x 102, and Pavia Centre's size
    python benchmarks/scaling.py --size 1096 715 102      # Pavia Centre's size, and 16 times that: hours, 5 GB of disk
    python benchmarks/scaling.py --smoke                  # two small scenes and few steps, to see that it works

The larger scene repeats the smaller one four times down and four times across, so that nothing but the area differs; it
is written band by band. Both are labelled by processes of their own, in turns.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np
import record
from label import FEW_STEPS, SMOKE, show
from measure import HEADINGS, Spread, label, machine

from special.simulate import SceneFiles, simulate, write_scene

TIMES = 4


def repeated(files: SceneFiles, folder: Path, shape: tuple[int, int, int]) -> Path:
    """Write a scene that repeats another ``TIMES`` down and across; return its header."""
    rows, cols, bands = shape
    folder.mkdir()
    header = files.scene.read_text(encoding="utf-8")
    header = re.sub(r"^lines = .*$", f"lines = {TIMES * rows}", header, flags=re.MULTILINE)
    header = re.sub(r"^samples = .*$", f"samples = {TIMES * cols}", header, flags=re.MULTILINE)
    (folder / "scene.hdr").write_text(header, encoding="utf-8")
    stored = np.memmap(files.scene.with_suffix(".img"), "<i2", "r", shape=(bands, rows, cols))
    with (folder / "scene.img").open("wb") as file:
        for band in stored:
            file.write(np.tile(band, (TIMES, TIMES)).tobytes())
    return folder / "scene.hdr"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=3, default=(274, 179, 102), metavar=("ROWS", "COLS", "BANDS"))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--smoke", action="store_true", help="small scenes, few steps, one round")
    asked = parser.parse_args()
    size = SMOKE if asked.smoke else tuple(asked.size)
    options = FEW_STEPS if asked.smoke else []
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_scene(folder / "one", simulate(*size, 9))
        scenes = {"1": files.scene, f"{TIMES**2}": repeated(files, folder / "many", size)}
        label(files.scene, files.classes, folder / "warm.special", FEW_STEPS)
        runs = {area: [] for area in scenes}
        for _ in range(1 if asked.smoke else asked.rounds):
            for area, scene in scenes.items():
                runs[area].append(label(scene, files.classes, folder / f"{area}.special", options))
    print(f"{'area':>5} {'pixels':>15} {HEADINGS} {'cpu s':>8} {'peak GB':>8}")
    figures = []
    for area, found in runs.items():
        side = 1 if area == "1" else TIMES
        pixels = f"{side * size[0]} x {side * size[1]}"
        busy, gigabytes = min(run[3] for run in found), max(run[1] for run in found)
        print(f"{area:>5} {pixels:>15} {Spread.of([run[0] for run in found])} {busy:8.1f} {gigabytes:8.2f}")
        show(min(found, key=lambda run: run[0])[2])
        seconds, scene = [run[0] for run in found], f"{pixels} x {size[2]}"
        figures.append({"scene": scene, "seconds": seconds, "cpu seconds": busy, "gigabytes": gigabytes})
    one, many = runs.values()
    seconds = min(run[0] for run in many) / min(run[0] for run in one)
    memory = max(run[1] for run in many) / max(run[1] for run in one)
    print(f"{TIMES**2} times the area: {seconds:.1f} times the time, {memory:.2f} times the memory")
    if asked.json:
        record.write(asked.json, figures)


if __name__ == "__main__":
    main()
