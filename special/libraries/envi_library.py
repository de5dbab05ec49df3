"""ENVI spectral libraries (``.sli`` with ``.hdr``), read by SPy, and the metadata table that lies beside many."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SceneError, SettingsError
from special.libraries.library import SpectralLibrary, as_fraction, known, spectrum
from special.libraries.metadata import matched, metadata_beside
from special.scene.nanometres import plausible_widths
from special.scene.readers.envi_header import header_beside, number, numbers, read_header, wavelengths_in

_STORED = ("samples", "lines", "bands", "header offset", "file type", "data type", "interleave", "byte order")


def recognises(path: Path) -> bool:
    """Whether a file is a library's header, or has one beside it."""
    header = _header(path)
    if header is None:
        return False
    try:
        return "librar" in read_header(header).get("file type", "").lower()
    except SceneError:
        return False


def read(path: Path) -> SpectralLibrary:
    """Read the spectra, the bad bands of which are unknown, and what a table beside them says.

    Raises:
        SettingsError: it is damaged, or its wavelengths make no sense.
    """
    header = _header(path)
    assert header is not None
    data = _data(path, header)
    try:
        fields = read_header(header)
        nm, fwhm, bbl, scale = (
            wavelengths_in(fields, header),
            numbers(fields, "fwhm", header),
            numbers(fields, "bbl", header),
            number(fields, "reflectance scale factor", header),
        )
    except SceneError as error:
        raise SettingsError(str(error)) from None
    found = _stored(path, data, fields)
    values = np.asarray(found.spectra, dtype=np.float64)
    if nm is None or len(nm) != values.shape[1]:
        raise SettingsError(f"{header} lists no wavelengths for the {values.shape[1]} channels: mend its header")
    listed = numbers(fields, "wavelength", header)
    widths = None if fwhm is None or len(fwhm) != len(nm) else plausible_widths(fwhm, nm, listed)
    if bbl is not None and len(bbl) == len(nm):
        values[:, bbl <= 0] = np.nan
    note = ""
    if scale and scale > 1:
        values = values / scale
    else:
        values, note = as_fraction(values, header.name)
    names = [str(name).strip() for name in found.names]
    names += [str(number + 1) for number in range(len(names), len(values))]
    beside = metadata_beside(data)
    said = [{}] * len(names) if beside is None else matched(beside, names)
    spectra = known([spectrum(*one, widths) for one in zip(names, [nm] * len(names), values, said, strict=False)])
    notes = (note, "" if beside is None else f"described by {beside.path.name}")
    files = (header, data, *(() if beside is None else (beside.path,)))
    return SpectralLibrary(path, "ENVI spectral library", spectra, files, tuple(note for note in notes if note))


def _stored(path: Path, data: Path, fields: Mapping[str, str]) -> Any:
    """What SPy reads of the data, by a header that says it in the words of ENVI's own.

    Raises:
        SettingsError: it is damaged.
    """
    import spectral.io.envi
    from spectral.io.spyfile import SpyException

    lists = [f"spectra names = {{{fields['spectra names']}}}"] if "spectra names" in fields else []
    plain = ["ENVI", *(f"{name} = {fields[name]}" for name in _STORED if name in fields), *lists, ""]
    try:
        with tempfile.TemporaryDirectory(prefix="special-") as folder:
            (Path(folder) / "x.hdr").write_text("\n".join(plain), encoding="utf-8")
            return spectral.io.envi.open(str(Path(folder) / "x.hdr"), str(data.absolute()))
    except (SpyException, OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} cannot be read as an ENVI library ({' '.join(str(error).split())})") from None


def _header(path: Path) -> Path | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        if stream.read(16).lstrip()[:4].upper() == b"ENVI":
            return path
    return header_beside(path)


def _data(path: Path, header: Path) -> Path:
    """The data file of a library.

    Raises:
        SettingsError: it is missing.
    """
    if path != header:
        return path
    base = header.with_suffix("")
    for data in (base, *(base.with_name(base.name + end) for end in (".sli", ".SLI", ".esl", ".dat", ".lib", ".img"))):
        if data.is_file() and data != header:
            return data
    raise SettingsError(f"{header} has no data beside it: put {base.name}.sli into its folder")
