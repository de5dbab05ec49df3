"""A mutator of points and polygons, in any format of GDAL."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from binaries import any_array, of_sqlite
from texts import Mutator, of_bytes, of_json
from values import number, word


def of_layer(suffix: str) -> Mutator:
    """Return who changes the shapes, fields and coordinate system of vectors; or damages the file.

    Args:
        suffix: of the format that GDAL writes.
    """
    of_file = of_sqlite if suffix == ".gpkg" else of_json if suffix == ".geojson" else of_bytes

    def mutate(rng: np.random.Generator, data: bytes) -> bytes:
        if rng.random() < 0.4:
            return of_file(rng, data)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path, other = (Path(folder) / f"{name}{suffix}" for name in "ab")
            path.write_bytes(data)
            try:
                about, _, shapes, values = pyogrio.raw.read(path)
                pyogrio.raw.write(other, *_changed_layer(rng, about, shapes, values))
            except (pyogrio.errors.DataSourceError, pyogrio.errors.CRSError, RuntimeError, ValueError, TypeError):
                return of_file(rng, data)
            return other.read_bytes()

    return mutate


def _changed_layer(rng: np.random.Generator, about: dict[str, Any], shapes: Any, values: Any) -> tuple[Any, ...]:
    """What ``pyogrio.raw.write`` takes after the path, with a few things changed."""
    fields = dict(zip(map(str, about["fields"]), values, strict=True))
    kind, crs, count = "Unknown", about["crs"], len(shapes)
    geometry = np.array(shapely.from_wkb(shapes), dtype=object)
    for _ in range(rng.integers(1, 4)):
        name = list(fields)[rng.integers(len(fields))]
        place = int(rng.integers(count)) if count else 0
        match rng.integers(8):
            case 0 if count:
                geometry[place] = _any_shape(rng)
            case 1 if count:
                geometry = shapely.transform(geometry, lambda xy: xy * float(number(rng)))
            case 2 if count:
                fields[name] = np.array([*fields[name][:place], word(rng), *fields[name][place + 1 :]], dtype=object)
            case 3:
                fields[name] = np.resize(any_array(rng), count)
            case 4:
                fields = {(word(rng) or "x" if key == name else key): value for key, value in fields.items()}
            case 5:
                crs = (None, "EPSG:4326", "EPSG:3857", "EPSG:32633", "OGC:CRS84", "EPSG:4978")[rng.integers(6)]
            case 6:
                count = int(rng.choice([0, 1, count]))
                geometry, fields = geometry[:count], {key: value[:count] for key, value in fields.items()}
            case 7:
                count = min(1_000, 50 * count)
                geometry = np.resize(geometry, count)
                fields = {key: np.resize(value, count) for key, value in fields.items()}
    return shapely.to_wkb(geometry), list(fields.values()), list(fields), None, None, None, None, kind, crs


def _any_shape(rng: np.random.Generator) -> Any:
    x, y = (float(number(rng)) for _ in range(2))
    shapes = (
        None,
        shapely.Point(),
        shapely.Point(x, y),
        shapely.Point(x, y, 3.0),
        shapely.LineString([(x, y), (y, x)]),
        shapely.MultiPoint([(x, y), (10.002, 49.998)]),
        shapely.Polygon([(10, 50), (10.01, 49.99), (10.01, 50), (10, 49.99)]),
        shapely.box(-180, -90, 180, 90),
        shapely.GeometryCollection([shapely.Point(10.002, 49.998), shapely.box(10, 49.9, 10.01, 50)]),
    )
    return shapes[rng.integers(len(shapes))]
