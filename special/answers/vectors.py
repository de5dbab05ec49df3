"""Answers as points and polygons: GeoPackage, GeoJSON, Shapefile, FlatGeobuf; ``pyogrio`` reads them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from special.answers.grid import Grid, Said
from special.answers.identity import COLUMN
from special.errors import AnswersError
from special.scene.coordinates import crs_of
from special.scene.source import Georeference

_SIGNATURES = (b"SQLite format 3\0", b"\0\0\x27\x0a", b"fgb")
_FIELDS = ("class", "class_name", "classname", "label", "landcover", "land_cover", "category", "name", "type")
"""What the field of the classes is called, the likeliest first."""
_LINKED_CRS = re.compile(rb'"type"\s*:\s*"(?:link|url)"', re.IGNORECASE)
_POINTS, _POLYGONS = (0, 4), (3, 6)  # kinds of geometry, as shapely numbers them


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file holds points or polygons, by its first bytes."""
    is_json = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    return head.startswith(_SIGNATURES) or (is_json and path.suffix.lower() in (".json", ".geojson"))


def read(path: Path, grid: Grid, key: str | None, key_option: str) -> Said:
    """Read points and polygons, bring them into the scene's coordinate system, and say which pixels they are.

    Args:
        path: the file. grid: of the scene.
        key: the field that holds the classes; the one that is called like that when None.
        key_option: how messages call it.

    Raises:
        AnswersError: it cannot be read, no field holds classes, or nobody can say where it lies.
    """
    import shapely

    crs, geometries, texts, scenes = _features(path, key, key_option)
    _refuse_other_crs(path, crs, grid.georeference)
    placeless = Counter[str]()
    empty = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    kinds = shapely.get_type_id(geometries)
    known = np.isin(kinds, (*_POINTS, *_POLYGONS)) & ~empty
    _count(placeless, "without a place", empty, texts)
    _count(placeless, "neither a point nor a polygon", ~known & ~empty, texts)
    scene_crs = grid.georeference.crs_wkt if grid.georeference else None
    geometries = shapely.transform(geometries, lambda points: grid.to_pixels(_transformed(points, crs, scene_crs)))
    point_of = np.flatnonzero(np.isin(kinds, _POINTS) & known)
    parts, owners = shapely.get_parts(geometries[point_of], return_index=True)
    at = np.floor(shapely.get_coordinates(parts)).clip(-1, 2**31 - 1).astype(np.int64)
    polygon_of = np.flatnonzero(np.isin(kinds, _POLYGONS) & known)
    rows, cols, of_polygons, lost = _burnt(geometries[polygon_of], [texts[i] for i in polygon_of], grid.shape)
    small = shapely.area(geometries) < 1.0
    none_left = np.isin(np.arange(len(texts)), polygon_of[lost])
    _count(placeless, "smaller than a pixel, and on no centre of one", none_left & small, texts)
    _count(placeless, "under others", none_left & ~small, texts)
    return Said(
        texts,
        np.concatenate([at[:, 1], rows]),
        np.concatenate([at[:, 0], cols]),
        np.concatenate([point_of[owners], polygon_of[of_polygons]]),
        placeless,
        scenes,
    )


def _features(path: Path, key: str | None, key_option: str) -> tuple[str | None, np.ndarray, list[str], frozenset[str]]:
    """Return the coordinate system, the geometries (n,), what is said of them (n,), and which scenes they are about.

    Raises:
        AnswersError: it cannot be read, or no field holds classes.
    """
    import pyogrio
    import shapely

    _refuse_links(path)
    try:
        layer = _layer(path, pyogrio.list_layers(path))
        meta, _, shapes, values = pyogrio.raw.read(path, layer=layer)
        geometries = shapely.from_wkb(shapes, on_invalid="ignore")
    except (RuntimeError, ValueError, OSError, shapely.errors.ShapelyError) as error:
        reason = str(error).split("\n")[0]
        raise AnswersError(f"{path} cannot be read as points or polygons ({reason}): write it again") from None
    fields = dict(zip(meta["fields"].tolist(), values, strict=True))
    name = _class_field(path, list(fields), key, key_option)
    scenes = frozenset(map(_text, fields.get(COLUMN, ())))
    return meta["crs"], np.asarray(geometries, dtype=object), [_text(value) for value in fields[name]], scenes


def _refuse_links(path: Path) -> None:
    """Make sure that a GeoJSON file does not have its coordinate system fetched from somewhere.

    Raises:
        AnswersError: it names an address for it, as drafts of the format allowed.
    """
    data = path.read_bytes()
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return
    try:
        crs = json.loads(data.decode("utf-8-sig")).get("crs")
        leads_away = isinstance(crs, dict) and crs.get("type") not in (None, "name", "EPSG", "OGC")
    except (ValueError, RecursionError):  # which GDAL may understand all the same
        leads_away = b"\\u" in data or _LINKED_CRS.search(data) is not None
    if leads_away:
        raise AnswersError(
            f"{path} names an address for its coordinate system, and none is asked: save it in longitude and latitude"
        )


def _layer(path: Path, layers: np.ndarray) -> str:
    """Return the one layer with geometry.

    Raises:
        AnswersError: there is none, or more than one.
    """
    names = [str(name) for name, kind in layers if kind is not None]
    if not names:
        raise AnswersError(f"{path} has no layer with points or polygons")
    if len(names) > 1:
        raise AnswersError(f"{path} has the layers {', '.join(names)}: save the one that is meant as a file of its own")
    return names[0]


def _class_field(path: Path, fields: Sequence[str], key: str | None, key_option: str) -> str:
    by_name = {name.casefold(): name for name in fields}
    found = next((by_name[name] for name in ([key.casefold()] if key else _FIELDS) if name in by_name), None)
    if found is None:
        have = ", ".join(fields) or "no field at all"
        raise AnswersError(f"{path} has no field {key or 'class'!r}, but {have}: name one with {key_option}")
    return found


def _text(value: Any) -> str:
    """Return a value of a field as text; a missing one is "", a whole number has no point."""
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _refuse_other_crs(path: Path, crs: str | None, georeference: Georeference | None) -> None:
    """Make sure that the coordinates of a file can be found in the scene.

    Raises:
        AnswersError: only one of the two says in which coordinate system it is.
    """
    theirs = georeference.crs_wkt if georeference else None
    if theirs and not crs:
        raise AnswersError(
            f"{path} does not say its coordinate system, and the scene has one: set it (in QGIS, Layer > Set CRS, then "
            "save the layer again)"
        )
    if crs and not theirs:
        raise AnswersError(
            f"{path} lies in {crs[:40]}, but the scene has no place on the map: give a table with the columns row and "
            "col, or a label image"
        )


def _transformed(points: np.ndarray, source: str | None, target: str | None) -> np.ndarray:
    """Return coordinates (n, 2) in another system."""
    from rasterio.warp import transform

    if not source or not target or not len(points):
        return points
    old, new = crs_of(source), crs_of(target)
    if old == new:
        return points
    return np.stack(transform(old, new, points[:, 0], points[:, 1])[:2], axis=1)


def _burnt(
    polygons: np.ndarray, texts: Sequence[str], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, cols (n,) of the pixels whose centres polygons cover, whose they are, and who has none in the scene.

    Where polygons that say different things overlap, their pixels are nobody's: who is right cannot be told. A polygon
    that crosses itself covers what its line goes around. Polygons outside the scene have one pixel outside.
    """
    import shapely
    from rasterio.features import rasterize

    nothing = np.empty(0, dtype=np.int64)
    if not len(polygons):
        return nothing, nothing, nothing, nothing
    whole = np.where(shapely.is_valid(polygons), polygons, shapely.make_valid(polygons))
    box = shapely.box(0, 0, shape[1], shape[0])
    inside = shapely.intersects(whole, box)
    image = np.zeros(shape, dtype=np.int32)
    spoken = np.zeros(shape, dtype=np.uint16)
    if inside.any():
        at = np.flatnonzero(inside).tolist()
        rasterize([(whole[i], i + 1) for i in at], out=image)
        for text in {texts[i] for i in at}:
            spoken += rasterize([(whole[i], 1) for i in at if texts[i] == text], out_shape=shape, dtype=np.uint16)
    image[spoken > 1] = 0
    rows, cols = np.nonzero(image)
    of = image[rows, cols].astype(np.int64) - 1
    outside = np.flatnonzero(~inside)
    lost = np.setdiff1d(np.flatnonzero(inside), of)
    beyond = np.full(len(outside), -1)
    return np.concatenate([rows, beyond]), np.concatenate([cols, beyond]), np.concatenate([of, outside]), lost


def _count(placeless: Counter[str], reason: str, which: np.ndarray, texts: Sequence[str]) -> None:
    """Count the answers ``which``, bool (n,), that say something and have no place."""
    count = sum(bool(text) for text, one in zip(texts, which.tolist(), strict=True) if one)
    if count:
        placeless[reason] += count
