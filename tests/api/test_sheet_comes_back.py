"""What ``special ask`` leaves is taken back, filled in: its writer and its reader know the same words and places."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyogrio
import pytest
from some_questions import NAMES, SHAPE, UTM, questions

from special.answers.answers import NO_ANSWER, NONE_OF_THESE
from special.answers.grid import Grid
from special.answers.identity import identity
from special.answers.reading import read_answers
from special.answers.sheet.geopackage import write_geopackage
from special.answers.sheet.placement import Placement
from special.answers.sheet.rows import COLUMNS, MIXED, UNKNOWN, Row
from special.answers.sheet.rows import NONE_OF_THESE as NONE_TEXT
from special.answers.sheet.table import write_table
from special.classnames.class_list import ClassList
from special.errors import AnswersError
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


def filled_table(path: Path, place: Georeference | None, scene: str) -> Path:
    """A table of questions about a scene, answered."""
    rows = [Row.of(question, Placement.of(place), identity(scene)).cells("Grass") for question in questions()]
    lines = [COLUMNS, *rows]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(lines)
    return path


def filled_layer(path: Path, place: Georeference | None, scene: str) -> Path:
    """A layer of questions about a scene, answered."""
    write_geopackage(path, questions(), Placement.of(place), identity(scene), areas=False)
    about, _, shapes, columns = pyogrio.raw.read(path)
    columns[1][:] = "Grass"
    options = {"geometry_type": about["geometry_type"], "crs": about["crs"], "driver": "GPKG"}
    filled = path.with_stem("filled")
    pyogrio.raw.write(filled, shapes, list(columns), about["fields"].tolist(), **options)
    return filled


OWN, OTHER = "0123456789ab" + "0" * 52, "ba9876543210" + "0" * 52


@pytest.mark.parametrize(("form", "name"), [(filled_table, "answers.csv"), (filled_layer, "questions.gpkg")])
def test_answers_of_another_scene_without_a_place_are_refused(form: Callable, name: str, tmp_path: Path) -> None:
    path = form(tmp_path / name, None, OTHER)
    with pytest.raises(AnswersError, match=r"another scene \(ba9876543210, this one is 0123456789ab\)"):
        read_answers(path, Grid(SHAPE, content=lambda: OWN), CLASSES)
    assert read_answers(path, Grid(SHAPE, content=lambda: OTHER), CLASSES).count == 4
    assert read_answers(path, Grid(SHAPE), CLASSES).count == 4


@pytest.mark.parametrize(("form", "name"), [(filled_table, "answers.csv"), (filled_layer, "questions.gpkg")])
def test_answers_of_another_scene_of_the_same_ground_are_taken_and_said(
    form: Callable, name: str, tmp_path: Path
) -> None:
    said: list[str] = []
    path = form(tmp_path / name, UTM, OTHER)
    assert read_answers(path, Grid(SHAPE, UTM, content=lambda: OWN), CLASSES, say=said.append).count == 4
    assert len(said) == 1 and "was made for another scene (ba9876543210, this one is 0123456789ab)" in said[0]


def test_a_column_scene_of_the_users_own_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("row,col,class,scene\n2,2,Grass,Indian Pines\n")

    def never() -> str:
        raise AssertionError("the scene is not read for its hash without need")

    assert read_answers(path, Grid(SHAPE, content=never), CLASSES).count == 1
