"""USGS splib07 in ASCII: a folder of ``splib07*_*.txt``, a title and one value a channel, and the wavelengths beside.

Format: Kokaly et al. 2017, USGS Data Series 1035. A channel at -1.23e34 is deleted. A file of wavelengths is found by
its number of channels and by the spectrometer that both names hold.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from special.errors import SettingsError
from special.libraries.library import SpectralLibrary, Spectrum, known, spectrum
from special.scene.nanometres import plausible_nm

_TITLE = re.compile(r"^\s*splib07\w*\s+Record=\s*\d+\s*:\s*(.*)$", re.IGNORECASE)
_WAVELENGTHS, _WIDTHS = re.compile(r"wavelengths?", re.IGNORECASE), re.compile(r"bandpass|fwhm", re.IGNORECASE)
_CHAPTER = re.compile(r"Chapter[A-Z]_(\w+)")
_SPECTROMETERS = ("ASD", "BECK", "NIC4", "AVIRIS")
_LEFT_OUT = re.compile(r"errorbars?|_RREF$|RTGC|TRAN", re.IGNORECASE)
_DELETED = -1e30
_MOST_FILES = 20_000
_LOOKED_AT = 40


def recognises(path: Path) -> bool:
    """Whether a folder holds such files, or a file is one."""
    if path.is_file():
        return path.suffix.lower() == ".txt" and _TITLE.match(_first_line(path)) is not None
    texts = (item for number, item in enumerate(path.rglob("*.txt")) if number < _LOOKED_AT)
    return any(_TITLE.match(_first_line(item)) for item in texts)


def read(path: Path) -> SpectralLibrary:
    """Read every spectrum of a folder, or the one in a file.

    Raises:
        SettingsError: the wavelengths of the channels are missing.
    """
    folder = path if path.is_dir() else path.parent
    files = sorted(folder.rglob("*.txt"))[:_MOST_FILES]
    tables = {item: _values(item) for item in _with_parents(folder, files) if _WAVELENGTHS.search(item.stem)}
    widths = {item: _values(item) for item in files if _WIDTHS.search(item.stem)}
    wanted = [path] if path.is_file() else [item for item in files if _is_spectrum(item)]
    spectra: list[Spectrum | None] = []
    used: dict[Path, None] = {}
    for item in wanted:
        title, values = _TITLE.match(_first_line(item)), _values(item)
        if title is None:
            continue
        centres = _of_same_channels(tables, item, len(values))
        if centres is None:
            raise SettingsError(f"{item} has {len(values)} channels, whose file of wavelengths is not in {folder}")
        nm = plausible_nm(tables[centres], None)
        if nm is None:
            raise SettingsError(f"{centres} holds no wavelengths")
        bandpass = _of_same_channels(widths, item, len(values))
        fwhm = None if bandpass is None else widths[bandpass] * np.median(nm / tables[centres])
        used |= dict.fromkeys([item, centres, *([] if bandpass is None else [bandpass])])
        chapter = next((found[1] for part in item.parts if (found := _CHAPTER.match(part))), "")
        words = title[1].split()
        said = {"chapter": _spaced(chapter), "material": words[0].replace("_", " ") if words else "", "title": title[1]}
        spectra.append(spectrum(item.stem, nm, np.where(values < _DELETED, np.nan, values), said, fwhm))
    return SpectralLibrary(path, "USGS splib07", known(spectra), tuple(used))


def _is_spectrum(path: Path) -> bool:
    names = (path.stem, path.parent.name)
    return (
        not any(_LEFT_OUT.search(name) for name in names)
        and _TITLE.match(_first_line(path)) is not None
        and not (_WAVELENGTHS.search(path.stem) or _WIDTHS.search(path.stem))
    )


def _with_parents(folder: Path, files: list[Path]) -> list[Path]:
    """The files, and those of the folder above: a chapter alone has its wavelengths there."""
    return files if any(_WAVELENGTHS.search(item.stem) for item in files) else [*files, *folder.parent.glob("*.txt")]


def _of_same_channels(tables: dict[Path, np.ndarray], item: Path, channels: int) -> Path | None:
    """The table of as many channels, the one of the same spectrometer before others."""
    fitting = [path for path, values in tables.items() if len(values) == channels]
    own = [name for name in _SPECTROMETERS if name in item.stem.upper()]
    return next((path for path in fitting if any(name in path.stem.upper() for name in own)), (*fitting, None)[0])


def _first_line(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.readline(400).decode("latin-1").strip("\r\n")


def _values(path: Path) -> np.ndarray:
    """The numbers below the title, float64 (channels,)."""
    _, *lines = path.read_text(encoding="latin-1").splitlines()
    try:
        return np.array([float(line) for line in lines if line.strip()])
    except ValueError:
        return np.empty(0)


def _spaced(name: str) -> str:
    """``SoilsAndMixtures`` as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
