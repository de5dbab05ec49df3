"""The map in real QGIS: it opens as classes, with their names and colours, without a hand's turn."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.crs import CRS

from special.report.colours import palette
from special.report.exports import write_map
from special.scene import Georeference

pytestmark = pytest.mark.qgis

NAMES = ["Water", "Grass & <herbs>", "Öl", "水"]
PLACE = Georeference(CRS.from_epsg(32633).to_wkt(), (9.0, 0, 391_000, 0, -9.0, 5_820_000))
SCRIPT = Path(__file__).parents[1] / "support" / "in_qgis.py"
# Of the distribution's Python, which has QGIS if any has.
PYTHON = os.environ.get("QGIS_PYTHON", "/usr/bin/python3")


@cache
def has_qgis() -> bool:
    try:
        return subprocess.run([PYTHON, "-c", "import qgis.core"], capture_output=True, timeout=120).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def in_qgis(path: Path) -> dict[str, Any]:
    """What QGIS makes of a raster, in its own Python, without this one's packages."""
    if not has_qgis():
        pytest.skip(f"{PYTHON} has no QGIS: apt-get install python3-qgis, or name another by QGIS_PYTHON")
    around = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "GDAL", "PROJ"))}
    done = subprocess.run(
        [PYTHON, SCRIPT, path],
        capture_output=True,
        text=True,
        timeout=300,
        env={**around, "QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def write(folder: Path, rows: int = 80, cols: int = 60) -> np.ndarray:
    labels = np.arange(rows)[:, None] * 4 // rows * np.ones((1, cols), int)  # a stripe for each class
    valid = np.ones(labels.shape, bool)
    valid[:, 0] = False
    shares = np.eye(4, dtype=np.float32)[labels] * valid[..., None]
    write_map(folder, shares, valid, NAMES, PLACE, reject=0.0, concepts=["water", "grass", "", ""])
    return labels


def test_the_map_opens_as_classes_with_their_names_and_colours(tmp_path: Path) -> None:
    write(tmp_path)
    found = in_qgis(tmp_path / "map.tif")
    colours = [f"#{bytes(rgb).hex()}" for rgb in palette(NAMES, concepts=["water", "grass", "", ""])]
    assert (found["valid"], found["renderer"], found["crs"]) == (True, "paletted", "EPSG:32633")
    assert found["classes"] == [[k, *pair] for k, pair in enumerate(zip(NAMES, colours, strict=True), start=1)]
    assert set(colours) <= set(found["drawn"])


def test_without_the_style_the_colours_are_those_of_the_file(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "map.qml").unlink()
    found = in_qgis(tmp_path / "map.tif")
    assert found["renderer"] == "paletted"
    colours = {value: colour for value, _, colour in found["classes"]}
    for k, rgb in enumerate(palette(NAMES, concepts=["water", "grass", "", ""]), start=1):
        assert colours[k] == f"#{bytes(rgb).hex()}"


def test_the_attribute_table_has_name_count_area_and_concept(tmp_path: Path) -> None:
    write(tmp_path)
    table = in_qgis(tmp_path / "map.tif")["table"]
    assert table["Class"] == ["no data or rejected", *NAMES]
    assert table["Count"] == ["80", *["1180"] * 4]
    assert table["Concept"] == ["", "water", "grass", "", ""]
    assert [float(area) for area in table["Area_m2"]] == [80 * 81, *[1180 * 81] * 4]


def test_a_large_map_has_overviews_there(tmp_path: Path) -> None:
    write(tmp_path, 600, 520)
    assert in_qgis(tmp_path / "map.tif")["overviews"] == 2


def test_the_confidence_opens(tmp_path: Path) -> None:
    write(tmp_path)
    assert in_qgis(tmp_path / "confidence.tif")["renderer"] == "singlebandgray"
