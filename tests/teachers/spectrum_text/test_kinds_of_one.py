"""Numbers at the end of names: stages of growth, or kinds of one thing."""

from __future__ import annotations

import numpy as np
import pytest

from special import settings
from special.classnames.class_list import ClassList
from special.classnames.encoder import default_encoder
from special.classnames.reading import Reading, read_names
from special.landcover.concepts import ConceptTable, load_concepts
from special.scene.scene import Scene
from special.teachers.spectrum_text.confusion import confused_pairs
from special.teachers.spectrum_text.growth_stages import series_of
from special.teachers.spectrum_text.kinds_of_one import KindsOfOne, kinds_of
from special.teachers.spectrum_text.settings import SpectrumTextSettings
from special.teachers.spectrum_text.teacher import SpectrumTextTeacher

NM = np.arange(420.0, 2400.0, 20.0)


@pytest.fixture(scope="module")
def table() -> ConceptTable:
    return load_concepts()


@pytest.fixture(scope="module")
def teacher(table: ConceptTable) -> SpectrumTextTeacher:
    return SpectrumTextTeacher(settings.load().build(SpectrumTextSettings), table=table, encoder=default_encoder())


def read(table: ConceptTable, *names: str) -> list[list[Reading]]:
    return read_names(ClassList.parse(names), table, default_encoder())


@pytest.mark.parametrize(
    "names",
    [
        ("Parking Lot 1", "Parking Lot 2"),
        ("Floodplain grasses 1", "Floodplain grasses 2"),
        ("Roof 1", "Roof 2"),
        ("Wiese 1", "Wiese 2"),
        ("Forest 4 years", "Forest 40 years"),
        ("Zorbium 1", "Zorbium 2"),
        ("Grass-trees 1", "Grass-trees 2"),
    ],
)
def test_numbers_of_what_is_no_crop_are_kinds_and_no_stages(table: ConceptTable, names: tuple[str, str]) -> None:
    readings = read(table, "Snow", *reversed(names))
    assert series_of(readings) == [] and kinds_of(readings) == [[2, 1]]
    assert [group[0].stage for group in readings] == [None] * 3


@pytest.mark.parametrize(
    "names",
    [("Corn 1", "Corn 2"), ("Brocoli_green_weeds_1", "Brocoli_green_weeds_2"), ("Grass 2 weeks", "Grass 6 weeks")],
)
def test_numbers_of_crops_and_ages_are_stages_of_growth(table: ConceptTable, names: tuple[str, str]) -> None:
    readings = read(table, "Snow", *names)
    assert series_of(readings) == [[1, 2]] and kinds_of(readings) == []


def test_one_number_alone_says_nothing(table: ConceptTable) -> None:
    assert kinds_of(read(table, "Parking lot 1", "Road", "Grass 2")) == []


def test_what_a_name_says_of_its_cover_stays(table: ConceptTable) -> None:
    assert [group[0].stage for group in read(table, "Sparse shrubs 1", "Sparse shrubs 2")] == [0.0, 0.0]


def test_a_thing_keeps_its_total_and_its_lead() -> None:
    rng = np.random.default_rng(0)
    logs = rng.normal(size=(200, 4)) + np.repeat([[0.0], [5.0]], 100, axis=0)
    probabilities = rng.dirichlet([2, 3, 2, 1], 200)
    shared = KindsOfOne(logs, [0, 2, 3], seed=0).share(logs, probabilities)
    np.testing.assert_allclose(shared[:, [0, 2, 3]].sum(axis=1), probabilities[:, [0, 2, 3]].sum(axis=1))
    np.testing.assert_array_equal(shared[:, 1], probabilities[:, 1])
    leads = probabilities[:, [0, 2, 3]].sum(axis=1) > probabilities[:, 1] + 2e-3
    assert leads.any() and not leads.all()
    np.testing.assert_array_equal(shared.argmax(axis=1)[leads] != 1, True)
    assert shared.min() >= 0


def test_the_largest_group_is_taken_for_the_first_kind_and_is_no_surer_than_a_guess() -> None:
    logs = np.concatenate([np.full((30, 3), -1.0), np.full((70, 3), -3.0)])
    logs += np.random.default_rng(0).normal(0, 0.05, logs.shape)
    probabilities = np.tile([0.5, 0.5], (100, 1))
    shared = KindsOfOne(logs, [1, 0], seed=0).share(logs, probabilities)  # class 1 is the first kind
    np.testing.assert_array_equal(shared.argmax(axis=1), np.repeat([0, 1], [30, 70]))
    assert shared.max() == pytest.approx(0.6)


def test_the_scene_tells_two_kinds_of_one_thing_apart(table: ConceptTable, teacher: SpectrumTextTeacher) -> None:
    variants = [table.concepts["parking lot"].variants[i].reflectance for i in (0, 1)]
    grass = table.concepts["grass"].variants[-1].reflectance
    spectra = table.resample(np.stack([variants[0], variants[1], grass]), NM)
    truth = np.repeat([0, 1, 2], [12, 8, 10])[None].repeat(20, axis=0)
    noise = np.random.default_rng(0).normal(1, 0.03, (*truth.shape, len(NM)))
    scene = Scene.from_array((spectra[truth] * noise).astype(np.float32), NM)
    classes = ClassList.parse(["Parking lot 1", "Grass", "Parking lot 2"])
    found = np.asarray(teacher.predict(scene, None, classes))
    np.testing.assert_array_equal(found.argmax(axis=-1), np.array([0, 2, 1])[truth])
    assert found[truth < 2].max() < 0.7 < found[truth == 2].max()


def test_kinds_of_one_thing_are_no_confused_pair(teacher: SpectrumTextTeacher) -> None:
    classes = ClassList.parse(["Parking lot 1", "Parking lot 2", "Water", "Road", "Straße"])
    assert [(pair.first, pair.second) for pair in confused_pairs(teacher, classes)] == [(3, 4)]
