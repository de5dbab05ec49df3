"""Spectra of a library as classes: which they are, how a sensor sees them, how many become a few."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import small_scene
from click.testing import CliRunner
from library_files import NM, spectra, write_metadata, write_rows, write_sli

import special
from special.classnames.class_list import ClassList
from special.classnames.reading import read_names
from special.cli import main
from special.errors import SettingsError, SpecialError
from special.landcover.concepts import load_concepts
from special.libraries.classes import classes_of, column_of, described, match
from special.libraries.library import Spectrum
from special.libraries.reading import read_library
from special.libraries.resample import bridged, resample
from special.libraries.variants import LEVEL_SD, MOST, variants
from special.settings import load
from special.teachers.spectrum_text.measured import MeasuredSpectra
from special.teachers.spectrum_text.regions import Regions
from special.teachers.spectrum_text.settings import SpectrumTextSettings
from special.teachers.spectrum_text.teacher import SpectrumTextTeacher


def made(folder: Path, each: int = 3, classes: dict[str, str] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    values, names, groups = spectra(each)
    write_metadata(folder / "lib.csv", names, [(classes or {}).get(group, group) for group in groups])
    return write_sli(folder, values, names)


def test_a_gaussian_band_is_a_gaussian_mean() -> None:
    nm = np.arange(400.0, 1001.0, 1.0)
    line = Spectrum("line", nm, (0.2 + 0.0004 * (nm - 400)).astype(np.float32))
    dip = Spectrum("dip", nm, (1 - 0.5 * np.exp(-0.5 * ((nm - 700) / 2) ** 2)).astype(np.float32))
    centres, fwhm = np.array([450.0, 700.0, 900.0]), np.array([10.0, 20.0, 10.0])
    seen = resample([line, dip], centres, fwhm)
    np.testing.assert_allclose(seen[0], 0.2 + 0.0004 * (centres - 400), atol=1e-4)
    sd = np.sqrt(20**2 - 1) / 2.3548
    assert seen[1, 1] == pytest.approx(1 - 0.5 * 2 / np.hypot(2, sd), abs=2e-3)
    np.testing.assert_allclose(seen[1, [0, 2]], 1, atol=1e-6)


def test_what_an_instrument_has_blurred_is_not_blurred_again() -> None:
    nm = np.arange(400.0, 1001.0, 10.0)
    values = np.where(nm == 700, 0.5, 1.0).astype(np.float32)
    own = Spectrum("x", nm, values, fwhm=np.full(len(nm), 10.0))
    assert resample([own], np.array([700.0, 720.0]), np.array([10.0, 10.0]))[0, 0] == pytest.approx(0.5, abs=0.05)


def test_a_spectrum_is_unknown_beyond_its_ends_and_in_its_gaps() -> None:
    nm = np.arange(400.0, 901.0, 5.0)
    values = np.full(len(nm), 0.3, dtype=np.float32)
    values[(nm > 600) & (nm < 700)] = np.nan
    seen = resample([Spectrum("x", nm, values)], np.array([350.0, 500.0, 650.0, 800.0, 950.0]), np.full(5, 10.0))
    assert np.isnan(seen[0, [0, 2, 4]]).all()
    np.testing.assert_allclose(seen[0, [1, 3]], 0.3, atol=1e-6)
    np.testing.assert_allclose(bridged(seen, np.array([350.0, 500.0, 650.0, 800.0, 950.0])), 0.3, atol=1e-6)


def test_few_spectra_are_variants_and_many_become_groups_with_their_spread() -> None:
    rng = np.random.default_rng(0)
    few = variants(rng.uniform(0.1, 0.5, (3, 20)))
    assert len(few) == 3 and {one.level_sd for one in few} == {LEVEL_SD}
    base = np.linspace(0.1, 0.4, 20)
    level = rng.normal(0, 0.5, (400, 1))
    many = variants(base * np.exp(level + rng.normal(0, 0.02, (400, 20))))
    assert len(many) == MOST and sum(one.spectra for one in many) == 400
    assert max(one.level_sd for one in many) < 0.3, "groups differ in level, so that within one it varies less"


def test_classes_are_a_column_and_several_are_asked_about(tmp_path: Path) -> None:
    library = read_library(made(tmp_path))
    assert column_of(library) == "Level_1"
    assert [(one.name, len(one.spectra)) for one in classes_of(library, "Level_1")] == [
        ("Water", 3),
        ("Grass", 3),
        ("Bare soil", 3),
    ]
    text = (tmp_path / "lib.csv").read_text().replace("Source", "Class").replace("made up", "x")
    (tmp_path / "lib.csv").write_text(text.replace("WA_000,Water,x", "WA_000,Water,y"))
    with pytest.raises(SettingsError, match=r"several columns of classes, Level_1 \(3 values\), Class \(2 values\)"):
        column_of(read_library(tmp_path / "lib.sli"))
    with pytest.raises(SettingsError, match="has no column 'Depth': it has name, Level_1, Class"):
        column_of(read_library(tmp_path / "lib.sli"), "Depth")


def test_a_class_list_is_matched_by_name_and_synonym_and_said(tmp_path: Path) -> None:
    library = read_library(made(tmp_path, classes={"Bare soil": "bare_soils (dry)"}))
    found = match(library, [("lawn", "grasses"), ("Bare Soil",), ("Roof",)])
    assert [(one.value, len(one.spectra)) for one in found] == [("Grass", 3), ("bare_soils (dry)", 3), ("", 0)]
    first, second = described(found)
    assert "lawn is Level_1 Grass (3 spectra); Bare Soil is Level_1 bare_soils (dry) (3 spectra)" in first
    assert second == "Not in the library, so by their names: Roof."
    with pytest.raises(SettingsError, match="has no spectra of Roof, Road"):
        match(library, [("Roof",), ("Road",)])


def scene(folder: Path) -> tuple[Path, np.ndarray]:
    """The small scene as ENVI."""
    cube, nm, truth = small_scene.cube()
    rows, cols, bands = cube.shape
    (folder / "scene.img").write_bytes(cube.astype("<f4").tobytes())
    (folder / "scene.hdr").write_text(
        f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\ndata type = 4\ninterleave = bip\nbyte order = 0\n"
        f"wavelength = {{{', '.join(map(str, nm))}}}\n"
    )
    return folder / "scene.hdr", truth


def test_a_scene_is_labelled_by_the_classes_of_a_library_alone(tmp_path: Path) -> None:
    path, truth = scene(tmp_path)
    strange = {"Water": "Zork", "Grass": "Blim", "Bare soil": "Trunt"}  # names that nobody understands
    library = made(tmp_path / "lib", classes=strange)
    run = special.label(path, library=library, out=tmp_path / "x.special", clip="none", until="pseudo")
    assert run.classes == ["Zork", "Blim", "Trunt"]
    assert (1 + run.probabilities_of("pseudo").argmax(axis=2) == truth).mean() == 1


def test_the_command_line_says_what_matched(tmp_path: Path) -> None:
    path, truth = scene(tmp_path)
    library = made(tmp_path / "lib", classes={"Grass": "Blim"})
    (tmp_path / "classes.txt").write_text("Water\nBlim\nBare soil\n")
    out = tmp_path / "x.special"
    arguments = ["label", str(path), "--library", str(library), "--classes", str(tmp_path / "classes.txt")]
    arguments += ["--clip", "none", "--until", "pseudo", "--out", str(out), "--library-column", "level_1"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "Blim is Level_1 Blim (3 spectra)" in " ".join(done.output.split())
    assert (1 + special.open_run(out).probabilities_of("pseudo").argmax(axis=2) == truth).mean() == 1


def test_a_run_is_made_again_when_its_library_has_changed(tmp_path: Path) -> None:
    path, _ = scene(tmp_path)
    library = made(tmp_path / "lib")
    how = {"library": library, "out": tmp_path / "x.special", "clip": "none", "until": "pseudo"}
    special.label(path, **how)
    assert not any(outcome.ran for outcome in special.label(path, **how).outcomes)
    assert not any(outcome.ran for outcome in special.rerun(how["out"], "pseudo", until="pseudo").outcomes)
    made(tmp_path / "lib", each=4)
    ran = [outcome.step for outcome in special.label(path, **how).outcomes if outcome.ran]
    assert ran == ["pseudo"]


def test_the_table_may_stay_beside_the_library(tmp_path: Path) -> None:
    library = made(tmp_path / "lib")
    classes = ClassList.parse(["Water", "Grass", "Roof"])
    table, settings = load_concepts(), load().build(SpectrumTextSettings)
    wavelengths = np.arange(420.0, 990.0, 10)
    counts = []
    for measured in (None, MeasuredSpectra(library), MeasuredSpectra(library, beside=True)):
        teacher = SpectrumTextTeacher(settings, table=table, library=measured)
        readings = read_names(classes, table, teacher.encoder)
        regions = Regions.of(wavelengths, through_air=False)
        found = teacher.spectra(readings, classes, wavelengths, None, regions, table)
        counts.append([sum(one.class_index == k for one in found) for k in range(3)])
        assert [one.class_index for one in found] == sorted(one.class_index for one in found)
    alone, replaced, beside = counts
    assert replaced == [3, 3, alone[2]] and beside == [3 + alone[0], 3 + alone[1], alone[2]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"library": None}, "there is no class list"),
        ({"library": None, "library_column": "x"}, "--library-column is given without --library"),
        ({"library_column": "Depth"}, "has no column 'Depth'"),
        ({"library": "nowhere.sli"}, "no spectral library at"),
        ({"settings": {"pseudo.teachers": ["image-text"]}}, "is for the teacher spectrum-text"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(tmp_path: Path, change: dict, words: str) -> None:
    path, _ = scene(tmp_path)
    how = {"library": made(tmp_path / "lib"), "out": tmp_path / "x.special", **change}
    with pytest.raises(SpecialError, match=words):
        special.label(path, **how)
    assert not (tmp_path / "x.special").exists()


def test_info_says_what_is_in_a_library(tmp_path: Path) -> None:
    library = made(tmp_path)
    said = " ".join(CliRunner().invoke(main, ["library", "info", str(library)]).output.split())
    assert "9, 301 channels, 400 to 1000 nm" in said and "by Level_1 Water 3, Grass 3, Bare soil 3" in said
    facts = json.loads(
        CliRunner().invoke(main, ["library", "info", str(library), "--json", "--column", "source"]).output
    )
    assert facts["classes"] == {"Source": {"made up": 9}} and facts["columns"]["Level_1"] == 3
    done = CliRunner().invoke(main, ["library", "info", str(tmp_path / "no.sli")])
    assert done.exit_code == 2 and done.output.count("\n") == 1


def test_concepts_are_written_and_read(tmp_path: Path) -> None:
    nm = np.arange(390.0, 2420.0, 5.0)
    values, names, groups = spectra(2, nm=nm)
    write_metadata(tmp_path / "lib.csv", names, ["Zork" if g == "Water" else g for g in groups])
    library = write_sli(tmp_path, np.clip(values, 0.001, 1.2), names, nm)
    done = CliRunner().invoke(main, ["library", "concepts", str(library), "-o", str(tmp_path / "my.toml")])
    assert done.exit_code == 0 and done.output.startswith("3 concepts are in")
    table = load_concepts([tmp_path / "my.toml"])
    assert len(table.concepts["Zork"].variants) == 2
    at = np.abs(table.wavelengths - 550).argmin()
    assert table.concepts["Grass"].variants[0].reflectance[at] == pytest.approx(np.interp(550, nm, values[2]), rel=0.06)
    again = CliRunner().invoke(main, ["library", "concepts", str(library), "-o", str(tmp_path / "my.toml")])
    assert again.exit_code == 2 and "--force" in again.output


def test_a_table_of_spectra_labels_as_well(tmp_path: Path) -> None:
    path, truth = scene(tmp_path)
    library = write_rows(tmp_path / "lib.csv", *spectra())
    run = special.label(path, library=library, out=tmp_path / "x.special", clip="none", until="pseudo")
    assert (1 + run.probabilities_of("pseudo").argmax(axis=2) == truth).mean() == 1


def test_what_a_library_means_is_explained_before(tmp_path: Path) -> None:
    library = made(tmp_path / "lib", classes={"Grass": "Blim"})
    done = CliRunner().invoke(main, ["classes", "--library", str(library), "--json"])
    found = json.loads(done.output)["classes"]
    assert [one["name"] for one in found] == ["Water", "Blim", "Bare soil"]
    assert all("measured" in " ".join(one["looks"]) for one in found if one["looks"])
    text = CliRunner().invoke(main, ["classes", "--library", str(library)]).output
    assert "green, measured" in text
    assert CliRunner().invoke(main, ["classes"]).exit_code == 2


def short_of(folder: Path, last: float) -> Path:
    """A library of the scene's classes that ends at ``last`` nm."""
    values, names, groups = spectra(3)
    kept = last >= NM
    write_metadata(folder / "lib.csv", names, groups)
    return write_sli(folder, values[:, kept], names, NM[kept])


def test_bands_beyond_the_library_are_said(tmp_path: Path) -> None:
    cube, _, _ = small_scene.cube()
    options = special.LabelOptions(
        scene=cube, wavelengths=np.linspace(420, 1400, 24), library=made(tmp_path), out=tmp_path / "x.special"
    )
    assert "The library reaches from 400 to 1000 nm: 8 bands beyond have no say in the names." in options.open().notes


def test_bands_beyond_the_library_have_no_say(tmp_path: Path) -> None:
    cube, nm, truth = small_scene.cube()
    library = short_of(tmp_path, 640)
    wild = cube.copy()
    wild[:, :, nm > 720] = np.random.default_rng(0).uniform(0.05, 0.9, wild[:, :, nm > 720].shape)
    found = [
        special.label(
            one, library=library, wavelengths=nm, out=tmp_path / f"{i}.special", clip="none", until="pseudo"
        ).probabilities_of("pseudo")
        for i, one in enumerate((cube, wild))
    ]
    assert (1 + found[0].argmax(axis=2) == truth).mean() == 1
    assert (1 + found[1].argmax(axis=2) == truth).mean() == 1


def test_a_library_without_a_band_of_the_scene_is_refused(tmp_path: Path) -> None:
    cube, _, _ = small_scene.cube()
    options = special.LabelOptions(
        scene=cube, wavelengths=np.linspace(1500, 1700, 24), library=short_of(tmp_path, 700), out=tmp_path / "x.special"
    )
    with pytest.raises(
        SettingsError, match="has spectra from 400 to 700 nm, and the scene's bands lie at 1500 to 1700"
    ):
        options.open()
