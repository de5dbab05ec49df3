"""Wavelengths: from --wavelengths, from --sensor, in any order, and what is said when there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from special.errors import SceneError
from special.scene import Scene, open_scene
from special.scene.nanometres import plausible_nm
from special.scene.sensors import SENSORS
from special.scene.wavelength_files import read_wavelengths
from special.scene.wavelengths import given_wavelengths

NM = np.linspace(400.0, 900.0, 6)


def cube(bands: int = 6) -> np.ndarray:
    return np.random.default_rng(11).uniform(0.1, 1.0, (3, 4, bands)).astype(np.float32)


@pytest.fixture
def npy(tmp_path: Path) -> Path:
    np.save(tmp_path / "scene.npy", cube())
    return tmp_path / "scene.npy"


@pytest.mark.parametrize(
    "text",
    [
        "wavelength_nm\n400\n500\n600\n700\n800\n900\n",
        "400\r\n500\r\n600\r\n700\r\n800\r\n900",
        "\ufeff0.4\n0.5\n0.6\n0.7\n0.8\n0.9\n",
        "# sensor x\nband,wavelength,fwhm\n1,400,10\n2,500,10\n3,600,11\n4,700,11\n5,800,12\n6,900,12\n",
        "1\t400\t0.3\n2\t500\t0.4\n3\t600\t0.5\n4\t700\t0.6\n5\t800\t0.7\n6\t900\t0.8\n",
        "fwhm,centre\n5.0,0.4\n5.1,0.5\n5.2,0.6\n5.3,0.7\n5.4,0.8\n5.5,0.9\n",
        "fwhm;Wellenlänge\n5,0;400,0\n5,1;500,0\n5,2;600,0\n5,3;700,0\n5,4;800,0\n5,5;900,0\n",
        "400 nm\n500 nm\n600 nm\n700 nm\n800 nm\n900 nm\n",
        "400, 500, 600, 700, 800, 900\n",
        "0,40\n0,50\n0,60\n0,70\n0,80\n0,90\n",
        "wavelength (Å)\n4,000.0\n5,000.0\n6,000.0\n7,000.0\n8,000.0\n9,000.0\n",
        "wavelength (angstrom)\n4000\n5000\n6000\n7000\n8000\n9000\n",
        "band,wavelength\n1,400.0 nm\n2,500.0 nm\n3,600.0 nm\n4,700.0 nm\n5,800.0 nm\n6,900.0 nm\n",
        "band;Wellenlänge (µm)\n1;0,4\n2;0,5\n3;0,6\n4;0,7\n5;0,8\n6;0,9\n",
        "[400.0, 500.0, 600.0,\n 700.0, 800.0, 900.0]",
        "(0.4, 0.5, 0.6, 0.7, 0.8, 0.9)\n",
        "wavenumber (cm-1)\n25000\n20000\n16666.6667\n14285.7143\n12500\n11111.1111\n",
        "ENVI\nbands = 6\nwavelength units = Micrometers\nwavelength = {0.4, 0.5, 0.6,\n 0.7, 0.8, 0.9}\n",
        '"band","nm"\n"B1","400"\n"B2","500"\n"B3","600"\n"B4","700"\n"B5","800"\n"B6","900"\n',
    ],
)
def test_the_column_of_wavelengths_is_found_in_a_text_file(npy: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "w.csv").write_bytes(text.encode())
    scene = open_scene(npy, wavelengths=tmp_path / "w.csv")
    np.testing.assert_allclose(scene.wavelengths, NM)


@pytest.mark.parametrize("text", ["400:900", "0.4:0.9", " 400.0 : 900 "])
def test_a_span_is_spread_evenly_over_the_bands(npy: Path, text: str) -> None:
    np.testing.assert_allclose(open_scene(npy, wavelengths=text).wavelengths, NM)


def test_a_list_from_python_may_be_in_micrometres(npy: Path) -> None:
    np.testing.assert_allclose(open_scene(npy, wavelengths=[0.4, 0.5, 0.6, 0.7, 0.8, 0.9]).wavelengths, NM)


def test_many_equal_wavelengths_keep_the_order_of_the_file() -> None:
    scene = Scene.from_array(cube(60), np.tile([500.0, 400.0, 600.0], 20))
    for third, start in enumerate((1, 0, 2)):
        np.testing.assert_array_equal(scene.band_numbers[20 * third : 20 * third + 20], np.arange(start, 60, 3))


@given(st.permutations(range(6)))
def test_bands_in_any_order_make_the_same_scene(order: list[int]) -> None:
    scene = Scene.from_array(cube()[:, :, order], NM[order])
    np.testing.assert_array_equal(scene.wavelengths, NM)
    np.testing.assert_array_equal(scene.band_numbers, np.argsort(order))
    np.testing.assert_array_equal(scene.read(), cube())


def test_overlapping_detectors_are_merged_and_equal_wavelengths_keep_their_order() -> None:
    scene = Scene.from_array(cube(), [400, 500, 600, 550, 600, 700])
    np.testing.assert_array_equal(scene.wavelengths, [400, 500, 550, 600, 600, 700])
    np.testing.assert_array_equal(scene.band_numbers, [0, 1, 3, 2, 4, 5])
    np.testing.assert_array_equal(scene.read(), cube()[:, :, [0, 1, 3, 2, 4, 5]])
    assert "the bands were put in order of wavelength" in scene.notes


def test_what_the_user_gives_beats_the_file(tmp_path: Path) -> None:
    import scipy.io

    scipy.io.savemat(tmp_path / "scene.mat", {"x": cube(), "wavelengths": NM})
    assert open_scene(tmp_path / "scene.mat").wavelengths[0] == 400
    assert open_scene(tmp_path / "scene.mat", wavelengths="430:860").wavelengths[0] == 430


def test_without_wavelengths_the_message_lists_the_three_ways(npy: Path) -> None:
    with pytest.raises(SceneError, match=r"3 x 4 pixels, 6 bands\) has no wavelengths") as error:
        open_scene(npy)
    assert all(way in str(error.value) for way in ("--wavelengths FILE", "--wavelengths 430:860", "--sensor NAME"))


def test_a_wrong_number_of_wavelengths_names_both(npy: Path, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("400\n500\n600\n700\n")
    with pytest.raises(SceneError, match=r"w.csv has 4 wavelengths but .*scene.npy has 6 bands"):
        open_scene(npy, wavelengths=tmp_path / "w.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no wavelengths file"),
        ("red\ngreen\n", "holds no numbers"),
        ("1\n2\n3\n4\n5\n6\n", "reads as wavelengths"),
    ],
)
def test_a_file_without_wavelengths_is_named(npy: Path, tmp_path: Path, content: str | None, message: str) -> None:
    if content:
        (tmp_path / "w.csv").write_text(content)
    with pytest.raises(SceneError, match=message):
        open_scene(npy, wavelengths=tmp_path / "w.csv")


@pytest.mark.parametrize("text", ["430:430", "1:60"])
def test_a_span_that_is_none_is_named(npy: Path, text: str) -> None:
    with pytest.raises(SceneError, match="no span of wavelengths"):
        open_scene(npy, wavelengths=text)


def test_both_wavelengths_and_sensor_are_one_too_many(npy: Path) -> None:
    with pytest.raises(SceneError, match="both --wavelengths and --sensor"):
        open_scene(npy, wavelengths="430:860", sensor="rosis")


@pytest.mark.parametrize("name", sorted(SENSORS))
def test_every_sensor_has_rising_detectors_for_each_of_its_band_counts(name: str) -> None:
    for count in SENSORS[name].band_counts:
        centres = SENSORS[name].centres(count)
        assert centres is not None and centres.shape == (count,)
        assert 350 < centres.min() < 460 and 850 < centres.max() < 2600
        assert (np.diff(centres) < 0).sum() <= 3  # between detectors only
        assert np.abs(np.diff(centres)).max() < 210


def test_aviris_is_near_the_centres_that_its_scenes_come_with() -> None:
    centres = SENSORS["aviris"].centres(224)
    assert centres is not None
    # Bands 4, 32, 33, 97 and 224 of Jasper Ridge and Salinas, whose lists were published with the data.
    for band, nm in ((4, 394.9), (32, 667.6), (33, 655.8), (97, 1253.4), (224, 2493.3)):
        assert abs(centres[band - 1] - nm) <= SENSORS["aviris"].accuracy_nm


def test_a_sensor_gives_its_nominal_centres_and_says_so(tmp_path: Path) -> None:
    np.save(tmp_path / "scene.npy", cube(103))
    scene = open_scene(tmp_path / "scene.npy", sensor="ROSIS")
    assert (scene.wavelengths[0], scene.wavelengths[-1]) == (430, 860)
    assert any("nominal" in note and "25 nm" in note for note in scene.notes)


def test_a_sensor_with_other_bands_names_the_counts(npy: Path) -> None:
    with pytest.raises(SceneError, match=r"--sensor rosis has 115 or 103 wavelengths but .* has 6 bands"):
        open_scene(npy, sensor="rosis")


def test_an_unknown_sensor_lists_the_known_ones(npy: Path) -> None:
    with pytest.raises(SceneError, match=r"'landsat' is unknown.*aviris \(224 bands\).*rosis \(115/103 bands\)"):
        open_scene(npy, sensor="landsat")


def test_a_band_without_wavelength_is_dropped(npy: Path) -> None:
    scene = open_scene(npy, wavelengths=[0, 500, 600, 700, 800, 900])
    assert scene.bad_bands == {0: "no wavelength"}
    assert scene.shape == (3, 4, 5)


@given(st.lists(st.floats(200, 20000), min_size=2, max_size=20), st.sampled_from(["nm", "um", None]))
def test_plausible_lengths_come_back_in_nm(values: list[float], units: str | None) -> None:
    nm = np.array(values)
    if np.all(np.diff(nm) == 1) or np.ptp(nm) == 0:
        return
    found = plausible_nm(nm / 1000 if units == "um" else nm, units)
    assert found is not None
    np.testing.assert_allclose(found, nm)


@pytest.mark.parametrize("values", [[1.0] * 6, [0, 1, 1, 0, 1, 1], [0, 0, 0, 0, 0, 1], [550.0] * 6, [0, 500, 500]])
def test_flags_and_one_number_for_all_bands_are_no_wavelengths(npy: Path, tmp_path: Path, values: list[float]) -> None:
    assert plausible_nm(np.array(values), None) is None and plausible_nm(np.array(values), "um") is None
    (tmp_path / "flags.csv").write_text("\n".join(map(str, values)))
    with pytest.raises(SceneError, match=r"no column of .*flags\.csv reads as wavelengths"):
        open_scene(npy, wavelengths=tmp_path / "flags.csv")


def test_a_zero_in_a_list_means_that_the_band_has_no_wavelength(npy: Path, tmp_path: Path) -> None:
    (tmp_path / "nm.csv").write_text("900\n800\n700\n600\n0.00\n0.00\n")
    scene = open_scene(npy, wavelengths=tmp_path / "nm.csv")
    np.testing.assert_array_equal(scene.wavelengths, [600, 700, 800, 900])
    assert scene.bad_bands == {4: "no wavelength", 5: "no wavelength"}
    (tmp_path / "table.csv").write_text("".join(f"{n},{0 if n < 2 else 300 + n},{400 + 50 * n}\n" for n in range(6)))
    np.testing.assert_array_equal(open_scene(npy, wavelengths=tmp_path / "table.csv").wavelengths[[0, -1]], [400, 650])


def test_nothing_given_is_nothing() -> None:
    assert given_wavelengths(None, None) is None


@pytest.mark.parametrize(("units", "factor"), [("Nanometers", 1.0), ("Micrometers", 1e-3)])
def test_the_widths_of_bands_are_nm_whatever_the_unit_of_a_header(tmp_path: Path, units: str, factor: float) -> None:
    (tmp_path / "a.img").write_bytes(np.ones((2, 2, 3), "<f4").tobytes())
    (tmp_path / "a.hdr").write_text(
        f"ENVI\nsamples = 2\nlines = 2\nbands = 3\ndata type = 4\ninterleave = bip\nwavelength units = {units}\n"
        f"wavelength = {{{450 * factor}, {550 * factor}, {650 * factor}}}\n"
        f"fwhm = {{{9 * factor}, {10 * factor}, {11 * factor}}}\n"
    )
    scene = open_scene(tmp_path / "a.hdr")
    np.testing.assert_allclose(scene.fwhm, [9, 10, 11])


def test_real_files_that_say_how_wide_their_bands_are(products: Path) -> None:
    for name in ("qps/gdal_wl_fwhm.tif", "qps/envi_wl_fwhm.hdr"):
        fwhm = open_scene(products / name).fwhm
        assert fwhm is not None and (fwhm > 1).all() and (fwhm < 1000).all()


def test_large_numbers_without_a_unit_are_asked_about(npy: Path, tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("4,000.0\n5,000.0\n6,000.0\n7,000.0\n8,000.0\n9,000.0\n")
    with pytest.raises(SceneError, match="holds 4000 to 9000: write the unit"):
        open_scene(npy, wavelengths=tmp_path / "w.csv")


@pytest.mark.parametrize("span", ["400:900nm", "0.4:0.9 um", "0.4:0.9µm"])
def test_a_span_may_name_its_unit(npy: Path, span: str) -> None:
    np.testing.assert_allclose(open_scene(npy, wavelengths=span).wavelengths, NM)


@pytest.mark.parametrize(
    "name", ["decimal_comma_um", "units_in_cells", "cp1252", "list.txt", "donor.hdr", "wavenumber"]
)
def test_the_files_of_the_case_are_read(cases: Path, name: str) -> None:
    folder = cases / "wavelengths-csv"
    path = folder / (name if "." in name else f"{name}.csv")
    scene = open_scene(folder / "cube.npy", wavelengths=path)
    assert scene.shape[2] == 40
    assert (scene.wavelengths[0], scene.wavelengths[-1]) == pytest.approx((420, 990), abs=0.01)


def test_the_files_of_the_case_that_mean_less_are_not_guessed(cases: Path) -> None:
    folder = cases / "wavelengths-csv"
    scene = open_scene(folder / "cube.npy", wavelengths=folder / "zeros.csv")
    assert (scene.shape[2], scene.wavelengths[-1]) == (38, pytest.approx(960.8, abs=0.1))
    for name, words in (("flags", "no column of"), ("angstrom_thousands", "write the unit")):
        with pytest.raises(SceneError, match=words):
            open_scene(folder / "cube.npy", wavelengths=folder / f"{name}.csv")


TEN = np.linspace(420, 960, 10)


@pytest.mark.parametrize(
    "text",
    [
        f"wavelengths = {TEN.tolist()}",
        f"array({TEN.tolist()}, dtype=float32)",
        f"np.array([\n{','.join(map(str, TEN))}])",
        f"wl = [{' '.join(map(str, TEN))}];",
        f"c({', '.join(map(str, TEN))})",
        f'{{"wavelength": {TEN.tolist()}}}',
        "good_wavelengths,wavelengths\n" + "".join(f"1,{one:.2f}\n" for one in TEN),
        "Angstrom\n" + "".join(f"{one / 100:.3f},0\n" for one in TEN),
        "wavenumber (cm⁻¹)\n" + "".join(f"{1e7 / one:.4f}\n" for one in TEN),
        "".join(f"{1e7 / one:.4f} cm-1\n" for one in TEN),
    ],
)
def test_lists_of_programs_and_of_countries_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "w.csv").write_text(text, encoding="utf-8")
    np.testing.assert_allclose(read_wavelengths(tmp_path / "w.csv"), TEN, rtol=1e-3)


@pytest.mark.parametrize("absent", ["nan", "NA", "n/a", "0"])
@pytest.mark.parametrize("numbered", [True, False])
def test_a_band_may_have_no_wavelength_in_a_file(tmp_path: Path, absent: str, numbered: bool) -> None:
    lines = [absent if row in (0, 4) else f"{one:.1f}" for row, one in enumerate(TEN)]
    (tmp_path / "w.csv").write_text("\n".join(f"{n},{one}" if numbered else one for n, one in enumerate(lines, 1)))
    found = read_wavelengths(tmp_path / "w.csv")
    np.testing.assert_allclose(found, [np.nan if row in (0, 4) else one for row, one in enumerate(TEN)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from,to\n" + "".join(f"{one - 5},{one + 5}\n" for one in TEN), "several columns of .* read as wavelengths"),
        ("".join(f"{one * 10:,.1f}\n".replace(",", " ") for one in np.linspace(420, 960, 40)), "go up and down"),
        ("cm-1\n" + "".join(f"{one / 1000}\n" for one in TEN), "no column of .* reads as wavelengths"),
    ],
)
def test_a_file_that_may_mean_several_things_is_asked_about(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "w.csv").write_text(text)
    with pytest.raises(SceneError, match=message):
        read_wavelengths(tmp_path / "w.csv")


@pytest.mark.parametrize("kind", ["shuffled", "repeated"])
def test_wavelengths_of_a_file_that_no_sensor_has_are_asked_about(tmp_path: Path, kind: str) -> None:
    nm = np.linspace(400, 1000, 40)
    nm = np.random.default_rng(0).permutation(nm) if kind == "shuffled" else np.repeat(nm[::2], 2)
    (tmp_path / "a.img").write_bytes(cube(40).astype("<f4").tobytes())
    (tmp_path / "a.hdr").write_text(
        "ENVI\nsamples = 4\nlines = 3\nbands = 40\ndata type = 4\ninterleave = bip\n"
        f"wavelength = {{{', '.join(map(str, nm))}}}\n"
    )
    with pytest.raises(SceneError, match="as those of no sensor do"):
        open_scene(tmp_path / "a.hdr")
    assert open_scene(tmp_path / "a.hdr", wavelengths=nm).shape[2] == 40, "the user may know better"
