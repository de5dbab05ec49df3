"""A scene of 12 x 10 pixels that the whole pipeline takes seconds for: water, grass and soil in three strips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLASSES = ("Water", "Grass", "Bare soil")


@dataclass(frozen=True)
class Files:
    """The files of one scene. ``options`` are what ``special label`` needs beside ``--out``."""

    scene: Path
    classes: Path
    wavelengths: Path
    truth: np.ndarray

    @property
    def options(self) -> list[str]:
        return [
            str(self.scene),
            "--classes",
            str(self.classes),
            "--wavelengths",
            str(self.wavelengths),
            "--clip",
            "none",
        ]


TINY = {
    "mambahsi.hidden": 8,
    "mambahsi.blocks": 1,
    "warmup.epochs": 2,
    "warmup.steps": 2,
    "warmup.views": 1,
    "refine.epochs": 2,
    "refine.steps": 2,
    "refine.views": 1,
}


def tiny_options() -> list[str]:
    return [part for name, value in TINY.items() for part in ("--set", f"{name}={value}")]


def cube(rows: int = 12, cols: int = 10, bands: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reflectance float32 (rows, cols, bands), wavelengths (bands,) nm, and truth (rows, cols)."""
    nm = np.linspace(420, 980, bands)
    edge = 1 / (1 + np.exp(-(nm - 715) / 12))
    grass = 0.03 + 0.05 * np.exp(-(((nm - 550) / 35) ** 2)) + 0.42 * edge
    spectra = np.stack([0.06 * np.exp(-(nm - 420) / 180), grass, 0.05 + 0.3 * (nm - 400) / 600])
    truth = 1 + np.minimum(np.arange(rows) * 3 // rows, 2)[:, None] * np.ones(cols, dtype=int)
    noise = np.random.default_rng(seed).normal(1, 0.03, (rows, cols, bands))
    return (spectra[truth - 1] * noise).astype(np.float32), nm, truth


def write(folder: Path, name: str = "strips") -> Files:
    folder.mkdir(parents=True, exist_ok=True)
    values, nm, truth = cube()
    np.save(folder / f"{name}.npy", values)
    np.save(folder / f"{name}_truth.npy", truth)
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    (folder / "wavelengths.csv").write_text("\n".join(map(str, nm)) + "\n", encoding="utf-8")
    return Files(folder / f"{name}.npy", folder / "classes.txt", folder / "wavelengths.csv", truth)


def write_text(path: Path) -> Path:
    """Write the same scene in the format of ``tests/plugins/reader``."""
    values, nm, _ = cube()
    lines = [f"PLAINCUBE {' '.join(map(str, values.shape))}", " ".join(map(str, nm))]
    lines += [" ".join(map(str, pixel)) for pixel in values.reshape(-1, len(nm)).tolist()]
    path.write_text("\n".join(lines), encoding="ascii")
    return path
