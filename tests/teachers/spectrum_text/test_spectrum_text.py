"""The spectrum-text teacher and the parts it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from special import settings
from special.classnames.class_list import ClassList
from special.classnames.encoder import default_encoder
from special.classnames.reading import read_names
from special.landcover.concepts import ConceptTable, load_concepts
from special.scene import open_scene
from special.scene.scene import Scene
from special.scene.truth import read_truth
from special.storage.rasters import Raster, ScratchSpace
from special.teachers.spectrum_text import calibration
from special.teachers.spectrum_text.clusters import COMPONENTS, Clusterings, whitened_axes
from special.teachers.spectrum_text.expected_spectra import expected_spectra
from special.teachers.spectrum_text.growth_stages import GrowthStages, series_of
from special.teachers.spectrum_text.likelihood import (
    ALONE,
    GREEN,
    GROUND,
    SpectralLikelihood,
    UncertaintySettings,
    kinds,
    log_reflectance,
    softmax,
)
from special.teachers.spectrum_text.regions import Regions
from special.teachers.spectrum_text.settings import SpectrumTextSettings
from special.teachers.spectrum_text.teacher import SpectrumTextTeacher, pixels

VNIR = np.arange(420.0, 900.0, 8.0)
FULL = np.arange(400.0, 2450.0, 10.0)
NAMES = ["Water", "Grass", "Bare soil", "Asphalt"]


@pytest.fixture(scope="module")
def table() -> ConceptTable:
    return load_concepts()


def teacher(table: ConceptTable, **changes: object) -> SpectrumTextTeacher:
    changed = {f"pseudo.spectrum_text.{name}": value for name, value in changes.items()}
    built = settings.load("special", changed).build(SpectrumTextSettings)
    return SpectrumTextTeacher(built, table=table, encoder=default_encoder())


def striped(
    table: ConceptTable, wavelengths: np.ndarray, concepts: list[str], width: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """A cube of stripes, one concept each, with 5 % brightness variation; and its truth."""
    rng = np.random.default_rng(0)
    spectra = [table.resample(table.concepts[name].variants[-1].reflectance, wavelengths) for name in concepts]
    cube = np.stack([s for s in spectra for _ in range(width)])[None].repeat(20, axis=0)
    cube = cube * np.exp(0.05 * rng.standard_normal((*cube.shape[:2], 1))) + 0.002 * rng.standard_normal(cube.shape)
    truth = np.repeat(np.arange(1, len(concepts) + 1), width)[None].repeat(20, axis=0)
    return np.clip(cube, 1e-4, None).astype(np.float32), truth


def accuracy(probabilities: np.ndarray, truth: np.ndarray) -> float:
    return float((probabilities.argmax(axis=-1) + 1 == truth)[truth > 0].mean())


@pytest.mark.parametrize("wavelengths", [VNIR, FULL], ids=["vnir", "full range"])
def test_it_names_what_it_knows_on_any_sensor(table: ConceptTable, wavelengths: np.ndarray) -> None:
    cube, truth = striped(table, wavelengths, ["water", "grass", "bare soil", "asphalt"])
    probabilities = teacher(table).predict(Scene.from_array(cube, wavelengths), None, ClassList.parse(NAMES))
    assert accuracy(probabilities, truth) > 0.95


@pytest.mark.parametrize("factor", [1.0, 100.0, 10_000.0, 0.6])
def test_the_scale_of_the_numbers_does_not_matter(table: ConceptTable, factor: float) -> None:
    cube, truth = striped(table, FULL, ["water", "grass", "bare soil", "asphalt"])
    scene = Scene.from_array(cube * np.float32(factor), FULL)
    assert accuracy(teacher(table).predict(scene, None, ClassList.parse(NAMES)), truth) > 0.95


def test_radiance_is_brought_to_reflectance(table: ConceptTable) -> None:
    cube, truth = striped(table, FULL, ["water", "grass", "bare soil"])
    water_vapour = 1 - 0.6 * np.exp(-(((FULL - 945) / 20) ** 2)) - 0.6 * np.exp(-(((FULL - 1130) / 20) ** 2))
    radiance = 5000 * cube * calibration.sunlight(FULL) * water_vapour + 300 * (FULL / 550) ** -4.0 + 50
    scene = Scene.from_array(radiance.astype(np.float32), FULL)
    classes = ClassList.parse(["Water", "Grass", "Bare soil"])
    assert accuracy(teacher(table).predict(scene, None, classes), truth) > 0.9


@pytest.mark.parametrize("wavelengths", [VNIR, FULL], ids=["vnir", "full range"])
@pytest.mark.parametrize("offset", ["constant", "haze", "min-max", "uneven"])
def test_what_lies_on_top_of_every_pixel_does_not_matter(
    table: ConceptTable, wavelengths: np.ndarray, offset: str
) -> None:
    cube, truth = striped(table, wavelengths, ["water", "grass", "bare soil", "asphalt"])
    if offset == "constant":
        cube = cube + 0.08
    elif offset == "haze":
        cube = cube + 0.06 * (wavelengths / 550) ** -2.5
    elif offset == "min-max":
        cube = (cube + 0.1 - cube.min()) / (cube.max() - cube.min() + 0.1)
    else:
        cube = cube + 0.05 + 0.03 * np.sin(wavelengths / 150)
    scene = Scene.from_array(cube.astype(np.float32), wavelengths)
    assert accuracy(teacher(table).predict(scene, None, ClassList.parse(NAMES)), truth) > 0.9


@pytest.mark.parametrize(
    ("wavelengths", "names"),
    [
        (VNIR, ["water", "grass", "sand", "asphalt", "concrete", "tree"]),
        (FULL, ["water", "tree", "grass", "dry grass", "bare soil"]),
        (FULL, ["grass", "dry grass", "bare soil", "asphalt", "snow"]),
    ],
    ids=["vnir", "green and dry", "with snow"],
)
def test_bands_that_were_stretched_one_by_one_do_not_matter(
    table: ConceptTable, wavelengths: np.ndarray, names: list[str]
) -> None:
    cube, truth = striped(table, wavelengths, names)
    stretched = (cube - cube.min(axis=(0, 1))) / np.ptp(cube, axis=(0, 1))
    scene = Scene.from_array(stretched.astype(np.float32), wavelengths)
    assert accuracy(teacher(table).predict(scene, None, ClassList.parse(names)), truth) > 0.95


def test_a_list_without_water_still_names_the_rest_of_the_scene(table: ConceptTable) -> None:
    cube, _ = striped(table, FULL, ["water", "grass", "bare soil"])
    classes = ClassList.parse(["Grass", "Bare soil"])
    probabilities = teacher(table).predict(Scene.from_array(cube, FULL), None, classes)
    assert accuracy(probabilities[:, 8:], np.repeat([1, 2], 8)[None].repeat(20, axis=0)) == 1


def test_dark_water_is_water_and_not_the_next_dark_thing(table: ConceptTable) -> None:
    cube, truth = striped(table, FULL, ["water", "tree", "asphalt", "burnt area", "bare soil"])
    cube[truth == 1] = 0.4 * cube[truth == 1] + 0.02  # deep, and with what the air leaves on it
    classes = ClassList.parse(["Water", "Trees", "Road", "Fire scar", "Bare soil"])
    found = teacher(table).predict(Scene.from_array(cube, FULL), None, classes)
    assert accuracy(found, np.where(truth == 1, 1, 0)) > 0.9


@pytest.mark.parametrize("name", ["Background", "other", "0 Unclassified", "None of the above", "void"])
@pytest.mark.parametrize("first", [True, False])
def test_a_rest_class_takes_nothing_that_a_name_explains(table: ConceptTable, name: str, first: bool) -> None:
    cube, truth = striped(table, FULL, ["water", "grass", "bare soil", "asphalt"])
    classes = ClassList.parse([name, *NAMES] if first else [*NAMES, name])
    found = teacher(table).predict(Scene.from_array(cube, FULL), None, classes)
    assert accuracy(found, truth + first) > 0.95


@pytest.mark.parametrize("names", ["first", "last", "numbered"])
def test_a_public_report_of_a_rest_class_that_took_the_water(table: ConceptTable, shared: Path, names: str) -> None:
    case = shared / "cases" / "background-class"
    classes = ClassList.read(case / f"{names}.txt")
    found = teacher(table).predict(open_scene(case / "scene.hdr"), None, classes)
    truth = np.load(case / "truth.npy") + (names != "last")
    assert accuracy(found, truth) > 0.95


def test_sharpness_changes_how_sure_a_map_is_and_no_label(table: ConceptTable) -> None:
    cube, _ = striped(table, VNIR, ["water", "grass", "bare soil", "asphalt"])
    scene, classes = Scene.from_array(cube, VNIR), ClassList.parse(NAMES)
    plain, soft = (teacher(table, sharpness=s).predict(scene, None, classes) for s in (1.0, 0.5))
    np.testing.assert_array_equal(soft.argmax(axis=-1), plain.argmax(axis=-1))
    assert soft.max(axis=-1).mean() < plain.max(axis=-1).mean() - 0.01
    np.testing.assert_allclose(soft.sum(axis=-1), 1, rtol=1e-5)


def test_the_names_of_a_list_are_read_once(table: ConceptTable, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = teacher(table)
    encoder, texts = asked.encoder, []
    monkeypatch.setattr(encoder, "encode", lambda batch, real=encoder.encode: texts.append(len(batch)) or real(batch))
    names = [*NAMES, "Romaine salad leaves"]  # of which the table has not the words: the encoder is asked
    classes = ClassList.parse(names)
    asked.understood(classes)
    before = len(texts)
    asked.confused_pairs(classes, VNIR)
    assert len(texts) == before > 0
    asked.understood(ClassList.parse([*names, "Trees"]))
    assert len(texts) > before


def test_probabilities_sum_to_one_where_valid_and_are_zero_elsewhere(table: ConceptTable) -> None:
    cube, _ = striped(table, VNIR, ["water", "grass"])
    cube[3, 4] = np.nan
    probabilities = teacher(table).predict(Scene.from_array(cube, VNIR), None, ClassList.parse(["Water", "Grass"]))
    assert probabilities.dtype == np.float32
    assert not probabilities[3, 4].any()
    sums = probabilities.sum(axis=-1)
    np.testing.assert_allclose(np.delete(sums.ravel(), 3 * 16 + 4), 1, rtol=1e-5)


def test_the_order_of_the_class_list_only_orders_the_answer(table: ConceptTable) -> None:
    cube, _ = striped(table, VNIR, ["water", "grass", "bare soil"])
    scene = Scene.from_array(cube, VNIR)
    there = teacher(table).predict(scene, None, ClassList.parse(["Water", "Grass", "Bare soil"]))
    back = teacher(table).predict(scene, None, ClassList.parse(["Bare soil", "Grass", "Water"]))
    np.testing.assert_allclose(there, back[..., ::-1], atol=1e-5)


def test_the_same_seed_gives_the_same_bits(table: ConceptTable) -> None:
    cube, _ = striped(table, VNIR, ["water", "grass"])
    scene, classes = Scene.from_array(cube, VNIR), ClassList.parse(["Water", "Grass"])
    np.testing.assert_array_equal(
        teacher(table).predict(scene, None, classes), teacher(table).predict(scene, None, classes)
    )


def test_a_users_concept_is_found_in_the_scene(table: ConceptTable, tmp_path: Path) -> None:
    grid = table.wavelengths
    percent = 20 + 60 * np.exp(-(((grid - 700) / 60) ** 2))
    (tmp_path / "mine.toml").write_text(
        f"wavelengths = {grid.tolist()}\n[[concept]]\nname = 'glowmoss'\nsentence = 'A moss that glows deep red.'\n"
        f"source = 'made up'\nlevel_sd = 0.2\nshape_sd = 0.1\nvariants = [{{ percent = {percent.tolist()} }}]\n"
    )
    extended = load_concepts([tmp_path / "mine.toml"])
    cube, truth = striped(extended, VNIR, ["glowmoss", "grass", "bare soil"])
    classes = ClassList.parse(["Glowmoss", "Grass", "Bare soil"])
    assert accuracy(teacher(extended).predict(Scene.from_array(cube, VNIR), None, classes), truth) > 0.95


def test_a_class_called_other_takes_what_no_name_explains(table: ConceptTable) -> None:
    cube, truth = striped(table, FULL, ["water", "grass", "snow"])
    classes = ClassList.parse(["Water", "Grass", "Other"])
    assert accuracy(teacher(table).predict(Scene.from_array(cube, FULL), None, classes), truth) > 0.9


def test_stages_of_growth_come_out_in_order(table: ConceptTable) -> None:
    lettuce = table.concepts["lettuce"].variants[0]
    assert lettuce.canopy is not None and lettuce.ground is not None
    covers = [0.05, 0.3, 0.8]
    spectra = [table.resample(f * lettuce.canopy + (1 - f) * lettuce.ground, FULL) for f in covers]
    cube = np.repeat(np.stack(spectra), 10, axis=0)[None].repeat(20, axis=0).astype(np.float32)
    cube *= np.exp(0.03 * np.random.default_rng(0).standard_normal((20, 30, 1)))
    truth = np.repeat([3, 1, 2], 10)[None].repeat(20, axis=0)
    classes = ClassList.parse(["Lettuce 5wk", "Lettuce 7wk", "Lettuce 4wk"])
    assert accuracy(teacher(table).predict(Scene.from_array(cube, FULL), None, classes), truth) > 0.95


def test_a_crop_too_young_to_cover_the_ground_is_not_taken_for_a_closed_canopy(table: ConceptTable) -> None:
    """A closed canopy halfway between broccoli's and lettuce's would be taken for lettuce of any age."""
    canopies = [table.concepts[name].variants[0].canopy for name in ("lettuce", "broccoli")]
    between = np.exp(np.mean([np.log(canopy) for canopy in canopies if canopy is not None], axis=0))
    centres = Regions.of(FULL, through_air=False).centres
    pixel = log_reflectance(table.resample(between, centres))[None]

    def lead(*names: str) -> float:
        readings = read_names(ClassList.parse(names), table, default_encoder())
        spectra = expected_spectra(readings, table, -3.0)
        likelihood = SpectralLikelihood(spectra, table, centres, UncertaintySettings(0.15, 0.1, 0.03, 0.0, 10.0, 0.5))
        densities = likelihood.per_class(likelihood.per_spectrum(pixel), len(names))[0]
        return float(densities[1] - densities[0])

    assert lead("Broccoli", "Lettuce 4wk", "Lettuce 3wk") < 0 < lead("Broccoli", "Lettuce 9wk", "Lettuce 8wk")


def test_any_cover_up_to_a_crops_age_is_equally_likely_and_more_is_less(table: ConceptTable) -> None:
    readings = read_names(ClassList.parse(["Corn 4 weeks", "Water", "Corn"]), table, default_encoder())
    spectra = expected_spectra(readings, table, -3.0)
    young, any_age = ([s for s in spectra if s.class_index == k] for k in (0, 2))
    ndvi = [(s.reflectance[12] - s.reflectance[7]) / (s.reflectance[12] + s.reflectance[7]) for s in young]
    by_cover = [young[i].log_weight for i in np.argsort(ndvi)]
    assert by_cover[0] == 0 and by_cover[-1] < -2
    assert {s.log_weight for s in any_age} == {0.0}
    assert len(young) == len(any_age)


def test_a_whole_cover_is_as_little_likely_of_a_young_crop_as_nearly_all(table: ConceptTable) -> None:
    """Broccoli's closed canopy is one spectrum, whatever lies below it."""
    readings = read_names(ClassList.parse(["Broccoli 2 weeks", "Water"]), table, default_encoder())
    spectra = [s for s in expected_spectra(readings, table, -3.0) if s.class_index == 0]
    assert all(s.log_weight < -3 for s in spectra)


def density_of_pavement(table: ConceptTable, breadth: float, *, copies: int = 1, first_only: bool = False) -> float:
    """Log density of the first pavement under its class, of which every spectrum stands there ``copies`` times."""
    classes = ClassList.parse(["Water", "Pavement"])
    spectra = expected_spectra(read_names(classes, table, default_encoder()), table, -3.0)
    pavements = [s for s in spectra if s.class_index == 1]
    kept = [s for s in spectra if s.class_index == 0] + (pavements[:1] if first_only else pavements) * copies
    centres = Regions.of(FULL, through_air=False).centres
    likelihood = SpectralLikelihood(kept, table, centres, UncertaintySettings(0.15, 0.1, 0.03, 0.0, 4.0, breadth))
    pixel = log_reflectance(table.resample(pavements[0].reflectance, centres))[None]
    return float(likelihood.per_class(likelihood.per_spectrum(pixel), 2)[0, 1])


def test_a_class_pays_for_the_distinct_spectra_that_it_may_show(table: ConceptTable) -> None:
    free, paid = density_of_pavement(table, 0.0), density_of_pavement(table, 1.0)
    assert free == pytest.approx(density_of_pavement(table, 0.0, first_only=True))
    assert 0.3 < free - paid < np.log(5)


def test_the_same_spectrum_twice_is_not_paid_for_twice(table: ConceptTable) -> None:
    once, twice = density_of_pavement(table, 1.0), density_of_pavement(table, 1.0, copies=2)
    assert twice == pytest.approx(once)


def test_classes_that_are_not_in_the_scene_end_with_no_pixel_and_one_that_is_nearly_all_of_it_stays_so(
    table: ConceptTable,
) -> None:
    names = ["Soil", "Water", "Snow", "Solar panel", "Red roof tiles", "Tree"]
    soil, water = (
        table.resample(table.concepts[name].variants[0].reflectance, FULL) for name in ("bare soil", "water")
    )
    cube = np.tile(soil, (30, 40, 1))
    cube[:, :4] = water
    cube *= np.exp(0.05 * np.random.default_rng(0).standard_normal((30, 40, 1)))
    scene = Scene.from_array(cube.astype(np.float32), FULL)
    named = teacher(table).predict(scene, None, ClassList.parse(names)).argmax(axis=-1)
    assert np.bincount(named.ravel(), minlength=6).tolist() == [30 * 36, 30 * 4, 0, 0, 0, 0]


def test_brightness_alone_moves_a_pixel_less_than_shape(table: ConceptTable) -> None:
    classes = ClassList.parse(["Grass", "Water"])
    spectra = expected_spectra(read_names(classes, table, default_encoder()), table, -3.0)
    centres = Regions.of(FULL, through_air=False).centres
    likelihood = SpectralLikelihood(spectra, table, centres, UncertaintySettings(0.15, 0.1, 0.03, 0.0, 4.0, 0.5))
    grass = table.resample(table.concepts["grass"].variants[1].reflectance, centres)
    shaded, flat = grass * 0.7, np.full_like(grass, grass.mean())
    densities = likelihood.per_class(likelihood.per_spectrum(log_reflectance(np.stack([shaded, flat]))), 2)
    assert densities[0, 0] > densities[1, 0]


def test_the_scale_is_integrated_out_and_the_likeliest_is_near_the_truth(table: ConceptTable) -> None:
    cube, _ = striped(table, FULL, ["water", "grass", "bare soil", "concrete"])
    spectra = cube.reshape(-1, len(FULL)).astype(np.float64)
    conversion = calibration.convert(spectra, FULL, known_reflectance=True)
    classes = ClassList.parse(["Water", "Grass", "Bare soil", "Concrete"])
    expected = expected_spectra(read_names(classes, table, default_encoder()), table, -3.0)
    built = teacher(table).settings
    likelihood = SpectralLikelihood(expected, table, conversion.regions.centres, built.uncertainty)
    found = calibration.calibrations(conversion.apply(spectra)[::3], conversion, likelihood, built.calibration)
    assert sum(c.weight for c in found) == pytest.approx(1)
    assert len(found) > 1
    assert abs(found[0].gain.mean()) < 0.35


def test_a_way_to_read_a_scene_in_which_a_named_class_is_nowhere_counts_less(table: ConceptTable) -> None:
    names = ["asphalt", "bare soil", "concrete"]
    cube, truth = striped(table, FULL, names)
    scene, classes = Scene.from_array(np.float32(1.8) * cube, FULL), ClassList.parse(names)

    def agreement(presence: float) -> float:
        return accuracy(teacher(table, calibration_presence=presence).predict(scene, None, classes), truth)

    assert agreement(0.0) < 0.8
    assert agreement(0.0) + 0.1 < agreement(6.0) < agreement(15.0)
    assert agreement(15.0) > 0.95


def test_what_is_wrong_with_all_plants_is_taken_off_plants_alone(table: ConceptTable) -> None:
    names = ["tree", "grass", "bare soil", "asphalt"]
    cube, _ = striped(table, FULL, names)
    drier = np.exp(0.3 * np.clip((FULL - 1300) / 300, 0, 1))
    cube[:, :16] *= drier
    spectra = cube.reshape(-1, len(FULL)).astype(np.float64)
    conversion = calibration.convert(spectra, FULL, known_reflectance=True)
    expected = expected_spectra(read_names(ClassList.parse(names), table, default_encoder()), table, -3.0)
    built = teacher(table).settings
    likelihood = SpectralLikelihood(expected, table, conversion.regions.centres, built.uncertainty)
    found = calibration.calibrations(conversion.apply(spectra)[::3], conversion, likelihood, built.calibration)[0]
    far, near = conversion.regions.centres > 1600, conversion.regions.centres < 1300
    bends = found.shifts[:, far].mean(axis=1) - found.shifts[:, near].mean(axis=1)
    assert bends[GREEN] > 0.08
    assert abs(bends[GROUND]) < 0.03
    assert bends[ALONE] == 0


def test_what_less_chlorophyll_does_is_what_prosail_says() -> None:
    prosail = pytest.importorskip("prosail")

    def canopy(chlorophyll: float) -> np.ndarray:
        geometry = {"lidfa": -0.35, "hspot": 0.05, "tts": 35.0, "tto": 0.0, "psi": 90.0}
        soil = {"rsoil": 1.0, "psoil": 0.5}
        return prosail.run_prosail(1.5, chlorophyll, 8.0, 0.0, 0.012, 0.007, 3.0, **geometry, **soil)

    change = log_reflectance(canopy(25.0)) - log_reflectance(canopy(60.0))
    wavelengths, table = map(np.array, calibration.CHLOROPHYLL)
    np.testing.assert_allclose(change[wavelengths - 400], table, atol=0.006)
    between = np.interp(np.arange(400, 2501), wavelengths, table)
    assert np.abs(change - between)[:380].mean() < 0.02
    np.testing.assert_allclose(change[400:], 0, atol=0.01)


def test_how_much_chlorophyll_the_plants_have_is_taken_off_plants_alone(table: ConceptTable) -> None:
    names = ["tree", "grass", "bare soil", "asphalt"]
    cube, _ = striped(table, FULL, names)
    cube[:, :16] *= np.exp(0.6 * np.interp(FULL, *calibration.CHLOROPHYLL))
    spectra = cube.reshape(-1, len(FULL)).astype(np.float64)
    conversion = calibration.convert(spectra, FULL, known_reflectance=True)
    expected = expected_spectra(read_names(ClassList.parse(names), table, default_encoder()), table, -3.0)
    green = (conversion.regions.centres > 540) & (conversion.regions.centres < 630)
    infrared = (conversion.regions.centres > 800) & (conversion.regions.centres < 1300)

    def bends(**changes: float) -> np.ndarray:
        built = teacher(table, **changes).settings
        likelihood = SpectralLikelihood(expected, table, conversion.regions.centres, built.uncertainty)
        found = calibration.calibrations(conversion.apply(spectra)[::3], conversion, likelihood, built.calibration)[0]
        return found.shifts[:, green].mean(axis=1) - found.shifts[:, infrared].mean(axis=1)

    assert bends()[GREEN] > 0.15
    assert abs(bends()[GROUND]) < 0.03
    assert bends()[GREEN] > bends(shared_chlorophyll_sd=0.0)[GREEN] + 0.05


def test_a_canopy_that_hides_the_ground_is_one_spectrum_whatever_the_soil(table: ConceptTable) -> None:
    expected = expected_spectra(read_names(ClassList.parse(["Grass", "Water"]), table, default_encoder()), table, -3.0)
    spectra = [s.reflectance.tobytes() for s in expected if s.class_index == 0]
    assert len(spectra) == len(set(spectra)) == 1 + len(table.concepts["bare soil"].variants)


@pytest.mark.parametrize(
    ("red", "infrared", "kind"), [(0.05, 0.4, GREEN), (0.2, 0.3, GROUND), (0.02, 0.01, ALONE), (0.18, 0.4, GROUND)]
)
def test_only_like_spectra_share_their_errors(red: float, infrared: float, kind: int) -> None:
    assert kinds(np.array([red]), np.array([infrared])).tolist() == [kind]


def test_a_crop_that_is_called_by_its_tillage_hardly_covers_the_ground(table: ConceptTable) -> None:
    classes = ClassList.parse(["Corn", "Corn-notill"])
    expected = expected_spectra(read_names(classes, table, default_encoder()), table, -3.0)
    red, infrared = table.resample(np.stack([e.reflectance for e in expected]), np.array([660.0, 860.0])).T
    greenest = [max((infrared - red)[[e.class_index == k for e in expected]]) for k in range(2)]
    assert greenest[0] > 0.35
    assert greenest[1] < 0.25


def test_tillage_takes_away_no_variant_that_differs_in_more_than_cover(table: ConceptTable) -> None:
    """Cereal is green or ripening; fallow is soil, soil with residue or soil with weeds, and none of them a canopy."""
    classes = ClassList.parse(["Wheat-notill", "Corn-notill", "Fallow mintill", "Water"])
    expected = expected_spectra(read_names(classes, table, default_encoder()), table, -3.0)
    cereal, corn, fallow, _ = (sum(e.class_index == k for e in expected) for k in range(4))
    assert cereal == 2 * corn
    assert fallow == len(table.concepts["fallow"].variants)


def test_a_name_of_two_parts_may_be_every_variant_of_each(table: ConceptTable) -> None:
    expected = expected_spectra(
        read_names(ClassList.parse(["Grass-trees", "Water"]), table, default_encoder()), table, -3.0
    )
    parts = [v for name in ("grass", "tree") for v in table.concepts[name].variants]
    assert sum(e.class_index == 0 for e in expected) == 1 + len(parts)


def test_reflectance_is_not_taken_for_radiance(table: ConceptTable) -> None:
    cube, _ = striped(table, FULL, ["grass", "bare soil", "asphalt"])
    assert not calibration.is_radiance(cube.reshape(-1, len(FULL)), FULL)


@pytest.mark.parametrize("kind", ["to 1000 nm", "a band every 40 nm"])
@pytest.mark.parametrize(("name", "radiance"), [("salinasA", True), ("indian_subset", True), ("jasper", False)])
def test_a_sensor_that_sees_less_tells_radiance_as_well(shared: Path, name: str, radiance: bool, kind: str) -> None:
    folder = shared / "scenes" / name
    scene = open_scene(folder / f"{name}.mat", wavelengths=folder / "wavelengths.csv")
    kept = scene.wavelengths < 1000 if kind == "to 1000 nm" else np.arange(len(scene.wavelengths)) % 4 == 0
    spectra = scene.read().reshape(-1, len(kept))[::7, kept]
    assert calibration.is_radiance(spectra, scene.wavelengths[kept]) == radiance


@pytest.mark.parametrize(("low", "high"), [(840, 1000), (925, 1100), (730, 770), (1040, 1160)])
def test_one_band_of_the_air_with_one_shoulder_tells_radiance(table: ConceptTable, low: int, high: int) -> None:
    wavelengths = np.arange(low, high, 10, dtype=float)
    cube, _ = striped(table, wavelengths, ["grass", "bare soil", "asphalt"])
    air = 1 - sum(0.6 * np.exp(-(((wavelengths - nm) / 15) ** 2)) for nm in (760, 945, 1130))
    assert calibration.is_radiance((cube * air).reshape(-1, len(wavelengths)), wavelengths)
    assert not calibration.is_radiance(cube.reshape(-1, len(wavelengths)), wavelengths)


def test_water_that_is_dark_beyond_900_nm_is_not_radiance(table: ConceptTable) -> None:
    wavelengths = FULL[FULL < 1000]
    cube, _ = striped(table, wavelengths, ["water", "water", "grass"])
    cube[:, :16] *= np.where(wavelengths > 900, 0.5, 1.0)
    assert not calibration.is_radiance(cube.reshape(-1, len(wavelengths)), wavelengths)


def test_regions_leave_out_where_water_vapour_hides_the_ground() -> None:
    centres = Regions.of(FULL, through_air=True).centres
    assert not np.any((centres > 1340) & (centres < 1480))
    assert not np.any((centres > 1800) & (centres < 2010))
    assert not np.any((centres > 930) & (centres < 970))


def test_a_handful_of_bands_is_enough_to_make_regions() -> None:
    regions = Regions.of(np.array([450.0, 560.0, 660.0, 865.0]), through_air=False)
    np.testing.assert_allclose(regions.average(np.array([[1.0, 2, 3, 4]])), [[1, 2, 3, 4]])


def test_clusters_outvote_a_stray_pixel() -> None:
    rng = np.random.default_rng(0)
    logs = np.concatenate([rng.normal(0, 0.01, (200, 5)), rng.normal(1, 0.01, (200, 5))])
    alone = np.repeat([[0.9, 0.1], [0.1, 0.9]], 200, axis=0)
    alone[7] = [0.2, 0.8]
    clusterings = Clusterings(logs, 2, [1, 2], whitening=0.5, seed=0)
    clusters = clusterings.assign(logs)
    clusterings.learn(clusters, alone)
    named = clusterings.name(clusters)
    assert named[7].argmax() == 0


def materials_in_light_and_shade() -> np.ndarray:
    """Log reflectance (400, 12) of two materials, 200 pixels each, that differ by less than their lighting."""
    rng = np.random.default_rng(0)
    shape = np.linspace(-0.2, 0.2, 12)
    logs = np.concatenate([np.tile(shape, (200, 1)), np.tile(-shape, (200, 1))])
    return logs + rng.normal(0, 1, (400, 1)) + rng.normal(0, 0.02, logs.shape)


def test_whitening_tells_materials_apart_that_light_and_shade_hide() -> None:
    logs = materials_in_light_and_shade()

    def separated(whitening: float) -> float:
        found = Clusterings(logs, 2, [1], whitening=whitening, seed=0).assign(logs)[:, 0]
        share = np.mean(found == np.repeat([0, 1], 200))
        return max(share, 1 - share)

    assert separated(0.0) < 0.6
    assert separated(1.0) == 1


def test_whitening_takes_roots_of_the_variances_or_makes_them_alike() -> None:
    logs = np.random.default_rng(0).normal(size=(400, 4)) * [1, 0.5, 0.2, 0.1]
    spreads = {share: (logs @ whitened_axes(logs, share)).std(axis=0) for share in (0.0, 0.5, 1.0)}
    np.testing.assert_allclose(spreads[0.5], np.sqrt(spreads[0.0] * spreads[0.0][0]), rtol=1e-6)
    np.testing.assert_allclose(spreads[1.0], spreads[0.0][0], rtol=1e-6)
    apart = pdist(logs @ whitened_axes(logs, 0.0))
    np.testing.assert_allclose(apart, pdist(logs), rtol=1e-6)


def test_the_teacher_whitens_as_its_setting_says(table: ConceptTable) -> None:
    cube, _ = striped(table, VNIR, ["grass", "bare soil", "asphalt"])
    cube *= np.exp(np.random.default_rng(1).normal(0, 0.5, (*cube.shape[:2], 1))).astype(np.float32)
    scene, classes = Scene.from_array(cube, VNIR), ClassList.parse(["Grass", "Bare soil", "Asphalt"])
    none, all_alike = (
        np.asarray(teacher(table, cluster_whitening=whitening).predict(scene, None, classes))
        for whitening in (0.0, 1.0)
    )
    assert np.abs(none - all_alike).max() > 0.05


def test_noise_is_not_whitened_to_the_size_of_what_spectra_show() -> None:
    logs = np.random.default_rng(0).normal(size=(400, 14)) * np.repeat([1, 1e-5], [1, 13])
    axes = whitened_axes(logs, 1.0)
    assert axes.shape == (14, COMPONENTS)
    spreads = (logs @ axes).std(axis=0)
    assert spreads[0] == pytest.approx(logs.std(axis=0)[0], rel=1e-3)
    assert np.all(spreads[1:] < 0.01)


@pytest.mark.parametrize("pixels", [1, 50])
def test_a_scene_of_one_colour_is_one_cluster(pixels: int) -> None:
    logs = np.full((pixels, 6), -1.5, np.float32)
    found = Clusterings(logs, 3, [2, 4], whitening=0.7, seed=0)
    assert np.ptp(found.assign(logs), axis=0).tolist() == [0, 0]


def test_a_series_keeps_its_total_probability() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([450.0, 550.0, 660.0, 850.0])
    logs = rng.normal(size=(300, 4))
    probabilities = softmax(rng.normal(size=(300, 3)) + np.array([2, 0, 0]))
    shared = GrowthStages(logs, centres, [2, 0], seed=0).share(logs, probabilities)
    np.testing.assert_allclose(shared[:, [0, 2]].sum(axis=1), probabilities[:, [0, 2]].sum(axis=1))
    np.testing.assert_array_equal(shared[:, 1], probabilities[:, 1])


def test_a_scene_read_by_many_windows_into_files_is_named_as_one_read_at_once(
    table: ConceptTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cube, _ = striped(table, FULL, ["lettuce", "bare soil", "water"])
    cube[:, :8] *= np.linspace(0.7, 1.4, 8)[:, None] ** np.linspace(-1, 1, len(FULL))
    cube[2:6] = np.nan  # more than a window of rows without a valid pixel
    cube[9, 4] = np.nan
    scene = Scene.from_array(cube, FULL)
    classes = ClassList.parse(["Lettuce 4wk", "Lettuce 7wk", "Bare soil", "Water"])
    made = teacher(table, cluster_pixels=150)
    whole = made.predict(scene, None, classes)
    monkeypatch.setattr(pixels, "PIXELS", 3 * cube.shape[1])
    assert len(list(pixels.windows(scene))) > 3
    parts = made.predict(scene, None, classes, scratch=ScratchSpace(tmp_path, most=0))
    assert isinstance(parts, Raster)
    assert set(np.asarray(whole).argmax(axis=-1)[scene.valid]) == {0, 1, 2, 3}
    np.testing.assert_allclose(parts, whole, atol=1e-6)


@pytest.mark.parametrize("count", [1, 7, 30])
def test_a_sample_of_spectra_is_the_same_however_the_scene_is_read(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cube = np.arange(8 * 3 * 2, dtype=np.float32).reshape(8, 3, 2) + 1
    cube[3] = np.nan
    scene = Scene.from_array(cube, [500.0, 600.0])
    whole = pixels.sample_spectra(scene, count)
    assert len(whole) == min(count, 21)
    monkeypatch.setattr(pixels, "PIXELS", 3)
    np.testing.assert_array_equal(pixels.sample_spectra(scene, count), whole)


def test_series_are_found_in_the_order_of_growth(table: ConceptTable) -> None:
    classes = ClassList.parse(["Corn 8 weeks", "Water", "Corn 2 weeks"])
    assert series_of(read_names(classes, table, default_encoder())) == [[2, 0]]


@pytest.mark.parametrize("name", ["samson", "jasper"])
def test_real_scenes_are_named_without_a_label(table: ConceptTable, shared: Path, name: str) -> None:
    folder = shared / "scenes" / name
    scene = open_scene(folder / f"{name}.mat", wavelengths=folder / "wavelengths.csv")
    truth = read_truth(folder / f"{name}_gt.mat", scene.shape[:2])
    classes = ClassList.read(folder / "classes.txt")
    assert accuracy(teacher(table).predict(scene, None, classes), truth) > 0.85
