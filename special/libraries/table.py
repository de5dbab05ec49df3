"""Spectra as a table: a row each under a heading of wavelengths, or a column each beside a column of wavelengths."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from special.errors import SettingsError
from special.libraries.library import NAME, SpectralLibrary, as_fraction, known, spectrum
from special.libraries.metadata import Table, matched, metadata_beside, read_table
from special.scene.nanometres import plausible_nm

_SUFFIXES = (".csv", ".txt", ".tsv", ".dat")
_FEWEST = 8
_HEADINGS = 5
_NAME_COLUMNS = (NAME, "id", "index", "spectrum", "lambda", "wavelength")


def recognises(path: Path) -> bool:
    """Whether a file may be a table, by its suffix."""
    return path.is_file() and path.suffix.lower() in _SUFFIXES


def read(path: Path) -> SpectralLibrary:
    """Read the spectra; columns that are no wavelengths say what they are of.

    Raises:
        SettingsError: no wavelengths are found in its heading or its first column.
    """
    table = read_table(path)
    for read_one in (_in_rows, _in_columns):
        found = read_one(table)
        if found is not None:
            names, nm, values, said = found
            break
    else:
        raise SettingsError(
            f"{path} is no table of spectra: write a row a spectrum under a heading of wavelengths (nm), or a column "
            "a spectrum beside a first column of wavelengths"
        )
    values, note = as_fraction(values, path.name)
    beside = metadata_beside(path)
    if beside is not None:
        said = [{**own, **more} for own, more in zip(said, matched(beside, names), strict=True)]
    spectra = known([spectrum(name, nm, value, own) for name, value, own in zip(names, values, said, strict=True)])
    notes = (note, "" if beside is None else f"described by {beside.path.name}")
    files = (path, *(() if beside is None else (beside.path,)))
    return SpectralLibrary(path, "table of spectra", spectra, files, tuple(note for note in notes if note))


Found = tuple[list[str], np.ndarray, np.ndarray, list[dict[str, str]]]


def _in_rows(table: Table) -> Found | None:
    """Names, wavelengths (n,), values (spectra, n) and metadata, where a heading holds the wavelengths."""
    for line, heading in enumerate(table.rows[:_HEADINGS]):
        at = [i for i, cell in enumerate(heading) if _number(cell) is not None]
        nm = plausible_nm(np.array([_number(heading[i]) for i in at], dtype=np.float64), None) if at else None
        if nm is None or len(at) < _FEWEST or np.sign(np.diff(nm)).sum() < 0.5 * len(at):
            continue
        rows = [row for row in table.rows[line + 1 :] if len(row) > at[0]]
        rest = [i for i in range(len(heading)) if i not in set(at)]
        values = np.array([[_value(row[i]) if i < len(row) else np.nan for i in at] for row in rows]).reshape(
            -1, len(at)
        )
        said = [{heading[i] or f"column {i + 1}": row[i] for i in rest if i < len(row)} for row in rows]
        title = _name_column([heading[i] for i in rest])
        names = [one.get(title, "") or str(number) for number, one in enumerate(said, start=1)]
        if title.lower() in _NAME_COLUMNS:
            said = [{column: text for column, text in one.items() if column != title} for one in said]
        return names, nm, values.reshape(-1, len(at)), said
    return None


def _in_columns(table: Table) -> Found | None:
    """The same, where the first column holds them."""
    body = [row for row in table.rows if _number(row[0]) is not None]
    nm = plausible_nm(np.array([_number(row[0]) for row in body], dtype=np.float64), None) if body else None
    if nm is None or len(body) < _FEWEST:
        return None
    width = max(map(len, body))
    start = table.rows.index(body[0])
    heading = table.rows[start - 1] if start else []
    values = np.array([[_value(row[i]) if i < len(row) else np.nan for row in body] for i in range(1, width)])
    names = [heading[i] if i < len(heading) and heading[i] else f"spectrum {i}" for i in range(1, width)]
    return names, nm, values.reshape(width - 1, len(body)), [{} for _ in names]


def _name_column(titles: list[str]) -> str:
    """The column that names the spectra: the one that says so, else the first."""
    return next((title for title in titles if title.lower() in _NAME_COLUMNS), (*titles, "")[0])


def _number(cell: str) -> float | None:
    try:
        return float(cell.lower().removesuffix("nm").lstrip("x").strip())
    except ValueError:
        return None


def _value(cell: str) -> float:
    number = _number(cell)
    return np.nan if number is None or number <= -1 or number > 1e6 else number
