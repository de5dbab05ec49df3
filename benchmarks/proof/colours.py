"""A scene as a camera would have it: three bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scenes import Benchmark

REACH_NM = 30.0  # to either side of a colour; where no band is so near, the nearest one is the colour


def three_bands(scene: Benchmark, colours: Sequence[float], folder: Path) -> Benchmark:
    """Write the means of the bands around three wavelengths (nm) into ``folder``; return the scene they make."""
    from special.scene import open_scene

    opened = open_scene(scene.cube, wavelengths=scene.wavelengths)
    cube = opened.read()
    bands = []
    for nm in colours:
        distance = np.abs(opened.wavelengths - nm)
        bands.append(cube[..., distance <= max(REACH_NM, distance.min())].mean(axis=-1))
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{scene.name}.npy", np.stack(bands, axis=-1))
    (folder / "wavelengths.csv").write_text("".join(f"{nm}\n" for nm in colours), encoding="utf-8")
    return replace(scene, cube=folder / f"{scene.name}.npy", wavelengths=folder / "wavelengths.csv")
