"""What ``special ask`` leaves is taken back, filled in: its writer and its reader know the same words and places."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyogrio
import pytest
from some_questions import NAMES, SHAPE, UTM, questions

from special.answers.answers import NO_ANSWER, NONE_OF_THESE
from special.answers.reading import Grid, read_answers
from special.answers.sheet.geopackage import write_geopackage
from special.answers.sheet.placement import Placement
from special.answers.sheet.rows import COLUMNS, MIXED, UNKNOWN, Row
from special.answers.sheet.rows import NONE_OF_THESE as NONE_TEXT
from special.answers.sheet.table import write_table
from special.classnames.class_list import ClassList
from special.scene import Georeference

CLASSES = ClassList.parse(NAMES)
SAID = ["Grass", NONE_TEXT, UNKNOWN, MIXED]
CODES = [2, NONE_OF_THESE, NO_ANSWER, NO_ANSWER]

places = pytest.mark.parametrize("place", [None, UTM, Georeference(None, (2.0, 0.5, 10.0, 0.5, -2.0, 90.0))])


@places
def test_a_table_comes_back(place: Georeference | None, tmp_path: Path) -> None:
    asked = questions()
    path = write_table(tmp_path / "questions.csv", [Row.of(question, Placement.of(place)) for question in asked])
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [{**row, "class": answer} for row, answer in zip(csv.DictReader(stream), SAID, strict=True)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    found = read_answers(path, Grid(SHAPE, place), CLASSES)
    assert found.table[:, :3].tolist() == sorted(
        [question.row, question.col, code] for question, code in zip(asked, CODES, strict=True)
    )


@places
@pytest.mark.parametrize("areas", [False, True])
def test_a_layer_comes_back(areas: bool, place: Georeference | None, tmp_path: Path) -> None:
    asked = questions()
    path = write_geopackage(tmp_path / "questions.gpkg", asked, Placement.of(place), areas=areas)
    about, _, shapes, (numbers, _, *_) = pyogrio.raw.read(path)
    options = {"geometry_type": about["geometry_type"], "crs": about["crs"], "driver": "GPKG"}
    filled = tmp_path / "filled.gpkg"
    pyogrio.raw.write(filled, shapes, [numbers, np.array(SAID, object)], ["id", "class"], **options)
    found = read_answers(filled, Grid(SHAPE, place), CLASSES)
    wanted = {
        (int(row), int(col)): code
        for question, code in zip(asked, CODES, strict=True)
        for row, col in (question.area if areas else [(question.row, question.col)])
    }
    assert {(row, col): code for row, col, code, _ in found.table.tolist()} == wanted
