"""Where pixels lie: in the scene's coordinate system, or where QGIS shows a picture that has none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from special.scene import Georeference
from special.scene.coordinates import crs_of

if TYPE_CHECKING:
    from affine import Affine
    from shapely import MultiPolygon

_METRES_PER_DEGREE = 111_195.0  # of a great circle, on a sphere of the earth's mean radius


@dataclass(frozen=True)
class Placement:
    """Takes pixels to coordinates.

    Attributes:
        transform: of (column, row), pixel corners, to (x, y).
        crs_wkt: the coordinate system, or None.
        unit: what pixels are measured in: ``m``, ``pixel``, or ``unit`` where a coordinate's length is not known.
        scale: units in one step of a coordinate. geographic: whether that is a degree.
    """

    transform: Affine
    crs_wkt: str | None
    unit: str
    scale: float = 1.0
    geographic: bool = False

    @classmethod
    def of(cls, georeference: Georeference | None) -> Placement:
        """Take a scene's own place. Without one x is the column and y minus the row, where QGIS shows its pictures."""
        from affine import Affine

        if georeference is None or not georeference.transform:
            return cls(Affine(1, 0, 0, 0, -1, 0), None, "pixel")
        transform = Affine(*georeference.transform)
        if not georeference.crs_wkt:
            return cls(transform, None, "unit")
        crs = crs_of(georeference.crs_wkt)
        if crs.is_geographic:
            return cls(transform, georeference.crs_wkt, "m", _METRES_PER_DEGREE, geographic=True)
        if crs.is_projected:
            return cls(transform, georeference.crs_wkt, "m", float(crs.linear_units_factor[1]))
        return cls(transform, georeference.crs_wkt, "unit")

    def coordinates(self, corners: np.ndarray) -> np.ndarray:
        """Return the coordinates (n, 2), x and y, of pixel corners (n, 2), column and row."""
        a, b, c, d, e, f = self.transform[:6]
        return corners @ np.array([[a, d], [b, e]]) + (c, f)

    def pixels(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the pixels, int (n, 2) of row and column, that ``coordinates`` (n, 2), x and y, lie in."""
        a, b, c, d, e, f = self.transform[:6]
        corners = np.linalg.solve(np.array([[a, b], [d, e]]), (coordinates - (c, f)).T).T
        return np.floor(corners[:, ::-1] + 1e-9).astype(np.int64)

    def centre(self, row: int, col: int) -> tuple[float, float]:
        """Return the coordinates of the middle of a pixel."""
        x, y = self.coordinates(np.array([[col + 0.5, row + 0.5]]))[0].tolist()
        return x, y

    def outline(self, area: np.ndarray) -> MultiPolygon:
        """Return the outline of the pixels ``area``, int (n, 2), in coordinates."""
        import shapely

        return shapely.transform(outline(area), self.coordinates)

    def pixel_size(self, row: int, col: int) -> tuple[float, float]:
        """Return how wide and how high a pixel there is, in ``unit``."""
        a, b, _, d, e, _ = self.transform[:6]
        across = 1.0
        if self.geographic:  # a degree of longitude is shorter by the cosine of the latitude
            across = max(math.cos(math.radians(self.centre(row, col)[1])), 1e-6)
        return self.scale * math.hypot(a * across, d), self.scale * math.hypot(b * across, e)


def outline(area: np.ndarray) -> MultiPolygon:
    """Return the outline of the pixels ``area``, int (n, 2) of rows and columns; x is the column, y the row."""
    import shapely
    from affine import Affine
    from rasterio.features import shapes

    top, left = area.min(axis=0)
    high, wide = area.max(axis=0) - (top, left) + 1
    members = np.zeros((high, wide), np.uint8)
    members[area[:, 0] - top, area[:, 1] - left] = 1
    found = shapes(members, mask=members.astype(bool), connectivity=4, transform=Affine.translation(left, top))
    rings = (part["coordinates"] for part, _ in found)
    return shapely.MultiPolygon([shapely.Polygon(shell, holes) for shell, *holes in rings])
