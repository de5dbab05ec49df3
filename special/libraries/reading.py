"""Reads a spectral library of whichever format."""

from __future__ import annotations

from pathlib import Path

from special.errors import SettingsError, damage_of
from special.libraries import ecostress, envi_library, splib, table
from special.libraries.library import SpectralLibrary

# The first that recognises a file reads it: any text may pass for a table.
_FORMATS = (envi_library, splib, ecostress, table)


def read_library(path: str | Path) -> SpectralLibrary:
    """Read a spectral library: ENVI, USGS splib07 in ASCII, ECOSTRESS or ASTER, or a table.

    Raises:
        SettingsError: there is no such file, or no spectra are understood in it; the message says what to do.
    """
    path = Path(path)
    if not path.exists():
        raise SettingsError(f"no spectral library at {path}: name an ENVI library, a table, or a folder of spectra")
    for module in _FORMATS:
        if module.recognises(path):
            try:
                with damage_of(path, SettingsError):
                    library = module.read(path)
            except OSError as error:
                raise SettingsError(f"{path} cannot be read ({error.strerror}): check its permissions") from None
            if not library.spectra:
                raise SettingsError(f"{path} holds no spectrum that can be used between 300 and 3000 nm")
            return library
    raise SettingsError(
        f"{path} is no spectral library that can be read: give ENVI (.sli with .hdr), a folder of USGS splib07 or "
        "ECOSTRESS text files, an ECOSTRESS database, or a CSV"
    )
