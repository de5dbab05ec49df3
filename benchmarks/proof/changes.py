"""Scenes as other sensors and other frames would have them: is the accuracy owed to these very numbers?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scenes import Benchmark

NOISE = 0.03  # of a band's mean
SHIFT_NM = 8.0
GAIN = 0.10  # of the log of the numbers, smooth over wavelength
UNITS = 0.37
REACH_NM = 30.0  # to either side of a colour; where no band is so near, the nearest one is the colour


@dataclass(frozen=True)
class Shot:
    """``cube`` float32 (rows, cols, bands), ``truth`` (rows, cols), ``wavelengths`` (bands,) nm."""

    cube: np.ndarray
    truth: np.ndarray
    wavelengths: np.ndarray

    def frame(self, rows: slice = slice(None), cols: slice = slice(None)) -> Shot:
        """What lies in this frame alone."""
        return replace(self, cube=self.cube[rows, cols], truth=self.truth[rows, cols])

    def bands(self, kept: np.ndarray) -> Shot:
        """These bands alone."""
        return replace(self, cube=self.cube[..., kept], wavelengths=self.wavelengths[kept])

    def times(self, factor: np.ndarray | float) -> Shot:
        """Other numbers, by ``factor`` (bands,)."""
        return replace(self, cube=self.cube * np.asarray(factor, dtype=np.float32))


def _noisy(shot: Shot) -> Shot:
    noise = np.random.default_rng(0).standard_normal(shot.cube.shape).astype(np.float32)
    return replace(shot, cube=shot.cube + NOISE * shot.cube.mean(axis=(0, 1)) * noise)


def _half(length: int) -> tuple[slice, slice]:
    return slice(0, length // 2), slice(length // 2, None)


CHANGES: dict[str, Callable[[Shot], Shot]] = {
    "bands to 1000 nm": lambda shot: shot.bands(shot.wavelengths < 1000),
    "every fourth band": lambda shot: shot.bands(np.arange(len(shot.wavelengths)) % 4 == 0),
    "upper half": lambda shot: shot.frame(rows=_half(len(shot.truth))[0]),
    "lower half": lambda shot: shot.frame(rows=_half(len(shot.truth))[1]),
    "left half": lambda shot: shot.frame(cols=_half(shot.truth.shape[1])[0]),
    "right half": lambda shot: shot.frame(cols=_half(shot.truth.shape[1])[1]),
    "noise of 3 %": _noisy,
    "smooth gain of 10 %": lambda shot: shot.times(np.exp(GAIN * np.sin(shot.wavelengths / 400 + 1))),
    "wavelengths 8 nm off": lambda shot: replace(shot, wavelengths=shot.wavelengths + SHIFT_NM),
    "other units": lambda shot: shot.times(UNITS),
}


def changed(scene: Benchmark, change: str, folder: Path) -> Benchmark:
    """Write the scene after one of ``CHANGES`` into ``folder``; return it. What the file says of units is lost."""
    from special.scene import open_scene
    from special.scene.truth import read_truth

    opened = open_scene(scene.cube, wavelengths=scene.wavelengths)
    truth = read_truth(scene.truth, (opened.shape[0], opened.shape[1]))
    shot = CHANGES[change](Shot(opened.read(), truth, np.asarray(opened.wavelengths)))
    folder.mkdir(parents=True, exist_ok=True)
    made = replace(
        scene,
        cube=folder / f"{scene.name}.npy",
        truth=folder / f"{scene.name}_gt.npy",
        wavelengths=folder / "wavelengths.csv",
    )
    np.save(made.cube, np.ascontiguousarray(shot.cube))
    np.save(made.truth, np.ascontiguousarray(shot.truth))
    made.wavelengths.write_text("".join(f"{nm}\n" for nm in shot.wavelengths), encoding="utf-8")
    return made


def three_bands(scene: Benchmark, colours: Sequence[float], folder: Path) -> Benchmark:
    """Write the scene as a camera would have it, means of the bands around three wavelengths (nm), into ``folder``."""
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
