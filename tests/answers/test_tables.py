"""The questions as CSV and as GeoPackage, read back by what others read them with."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from some_questions import UTM, questions

from special.answers.sheet import geopackage, table
from special.answers.sheet.geopackage import write_geopackage
from special.answers.sheet.placement import Placement
from special.answers.sheet.rows import COLUMNS, Row, other_answers
from special.answers.sheet.table import write_table

HOSTILE = ('Roof, "tiled"', "水", "<b>Grass</b>", "=1+1")


def rows(placement: Placement, names=HOSTILE) -> list[Row]:
    return [Row.of(question, placement) for question in questions(names)]


def read_geopackage(path: Path) -> tuple[dict, dict[str, np.ndarray], np.ndarray]:
    about, _, shapes, columns = pyogrio.raw.read(path)
    return about, dict(zip(about["fields"], columns, strict=True)), shapely.from_wkb(shapes)


def test_the_table_reads_back(tmp_path: Path) -> None:
    path = write_table(tmp_path / "questions.csv", rows(Placement.of(UTM)))
    with path.open(encoding="utf-8", newline="") as stream:
        read = list(csv.DictReader(stream))
    assert tuple(read[0]) == COLUMNS
    assert [row["guess"] for row in read] == list(HOSTILE)
    assert read[0] == {
        "id": "1",
        "row": "2",
        "col": "2",
        "x": "383873.849",
        "y": "5819285.725",
        "class": "",
        "guess": 'Roof, "tiled"',
        "confidence": "0.6250",
        "runners_up": "水 0.25",
        "scene": "",
    }


def test_a_scene_without_a_place_has_coordinates_in_pixels(tmp_path: Path) -> None:
    path = write_table(tmp_path / "questions.csv", rows(Placement.of(None)))
    with path.open(encoding="utf-8", newline="") as stream:
        assert [(row["x"], row["y"]) for row in csv.DictReader(stream)][:2] == [("2.5", "-2.5"), ("6.5", "-8.5")]


def test_points_lie_in_the_coordinate_system_of_the_scene(tmp_path: Path) -> None:
    path = write_geopackage(tmp_path / "questions.gpkg", questions(HOSTILE), Placement.of(UTM), areas=False)
    about, fields, shapes = read_geopackage(path)
    assert (about["crs"], about["geometry_type"]) == ("EPSG:32633", "Point")
    assert shapely.get_coordinates(shapes)[0] == pytest.approx((383873.849, 5819285.725))
    assert list(fields) == ["id", "class", "guess", "confidence", "runners_up", "scene"]
    assert list(fields["class"]) == [None] * 4
    assert list(fields["guess"]) == list(HOSTILE)
    assert fields["confidence"] == pytest.approx([0.625] * 4)


def test_areas_are_polygons_of_their_pixels(tmp_path: Path) -> None:
    path = write_geopackage(tmp_path / "questions.gpkg", questions(), Placement.of(UTM), areas=True)
    about, _, shapes = read_geopackage(path)
    assert about["geometry_type"] == "MultiPolygon"
    assert shapely.area(shapes) == pytest.approx([9 * 81] * 4)


def test_a_scene_without_a_place_makes_a_layer_without_a_system_and_without_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = write_geopackage(tmp_path / "questions.gpkg", questions(), Placement.of(None), areas=False)
    about, _, shapes = read_geopackage(path)
    assert about["crs"] is None
    assert shapely.get_coordinates(shapes).tolist()[1] == [6.5, -8.5]


def test_a_table_is_blank_until_it_is_filled_in(tmp_path: Path) -> None:
    path = write_table(tmp_path / "questions.csv", rows(Placement.of(None)))
    assert table.is_blank(path)
    path.write_text(path.read_text(encoding="utf-8").replace(",,", ",Water,", 1), encoding="utf-8")
    assert not table.is_blank(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_table_that_a_spreadsheet_has_saved_its_own_way_is_not_blank(encoding: str, tmp_path: Path) -> None:
    path = write_table(tmp_path / "questions.csv", rows(Placement.of(None)))
    path.write_text(path.read_text(encoding="utf-8").replace(",", ";"), encoding=encoding)
    assert not table.is_blank(path)


def test_a_geopackage_is_blank_until_it_is_filled_in(tmp_path: Path) -> None:
    path = write_geopackage(tmp_path / "questions.gpkg", questions(), Placement.of(UTM), areas=False)
    assert geopackage.is_blank(path)
    about, _, shapes, (numbers, answers, *_) = pyogrio.raw.read(path)
    answers[1] = "Water"
    fields = {"id": numbers, "class": answers}
    options = {"layer": "questions", "geometry_type": "Point", "crs": about["crs"]}
    pyogrio.raw.write(path, shapes, list(fields.values()), list(fields), driver="GPKG", **options)
    assert not geopackage.is_blank(path)


@pytest.mark.parametrize("is_blank", [table.is_blank, geopackage.is_blank])
def test_what_cannot_be_read_is_not_taken_for_blank(is_blank, tmp_path: Path) -> None:
    (tmp_path / "strange").write_bytes(b"\xff\xfe\x00strange")
    assert not is_blank(tmp_path / "strange")
    (tmp_path / "empty").touch()
    assert not is_blank(tmp_path / "empty")


def test_an_answer_that_is_the_name_of_a_class_is_left_to_the_class() -> None:
    assert other_answers(["Water"]) == ["none of these", "mixed", "I don't know"]
    assert other_answers(["Water", "MIXED"]) == ["none of these", "I don't know"]
