"""The concept table and what a user adds to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from special.errors import SettingsError
from special.landcover.concepts import load_concepts

GRID = "wavelengths = [400, 500, 550, 600, 650, 700, 750, 800, 1000, 1300, 1700, 2400]\n"
MINE = (
    GRID
    + """
[[concept]]
name = "violet paint"
synonyms = ["my violet"]
sentence = "Violet paint on a wall."
source = "measured"
level_sd = 0.2
shape_sd = 0.1
variants = [{ name = "fresh", percent = [40, 30, 10, 10, 30, 40, 45, 45, 45, 45, 45, 45] }]
"""
)


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_the_table_has_sixty_concepts_or_more_each_with_a_source() -> None:
    table = load_concepts()
    assert len(table.concepts) >= 60
    assert len(table.wavelengths) >= 12
    assert all(c.source and c.sentence and c.variants for c in table.concepts.values())


def test_all_reflectance_is_physical() -> None:
    for concept in load_concepts().concepts.values():
        for variant in concept.variants:
            assert np.all((variant.reflectance > 0) & (variant.reflectance <= 1)), concept.name


def test_no_two_concepts_share_a_word() -> None:
    texts = [text.casefold() for concept in load_concepts().concepts.values() for text in concept.texts]
    assert len(texts) == len(set(texts))


def test_plants_have_a_red_edge_and_water_has_none() -> None:
    table = load_concepts()

    def edge(name: str) -> float:
        red, infrared = table.resample(table.concepts[name].variants[-1].reflectance, np.array([670.0, 800.0]))
        return float(infrared / red)

    assert edge("grass") > 4 > 1 > edge("water")


def test_cover_mixes_canopy_and_ground() -> None:
    variant = load_concepts().concepts["corn"].variants[0]
    assert variant.cover is not None and variant.canopy is not None and variant.ground is not None
    np.testing.assert_allclose(
        variant.reflectance, variant.cover * variant.canopy + (1 - variant.cover) * variant.ground
    )


def test_a_mixture_is_linear_in_reflectance() -> None:
    table = load_concepts()
    street = next(v for v in table.concepts["pavement"].variants if v.name == "asphalt and concrete")
    parts = [table.concepts[name].variants[0].reflectance for name in ("asphalt", "concrete")]
    np.testing.assert_allclose(street.reflectance, np.mean(parts, axis=0))


def test_a_users_concept_joins_the_table_on_its_wavelengths(tmp_path: Path) -> None:
    table = load_concepts([write(tmp_path, MINE)])
    spectrum = table.concepts["violet paint"].variants[0].reflectance
    assert spectrum.shape == table.wavelengths.shape
    assert table.resample(spectrum, np.array([550.0]))[0] == pytest.approx(0.10, rel=0.05)


def test_a_users_concept_replaces_one_of_the_same_name(tmp_path: Path) -> None:
    table = load_concepts([write(tmp_path, MINE.replace("violet paint", "water"))])
    assert len(table.concepts["water"].variants) == 1
    assert table.concepts["water"].source == "measured"


def test_a_users_file_changes_the_hash(tmp_path: Path) -> None:
    assert load_concepts([write(tmp_path, MINE)]).sha256 != load_concepts().sha256


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("level_sd = 0.2\n", ""), "level_sd"),
        (("40, 30, 10", "40, 30, 900"), "150"),
        (("[40, 30,", "[40,"), "12 reflectances"),
        (("wavelengths = [400, 500", "wavelengths = [500, 400"), "rising"),
        (("percent = [40, 30, 10, 10, 30, 40, 45, 45, 45, 45, 45, 45]", 'mix = { "unheard of" = 1.0 }'), "unheard of"),
        (("percent = [40, 30, 10, 10, 30, 40, 45, 45, 45, 45, 45, 45]", 'mix = { "violet paint" = 1.0 }'), "itself"),
        (("percent = [40, 30, 10, 10, 30, 40, 45, 45, 45, 45, 45, 45]", 'mix = { "water" = 0.4 }'), "add up"),
        (("source =", "sauce ="), "source"),
        (("[[concept]]", "[[concept"), "not a TOML"),
    ],
)
def test_a_concept_that_cannot_be_used_is_refused_by_name(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_concepts([write(tmp_path, MINE.replace(*change))])


@pytest.mark.parametrize("group", ["made", "long", "compact"])
def test_a_users_file_says_what_is_made_and_what_runs_on_or_ends(tmp_path: Path, group: str) -> None:
    named = MINE.replace("[[concept]]", f'{group} = ["violet paint"]\n[[concept]]')
    assert getattr(load_concepts([write(tmp_path, named)]), group) == {*getattr(load_concepts(), group), "violet paint"}
    unknown = MINE.replace("[[concept]]", f'{group} = ["violet paper"]\n[[concept]]')
    with pytest.raises(SettingsError, match=rf"`{group}` .* 'violet paper'"):
        load_concepts([write(tmp_path, unknown)])


def test_a_variant_may_have_as_many_wavelengths_as_it_needs(tmp_path: Path) -> None:
    nm = np.arange(400.0, 2401.0, 10.0)
    percent = 40 - 20 * np.exp(-0.5 * ((nm - 2200) / 15) ** 2)
    own = f"wavelengths = {nm.tolist()}, percent = {percent.tolist()}"
    text = MINE.replace("percent = [40, 30, 10, 10, 30, 40, 45, 45, 45, 45, 45, 45]", own)
    table = load_concepts([write(tmp_path, text)])
    assert table.fine is not None
    spectrum = table.fine.concepts["violet paint"].variants[0].reflectance
    assert table.fine.resample(spectrum, np.array([2200.0]))[0] == pytest.approx(0.20, rel=0.02)
    assert table.fine.resample(spectrum, np.array([2150.0]))[0] == pytest.approx(0.40, rel=0.02)


def test_a_users_file_takes_spectra_from_a_file_beside_it(tmp_path: Path) -> None:
    rows = "\n".join(f"{nm},{30 if nm == 2200 else 60}" for nm in range(400, 2401, 50))
    (tmp_path / "mine.csv").write_text(f"nm,field sample 7\n{rows}\n")
    text = MINE.replace(GRID, 'spectra = "mine.csv"\nminerals = ["violet paint"]\n')
    text = text.replace("percent = [40, 30, 10, 10, 30, 40, 45, 45, 45, 45, 45, 45]", 'spectrum = "field sample 7"')
    table = load_concepts([write(tmp_path, text)])
    assert "violet paint" in table.minerals
    np.testing.assert_allclose(table.concepts["violet paint"].variants[0].reflectance[-3], 0.30)
    before = table.sha256
    (tmp_path / "mine.csv").write_text(f"nm,field sample 7\n{rows.replace('30', '31')}\n")
    assert load_concepts([tmp_path / "mine.toml"]).sha256 != before
    with pytest.raises(SettingsError, match=r"no spectrum 'field sample 8' in the file that `spectra` names"):
        load_concepts([write(tmp_path, text.replace("sample 7", "sample 8"))])


def test_a_table_is_built_once_as_long_as_its_files_say_the_same(tmp_path: Path) -> None:
    mine = write(tmp_path, MINE)
    table = load_concepts([mine])
    write(tmp_path, MINE)
    assert load_concepts([mine]) is table
    assert load_concepts() is load_concepts() is not table


def test_a_file_that_was_mended_is_read_again(tmp_path: Path) -> None:
    def first(text: str) -> float:
        return float(load_concepts([write(tmp_path, text)]).concepts["violet paint"].variants[0].reflectance[0])

    assert [first(MINE), first(MINE.replace("[40,", "[20,")), first(MINE)] == pytest.approx([0.4, 0.2, 0.4])


def test_there_are_forty_minerals_or_more_each_with_its_source() -> None:
    table = load_concepts()
    pure = [table.concepts[name] for name in table.minerals if not table.concepts[name].mixed]
    assert len(pure) >= 40
    assert all(concept.source.startswith(("USGS splib07: ", "drawn: ")) for concept in pure)
    assert sum(concept.source.startswith("USGS") for concept in pure) >= 30


@pytest.mark.parametrize(
    ("mineral", "deepest"),
    [
        ("kaolinite", 2207),
        ("alunite", 2176),
        ("muscovite", 2205),
        ("montmorillonite", 2210),
        ("pyrophyllite", 2167),
        ("calcite", 2340),
        ("dolomite", 2322),
        ("talc", 2312),
        ("epidote", 2338),
        ("nontronite", 2288),
        ("jarosite", 2266),
        ("gibbsite", 2268),
        ("magnesite", 2303),
    ],
)
def test_a_mineral_absorbs_where_it_is_known_to(mineral: str, deepest: float) -> None:
    seen = load_concepts().seen_by(np.arange(2000.0, 2451.0, 5.0))
    nm = np.arange(2130.0, 2381.0, 1.0)
    logs = np.log(seen.resample(seen.concepts[mineral].variants[0].reflectance, nm))
    line = logs[0] + (logs[-1] - logs[0]) * (nm - nm[0]) / (nm[-1] - nm[0])
    assert nm[(logs - line).argmin()] == pytest.approx(deepest, abs=8)


def test_the_doublet_of_kaolinite_is_seen_by_narrow_bands_only() -> None:
    def minima(step: float) -> int:
        seen = load_concepts().seen_by(np.arange(2000.0, 2451.0, step))
        spectrum = seen.resample(seen.concepts["kaolinite"].variants[0].reflectance, np.arange(2120.0, 2261.0, 2.0))
        return int(((spectrum[1:-1] < spectrum[:-2]) & (spectrum[1:-1] < spectrum[2:])).sum())

    assert minima(10.0) == 2 and minima(80.0) == 1


def test_a_missing_concept_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml"):
        load_concepts([tmp_path / "absent.toml"])
