"""Spectral libraries in every form they are published in, and the real ones that are at hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from library_files import (
    NM,
    spectra,
    write_columns,
    write_database,
    write_ecostress,
    write_metadata,
    write_rows,
    write_sli,
    write_splib,
)

from special.errors import SettingsError
from special.libraries.library import SpectralLibrary
from special.libraries.reading import read_library


def by_name(library: SpectralLibrary) -> dict[str, np.ndarray]:
    return {one.name: one.reflectance for one in library.spectra}


def sli(folder: Path, values: np.ndarray, names: list[str], classes: list[str]) -> Path:
    write_metadata(folder / "lib.csv", names, classes)
    return write_sli(folder, values, names)


def database(folder: Path, values: np.ndarray, names: list[str], classes: list[str]) -> Path:
    return write_database(folder / "eco.db", write_ecostress(folder / "txt", values, names, classes))


FORMS: dict[str, tuple[Callable[..., Path], str]] = {
    "ENVI spectral library": (sli, "Level_1"),
    "USGS splib07": (lambda folder, *about: write_splib(folder / "lib", *about), "material"),
    "ECOSTRESS or ASTER text": (lambda folder, *about: write_ecostress(folder / "lib", *about), "class"),
    "ECOSTRESS or ASTER database": (database, "class"),
    "table of spectra": (lambda folder, *about: write_rows(folder / "lib.csv", *about), "class"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_names_classes_and_reflectance(tmp_path: Path, form: str) -> None:
    values, names, classes = spectra()
    write, column = FORMS[form]
    library = read_library(write(tmp_path, values, names, classes))
    assert library.format == form and len(library.spectra) == 9
    said = library.columns
    assert sorted(said[column]) == sorted(classes)
    for spectrum, group in zip(library.spectra, said[column], strict=True):
        name = spectrum.name.removeprefix("splib07a_").removesuffix("_ASDFRb_AREF")
        expected = values[names.index(name)].copy()
        if form == "USGS splib07":
            assert np.isnan(spectrum.reflectance[5])
            expected[5] = np.nan
        assert group == classes[names.index(name)]
        np.testing.assert_allclose(spectrum.wavelengths, NM, atol=0.05)
        np.testing.assert_allclose(spectrum.reflectance, expected, atol=1e-4)


def test_a_table_may_hold_a_column_a_spectrum(tmp_path: Path) -> None:
    values, names, _ = spectra()
    library = read_library(write_columns(tmp_path / "lib.csv", values, names))
    np.testing.assert_allclose(np.stack(list(by_name(library).values())), values, atol=1e-5)
    assert list(by_name(library)) == names and library.range_nm == (400, 1000)


def test_a_table_may_have_semicolons_and_a_table_of_metadata_beside(tmp_path: Path) -> None:
    values, names, classes = spectra()
    write_rows(tmp_path / "my_spectra.csv", values, names, classes, ";")
    write_metadata(tmp_path / "my_metadata.csv", names, [group.upper() for group in classes], ";")
    library = read_library(tmp_path / "my_spectra.csv")
    assert library.columns["Level_1"] == [group.upper() for group in classes]
    assert "described by my_metadata.csv" in library.notes


@pytest.mark.parametrize(("scale", "word"), [(1, ""), (100, "percent"), (10000, "times 10000")])
def test_the_unit_of_reflectance_is_told_by_its_size(tmp_path: Path, scale: float, word: str) -> None:
    values, names, _ = spectra()
    library = read_library(write_sli(tmp_path, values, names, scale=scale))
    np.testing.assert_allclose(np.stack(list(by_name(library).values())), values, atol=1e-4)
    assert any(word in note for note in library.notes) if word else not library.notes


def test_what_is_no_reflectance_is_refused(tmp_path: Path) -> None:
    values, names, _ = spectra()
    with pytest.raises(SettingsError, match="no reflectance, in percent, or times 10000"):
        read_library(write_sli(tmp_path, values, names, scale=1e6))


def test_bands_that_a_library_marks_bad_are_unknown(tmp_path: Path) -> None:
    values, names, _ = spectra()
    path = write_sli(tmp_path, values, names)
    flags = ", ".join("0" if one < 420 else "1" for one in NM)
    with (tmp_path / "lib.hdr").open("a") as stream:
        stream.write(f"bbl = {{{flags}}}\n")
    first = read_library(path).spectra[0]
    assert np.isnan(first.reflectance[first.wavelengths < 420]).all()
    assert np.isfinite(first.reflectance[first.wavelengths >= 420]).all()


def test_splib_needs_its_wavelengths_and_takes_those_of_the_folder_above(tmp_path: Path) -> None:
    folder = write_splib(tmp_path / "lib", *spectra())
    chapter = folder / "ChapterA_Water"
    library = read_library(chapter)
    assert {one.said["chapter"] for one in library.spectra} == {"Water"}
    assert library.spectra[0].fwhm is None or set(library.spectra[0].fwhm) == {3}
    for path in folder.glob("*Wavelengths*"):
        path.unlink()
    with pytest.raises(SettingsError, match="301 channels, whose file of wavelengths is not in"):
        read_library(folder)


def test_the_spectrometer_decides_where_channels_are_as_many(tmp_path: Path) -> None:
    folder = write_splib(tmp_path / "lib", *spectra())
    shifted = "".join(f"  {one / 1000 + 0.05:.5E}\n" for one in NM)
    (folder / "splib07a_Wavelengths_AVIRIS_301_ch.txt").write_text(f" splib07a Record=9: Wavelengths\n{shifted}")
    assert read_library(folder).spectra[0].wavelengths[0] == pytest.approx(400)


@pytest.mark.parametrize("kind", ["missing", "text", "database", "cut"])
def test_what_is_no_library_is_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lib"
    if kind == "text":
        path = tmp_path / "lib.csv"
        path.write_text("hello\nthere\n")
    elif kind == "database":
        sqlite3.connect(path).execute("CREATE TABLE Other (x)").connection.commit()
    elif kind == "cut":
        values, names, _ = spectra()
        path = write_sli(tmp_path, values, names)
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SettingsError) as error:
        read_library(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_metadata_that_fit_no_spectrum_are_refused(tmp_path: Path) -> None:
    values, names, classes = spectra()
    write_metadata(tmp_path / "lib.csv", [f"other {name}" for name in names[:4]], classes[:4])
    with pytest.raises(SettingsError, match="4 rows for 9 spectra, and no column with their names"):
        read_library(write_sli(tmp_path, values, names))


def test_the_hash_is_of_every_file(tmp_path: Path) -> None:
    values, names, classes = spectra()
    path = sli(tmp_path, values, names, classes)
    before = read_library(path).sha256()
    write_metadata(tmp_path / "lib.csv", names, classes[::-1])
    assert read_library(path).sha256() != before


@pytest.fixture
def libraries() -> Path:
    folder = Path(__file__).resolve().parents[2] / "shared" / "libraries"
    if not folder.is_dir():
        pytest.skip("the folder of libraries is not beside this checkout")
    return folder


def test_the_urban_library_of_roberts(libraries: Path) -> None:
    library = read_library(libraries / "roberts2017_urban" / "roberts2017_urban.sli")
    assert len(library.spectra) == 3725 and library.range_nm == pytest.approx((365.9, 2496.2))
    assert [library.columns["Level_2"].count(name) for name in ("GV", "roof", "water")] == [1471, 972, 100]
    means = {
        name: np.nanmean([s.reflectance for s in library.spectra if s.said["Level_2"] == name], axis=0)
        for name in ("GV", "water")
    }
    nm = library.spectra[0].wavelengths
    assert means["GV"][np.abs(nm - 860).argmin()] > 0.25 and means["water"][np.abs(nm - 860).argmin()] < 0.06


def test_the_library_of_urban_materials_of_karlsruhe(libraries: Path) -> None:
    library = read_library(libraries / "klum" / "KLUM_spectra.csv")
    assert len(library.spectra) == 181 and library.range_nm == (350, 2500)
    assert library.spectra[0].said["subclass"] == "Grey asphalt"
    assert library.spectra[0].reflectance[0] == pytest.approx(0.074267)


def test_the_endmembers_of_emit(libraries: Path) -> None:
    library = read_library(libraries / "emit" / "basic_endmember_library.csv")
    assert sorted(set(library.columns["Class"])) == ["NPV", "PV", "SOIL"] and len(library.spectra) == 5
    assert np.all(np.diff(library.spectra[0].wavelengths) >= 0)


def test_a_table_may_have_decimal_commas(tmp_path: Path) -> None:
    values, names, _ = spectra()
    lines = [";".join(["Wellenlänge", *names])]
    lines += [";".join([f"{nm:.1f}", *(f"{one:.5f}" for one in row)]) for nm, row in zip(NM, values.T, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(lines).replace(".", ","), encoding="cp1252")
    found = by_name(read_library(tmp_path / "a.csv"))
    for name, row in zip(names, values, strict=True):
        np.testing.assert_allclose(found[name], row, atol=1e-5)


def test_the_header_of_a_library_may_be_written_in_any_way(tmp_path: Path) -> None:
    values, names, _ = spectra()
    header = write_sli(tmp_path, values, names).with_suffix(".hdr")
    plain = by_name(read_library(header))
    lines = []
    for line in header.read_text().replace("{", "[").replace("}", "]").splitlines():
        name, equals, value = line.partition("=")
        lines.append(f"{name.strip().replace(' ', '_').title()}={value}" if equals else line)
    header.write_text("\n".join(lines))
    other = by_name(read_library(header))
    assert other.keys() == plain.keys()
    for name, row in plain.items():
        np.testing.assert_array_equal(other[name], row)
