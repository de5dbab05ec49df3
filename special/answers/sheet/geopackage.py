"""``questions.gpkg``: points or areas for QGIS and every other program that reads GeoPackage."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from special.answers.questions import Question
from special.answers.sheet.placement import Placement
from special.answers.sheet.rows import Row


def write_geopackage(
    path: Path, questions: Sequence[Question], placement: Placement, scene: str = "", *, areas: bool
) -> Path:
    """Write the questions with the fields id, class (NULL: no answer yet), guess, confidence, runners_up and scene.

    Args:
        path: a file that is not there.
        questions: one or more.
        placement: where pixels lie.
        scene: the beginning of the hash of its files.
        areas: whether outlines are written, or else points.
    """
    import pyogrio
    import shapely

    rows = [Row.of(question, placement, scene) for question in questions]
    shapes = (
        [placement.outline(question.area) for question in questions]
        if areas
        else [shapely.Point(row.x, row.y) for row in rows]
    )
    fields = {
        "id": np.array([row.id for row in rows], np.int32),
        "class": np.full(len(rows), None, object),
        "guess": np.array([row.guess or None for row in rows], object),
        "confidence": np.array([row.confidence for row in rows], np.float64),
        "runners_up": np.array([row.runners_up or None for row in rows], object),
        "scene": np.array([row.scene or None for row in rows], object),
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)  # a scene need not be georeferenced
        pyogrio.raw.write(
            path,
            shapely.to_wkb(np.array(shapes, object)),
            list(fields.values()),
            list(fields),
            layer=path.stem,
            driver="GPKG",
            geometry_type="MultiPolygon" if areas else "Point",
            crs=placement.crs_wkt,
            dataset_options={"VERSION": "1.2"},  # of the format: programs of earlier years warn of a later one
        )
    return path


def is_blank(path: Path) -> bool:
    """Whether nobody has filled in the field ``class`` of a GeoPackage; False where that cannot be told."""
    import pyogrio

    try:
        _, _, _, columns = pyogrio.raw.read(path, columns=["class"], read_geometry=False)
    except (OSError, ValueError, LookupError, RuntimeError):
        return False
    return not any(str(answer).strip() for column in columns for answer in column if answer is not None)


def is_open_elsewhere(path: Path) -> bool:
    """Whether another program, such as QGIS, has a GeoPackage open, or has left changes beside it."""
    return path.with_name(f"{path.name}-wal").exists()
