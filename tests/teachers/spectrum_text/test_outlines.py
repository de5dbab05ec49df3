"""Outlines: what runs on is told from what ends on all sides, and only names that spectra leave open are touched."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from special import settings
from special.classnames.class_list import ClassList
from special.classnames.encoder import default_encoder
from special.classnames.reading import read_names
from special.landcover.concepts import ConceptTable, load_concepts
from special.scene.scene import Scene
from special.storage.rasters import MEMORY, ScratchSpace, blocks
from special.teachers.spectrum_text.clusters import Clusterings
from special.teachers.spectrum_text.outlines import Outlines, elongation, tendencies
from special.teachers.spectrum_text.settings import SpectrumTextSettings
from special.teachers.spectrum_text.teacher import SpectrumTextTeacher, outlines, pixels

SIZE = 60
VNIR = np.arange(420.0, 900.0, 8.0)
SLOPE = np.linspace(0, 0.01, len(VNIR), dtype=np.float32)  # a constant spectrum is no data
ROWS, COLS = np.mgrid[:SIZE, :SIZE]
ROUND = (ROWS - 14) ** 2 + (COLS - 40) ** 2 < 81


@pytest.fixture(scope="module")
def table() -> ConceptTable:
    return load_concepts()


def road(width: int) -> np.ndarray:
    """A straight road from the upper left to the lower right, bool (rows, cols)."""
    return np.abs(ROWS - COLS - 8) <= width / np.sqrt(2)


def guide(*areas: np.ndarray) -> np.ndarray:
    """A scene of noise in which areas are the same all over: (rows, cols, 4)."""
    made = np.random.default_rng(0).normal(0, 3, (SIZE, SIZE, 4)).astype(np.float32)
    for number, area in enumerate(areas):
        made[area] = number
    return made


EVERYWHERE = np.ones((SIZE, SIZE), bool)


@pytest.mark.parametrize("width", [1, 3, 5])
def test_a_road_runs_on_and_a_round_roof_ends(width: int) -> None:
    odds = elongation(guide(road(width), ROUND), EVERYWHERE)
    assert np.median(odds[road(width)]) > 1
    assert np.median(odds[ROUND]) < -1


def test_specks_say_nothing() -> None:
    assert not elongation(guide()[:30, :30], EVERYWHERE[:30, :30]).any()


def test_what_is_no_data_ends_an_area_and_gets_no_odds() -> None:
    strip = (ROWS >= 24) & (ROWS < 30)
    flat = np.zeros((SIZE, SIZE, 4), np.float32)
    assert elongation(flat, EVERYWHERE)[27, 30] < -1
    odds = elongation(flat, strip)
    assert odds[27, 30] > 1
    assert not odds[~strip].any()


def test_a_scene_seen_in_blocks_has_the_outlines_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = np.tile(guide(road(3), ROUND), (3, 1, 1))
    valid = np.ones(seen.shape[:2], bool)
    whole = elongation(seen, valid)
    monkeypatch.setattr(outlines, "blocks", partial(blocks, most=7 * seen[0].nbytes))
    np.testing.assert_array_equal(elongation(seen, valid), whole)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Road", 1), ("Bitumen", -1), ("Roofs", -1), ("Gravel", 0), ("roads and houses", 0), ("Gravel | asphalt", 0)],
)
def test_a_name_says_whether_it_runs_on(table: ConceptTable, name: str, expected: int) -> None:
    with_a_road, with_a_roof = told_apart(table, name, "Street"), told_apart(table, name, "Tiled roofs")
    assert [told[0] for told in with_a_road] == [-1] * (expected == -1)
    assert [told[0] for told in with_a_roof] == [1] * (expected == 1)


def told_apart(table: ConceptTable, *names: str) -> list[list[float]]:
    readings = read_names(ClassList.parse([*names, "Water"]), table, default_encoder())
    return [tendency.tolist() for tendency in tendencies(readings, table)]


def test_a_track_is_told_from_the_ground_it_is_made_of_and_a_paved_road_is_not(table: ConceptTable) -> None:
    assert told_apart(table, "Feldweg", "Bare soil") == [[1, -1, 0]]
    assert told_apart(table, "Asphalt", "Bare soil") == []
    assert told_apart(table, "Asphalt", "Roof", "unpaved road", "Fallow") == [[1, -1, 1, 0, 0], [0, 0, 1, -1, 0]]


def test_only_the_classes_that_outlines_tell_apart_share_anew() -> None:
    rng = np.random.default_rng(1)
    clusterings = Clusterings(rng.normal(size=(SIZE * SIZE, 3)), 4, [1], whitening=0.5, seed=0)
    clusters = np.zeros((SIZE, SIZE, 1), clusterings.dtype)
    cube = np.repeat(guide(road(3), ROUND) + 20, len(VNIR) // 4, axis=2) + SLOPE
    found = Outlines.of(
        Scene.from_array(cube, VNIR), [np.array([1, 0, -1, 0])], clusterings, clusters, MEMORY, own=1, material=1
    )
    before = rng.dirichlet(np.ones(4), SIZE * SIZE)
    after = found.share(slice(0, SIZE), clusters.reshape(-1, 1), before)
    np.testing.assert_array_equal(after[:, [1, 3]], before[:, [1, 3]])
    np.testing.assert_allclose(after.sum(axis=1), 1)
    gain = (after - before)[:, 0].reshape(SIZE, SIZE)
    assert gain[road(3)].mean() > 0.05
    assert gain[ROUND].mean() < -0.05


def test_all_that_looks_alike_has_a_say() -> None:
    seen = guide(road(3), ROUND) + 20
    seen[ROUND] += np.float32(50)
    roof = np.flatnonzero(ROUND)
    clusterings = Clusterings(seen.reshape(-1, 4), 2, [1, 1], whitening=0.5, seed=0)
    clusters = clusterings.assign(seen.reshape(-1, 4)).reshape(SIZE, SIZE, 2)
    scene = Scene.from_array(np.repeat(seen, len(VNIR) // 4, axis=2) + SLOPE, VNIR)
    found = Outlines.of(scene, [np.array([1, -1])], clusterings, clusters, MEMORY, own=0, material=1)
    after = found.share(slice(0, SIZE), clusters.reshape(-1, 2), np.full((SIZE * SIZE, 2), 0.5))[roof]
    odds = found.odds.ravel()[roof]
    assert odds.std() > 0
    np.testing.assert_allclose(np.log(after[:, 0] / after[:, 1]), odds.mean(), rtol=1e-5)


def teacher(table: ConceptTable, **changes: float) -> SpectrumTextTeacher:
    changed = {f"pseudo.spectrum_text.{name}": value for name, value in changes.items()}
    built = settings.load("special", changed).build(SpectrumTextSettings)
    return SpectrumTextTeacher(built, table=table, encoder=default_encoder())


def road_and_roof(table: ConceptTable) -> tuple[Scene, ClassList]:
    """A road and a round roof of the same stuff, half asphalt and half bitumen, in a meadow at a canal."""
    names = ["Grass", "Asphalt", "Bitumen", "Water"]
    spectra = [table.resample(table.concepts[name.lower()].variants[0].reflectance, VNIR) for name in names]
    cube = np.broadcast_to(spectra[0], (SIZE, SIZE, len(VNIR))).copy()
    cube[:, :3] = spectra[3]
    cube[road(3) | ROUND] = np.sqrt(spectra[1] * spectra[2])
    cube *= np.exp(0.03 * np.random.default_rng(0).standard_normal((SIZE, SIZE, 1)))
    return Scene.from_array(cube.astype(np.float32), VNIR), ClassList.parse(names)


def test_a_road_and_a_roof_of_one_stuff_are_told_apart(table: ConceptTable) -> None:
    scene, classes = road_and_roof(table)
    told = np.asarray(teacher(table).predict(scene, None, classes)).argmax(axis=-1)
    assert (told[road(3)] == 1).mean() > 0.9
    assert (told[ROUND] == 2).mean() > 0.9
    spectra_alone = teacher(table, outline_own=0.0, outline_material=0.0)
    told = np.asarray(spectra_alone.predict(scene, None, classes)).argmax(axis=-1)
    assert (told[road(3)] == 1).mean() < 0.9 or (told[ROUND] == 2).mean() < 0.9


def test_a_track_and_a_field_of_one_soil_are_told_apart(table: ConceptTable) -> None:
    names = ["Grass", "Dirt road", "Bare soil", "Water"]
    concepts = ["grass", "bare soil", "bare soil", "water"]
    grass, earth, _, water = (table.resample(table.concepts[c].variants[0].reflectance, VNIR) for c in concepts)
    cube = np.broadcast_to(grass, (SIZE, SIZE, len(VNIR))).copy()
    cube[:, :3] = water
    field = (ROWS - 14) ** 2 + (COLS - 42) ** 2 < 169  # fields are larger than the tracks through them
    cube[road(3) | field] = earth
    cube *= np.exp(0.01 * np.random.default_rng(0).standard_normal((SIZE, SIZE, 1)))
    scene = Scene.from_array(cube.astype(np.float32), VNIR)
    told = np.asarray(teacher(table).predict(scene, None, ClassList.parse(names))).argmax(axis=-1)
    assert (told[road(3)] == 1).mean() > 0.9
    assert (told[field] == 2).mean() > 0.9


def test_a_scene_read_by_many_windows_into_files_has_the_same_outlines(
    table: ConceptTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, classes = road_and_roof(table)
    whole = teacher(table).predict(scene, None, classes)
    monkeypatch.setattr(pixels, "PIXELS", 7 * SIZE)
    parts = teacher(table).predict(scene, None, classes, scratch=ScratchSpace(tmp_path, most=0))
    same = np.isclose(parts, whole, atol=1e-6).all(axis=-1)
    assert same.mean() > 0.95  # the others lie between two clusters, where the last bits of a matrix product decide
    np.testing.assert_allclose(parts, whole, atol=0.05)
