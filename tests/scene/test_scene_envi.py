"""ENVI scenes: every layout and type, and what the header says about bands, values and place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from special.errors import SceneError
from special.scene import open_scene

TYPES = {1: "u1", 2: "i2", 3: "i4", 4: "f4", 5: "f8", 12: "u2", 13: "u4", 14: "i8", 15: "u8"}
LAYOUTS = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}
UTM = "{UTM, 1, 1, 383000, 5818000, 30, 20, 33, North, WGS-84, units=Meters}"


def cube(rows: int = 4, cols: int = 3, bands: int = 5, code: int = 4) -> np.ndarray:
    return np.random.default_rng(3).integers(1, 100, (rows, cols, bands)).astype(TYPES[code])


def write(
    folder: Path,
    values: np.ndarray,
    *,
    code: int = 4,
    interleave: str = "bsq",
    big_endian: bool = False,
    offset: int = 0,
    names: tuple[str, str] = ("scene.hdr", "scene.img"),
    **fields: object,
) -> Path:
    rows, cols, bands = values.shape
    stored = values.transpose(LAYOUTS[interleave.lower()]).astype((">" if big_endian else "<") + TYPES[code])
    (folder / names[1]).write_bytes(b"x" * offset + stored.tobytes())
    fields.setdefault("wavelength", "{" + ", ".join(f"{w:.1f}" for w in np.linspace(400, 900, bands)) + "}")
    known = {"samples": cols, "lines": rows, "bands": bands, "header offset": offset, "data type": code}
    known |= {"interleave": interleave, "byte order": int(big_endian)}
    text = "".join(f"{name.replace('_', ' ')} = {value}\n" for name, value in (known | fields).items() if value != "")
    (folder / names[0]).write_text("ENVI\ndescription = {\n  made by a test}\n" + text)
    return folder / names[0]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    code=st.sampled_from(sorted(TYPES)),
    interleave=st.sampled_from(["bsq", "bil", "bip", "BIL"]),
    big_endian=st.booleans(),
    offset=st.sampled_from([0, 7, 512]),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(2, 6)),
    by_data=st.booleans(),
)
def test_every_layout_and_type_reads_back(
    tmp_path: Path,
    code: int,
    interleave: str,
    big_endian: bool,
    offset: int,
    shape: tuple[int, int, int],
    by_data: bool,
) -> None:
    written = cube(*shape, code=code)
    header = write(tmp_path, written, code=code, interleave=interleave, big_endian=big_endian, offset=offset)
    scene = open_scene(tmp_path / "scene.img" if by_data else header)
    assert scene.file_bands == shape[2]
    np.testing.assert_array_equal(scene.read(), written[:, :, scene.band_numbers])


@pytest.mark.parametrize(
    "names",
    [
        ("a.hdr", "a"),
        ("a.hdr", "a.bsq"),
        ("a.hdr", "a.DAT"),
        ("a.img.hdr", "a.img"),
        ("a.rfl.hdr", "a.rfl"),
        ("A.HDR", "A"),
    ],
)
def test_header_and_data_find_each_other(tmp_path: Path, names: tuple[str, str]) -> None:
    write(tmp_path, cube(), names=names)
    for name in names:
        np.testing.assert_array_equal(open_scene(tmp_path / name).read(), cube())


def test_of_two_data_files_the_one_of_the_right_size_is_taken(tmp_path: Path) -> None:
    header = write(tmp_path, cube())
    (tmp_path / "scene.dat").write_bytes(b"something else")
    np.testing.assert_array_equal(open_scene(header).read(), cube())
    (tmp_path / "scene.dat").write_bytes((tmp_path / "scene.img").read_bytes())
    with pytest.raises(SceneError, match=r"scene.dat or scene.img.*name the data file"):
        open_scene(header)


@pytest.mark.parametrize(
    ("listed", "units"),
    [
        ("400, 500, 600, 700, 800", "Nanometers"),
        ("0.4, 0.5, 0.6, 0.7, 0.8", "Micrometers"),
        ("0.4, 0.5, 0.6, 0.7, 0.8", "um"),
        ("4000, 5000, 6000, 7000, 8000", "Angstroms"),
        ("25000, 20000, 16666.667, 14285.714, 12500", "Wavenumber"),
        ("400\n 500, 600,\n 700 800", "Unknown"),
        ("0.4, 0.5, 0.6, 0.7, 0.8", ""),
        ("0.4, 0.5, 0.6, 0.7, 0.8", "Nanometers"),
    ],
)
def test_wavelengths_come_in_nm_whatever_their_units(tmp_path: Path, listed: str, units: str) -> None:
    header = write(tmp_path, cube(), wavelength="{" + listed + "}", wavelength_units=units)
    np.testing.assert_allclose(open_scene(header).wavelengths, [400, 500, 600, 700, 800], rtol=1e-6)


def test_band_indices_are_no_wavelengths(tmp_path: Path) -> None:
    header = write(tmp_path, cube(), wavelength="{1, 2, 3, 4, 5}", wavelength_units="Unknown")
    with pytest.raises(SceneError, match="has no wavelengths"):
        open_scene(header)


def test_bands_marked_bad_are_dropped(tmp_path: Path) -> None:
    header = write(tmp_path, cube(), bbl="{1, 0, 1, 1, 0}")
    scene = open_scene(header)
    np.testing.assert_array_equal(scene.band_numbers, [0, 2, 3])
    np.testing.assert_array_equal(scene.read(), cube()[:, :, [0, 2, 3]])
    assert scene.bad_bands == {1: "marked bad in the file (bbl)", 4: "marked bad in the file (bbl)"}
    assert "2 of 5 bands dropped: marked bad in the file (bbl)" in scene.notes


def test_reflectance_scale_factor_is_divided_by(tmp_path: Path) -> None:
    scene = open_scene(write(tmp_path, cube(code=2), code=2, **{"reflectance scale factor": 10000}))
    assert scene.scale_factor == 10000
    np.testing.assert_allclose(scene.read(), cube() / 10000, rtol=1e-6)


def test_gains_and_offsets_are_applied(tmp_path: Path) -> None:
    gains = {"data gain values": "{1, 2, 3, 4, 5}", "data offset values": "{0, 0, 0, 0, -10}"}
    scene = open_scene(write(tmp_path, cube(), **gains))
    np.testing.assert_allclose(scene.read(), cube() * [1, 2, 3, 4, 5] + [0, 0, 0, 0, -10], rtol=1e-6)


def test_data_ignore_value_makes_pixels_invalid(tmp_path: Path) -> None:
    values = cube()
    values[1, 2] = 77
    values[0, 0, 3] = 77
    values[values == 77] = -1
    scene = open_scene(write(tmp_path, values, **{"data ignore value": -1}))
    assert not scene.valid[1, 2] and not scene.valid[0, 0] and scene.valid.sum() >= 6
    assert np.isnan(scene.read()[1, 2]).all()


def test_map_info_becomes_the_georeference(tmp_path: Path) -> None:
    scene = open_scene(write(tmp_path, cube(), map_info=UTM))
    assert scene.georeference is not None and scene.georeference.crs_wkt is not None
    assert "UTM zone 33N" in scene.georeference.crs_wkt
    assert scene.georeference.transform == (30, 0, 383000, 0, -20, 5818000)


def test_a_map_info_that_starts_inside_the_image_is_moved_to_its_corner(tmp_path: Path) -> None:
    scene = open_scene(write(tmp_path, cube(), map_info=UTM.replace("1, 1", "2.5, 3")))
    assert scene.georeference is not None
    assert scene.georeference.transform == (30, 0, 383000 - 1.5 * 30, 0, -20, 5818000 + 2 * 20)


def test_no_map_info_no_georeference(tmp_path: Path) -> None:
    assert open_scene(write(tmp_path, cube())).georeference is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lines": 0}, "lines is 0"),
        ({"lines": ""}, "lines is missing"),
        *(({"header offset": text}, f"header offset is {text}: it must be") for text in ("1e400", "nan", "-1", "0.5")),
        ({"bands": "many"}, "bands is 'many', which is no number"),
        ({"data type": 6}, "complex"),
        ({"data type": 99}, "data type '99' is unknown"),
        ({"byte order": 2}, "byte order '2'"),
        ({"lines": 40}, "cut short"),
        ({"file type": "ENVI Spectral Library"}, "spectral library"),
        ({"file compression": 1}, "save it uncompressed"),
        ({"wavelength": "{400, 500}"}, "lists 2 wavelengths for its 5 bands"),
        ({"wavelength": "{400, 500"}, "not closed"),
        ({"data gain values": "{1, 2}"}, "2 gains or offsets for 5 bands"),
    ],
)
def test_a_header_that_makes_no_sense_is_named(tmp_path: Path, fields: dict[str, object], message: str) -> None:
    header = write(tmp_path, cube(), **fields)
    with pytest.raises(SceneError, match=message):
        open_scene(header)


def test_an_unknown_interleave_is_named(tmp_path: Path) -> None:
    header = write(tmp_path, cube())
    header.write_text(header.read_text().replace("bsq", "tiled"))
    with pytest.raises(SceneError, match="'tiled' is unknown: it must be bsq, bil or bip"):
        open_scene(header)


def test_a_header_without_data_and_data_without_header_are_named(tmp_path: Path) -> None:
    header = write(tmp_path, cube())
    (tmp_path / "scene.img").rename(tmp_path / "other.img")
    with pytest.raises(SceneError, match="no data file beside it"):
        open_scene(header)
    with pytest.raises(SceneError, match=r"needs its header \(.hdr\)"):
        open_scene(tmp_path / "other.img")


def test_key_is_refused_where_there_are_no_names(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="--key is for"):
        open_scene(write(tmp_path, cube()), key="cube")


def test_the_content_hash_sees_header_and_data_and_not_the_name(tmp_path: Path) -> None:
    header = write(tmp_path, cube())
    first = open_scene(header).content_hash()
    assert open_scene(tmp_path / "scene.img").content_hash() == first
    header.write_text(header.read_text() + "sensor type = x\n")
    second = open_scene(header).content_hash()
    write(tmp_path, cube() + 1)
    assert len({first, second, open_scene(header).content_hash()}) == 3


def case(shared: Path, name: str) -> Path:
    folder = shared / "cases" / name
    if not folder.is_dir():
        pytest.skip("the case is not beside this checkout")
    return folder


@pytest.mark.parametrize("suffix", [".hyspex", ".ref", ".L1R"])
def test_a_data_file_of_any_suffix_is_found_by_its_size(tmp_path: Path, suffix: str) -> None:
    header = write(tmp_path, cube(), names=("scene.hdr", f"scene{suffix}"))
    (tmp_path / "scene.txt").write_text("notes")
    np.testing.assert_array_equal(open_scene(header).read(), cube())


def test_two_data_files_of_unknown_suffixes_have_to_be_named(tmp_path: Path) -> None:
    header = write(tmp_path, cube(), names=("scene.hdr", "scene.one"))
    (tmp_path / "scene.two").write_bytes((tmp_path / "scene.one").read_bytes())
    with pytest.raises(SceneError, match=r"could belong to scene\.one or scene\.two"):
        open_scene(header)


@pytest.mark.parametrize("name", ["scene.hdr", "other.hdr", "scene.hyspex"])
def test_the_data_files_of_the_case_are_found(shared: Path, name: str) -> None:
    assert open_scene(case(shared, "envi-data-suffix") / name).shape == (8, 8, 40)


def test_a_file_longer_than_its_header_says_is_noted(tmp_path: Path) -> None:
    header = write(tmp_path, cube())
    assert not any("bytes more" in note for note in open_scene(header).notes)
    with (tmp_path / "scene.img").open("ab") as stream:
        stream.write(b"x" * 100)
    (note,) = [note for note in open_scene(header).notes if "bytes more" in note]
    assert "scene.img has 100 bytes more than its header describes" in note and "header offset" in note


def test_the_longer_file_of_the_case_is_noted(shared: Path) -> None:
    notes = open_scene(case(shared, "file-longer-than-header") / "scene.hdr").notes
    assert any("scene.img has 1000 bytes more than its header describes" in note for note in notes)


LISTED = ", ".join(f"{one:.1f}" for one in np.linspace(400, 900, 5))


@pytest.mark.parametrize(
    "text",
    [
        f"wavelength = [{LISTED}]",
        f"wavelength = ({LISTED})",
        f"Wavelengths = {{{LISTED}}}",
        f"wavelength = {LISTED}",
        f"wavelength = {{\n  {LISTED},\n}}",
        f"wavelength = [\n  {LISTED}\n]",
        f"wavelength = {{{LISTED.replace(',', ';')}}}",
        f"wavelength = {{{LISTED.replace(',', ';').replace('.', ',')}}}",
        f"wavelength = {{{LISTED.replace(',', ' nm,')} nm}}",
        f"Wavelength_Units = Nanometers\nWAVELENGTH = {{{LISTED}}}",
        "wavelength = {0.4 um, 0.525 um, 0.65 um, 0.775 um, 0.9 um}",
        "band names = {400.0 nm, 525.0 nm, 650.0 nm, 775.0 nm, 900.0 nm}",
        "band names = {b1 (0.4 Micrometers), b2 (0.525 Micrometers), b3 (0.65 Micrometers), b4 (0.775 Micrometers),"
        " b5 (0.9 Micrometers)}",
        "band names = {400.0, 525.0, 650.0, 775.0, 900.0}",
    ],
)
def test_wavelengths_are_read_however_a_list_is_written(tmp_path: Path, text: str) -> None:
    header = write(tmp_path, cube(), wavelength="")
    header.write_text(header.read_text() + text + "\n")
    np.testing.assert_allclose(open_scene(header).wavelengths, np.linspace(400, 900, 5))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_names_of_fields_are_told_apart_by_their_words(tmp_path: Path, encoding: str, ends: str) -> None:
    plain = write(tmp_path, cube(code=2), code=2, map_info=UTM, **{"data ignore value": -1})
    text = "".join(
        f"{name.strip().replace(' ', '_').title()}={value}\n" if value else f"{name}\n"
        for name, _, value in (line.partition("=") for line in plain.read_text().splitlines())
    )
    other = tmp_path / "other.hdr"
    other.write_bytes(text.replace("made by a test", "über µm").replace("\n", ends).encode(encoding))
    (tmp_path / "other.img").write_bytes((tmp_path / "scene.img").read_bytes())
    scene = open_scene(other)
    np.testing.assert_array_equal(scene.read(), open_scene(plain).read())
    assert scene.georeference == open_scene(plain).georeference and scene.georeference is not None


@pytest.mark.parametrize("text", ["none", "None", ""])
def test_a_field_may_say_that_there_is_none(tmp_path: Path, text: str) -> None:
    header = write(tmp_path, cube())
    header.write_text(f"{header.read_text()}data ignore value = {text}\nreflectance scale factor = {text}\n")
    np.testing.assert_array_equal(open_scene(header).read(), cube())


def test_a_scale_factor_below_one_multiplies(tmp_path: Path) -> None:
    scene = open_scene(write(tmp_path, cube(code=2), code=2, **{"reflectance scale factor": 0.0001}))
    np.testing.assert_allclose(scene.read(), cube() / 10000, rtol=1e-6)
    assert any("0.0001, is what the numbers are multiplied by" in note for note in scene.notes)


def test_flags_of_bands_may_be_words(tmp_path: Path) -> None:
    scene = open_scene(write(tmp_path, cube(), bbl="{True, false, TRUE, True, False}"))
    np.testing.assert_array_equal(scene.band_numbers, [0, 2, 3])


def test_a_header_that_says_two_things_is_refused(tmp_path: Path) -> None:
    header = write(tmp_path, cube())
    header.write_text(header.read_text() + "wavelength = {1, 2, 3, 4, 5}\n")
    with pytest.raises(SceneError, match="two lines 'wavelength' that differ: leave the right one"):
        open_scene(header)


def test_a_header_without_its_first_line_is_told_so(tmp_path: Path) -> None:
    header = write(tmp_path, cube())
    header.write_text(header.read_text().removeprefix("ENVI\n"))
    with pytest.raises(SceneError, match="its first line must be ENVI"):
        open_scene(header)


@pytest.mark.parametrize(
    ("centres", "units", "widths"),
    [(1.0, "nm", 1.0), (1.0, "nm", 1e-3), (1e-3, "um", 1e-3), (1e-3, "um", 1.0), (10.0, "Angstrom", 10.0)],
)
def test_widths_may_have_another_unit_than_wavelengths(
    tmp_path: Path, centres: float, units: str, widths: float
) -> None:
    listed = ", ".join(f"{one * centres:.6g}" for one in np.linspace(400, 440, 5))
    fields = {
        "wavelength": f"{{{listed}}}",
        "wavelength units": units,
        "fwhm": f"{{{', '.join([str(9 * widths)] * 5)}}}",
    }
    fwhm = open_scene(write(tmp_path, cube(), **fields)).fwhm
    assert fwhm is not None
    np.testing.assert_allclose(fwhm, 9)
