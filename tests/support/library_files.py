"""Small spectral libraries in the forms they are published in, of spectra that are known."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import spectral.database.ecostress

NM = np.arange(400.0, 1001.0, 2.0)


def spectra(each: int = 3, seed: int = 0, nm: np.ndarray = NM) -> tuple[np.ndarray, list[str], list[str]]:
    """Reflectance (3 * each, channels) of water, grass and soil, their names and their classes."""
    edge = 1 / (1 + np.exp(-(nm - 715) / 12))
    kinds = {
        "Water": 0.06 * np.exp(-(nm - 400) / 180) + 0.002,
        "Grass": 0.03 + 0.05 * np.exp(-(((nm - 550) / 35) ** 2)) + 0.42 * edge,
        "Bare soil": 0.05 + 0.3 * (nm - 350) / 600,
    }
    rng = np.random.default_rng(seed)
    rows, names, classes = [], [], []
    for kind, spectrum in kinds.items():
        for number in range(each):
            rows.append(spectrum * rng.normal(1, 0.1) * (1 + 0.02 * rng.normal(size=1)))
            names.append(f"{kind[:2].upper()}_{number:03d}")
            classes.append(kind)
    return np.array(rows), names, classes


def write_sli(
    folder: Path, values: np.ndarray, names: Sequence[str], nm: np.ndarray = NM, scale: float = 10000
) -> Path:
    """An ENVI library as VIPER tools write it: micrometres, reflectance times 10000, no word about either."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lib.sli").write_bytes((values * scale).astype("<f4").tobytes())
    (folder / "lib.hdr").write_text(
        f"ENVI\nsamples = {len(nm)}\nlines = {len(values)}\nbands = 1\nheader offset = 0\n"
        "file type = ENVI Spectral Library\ndata type = 4\ninterleave = bsq\nbyte order = 0\n"
        f"wavelength units = Unknown\nspectra names = {{\n {', '.join(names)}}}\n"
        f"wavelength = {{\n {', '.join(f'{one / 1000:.5f}' for one in nm)}}}\n"
    )
    return folder / "lib.sli"


def write_metadata(path: Path, names: Sequence[str], classes: Sequence[str], separator: str = ",") -> Path:
    """A table beside a library, whose rows are in another order."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=separator)
        writer.writerow(["Name", "Level_1", "Source"])
        for name, group in reversed(list(zip(names, classes, strict=True))):
            writer.writerow([name, group, "made up"])
    return path


def write_splib(folder: Path, values: np.ndarray, names: Sequence[str], classes: Sequence[str]) -> Path:
    """USGS splib07: chapters, a title and one value a line; the wavelengths of two spectrometers beside."""
    folder.mkdir(parents=True, exist_ok=True)
    for label, grid in (("ASD_0.35-2.5_microns_301_ch", NM), ("BECK_0.2-3.0_um_120_ch", np.linspace(400, 1000, 120))):
        lines = "".join(f"  {one / 1000:.5E}\n" for one in grid)
        (folder / f"splib07a_Wavelengths_{label}.txt").write_text(f" splib07a Record=1: Wavelengths {label}\n{lines}")
    (folder / "splib07a_Bandpass_(FWHM)_ASDFR_StandardResolution.txt").write_text(
        " splib07a Record=3: Bandpass ASDFR\n" + "".join("  3.0E-3\n" for _ in NM)
    )
    for number, (row, name, group) in enumerate(zip(values, names, classes, strict=True)):
        chapter = folder / f"Chapter{'ABC'[number % 3]}_{group.replace(' ', '')}"
        chapter.mkdir(exist_ok=True)
        row = row.copy()
        row[5] = -1.23e34  # a deleted channel
        lines = "".join(f"  {value:.6E}\n" for value in row)
        material = group.replace(" ", "_")
        path = chapter / f"splib07a_{name}_ASDFRb_AREF.txt"
        path.write_text(f" splib07a Record={number + 100}: {material} {name} ASDFRb AREF\n{lines}")
    (chapter / "errorbars").mkdir()
    (chapter / "errorbars" / f"errorbars_for_{path.name}").write_text(path.read_text())
    return folder


def write_ecostress(folder: Path, values: np.ndarray, names: Sequence[str], classes: Sequence[str]) -> Path:
    """ECOSTRESS text: fields, then micrometres downwards beside percent."""
    folder.mkdir(parents=True, exist_ok=True)
    for row, name, group in zip(values, names, classes, strict=True):
        kind = {"Water": "water", "Grass": "vegetation"}.get(group, "soil")
        pairs = "".join(
            f"{one / 1000:.4f}\t{100 * value:.4f}\n" for one, value in zip(NM[::-1], row[::-1], strict=True)
        )
        (folder / f"{kind}.{group.replace(' ', '')}.all.{name}.asd.spectrum.txt").write_text(
            f"Name: {name}\nType: {kind}\nClass: {group}\nSubclass: none\nParticle Size: Unknown\nSample No.: {name}\n"
            f"Owner: nobody\nWavelength Range: VSWIR\nOrigin: nowhere\nCollection Date: N/A\nDescription: made up\n"
            "Measurement: Directional (10 Degree) Hemispherical Reflectance\nFirst Column: X\nSecond Column: Y\n"
            "X Units: Wavelength (micrometers)\nY Units: Reflectance (percent)\nFirst X Value: 1.0\nLast X Value: 0.4\n"
            f"Number of X Values: {len(row)}\nAdditional Information: none\n\n{pairs}",
            encoding="latin-1",
        )
    return folder


def write_database(path: Path, folder: Path) -> Path:
    """The database that SPy makes of such a folder."""
    spectral.database.ecostress.EcostressDatabase.create(str(path), str(folder)).db.close()
    return path


def write_rows(
    path: Path, values: np.ndarray, names: Sequence[str], classes: Sequence[str], separator: str = ","
) -> Path:
    """A table with a row a spectrum, in percent, and classes in a column."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=separator)
        writer.writerow(["name", "class", *(f"{one:g}" for one in NM)])
        for row, name, group in zip(values, names, classes, strict=True):
            writer.writerow([name, group, *(f"{100 * value:.4f}" for value in row)])
    return path


def write_columns(path: Path, values: np.ndarray, names: Sequence[str]) -> Path:
    """A table with a column a spectrum, and wavelengths in the first one."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["wavelength (nm)", *names])
        for one, row in zip(NM, values.T, strict=True):
            writer.writerow([f"{one:g}", *(f"{value:.6f}" for value in row)])
    return path
