"""A real library against names alone: half of its places are the scene, the other half the library."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import special
from special.libraries.library import SpectralLibrary
from special.libraries.reading import read_library
from special.libraries.resample import bridged, resample

NM = np.arange(410.0, 2450.0, 10.0)
CLASSES = {
    "GV": "Green vegetation",
    "NPV": "Dry vegetation",
    "SOIL": "Bare soil",
    "paved": "Paved road",
    "water": "Water",
}
PIXELS = 100


@pytest.fixture(scope="module")
def roberts() -> SpectralLibrary:
    path = Path(__file__).resolve().parents[2] / "shared" / "libraries" / "roberts2017_urban" / "roberts2017_urban.sli"
    if not path.is_file():
        pytest.skip("the folder of libraries is not beside this checkout")
    return read_library(path)


def halves(library: SpectralLibrary, folder: Path) -> tuple[np.ndarray, np.ndarray, Path]:
    """A scene (rows, cols, bands), its truth, and a library of the spectra of other polygons."""
    rng = np.random.default_rng(0)
    polygons, groups = (np.array(library.columns[name]) for name in ("Polygon_Unit_ID", "Level_2"))
    kinds = np.unique(polygons)
    mine = np.isin(polygons, kinds[rng.random(len(kinds)) < 0.5])
    chosen = [rng.choice(np.flatnonzero(~mine & (groups == group)), PIXELS) for group in CLASSES]
    seen = bridged(resample([library.spectra[i] for i in np.concatenate(chosen)], NM, np.full(len(NM), 10.0)), NM)
    cube = (seen * rng.normal(1, 0.01, seen.shape)).astype(np.float32).reshape(len(CLASSES) * 5, 20, -1)
    truth = np.repeat(np.arange(1, len(CLASSES) + 1), PIXELS).reshape(cube.shape[:2])
    with (folder / "half.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", "class", *(f"{nm:.2f}" for nm in library.spectra[0].wavelengths)])
        for i in np.flatnonzero(mine & np.isin(groups, list(CLASSES))):
            values = ("" if np.isnan(value) else f"{value:.4f}" for value in library.spectra[i].reflectance)
            writer.writerow([library.spectra[i].name, CLASSES[groups[i]], *values])
    return cube, truth, folder / "half.csv"


def test_spectra_of_other_places_are_better_than_names_alone(roberts: SpectralLibrary, tmp_path: Path) -> None:
    cube, truth, library = halves(roberts, tmp_path)
    right = {}
    for name, how in {"names": {}, "library": {"library": library}}.items():
        out = tmp_path / f"{name}.special"
        run = special.label(cube, CLASSES.values(), wavelengths=NM, out=out, clip="none", until="pseudo", **how)
        right[name] = (1 + run.probabilities_of("pseudo").argmax(axis=2) == truth).mean()
    assert right["library"] > 0.85 and right["library"] > right["names"] + 0.02
