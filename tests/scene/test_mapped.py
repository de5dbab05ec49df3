"""Blocks of arrays in files: what comes of them, and how much of the file is looked at for it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from special.profiling import peak_megabytes
from special.scene.readers import mapped
from special.scene.readers.mapped import MappedArray


class Npy(MappedArray):
    def __init__(self, path: Path, array: np.ndarray) -> None:
        np.save(path, array)
        self._path = path
        self.shape, self.dtype = array.shape, array.dtype

    def map(self) -> np.ndarray:
        return np.load(self._path, mmap_mode="r")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("most", [1, 100, 1 << 24])
def test_a_block_is_the_same_however_it_is_read(
    order: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped, "_MOST", most)
    values = np.asarray(np.arange(7 * 9 * 11, dtype=">i2").reshape(7, 9, 11), order=order)
    array = Npy(tmp_path / "array.npy", values)
    for block in (
        (slice(1, 6), slice(2, 3), slice(0, 11)),
        (slice(0, 7), slice(4, 4), slice(0, 2)),
        (slice(3, 4),) * 3,
    ):
        np.testing.assert_array_equal(array[block], values[block])
        assert type(array[block]) is np.ndarray and array[block].dtype == values.dtype


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux resets the peak")
def test_few_columns_of_a_wide_scene_take_no_memory_for_all_of_it(tmp_path: Path) -> None:
    array = Npy(tmp_path / "array.npy", np.ones((40, 200, 10_000), np.uint8))
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_megabytes()
    assert array[:, :, 5000:5010].sum() == 40 * 200 * 10
    assert peak_megabytes() - before < 40, "the file has 80"
