"""Coordinate systems by what a file says of them: as WKT, or as a code. GDAL would take addresses and paths as well."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rasterio.crs import CRS

_CODE = re.compile(r"\s*(EPSG|ESRI|OGC|IGNF)\s*:\s*(\w+)\s*", re.IGNORECASE)
_WKT = re.compile(r"\s*[A-Za-z]\w*\s*[\[(]")
_PROJ = re.compile(r"\s*\+(?!init)\w+=[\w.+\- =]*")


def crs_of(text: str) -> CRS:
    """Return the coordinate system that WKT, a code as ``EPSG:32633`` or a plain PROJ text names.

    What a file says may come from anybody, and ``CRS.from_user_input`` fetches addresses and opens files.

    Raises:
        CRSError: there is no such system, or the text is none of these.
    """
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    if code := _CODE.fullmatch(text):
        return CRS.from_user_input(f"{code[1].upper()}:{code[2]}")
    if _WKT.match(text):
        return CRS.from_wkt(text)
    if _PROJ.fullmatch(text):
        return CRS.from_string(text)
    raise CRSError(f"{text[:40]!r} is no coordinate system in WKT and no code")


def checked_wkt(text: str | None) -> str | None:
    """Return a projection as GDAL writes it, from the WKT or the code of a file; None where it knows no such one."""
    import rasterio
    from rasterio.errors import CRSError

    with rasterio.Env():  # which keeps GDAL from writing to the screen
        try:
            return str(crs_of(text).to_wkt()) if text else None
        except CRSError:
            return None
