"""Every kind of product, written with reflectance that is known, is labelled as it was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import small_scene
from folder_products import HISUI_NM, write_ahsi, write_hisui, write_hyperion
from products import write_aviris, write_emit, write_neon, write_pace, write_prisma, write_tanager
from raster_products import ENMAP_NM, write_enmap, write_enmap_l1b

import special

CUBE, NM, TRUTH = small_scene.cube()
GOOD = np.ones(len(NM))
ENMAP = np.array(
    [
        [0.050, 0.040, 0.020, 0.008, 0.006, 0.002, 0.001, 0.001],
        [0.030, 0.090, 0.045, 0.440, 0.430, 0.210, 0.090, 0.050],
        [0.080, 0.150, 0.200, 0.280, 0.290, 0.360, 0.340, 0.310],
    ]
)
"""Water, grass and soil at the wavelengths of ``raster_products``."""


def enmap(folder: Path) -> Path:
    noise = np.random.default_rng(0).normal(1, 0.03, (*TRUTH.shape, len(ENMAP_NM)))
    return write_enmap(folder / "enmap", cube=np.round(ENMAP[TRUTH - 1] * noise * 10000).astype(np.int16))


def lit(nm: np.ndarray, most: float) -> np.ndarray:
    """The scene's radiance (rows, cols, bands) at other wavelengths: a black body and water vapour."""
    sun = nm**-5.0 / np.expm1(14.388e6 / (nm * 5778.0)) * (1 - 0.6 * np.exp(-(((nm - 945) / 20) ** 2)))
    spectra = np.stack([np.interp(nm, NM, CUBE[k == TRUTH].mean(axis=0)) for k in (1, 2, 3)])
    noise = np.random.default_rng(0).normal(1, 0.03, (*TRUTH.shape, len(nm)))
    return np.asarray(spectra[TRUTH - 1] * most * sun / sun.max() * noise)


def enmap_l1b(folder: Path) -> Path:
    nm = np.concatenate([np.linspace(420, 960, 18), np.linspace(905, 1000, 6)])
    return write_enmap_l1b(folder / "enmap", lit(nm, 0.06), 0, 0, nm=nm, vnir=18)


def ahsi(folder: Path) -> Path:
    nm = np.concatenate([np.linspace(420, 1020, 18), np.linspace(1004, 1060, 6)])
    return write_ahsi(folder / "ahsi", lit(nm, 300) + 0.5, nm, 18, down=0, right=0)


def hyperion(folder: Path) -> Path:
    numbers = list(range(8, 56, 2))
    return write_hyperion(folder, lit(np.interp(numbers, [1, 70], [355.59, 1057.68]), 500), numbers)


def prisma(level: str) -> Callable[[Path], Path]:
    """Its bands run downwards, those of each detector by themselves."""
    order = [*range(11, -1, -1), *range(23, 11, -1)]
    nm = NM[order]
    return lambda folder: write_prisma(folder / "x.he5", CUBE[:, :, order], nm[:12], nm[12:], level)


MADE: dict[str, Callable[[Path], Path]] = {
    "EMIT L2A": lambda folder: write_emit(folder / "EMIT_L2A_RFL_1.nc", CUBE, NM, GOOD),
    "EMIT L1B": lambda folder: write_emit(folder / "EMIT_L1B_RAD_1.nc", 30 * CUBE, NM, GOOD, "radiance"),
    "PRISMA L2D": prisma("L2D"),
    "PRISMA L2C": prisma("L2C"),
    "NEON AOP": lambda folder: write_neon(folder / "x.h5", CUBE, NM),
    "AVIRIS reflectance (netCDF)": lambda folder: write_aviris(folder / "x.nc", CUBE, NM),
    "Tanager surface reflectance": lambda folder: write_tanager(folder / "x.h5", CUBE, NM, GOOD),
    "PACE OCI L2": lambda folder: write_pace(folder / "x.nc", CUBE, NM),
    "EnMAP L2A": enmap,
    "EnMAP L1B": enmap_l1b,
    "Hyperion L1T": hyperion,
    "AHSI L1": ahsi,
    "HISUI L1G": lambda folder: write_hisui(folder / "hisui", lit(HISUI_NM, 300) + 0.1),
}


@pytest.mark.parametrize("kind", MADE)
def test_a_product_is_labelled_as_it_was_written(tmp_path: Path, kind: str) -> None:
    path = MADE[kind](tmp_path)
    assert special.open_scene(path).format == kind
    run = special.label(path, small_scene.CLASSES, out=tmp_path / "x.special", clip="none", until="pseudo", mask="none")
    shares = run.probabilities_of("pseudo")
    seen = shares.sum(axis=2) > 0
    assert (1 + shares.argmax(axis=2) == TRUTH)[seen].mean() == 1 and seen.sum() >= TRUTH.size - 1
