"""EMIT (NASA, on the space station): L2A reflectance and L1B radiance, netCDF-4 in sensor geometry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from special.scene.readers.hdf5_product import (
    BANDS_LAST,
    Hdf5Product,
    attribute_number,
    attribute_text,
    centres_and_widths,
    is_cube,
    per_band,
    stored_cube,
)
from special.scene.source import Source

_LEVELS = {"reflectance": "L2A", "radiance": "L1B"}
_BANDS = "sensor_band_parameters"
_GOOD = f"{_BANDS}/good_wavelengths"
_FILL = -9999.0


class EmitReader(Hdf5Product):
    """Reads ``EMIT_L2A_RFL_*.nc`` and ``EMIT_L1B_RAD_*.nc``."""

    name = "emit"
    reads = "EMIT L2A or L1B (.nc)"

    def cubes(self, file: Any) -> tuple[str, ...]:
        """The cube is at the root, and what is known of its bands in a group beside it."""
        if _BANDS not in file and attribute_text(file, "instrument") != "EMIT":
            return ()
        return tuple(name for name in _LEVELS if is_cube(file.get(name)))[:1]

    def describe(self, file: Any, path: Path, cubes: tuple[str, ...]) -> Source:
        """Describe the cube (downtrack, crosstrack, bands) as it is stored."""
        (name,) = cubes
        cube = stored_cube(file, path, name, BANDS_LAST)
        centres, widths = (per_band(file, f"{_BANDS}/{what}", cube.shape[2], path) for what in ("wavelengths", "fwhm"))
        units = None if centres is None else attribute_text(file[f"{_BANDS}/wavelengths"], "units")
        nm, fwhm = centres_and_widths(centres, widths, units)
        good = per_band(file, _GOOD, cube.shape[2], path)
        nodata = attribute_number(file[name], "_FillValue")
        grid = "; the file's geotransform is of the orthorectified grid" if "geotransform" in file.attrs else ""
        return Source(
            path=path,
            format=f"EMIT {_LEVELS[name]}",
            shape=cube.shape,
            dtype=cube.dtype,
            read_block=cube.read_block,
            files=(path,),
            wavelengths=nm,
            fwhm=fwhm,
            good_bands=None if good is None else good == 1,
            good_bands_name="good_wavelengths",
            nodata=_FILL if nodata is None else nodata,
            is_reflectance=name == "reflectance",
            row_step=cube.row_step,
            notes=(f"in sensor geometry (downtrack x crosstrack), so without a place on the map{grid}",),
        )


EMIT = EmitReader()
