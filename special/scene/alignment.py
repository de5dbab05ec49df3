"""Label images laid on a scene by their places on the map: south up, shifted, cropped, of other pixels, in another CRS.

Every pixel of the scene takes the label of the pixel that its centre lies in; outside the label image it has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from special.errors import SceneError
from special.scene.coordinates import crs_of
from special.scene.source import Georeference, Source

_SAME_PIXELS = 1e-3
_SHIFTED_PIXELS = 0.02
_KNOTS = 129  # along and across: between them, coordinates in another system are interpolated
_BLOCK_ROWS = 256


@dataclass(frozen=True)
class Aligned:
    """A label image on a scene.

    Attributes:
        labels: (rows, cols) of the scene, as stored; whatever at pixels that are not ``inside``.
        inside: bool (rows, cols), whether the label image has the pixel.
        how: what had to be done, for people; "" where its pixels are the scene's.
    """

    labels: np.ndarray
    inside: np.ndarray
    how: str


def has_place(place: Georeference | None) -> bool:
    """Whether it is known where pixels lie."""
    return place is not None and place.transform is not None


def align(source: Source, shape: tuple[int, int], place: Georeference) -> Aligned:
    """Lay a label image, one band of a ``source`` that has a place, on a scene of ``shape`` (rows, cols) at ``place``.

    Raises:
        SceneError: no pixel of the scene lies in it, or its coordinates cannot be brought into the other system.
    """
    theirs = source.georeference
    assert theirs is not None and theirs.transform is not None and place.transform is not None
    other_crs = _differ(theirs.crs_wkt, place.crs_wkt)
    labels = np.zeros(shape, dtype=source.dtype)
    inside = np.zeros(shape, dtype=bool)
    find = _finder(theirs, place, shape, other_crs)
    offset = 0.0
    for start in range(0, shape[0], _BLOCK_ROWS):
        rows = slice(start, min(shape[0], start + _BLOCK_ROWS))
        row, col = find(rows)
        offset = max(offset, *(float(np.abs(part - np.floor(part) - 0.5).max()) for part in (row, col)))
        there_row, there_col = np.floor(row + 1e-9).astype(np.int64), np.floor(col + 1e-9).astype(np.int64)
        has = (there_row >= 0) & (there_row < source.shape[0]) & (there_col >= 0) & (there_col < source.shape[1])
        inside[rows] = has
        if has.any():
            low_row, low_col = int(there_row[has].min()), int(there_col[has].min())
            window = slice(low_row, int(there_row[has].max()) + 1), slice(low_col, int(there_col[has].max()) + 1)
            block = source.read_block(*window, np.arange(1))[:, :, 0]
            labels[rows][has] = block[there_row[has] - low_row, there_col[has] - low_col]
    if not inside.any():
        raise SceneError(
            f"{source.path} lies elsewhere on the map than the scene, no pixel of which is in it: give the labels of "
            "this scene, or take its place away where that is wrong"
        )
    return Aligned(labels, inside, _told(source, theirs, place, inside, offset, other_crs))


def _finder(theirs: Georeference, place: Georeference, shape: tuple[int, int], other_crs: bool) -> Any:
    """What tells of rows (a slice) of the scene where they lie in the label image: rows and cols, with fractions."""
    from affine import Affine

    back = ~Affine(*(theirs.transform or ()))
    there = Affine(*(place.transform or ()))

    def directly(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        col, row = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(rows.start, rows.stop) + 0.5)
        both = back * there
        return both.d * col + both.e * row + both.f, both.a * col + both.b * row + both.c

    if not other_crs:
        return directly
    from rasterio.warp import transform
    from scipy.interpolate import RegularGridInterpolator

    knots = [np.linspace(0.5, size - 0.5, min(_KNOTS, size)) if size > 1 else np.array([0.5, 1.5]) for size in shape]
    row, col = np.meshgrid(*knots, indexing="ij")
    x, y = (there.a * col + there.b * row + there.c).ravel(), (there.d * col + there.e * row + there.f).ravel()
    systems = crs_of(place.crs_wkt or ""), crs_of(theirs.crs_wkt or "")
    new_x, new_y = map(np.array, transform(*systems, x, y)[:2])
    if not (np.isfinite(new_x).all() and np.isfinite(new_y).all()):
        raise SceneError("the place of the labels cannot be brought into the scene's coordinate system: reproject them")
    found = [back.d * new_x + back.e * new_y + back.f, back.a * new_x + back.b * new_y + back.c]
    between = [RegularGridInterpolator(knots, part.reshape(row.shape)) for part in found]

    def interpolated(rows: slice) -> tuple[np.ndarray, np.ndarray]:
        at = np.stack(
            np.meshgrid(np.arange(rows.start, rows.stop) + 0.5, np.arange(shape[1]) + 0.5, indexing="ij"), axis=-1
        )
        return between[0](at), between[1](at)

    return interpolated


def _differ(theirs: str | None, ours: str | None) -> bool:
    """Whether coordinates mean other places; where one of the two does not say, they are taken for the same."""
    return theirs is not None and ours is not None and crs_of(theirs) != crs_of(ours)


def _told(
    source: Source, theirs: Georeference, place: Georeference, inside: np.ndarray, offset: float, other_crs: bool
) -> str:
    """What had to be done to lay the labels on the scene."""
    from affine import Affine

    back, there = Affine(*(theirs.transform or ())), Affine(*(place.transform or ()))
    both = ~back * there
    same = np.allclose(both[:6], (1, 0, 0, 0, 1, 0), atol=_SAME_PIXELS)
    if same and not other_crs and source.shape[:2] == inside.shape:
        return ""
    parts = []
    if other_crs:
        parts.append("it is in another coordinate system")
    elif abs(both.b) + abs(both.d) > _SAME_PIXELS or both.a < 0 or both.e < 0:
        parts.append("it is mirrored or turned against the scene")
    sizes = [np.sqrt(abs(one.determinant)) for one in (back, there)]
    if not other_crs and abs(sizes[0] / sizes[1] - 1) > _SAME_PIXELS:
        parts.append(
            f"its pixels are of {sizes[0]:g}, the scene's of {sizes[1]:g}, so each takes what is at its centre"
        )
    elif not other_crs and offset > _SHIFTED_PIXELS:
        parts.append(f"its pixels lie up to {offset:.2g} of one beside the scene's, so each takes the nearest")
    if not inside.all():
        parts.append(f"it has {int(inside.sum())} of the scene's {inside.size} pixels")
    return "; ".join(parts) or "it is larger than the scene"
