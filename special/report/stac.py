"""A STAC item beside the map: where and when, and which number is which class, for catalogues and data cubes.

STAC 1.1 with the extensions classification 2.0 and projection 2.0.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from special.report.legend import Legend
from special.report.metrics import count_labels
from special.scene import Georeference
from special.storage.rasters import blocks

if TYPE_CHECKING:
    from pystac import Item

# An item has a date. Of a scene that does not say when it was taken, these are the two dates it lies between: the
# first imaging spectrometers of the field flew in 1983.
_NOT_BEFORE = datetime.datetime(1983, 1, 1, tzinfo=datetime.UTC)
_NOT_AFTER = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
_EDGE_POINTS = 21  # along each edge of a scene, where it is taken to longitude and latitude
_STRAIGHT = 1e-6  # degrees by which an edge may bend and still be one
_FILES = {
    "map.tif": ("map", "Land cover", ["data"]),
    "confidence.tif": ("confidence", "Probability of each pixel's class", ["data"]),
    "map_ground.tif": ("map_ground", "Land cover, laid on the ground", ["data"]),
    "confidence_ground.tif": ("confidence_ground", "Confidence, laid on the ground", ["data"]),
    "map.png": ("picture", "The map with its legend", ["overview"]),
    "map.qml": ("style", "Style for QGIS", ["metadata"]),
}


def write_item(
    path: Path,
    written: Sequence[Path],
    legend: Legend,
    labels: NDArray[Any],
    georeference: Georeference | None,
    shape: tuple[int, ...],
    acquired: str | None = None,
) -> Path:
    """Write the item of a map as JSON.

    Args:
        path: of the item; its assets lie beside it.
        written: the files of the map; those that an item names become its assets.
        legend: the classes.
        labels: the map, whole numbers (rows, cols), 0 = no data or rejected.
        georeference: of the map, or of the one that is laid on the ground.
        shape: (rows, cols) of that one.
        acquired: when the scene was taken, as its product says it; None where it does not.
    """
    import pystac
    from pystac.extensions.classification import ClassificationExtension
    from pystac.extensions.projection import ProjectionExtension

    geometry, bbox = _footprint(georeference, shape)
    moment = _moment(acquired)
    item = pystac.Item(
        id=_identifier(labels),
        geometry=geometry,
        bbox=bbox,
        datetime=moment,
        start_datetime=None if moment else _NOT_BEFORE,
        end_datetime=None if moment else _NOT_AFTER,
        properties={"title": "Land cover" if moment else "Land cover; the scene does not say when it was taken"},
    )
    ClassificationExtension.add_to(item)
    classes = _classes(legend, count_labels(labels, len(legend)))
    for file in written:
        if file.name in _FILES:
            key, title, roles = _FILES[file.name]
            asset = pystac.Asset(f"./{file.name}", title=title, roles=roles, media_type=_media_type(file))
            item.add_asset(key, asset)
            if key.startswith("map"):
                ClassificationExtension.ext(asset).apply(classes)
    if georeference is not None and georeference.crs_wkt and georeference.transform:
        projection = ProjectionExtension.ext(item, add_if_missing=True)
        code = _code(georeference.crs_wkt)
        projection.apply(
            code=code,
            wkt2=None if code else _wkt2(georeference.crs_wkt),
            shape=list(shape),
            transform=list(georeference.transform),
        )
    _save(path, item)
    return path


def _identifier(labels: NDArray[Any]) -> str:
    """A name that two different maps of a catalogue do not share, and the same map made twice does."""
    digest = hashlib.sha256(str((labels.shape, labels.dtype.str)).encode())
    for rows in blocks(labels.shape, labels.dtype.itemsize):
        digest.update(labels[rows].tobytes())
    return f"land-cover-{digest.hexdigest()[:16]}"


def _classes(legend: Legend, counts: NDArray[np.int64]) -> list[Any]:
    """The classes as the extension has them: a name for programs, a title for people."""
    from pystac.extensions.classification import Classification

    total = max(1, int(counts.sum()))
    found = [Classification.create(0, "no data or rejected", "unmapped", "No data or rejected", nodata=True)]
    for value, (name, concept, rgb) in enumerate(
        zip(legend.names, legend.concepts, legend.colours, strict=True), start=1
    ):
        one = Classification.create(
            value,
            name if concept in ("", name) else f"{name}: {concept}",
            f"{value}-{re.sub(r'[^0-9A-Za-z]+', '-', name).strip('-') or 'class'}",
            name,
            bytes(rgb).hex().upper(),
            percentage=round(100 * int(counts[value]) / total, 4),
        )
        one.count = int(counts[value])
        found.append(one)
    return found


def _footprint(
    georeference: Georeference | None, shape: tuple[int, ...]
) -> tuple[dict[str, Any] | None, list[float] | None]:
    """The outline of the scene in longitude and latitude, and its bounding box; none where it has no place."""
    if georeference is None or not georeference.crs_wkt or not georeference.transform:
        return None, None
    import shapely
    from rasterio._err import CPLE_BaseError
    from rasterio.crs import CRS
    from rasterio.errors import RasterioError
    from rasterio.warp import transform

    part = np.linspace(0, 1, _EDGE_POINTS)[:-1]
    none = np.zeros_like(part)
    # Counter-clockwise on a map with north up: down the left side, along the lower one, up, and back.
    cols = np.concatenate([none, part, none + 1, 1 - part]) * shape[1]
    rows = np.concatenate([part, none + 1, 1 - part, none]) * shape[0]
    a, b, c, d, e, f = georeference.transform
    xs, ys = a * cols + b * rows + c, d * cols + e * rows + f
    try:
        lon, lat = map(np.array, transform(CRS.from_user_input(georeference.crs_wkt), CRS.from_epsg(4326), xs, ys))
    except (RasterioError, CPLE_BaseError):  # a local grid, of which nobody knows where on the earth it lies
        return None, None
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return None, None
    lon, lat = np.round(lon, 7), np.round(lat, 7)
    if np.ptp(lon) <= 180:
        outline = shapely.Polygon(np.stack([lon, lat], axis=1)).simplify(_STRAIGHT)
        ring = [list(pair) for pair in outline.exterior.coords]
        return {"type": "Polygon", "coordinates": [ring]}, list(outline.bounds)
    # Over the date line a box on either side stands for the outline, as GeoJSON wants it (RFC 7946, section 3.1.9).
    west, east = float(lon[lon > 0].min()), float(lon[lon < 0].max())
    south, north = float(lat.min()), float(lat.max())
    boxes = [_box(west, south, 180.0, north), _box(-180.0, south, east, north)]
    return {"type": "MultiPolygon", "coordinates": boxes}, [west, south, east, north]


def _box(west: float, south: float, east: float, north: float) -> list[list[list[float]]]:
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def _moment(acquired: str | None) -> datetime.datetime | None:
    """The date of a product, which is ISO 8601 or begins with such a date; without a zone it is universal time."""
    for text in (acquired or "", (acquired or "")[:10]):
        try:
            found = datetime.datetime.fromisoformat(text.strip())
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
    return None


def _media_type(path: Path) -> str:
    import pystac

    kinds = {".tif": pystac.MediaType.COG, ".png": pystac.MediaType.PNG}
    return str(kinds.get(path.suffix, pystac.MediaType.XML))


def _code(wkt: str) -> str | None:
    """The name of a coordinate system in a register, such as "EPSG:32633"."""
    from rasterio.crs import CRS

    found = CRS.from_user_input(wkt).to_authority()
    return ":".join(found) if found else None


def _wkt2(wkt: str) -> str:
    from rasterio.crs import CRS
    from rasterio.enums import WktVersion

    return str(CRS.from_user_input(wkt).to_wkt(version=WktVersion.WKT2_2019))


def _save(path: Path, item: Item) -> None:
    document = item.to_dict(include_self_link=False)
    document["links"] = []
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
