"""Label images laid on a scene by their places on the map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine, array_bounds, from_origin
from rasterio.warp import Resampling, calculate_default_transform, reproject

from special.errors import SceneError
from special.scene.source import Georeference
from special.scene.truth import read_truth

ROWS, COLS = 7, 5
TRUTH = np.random.default_rng(4).integers(0, 4, (ROWS, COLS))
WHERE = from_origin(400000, 5800000, 30, 30)
PLACE = Georeference(CRS.from_epsg(32633).to_wkt(), tuple(WHERE)[:6])
CLASSES = [("Water",), ("Grass",), ("Bare soil",)]


def write(path: Path, labels: np.ndarray, where: Affine, crs: str | None = "EPSG:32633", **more: Any) -> Path:
    size = {"height": labels.shape[0], "width": labels.shape[1], "count": 1, "dtype": "int16"}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=where, **size, **more) as file:
        file.write(labels.astype("int16"), 1)
    return path


def read(path: Path, place: Georeference | None = PLACE) -> tuple[np.ndarray, list[str]]:
    said: list[str] = []
    return read_truth(path, (ROWS, COLS), place=place, classes=CLASSES, say=said.append), said


def larger() -> np.ndarray:
    return np.pad(TRUTH, ((2, 1), (3, 4)))


SAME: dict[str, tuple[Callable[[], np.ndarray], Affine, str]] = {
    "south up": (lambda: TRUTH[::-1], Affine(30, 0, 400000, 0, 30, 5800000 - 30 * ROWS), "mirrored or turned"),
    "turned": (lambda: TRUTH.T, Affine(0, 30, 400000, -30, 0, 5800000), "mirrored or turned"),
    "larger": (larger, from_origin(400000 - 90, 5800000 + 60, 30, 30), "larger than the scene"),
    "finer": (
        lambda: np.kron(TRUTH, np.ones((3, 3))),
        from_origin(400000, 5800000, 10, 10),
        "of 10, the scene's of 30",
    ),
    "shifted": (lambda: TRUTH, from_origin(400010, 5799995, 30, 30), "up to 0.33 of one beside the scene's"),
}


@pytest.mark.parametrize("kind", SAME)
def test_the_labels_of_the_same_ground_are_the_same(tmp_path: Path, kind: str) -> None:
    labels, where, words = SAME[kind]
    found, said = read(write(tmp_path / "gt.tif", labels(), where))
    np.testing.assert_array_equal(found, TRUTH)
    assert len(said) == 1 and "laid on the scene by its place on the map" in said[0] and words in said[0]


def test_pixel_on_pixel_needs_no_word(tmp_path: Path) -> None:
    found, said = read(write(tmp_path / "gt.tif", TRUTH, WHERE))
    np.testing.assert_array_equal(found, TRUTH)
    assert not said


def test_coarser_labels_say_what_is_at_the_centre_of_a_pixel(tmp_path: Path) -> None:
    coarse = np.arange(1, 4).repeat(2).reshape(2, 3)
    found, said = read(write(tmp_path / "gt.tif", coarse, from_origin(400000, 5800000, 75, 150)))
    expected = [[coarse[min(int((row + 0.5) * 30 // 150), 1), int((col + 0.5) * 30 // 75)] for col in range(COLS)]
                for row in range(ROWS)]  # fmt: skip
    np.testing.assert_array_equal(found, expected)
    assert "the scene's of 30" in said[0]


def test_outside_the_labels_nothing_is_known(tmp_path: Path) -> None:
    found, said = read(write(tmp_path / "gt.tif", TRUTH[2:5, 1:4], from_origin(400030, 5799940, 30, 30)))
    np.testing.assert_array_equal(found, np.pad(TRUTH[2:5, 1:4], 1 * ((2, 2), (1, 1))))
    assert "it has 9 of the scene's 35 pixels" in said[0]


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32632", "EPSG:3035"])
def test_labels_in_another_system_are_where_gdal_has_them(tmp_path: Path, crs: str) -> None:
    size = 40, 150
    field = np.random.default_rng(0).integers(1, 4, size).repeat(10, axis=0).repeat(10, axis=1)[: size[0], : size[1]]
    bounds = array_bounds(*size, WHERE)
    step = 0.0003 if crs == "EPSG:4326" else 30
    where, width, height = calculate_default_transform("EPSG:32633", crs, size[1], size[0], *bounds, resolution=step)
    labels = np.zeros((height, width), "int16")
    ways = {"src_crs": "EPSG:32633", "dst_crs": crs, "src_transform": WHERE, "dst_transform": where}
    reproject(field.astype("int16"), labels, resampling=Resampling.nearest, **ways)
    found = read_truth(write(tmp_path / "gt.tif", labels, where, crs), size, place=PLACE, classes=CLASSES)
    back = np.zeros(size, "int16")
    ways = {"src_crs": crs, "dst_crs": "EPSG:32633", "src_transform": where, "dst_transform": WHERE}
    reproject(labels, back, resampling=Resampling.nearest, tolerance=0, **ways)
    assert (found == back).mean() > 0.995 and (found == field).mean() > 0.9


def test_labels_that_lie_elsewhere_are_refused_though_they_have_the_shape(tmp_path: Path) -> None:
    path = write(tmp_path / "gt.tif", TRUTH, from_origin(900000, 5800000, 30, 30))
    with pytest.raises(SceneError, match="lies elsewhere on the map than the scene"):
        read(path)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_where_one_of_the_two_has_no_place_the_shape_decides(tmp_path: Path) -> None:
    elsewhere = write(tmp_path / "gt.tif", TRUTH, from_origin(900000, 5800000, 30, 30))
    np.testing.assert_array_equal(read(elsewhere, None)[0], TRUTH)
    nowhere = write(tmp_path / "none.tif", TRUTH, Affine.identity(), None)
    np.testing.assert_array_equal(read(nowhere)[0], TRUTH)


def test_no_data_of_the_labels_stays_so(tmp_path: Path) -> None:
    path = write(tmp_path / "gt.tif", np.where(TRUTH == 0, 9, TRUTH)[::-1], SAME["south up"][1], nodata=9)
    np.testing.assert_array_equal(read(path)[0], TRUTH)


def test_large_labels_are_read_in_the_window_that_is_needed(tmp_path: Path) -> None:
    wide = np.zeros((900, 1000), "int16")
    wide[500 : 500 + ROWS, 600 : 600 + COLS] = TRUTH
    path = write(tmp_path / "gt.tif", wide, from_origin(400000 - 18000, 5800000 + 15000, 30, 30), tiled=True)
    np.testing.assert_array_equal(read(path)[0], TRUTH)
