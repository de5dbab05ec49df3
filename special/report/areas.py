"""How large the pixels of a map are on the ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from special.scene import Georeference
from special.storage.rasters import blocks

_SEMI_MAJOR, _FLATTENING = 6_378_137.0, 1 / 298.257223563  # WGS 84, m


def class_areas(
    labels: NDArray[np.integer], classes: int, georeference: Georeference | None
) -> NDArray[np.float64] | None:
    """Return the area (m²) of each value of a map (rows, cols), float64 (1 + classes,); None where it has no place.

    In longitude and latitude a row's pixels are as large as its zone of the ellipsoid makes them; such a map must not
    be turned. In a projection all are as large as it says.
    """
    each = pixel_areas(georeference, labels.shape[0])
    if each is None:
        return None
    areas = np.zeros(classes + 1)
    for rows in blocks(labels.shape, 8):
        for row, area in zip(labels[rows], each[rows], strict=True):
            areas += area * np.bincount(row, minlength=classes + 1)
    return areas


def pixel_areas(georeference: Georeference | None, rows: int) -> NDArray[np.float64] | None:
    """Return the area (m²) of a pixel in each row, float64 (rows,); None where that is not known."""
    if georeference is None or not georeference.transform or not georeference.crs_wkt:
        return None
    from rasterio.crs import CRS

    crs = CRS.from_user_input(georeference.crs_wkt)
    a, b, _, d, e, f = georeference.transform
    if crs.is_projected:
        metres = float(crs.linear_units_factor[1])
        return np.full(rows, abs(a * e - b * d) * metres**2)
    if not crs.is_geographic or b or d:
        return None
    edges = np.radians(np.clip(f + e * np.arange(rows + 1), -90, 90))
    return np.abs(np.radians(a) * np.diff(_below(edges)))


def _below(latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area (m²), for each radian of longitude, between the equator and latitudes (n,), radians.

    Snyder 1987, Map Projections: A Working Manual, equation 3-12, times half the squared semi-major axis.
    """
    squared = _FLATTENING * (2 - _FLATTENING)
    e, sine = np.sqrt(squared), np.sin(latitude)
    q = (1 - squared) * (sine / (1 - squared * sine**2) + np.arctanh(e * sine) / e)
    return np.asarray(_SEMI_MAJOR**2 / 2 * q)
