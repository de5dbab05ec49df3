"""Arrays that lie in files: what is written is read, windows are enough, and memory holds no more than those."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from special.storage.rasters import Raster, ScratchSpace, blocks, pick, positions


@pytest.fixture
def array() -> np.ndarray:
    return np.random.default_rng(0).random((37, 11, 3), dtype=np.float32)


@pytest.fixture
def raster(array: np.ndarray, tmp_path: Path) -> Raster:
    made = Raster.create(tmp_path / "raster.npy", array.shape)
    for rows in blocks(array.shape, most=1000):
        made[rows] = array[rows]
    return made


def test_the_file_is_what_numpy_would_have_saved(array: np.ndarray, raster: Raster, tmp_path: Path) -> None:
    np.save(tmp_path / "saved.npy", array)
    assert raster.path.read_bytes() == (tmp_path / "saved.npy").read_bytes()


def test_a_window_is_a_copy_that_can_be_changed(array: np.ndarray, raster: Raster) -> None:
    window = raster[3:9, 2:5]
    np.testing.assert_array_equal(window, array[3:9, 2:5])
    window[:] = -1
    np.testing.assert_array_equal(raster[:], array)


def test_a_pickled_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([[None]]), allow_pickle=True)
    with pytest.raises(ValueError):
        Raster.open(tmp_path / "objects.npy")


def test_blocks_cover_all_rows_once_and_are_no_larger_than_asked() -> None:
    parts = list(blocks((100, 50, 10), most=2 * 50 * 10 * 4))
    assert [row for part in parts for row in range(100)[part]] == list(range(100))
    assert {part.stop - part.start for part in parts} == {2}


def test_positions_are_those_of_flatnonzero(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.random.default_rng(1).random((400, 301)) < 0.3
    wanted = np.arange(0, mask.sum(), 7)
    monkeypatch.setattr("special.storage.rasters.BLOCK", 1 << 12)
    np.testing.assert_array_equal(positions(mask, wanted), np.flatnonzero(mask)[wanted])
    assert len(positions(mask, np.arange(0))) == 0


def test_picked_pixels_are_the_same_from_a_file(array: np.ndarray, raster: Raster) -> None:
    where = np.array([0, 5, 6, 200, 406])
    np.testing.assert_array_equal(pick(raster, where), array.reshape(-1, 3)[where])
    np.testing.assert_array_equal(pick(raster, where), pick(array, where))


def test_only_what_is_large_goes_into_the_folder(tmp_path: Path) -> None:
    scratch = ScratchSpace(tmp_path / "room", most=1000)
    assert isinstance(scratch.zeros("small", (10, 5, 5)), np.ndarray)
    assert not (tmp_path / "room").exists()
    large = scratch.zeros("large", (10, 5, 6))
    assert isinstance(large, Raster) and not large[:].any()
    assert isinstance(scratch.load(large.path), Raster)
    assert isinstance(ScratchSpace().load(large.path), np.ndarray)
