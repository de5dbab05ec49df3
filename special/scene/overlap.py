"""Where scenes lie beside each other: a grid on the ground that holds all of them, and which pixel each cell shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from special.scene.source import Georeference

if TYPE_CHECKING:
    from special.scene.scene import Scene

_MOST_CELLS = 200_000_000


@dataclass(frozen=True)
class CommonGrid:
    """A grid on the ground, north up. ``georeference``: where it lies; ``shape``: its (rows, cols)."""

    georeference: Georeference
    shape: tuple[int, int]

    def centres(self, rows: np.ndarray, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y, float64 (len(rows), len(cols)) both, of the centres of cells in ``rows`` and ``cols``."""
        assert self.georeference.transform is not None
        a, b, c, d, e, f = self.georeference.transform[:6]
        col, row = np.meshgrid(cols + 0.5, rows + 0.5)
        return a * col + b * row + c, d * col + e * row + f


class Footprint:
    """Where the pixels of a scene lie: by its georeference, or by the grid on the ground of one in sensor geometry."""

    def __init__(self, scene: Scene) -> None:
        """Take a scene that has one or the other."""
        place = scene.georeference or (scene.ground.georeference if scene.ground else None)
        assert place is not None and place.transform is not None
        self.place = place
        self.transform = Affine(*place.transform[:6])
        self.shape = scene.shape[:2] if scene.georeference else scene.ground.shape  # type: ignore[union-attr]
        self._ground = None if scene.georeference else scene.ground
        self._valid = scene.valid

    @cached_property
    def _pixels(self) -> np.ndarray | None:
        """int32 (rows, cols), the pixel of the scene in each cell of its own grid; None where they are the same."""
        return None if self._ground is None else self._ground.pixels()

    def corners(self, crs_wkt: str | None) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y (n,) of points around its edge, in another reference system."""
        rows, cols = self.shape
        across, down = np.linspace(0, cols, 21), np.linspace(0, rows, 21)
        edge = [(c, r) for c in across for r in (0, rows)] + [(c, r) for r in down for c in (0, cols)]
        col, row = np.array(edge).T
        a, b, c, d, e, f = self.transform[:6]
        return _transformed(a * col + b * row + c, d * col + e * row + f, self.place.crs_wkt, crs_wkt)

    def numbers(self, grid: CommonGrid, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Return int64 (len(rows), len(cols)): the number of the pixel that each cell shows, -1 where it has no data.

        Pixels are counted from 0, row by row. Each cell shows the pixel that its centre lies in.
        """
        x, y = grid.centres(rows, cols)
        x, y = _transformed(x, y, grid.georeference.crs_wkt, self.place.crs_wkt)
        back = ~self.transform
        with np.errstate(invalid="ignore"):
            col = np.floor(back.a * x + back.b * y + back.c)
            row = np.floor(back.d * x + back.e * y + back.f)
            inside = (row >= 0) & (row < self.shape[0]) & (col >= 0) & (col < self.shape[1])
        found = np.where(inside, row * self.shape[1] + col, 0).astype(np.int64)
        if self._pixels is not None:
            found = self._pixels.ravel()[found].astype(np.int64)
            inside &= found >= 0
        inside &= self._valid.ravel()[np.where(inside, found, 0)]
        return np.where(inside, found, -1)


def footprints(scenes: Sequence[Scene]) -> list[Footprint] | None:
    """Return where scenes lie; None where one of them does not say."""
    places = [scene.georeference or (scene.ground.georeference if scene.ground else None) for scene in scenes]
    if any(place is None or place.transform is None for place in places):
        return None
    if len({place.crs_wkt is None for place in places if place}) > 1:
        return None
    return [Footprint(scene) for scene in scenes]


def common_grid(found: Sequence[Footprint]) -> CommonGrid | None:
    """Return a grid in the first scene's reference system, on its raster, with cells of its size, that holds all.

    None where they lie so far apart that it would be of no use.
    """
    first = found[0]
    step = float(np.sqrt(abs(first.transform.determinant)))
    corners = [one.corners(first.place.crs_wkt) for one in found]
    x = np.concatenate([one[0] for one in corners])
    y = np.concatenate([one[1] for one in corners])
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    left, top = first.transform.c, first.transform.f  # cells meet the pixels of the first scene where it is north up
    west = left + step * np.floor((x.min() - left) / step + 1e-6)
    north = top + step * np.ceil((y.max() - top) / step - 1e-6)
    shape = (int(np.ceil((north - y.min()) / step - 1e-6)), int(np.ceil((x.max() - west) / step - 1e-6)))
    if shape[0] * shape[1] > _MOST_CELLS:
        return None
    place = Georeference(first.place.crs_wkt, (step, 0.0, float(west), 0.0, -step, float(north)))
    return CommonGrid(place, shape)


def _transformed(x: np.ndarray, y: np.ndarray, source: str | None, target: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Take coordinates (...) from one reference system to another."""
    if source == target or source is None or target is None:
        return x, y
    from rasterio.crs import CRS
    from rasterio.warp import transform

    one, other = CRS.from_wkt(source), CRS.from_wkt(target)
    if one == other:
        return x, y
    found: Any = transform(one, other, x.ravel().tolist(), y.ravel().tolist())
    return np.array(found[0]).reshape(x.shape), np.array(found[1]).reshape(y.shape)
