"""NEON AOP (``*_reflectance.h5``): reflectance of flight lines and mosaics, in UTM."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from special.scene.readers.hdf5_product import (
    BANDS_LAST,
    Hdf5Product,
    as_text,
    attribute_number,
    centres_and_widths,
    georeference_of_epsg,
    is_cube,
    names_in,
    per_band,
    stored_cube,
)
from special.scene.source import Georeference, Source

_CUBE = "Reflectance/Reflectance_Data"
_WINDOWS = ("Band_Window_1_Nanometers", "Band_Window_2_Nanometers")


class NeonReader(Hdf5Product):
    """Reads ``NEON_*_reflectance.h5``."""

    name = "neon"
    reads = "NEON AOP reflectance (.h5)"
    understands = "scale factor, water windows, place"

    def cubes(self, file: Any) -> tuple[str, ...]:
        """The cube lies in a folder that is named for the site."""
        found = [f"{site}/{_CUBE}" for site in names_in(file, "/") if is_cube(file.get(f"{site}/{_CUBE}"))]
        return tuple(found) if len(found) == 1 else ()

    def describe(self, file: Any, path: Path, cubes: tuple[str, ...]) -> Source:
        """Describe the cube (y, x, band) with what its attributes and metadata say."""
        (name,) = cubes
        cube = stored_cube(file, path, name, BANDS_LAST)
        folder = name.rpartition("/")[0]
        spectral = f"{folder}/Metadata/Spectral_Data"
        centres, widths = (per_band(file, f"{spectral}/{what}", cube.shape[2], path) for what in ("Wavelength", "FWHM"))
        nm, fwhm = centres_and_widths(centres, widths, None)
        scale = attribute_number(file[name], "Scale_Factor", "Scale Factor")
        place = _place(file, f"{folder}/Metadata/Coordinate_System")
        return Source(
            path=path,
            format="NEON AOP",
            shape=cube.shape,
            dtype=cube.dtype,
            read_block=cube.read_block,
            files=(path,),
            wavelengths=nm,
            fwhm=fwhm,
            good_bands=_outside_windows(file[folder], nm),
            good_bands_name="water window",
            nodata=attribute_number(file[name], "Data_Ignore_Value", "Data Ignore Value"),
            scale_factor=scale if scale and scale != 1 else None,
            is_reflectance=scale == 1,
            georeference=place,
            sensor="NEON AOP",
            level="reflectance",
            row_step=cube.row_step,
            notes=() if place else ("its map info could not be read: the map will carry no georeference",),
        )


NEON = NeonReader()


def _outside_windows(folder: Any, nm: np.ndarray | None) -> np.ndarray | None:
    """bool (bands,): False inside the ranges (nm) in which water vapour lets nothing through; None without ranges."""
    windows = [np.ravel(folder.attrs[name]) for name in _WINDOWS if name in folder.attrs]
    if nm is None or not windows:
        return None
    good = np.ones(len(nm), dtype=bool)
    for window in windows:
        if len(window) == 2 and window.dtype.kind in "iuf":
            good &= ~((nm >= window.min()) & (nm <= window.max()))
    return good


def _place(file: Any, folder: str) -> Georeference | None:
    """The place by ``Map_Info``, which is ENVI's ``map info``, and ``EPSG Code``; None where they cannot be read."""
    if f"{folder}/Map_Info" not in file or f"{folder}/EPSG Code" not in file:
        return None
    words = as_text(file[f"{folder}/Map_Info"][()]).split(",")
    try:
        # The reference point is counted from 1, at the outer corner of the first pixel.
        col, row, x, y, width, height = (float(word) for word in words[1:7])
        rotation = next((float(word.split("=")[1]) for word in words if "rotation" in word.lower()), 0.0)
        epsg = float(as_text(file[f"{folder}/EPSG Code"][()]))
    except (ValueError, IndexError):
        return None
    cos, sin = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    a, b, d, e = width * cos, width * sin, height * sin, -height * cos
    return georeference_of_epsg(
        epsg, (a, b, x - (col - 1) * a - (row - 1) * b, d, e, y - (col - 1) * d - (row - 1) * e)
    )
