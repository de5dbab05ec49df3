"""PACE OCI L2 surface reflectance (``PACE_OCI.*.L2.SFREFL.*.nc``): netCDF-4 in sensor geometry, scaled as CF says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from special.scene.readers.hdf5_geometry import ground_by_arrays, hdf5_mask
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
from special.scene.source import QualityMask, Source

_CUBE = "geophysical_data/rhos"
_FLAGS = "geophysical_data/l2_flags"
# What --mask calls the flags, by the names that the file gives its bits, and whether it is used by default.
_MASKS = {
    "CLDICE": ("cloud", True),
    "STRAYLIGHT": ("cloud-edge", False),
    "HIGLINT": ("glint", False),
    "HILT": ("saturated", False),
    "LAND": ("land", False),
    "NAVFAIL": ("nodata", True),
}
_BITS = {"LAND": 1 << 1, "HIGLINT": 1 << 3, "HILT": 1 << 4, "STRAYLIGHT": 1 << 8, "CLDICE": 1 << 9, "NAVFAIL": 1 << 25}
_WAVELENGTHS = "sensor_band_parameters/wavelength_3d"


class PaceReader(Hdf5Product):
    """Reads the surface reflectance (rhos) of PACE OCI."""

    name = "pace"
    reads = "PACE OCI surface reflectance (.nc)"
    understands = "scaled; flags as masks; in sensor geometry, laid on the ground by latitude and longitude"

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
        ground, said = ground_by_arrays(file, path, cube.shape, "navigation_data/latitude", "navigation_data/longitude")
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
            masks=_masks(file, path, cube.shape),
            ground=ground,
            sensor="PACE OCI",
            level="L2",
            acquired=attribute_text(file, "time_coverage_start"),
            notes=(said,),
        )


PACE = PaceReader()


def _masks(file: Any, path: Path, shape: tuple[int, ...]) -> tuple[QualityMask, ...]:
    """The flags of every pixel: the file says which bit is which, or else they are the customary ones."""
    bits = dict(_BITS)
    flags = file.get(_FLAGS)
    if flags is not None and "flag_meanings" in flags.attrs and "flag_masks" in flags.attrs:
        meanings = (attribute_text(flags, "flag_meanings") or "").split()
        bits = dict(zip(meanings, np.ravel(flags.attrs["flag_masks"]).tolist(), strict=False))
    return tuple(
        mask
        for flag, (name, by_default) in _MASKS.items()
        if flag in bits
        for mask in hdf5_mask(file, path, shape, _FLAGS, name, by_default, bits=int(bits[flag]))
    )
