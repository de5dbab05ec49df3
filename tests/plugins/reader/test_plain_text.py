"""The reader by itself, without its entry point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from special_plain_text import PLAINCUBE

from special.errors import SceneError
from special.scene.readers.base import ReadOptions


def test_a_cube_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "scene.txt"
    path.write_text("PLAINCUBE 1 2 3\n450 550 650\n1 2 3\n4 5 6\n")
    assert PLAINCUBE.recognises(path, path.read_bytes())
    source = PLAINCUBE.open(path, ReadOptions())
    assert source.shape == (1, 2, 3)
    np.testing.assert_array_equal(source.wavelengths, [450, 550, 650])
    np.testing.assert_array_equal(source.read_block(slice(0, 1), slice(1, 2), np.arange(3)), [[[4, 5, 6]]])


def test_other_text_is_left_to_others(tmp_path: Path) -> None:
    assert not PLAINCUBE.recognises(tmp_path / "notes.txt", b"PLAIN")


@pytest.mark.parametrize("text", ["", "PLAINCUBE 1 2\n450 550\n1 2\n", "PLAINCUBE 1 2 3\n450 550 650\n1 2 3\n"])
def test_a_damaged_file_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scene.txt"
    path.write_text(text)
    with pytest.raises(SceneError, match="cannot be read as PLAINCUBE") as error:
        PLAINCUBE.open(path, ReadOptions())
    assert "\n" not in str(error.value)
