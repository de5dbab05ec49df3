"""The text header of an ENVI file, as ENVI writes it and as people and other programs do.

A field is ``name = value``; a value in braces may go on over lines. Names are told apart by their words alone, so that
``Data_Type`` is ``data type``. Lists of numbers may stand in any brackets, be parted by commas, semicolons or spaces,
and name their unit with every number.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.scene.nanometres import lengths_in, named_by_nm, plausible_nm

_CLOSES = {"{": "}", "[": "]", "(": ")"}
_SAME = {"wavelengths": "wavelength", "wavelength unit": "wavelength units", "bad bands list": "bbl"}
# Fields of which two that differ contradict each other; what else is written twice is of no consequence.
_ONCE = {"samples", "lines", "bands", "header offset", "data type", "interleave", "byte order", "wavelength", "bbl"}
_ONCE |= {"wavelength units", "reflectance scale factor", "data ignore value", "map info", "coordinate system string"}
_LISTS = ("wavelength", "fwhm", "bbl", "names", "values", "info", "classes", "lookup", "bands", "factors", "string")
_NO_NUMBER = {"", "none", "null", "n/a", "{}"}
_FLAGS = {"true": 1.0, "false": 0.0}
_UNIT = re.compile(r"(?<=[0-9.])\s*(?:nm|nanomet(?:er|re)s?|[uµμ]m|micromet(?:er|re)s?|microns?)\b\.?", re.IGNORECASE)
_SIZES = (b"samples", b"lines", b"bands")


def is_header(start: bytes) -> bool:
    """Whether a file that starts like this is an ENVI header."""
    return _decoded(start).lstrip()[:4].upper() == "ENVI"


def lacks_first_line(start: bytes) -> bool:
    """Whether a file that starts like this is an ENVI header but for the word that it should begin with."""
    low = start.lower()
    sizes = all(re.search(rb"^\s*" + name + rb"\s*=", low, re.MULTILINE) for name in _SIZES)
    return sizes and b"\0" not in low and not is_header(start)


def header_beside(data: Path) -> Path | None:
    """Return the ENVI header of a data file, ``scene.img.hdr`` or ``scene.hdr``, if there is one."""
    for candidate in (data.with_name(data.name + ".hdr"), data.with_suffix(".hdr")):
        for path in (candidate, candidate.with_suffix(".HDR")):
            if path != data and path.is_file():
                with path.open("rb") as stream:
                    if is_header(stream.read(16)):
                        return path
    return None


def read_header(path: Path) -> dict[str, str]:
    """The fields of an ENVI header: names in lower case, words parted by one space; lists without their brackets.

    Raises:
        SceneError: not an ENVI header, a list is not closed, or a field is there twice and differs.
    """
    fields: dict[str, str] = {}
    lines = iter(_decoded(path.read_bytes()).splitlines())
    if not next((line for line in lines if line.strip()), "").strip().upper().startswith("ENVI"):
        raise SceneError(f"{path} is not an ENVI header: its first line must be ENVI")
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or line.lstrip().startswith(";"):
            continue
        name = " ".join(name.lower().replace("_", " ").split())
        name = _SAME.get(name, name)
        value = value.strip()
        opens = value[:1]
        if opens == "{" or (opens in _CLOSES and name.endswith(_LISTS)):
            while _CLOSES[opens] not in value:
                more = next(lines, None)
                if more is None:
                    raise SceneError(f"{path}: the list {name!r} is not closed with a brace: the header is cut short")
                value += " " + more.strip()
            value = value.strip(f"{opens}{_CLOSES[opens]} \t")
        if name in _ONCE and fields.get(name, value) != value:
            raise SceneError(f"{path} has two lines {name!r} that differ: leave the right one")
        fields[name] = value
    return fields


def number(fields: Mapping[str, str], name: str, header: Path) -> float | None:
    """Return a field that is a number, or None where it is missing or says that there is none.

    Raises:
        SceneError: it is something else.
    """
    text = fields.get(name, "").strip()
    if text.lower() in _NO_NUMBER:
        return None
    try:
        return float(text)
    except ValueError:
        raise SceneError(f"{header}: {name} is {text!r}, which is no number: mend the header") from None


def numbers(fields: Mapping[str, str], name: str, header: Path) -> np.ndarray | None:
    """Return a field that is a list of numbers, float64 (n,), or None where it is missing.

    Raises:
        SceneError: something in it is no number.
    """
    text = _UNIT.sub(" ", fields.get(name, ""))
    if ";" in text:  # what else is a comma good for than decimals
        text = text.replace(",", ".")
    words = [word for word in re.split(r"[,;\s]+", text) if word]
    if not words:
        return None
    try:
        return np.array([_FLAGS[word.lower()] if word.lower() in _FLAGS else float(word) for word in words])
    except ValueError:
        raise SceneError(f"{header}: {name} holds something that is no number: mend the header") from None


def wavelengths_in(fields: Mapping[str, str], header: Path) -> np.ndarray | None:
    """Return the wavelengths, float64 (n,), nm, NaN where a band has none; of the list, else of the bands' names.

    Raises:
        SceneError: something in the list is no number.
    """
    listed = numbers(fields, "wavelength", header)
    if listed is not None:
        beside = _UNIT.search(fields.get("wavelength", ""))
        return plausible_nm(listed, fields.get("wavelength units") or (beside[0].strip(" .") if beside else None))
    names = [name.strip() for name in fields.get("band names", "").split(",")]
    found = lengths_in(names)
    return named_by_nm(names) if found is None else found


def _decoded(data: bytes) -> str:
    """The text of a header, which is ASCII but for descriptions; in UTF-16 where its mark says so."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8", errors="replace").removeprefix("\ufeff")
