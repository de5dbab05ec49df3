"""Features of windows that are kept: whole or not at all, and never more than the folder may hold."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from special.teachers.image_text.kept_features import KeptFeatures

FEATURES = np.arange(2 * 2 * 2 * 3, dtype=np.float16).reshape(2, 2, 2, 3)  # 48 bytes


def keep(folder: Path | None, made_of: object = "a", windows: int = 4, limit: float = 1e6) -> None:
    with KeptFeatures(folder, made_of, windows, limit) as kept:
        assert kept.get(0, 2) is None
        for first in range(0, windows, 2):
            kept.put(first, FEATURES + first)


def found(folder: Path | None, made_of: object = "a", windows: int = 4, limit: float = 1e6) -> np.ndarray | None:
    with KeptFeatures(folder, made_of, windows, limit) as kept:
        return kept.get(0, windows)


def test_what_was_put_is_found_again(tmp_path: Path) -> None:
    keep(tmp_path)
    again = found(tmp_path)
    assert again is not None
    np.testing.assert_array_equal(again, np.concatenate([FEATURES, FEATURES + 2]))
    assert found(tmp_path, "b") is None


def test_half_of_them_are_not_kept(tmp_path: Path) -> None:
    with KeptFeatures(tmp_path, "a", 4, 1e6) as kept:
        kept.put(0, FEATURES)
    assert list(tmp_path.iterdir()) == []


def test_what_an_error_interrupts_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), KeptFeatures(tmp_path, "a", 2, 1e6) as kept:
        kept.put(0, FEATURES)
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_is_damaged_is_not_believed(tmp_path: Path) -> None:
    keep(tmp_path)
    next(tmp_path.iterdir()).write_bytes(b"\x93NUMPY damaged")
    assert found(tmp_path) is None


@pytest.mark.parametrize("limit", [0, 50])
def test_more_than_the_folder_may_hold_is_not_kept(tmp_path: Path, limit: int) -> None:
    keep(tmp_path, limit=limit)
    assert list(tmp_path.iterdir()) == []


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    for age, name in enumerate("cba"):
        keep(tmp_path, name, 2)
        newest = max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (1000 + age, 1000 + age))
    size = newest.stat().st_size
    assert found(tmp_path, "c", 2) is not None  # used again: "b" is the oldest now
    keep(tmp_path, "d", 2, limit=3 * size)
    assert [found(tmp_path, name, 2) is not None for name in "abcd"] == [True, False, True, True]


def test_a_folder_that_cannot_be_written_to_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    keep(tmp_path / "file" / "cache")
    keep(None)
