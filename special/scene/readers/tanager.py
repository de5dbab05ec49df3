"""Tanager (Planet; ``*_ortho_*.h5``, ``*_basic_*.h5``): HDF-EOS5 with the bands first, described by the cube itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from special.scene.readers.hdf5_geometry import ground_by_arrays, hdf5_mask
from special.scene.readers.hdf5_product import (
    BANDS_FIRST,
    Hdf5Product,
    as_text,
    attribute_number,
    centres_and_widths,
    cf_scaling,
    checked,
    georeference_of_epsg,
    is_cube,
    stored_cube,
)
from special.scene.source import Georeference, Source

_FOLDERS = ("HDFEOS/GRIDS/HYP", "HDFEOS/SWATHS/HYP")
_QUANTITIES = {"surface_reflectance": "surface reflectance", "toa_radiance": "radiance"}
_STRUCTURE = "HDFEOS INFORMATION/StructMetadata.0"
_FILL = -9999.0
_MASKS = (
    ("nodata_pixels", "nodata", True),
    ("beta_cloud_mask", "cloud", True),
    ("beta_cirrus_mask", "cirrus", False),
)
_DATE = re.compile(r"(?:^|[^0-9])(20[0-9]{2})([01][0-9])([0-3][0-9])_([0-2][0-9])([0-5][0-9])([0-5][0-9])")


class TanagerReader(Hdf5Product):
    """Reads the ortho and basic products of Tanager."""

    name = "tanager"
    reads = "Tanager ortho or basic (.h5)"
    understands = "ortho on its grid, basic laid on the ground by latitude and longitude; `good_wavelengths`, masks"

    def cubes(self, file: Any) -> tuple[str, ...]:
        """The cube lies in the grid or swath HYP; reflectance goes before radiance."""
        names = (f"{folder}/Data Fields/{quantity}" for folder in _FOLDERS for quantity in _QUANTITIES)
        return tuple(name for name in names if is_cube(file.get(name)))[:1]

    def describe(self, file: Any, path: Path, cubes: tuple[str, ...]) -> Source:
        """Describe the cube (band, y, x) by its attributes."""
        (name,) = cubes
        cube = stored_cube(file, path, name, BANDS_FIRST)
        dataset, bands, quantity = file[name], cube.shape[2], name.rpartition("/")[2]
        centres, widths, good = (
            checked(dataset.attrs[what], what, bands, path) if what in dataset.attrs else None
            for what in ("wavelengths", "fwhm", "good_wavelengths")
        )
        nm, fwhm = centres_and_widths(centres, widths, None)
        gains, offsets = cf_scaling(dataset, bands)
        nodata = attribute_number(dataset, "_FillValue")
        grid = name.startswith(_FOLDERS[0])
        place = _place(file, cube.shape) if grid else None
        folder = name.partition("/Data Fields")[0]
        ground, said = None, "its map grid could not be read, so without a place on the map"
        if not grid:
            names = (f"{folder}/Geolocation Fields/{what}" for what in ("Latitude", "Longitude"))
            ground, said = ground_by_arrays(file, path, cube.shape, *names)
        date = _DATE.search(path.name)
        return Source(
            path=path,
            format=f"Tanager {_QUANTITIES[quantity]}",
            shape=cube.shape,
            dtype=cube.dtype,
            read_block=cube.read_block,
            files=(path,),
            wavelengths=nm,
            fwhm=fwhm,
            good_bands=None if good is None else good == 1,
            good_bands_name="good_wavelengths",
            nodata=_FILL if nodata is None else nodata,
            gains=gains,
            offsets=offsets,
            # Whole numbers without a scale are reflectance times something that the file does not tell.
            is_reflectance=quantity == "surface_reflectance" and (cube.dtype.kind == "f" or gains is not None),
            georeference=place,
            row_step=cube.row_step,
            masks=tuple(
                mask
                for layer, called, by_default in _MASKS
                for mask in hdf5_mask(file, path, cube.shape, f"{folder}/Data Fields/{layer}", called, by_default)
            ),
            ground=ground,
            sensor="Tanager",
            level="ortho" if grid else "basic",
            acquired="{}-{}-{}T{}:{}:{}".format(*date.groups()) if date else None,
            notes=() if place else (said,),
        )


TANAGER = TanagerReader()


def _place(file: Any, shape: tuple[int, ...]) -> Georeference | None:
    """The place by the outer corners in HDF-EOS's description of the grid and the projection of the group."""
    text = as_text(file[_STRUCTURE][()]) if _STRUCTURE in file else ""
    corners = [
        re.search(rf"{corner}\s*=\s*\(([-+0-9.eE]+)\s*,\s*([-+0-9.eE]+)\)", text)
        for corner in ("UpperLeftPointMtrs", "LowerRightMtrs")
    ]
    upper, lower = corners
    if upper is None or lower is None:
        return None
    try:
        left, top, right, bottom = (float(word) for found in (upper, lower) for word in found.groups())
    except ValueError:
        return None
    width, height = (right - left) / shape[1], (bottom - top) / shape[0]
    if not width > 0 > height:
        return None
    return georeference_of_epsg(
        attribute_number(file[_FOLDERS[0]], "epsg_code") or _zone(text), (width, 0.0, left, 0.0, height, top)
    )


def _zone(text: str) -> float | None:
    """The EPSG code of a UTM zone in HDF-EOS's description; southern zones are negative."""
    zone = re.search(r"ZoneCode\s*=\s*(-?[0-9]+)", text)
    if zone is None or "GCTP_UTM" not in text or not 1 <= abs(int(zone[1])) <= 60:
        return None
    return (32600 if int(zone[1]) > 0 else 32700) + abs(int(zone[1]))
