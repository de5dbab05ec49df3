"""The CF conventions in netCDF-4 and HDF5, and Zarr: which axis is which, packed values, place, wavelengths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rasterio
import small_scene
from folder_products import write_zarr
from products import reflectance, write_cf
from scipy.io import netcdf_file

import special
from special.errors import SceneError
from special.scene import open_scene
from special.scene.readers.base import recognise
from special.scene.truth import read_truth

NM = np.array([400.0, 450.0, 550.0, 650.0, 850.0, 1000.0, 1650.0, 2200.0])
ORDERS = ["yxb", "byx", "ybx", "xyb", "bxy", "xby"]


@pytest.mark.parametrize("order", ORDERS)
def test_dimensions_say_which_axis_is_which(tmp_path: Path, order: str) -> None:
    cube = reflectance(8, 8)  # a cube of 8 x 8 x 8, whose shape tells nothing
    scene = open_scene(write_cf(tmp_path / "x.nc", cube, NM, order))
    assert (scene.shape, scene.known_reflectance, scene.gains_applied) == ((8, 8, 8), True, True)
    np.testing.assert_allclose(scene.wavelengths, NM)
    np.testing.assert_allclose(scene.read()[1:], cube[1:], atol=1e-4)
    assert not scene.valid[0, 0] and scene.valid.sum() == 63
    assert scene.georeference is not None and scene.georeference.transform == (20, 0, 400000, 0, -20, 5600000)
    assert "UTM zone 32N" in (scene.georeference.crs_wkt or "")


def test_gdal_has_the_same_place(tmp_path: Path) -> None:
    path = write_cf(tmp_path / "x.nc", reflectance(), NM, "byx", packed=False)
    place = open_scene(path).georeference
    with rasterio.open(f'NETCDF:"{path}":refl') as file:
        assert place is not None and place.transform == pytest.approx(tuple(file.transform)[:6], abs=0.02)
        assert file.crs == rasterio.crs.CRS.from_wkt(place.crs_wkt)


def test_values_that_are_not_packed_are_as_they_stand(tmp_path: Path) -> None:
    cube = reflectance()
    scene = open_scene(write_cf(tmp_path / "x.nc", cube, NM, packed=False))
    assert not scene.gains_applied
    np.testing.assert_array_equal(scene.read()[1:], cube[1:])


def test_dimensions_without_coordinates_give_no_place_but_the_axes(tmp_path: Path) -> None:
    scene = open_scene(write_cf(tmp_path / "x.nc", reflectance(8, 8), NM, "byx", coordinates=False))
    assert scene.georeference is not None and scene.georeference.transform is None
    assert scene.shape == (8, 8, 8)


def test_a_grid_mapping_that_nobody_knows_gives_no_projection(tmp_path: Path) -> None:
    path = write_cf(tmp_path / "x.nc", reflectance(), NM)
    with h5py.File(path, "r+") as file:
        file["crs"].attrs["crs_wkt"] = "PROJCS[nonsense"
    place = open_scene(path).georeference
    assert place is not None and place.crs_wkt is None and place.transform is not None


def test_two_cubes_are_asked_about(tmp_path: Path) -> None:
    path = write_cf(tmp_path / "x.nc", reflectance(), NM)
    with h5py.File(path, "r+") as file:
        file["refl_uncertainty"] = file["refl"][()]
    with pytest.raises(SceneError, match="holds 2 arrays that could be the cube"):
        open_scene(path)
    assert open_scene(path, key="refl").shape == (6, 5, 8)


def test_a_truncated_netcdf_is_one_line(tmp_path: Path) -> None:
    path = write_cf(tmp_path / "x.nc", reflectance(), NM)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SceneError, match="may be damaged") as error:
        open_scene(path)
    assert "\n" not in str(error.value)


def test_truth_and_cube_of_one_program_are_read_alike(cases: Path) -> None:
    folder = cases / "h5py-mat-truth"
    truth = read_truth(folder / "gt.mat", (30, 30))
    np.testing.assert_array_equal(truth, np.load(folder / "truth.npy"))


def zarr(root: Path, cube: np.ndarray, order: str = "yxb", version: int = 2, named: bool = True) -> Path:
    names = {"y": "y", "x": "x", "b": "wavelength"}
    rows, cols, _ = cube.shape
    values = np.ascontiguousarray(cube.transpose(["yxb".index(axis) for axis in order]))
    mapping = {"crs_wkt": rasterio.crs.CRS.from_epsg(32632).to_wkt()}
    dimensions = [names[axis] for axis in order] if named else ["a", "b", "c"]
    return write_zarr(
        root,
        {
            "refl": (values, dimensions, {"grid_mapping": "crs"}),
            "wavelength": (NM[: cube.shape[2]], ["wavelength"], {"units": "nm"}),
            "x": (400010.0 + 20 * np.arange(cols), ["x"], {}),
            "y": (5599990.0 - 20 * np.arange(rows), ["y"], {}),
            "crs": (np.zeros(1, "i4"), ["one"], mapping),
        },
        version,
    )


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("order", ORDERS)
def test_zarr_is_read_in_any_order_of_its_axes(tmp_path: Path, order: str, version: int) -> None:
    cube = reflectance(9, 7)
    path = zarr(tmp_path / "x.zarr", cube, order, version)
    scene = open_scene(path)
    assert (recognise(path).name, scene.format, scene.key) == ("zarr", "Zarr", "refl")
    np.testing.assert_array_equal(scene.read(), cube)
    np.testing.assert_array_equal(scene.read(slice(3, 6), slice(2, 4), bands=[5, 1]), cube[3:6, 2:4][:, :, [5, 1]])
    np.testing.assert_array_equal(scene.wavelengths, NM)
    assert scene.georeference is not None and scene.georeference.transform == (20, 0, 400000, 0, -20, 5600000)


@pytest.mark.parametrize("form", [{}, {"compressors": "auto", "shards": (6, 6, 8)}, {"compressors": None}])
def test_a_zarr_of_version_3_as_zarr_python_writes_it_is_read(tmp_path: Path, form: dict[str, Any]) -> None:
    import zarr as zarr_python

    cube = reflectance(9, 7)
    group = zarr_python.open_group(tmp_path / "x.zarr", mode="w", zarr_format=3)
    names = ("y", "x", "wavelength")
    array = group.create_array(
        "refl", shape=cube.shape, chunks=(3, 3, 8), dtype="f4", dimension_names=names, fill_value=-9999, **form
    )
    array[:6] = cube[:6]
    wavelength = group.create_array("wavelength", shape=(8,), dtype="f8", dimension_names=names[2:])
    wavelength[:] = NM
    scene = open_scene(tmp_path / "x.zarr")
    np.testing.assert_array_equal(scene.wavelengths, NM)
    np.testing.assert_array_equal(scene.read(slice(0, 6)), cube[:6])
    assert not scene.valid[6:].any(), "chunks that were never written hold the fill value"


def test_a_chunk_of_version_3_that_cannot_be_unpacked_is_one_line(tmp_path: Path) -> None:
    path = zarr(tmp_path / "x.zarr", reflectance(9, 7), version=3)
    about = path / "refl" / "zarr.json"
    about.write_text(about.read_text().replace('"codecs": [', '"codecs": [{"name": "gzip"}, ').replace("gzip", "rle"))
    with pytest.raises(SceneError, match=r"refl of .* cannot be read \(.*rle"):
        open_scene(path)


def test_a_span_for_a_zarr_whose_axes_are_open_is_refused(tmp_path: Path) -> None:
    path = zarr(tmp_path / "x.zarr", reflectance(9, 7), named=False)
    assert open_scene(path).shape == (9, 7, 8), "the number of wavelengths tells"
    for name in (".zarray", ".zattrs", "0"):
        (path / "wavelength" / name).unlink()
    with pytest.raises(SceneError, match="does not say which axis"):
        open_scene(path, wavelengths="400:2400")


def test_a_chunk_that_changes_makes_another_scene(tmp_path: Path) -> None:
    path = zarr(tmp_path / "x.zarr", reflectance(9, 7))
    before = open_scene(path).content_hash()
    chunk = path / "refl" / "1.0.0"
    chunk.write_bytes(chunk.read_bytes()[::-1])
    assert open_scene(path).content_hash() != before


def test_a_damaged_zarr_is_one_line(tmp_path: Path) -> None:
    path = zarr(tmp_path / "x.zarr", reflectance(9, 7))
    (path / "refl" / ".zarray").write_text('{"shape": [1,')
    with pytest.raises(SceneError, match="the store is damaged"):
        open_scene(path)
    (path / "refl" / ".zarray").write_text('{"shape": ["a"]}')
    with pytest.raises(SceneError, match="without a shape"):
        open_scene(path)


def classic(path: Path, cube: np.ndarray, order: str = "yxb") -> Path:
    """Classic netCDF, packed in int16."""
    sizes = dict(zip("yxb", cube.shape, strict=True))
    names = {"y": "lat", "x": "lon", "b": "wavelength"}
    with netcdf_file(path, "w") as file:
        for axis, name in names.items():
            file.createDimension(name, sizes[axis])
            variable = file.createVariable(name, "f8", (name,))
            variable[:] = {"y": 50 - 0.01 * np.arange(sizes["y"]), "x": 0.01 * np.arange(sizes["x"]), "b": NM}[axis]
            variable.units = {"y": "degrees_north", "x": "degrees_east", "b": "nm"}[axis]
        variable = file.createVariable("rhos", "i2", tuple(names[axis] for axis in order))
        variable[:] = np.round(cube / 1e-4).astype("i2").transpose(["yxb".index(axis) for axis in order])
        variable.scale_factor, variable._FillValue = 1e-4, np.int16(-32000)
    return path


@pytest.mark.parametrize("order", ORDERS)
def test_classic_netcdf_is_read_by_the_same_conventions(tmp_path: Path, order: str) -> None:
    cube = reflectance(8, 8)
    path = classic(tmp_path / "x.nc", cube, order)
    scene = open_scene(path)
    assert (recognise(path).name, scene.shape, scene.gains_applied) == ("netcdf3", (8, 8, 8), True)
    np.testing.assert_allclose(scene.read(), cube, atol=1e-4)
    np.testing.assert_array_equal(scene.wavelengths, NM)
    assert scene.georeference is not None and scene.georeference.transform is not None
    np.testing.assert_allclose(scene.georeference.transform, (0.01, 0, -0.005, 0, -0.01, 50.005), atol=1e-9)
    assert "WGS 84" in (scene.georeference.crs_wkt or "")


def test_a_truncated_classic_netcdf_is_one_line(tmp_path: Path) -> None:
    path = classic(tmp_path / "x.nc", reflectance(8, 8))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SceneError, match="may be damaged") as error:
        open_scene(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["cf", "zarr"])
def test_such_files_are_labelled(tmp_path: Path, kind: str) -> None:
    cube, nm, truth = small_scene.cube()
    if kind == "cf":
        path = write_cf(tmp_path / "x.nc", cube, nm, "byx")
    else:
        path = write_zarr(
            tmp_path / "x.zarr",
            {"r": (cube, ["y", "x", "band"], {}), "wavelength": (nm, ["band"], {"units": "nm"})},
        )
    run = special.label(path, small_scene.CLASSES, out=tmp_path / "x.special", clip="none", until="pseudo")
    shares = run.probabilities_of("pseudo")
    seen = shares.sum(axis=2) > 0
    assert (1 + shares.argmax(axis=2) == truth)[seen].mean() == 1 and seen.sum() >= truth.size - 1
