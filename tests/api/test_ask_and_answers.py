"""Questions in a notebook: a list, a GeoDataFrame where geopandas is there, features for whoever knows them."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_scene
from some_questions import NAMES, SHAPE, UTM, questions

import special
from special.answers.grid import Grid
from special.answers.reading import read_answers
from special.api.questions import Questions
from special.classnames.class_list import ClassList
from special.errors import SettingsError
from special.scene import Georeference

CONTENT = "0123456789ab" + "0" * 52


@pytest.mark.parametrize("by", ["points", "areas"])
@pytest.mark.parametrize("place", [UTM, None])
def test_a_geodataframe_lies_where_the_pixels_lie_and_comes_back_as_answers(
    place: Georeference | None, by: str, tmp_path: Path
) -> None:
    pytest.importorskip("geopandas")
    asked = questions()
    frame = Questions(asked, place, CONTENT).to_geodataframe(by)
    columns = {"geometry", "id", "row", "col", "class", "guess", "confidence", "runners_up", "scene"}
    assert set(frame.columns) == columns
    assert frame["id"].tolist() == [1, 2, 3, 4] and set(frame["scene"]) == {"0123456789ab"}
    assert (frame.crs is None) == (place is None)
    frame["class"] = "Grass"
    frame.to_file(tmp_path / "answers.gpkg")
    found = read_answers(tmp_path / "answers.gpkg", Grid(SHAPE, place), ClassList.parse(NAMES))
    wanted = {
        (int(row), int(col)) for one in asked for row, col in (one.area if by == "areas" else [(one.row, one.col)])
    }
    assert {(row, col) for row, col, _, _ in found.table.tolist()} == wanted


def test_without_geopandas_they_are_a_list_and_features(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Questions(questions(), UTM, CONTENT)
    real = builtins.__import__

    def absent(name: str, *rest: Any, **named: Any) -> Any:
        if name == "geopandas":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    assert len(found) == 4 and found[0].id == 1
    first = found.__geo_interface__["features"][0]
    assert first["geometry"]["type"] == "Point" and first["properties"]["class"] is None
    assert first["geometry"]["coordinates"] == pytest.approx((383873.849, 5819285.725))
    assert "<pre>" in found._repr_html_()
    with pytest.raises(SettingsError, match="needs geopandas: pip install geopandas"):
        found.to_geodataframe()


def test_no_questions_are_an_empty_table() -> None:
    pytest.importorskip("geopandas")
    assert len(Questions([], UTM, CONTENT).to_geodataframe()) == 0
    with pytest.raises(SettingsError, match="choose points or areas"):
        Questions([], UTM, CONTENT).to_geodataframe("lines")


def test_a_run_is_asked_for_a_table(tmp_path: Path) -> None:
    pytest.importorskip("geopandas")
    cube, nm, _ = small_scene.cube()
    run = special.label(cube, small_scene.CLASSES, nm, out=tmp_path / "x.special", clip="none", until="pseudo")
    asked = run.ask(2)
    frame = asked.to_geodataframe()
    assert np.array_equal(frame["row"], [one.row for one in asked]) and len(frame) == 2
    assert frame["scene"].str.fullmatch("[0-9a-f]{12}").all()
    assert "<table" in asked._repr_html_()
