"""Products in HDF5 and netCDF-4: generated ones with known reflectance, and real and made-up ones where at hand."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from products import (
    EMIT_STORED,
    FILL,
    reflectance,
    write_aviris,
    write_emit,
    write_neon,
    write_pace,
    write_prisma,
    write_tanager,
    write_whole_emit,
)

from special.cli.info import info
from special.errors import SceneError
from special.scene import open_scene
from special.scene import scene as scene_module
from special.scene.readers import hdf5
from special.scene.readers.base import recognise

NM = np.array([381.0, 450.0, 550.0, 650.0, 850.0, 1400.0, 1650.0, 2200.0])
GOOD = np.array([1, 1, 1, 1, 1, 0, 1, 1])


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
    assert any("sensor geometry" in note and "GLT" in note for note in scene.notes)
    assert (scene.sensor, scene.level, scene.acquired) == ("EMIT", "L2A", "2022-09-03T16:31:29+0000")
    assert not scene.valid[0, 0] and scene.valid.sum() == 29
    np.testing.assert_array_equal(scene.read()[1:], cube[1:][:, :, GOOD == 1])


@pytest.mark.parametrize("stored", EMIT_STORED)
def test_a_whole_emit_scene_that_is_sparse_is_read_in_the_order_of_its_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: str
) -> None:
    shape = (600, 260, 60)
    part = np.full((300, 40, 60), FILL, dtype="f4")
    part[:9] = reflectance(9, 40, 60)
    path = write_whole_emit(tmp_path / "EMIT_L2A_RFL_1.nc", part, np.linspace(381, 2493, 60), shape, stored)
    if stored == "packed":
        assert path.stat().st_size < np.prod(shape), "where nothing is, nothing is stored"
    slabs: list[Any] = []
    whole = hdf5._whole_chunks
    monkeypatch.setattr(hdf5, "_whole_chunks", lambda *about: slabs.append(whole(*about)) or slabs[-1])
    monkeypatch.setattr(scene_module, "_JUDGED_BYTES", 1 << 20)
    scene = open_scene(path)
    assert scene.shape == shape and scene.valid.sum() == 2 * 9 * shape[1] and scene.valid[300:309].all()
    np.testing.assert_array_equal(scene.read(slice(300, 309), slice(40, 80)), part[:9])
    unpacked = [slab[0].start for slab in slabs[:-1] if slab is not None]
    assert all(unpacked.count(start) <= 2 for start in unpacked), "a pass over bands, one over pixels: no chunk again"
    ground = scene.ground
    assert ground is not None and ground.pixels()[308, 308 + 7] == 308 * shape[1] + 7


def test_emit_l1b_is_radiance(tmp_path: Path) -> None:
    cube = 20 * reflectance()
    scene = open_scene(write_emit(tmp_path / "EMIT_L1B_RAD_001.nc", cube, NM, GOOD, "radiance"))
    assert scene.format == "EMIT L1B" and not scene.known_reflectance and not scene.bad_bands
    np.testing.assert_array_equal(scene.read()[1:], cube[1:])


def test_info_says_what_an_emit_file_is(tmp_path: Path) -> None:
    path = write_emit(tmp_path / "x.nc", reflectance(), NM, GOOD)
    text = CliRunner().invoke(info, [str(path)]).output
    for words in ("EMIT L2A", "7 of 8 in the file", "381.0 to 2200.0 nm", "sensor geometry", "29 of 30"):
        assert words in text
    assert "as they stand" not in text
    facts = json.loads(CliRunner().invoke(info, [str(path), "--json"]).output)
    assert facts["known_reflectance"] is True and facts["gains_applied"] is False


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


VNIR = np.array([0.0, 970.0, 800.0, 650.0, 450.0])
SWIR = np.array([2400.0, 1600.0, 960.0, 0.0])


def test_prisma_joins_its_detectors_by_wavelength_and_scales_them(tmp_path: Path) -> None:
    cube = reflectance(bands=9)
    path = write_prisma(tmp_path / "PRS_L2D_STD.he5", cube, VNIR, SWIR)
    scene = open_scene(path)
    assert (recognise(path).name, scene.format, scene.key) == ("prisma", "PRISMA L2D", None)
    np.testing.assert_array_equal(scene.wavelengths, [450, 650, 800, 960, 970, 1600, 2400])
    np.testing.assert_array_equal(scene.band_numbers, [4, 3, 2, 7, 1, 6, 5])
    assert scene.bad_bands == {0: "no wavelength", 8: "no wavelength"} and scene.known_reflectance
    assert scene.fwhm is not None and set(scene.fwhm) == {10}
    assert not scene.valid[0, 0] and scene.valid.sum() == 29
    np.testing.assert_allclose(scene.read()[1:], cube[1:][:, :, scene.band_numbers], atol=1e-5)
    window = scene.read(slice(2, 4), slice(1, 3), bands=[4, 3, 0])
    np.testing.assert_allclose(window, cube[2:4, 1:3][:, :, [1, 7, 4]], atol=1e-5)


def test_prisma_lies_where_the_centres_of_its_corners_lie(tmp_path: Path) -> None:
    scene = open_scene(write_prisma(tmp_path / "x.he5", reflectance(bands=9), VNIR, SWIR))
    assert scene.georeference is not None and scene.georeference.transform is not None
    np.testing.assert_allclose(scene.georeference.transform, (30, 0, 499985, 0, -30, 5500015))
    assert "UTM zone 32N" in (scene.georeference.crs_wkt or "")
    assert "the corners in the file were taken as centres of pixels" in scene.notes


def test_prisma_l2c_has_no_place_and_l1_is_radiance(tmp_path: Path) -> None:
    cube = reflectance(bands=9)
    for level, known in (("L2C", True), ("L1", False)):
        written = cube if known else 5 * cube
        scene = open_scene(write_prisma(tmp_path / f"{level}.he5", written, VNIR, SWIR, level), mask="none")
        assert scene.format == f"PRISMA {level}" and scene.georeference is None
        assert scene.known_reflectance is known and any("sensor geometry" in note for note in scene.notes)
        expected = written[1:][:, :, scene.band_numbers]
        np.testing.assert_allclose(scene.read()[1:], expected, atol=1e-5 if known else 0.006)


def test_one_cube_of_prisma_can_be_named(tmp_path: Path) -> None:
    cube = reflectance(bands=9)
    path = write_prisma(tmp_path / "x.he5", cube, VNIR, SWIR)
    for key in ("SWIR_Cube", "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/SWIR_Cube"):
        scene = open_scene(path, key=key)
        np.testing.assert_array_equal(scene.wavelengths, [960, 1600, 2400])
        np.testing.assert_allclose(scene.read()[1:], cube[1:][:, :, [7, 6, 5]], atol=1e-5)


def test_what_a_prisma_file_lacks_is_named(tmp_path: Path) -> None:
    path = write_prisma(tmp_path / "x.he5", reflectance(bands=9), VNIR, SWIR, corners=False)
    scene = open_scene(path)
    assert scene.georeference is None and any("lacks its corners" in note for note in scene.notes)
    with h5py.File(path, "r+") as file:
        del file.attrs["List_Cw_Swir"]
    with pytest.raises(SceneError, match="has no wavelengths"):
        open_scene(path)
    with h5py.File(path, "r+") as file:
        file.attrs["List_Cw_Swir"] = SWIR[:2]
    with pytest.raises(SceneError, match="'List_Cw_Swir' should hold one number for each of 4 bands"):
        open_scene(path)
    with h5py.File(path, "r+") as file:
        file.attrs["List_Cw_Swir"] = SWIR
        del file.attrs["L2ScaleVnirMax"]
    with pytest.raises(SceneError, match="no attributes L2ScaleVnirMin and Max"):
        open_scene(path)
    damage(path)
    with pytest.raises(SceneError, match="may be damaged"):
        open_scene(path)


def test_the_case_of_prisma_needs_nothing_but_the_file(cases: Path) -> None:
    path = cases / "prisma-he5" / "prisma.he5"
    scene = open_scene(path)
    assert scene.shape == (20, 30, 56) and (scene.wavelengths[0], scene.wavelengths[-1]) == (400, 2480)
    key = "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/VNIR_Cube"
    for wavelengths in (None, path.with_name("vnir_no_zeros.csv"), "970:400"):
        scene = open_scene(path, key=key, wavelengths=wavelengths)
        assert scene.shape == (20, 30, 24) and scene.wavelengths[-1] == 970
    assert 0 < scene.read().min() < scene.read().max() < 1


def test_the_wavelengths_of_a_real_prisma_product(products: Path, tmp_path: Path) -> None:
    with np.load(products / "prisma_meta" / "prisma_wl.npz") as stored:
        vnir, swir = (stored[name] for name in sorted(stored, reverse=True))
    assert (len(vnir), len(swir)) == (66, 173)
    cube = reflectance(bands=239)
    scene = open_scene(write_prisma(tmp_path / "x.he5", cube, vnir, swir))
    assert scene.shape[2] == 234 and sorted(scene.bad_bands) == [0, 1, 2, 237, 238]
    assert np.all(np.diff(scene.wavelengths) > 0) and scene.wavelengths[0] == pytest.approx(406.9934)
    np.testing.assert_allclose(scene.read()[1:], cube[1:][:, :, scene.band_numbers], atol=1e-5)


def test_neon_has_its_scale_its_water_windows_and_its_place(tmp_path: Path) -> None:
    cube = reflectance()
    path = write_neon(tmp_path / "NEON_D17_SJER_reflectance.h5", cube, NM)
    scene = open_scene(path)
    assert (recognise(path).name, scene.format, scene.scale_factor) == ("neon", "NEON AOP", 10000)
    assert scene.bad_bands == {5: "marked bad in the file (water window)"} and scene.known_reflectance
    assert scene.fwhm is not None and scene.fwhm == pytest.approx(np.full(7, 5.7))
    assert not scene.valid[0, 0] and scene.valid.sum() == 29
    np.testing.assert_allclose(scene.read()[1:], cube[1:][:, :, scene.band_numbers], atol=1e-4)
    assert scene.georeference is not None and "UTM zone 11N" in (scene.georeference.crs_wkt or "")
    assert scene.georeference.transform == (1, 0, 257000, 0, -1, 4112000)


def test_a_neon_file_may_hold_more_than_its_reflectance(tmp_path: Path) -> None:
    path = write_neon(tmp_path / "x.h5", reflectance(), NM)
    with h5py.File(path, "a") as file:
        file["SJER/Radiance"], file["Notes/version"] = np.zeros(3), np.zeros(2)
    assert (open_scene(path).format, open_scene(path).scale_factor) == ("NEON AOP", 10000)


def test_a_neon_flight_line_may_be_turned(tmp_path: Path) -> None:
    path = write_neon(tmp_path / "x.h5", reflectance(), NM, "1, 1, 736600.0, 4078126.0, 2.7, 2.7, rotation=-66")
    scene = open_scene(path)
    assert scene.georeference is not None and scene.georeference.transform is not None
    turned = (1.0982, -2.4666, 736600, -2.4666, -1.0982, 4078126)  # as GDAL has ENVI's map info
    np.testing.assert_allclose(scene.georeference.transform, turned, atol=1e-4)
    path = write_neon(tmp_path / "y.h5", reflectance(), NM, "1, 1, somewhere")
    assert open_scene(path).georeference is None
    assert any("map info could not be read" in note for note in open_scene(path).notes)


def test_a_damaged_neon_file_is_one_line(tmp_path: Path) -> None:
    path = write_neon(tmp_path / "x.h5", reflectance(), NM[:5].repeat(2))
    with pytest.raises(SceneError, match="'SJER/Reflectance/Metadata/Spectral_Data/Wavelength' should hold one number"):
        open_scene(path)
    remove(path, "SJER/Reflectance/Metadata/Spectral_Data")
    with pytest.raises(SceneError, match="has no wavelengths"):
        open_scene(path)


def test_the_real_neon_excerpt_has_all_it_says(products: Path) -> None:
    scene = open_scene(products / "neon" / "ex.h5")
    assert (scene.format, scene.shape, scene.scale_factor) == ("NEON AOP", (30, 30, 426), 10000)
    assert (scene.wavelengths[0], scene.wavelengths[-1]) == pytest.approx((383.534, 2511.895), abs=1e-3)
    assert scene.georeference is not None and "UTM zone 11N" in (scene.georeference.crs_wkt or "")
    assert scene.georeference.transform == (1, 0, 257000, 0, -1, 4112000)
    np.testing.assert_allclose(scene.read(slice(0, 1), slice(0, 1))[0, 0, :3], [0.0267, 0.0237, 0.0248], atol=1e-6)


def test_aviris_netcdf_has_its_bands_first_and_a_map_grid(tmp_path: Path) -> None:
    cube = reflectance()
    path = write_aviris(tmp_path / "AV320230926t201618_L2A_OE_RFL_ORT.nc", cube, NM)
    scene = open_scene(path)
    assert (recognise(path).name, scene.format, scene.known_reflectance) == (
        "aviris_nc",
        "AVIRIS reflectance (netCDF)",
        True,
    )
    np.testing.assert_array_equal(scene.wavelengths, NM)
    assert scene.fwhm is not None and scene.fwhm == pytest.approx(np.full(8, 7.4))
    assert not scene.valid[0, 0] and scene.valid.sum() == 29
    np.testing.assert_array_equal(scene.read()[1:], cube[1:])
    assert scene.georeference is not None and "UTM zone 11N" in (scene.georeference.crs_wkt or "")
    assert scene.georeference.transform == (4, 0, 300000, 0, -4, 3800000)
    with h5py.File(path, "r+") as file:
        del file["transverse_mercator"].attrs["GeoTransform"]
    assert open_scene(path).georeference == scene.georeference


def test_aviris_netcdf_may_be_radiance_or_lack_its_place(tmp_path: Path) -> None:
    path = write_aviris(tmp_path / "x.nc", 9 * reflectance(), NM, "radiance")
    remove(path, "transverse_mercator")
    scene = open_scene(path)
    assert scene.format == "AVIRIS radiance (netCDF)" and not scene.known_reflectance
    assert scene.georeference is None and any("no map grid" in note for note in scene.notes)
    with h5py.File(path, "r+") as file:
        del file["radiance/wavelength"]
        file["radiance/wavelength"] = NM[:3]
    with pytest.raises(SceneError, match="'radiance/wavelength' should hold one number for each of 8 bands"):
        open_scene(path)


def test_tanager_ortho_is_described_by_its_attributes_and_lies_on_its_grid(tmp_path: Path) -> None:
    cube = reflectance()
    path = write_tanager(tmp_path / "20250608_091605_90_4001_ortho_sr_hdf5.h5", cube, NM, GOOD)
    scene = open_scene(path, mask="none")
    assert (recognise(path).name, scene.format) == ("tanager", "Tanager surface reflectance")
    assert scene.known_reflectance and scene.bad_bands == {5: "marked bad in the file (good_wavelengths)"}
    assert scene.fwhm is not None and set(scene.fwhm) == {5.5}
    assert not scene.valid[0, 0] and scene.valid.sum() == 29
    np.testing.assert_array_equal(scene.read()[1:], cube[1:][:, :, GOOD == 1])
    assert scene.georeference is not None and "UTM zone 13N" in (scene.georeference.crs_wkt or "")
    assert scene.georeference.transform == (30, 0, 500000, 0, -30, 4000000)
    with h5py.File(path, "r+") as file:
        del file["HDFEOS/GRIDS/HYP"].attrs["epsg_code"]
    assert open_scene(path).georeference == scene.georeference


def test_tanager_basic_is_in_sensor_geometry(tmp_path: Path) -> None:
    path = write_tanager(tmp_path / "x_basic_sr_hdf5.h5", reflectance(), NM, GOOD, ortho=False)
    scene = open_scene(path)
    assert scene.format == "Tanager surface reflectance" and scene.georeference is None
    assert any("sensor geometry" in note for note in scene.notes)


def test_what_a_tanager_file_lacks_is_said(tmp_path: Path) -> None:
    path = write_tanager(tmp_path / "x.h5", reflectance(), NM, GOOD)
    remove(path, "HDFEOS INFORMATION")
    assert any("grid could not be read" in note for note in open_scene(path).notes)
    with h5py.File(path, "r+") as file:
        file["HDFEOS/GRIDS/HYP/Data Fields/surface_reflectance"].attrs["wavelengths"] = NM[:3]
    with pytest.raises(SceneError, match="'wavelengths' should hold one number for each of 8 bands"):
        open_scene(path)


def test_pace_is_scaled_as_cf_says(tmp_path: Path) -> None:
    cube = reflectance()
    path = write_pace(tmp_path / "PACE_OCI.20240601T120000.L2.SFREFL.nc", cube, NM)
    scene = open_scene(path, mask="none")
    assert (recognise(path).name, scene.format, scene.known_reflectance) == ("pace", "PACE OCI L2", True)
    np.testing.assert_array_equal(scene.wavelengths, NM)
    assert not scene.valid[0, 0] and scene.valid.sum() == 29
    np.testing.assert_allclose(scene.read()[1:], cube[1:], atol=2e-5)
    assert "gains and offsets" in CliRunner().invoke(info, [str(path)]).output
    remove(path, "sensor_band_parameters/wavelength_3d")
    with pytest.raises(SceneError, match="has no wavelengths"):
        open_scene(path)


@pytest.mark.parametrize("name", ["HDFEOS/SWATHS", "reflectance", "geophysical_data", "SITE", "sensor_band_parameters"])
def test_an_array_where_a_product_has_a_folder_makes_plain_hdf5(tmp_path: Path, name: str) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file[name], file["cube"] = np.arange(3.0), reflectance()
    scene = open_scene(tmp_path / "x.h5", wavelengths=NM)
    assert (scene.format, scene.key) == ("HDF5", "cube")


def test_a_folder_where_a_product_has_an_array_is_one_line(tmp_path: Path) -> None:
    path = write_emit(tmp_path / "x.nc", reflectance(), NM, GOOD)
    with h5py.File(path, "r+") as file:
        del file["sensor_band_parameters/fwhm"]
        file.create_group("sensor_band_parameters/fwhm")
    with pytest.raises(SceneError, match="'sensor_band_parameters/fwhm' should hold one number for each"):
        open_scene(path)


def test_a_scene_of_two_cubes_can_be_handed_to_another_process(tmp_path: Path) -> None:
    scene = open_scene(write_prisma(tmp_path / "x.he5", reflectance(bands=9), VNIR, SWIR))
    again = pickle.loads(pickle.dumps(scene))
    np.testing.assert_array_equal(again.read(), scene.read())
    assert again.content_hash() == scene.content_hash()
