"""PRISMA (ASI): L2D and L2C reflectance and L1 radiance, HDF-EOS5, whose two detectors are two cubes.

The cubes are (row, band, col), their bands in descending order of wavelength; a band whose wavelength is 0 is absent.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.nanometres import plausible_nm
from special.scene.readers.hdf5_geometry import ground_by_arrays, hdf5_mask
from special.scene.readers.hdf5_product import (
    BANDS_BETWEEN,
    Hdf5Product,
    StoredCube,
    attribute_number,
    attribute_text,
    checked,
    georeference_of_epsg,
    is_cube,
    names_in,
    stored_cube,
)
from special.scene.readers.joined import JoinedBlockReader
from special.scene.source import Georeference, Ground, Source

_SWATHS = "HDFEOS/SWATHS"
# L2D and L2C are reflectance on the ground; L1's HCO is radiance whose detectors are co-registered (HRC is not).
_SWATH = re.compile(r"PRS_(L2D|L2C|L1)_HCO$")
_DETECTORS = ("VNIR", "SWIR")
_FULL = 65535.0


class PrismaReader(Hdf5Product):
    """Reads ``PRS_L2D_STD_*.he5``, ``PRS_L2C_STD_*.he5`` and ``PRS_L1_STD_*.he5``."""

    name = "prisma"
    reads = "PRISMA L2D, L2C or L1 (.he5)"
    understands = (
        "both detectors, joined by wavelength and scaled; L2D with its place, others laid on the ground by position"
    )

    def cubes(self, file: Any) -> tuple[str, ...]:
        """One cube a detector, in the swath of co-registered ones."""
        for level in names_in(file, _SWATHS):
            if _SWATH.match(level):
                names = (f"{_SWATHS}/{level}/Data Fields/{detector}_Cube" for detector in _DETECTORS)
                return tuple(name for name in names if is_cube(file.get(name)))
        return ()

    def describe(self, file: Any, path: Path, cubes: tuple[str, ...]) -> Source:
        """Describe both cubes as one, the bands of the VNIR first."""
        found = _SWATH.match(cubes[0].split("/")[2])
        level = found[1] if found else ""
        stored = [stored_cube(file, path, name, BANDS_BETWEEN) for name in cubes]
        detectors = [name.rpartition("/")[2].partition("_")[0] for name in cubes]
        if len({(*cube.shape[:2], cube.dtype) for cube in stored}) > 1:
            sizes = " and ".join(f"{cube.shape[0]} x {cube.shape[1]}" for cube in stored)
            raise SceneError(f"{path}: its cubes are {sizes} pixels: name one with --key")
        lists = [_list(file, f"List_Cw_{d.title()}", c, path) for d, c in zip(detectors, stored, strict=True)]
        widths = [_list(file, f"List_Fwhm_{d.title()}", c, path) for d, c in zip(detectors, stored, strict=True)]
        scales = [_scale(file, level, d, path) for d in detectors]
        counts = [cube.shape[2] for cube in stored]
        gains, offsets = (np.repeat([pair[i] for pair in scales], counts) for i in (0, 1))
        flags = [_list(file, f"List_Cw_{d.title()}_Flags", c, path) for d, c in zip(detectors, stored, strict=True)]
        shape, folder = stored[0].shape, cubes[0].rpartition("/")[0]
        place: Georeference | None = None
        ground: Ground | None = None
        place_notes: tuple[str, ...]
        if level == "L2D":
            place, place_notes = _place(file, shape)
        else:
            ground, said = ground_by_arrays(file, path, shape, *_positions(file, folder.rpartition("/")[0]))
            place_notes = (said,)
        parts = ", ".join(f"{count} of the {detector}" for count, detector in zip(counts, detectors, strict=True))
        return Source(
            path=path,
            format=f"PRISMA {level}",
            key=cubes[0] if len(cubes) == 1 else None,
            shape=(*stored[0].shape[:2], sum(counts)),
            dtype=stored[0].dtype,
            read_block=JoinedBlockReader(tuple((cube.read_block, cube.shape[2]) for cube in stored)),
            files=(path,),
            wavelengths=plausible_nm(np.concatenate(lists), "nm") if _all(lists) else None,
            fwhm=np.concatenate(widths) if _all(widths) else None,
            nodata=0.0,
            gains=gains,
            offsets=offsets,
            is_reflectance=level != "L1",
            good_bands=np.concatenate(flags) == 1 if _all(flags) else None,
            good_bands_name="List_Cw_Flags",
            georeference=place,
            masks=hdf5_mask(file, path, shape, f"{folder}/Cloud_Mask", "cloud", by_default=True),
            ground=ground,
            sensor="PRISMA",
            level=level,
            acquired=attribute_text(file, "Product_StartTime"),
            row_step=max(cube.row_step for cube in stored),
            notes=(f"its bands are, in this order, {parts}", *place_notes),
        )


PRISMA = PrismaReader()


def _positions(file: Any, swath: str) -> tuple[str, str]:
    """The names of latitude and longitude; L1 has them for each detector, and the SWIR is registered to the VNIR."""
    for end in ("", "_VNIR"):
        names = tuple(f"{swath}/Geolocation Fields/{what}{end}" for what in ("Latitude", "Longitude"))
        if names[0] in file:
            break
    return names[0], names[1]


def _all(lists: list[Any]) -> bool:
    return all(item is not None for item in lists)


def _list(file: Any, name: str, cube: StoredCube, path: Path) -> Any:
    """What an attribute of the file says of each band of a cube, (bands,), or None where there is no such attribute."""
    return checked(file.attrs[name], name, cube.shape[2], path) if name in file.attrs else None


def _scale(file: Any, level: str, detector: str, path: Path) -> tuple[float, float]:
    """Gain and offset that make reflectance of the numbers of a detector, or radiance in L1.

    Raises:
        SceneError: the file does not say.
    """
    if level == "L1":
        factor = attribute_number(file, f"ScaleFactor_{detector.title()}")
        offset = attribute_number(file, f"Offset_{detector.title()}")
        if not factor:
            raise SceneError(f"{path} has no attribute ScaleFactor_{detector.title()}: the product is damaged")
        return 1 / factor, -(offset or 0.0)
    low, high = (attribute_number(file, f"L2Scale{detector.title()}{end}") for end in ("Min", "Max"))
    if low is None or high is None or not high > low:
        raise SceneError(
            f"{path} has no attributes L2Scale{detector.title()}Min and Max, which make reflectance of its numbers: "
            "the product is damaged"
        )
    return (high - low) / _FULL, low


def _place(file: Any, shape: tuple[int, ...]) -> tuple[Georeference | None, tuple[str, ...]]:
    """UTM from the outer corners of the file, which are the *centres* of the outer pixels."""
    rows, cols = shape[:2]
    corners = [
        attribute_number(file, f"Product_{corner}corner_{axis}")
        for corner in ("UL", "LR")
        for axis in ("easting", "northing")
    ]
    epsg = attribute_number(file, "Epsg_Code")
    if epsg is None or None in corners or min(rows, cols) < 2:
        return None, ("the file lacks its corners or their projection, so there is no place on the map",)
    left, top, right, bottom = (float(value or 0) for value in corners)
    width, height = (right - left) / (cols - 1), (bottom - top) / (rows - 1)
    place = georeference_of_epsg(epsg, (width, 0.0, left - width / 2, 0.0, height, top - height / 2))
    if place is None or not width > 0 > height:
        return None, ("the corners or the projection in the file make no sense, so there is no place on the map",)
    return place, ("the corners in the file were taken as centres of pixels",)
