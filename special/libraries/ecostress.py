"""ECOSTRESS and ASTER spectral libraries: text files with a heading of fields, or the SQLite database that SPy makes.

Format: Meerdink et al. 2019, Remote Sensing of Environment 230; Baldridge et al. 2009. Wavelengths are micrometres, in
either direction, reflectance percent.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from special.errors import SettingsError
from special.libraries.library import SpectralLibrary, Spectrum, as_fraction, known, spectrum
from special.scene.nanometres import plausible_nm

_FIELD = re.compile(r"^([A-Z][A-Za-z. ]{1,40}):\s*(.*)$")
_SQLITE = b"SQLite format 3\0"
_MOST_FILES = 20_000
_LOOKED_AT = 40
_HEAD_BYTES = 20_000  # descriptions are long
_KEPT = ("Type", "Class", "Subclass", "Genus", "Species", "Particle Size")


def recognises(path: Path) -> bool:
    """Whether a file has the heading of one, or is a database of them, or a folder holds such files."""
    if path.is_dir():
        texts = (item for number, item in enumerate(path.rglob("*.txt")) if number < _LOOKED_AT)
        return any(_is_text(item) for item in texts)
    with path.open("rb") as stream:
        return stream.read(16) == _SQLITE or _is_text(path)


def read(path: Path) -> SpectralLibrary:
    """Read every spectrum of reflectance: those of transmittance and of the thermal infrared alone are left out.

    Raises:
        SettingsError: a database has other tables.
    """
    if path.is_dir():
        files = [item for item in sorted(path.rglob("*.txt"))[:_MOST_FILES] if _is_text(item)]
        spectra = known([_of_text(item) for item in files])
        return SpectralLibrary(path, "ECOSTRESS or ASTER text", spectra, tuple(files))
    with path.open("rb") as stream:
        is_database = stream.read(16) == _SQLITE
    if is_database:
        return SpectralLibrary(path, "ECOSTRESS or ASTER database", _of_database(path), (path,))
    return SpectralLibrary(path, "ECOSTRESS or ASTER text", known([_of_text(path)]), (path,))


def _is_text(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES).decode("latin-1")
    return head.startswith("Name:") and "X Units:" in head


def _of_text(path: Path) -> Spectrum | None:
    fields: dict[str, str] = {}
    pairs: list[tuple[float, float]] = []
    for line in path.read_text(encoding="latin-1").splitlines():
        found = _FIELD.match(line) if not pairs else None
        if found:
            fields[found[1].strip()] = found[2].strip()
            continue
        words = line.split()
        try:
            pairs.append((float(words[0]), float(words[1])))
        except (IndexError, ValueError):
            continue
    if not pairs:
        return None
    x, y = np.array(pairs).T
    said = {field.lower(): fields[field] for field in _KEPT if fields.get(field)}
    return _spectrum(fields.get("Name", path.stem), x, y, fields.get("X Units", ""), fields.get("Y Units", ""), said)


def _of_database(path: Path) -> tuple[Spectrum, ...]:
    query = (
        "SELECT Name, Type, Class, SubClass, XUnit, YUnit, XData, YData FROM Samples, Spectra "
        "WHERE Samples.SampleID = Spectra.SampleID ORDER BY SpectrumID"
    )
    spectra = []
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            for *texts, x, y in connection.execute(query):
                # A database keeps whatever it is given, whatever its columns are declared to hold.
                name, kind, group, subclass, x_unit, y_unit = ("" if one is None else str(one) for one in texts)
                said = {"type": kind, "class": group, "subclass": subclass}
                at, values = (np.frombuffer(blob, dtype=np.float32).astype(np.float64) for blob in (x, y))
                spectra.append(_spectrum(name, at, values, x_unit, y_unit, said))
        finally:
            connection.close()
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise SettingsError(f"{path} is no database of ECOSTRESS or ASTER spectra ({error})") from None
    return known(spectra)


def _spectrum(
    name: str, x: np.ndarray, y: np.ndarray, x_unit: str, y_unit: str, said: Mapping[str, str]
) -> Spectrum | None:
    inner = re.search(r"\(([^)]*)\)", x_unit)
    nm = plausible_nm(x, inner[1] if inner else x_unit)
    if nm is None or "transmi" in y_unit.lower() or len(x) != len(y):
        return None
    y = np.where((y < -10) | (y > 1e6), np.nan, y)
    if "percent" in y_unit.lower():
        return spectrum(name, nm, y / 100, said)
    try:
        return spectrum(name, nm, as_fraction(y, name)[0], said)
    except SettingsError:
        return None
