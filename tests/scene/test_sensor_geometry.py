"""Scenes in sensor geometry: where their pixels lie on the ground, and the maps that are laid there."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
import small_scene
from click.testing import CliRunner
from products import positions, reflectance, write_emit, write_pace, write_prisma, write_tanager

import special
from special.cli.info import info
from special.report.exports import write_map
from special.scene import Scene, open_scene
from special.scene.ground import EARTH, by_positions

NM = np.array([400.0, 450.0, 550.0, 650.0, 850.0, 1000.0, 1650.0, 2200.0])
GOOD = np.ones(8)


def emit(path: Path, cube: np.ndarray) -> Path:
    return write_emit(path / "EMIT_L2A_RFL_001_20220903T163129_2224611_012.nc", cube, NM, GOOD)


def prisma(level: str) -> Callable[[Path, np.ndarray], Path]:
    return lambda path, cube: write_prisma(path / f"PRS_{level}.he5", cube, NM[:4], NM[4:], level)


def tanager(path: Path, cube: np.ndarray) -> Path:
    return write_tanager(path / "x_basic_sr_hdf5.h5", cube, NM, GOOD, ortho=False)


def pace(path: Path, cube: np.ndarray) -> Path:
    return write_pace(path / "PACE.nc", cube, NM)


def write(folder: Path, scene: Scene) -> np.ndarray:
    """Write a map of two classes, which no pattern makes, and return it (rows, cols), as the sensor saw it."""
    first = np.random.default_rng(5).random(scene.valid.shape) < 0.5
    shares = np.where(scene.valid[:, :, None], np.stack([first, ~first], axis=-1), 0).astype(np.float32)
    write_map(folder, shares, scene.valid, ["A", "B"], scene.georeference, reject=0, ground=scene.ground)
    return np.load(folder / "map.npy")


@pytest.mark.parametrize("make", [emit, prisma("L1"), prisma("L2C"), tanager, pace])
def test_every_pixel_lies_where_its_latitude_and_longitude_say(
    tmp_path: Path, make: Callable[[Path, np.ndarray], Path]
) -> None:
    path = make(tmp_path, reflectance(9, 7))
    scene = open_scene(path, mask="none")
    with h5py.File(path, "r") as file:
        found: dict[str, np.ndarray] = {}
        file.visititems(lambda name, item: found.update({name.rpartition("/")[2].lower()[:3]: item}))
        lat, lon = found["lat"][()], found["lon"][()]
    # Latitude and longitude in 32 bits are themselves good to a fiftieth of a pixel.
    least = 1e-3 if lat.dtype == np.float64 else 0.02
    labels = write(tmp_path, scene)
    with rasterio.open(tmp_path / "map_ground.tif") as ground:  # GDAL says where a cell lies
        assert ground.crs.to_epsg() == 4326
        cells, cols = np.nonzero(ground.read(1))
        x, y = (np.array(part) for part in rasterio.transform.xy(ground.transform, cells, cols))
        step = abs(ground.transform.a), abs(ground.transform.e)
        shown = ground.read(1)[cells, cols]
    assert len(cells) == scene.valid.sum(), "each pixel has one cell, for the cells are as large as the pixels"
    for number in range(len(cells)):
        off = np.hypot((lon - x[number]) / step[0], (lat - y[number]) / step[1])
        row, col = np.unravel_index(off.argmin(), off.shape)
        assert off.min() < least
        assert labels[row, col] == shown[number]


def test_the_pixel_counts_on_the_ground_are_those_of_the_sensor(tmp_path: Path) -> None:
    _, lon = positions(6, 5, 30)
    path = tanager(tmp_path, reflectance())
    with h5py.File(path, "r+") as file:
        folder = file["HDFEOS/SWATHS/HYP/Geolocation Fields"]
        folder["Longitude"][...] = 9 + 3 * (lon - 9)  # pixels three times as wide as they are long
    labels = write(tmp_path, open_scene(path))
    with rasterio.open(tmp_path / "map_ground.tif") as ground:
        assert (ground.read(1) == 1).sum() > 2 * (labels == 1).sum()
        assert ground.nodata == 0
    said = (tmp_path / "map_ground.tif.aux.xml").read_text()
    for number in (1, 2):
        assert f"<F>{number}</F>\n        <F>{(labels == number).sum()}</F>" in said


def test_a_leaning_swath_shows_the_nearest_pixel_and_nothing_outside_it() -> None:
    lat, lon = positions(40, 30, 60)
    turned = lat + 0.3 * (lon - lon.mean()), lon - 0.4 * (lat - lat.mean())
    ground, said = by_positions(lambda: turned)
    assert ground is not None and "cells of" in said
    width, _, west, _, height, north = ground.georeference.transform or ()
    pixels = ground.pixels()
    assert pixels.shape == ground.shape and len(np.unique(pixels)) > 0.9 * 1200
    rows, cols = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    y, x = north + height * (rows + 0.5), west + width * (cols + 0.5)
    off = np.radians([turned[0].ravel() - y[..., None], (turned[1].ravel() - x[..., None]) * np.cos(np.radians(45))])
    metres = EARTH * np.hypot(*off)
    there = pixels >= 0
    nearest = metres.min(axis=2)
    shown = np.take_along_axis(metres, np.where(there, pixels, 0)[..., None], axis=2)[..., 0]
    assert (shown[there] <= 1.01 * nearest[there]).all()
    assert nearest[~there].min() > 25 and 0.4 < there.mean() < 0.9


def test_a_swath_over_the_date_line_is_one_grid() -> None:
    lat, lon = positions(8, 8, 1000)
    lon = lon - lon.mean() + 180
    ground, _ = by_positions(lambda: (lat, np.where(lon > 180, lon - 360, lon)))
    assert ground is not None and ground.shape == (8, 8)
    np.testing.assert_array_equal(ground.pixels(), np.arange(64).reshape(8, 8))


def test_pixels_whose_place_is_unknown_are_nowhere() -> None:
    lat, lon = positions(8, 8, 1000)
    lat[2, 3], lon[5, 5] = -32767, np.nan
    ground, _ = by_positions(lambda: (lat, lon))
    assert ground is not None
    assert set(range(64)) - set(ground.pixels().ravel().tolist()) == {2 * 8 + 3, 5 * 8 + 5}


def test_positions_that_are_all_alike_make_no_grid(tmp_path: Path) -> None:
    path = tanager(tmp_path, reflectance())
    with h5py.File(path, "r+") as file:
        for name in ("Latitude", "Longitude"):
            file[f"HDFEOS/SWATHS/HYP/Geolocation Fields/{name}"][...] = 0
    scene = open_scene(path)
    assert scene.ground is None and any("make no grid" in note for note in scene.notes)
    scattered = np.random.default_rng(0).uniform(-60, 60, (2, 6, 1)) + 1e-6 * np.arange(5)
    assert by_positions(lambda: (scattered[0], scattered[1]))[0] is None


def test_emit_without_its_table_is_laid_by_latitude_and_longitude(tmp_path: Path) -> None:
    path = emit(tmp_path, reflectance())
    with h5py.File(path, "r+") as file:
        del file["location/glt_x"]
    scene = open_scene(path)
    assert scene.ground is not None and "nearest pixel by latitude" in scene.ground.how
    with h5py.File(path, "r+") as file:
        del file["location/lat"]
    assert open_scene(path).ground is None


def test_a_table_that_names_pixels_outside_the_scene_shows_none_there(tmp_path: Path) -> None:
    path = emit(tmp_path, reflectance())
    with h5py.File(path, "r+") as file:
        file["location/glt_x"][0, 0] = 900
    ground = open_scene(path).ground
    assert ground is not None and ground.pixels()[0, 0] == -1


def test_info_says_where_the_maps_will_lie(tmp_path: Path) -> None:
    said = " ".join(CliRunner().invoke(info, [str(emit(tmp_path, reflectance()))]).output.split())
    assert "sensor geometry; on the ground 7 x 12 cells, WGS 84, origin 10.00, 50.00" in said
    assert "lookup table (GLT)" in said and "acquired 2022-09-03T16:31:29+0000" in said
    said = " ".join(CliRunner().invoke(info, [str(pace(tmp_path, reflectance()))]).output.split())
    assert "cells of 1.2e+03 m" in said


def test_a_scene_with_a_grid_can_be_handed_to_another_process(tmp_path: Path) -> None:
    scene = open_scene(tanager(tmp_path, reflectance()))
    again = pickle.loads(pickle.dumps(scene))
    np.testing.assert_array_equal(again.ground.pixels(), scene.ground.pixels())


def test_a_swath_is_labelled_in_both_geometries(tmp_path: Path) -> None:
    cube, nm, truth = small_scene.cube(bands=24)
    path = write_emit(tmp_path / "EMIT_L2A_RFL_001.nc", cube, nm, np.ones(24))
    run = special.label(path, small_scene.CLASSES, out=tmp_path / "x.special", clip="none", settings=small_scene.TINY)
    seen = run.map > 0
    assert (run.map == truth)[seen].mean() == 1 and seen.sum() == truth.size - 1
    with rasterio.open(run.path / "map_ground.tif") as ground, h5py.File(path, "r") as file:
        x, y = file["location/glt_x"][()], file["location/glt_y"][()]
        expected = np.where(x > 0, run.map[y - 1, x - 1], 0)
        np.testing.assert_array_equal(ground.read(1), expected)
    with rasterio.open(run.path / "confidence_ground.tif") as ground:
        np.testing.assert_array_equal(np.isfinite(ground.read(1)), expected > 0)
    assert run.record["scene"]["georeference"]["ground"]["how"] == "the product's lookup table (GLT)"
    again = special.label(path, small_scene.CLASSES, out=tmp_path / "x.special", clip="none", settings=small_scene.TINY)
    assert not any(outcome.ran for outcome in again.outcomes)


def test_the_map_on_the_ground_has_the_colours_of_the_class_list(tmp_path: Path) -> None:
    scene = open_scene(tanager(tmp_path, reflectance()))
    shares = np.where(scene.valid[:, :, None], [0.25, 0.75], 0).astype(np.float32)
    colours = np.array([[1, 2, 3], [200, 100, 50]], dtype=np.uint8)
    write_map(tmp_path, shares, scene.valid, ["A", "B"], None, reject=0, colours=colours, ground=scene.ground)
    for name in ("map.tif", "map_ground.tif"):
        with rasterio.open(tmp_path / name) as file:
            assert [file.colormap(1)[k][:3] for k in (1, 2)] == [(1, 2, 3), (200, 100, 50)]
