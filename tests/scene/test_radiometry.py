"""Scenes that overlap are brought to one radiometry where the data say so, and left alone where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from special.scene import Georeference, Scene
from special.scene.overlap import CommonGrid, Footprint, common_grid, footprints
from special.scene.radiometry import corrections, matched

NM = np.linspace(450, 900, 12)


@pytest.fixture
def spectra() -> np.ndarray:
    """400 spectra of two materials (pixels, bands)."""
    rng = np.random.default_rng(0)
    share = rng.random((400, 1))
    return share * np.linspace(0.05, 0.4, 12) + (1 - share) * np.linspace(0.3, 0.2, 12)


def noisy(values: np.ndarray, seed: int) -> np.ndarray:
    return values + np.random.default_rng(seed).normal(0, 0.003, values.shape)


def test_gain_and_offset_are_found_though_both_are_noisy(spectra: np.ndarray) -> None:
    gain, offset = matched(noisy(spectra, 1) * 1.1 + 0.05, noisy(spectra, 2))
    np.testing.assert_allclose(gain[[0, -1]], 1 / 1.1, atol=0.02)
    np.testing.assert_allclose((noisy(spectra, 1) * 1.1 + 0.05) * gain + offset, spectra, atol=0.02)


def test_chance_is_no_difference(spectra: np.ndarray) -> None:
    gain, offset = matched(noisy(spectra, 1), noisy(spectra, 2))
    assert (gain == 1).all() and (offset == 0).all()


def test_what_has_moved_does_not_count(spectra: np.ndarray) -> None:
    moved = noisy(spectra, 1)
    moved[:30] = 3.0
    gain, offset = matched(moved, noisy(spectra, 2))
    assert (gain == 1).all() and (offset == 0).all()


def test_where_all_is_alike_only_the_offset_is_known() -> None:
    flat = np.full((400, 12), 0.2)
    gain, offset = matched(noisy(flat, 1) + 0.05, noisy(flat, 2))
    assert (gain == 1).all()
    np.testing.assert_allclose(offset, -0.05, atol=0.001)


def scene(values: np.ndarray, west: float, size: float = 10.0, north: float = 1000.0) -> Scene:
    place = Georeference(None, (size, 0.0, west, 0.0, -size, north))
    return Scene.from_array(values.astype(np.float32), NM, georeference=place)


def test_a_chain_of_scenes_is_read_as_the_one_that_most_overlap(spectra: np.ndarray) -> None:
    land = noisy(np.resize(spectra, (20 * 60, 12)).reshape(20, 60, 12), 3)
    scenes = [scene(land[:, at : at + 24] + haze, 10.0 * at) for at, haze in ((0, 0.06), (16, 0.0), (32, 0.03))]
    scenes.append(scene(land[:, :24] + 0.5, 10_000.0))  # meets none of them
    found = footprints(scenes)
    assert found is not None
    grid = common_grid(found)
    assert grid is not None
    result = corrections(scenes, [np.arange(12)] * 4, found, grid)
    assert [one.of for one in result] == [1, None, 1, None]
    np.testing.assert_allclose(result[0].offset + (result[0].gain - 1) * 0.26, -0.06, atol=0.006)
    np.testing.assert_allclose(result[2].offset + (result[2].gain - 1) * 0.23, -0.03, atol=0.006)
    assert not result[1].own and not result[3].own


def test_the_common_grid_meets_the_pixels_of_the_first_scene() -> None:
    first, second = scene(np.ones((4, 5, 12)) * NM, 100.0), scene(np.ones((4, 5, 12)) * NM, 123.0, 10.0, 1015.0)
    found = footprints([first, second])
    assert found is not None
    grid = common_grid(found)
    assert grid == CommonGrid(Georeference(None, (10.0, 0.0, 100.0, 0.0, -10.0, 1020.0)), (6, 8))
    numbers = found[0].numbers(grid, np.arange(6), np.arange(8))
    np.testing.assert_array_equal(numbers[2:, :5], np.arange(20).reshape(4, 5))
    assert (numbers[:2] == -1).all() and (numbers[:, 5:] == -1).all()


def test_pixels_without_data_are_not_shown() -> None:
    values = np.ones((4, 5, 12)) * NM
    values[1, 2] = np.nan
    own = scene(values, 0.0)
    grid = CommonGrid(Georeference(None, (10.0, 0.0, 0.0, 0.0, -10.0, 1000.0)), (4, 5))
    numbers = Footprint(own).numbers(grid, np.arange(4), np.arange(5))
    assert numbers[1, 2] == -1 and (numbers >= 0).sum() == 19


def test_scenes_in_other_reference_systems_meet_on_the_ground() -> None:
    from rasterio.crs import CRS
    from rasterio.warp import transform

    utm, degrees = CRS.from_epsg(32633).to_wkt(), CRS.from_epsg(4326).to_wkt()
    values = (np.ones((40, 40, 12)) * NM).astype(np.float32)
    first = Scene.from_array(values, NM, georeference=Georeference(utm, (10.0, 0, 500_000.0, 0, -10.0, 5_800_000.0)))
    (lon,), (lat,) = transform(CRS.from_wkt(utm), CRS.from_wkt(degrees), [500_000.0], [5_800_000.0])
    step = 1e-4
    second = Scene.from_array(values, NM, georeference=Georeference(degrees, (step, 0, lon, 0, -step, lat)))
    found = footprints([first, second])
    assert found is not None
    grid = common_grid(found)
    assert grid is not None
    both = [one.numbers(grid, np.arange(grid.shape[0]), np.arange(grid.shape[1])) for one in found]
    assert ((both[0] >= 0) & (both[1] >= 0)).sum() > 500
