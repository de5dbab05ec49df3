"""What the maps are held against: the nearest spectrum of a library, and a support-vector machine that has labels.

Both see the scene as it is stored. The nearest spectrum has no label, as the maps have none: every spectrum of a
library is brought to the scene's bands, and what the library calls it is compared with the class names by the sentence
encoder that ``special`` has. The machine is given 1, 5 or 10 labelled pixels of every class and judged on the others.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scenes import Benchmark

SIMILARITY = 0.3  # radians of spectral angle that a cosine of 1 between names is worth
SVM_COST = 100.0
_SAYS_NOTHING = {"", "na", "n/a", "unknown", "other"}
_LONG = {"gv": "green vegetation", "npv": "non-photosynthetic vegetation"}


@dataclass(frozen=True)
class Library:
    """``spectra`` float32 (spectra, bands), reflectance, NaN where nothing is known; ``wavelengths`` (bands,) nm."""

    wavelengths: np.ndarray
    spectra: np.ndarray
    texts: tuple[str, ...]

    def at(self, wavelengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the spectra at other wavelengths (nm), 0 where nothing is known, and bool where something is."""
        known = np.isfinite(self.spectra)
        filled = np.where(known, self.spectra, 0)
        values = np.stack([np.interp(wavelengths, self.wavelengths, row) for row in filled])
        certain = [np.interp(wavelengths, self.wavelengths, row, left=0, right=0) > 0.999 for row in known]
        return np.where(certain, values, 0), np.stack(certain)


@cache
def read_libraries(folder: Path) -> list[Library]:
    """Read the two libraries: Roberts et al. 2017 (AVIRIS, Santa Barbara) and KLUM (Ilehag et al. 2019)."""
    return [_roberts(folder / "roberts2017_urban" / "roberts2017_urban.hdr"), _klum(folder / "klum")]


def _roberts(header: Path) -> Library:
    """An ENVI spectral library, reflectance x 10000, with a table of hierarchical classes, coarse to fine."""
    from special.scene.readers.envi import read_header

    fields = read_header(header)
    listed = {name: [part.strip() for part in fields[name].strip("{}").split(",")] for name in ("wavelength", "bbl")}
    wavelengths = 1000 * np.array(listed["wavelength"], dtype=float)  # micrometres
    spectra = np.fromfile(header.with_suffix(".sli"), "<f4").reshape(-1, len(wavelengths)) / 10_000
    spectra[:, np.array(listed["bbl"], dtype=int) == 0] = np.nan
    with header.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as file:
        texts = tuple(_text(row["Level_2"], row["Level_3"]) for row in csv.DictReader(file))
    return Library(wavelengths, spectra, texts)


def _klum(folder: Path) -> Library:
    """Two tables, reflectance in percent: the first row of the spectra has the wavelengths (nm)."""
    values = np.genfromtxt(folder / "KLUM_spectra.csv", delimiter=",", skip_header=1)[:, 1:]
    with (folder / "KLUM_metadata.csv").open(encoding="utf-8-sig", newline="") as file:
        texts = tuple(_text(row["subclass"], row["usage"]) for row in csv.DictReader(file))
    return Library(values[0], (values[1:] / 100).astype(np.float32), texts)


def _text(*labels: str) -> str:
    words = [label.strip().casefold().replace("_", " ") for label in labels]
    return " ".join(_LONG.get(word, word) for word in words if word not in _SAYS_NOTHING)


def nearest_spectrum(
    pixels: np.ndarray, wavelengths: np.ndarray, names: Sequence[str], libraries: Sequence[Library]
) -> np.ndarray:
    """Return a label 1..K for each of ``pixels`` (pixels, bands): the class of the best pair of spectrum and name.

    A pair's score is ``SIMILARITY`` times the cosine between class name and library text, minus the spectral angle.
    ``SIMILARITY`` and the levels of the libraries' classes are the best of a few on real scenes: the peer at its best.
    """
    from special.classnames.encoder import default_encoder

    encoder = default_encoder()
    classes = encoder.encode(list(names))
    best = np.full((len(pixels), len(names)), -np.inf)
    for library in libraries:
        closeness = encoder.encode(library.texts) @ classes.T
        spectra, known = library.at(wavelengths)
        for start in range(0, len(pixels), 2000):
            part = slice(start, start + 2000)
            angles = _angles(pixels[part].astype(np.float64), spectra, known)
            for k in range(len(names)):
                best[part, k] = np.maximum(best[part, k], (SIMILARITY * closeness[:, k] - angles).max(axis=1))
    return 1 + best.argmax(axis=1)


def _angles(pixels: np.ndarray, spectra: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Spectral angles (pixels, spectra) in radians, each over the bands that the library's spectrum has."""
    lengths = np.sqrt(pixels**2 @ known.T) * np.linalg.norm(spectra, axis=1)
    return np.arccos(np.clip(pixels @ spectra.T / np.maximum(lengths, 1e-12), -1, 1))


def accuracies(
    scene: Benchmark, libraries: Path | None, counts: Sequence[int], seeds: Sequence[int]
) -> dict[str, list[float]]:
    """Return the overall accuracy of every peer on a scene, by what it is called in the table.

    The machine is given each of ``counts`` labels per class, with each of ``seeds``; without ``libraries`` there is no
    nearest spectrum.
    """
    from special.classnames.class_list import ClassList
    from special.scene import open_scene
    from special.scene.truth import read_truth

    opened = open_scene(scene.cube, wavelengths=scene.wavelengths)
    truth, cube = read_truth(scene.truth, opened.shape[:2]), opened.read()
    found: dict[str, list[float]] = {}
    if libraries:
        known = opened.valid & (truth > 0)
        names = ClassList.read(scene.classes).names
        labels = nearest_spectrum(cube[known], opened.wavelengths, names, read_libraries(libraries))
        found["nearest spectrum"] = [float((labels == truth[known]).sum() / (truth > 0).sum())]
    for count in counts:
        found[f"SVM, {count} per class"] = [svm(cube, truth, count, seed) for seed in seeds]
    return found


def svm(spectra: np.ndarray, truth: np.ndarray, per_class: int, seed: int) -> float:
    """Return the overall accuracy of a support-vector machine that knows ``per_class`` pixels of every class.

    A class of fewer pixels keeps one to be judged on.

    Args:
        spectra: (rows, cols, bands), NaN at invalid pixels; all valid ones standardise the bands.
        truth: (rows, cols), 1..K, 0 = unknown.
        per_class: how many pixels are labelled.
        seed: which.
    """
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    generator = np.random.default_rng(seed)
    valid = np.isfinite(spectra).all(axis=-1)
    known = valid & (truth > 0)
    values = StandardScaler().fit(spectra[valid]).transform(spectra[known])
    labels = truth[known]
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        chosen[generator.choice(members, max(1, min(per_class, len(members) - 1)), replace=False)] = True
    machine = SVC(C=SVM_COST, kernel="rbf", gamma="scale").fit(values[chosen], labels[chosen])
    return float((machine.predict(values[~chosen]) == labels[~chosen]).mean())
