"""Where a scene in sensor geometry lies: by a product's lookup table, or by the latitude and longitude of its pixels.

A lookup table (GLT) says of every cell of a grid on the ground which pixel it shows. Where there is none, the grid is
laid out here, in latitude and longitude, and every cell shows the pixel whose centre is nearest to its own, as long as
it lies inside that pixel: nothing is interpolated, so a map on the ground holds the classes of the map of the sensor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from special.scene.source import Georeference, Ground

EARTH = 6371007.2
"""Radius of the sphere that has the Earth's area, m."""

_REACH = 0.55  # of the diagonal of a pixel: half of it, and a little for pixels that are no rectangles
_MOST_CELLS = 25  # a pixel of the sensor; more cells come of positions that are wrong
_MOST_LATITUDE = 88.0
_QUERY_CELLS = 1 << 18

Positions = Callable[[], tuple[np.ndarray, np.ndarray]]
"""Reads latitude and longitude, degrees, float64 (rows, cols) both; NaN or anything beyond the globe is unknown."""


@dataclass(frozen=True)
class TablePixels:
    """Reads a lookup table; ``read`` gives column and row of the sensor, (rows, cols) both, counted from 1."""

    read: Callable[[], tuple[np.ndarray, np.ndarray]]
    sensor: tuple[int, int]

    def __call__(self) -> np.ndarray:
        """Return int32 (rows, cols): the number of the sensor's pixel, -1 where the table names none."""
        cols, rows = self.read()
        there = (cols > 0) & (rows > 0) & (rows <= self.sensor[0]) & (cols <= self.sensor[1])
        return np.where(there, (rows.astype(np.int64) - 1) * self.sensor[1] + cols - 1, -1).astype(np.int32)


@dataclass(frozen=True)
class NearestPixels:
    """Finds the pixel nearest to the centre of each cell of a grid in degrees."""

    read: Positions
    shape: tuple[int, int]
    transform: tuple[float, ...]

    def __call__(self) -> np.ndarray:
        """Return int32 (rows, cols): the number of the sensor's pixel, -1 where none lies there."""
        from scipy.spatial import KDTree

        places = _on_sphere(*_known(*self.read()))
        known = np.isfinite(places[:, :, 0])
        along, across = _spacing(places)
        reach = _REACH * np.hypot(along, across)[known]
        tree, numbers = KDTree(places[known]), np.flatnonzero(known)
        rows, cols = self.shape
        width, _, west, _, height, north = self.transform
        lon = west + width * (np.arange(cols) + 0.5)
        found = np.full(self.shape, -1, dtype=np.int32)
        step = max(1, _QUERY_CELLS // cols)
        for start in range(0, rows, step):
            lat = north + height * (np.arange(start, min(rows, start + step)) + 0.5)
            cells = _on_sphere(*np.meshgrid(lat, lon, indexing="ij"))
            distance, nearest = tree.query(cells, distance_upper_bound=reach.max() * (1 + 1e-9))
            inside = nearest < len(numbers)
            inside[inside] = distance[inside] <= reach[nearest[inside]]
            found[start : start + len(lat)][inside] = numbers[nearest[inside]]
        return found


def by_positions(read: Positions) -> tuple[Ground | None, str]:
    """Lay a grid over pixels whose positions are known.

    Its cells are as wide as the pixels are apart, the median along or across the track, whichever is less; in
    longitude that holds at the middle latitude.

    Args:
        read: reads the positions; it is asked now, and again for the pixels.

    Returns:
        The grid and how it was made, or None and why there is none.
    """
    lat, lon = _known(*read())
    places = _on_sphere(lat, lon)
    if min(lat.shape) < 2 or np.isfinite(lat).sum() < 4:
        return None, "the latitudes and longitudes in the file are too few"
    spacing = min(float(np.nanmedian(part)) for part in _steps(places))
    north, south, west, east = np.nanmax(lat), np.nanmin(lat), np.nanmin(lon), np.nanmax(lon)
    if not spacing > 0 or max(abs(north), abs(south)) > _MOST_LATITUDE:
        return None, "the latitudes and longitudes in the file make no grid (they are all alike, or at a pole)"
    height = float(np.degrees(spacing / EARTH))
    width = float(height / np.cos(np.radians((north + south) / 2)))
    rows, cols = (
        int(np.ceil((b - a) / step - 1e-6)) + 1 for a, b, step in ((south, north, height), (west, east, width))
    )
    if rows * cols > _MOST_CELLS * lat.size:
        return None, "the latitudes and longitudes in the file are too scattered to make a grid"
    transform = (width, 0.0, float(west - width / 2), 0.0, -height, float(north + height / 2))
    how = f"nearest pixel by latitude and longitude, cells of {spacing:.3g} m"
    return Ground(
        Georeference(wgs84(), transform), (rows, cols), how, NearestPixels(read, (rows, cols), transform)
    ), how


@cache
def wgs84() -> str:
    """Return WGS 84 in latitude and longitude as WKT."""
    from rasterio.crs import CRS

    return str(CRS.from_epsg(4326).to_wkt())


def _known(lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positions with NaN where there are none, and longitudes that do not jump at the date line."""
    unknown = ~((np.abs(lat) <= 90) & (np.abs(lon) <= 360))
    lat, lon = (np.where(unknown, np.nan, part).astype(np.float64) for part in (lat, lon))
    if not unknown.all() and np.nanmax(lon) - np.nanmin(lon) > 180:
        lon = lon % 360
    return lat, lon


def _on_sphere(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Places (rows, cols, 3) on the sphere, m: distances between them know neither poles nor a date line."""
    phi, theta = np.radians(lat), np.radians(lon)
    return EARTH * np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=-1)


def _steps(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances (m) between neighbours along the rows and along the columns."""
    return np.linalg.norm(np.diff(places, axis=0), axis=2), np.linalg.norm(np.diff(places, axis=1), axis=2)


def _spacing(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every pixel (rows, cols) the larger distance (m) to its two neighbours along and across; 0 where unknown."""
    along, across = (np.nan_to_num(part) for part in _steps(places))
    return (
        np.maximum(np.pad(along, ((1, 0), (0, 0))), np.pad(along, ((0, 1), (0, 0)))),
        np.maximum(np.pad(across, ((0, 0), (1, 0))), np.pad(across, ((0, 0), (0, 1)))),
    )
