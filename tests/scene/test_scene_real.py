"""The benchmark scenes, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from special.scene import open_scene
from special.scene.truth import read_truth
from special.settings import load
from special.steps.rgb import RgbSettings, render

SHAPES = {
    "samson": (95, 95, 156),
    "jasper": (100, 100, 198),
    "pavia_subset": (140, 80, 103),
    "pavia_reg": (80, 50, 103),
    "salinasA": (83, 86, 204),
    "indian_subset": (70, 70, 200),
    "berlin_hymap": (100, 67, 111),
    "berlin_enmap": (80, 60, 177),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_benchmark_scene_opens_with_its_truth_and_colours(shared: Path, name: str) -> None:
    place = shared / "scenes" / name
    if name.startswith("berlin"):
        scene = open_scene(place / f"{name}.bsq")
        assert scene.content_hash() == open_scene(place / f"{name}.hdr").content_hash()
        assert scene.georeference is not None and "UTM zone 33N" in (scene.georeference.crs_wkt or "")
    else:
        scene = open_scene(place / f"{name}.mat", wavelengths=place / "wavelengths.csv")
    assert scene.shape == SHAPES[name] and scene.valid.all() and not scene.bad_bands
    assert np.all(np.diff(scene.wavelengths) >= 0) and 370 < scene.wavelengths[0] < 461
    truth = read_truth(place / f"{name}_gt.mat", scene.shape[:2])
    assert truth.max() == len((place / "classes.txt").read_text().splitlines())
    image = render(scene, load().build(RgbSettings))
    assert image is not None and image.shape == (*scene.shape[:2], 3) and image.std(axis=(0, 1)).min() > 20
