"""Scenes read as one are the scenes: their numbers, their gaps, one below the other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from special.errors import SceneError
from special.scene import open_scene
from special.scene.readers.together import GAP

NM = [450.0, 550.0, 650.0]


def write(folder: Path, **changes: object) -> Path:
    """Two scenes of 4 x 5 and 3 x 7 pixels, the second one read with a gain and an offset."""
    rng = np.random.default_rng(0)
    scenes = []
    for name, shape, gain in (("a", (4, 5, 3), 1.0), ("b", (3, 7, 3), 2.0)):
        np.save(folder / f"{name}.npy", rng.random(shape).astype(np.float32) + 1)
        how = {"wavelengths": NM}
        same = {"bands": [0, 1, 2], "gain": [gain] * 3, "offset": [gain - 1] * 3}
        scenes.append({"name": name, "path": str(folder / f"{name}.npy"), "how": how, **same})
    scenes[1] |= changes
    path = folder / "together.json"
    path.write_text(json.dumps({"special": "scenes together", "scenes": scenes}, indent=2) + "\n")
    return path


def test_they_lie_one_below_the_other_with_a_gap(tmp_path: Path) -> None:
    both = open_scene(write(tmp_path))
    first, second = (np.load(tmp_path / f"{name}.npy") for name in "ab")
    assert both.shape == (4 + GAP + 3, 7, 3) and both.format == "scenes together"
    np.testing.assert_array_equal(both.read(slice(0, 4), slice(0, 5)), first)
    np.testing.assert_array_equal(both.read(slice(4 + GAP, None)), second * 2 + 1)
    assert both.valid.sum() == 20 + 21 and not both.valid[4 : 4 + GAP].any() and not both.valid[:4, 5:].any()


def test_a_window_across_both_has_some_of_both(tmp_path: Path) -> None:
    both = open_scene(write(tmp_path))
    window = both.read(slice(3, 4 + GAP + 1), slice(1, 3), bands=[2])
    assert np.isfinite(window[[0, -1]]).all() and np.isnan(window[1:-1]).all()


def test_what_is_in_the_scenes_is_in_the_hash(tmp_path: Path) -> None:
    before = open_scene(write(tmp_path)).content_hash()
    assert open_scene(write(tmp_path)).content_hash() == before
    assert open_scene(write(tmp_path, offset=[0, 0, 0])).content_hash() != before
    path = write(tmp_path)
    np.save(tmp_path / "a.npy", np.load(tmp_path / "a.npy") + 1)
    assert open_scene(path).content_hash() != before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"path": "gone.npy"}, "no such file"),
        ({"gain": [1, 1]}, "lists no scenes to"),
        ({"bands": [0, 1, 7]}, "has other good bands than when"),
    ],
)
def test_a_list_that_no_longer_holds_is_one_line(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(SceneError) as caught:
        open_scene(write(tmp_path, **changes))
    assert "\n" not in str(caught.value) and said in str(caught.value)
