"""PACE OCI L2 surface reflectance (``PACE_OCI.*.L2.SFREFL.*.nc``): netCDF-4 in sensor geometry, scaled as CF says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from special.scene.readers.hdf5_product import (
    BANDS_LAST,
    Hdf5Product,
    attribute_number,
    attribute_text,
    centres_and_widths,
    cf_scaling,
    is_cube,
    per_band,
    stored_cube,
)
from special.scene.source import Source

_CUBE = "geophysical_data/rhos"
_WAVELENGTHS = "sensor_band_parameters/wavelength_3d"


class PaceReader(Hdf5Product):
    """Reads the surface reflectance (rhos) of PACE OCI."""

    name = "pace"
    reads = "PACE OCI surface reflectance (.nc)"

    def cubes(self, file: Any) -> tuple[str, ...]:
        """The cube lies among the geophysical data."""
        return (_CUBE,) if is_cube(file.get(_CUBE)) and "sensor_band_parameters" in file else ()

    def describe(self, file: Any, path: Path, cubes: tuple[str, ...]) -> Source:
        """Describe the cube (line, pixel, wavelength_3d)."""
        (name,) = cubes
        cube = stored_cube(file, path, name, BANDS_LAST)
        centres = per_band(file, _WAVELENGTHS, cube.shape[2], path)
        units = None if centres is None else attribute_text(file[_WAVELENGTHS], "units")
        nm, _ = centres_and_widths(centres, None, units)
        gains, offsets = cf_scaling(file[name], cube.shape[2])
        return Source(
            path=path,
            format="PACE OCI L2",
            shape=cube.shape,
            dtype=cube.dtype,
            read_block=cube.read_block,
            files=(path,),
            wavelengths=nm,
            nodata=attribute_number(file[name], "_FillValue"),
            gains=gains,
            offsets=offsets,
            is_reflectance=True,
            row_step=cube.row_step,
            notes=("in sensor geometry (lines x pixels), so without a place on the map",),
        )


PACE = PaceReader()
