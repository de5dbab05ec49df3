"""AVIRIS-3 and AVIRIS-5 (``*_RFL_ORT.nc``, ``*_RDN_ORT.nc``): netCDF-4 with the bands first, on a map grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from special.scene.coordinates import checked_wkt
from special.scene.readers.hdf5_product import (
    BANDS_FIRST,
    Hdf5Product,
    attribute_number,
    attribute_text,
    centres_and_widths,
    is_cube,
    per_band,
    stored_cube,
)
from special.scene.source import Georeference, Source

_QUANTITIES = ("reflectance", "radiance")
_GRID_MAPPING = "transverse_mercator"
_FILL = -9999.0


class AvirisReader(Hdf5Product):
    """Reads the netCDF files of AVIRIS-3 and AVIRIS-5; the older instruments have ENVI files."""

    name = "aviris_nc"
    reads = "AVIRIS-3 or -5 (.nc)"
    understands = "reflectance or radiance, on its map grid"

    def cubes(self, file: Any) -> tuple[str, ...]:
        """The cube lies in a folder of its own name, beside its wavelengths."""
        for name in _QUANTITIES:
            if is_cube(file.get(f"{name}/{name}")) and f"{name}/wavelength" in file:
                return (f"{name}/{name}",)
        return ()

    def describe(self, file: Any, path: Path, cubes: tuple[str, ...]) -> Source:
        """Describe the cube (wavelength, northing, easting)."""
        (name,) = cubes
        cube = stored_cube(file, path, name, BANDS_FIRST)
        folder = name.rpartition("/")[0]
        centres, widths = (per_band(file, f"{folder}/{what}", cube.shape[2], path) for what in ("wavelength", "fwhm"))
        nm, fwhm = centres_and_widths(centres, widths, attribute_text(file[f"{folder}/wavelength"], "units"))
        nodata = attribute_number(file[name], "_FillValue")
        place = _place(file, name, cube.shape)
        return Source(
            path=path,
            format=f"AVIRIS {folder} (netCDF)",
            shape=cube.shape,
            dtype=cube.dtype,
            read_block=cube.read_block,
            files=(path,),
            wavelengths=nm,
            fwhm=fwhm,
            nodata=_FILL if nodata is None else nodata,
            is_reflectance=folder == "reflectance",
            georeference=place,
            sensor="AVIRIS",
            level=folder,
            acquired=attribute_text(file, "time_coverage_start"),
            row_step=cube.row_step,
            notes=() if place else ("the file has no map grid, so there is no place on the map",),
        )


AVIRIS_NC = AvirisReader()


def _place(file: Any, name: str, shape: tuple[int, ...]) -> Georeference | None:
    """The place by CF's grid mapping; its transform by ``GeoTransform`` or by the centres of rows and columns."""
    mapping = file.get(attribute_text(file[name], "grid_mapping") or _GRID_MAPPING, file.get(_GRID_MAPPING))
    if mapping is None:
        return None
    wkt = checked_wkt(attribute_text(mapping, "crs_wkt") or attribute_text(mapping, "spatial_ref"))
    transform = _transform(attribute_text(mapping, "GeoTransform")) or _spaced(file, shape)
    return Georeference(wkt, transform) if wkt or transform else None


def _transform(text: str | None) -> tuple[float, ...] | None:
    """GDAL's six numbers as affine (a, b, c, d, e, f)."""
    try:
        c, a, b, f, d, e = (float(word) for word in (text or "").split())
    except ValueError:
        return None
    return a, b, c, d, e, f


def _spaced(file: Any, shape: tuple[int, ...]) -> tuple[float, ...] | None:
    """Affine (a, b, c, d, e, f) by the coordinates of the centres of pixels, where those are evenly spaced."""
    ends = []
    for axis, size in (("easting", shape[1]), ("northing", shape[0])):
        centres = np.ravel(file[axis][()]) if axis in file else np.empty(0)
        if len(centres) != size or size < 2:
            return None
        step = (centres[-1] - centres[0]) / (size - 1)
        if step == 0 or not np.allclose(np.diff(centres), step, rtol=1e-3):
            return None
        ends += [float(step), float(centres[0] - step / 2)]
    width, left, height, top = ends
    return width, 0.0, left, 0.0, height, top
