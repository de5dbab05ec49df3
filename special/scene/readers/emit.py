"""EMIT (NASA, on the space station): L2A reflectance and L1B radiance, netCDF-4 in sensor geometry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.coordinates import checked_wkt
from special.scene.readers.hdf5_geometry import ground_by_arrays, ground_by_table, hdf5_mask
from special.scene.readers.hdf5_guard import refuse_what_crashes
from special.scene.readers.hdf5_product import (
    BANDS_LAST,
    Hdf5Product,
    as_text,
    attribute_number,
    attribute_text,
    centres_and_widths,
    is_cube,
    per_band,
    stored_cube,
)
from special.scene.source import Georeference, Ground, QualityMask, Source

_LEVELS = {"reflectance": "L2A", "radiance": "L1B"}
_BANDS = "sensor_band_parameters"
_GOOD = f"{_BANDS}/good_wavelengths"
_FILL = -9999.0
_PLACE = "location"
# What --mask calls the layers of the mask file, and whether it is used by default.
_MASKS = {
    "cloud flag": ("cloud", True),
    "cirrus flag": ("cirrus", False),
    "water flag": ("water", False),
    "spacecraft flag": ("spacecraft", True),
    "dilated cloud flag": ("cloud-edge", False),
}


class EmitReader(Hdf5Product):
    """Reads ``EMIT_L2A_RFL_*.nc`` and ``EMIT_L1B_RAD_*.nc``."""

    name = "emit"
    reads = "EMIT L2A or L1B (.nc)"
    understands = (
        "`good_wavelengths`; in sensor geometry, laid on the ground by its lookup table; masks of the file beside it"
    )

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
        ground, said = _ground(file, path, cube.shape)
        masks, mask_file, warning = _masks(path, cube.shape)
        return Source(
            path=path,
            format=f"EMIT {_LEVELS[name]}",
            shape=cube.shape,
            dtype=cube.dtype,
            read_block=cube.read_block,
            files=(path, *mask_file),
            wavelengths=nm,
            fwhm=fwhm,
            good_bands=None if good is None else good == 1,
            good_bands_name="good_wavelengths",
            nodata=_FILL if nodata is None else nodata,
            is_reflectance=name == "reflectance",
            row_step=cube.row_step,
            masks=masks,
            ground=ground,
            sensor="EMIT",
            level=_LEVELS[name],
            acquired=attribute_text(file, "time_coverage_start"),
            notes=(said,),
            warnings=warning,
        )


EMIT = EmitReader()


def _ground(file: Any, path: Path, shape: tuple[int, ...]) -> tuple[Ground | None, str]:
    """The grid of the lookup table, on which alone the file's geotransform holds; else by latitude and longitude."""
    numbers = np.ravel(file.attrs.get("geotransform", ()))
    wkt = checked_wkt(attribute_text(file, "spatial_ref"))
    if wkt and len(numbers) == 6 and numbers.dtype.kind in "iuf":
        c, a, b, f, d, e = (float(number) for number in numbers)
        place = Georeference(wkt, (a, b, c, d, e, f))
        ground = ground_by_table(file, path, shape, f"{_PLACE}/glt_x", f"{_PLACE}/glt_y", place)
        if ground is not None:
            return ground, f"in sensor geometry; the map is laid on the ground as well, by {ground.how}"
    return ground_by_arrays(file, path, shape, f"{_PLACE}/lat", f"{_PLACE}/lon")


def _masks(path: Path, shape: tuple[int, ...]) -> tuple[tuple[QualityMask, ...], tuple[Path, ...], tuple[str, ...]]:
    """The masks of the file that is delivered beside an L2A scene, that file, and a warning where it does not fit."""
    import h5py

    beside = path.with_name(re.sub(r"_(RFL|RAD)_", "_MASK_", path.name).replace("_L1B_", "_L2A_"))
    if beside == path or not beside.is_file():
        return (), (), ()
    found: list[QualityMask] = []
    try:
        refuse_what_crashes(beside)
        with h5py.File(beside, "r") as file:
            names = np.ravel(file[f"{_BANDS}/mask_bands"][()])
            for layer, name in enumerate(as_text(name).strip().lower() for name in names):
                if name in _MASKS:
                    mask, by_default = _MASKS[name]
                    found += hdf5_mask(file, beside, shape, "mask", mask, by_default, layer=layer)
    except (OSError, RuntimeError, KeyError, SceneError):
        found = []
    if not found:
        return (), (), (f"the masks in {beside.name} do not fit the scene or are damaged, and were left out",)
    return tuple(found), (beside,), ()
