"""Sheets that come back: what somebody has answered to each question."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from special.answers.sheet.placement import Placement
from special.errors import AnswersError


@dataclass(frozen=True)
class Filled:
    """A question that came back: its number, its pixel, and the answer, empty where there is none."""

    id: int
    row: int
    col: int
    answer: str


def read_sheet(path: Path, placement: Placement) -> list[Filled]:
    """Read a table or a layer of points that was left to be answered: CSV, GeoPackage or what else GDAL knows.

    Args:
        path: the file. placement: where the scene's pixels lie, for layers.

    Raises:
        AnswersError: it is missing, or not such a file.
    """
    if not path.is_file():
        raise AnswersError(f"no answers at {path}: name the file that the page has saved, or the layer from QGIS")
    try:
        return _table(path) if path.suffix.casefold() == ".csv" else _layer(path, placement)
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, ArithmeticError, csv.Error) as error:
        raise AnswersError(
            f"{path} is not a sheet of questions of special ({' '.join(str(error).split())}): it needs the columns "
            "id, row, col and class, or points with the fields id and class"
        ) from None


def _table(path: Path) -> list[Filled]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252")  # as some spreadsheets save it, with semicolons in some countries
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    return [
        Filled(int(line["id"]), int(line["row"]), int(line["col"]), (line["class"] or "").strip())
        for line in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    ]


def _layer(path: Path, placement: Placement) -> list[Filled]:
    import pyogrio
    import shapely

    about, _, shapes, columns = pyogrio.raw.read(path, columns=["id", "class"])
    fields = dict(zip(about["fields"], columns, strict=True))
    points = shapely.from_wkb(shapes)
    if not (shapely.get_type_id(points) == shapely.GeometryType.POINT).all():
        raise ValueError("not every shape is a point")
    pixels = placement.pixels(shapely.get_coordinates(points))
    return [
        Filled(int(number), int(row), int(col), str(answer or "").strip())
        for number, answer, (row, col) in zip(fields["id"], fields["class"], pixels, strict=True)
    ]
