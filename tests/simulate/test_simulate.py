"""Simulated scenes: deterministic, physically plausible, with a truth that fits."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from special.errors import SceneError, SettingsError
from special.scene import open_scene
from special.simulate import MATERIALS, simulate, spectrum, write_scene

NM = np.arange(400.0, 2451.0, 5.0)


def mean_spectrum(material: str) -> np.ndarray:
    return np.mean([spectrum(material, NM, np.random.default_rng(seed)) for seed in range(20)], axis=0)


def at(values: np.ndarray, nm: float) -> float:
    return float(np.interp(nm, NM, values))


@pytest.mark.parametrize("material", MATERIALS)
def test_every_material_reflects_between_nothing_and_everything(material: str) -> None:
    for seed in range(20):
        values = spectrum(material, NM, np.random.default_rng(seed))
        assert values.shape == NM.shape and values.min() >= 0.001 and values.max() <= 1
    assert np.abs(np.diff(mean_spectrum(material))).max() < 0.06, "no real material jumps within 5 nm"


@pytest.mark.parametrize("material", MATERIALS)
def test_samples_of_a_material_differ(material: str) -> None:
    first, second = (spectrum(material, NM, np.random.default_rng(seed)) for seed in range(2))
    assert np.abs(first - second).max() > 0.005


@pytest.mark.parametrize("material", ["trees", "grass"])
def test_plants_are_green_have_a_red_edge_and_hold_water(material: str) -> None:
    plant = mean_spectrum(material)
    assert at(plant, 550) > 1.3 * at(plant, 670) and at(plant, 550) > 1.3 * at(plant, 480)
    assert at(plant, 800) > 5 * at(plant, 670)
    assert at(plant, 970) < at(plant, 900) and at(plant, 1450) < 0.7 * at(plant, 1650)


def test_dry_grass_has_no_red_edge_but_cellulose() -> None:
    dry = mean_spectrum("dry grass")
    assert at(dry, 800) < 2.5 * at(dry, 670)
    assert at(dry, 2100) < 0.95 * (at(dry, 2010) + at(dry, 2210)) / 2 + 0.01


def test_water_is_dark_beyond_the_visible() -> None:
    water = mean_spectrum("water")
    assert at(water, 550) > at(water, 700) > at(water, 900) and water[NM > 900].max() < 0.03


def test_soil_rises_and_shows_its_clay() -> None:
    soil = mean_spectrum("bare soil")
    assert at(soil, 450) < at(soil, 650) < at(soil, 850) < at(soil, 1250)
    assert at(soil, 2205) < (at(soil, 2130) + at(soil, 2280)) / 2


def test_snow_is_bright_in_the_visible_and_dark_at_1500_nm() -> None:
    snow = mean_spectrum("snow")
    assert snow[NM < 700].min() > 0.85 and at(snow, 1500) < 0.2


def test_a_material_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(SettingsError, match="cannot simulate 'lava': choose from trees, grass"):
        spectrum("lava", NM, np.random.default_rng(0))


def test_equal_arguments_give_equal_scenes_and_another_seed_another() -> None:
    first, again, other = (simulate(20, 30, 12, 4, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.cube, again.cube)
    np.testing.assert_array_equal(first.truth, again.truth)
    assert (first.truth != other.truth).any() and (first.cube != other.cube).any()


def test_the_blocks_that_a_scene_is_made_in_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulate(20, 30, 12, 4, 5)
    monkeypatch.setattr("special.simulate.scene._BLOCK", 3 * 30 * 12)
    np.testing.assert_array_equal(simulate(20, 30, 12, 4, 5).cube, whole.cube)


def test_a_scene_has_the_size_the_bands_and_the_classes_asked_for() -> None:
    scene = simulate(40, 50, 60, ["water", "sand", "trees"], 1, range_nm=(430, 860))
    assert scene.cube.shape == (40, 50, 60) and scene.cube.dtype == np.float32
    assert (scene.wavelengths[0], scene.wavelengths[-1]) == (430, 860)
    assert scene.names == ("water", "sand", "trees") and set(np.unique(scene.truth)) == {1, 2, 3}
    assert np.isfinite(scene.cube).all() and scene.good_bands.all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 40, 3), (40, 1, 3), (3, 2, 5)])
def test_any_size_works(shape: tuple[int, int, int]) -> None:
    scene = simulate(*shape, 4, 0)
    assert scene.cube.shape == shape and np.isfinite(scene.cube).all() and scene.truth.min() >= 1


def test_every_class_is_there_whatever_the_seed() -> None:
    for seed in range(10):
        assert set(np.unique(simulate(64, 64, 2, 11, seed).truth)) == set(range(1, 12))


def test_pixels_look_like_the_material_that_the_truth_names() -> None:
    scene = simulate(60, 60, 80, 6, 3, noise=0.0)
    ideal = [spectrum(name, scene.wavelengths, np.random.default_rng(s)) for name in scene.names for s in range(10)]
    shown, known = scene.cube[..., scene.good_bands].reshape(-1, scene.good_bands.sum()), np.array(ideal)

    def direction(values: np.ndarray) -> np.ndarray:
        return values / np.linalg.norm(values, axis=1, keepdims=True)

    nearest = (direction(shown) @ direction(known[:, scene.good_bands]).T).argmax(axis=1) // 10 + 1
    assert (nearest == scene.truth.ravel()).mean() > 0.9


def test_neighbours_are_mostly_of_one_class() -> None:
    truth = simulate(60, 60, 2, 6, 0).truth
    assert (truth[1:] == truth[:-1]).mean() > 0.85 and (truth[:, 1:] == truth[:, :-1]).mean() > 0.85


def test_pixels_at_a_border_are_mixed() -> None:
    scene = simulate(80, 80, 30, ["water", "snow"], 2, range_nm=(450, 800), noise=0.0)
    bright = scene.cube.mean(axis=-1)
    between = (bright > 0.25) & (bright < 0.6)
    inside = np.ones_like(between)
    for axis in (0, 1):
        for step in (1, -1):
            inside &= np.roll(scene.truth, step, axis) == scene.truth
    assert between.sum() > 20 and not (between & inside)[1:-1, 1:-1].any()


def test_noise_grows_where_there_is_little_light() -> None:
    clean, noisy = (simulate(40, 40, 100, 3, 0, noise=noise).cube for noise in (0.0, 0.01))
    spread = (noisy - clean).std(axis=(0, 1))
    nm = simulate(1, 1, 100, 3, 0).wavelengths
    assert spread[np.argmin(abs(nm - 2200))] > 2 * spread[np.argmin(abs(nm - 600))] > 0


def test_the_edge_without_data_is_nan_and_has_no_truth() -> None:
    scene = simulate(30, 40, 10, 3, 0, nodata=0.2)
    empty = np.isnan(scene.cube)
    np.testing.assert_array_equal(empty.any(axis=-1), empty.all(axis=-1))
    np.testing.assert_array_equal(empty[..., 0], scene.truth == 0)
    assert 0.1 < empty.mean() < 0.3


def test_radiance_follows_the_sun_and_the_air() -> None:
    scene = simulate(30, 30, 205, ["concrete"], 0, kind="radiance")
    bright = scene.cube.mean(axis=(0, 1))
    nm = scene.wavelengths
    assert at_nm(bright, nm, 2200) < 0.2 * at_nm(bright, nm, 550)
    assert at_nm(bright, nm, 940) < 0.8 * at_nm(bright, nm, 870)
    assert at_nm(bright, nm, 1380) < 0.05 * bright.max()
    assert not scene.good_bands[np.argmin(abs(nm - 1380))] and scene.good_bands[np.argmin(abs(nm - 1650))]


def at_nm(values: np.ndarray, wavelengths: np.ndarray, nm: float) -> float:
    return float(values[np.argmin(abs(wavelengths - nm))])


def test_raw_numbers_are_whole_and_have_an_offset() -> None:
    cube = simulate(20, 20, 40, 3, 0, kind="raw").cube
    np.testing.assert_array_equal(cube, np.rint(cube))
    assert cube.min() > 50 and 1000 < cube.max() <= 16383


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        ((0, 5, 5, 3), {}, "cannot simulate 0 x 5 x 5"),
        ((5, 5, 5, 0), {}, "cannot simulate 0 classes: from 1 to 11"),
        ((5, 5, 5, 12), {}, "cannot simulate 12 classes"),
        ((5, 5, 5, ["lava"]), {}, "cannot simulate 'lava'"),
        ((5, 5, 5, ["water", "water"]), {}, "each once"),
        ((5, 5, 5, 3), {"kind": "thermal"}, "cannot simulate 'thermal': choose from reflectance, radiance, raw"),
        ((5, 5, 5, 3), {"nodata": 1.0}, "nodata is 1.0"),
    ],
)
def test_what_cannot_be_simulated_is_explained(arguments: tuple, options: dict, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        simulate(*arguments, 0, **options)
    assert said in str(error.value)


@pytest.mark.parametrize(("kind", "close"), [("reflectance", 5.1e-5), ("radiance", 0), ("raw", 0)])
def test_a_written_scene_reads_back(tmp_path: Path, kind: str, close: float) -> None:
    made = simulate(20, 25, 60, 4, 0, kind=kind, nodata=0.2)
    files = write_scene(tmp_path / "scene", made)
    scene = open_scene(files.scene)
    np.testing.assert_array_equal(scene.valid, made.truth > 0)
    np.testing.assert_allclose(scene.wavelengths, made.wavelengths[made.good_bands], atol=0.001)
    np.testing.assert_allclose(scene.read(), made.cube[..., made.good_bands], atol=close)
    np.testing.assert_array_equal(np.load(files.truth), made.truth)
    assert files.classes.read_text(encoding="utf-8").split("\n")[:4] == list(made.names)
    other = open_scene(files.scene.with_suffix(".img"), wavelengths=files.wavelengths)
    np.testing.assert_allclose(other.wavelengths, scene.wavelengths)


def test_a_scene_is_written_once(tmp_path: Path) -> None:
    files = write_scene(tmp_path, simulate(5, 6, 10, 3, 0))
    before = {name: path.stat().st_mtime_ns for name, path in asdict(files).items()}
    write_scene(tmp_path, simulate(5, 6, 10, 3, 0))
    assert {name: path.stat().st_mtime_ns for name, path in asdict(files).items()} == before


def test_another_scene_is_not_overwritten(tmp_path: Path) -> None:
    files = write_scene(tmp_path, simulate(5, 6, 10, 3, 0))
    before = files.scene.with_suffix(".img").read_bytes()
    with pytest.raises(SceneError, match=r"holds 'scene\.img', which is not of this scene: name another folder"):
        write_scene(tmp_path, simulate(5, 6, 10, 3, 1))
    assert files.scene.with_suffix(".img").read_bytes() == before


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(SceneError, match=r"holds 'letter\.txt'"):
        write_scene(tmp_path, simulate(5, 6, 10, 3, 0))
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(SceneError, match="taken cannot be written to"):
        write_scene(tmp_path / "taken", simulate(5, 6, 10, 3, 0))
