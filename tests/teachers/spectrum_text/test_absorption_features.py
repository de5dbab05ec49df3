"""Minerals told apart by absorptions with the continuum removed."""

from __future__ import annotations

import numpy as np
import pytest

from special import settings
from special.classnames.class_list import ClassList
from special.classnames.encoder import default_encoder
from special.classnames.reading import read_names
from special.landcover.concepts import ConceptTable, load_concepts
from special.scene.scene import Scene
from special.simulate.sensor import Sensor
from special.teachers.spectrum_text.absorption_features import (
    AbsorptionFeatures,
    absorption_features,
    names_minerals,
)
from special.teachers.spectrum_text.confusion import confused_pairs
from special.teachers.spectrum_text.expected_spectra import expected_spectra
from special.teachers.spectrum_text.settings import SpectrumTextSettings
from special.teachers.spectrum_text.teacher import SpectrumTextTeacher

FULL = np.concatenate([np.arange(400.0, 1341.0, 10), np.arange(1450.0, 1791.0, 10), np.arange(1980.0, 2481.0, 10)])
NAMES = ["Kaolinite", "Alunite", "Muscovite", "Calcite", "Chlorite"]
SETTINGS = settings.load("special").build(SpectrumTextSettings)


@pytest.fixture(scope="module")
def table() -> ConceptTable:
    return load_concepts()


def pixels(table: ConceptTable, name: str, wavelengths: np.ndarray) -> np.ndarray:
    """A pure spectrum of a mineral, (1, bands)."""
    seen = table.seen_by(wavelengths)
    return seen.resample(seen.concepts[name.casefold()].variants[0].reflectance, wavelengths)[None]


def features(table: ConceptTable, wavelengths: np.ndarray, names: list[str] = NAMES) -> AbsorptionFeatures:
    readings = read_names(ClassList.parse(names), table, default_encoder())
    sample = np.concatenate([pixels(table, name, wavelengths) for name in names])
    found = absorption_features(readings, table, wavelengths, sample, SETTINGS, through_air=None)
    assert found is not None
    return found


def likeliest(table: ConceptTable, found: AbsorptionFeatures, signals: np.ndarray, names: list[str] = NAMES) -> str:
    readings = read_names(ClassList.parse(names), table, default_encoder())
    owners = [s.class_index for s in expected_spectra(readings, table, SETTINGS.rest_log_weight)]
    return names[owners[int(found.per_spectrum(found.removed(signals))[0].argmax())]]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [0.3, 1.0, 1.4])
def test_a_mineral_is_known_whatever_the_depth_of_its_absorptions(table: ConceptTable, name: str, depth: float) -> None:
    spectrum = np.exp(depth * np.log(pixels(table, name, FULL)))
    assert likeliest(table, features(table, FULL), spectrum) == name


@pytest.mark.parametrize("name", NAMES)
def test_brightness_and_slope_say_nothing(table: ConceptTable, name: str) -> None:
    found, spectrum = features(table, FULL), pixels(table, name, FULL)
    sloped = 0.2 * spectrum * (FULL / 1000) ** 0.3
    np.testing.assert_allclose(found.removed(sloped), found.removed(spectrum), atol=1e-9)


@pytest.mark.parametrize(
    "wavelengths",
    [np.arange(1000.0, 2500.0, 6.0), np.array([556.0, 661, 807, 1656, 2167, 2209, 2262, 2336, 2400])],
    ids=["SWIR camera", "nine bands"],
)
def test_other_sensors_tell_them_apart_too(table: ConceptTable, wavelengths: np.ndarray) -> None:
    names = ["Kaolinite", "Alunite", "Calcite"]
    found = features(table, wavelengths, names)
    assert [likeliest(table, found, pixels(table, n, wavelengths), names) for n in names] == names


def test_iron_is_told_without_the_infrared(table: ConceptTable) -> None:
    nm, names = np.arange(450.0, 1001.0, 6.0), ["Hematite", "Goethite", "Jarosite"]
    found = features(table, nm, names)
    assert [likeliest(table, found, 0.5 * pixels(table, n, nm), names) for n in names] == names


def test_noise_in_a_band_makes_it_count_less(table: ConceptTable) -> None:
    rng = np.random.default_rng(0)
    readings = read_names(ClassList.parse(NAMES), table, default_encoder())
    sample = np.concatenate([pixels(table, name, FULL) for name in NAMES]).repeat(60, axis=0)
    sample = sample * np.exp(0.1 * rng.standard_normal((len(sample), 1)))
    broken = np.abs(FULL - 2200) < 6
    spoilt = sample * np.where(broken, np.exp(0.5 * rng.standard_normal(sample.shape)), 1.0)
    pixel = pixels(table, "Kaolinite", FULL) * np.where(broken, 1.5, 1.0)

    def lead(seen: np.ndarray) -> float:
        found = absorption_features(readings, table, FULL, seen, SETTINGS, through_air=None)
        assert found is not None
        densities = found.per_spectrum(found.removed(pixel))[0]
        owners = np.array([s.class_index for s in expected_spectra(readings, table, SETTINGS.rest_log_weight)])
        return float(densities[owners == 0].max() - densities[owners != 0].max())

    assert lead(spoilt) > max(0.0, lead(sample))


def test_a_list_without_minerals_has_no_absorptions(table: ConceptTable) -> None:
    readings = read_names(ClassList.parse(["Water", "Clay soil", "Red soil", "Rock"]), table, default_encoder())
    assert not names_minerals(readings, table)
    assert absorption_features(readings, table, FULL, np.ones((1, len(FULL))), SETTINGS, through_air=None) is None


def test_draws_of_a_mineral_are_named_as_it(table: ConceptTable) -> None:
    found = features(table, FULL)
    readings = read_names(ClassList.parse(NAMES), table, default_encoder())
    owners = np.array([s.class_index for s in expected_spectra(readings, table, SETTINGS.rest_log_weight)])
    drawn = found.draw(np.zeros(200, dtype=int), np.random.default_rng(0))
    assert (owners[found.per_spectrum(drawn).argmax(axis=1)] == owners[0]).mean() > 0.9


def test_minerals_of_like_absorptions_are_not_said_to_be_alike(table: ConceptTable) -> None:
    teacher = SpectrumTextTeacher(SETTINGS, table=table, encoder=default_encoder())
    assert confused_pairs(teacher, ClassList.parse(["Kaolinite", "Alunite", "Montmorillonite", "Calcite"])) == []


def test_other_is_taken_for_minerals_only_beside_minerals(table: ConceptTable) -> None:
    def others(*names: str) -> set[str]:
        readings = read_names(ClassList.parse([*names, "Other"]), table, default_encoder())
        return {s.concept for s in expected_spectra(readings, table, -3.0) if s.class_index == len(names)}

    assert not others("Water", "Grass") & (table.minerals | table.apart)
    assert "dickite" in others("Kaolinite", "Grass") and not others("Kaolinite", "Grass") & table.apart


def test_a_scene_of_mixed_minerals_is_mapped(table: ConceptTable) -> None:
    rng = np.random.default_rng(1)
    seen = table.seen_by(FULL)
    names = ["Kaolinite", "Alunite", "Dickite", "Calcite", "Dolomite", "Grass"]
    ends = np.stack([seen.resample(seen.concepts[n.casefold()].variants[-1].reflectance, FULL) for n in names])
    truth = np.repeat(np.arange(len(names)), 8)[None].repeat(24, axis=0)
    share = rng.uniform(0, 0.4, (*truth.shape, 1))
    cube = (1 - share) * ends[truth] + share * ends[rng.integers(0, len(names), truth.shape)]
    cube = cube * np.exp(0.15 * rng.standard_normal((*truth.shape, 1))) + 0.004 * rng.standard_normal(cube.shape)
    teacher = SpectrumTextTeacher(SETTINGS, table=table, encoder=default_encoder())
    scene = Scene.from_array((10_000 * cube).astype(np.float32), FULL)
    found = teacher.predict(scene, None, ClassList.parse(names))
    assert (np.asarray(found).argmax(axis=-1) == truth).mean() > 0.9


def test_radiance_is_mapped_though_the_air_hides_in_the_absorptions(table: ConceptTable) -> None:
    rng = np.random.default_rng(0)
    nm = np.concatenate([np.arange(400.0, 1341.0, 10), np.arange(1450.0, 1791.0, 10), np.arange(1980.0, 2481.0, 10)])
    names = ["Kaolinite", "Alunite", "Muscovite", "Calcite", "Chlorite"]
    ends = np.concatenate([pixels(table, name, nm) for name in names])
    truth = np.repeat(np.arange(len(names)), 8)[None].repeat(24, axis=0)
    share = rng.uniform(0, 0.4, (*truth.shape, 1))
    cube = (1 - share) * ends[truth] + share * ends[rng.integers(0, len(names), truth.shape)]
    light = Sensor.over(nm, rng)
    cube = light.calibrated(light.noisy(cube.astype(np.float32), 0.004, rng), "radiance")
    teacher = SpectrumTextTeacher(SETTINGS, table=table, encoder=default_encoder())
    found = teacher.predict(Scene.from_array(cube, nm), None, ClassList.parse(names))
    assert (np.asarray(found).argmax(axis=-1) == truth).mean() > 0.85
