"""What ``special ask`` leaves in a run, from Python."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyogrio
import pytest
import small_scene

import special
from special.answers.questions import Question
from special.api.evidence import evidence, renderings
from special.api.sheet import leave_sheet
from special.api.source import SceneSource
from special.cache.directory import RunDirectory
from special.errors import RunError, SceneError, SettingsError
from special.scene import Scene

FILES = ["questions.csv", "questions.gpkg", "questions.html", "questions.qml"]


def asked(names: Sequence[str] = small_scene.CLASSES) -> list[Question]:
    """A question in the middle of each strip of the small scene."""
    found = []
    for index, name in enumerate(names):
        area = np.argwhere(np.ones((2, 6), bool)).astype(np.int32) + np.array([4 * index + 1, 2], np.int32)
        other = names[index - 1]
        found.append(Question(index + 1, 4 * index + 1, 4, area, name, 0.75, ((other, 0.25),), index))
    return found


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> special.Run:
    """A run with pseudo-labels and no map."""
    files = small_scene.write(tmp_path_factory.mktemp("scene"))
    out = tmp_path_factory.mktemp("made") / "strips.special"
    return special.label(
        files.scene, list(small_scene.CLASSES), files.wavelengths, clip="none", out=out, until="pseudo", device="cpu"
    )


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> special.Run:
    """A run that has learned from labels: no teacher has a part in it."""
    files = small_scene.write(tmp_path_factory.mktemp("scene"))
    out = tmp_path_factory.mktemp("made") / "strips.fit"
    return special.fit(
        files.scene, files.truth, list(small_scene.CLASSES), files.wavelengths, classifier="mean", out=out, device="cpu"
    )


def test_every_form_is_left_and_nothing_else(labelled: special.Run) -> None:
    before = {path.name for path in labelled.path.iterdir()}
    sheet = leave_sheet(labelled, asked())
    after = {path.name for path in labelled.path.iterdir()}
    assert sorted(after - before) == FILES
    assert [path.name for path in (sheet.table, sheet.geopackage, sheet.page, sheet.form)] == FILES
    assert sheet.kept == ()


def test_areas_or_points_are_drawn(labelled: special.Run) -> None:
    for by, kind in (("areas", "MultiPolygon"), ("points", "Point")):
        assert pyogrio.read_info(leave_sheet(labelled, asked(), by=by).geopackage)["geometry_type"] == kind


def test_the_page_shows_what_the_names_let_expect(labelled: special.Run) -> None:
    text = leave_sheet(labelled, asked()).page.read_text(encoding="utf-8")
    assert text.count('<article class="question"') == 3
    assert "True colour" in text and "Colour infrared" in text
    assert "Grass (expected, ± 1 SD)" in text and "as mapped" not in text


def test_the_command_that_follows_names_the_file_that_the_page_saves(labelled: special.Run) -> None:
    sheet = leave_sheet(labelled, asked())
    assert sheet.command == f"special label ... --labels {labelled.path / 'answers.csv'}"
    assert sheet.command in sheet.page.read_text(encoding="utf-8")


def test_tables_that_are_filled_in_are_kept(labelled: special.Run) -> None:
    table = leave_sheet(labelled, asked()).table
    filled = table.read_text(encoding="utf-8").replace(",,", ",Water,", 1)
    table.write_text(filled, encoding="utf-8")
    first = leave_sheet(labelled, asked())
    assert [path.name for path in first.kept] == ["questions-1.csv"]
    assert first.kept[0].read_text(encoding="utf-8") == filled
    with first.table.open(encoding="utf-8") as stream:
        assert [row["class"] for row in csv.DictReader(stream)] == ["", "", ""]
    first.table.write_text(filled, encoding="utf-8")
    assert [path.name for path in leave_sheet(labelled, asked()).kept] == ["questions-2.csv"]


def test_nothing_to_ask_is_said_and_leaves_nothing(fitted: special.Run) -> None:
    with pytest.raises(RunError, match="no question"):
        leave_sheet(fitted, [])
    assert not (fitted.path / "questions.csv").exists()


def test_another_way_to_draw_is_refused(labelled: special.Run) -> None:
    with pytest.raises(SettingsError, match="choose points or areas"):
        leave_sheet(labelled, asked(), by="lines")


def test_a_run_that_is_in_use_is_left_alone(labelled: special.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("special.cache.directory._PATIENCE", 0.0)
    text = leave_sheet(labelled, asked()).page.read_bytes()
    with RunDirectory(labelled.path).locked(), pytest.raises(RunError, match="in use"):
        leave_sheet(labelled, asked()[:1])
    assert (labelled.path / "questions.html").read_bytes() == text


def test_a_layer_that_is_open_in_another_program_is_left_alone(labelled: special.Run) -> None:
    sheet = leave_sheet(labelled, asked())
    before = sheet.geopackage.read_bytes()
    beside = sheet.geopackage.with_name("questions.gpkg-wal")
    beside.write_bytes(b"changes that are not in it yet")
    try:
        with pytest.raises(RunError, match="open in another program"):
            leave_sheet(labelled, asked()[:1])
    finally:
        beside.unlink()
    assert sheet.geopackage.read_bytes() == before


def test_a_scene_that_is_gone_is_said(labelled: special.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> Scene:
        raise SceneError("strips.npy is gone")

    monkeypatch.setattr(SceneSource, "reopen", gone)
    with pytest.raises(SceneError, match="gone"):
        leave_sheet(special.open_run(labelled.path), asked())


def scene_of(run: special.Run) -> Scene:
    opened = run.request.source.reopen(RunDirectory(run.path), run.class_list)
    assert isinstance(opened, Scene)
    return opened


def test_expected_spectra_are_in_reflectance_as_the_scene_is_read(labelled: special.Run) -> None:
    unit, found = evidence(labelled, scene_of(labelled), asked())
    grass = found[1]
    assert unit == "reflectance"
    assert [(reference.name, reference.made_of) for reference in grass.references] == [
        ("Grass", "expected, ± 1 SD"),
        ("Water", "expected, ± 1 SD"),
    ]
    nm, middle = grass.spectrum.wavelengths, grass.spectrum.middle
    assert middle[nm > 800].mean() > 5 * middle[nm < 700].mean()
    own, other = (reference.spectrum for reference in grass.references)
    distance = [np.abs(np.log((s.middle + 0.01) / (grass.spectrum.middle + 0.01))).mean() for s in (own, other)]
    assert distance[0] < distance[1]
    assert ((own.low <= own.middle) & (own.middle <= own.high)).all()


def test_without_a_teacher_that_expects_any_the_spectra_of_the_map_are_shown(fitted: special.Run) -> None:
    scene = scene_of(fitted)
    unit, found = evidence(fitted, scene, asked())
    assert unit == "in the numbers of the file"
    water = found[0].references[0]
    assert (water.name, water.made_of) == ("Water", "as mapped, 80 % of its pixels")
    mapped = scene.read()[fitted.map == 1]
    np.testing.assert_allclose(water.spectrum.middle, mapped.mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(water.spectrum.wavelengths, scene.wavelengths)


def test_a_class_that_the_map_has_nowhere_has_no_spectrum(fitted: special.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fitted.__dict__, "map", np.where(fitted.map == 1, 2, fitted.map))
    _, found = evidence(fitted, scene_of(fitted), asked())
    assert [reference.name for reference in found[0].references] == ["Bare soil"]


@pytest.mark.parametrize(
    ("range_nm", "titles"),
    [
        ((420, 980), ["True colour", "Colour infrared"]),
        ((420, 700), ["True colour"]),
        ((1000, 2400), ["False colour: 2278, 1730, 1122 nm"]),
    ],
)
def test_scenes_are_shown_in_the_bands_that_they_have(
    range_nm: tuple[float, float], titles: list[str], fitted: special.Run
) -> None:
    values, _, _ = small_scene.cube()
    scene = Scene.from_array(values, np.linspace(*range_nm, values.shape[2]))
    shown = renderings(fitted, scene)
    assert [rendering.title for rendering in shown] == titles
    assert all(rendering.image.shape == (12, 10, 3) and rendering.image.dtype == np.uint8 for rendering in shown)


def test_plants_are_red_in_infrared_and_green_in_true_colour(fitted: special.Run) -> None:
    true_colour, infrared = renderings(fitted, scene_of(fitted))
    grass = fitted.map == 2
    red, green, _ = true_colour.image[grass].mean(axis=0)
    assert green > red
    red, green, _ = infrared.image[grass].mean(axis=0)
    assert red > green


def test_the_page_names_no_place_but_that_of_the_answers(labelled: special.Run) -> None:
    text = leave_sheet(labelled, asked()).page.read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(re.findall(r'id="data">(.*?)</script>', text, re.DOTALL)[0])
    assert set(data) == {"file", "columns", "questions", "key"}
    assert str(labelled.path.parent) not in text.replace(str(labelled.path / "answers.csv"), "")
