"""Wavelengths as people write them: a CSV from any program and country, a list from Python, or an ENVI header."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.scene.nanometres import is_jumbled, plausible_nm
from special.scene.readers.envi_header import read_header, wavelengths_in

_SHORTEST_NM = 200.0
_NO_NM_WITHOUT_UNIT = 3000.0  # all that large may as well be angstrom or wavenumbers
_HEADING = re.compile(r"wave|wellen|long|lambda|cent(re|er)|^nm$|^um$|^µm$")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]*")
_THOUSANDS_BY_POINT = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]*")
_ABSENT = ("nan", "na", "n/a", "none", "null")
# A list as Python, NumPy, MATLAB, R or JSON write it, be it the value of something.
_LIST = re.compile(r"[\s\w.=:{(\"']*[\[({]([\d\s.,;eE+-]{3,})[\])}][\s\w.=,;})\"']*")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_UNIT = (
    r"(?:nm|nanomet(?:er|re)s?|[uµμ]m|micromet(?:er|re)s?|microns?|å|angstroms?|ångstr[oö]ms?|cm-1|cm\^-1|cm⁻¹|1/cm)"
)
_WITH_UNIT = re.compile(rf"(.*\d\.?)\s*({_UNIT})", re.IGNORECASE)
_IN_HEADING = re.compile(rf"(?<![a-z])({_UNIT}|wave_?numbers?)(?![a-z])", re.IGNORECASE)
_UNIT_NAMES = {"å": "angstrom", "ångström": "angstrom", "ångstrom": "angstrom", "cm⁻¹": "cm-1"}
_MOST_BYTES = 1 << 24


def read_wavelengths(path: Path) -> np.ndarray:
    """Read wavelengths float64 (bands,), nm, NaN where a band has none, from a file of text.

    Raises:
        SceneError: there is no such file, or nothing in it can be wavelengths.
    """
    text = _text(path)
    if text.lstrip()[:4].upper() == "ENVI" and re.search(r"^\s*bands\s*=", text, re.MULTILINE | re.IGNORECASE):
        return _of_header(path)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    listed = _LIST.fullmatch(" ".join(lines))
    if listed:
        lines = [word for word in re.split(r"[,;\s]+", listed[1]) if word]
    rows = [[cell.strip("\"' \t") for cell in row] for row in _cells([line.strip() for line in lines if line.strip()])]
    return _best_column(rows, path)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise SceneError(f"no wavelengths file at {path}: give a CSV, one per band, or a span as in 430:860") from None
    except OSError as error:
        raise SceneError(f"{path} cannot be read ({error.strerror}): give a CSV with one wavelength per band") from None
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SceneError(f"{path} is not text: give the wavelengths as CSV, one per band")


def _of_header(path: Path) -> np.ndarray:
    """The wavelengths of an ENVI header."""
    nm = wavelengths_in(read_header(path), path)
    if nm is None:
        raise SceneError(f"{path} is an ENVI header without wavelengths: give one that lists them")
    return nm


def _cells(lines: list[str]) -> list[list[str]]:
    """Split lines into cells, the numbers in which have a decimal point and no thousands' commas."""
    if any(re.search(r"[;\t]", line) for line in lines):
        rows = [re.split(r"\s*[;\t]\s*", line) for line in lines]
    elif _are_decimals(lines):
        rows = [[line] for line in lines]
    elif any("," in line for line in lines):
        columns = _count(lines) or _is_headed(lines)
        whole_lines = (_THOUSANDS, _THOUSANDS_BY_POINT)
        plain = [None if columns or not any(one.fullmatch(line) for one in whole_lines) else [line] for line in lines]
        split = [next(csv.reader(io.StringIO(line), skipinitialspace=True)) for line in lines]
        rows = [whole or cells for whole, cells in zip(plain, split, strict=True)]
    else:
        rows = [re.split(rf"\s+(?!{_UNIT}(?:\s|$))", line, flags=re.IGNORECASE) for line in lines]
    return [[_point(cell.strip()) for cell in row] for row in rows]


def _is_headed(lines: list[str]) -> bool:
    """Whether headings of several columns stand above lines of as many."""
    commas = [line.count(",") for line in lines]
    return not any(letter.isdigit() for letter in lines[0]) and 0 < commas[0] == commas[-1]


def _are_decimals(lines: list[str]) -> bool:
    """Whether every line is one number with a decimal comma, not a band's number and its wavelength."""
    numbers = [line for line in lines if any(letter.isdigit() for letter in line)]
    if len(numbers) < 2 or not all(_COMMA.fullmatch(line) for line in numbers):
        return False
    return not _count(numbers)


def _count(lines: list[str]) -> bool:
    """Whether what stands before the first comma counts the lines that hold numbers: ``1,450.0``, ``2,460.0``..."""
    starts = [line.partition(",")[0].strip() for line in lines if re.match(r"\s*\d", line)]
    if len(starts) < 2 or not all(start.isdecimal() and len(start) < 6 for start in starts):
        return False
    first = np.array([int(start) for start in starts])
    return bool(first[0] in (0, 1) and np.all(np.diff(first) == 1))


def _point(cell: str) -> str:
    """A cell with a decimal point in its number."""
    number, unit = (found[1], f" {found[2]}") if (found := _WITH_UNIT.fullmatch(cell)) else (cell, "")
    if _THOUSANDS.fullmatch(number.strip()):
        return number.strip().replace(",", "") + unit
    if _THOUSANDS_BY_POINT.fullmatch(number.strip()):
        return number.strip().replace(".", "").replace(",", ".") + unit
    return (number.replace(",", ".") if _COMMA.fullmatch(number.strip()) else number) + unit


def _best_column(rows: list[list[str]], path: Path) -> np.ndarray:
    """The column of wavelengths, found by its heading or else by its numbers."""
    numeric = [row for row in rows if any(_number(cell) is not None for cell in row)]
    if not numeric:
        raise SceneError(f"{path} holds no numbers: write one wavelength per band, in nm")
    width = max(map(len, numeric))
    headings = [""] * width
    if rows[0] is not numeric[0] and width in (1, len(rows[0])):
        headings = [" ".join(rows[0])] if width == 1 else rows[0]
    if len(numeric) == 1:
        numeric, headings, width = [[cell] for cell in numeric[0] if cell], [""], 1
    candidates = []
    for column, heading in enumerate(headings):
        cells = [row[column] if column < len(row) else "" for row in numeric]
        if width > 1 and any(_number(cell) for cell in cells):
            cells = [cell or "0" for cell in cells]
        values = np.array([np.nan if (value := _number(cell)) is None else value for cell in cells])
        named = _IN_HEADING.search(heading.replace("_", " "))
        units = {found[2] for cell in cells if (found := _WITH_UNIT.fullmatch(cell))}
        unit = units.pop() if units else named[1] if named else None
        nm = None
        if np.isfinite(values).all() and not units:
            nm = plausible_nm(values, _UNIT_NAMES.get((unit or "").lower(), unit))
        # A band at 0 is absent, as in PRISMA's lists; anything below is no wavelength.
        if nm is not None and (values >= 0).all():
            known = values > 0
            # Band widths can pass for micrometres, so what reads as nm goes before what does not.
            in_nm = values[known].min() >= _SHORTEST_NM
            heading = heading.lower()
            sure = bool(_HEADING.search(heading)), bool(known.all()), in_nm, _one_way(nm[known])
            candidates.append((*sure, -column, nm, bool(unit) or values[known].min() < _NO_NM_WITHOUT_UNIT))
    if not candidates:
        raise SceneError(f"no column of {path} reads as wavelengths: write one per band, in nm or micrometres")
    best: np.ndarray
    *quality, best, sure_of_unit = max(candidates, key=lambda candidate: candidate[:5])
    rivals = [nm for *other, nm, _ in candidates if other[:4] == quality[:4] and not _are_same(nm, best)]
    if rivals and quality[3]:
        raise SceneError(f"several columns of {path} read as wavelengths: leave that of the bands' centres alone")
    if is_jumbled(best):
        raise SceneError(f"the wavelengths in {path} go up and down, or repeat, as those of no sensor do: mend them")
    if not sure_of_unit:
        low, high = np.nanmin(best), np.nanmax(best)
        raise SceneError(f"{path} holds {low:g} to {high:g}: write the unit (nm, um, angstrom, cm-1) above it")
    return best


def _number(cell: str) -> float | None:
    if cell.lower() in _ABSENT:
        return 0.0
    with_unit = _WITH_UNIT.fullmatch(cell)
    text = (with_unit[1] if with_unit else cell).strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def _are_same(nm: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(nm, other, rtol=1e-3, equal_nan=True))


def _one_way(nm: np.ndarray) -> bool:
    """Detectors may overlap and products may run downwards, but a list of wavelengths mostly goes one way."""
    steps = np.sign(np.diff(nm))
    return len(steps) == 0 or bool(abs(steps.sum()) >= 0.5 * len(steps))
