"""Time what a whole EMIT scene takes, 1280 x 1242 x 285: ``special info``, and ``special label`` with its peak memory.

    python benchmarks/emit.py                   # stored in one piece, 2 GB of disk
    python benchmarks/emit.py --stored packed   # in netCDF's chunks, packed
    python benchmarks/emit.py --smoke           # a small scene and few steps, to see that it works

The scene is simulated, a part of it repeated down and across, and written in the product's layout (tests/support).
Before it, ``special info`` describes an ENVI file of 50 GB, nearly all of it a hole. Every run is a process of its own,
from the start of Python to its end. Below stands where the time of labelling went, from ``--profile``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from label import FEW_STEPS, SMOKE, show
from measure import label, machine

from special.simulate import simulate, write_scene

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from products import EMIT_SHAPE, EMIT_STORED, FILL, write_whole_emit

PART = (160, 414)
LARGE = (50_000, 1_000, 500)  # int16: 50 GB
ROUNDS = 3


def emit(folder: Path, shape: tuple[int, int, int], stored: str) -> tuple[Path, Path]:
    """Write the scene; return it and its class list."""
    part = simulate(min(PART[0], shape[0]), min(PART[1], shape[1]), shape[2], 9, range_nm=(381, 2493))
    files = write_scene(folder / "part", part)
    cube = np.where(np.isfinite(part.cube), part.cube, np.float32(FILL))
    return write_whole_emit(folder / "EMIT_L2A_RFL_1.nc", cube, part.wavelengths, shape, stored), files.classes


def sparse_envi(folder: Path, shape: tuple[int, int, int]) -> Path:
    """Write an ENVI file of int16 with numbers in its first and its last row."""
    rows, cols, bands = shape
    header = folder / "large.hdr"
    nm = ", ".join(f"{one:.1f}" for one in np.linspace(400, 2500, bands))
    header.write_text(
        f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\nheader offset = 0\ndata type = 2\n"
        f"interleave = bil\nbyte order = 0\nwavelength units = nm\nwavelength = {{{nm}}}\n"
    )
    row = np.random.default_rng(0).integers(100, 6000, (bands, cols)).astype("<i2").tobytes()
    with (folder / "large.img").open("wb") as file:
        file.write(row)
        file.seek((rows - 1) * len(row))
        file.write(row)
    return header


def info_seconds(scene: Path) -> float:
    """Return how long ``special info`` takes, the best of a few runs."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "special", "info", str(scene)], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stored", choices=EMIT_STORED, default="contiguous")
    parser.add_argument("--smoke", action="store_true", help="a small scene, few steps")
    asked = parser.parse_args()
    shape, large = (SMOKE, (500, 10, 50)) if asked.smoke else (EMIT_SHAPE, LARGE)
    options = FEW_STEPS if asked.smoke else []
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"info, {' x '.join(map(str, large))} ENVI: {info_seconds(sparse_envi(folder, large)):.2f} s", flush=True)
        warm = write_scene(folder / "warm", simulate(*SMOKE, 3))
        label(warm.scene, warm.classes, folder / "warm.special", FEW_STEPS)
        scene, classes = emit(folder, shape, asked.stored)
        size = f"{' x '.join(map(str, shape))} EMIT, {asked.stored}"
        print(f"info, {size}: {info_seconds(scene):.2f} s", flush=True)
        seconds, gigabytes, record, busy = label(scene, classes, folder / "emit.special", options)
        print(f"label, {size}: {seconds:.1f} s, {busy:.1f} s of all cores, {gigabytes:.2f} GB at most")
        show(record)


if __name__ == "__main__":
    main()
