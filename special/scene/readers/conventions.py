"""The CF conventions, for any file of arrays that has attributes and named dimensions (netCDF-4, HDF5, Zarr).

Source: CF Metadata Conventions 1.11: 4 (coordinate types), 5.6 (grid mappings), 8.1 (packed data).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from special.scene.coordinates import checked_wkt
from special.scene.source import Axes, Georeference

_AXES = {
    "x": re.compile(
        r"x|lon|longitude|easting|cols?|columns?|samples?|crosstrack|projection_x_coordinate", re.IGNORECASE
    ),
    "y": re.compile(r"y|lat|latitude|northing|rows?|lines?|downtrack|projection_y_coordinate", re.IGNORECASE),
    "band": re.compile(
        r"bands?|channels?|wave_?lengths?|wl|wvl|(sensor_band_central_)?radiation_wavelength", re.IGNORECASE
    ),
}
_LENGTHS = re.compile(r"nm|nanomet(er|re)s?|um|µm|micromet(er|re)s?|microns?", re.IGNORECASE)


class Described(Protocol):
    """What a file of arrays says beside its numbers."""

    def attributes(self, name: str) -> Mapping[str, Any]:
        """Return the attributes of an array or a group, none where there is no such."""

    def dimensions(self, name: str) -> tuple[str, ...]:
        """Return the names of an array's dimensions, which those of its coordinates are; () where they have none."""

    def coordinate(self, name: str) -> np.ndarray | None:
        """Return the coordinate of a dimension, (size,), or None."""


def axes_of(file: Described, name: str) -> Axes | None:
    """Return which axes of a cube are rows, columns and bands, where its dimensions tell."""
    kinds = [_kind(file, dimension) for dimension in file.dimensions(name)]
    if len(kinds) != 3:
        return None
    if kinds.count(None) == 1 and len({*kinds} - {None}) == 2:  # one is left, and so is one meaning
        kinds[kinds.index(None)] = next(kind for kind in _AXES if kind not in kinds)
    if sorted(map(str, kinds)) != sorted(_AXES):
        return None
    return kinds.index("y"), kinds.index("x"), kinds.index("band")


def scaling(attributes: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return gain and offset of packed data, each None where there is nothing to apply."""
    gain, offset = (number(attributes, name) for name in ("scale_factor", "add_offset"))
    return None if gain in (None, 1.0) else gain, None if offset in (None, 0.0) else offset


def is_reflectance(attributes: Mapping[str, Any]) -> bool:
    """Whether an array's standard name says that it is reflectance."""
    return "reflectance" in text(attributes, "standard_name").lower()


def place_of(file: Described, name: str, axes: Axes) -> Georeference | None:
    """Return where a cube lies: by its grid mapping, and by ``GeoTransform`` or the coordinates of rows and columns."""
    mapping = file.attributes(_beside(name, text(file.attributes(name), "grid_mapping")))
    wkt = checked_wkt(text(mapping, "crs_wkt") or text(mapping, "spatial_ref"))
    transform = _six(text(mapping, "GeoTransform")) or _spaced(file, name, axes)
    if wkt is None and transform is not None and _is_degrees(file, name, axes):
        wkt = checked_wkt("EPSG:4326")
    return Georeference(wkt, transform) if wkt or transform else None


def number(attributes: Mapping[str, Any], name: str) -> float | None:
    """Return an attribute that is a number, or None."""
    values = np.ravel(np.asarray(attributes[name])) if name in attributes else np.empty(0)
    return float(values[0]) if len(values) and values.dtype.kind in "iuf" else None


def text(attributes: Mapping[str, Any], name: str) -> str:
    """Return an attribute as text, "" where it is missing."""
    values = np.ravel(np.asarray(attributes.get(name, ""), dtype=object))
    first = values[0] if len(values) else ""
    return first.decode("utf-8", errors="replace") if isinstance(first, bytes) else str(first)


def _kind(file: Described, dimension: str) -> str | None:
    """Whether a dimension is "x", "y" or "band": by its attributes, else by its name."""
    own = file.attributes(dimension)
    axis = text(own, "axis").lower()
    if axis in ("x", "y"):
        return axis
    if _LENGTHS.fullmatch(text(own, "units")):
        return "band"
    for word in (text(own, "standard_name"), dimension.rpartition("/")[2]):
        for kind, known in _AXES.items():
            if known.fullmatch(word):
                return kind
    return None


def _beside(name: str, other: str) -> str:
    """The path of an array that another one names, which lies beside it or at the root."""
    folder = name.rpartition("/")[0]
    return f"{folder}/{other}".strip("/") if folder and other else other


def _six(words: str) -> tuple[float, ...] | None:
    """GDAL's six numbers as affine (a, b, c, d, e, f)."""
    try:
        c, a, b, f, d, e = (float(word) for word in words.replace(",", " ").split())
    except ValueError:
        return None
    return a, b, c, d, e, f


def _spaced(file: Described, name: str, axes: Axes) -> tuple[float, ...] | None:
    """Affine (a, b, c, d, e, f) by the coordinates of the centres of pixels, where those are evenly spaced."""
    dimensions = file.dimensions(name)
    if len(dimensions) != 3:
        return None
    ends: list[float] = []
    for axis in (axes[1], axes[0]):
        centres = file.coordinate(dimensions[axis])
        if centres is None or len(centres) < 2 or centres.dtype.kind not in "iuf":
            return None
        step = (float(centres[-1]) - float(centres[0])) / (len(centres) - 1)
        if step == 0 or not np.allclose(np.diff(centres.astype(np.float64)), step, rtol=1e-3):
            return None
        ends += [step, float(centres[0]) - step / 2]
    width, left, height, top = ends
    return width, 0.0, left, 0.0, height, top


def _is_degrees(file: Described, name: str, axes: Axes) -> bool:
    units = [text(file.attributes(file.dimensions(name)[axis]), "units").lower() for axis in axes[:2]]
    return units[0].startswith("degrees_n") and units[1].startswith("degrees_e")
