"""Products in HDF5 and netCDF-4: generated ones with known reflectance, and real and made-up ones where at hand."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from products import reflectance, write_emit

from special.cli.info import info
from special.errors import SceneError
from special.scene import open_scene
from special.scene.readers.base import recognise

NM = np.array([381.0, 450.0, 550.0, 650.0, 850.0, 1400.0, 1650.0, 2200.0])
GOOD = np.array([1, 1, 1, 1, 1, 0, 1, 1])


@pytest.fixture(scope="module")
def products() -> Path:
    return beside("products")


@pytest.fixture(scope="module")
def cases() -> Path:
    return beside("cases")


def beside(name: str) -> Path:
    folder = Path(__file__).resolve().parents[2] / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"the folder of {name} is not beside this checkout")
    return folder


def damage(path: Path) -> None:
    """Cut the second half off."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def remove(path: Path, name: str) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]


def test_emit_l2a_is_reflectance_with_its_bad_bands_in_sensor_geometry(tmp_path: Path) -> None:
    cube = reflectance()
    path = write_emit(tmp_path / "EMIT_L2A_RFL_001.nc", cube, NM, GOOD)
    scene = open_scene(path)
    assert (recognise(path).name, scene.format, scene.key) == ("emit", "EMIT L2A", None)
    np.testing.assert_allclose(scene.wavelengths, NM[GOOD == 1])
    assert scene.fwhm is not None and set(scene.fwhm) == {8.5}
    assert scene.bad_bands == {5: "marked bad in the file (good_wavelengths)"}
    assert scene.known_reflectance and scene.scale_factor is None and scene.georeference is None
    assert any("sensor geometry" in note and "orthorectified grid" in note for note in scene.notes)
    assert not scene.valid[0, 0] and scene.valid.sum() == 29
    np.testing.assert_array_equal(scene.read()[1:], cube[1:][:, :, GOOD == 1])


def test_emit_l1b_is_radiance(tmp_path: Path) -> None:
    cube = 20 * reflectance()
    scene = open_scene(write_emit(tmp_path / "EMIT_L1B_RAD_001.nc", cube, NM, GOOD, "radiance"))
    assert scene.format == "EMIT L1B" and not scene.known_reflectance and not scene.bad_bands
    np.testing.assert_array_equal(scene.read()[1:], cube[1:])


def test_info_says_what_an_emit_file_is(tmp_path: Path) -> None:
    path = write_emit(tmp_path / "x.nc", reflectance(), NM, GOOD)
    text = CliRunner().invoke(info, [str(path)]).output
    for words in ("EMIT L2A", "7 of 8 in the file", "381.0 to 2200.0 nm", "not georeferenced", "29 of 30"):
        assert words in text
    assert "as they stand" not in text
    facts = json.loads(CliRunner().invoke(info, [str(path), "--json"]).output)
    assert facts["known_reflectance"] is True and facts["gains"] is False


def test_a_damaged_emit_file_is_one_line(tmp_path: Path) -> None:
    path = write_emit(tmp_path / "x.nc", reflectance(), NM, GOOD)
    remove(path, "sensor_band_parameters/wavelengths")
    with pytest.raises(SceneError, match="has no wavelengths"):
        open_scene(path)
    write_emit(path, reflectance(), NM, GOOD[:4].repeat(2))
    with h5py.File(path, "r+") as file:
        del file["sensor_band_parameters/good_wavelengths"]
        file["sensor_band_parameters/good_wavelengths"] = GOOD[:4]
    with pytest.raises(SceneError, match="'sensor_band_parameters/good_wavelengths' should hold one number for each"):
        open_scene(path)
    damage(path)
    with pytest.raises(SceneError, match="may be damaged") as error:
        open_scene(path)
    assert "\n" not in str(error.value)


def test_another_array_of_a_product_is_read_as_plain_hdf5(tmp_path: Path) -> None:
    path = write_emit(tmp_path / "x.nc", reflectance(), NM, GOOD)
    assert open_scene(path, key="reflectance").format == "EMIT L2A"
    with h5py.File(path, "r+") as file:
        file["uncertainty"] = reflectance()
    assert open_scene(path, key="uncertainty", wavelengths=NM).format == "HDF5"
    with pytest.raises(SceneError, match="no array named 'nothing'"):
        open_scene(path, key="nothing", wavelengths=NM)


def test_the_reader_of_a_product_refuses_other_files(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["cube"] = reflectance()
    with pytest.raises(SceneError, match="is not laid out as EMIT"):
        open_scene(tmp_path / "x.h5", reader="emit")


def test_the_case_of_emit_has_its_wavelengths(cases: Path) -> None:
    scene = open_scene(cases / "emit-good-wavelengths" / "emit.nc")
    assert (scene.wavelengths[0], scene.wavelengths[-1], scene.shape) == (381.0, 2493.0, (30, 30, 51))
    assert [number + 1 for number in scene.bad_bands] == [28, 29, 30, *range(40, 46)]


def test_the_emit_files_of_gdal_are_understood_as_far_as_they_go(products: Path) -> None:
    path = products / "gdal_fakes" / "fake_EMIT_L2A_with_good_wavelengths.nc"
    scene = open_scene(path, wavelengths=[500.0, 600.0])
    assert scene.format == "EMIT L2A" and scene.bad_bands == {1: "marked bad in the file (good_wavelengths)"}
    np.testing.assert_array_equal(scene.read()[:, :, 0], [[10, 20], [30, 40]])
    with pytest.raises(SceneError, match="has no wavelengths"):
        open_scene(products / "gdal_fakes" / "fake_EMIT_L2A.nc")
